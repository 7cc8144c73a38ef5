//! The page of quotas, from the tables of the services.

use std::fmt::Write;

/// The whole page.
pub(crate) fn page() -> String {
    let mut text = HEAD.to_owned();
    for quota in region::quotas() {
        let (name, default, counts) = (quota.name, quota.default, quota.counts);
        let _ = writeln!(text, "| `{name}` | {default} | {counts} | `{}` |", quota.error.code);
    }
    text
}

const HEAD: &str = "\
# Quotas

How many of its things a region may have. `cargo xtask docs` writes this page from the program's own table; a test fails when they
differ. Do not edit it.

    engram --quota nodes-per-cluster=500 --quota subnet-groups=5

sets limits of your own, from 1 to 1,000,000, in place of AWS's defaults. They hold for calls, until the region is started with others:
what is there already stays, also where it is more than the limit. A limit is no promise: a host has the memory, the processes and
the descriptors that it has.

| name | default | what is counted | error |
|---|---|---|---|
";
