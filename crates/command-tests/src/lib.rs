//! What is asked of every family of data commands, for the tests of the families.
//!
//! A family's `tests/it/main.rs` says [`family!`], which makes tests of all that can be asked without knowing the family, and
//! beside it has what is written for its commands: their cases of [`cost`] and [`effort`], and whatever else is true of them alone.
//!
//! [`Session`] is a client with its node in one process, without threads or sockets. It has all data commands, not only the
//! family's: transcripts need some of others. [`Peer`] is a real redis-server, where one is installed.

#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods)] // tests read transcripts, ask for the time, and talk to a redis-server

pub mod cost;
pub mod effects;
pub mod effort;
pub mod endless;
pub mod growth;
mod peer;
pub mod printed;
pub mod published;
mod session;
pub mod specs;
pub mod transcripts;

pub use peer::{Client, Peer};
pub use session::{NOON_MS, Session};

/// Makes the tests that every family has, from its commands, the values that these are for, and the names of some whose replies
/// grow with such a value: [`endless::check`] takes the latter two.
#[macro_export]
macro_rules! family {
    ($commands:expr, [$($values:literal),*], [$($surely:literal),*]) => {
        /// Where the commands and their transcripts are.
        const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

        #[test]
        fn every_command_says_what_it_does() {
            $crate::specs::check_descriptions($commands);
        }

        #[test]
        fn key_specs_fit_arity_need_and_flags() {
            $crate::specs::check_keys($commands);
        }

        #[test]
        fn what_blocks_says_what_it_waits_for() {
            $crate::specs::check_waiting($commands);
        }

        #[test]
        fn specs_say_what_redis_server_says() {
            $crate::published::check($commands);
        }

        #[test]
        fn every_command_has_a_transcript() {
            $crate::transcripts::check_all_are_there(SOURCES, $commands);
        }

        #[test]
        fn replies_are_those_that_were_recorded() {
            $crate::transcripts::check(SOURCES);
        }

        #[test]
        fn effects_are_those_of_redis_server() {
            $crate::effects::check(SOURCES);
        }

        #[test]
        fn no_command_goes_on_after_its_reply_was_cut_off() {
            $crate::endless::check($commands, &[$($values),*], &[$($surely),*]);
        }
    };
}
