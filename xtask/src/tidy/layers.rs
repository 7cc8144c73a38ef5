//! A crate depends only on crates that stand above its own line in the root's list of members. Dependencies of tests
//! alone are not restricted: nothing depends on a test binary, so it cannot reverse the order.

use super::Complaint;
use crate::metadata::Member;

pub(super) fn check(members: &[Member]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (place, member) in members.iter().enumerate() {
        for below in &members[place..] {
            if member.dependencies.contains(&below.name) {
                let (name, other) = (&member.name, &below.name);
                complaints
                    .push(format!("Cargo.toml: {name} depends on {other}, which does not stand above it"));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, dependencies: &[&str]) -> Member {
        let dependencies = dependencies.iter().map(|name| name.to_string()).collect();
        Member { name: name.to_owned(), dir: name.into(), dependencies }
    }

    #[test]
    fn dependencies_point_upwards_only() {
        assert!(check(&[member("low", &["libc"]), member("high", &["low", "libc"])]).is_empty());
        let complaints = check(&[member("low", &["high"]), member("high", &["low"])]);
        assert_eq!(complaints, ["Cargo.toml: low depends on high, which does not stand above it"]);
    }
}
