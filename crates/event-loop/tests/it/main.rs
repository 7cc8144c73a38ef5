//! The loop against real sockets, on every backend that this machine permits.
#![allow(clippy::disallowed_methods)]

mod connections;
mod harness;
mod quiet;
mod sockets;
mod wakers;
