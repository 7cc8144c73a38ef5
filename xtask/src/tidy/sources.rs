//! Rules for Rust sources.

use super::{Complaint, File};
use crate::metadata::Member;

/// Where unsafe code may be: a folder or file below `crates`, and why it has to be there.
const UNSAFE_KERNELS: &[(&str, &str)] = &[
    (
        "memory/",
        "the allocator's own interface, the counters that every thread keeps in its thread-local block, and slabs",
    ),
    ("table/", "the hash table and its entries: one allocation an entry, buckets of one cache line"),
    ("keyspace/src/slots.rs", "cells that a slot's own lock guards, in place of a mutex for each"),
    ("keyspace/src/reclaim.rs", "hands replaced tables to a thread that frees them"),
    ("keyspace/src/lock.rs", "loom's cells in the models of the slot lock"),
    ("keyspace/src/gate.rs", "loom's cells in the models of the gate"),
    ("event-loop/", "io_uring, epoll and their buffers"),
];

/// Longest source file without a stated reason.
const MAX_LINES: usize = 800;
/// How the reason starts.
const LONGER_BECAUSE: &str = "// Longer than 800 lines because ";

/// What must not be in a source, and why. Split in two so that this list does not match itself.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("todo", "!(", "unfinished code is not committed"),
    ("unimplemented", "!(", "unfinished code is not committed"),
    ("dbg", "!(", "left over from debugging"),
    ("allow(dead", "_code", "code that nothing calls is removed"),
];

/// Macros that panic when the reader of the standard output or error is gone, and block on a slow one.
const PRINTS: [&str; 4] = ["print", "println", "eprint", "eprintln"];
/// Crates that are not part of the product: they print for their user, and may end with their reader.
const MAY_PRINT: &[&str] = &["command-tests", "conformance", "bench"];
/// Hashers whose results a client can predict. Only the hashing crate may use them.
const FORESEEABLE: &[(&str, &str)] = &[
    ("fold", "hash"),
    ("a", "hash::"),
    ("rustc_", "hash"),
    ("fx", "hash"),
    ("BuildHasher", "Default"),
    ("DefaultHasher", "::"),
    ("Sip", "Hasher"),
];
/// A hasher with a known key, which only tests and measurements may use.
const FIXED_KEY: &[(&str, &str)] = &[("Hasher::", "fixed("), ("Hasher::", "colliding(")];

/// Calls that write to a disk or rename files. Only the file layer makes them, so that all writes are in one place.
const WRITES: &[&str] = &[
    "OpenOptions",
    "OFlags",
    "File::create",
    "File::options",
    "fs::write(",
    "fs::rename(",
    "fs::copy(",
    "fs::hard_link(",
    ".sync_all(",
    ".sync_data(",
];
/// Exceptions that may write files: a folder or file, and why.
const MAY_WRITE: &[(&str, &str)] = &[
    ("crates/files/", "the layer itself"),
    ("crates/conformance/", "no product: transcripts and what servers beside us need"),
    ("crates/bench/", "no product: reports and logs of what is measured"),
    ("xtask/", "no product: chores"),
    ("crates/region/src/blocks.rs", "locks that all users of the host share, opened without following links"),
];

/// Comparisons with a command's name, which miss a new command that behaves alike. Use the spec's flags.
const NAMES: &[(&str, &str)] = &[
    ("", "spec.name == \""),
    ("", "spec.name != \""),
    ("", "spec.name.starts_with("),
    ("", "spec.name.ends_with("),
    ("match ", "spec.name {"),
    ("matches!(", "spec.name,"),
];

