//! From source to code: one pass, as the parser goes.
//!
//! `lexer` makes tokens, `parser` and `expressions` read the grammar and tell `emit` what to write, `scope` knows the
//! names that are visible. `code` is the result, and `names` explains it in messages.

pub(crate) mod code;
mod emit;
mod expressions;
mod jumps;
pub(crate) mod lexer;
pub(crate) mod names;
pub(crate) mod parser;
mod scope;

pub(crate) use emit::compute as emit_compute;
