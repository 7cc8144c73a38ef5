//! The agent with processes that behave as nodes do, or do not. Everything waits for reports.
#![allow(clippy::disallowed_methods)]

mod lives;
mod measuring;
mod steps;
mod support;