/// Judges one file.
pub(super) fn check(file: &File) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut complain = |line: usize, what: &str| complaints.push(format!("{}:{line}: {what}", file.path));
    let length = file.text.lines().count();
    if length > MAX_LINES && !file.text.contains(LONGER_BECAUSE) {
        complain(length, &format!("longer than {MAX_LINES} lines without a line `{LONGER_BECAUSE}…`"));
    }
    let mut in_tests = false;
    for (at, line) in file.text.lines().enumerate() {
        let code = code_of(line);
        for (start, end, why) in FORBIDDEN {
            if code.contains(&[*start, *end].concat()) {
                complain(at + 1, &format!("{start}{end}: {why}"));
            }
        }
        if prints(code) && is_product(&file.path) {
            complain(at + 1, "printed past `output`: it panics when the reader is gone");
        }
        if !file.path.starts_with("crates/hashing/") {
            let is_test = in_tests || is_test_file(&file.path);
            let fixed = FIXED_KEY.iter().filter(|_| !is_test);
            for (start, end) in FORESEEABLE.iter().chain(fixed) {
                if code.contains(&[*start, *end].concat()) {
                    complain(
                        at + 1,
                        &format!("{start}{end}: bytes of clients are hashed by hashing::Hasher alone"),
                    );
                }
            }
        }
        if !in_tests && !is_test_file(&file.path) && !may_write(&file.path) {
            for call in WRITES.iter().filter(|call| code.contains(**call)) {
                complain(at + 1, &format!("{call}: bytes reach a disk by the crate `files` alone"));
            }
        }
        if is_product(&file.path) && !in_tests && !is_test_file(&file.path) && asks_for_a_name(code) {
            complain(at + 1, "what a command does to requests stands in its spec's `behaviour`");
        }
        in_tests |= line.contains("#[cfg(") && line.contains("test");
        if line.contains('\t') {
            complain(at + 1, "a tab");
        }
        if uses_unsafe(code) && !may_be_unsafe(&file.path) {
            complain(at + 1, "unsafe code outside the kernels that xtask/src/tidy/sources.rs names");
        }
    }
    complaints
}

/// A crate that is not a kernel forbids unsafe code at its root.
pub(super) fn check_crates(files: &[File], members: &[Member]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for member in members {
        let folder = member.dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_kernel = UNSAFE_KERNELS.iter().any(|(place, _)| place.split('/').next() == Some(&folder));
        for root in ["src/lib.rs", "src/main.rs"] {
            let suffix = format!("{folder}/{root}");
            let Some(file) = files.iter().find(|file| file.path.ends_with(&suffix)) else { continue };
            if !is_kernel && !file.text.contains("#![forbid(unsafe_code)]") {
                complaints.push(format!("{}:1: #![forbid(unsafe_code)] is missing", file.path));
            }
        }
    }
    complaints
}

/// The line without its comment. A `//` inside a string cuts too much, which only makes the rules more lenient.
fn code_of(line: &str) -> &str {
    line.split("//").next().unwrap_or(line)
}

fn uses_unsafe(code: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '"';
    code.match_indices("unsafe")
        .any(|(at, word)| !code[..at].ends_with(is_name) && !code[at + word.len()..].starts_with(is_name))
}

fn prints(code: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    PRINTS.iter().any(|name| {
        let call = format!("{name}!");
        code.match_indices(&call).any(|(at, _)| !code[..at].ends_with(is_name))
    })
}

fn asks_for_a_name(code: &str) -> bool {
    NAMES.iter().any(|(start, end)| code.find(start).is_some_and(|at| code[at + start.len()..].contains(end)))
}

/// Whether a file is a source of the product: tests, examples and benchmarks are not.
fn is_product(path: &str) -> bool {
    let Some((folder, rest)) = path.strip_prefix("crates/").and_then(|path| path.split_once('/')) else {
        return false;
    };
    rest.starts_with("src/") && !MAY_PRINT.contains(&folder)
}

/// Whether a file is part of tests, benchmarks or examples only.
fn is_test_file(path: &str) -> bool {
    ["/tests/", "/benches/", "/examples/"].iter().any(|folder| path.contains(folder))
        || path.ends_with("_tests.rs")
        || path.ends_with("/tests.rs")
}

fn may_write(path: &str) -> bool {
    MAY_WRITE.iter().any(|(place, _)| path.starts_with(place))
}

