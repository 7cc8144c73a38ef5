//! The cases, one file each, and their one list.
//!
//! A case prepares a subject (starts it, loads its keys) and returns a closure that measures it once. All subjects are
//! prepared first and stay up while they are measured in turns; an idle server takes next to no time from the others.

mod blocked;
mod idle;
mod large;
mod large_value;
mod memory;
mod peers;
mod redis_benchmark;
mod replica;
mod request;
mod save;

use anyhow::Result;

pub(crate) use peers::ALL as PEERS;

use crate::report::Figure;
use crate::subject::Setting;

/// Measures a prepared subject once.
pub(crate) type Measure = Box<dyn FnMut() -> Result<Vec<Figure>>>;

/// A benchmark.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// One line, with what is aimed at.
    pub(crate) about: &'static str,
    pub(crate) prepare: fn(&Setting) -> Result<Measure>,
}

/// In the order in which they run.
pub(crate) const ALL: &[Case] = &[
    request::CASE,
    redis_benchmark::CASE,
    large::CASE,
    replica::CASE,
    memory::CASE,
    idle::CASE,
    save::CASE,
    large_value::CASE,
    blocked::CASE,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_file_names_and_differ() {
        let all: Vec<&Case> = ALL.iter().chain(PEERS).collect();
        for (place, case) in all.iter().enumerate() {
            assert!(
                case.name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{}",
                case.name
            );
            assert!(all[..place].iter().all(|other| other.name != case.name), "{}", case.name);
        }
    }
}
