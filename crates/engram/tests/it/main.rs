//! The program from outside: what it prints, what it answers to signals, and how it ends.

// Tests own processes and files.
#![allow(clippy::disallowed_methods)]

mod bench;
mod default_run;
mod lost_output;
mod node;
mod process;