fn may_be_unsafe(path: &str) -> bool {
    path.strip_prefix("crates/")
        .is_some_and(|path| UNSAFE_KERNELS.iter().any(|(place, _)| path.starts_with(place)))
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    fn complaints(path: &str, text: &str) -> usize {
        check(&file(path, text)).len()
    }

    #[test]
    fn unsafe_code_stays_in_the_kernels() {
        let code = ["uns", "afe { f() }"].concat();
        assert_eq!(complaints("crates/node/src/lib.rs", &code), 1);
        assert_eq!(complaints("crates/table/src/bucket.rs", &code), 0);
        assert_eq!(complaints("crates/node/src/lib.rs", "#![forbid(unsafe_code)] // nothing unsafe here"), 0);
    }

    #[test]
    fn unfinished_code_is_found_and_comments_may_speak_of_it() {
        let code = ["to", "do!()"].concat();
        assert_eq!(complaints("a.rs", &code), 1);
        assert_eq!(complaints("a.rs", &format!("// {code}")), 0);
        assert_eq!(complaints("a.rs", &["#[allow(dead", "_code)]"].concat()), 1);
        assert_eq!(complaints("a.rs", "\tf();"), 1);
    }

    #[test]
    fn the_product_prints_by_its_own_module_alone() {
        for code in ["println!(\"a\");", "    std::eprint!(\"a\")", "x => eprintln!()"] {
            assert_eq!(complaints("crates/engram/src/serve.rs", code), 1, "{code}");
            for path in ["xtask/src/main.rs", "crates/bench/src/main.rs", "crates/node/tests/it/main.rs"] {
                assert_eq!(complaints(path, code), 0, "{path}");
            }
        }
        assert_eq!(complaints("crates/engram/src/serve.rs", "// println!() panics"), 0);
        assert_eq!(complaints("crates/engram/src/serve.rs", "console::print(text)"), 0);
    }

    #[test]
    fn hashing_that_can_be_foreseen_is_found() {
        let code = ["use fold", "hash::fast::FixedState;"].concat();
        assert_eq!(complaints("crates/server-commands/src/pubsub.rs", &code), 1);
        assert_eq!(complaints("crates/hashing/src/lib.rs", &code), 0);
        assert_eq!(complaints("a.rs", &["HashMap<K, V, BuildHasher", "Default<H>>"].concat()), 1);
        assert_eq!(complaints("a.rs", "use std::hash::{BuildHasher, RandomState};"), 0);
        let fixed = ["Hasher::", "fixed(1)"].concat();
        assert_eq!(complaints("crates/server/src/server.rs", &fixed), 1);
        assert_eq!(
            complaints("crates/server/src/server.rs", &format!("#[cfg(test)]\nmod tests {{ {fixed} }}")),
            0
        );
        assert_eq!(complaints("crates/table/tests/it/main.rs", &fixed), 0);
    }

    #[test]
    fn bytes_reach_a_disk_by_the_file_layer_alone() {
        for code in [
            "std::fs::write(path, text)?;",
            "let file = File::create(&path)?;",
            "use std::fs::{File, OpenOptions};",
            "fs::rename(&temporary, &path)?;",
            "file.sync_all()?;",
        ] {
            assert_eq!(complaints("crates/node/src/log.rs", code), 1, "{code}");
            for path in ["crates/files/src/disk.rs", "xtask/src/install.rs", "crates/node/tests/it/main.rs"] {
                assert_eq!(complaints(path, code), 0, "{path}");
            }
            let test = format!("#[cfg(test)]\nmod tests {{\n{code}\n}}");
            assert_eq!(complaints("crates/node/src/log.rs", &test), 0);
        }
        assert_eq!(complaints("crates/node/src/log.rs", "File::open(path)?; // not fs::write()"), 0);
    }

    #[test]
    fn commands_are_not_told_apart_by_name() {
        for code in [
            "if command.spec.name == \"exec\" {",
            "match request.command.spec.name {",
            "matches!(command.spec.name, \"exec\")",
            "command.spec.name.ends_with(\"subscribe\")",
        ] {
            assert_eq!(complaints("crates/engine/src/exec.rs", code), 1, "{code}");
            assert_eq!(complaints("crates/engine/tests/it/main.rs", code), 0, "{code}");
        }
        assert_eq!(complaints("crates/engine/src/exec.rs", "matches!(spec.keys, [keys]) && f(spec.name)"), 0);
    }

    #[test]
    fn a_long_file_says_why() {
        let long = "f();\n".repeat(MAX_LINES + 1);
        assert_eq!(complaints("a.rs", &long), 1);
        assert_eq!(complaints("a.rs", &format!("{LONGER_BECAUSE}it is a table.\n{long}")), 0);
    }

    #[test]
    fn a_crate_that_is_no_kernel_forbids_unsafe_code() {
        let member = Member { name: "node".to_owned(), dir: "crates/node".into(), dependencies: Vec::new() };
        let members = [member];
        assert_eq!(check_crates(&[file("crates/node/src/lib.rs", "")], &members).len(), 1);
        assert_eq!(
            check_crates(&[file("crates/node/src/lib.rs", "#![forbid(unsafe_code)]")], &members).len(),
            0
        );
    }
}
