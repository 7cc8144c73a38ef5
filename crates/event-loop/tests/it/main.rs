//! The loop against real sockets, on every backend that this machine permits.
#![allow(clippy::disallowed_methods)]

mod connections;
mod harness;
mod sockets;
mod wakers;
