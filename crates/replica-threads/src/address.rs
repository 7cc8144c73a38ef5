//! The address at which the node is reached.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

/// The address of a managed node, which a link over a Unix socket does not show. Who listens sets it.
#[derive(Debug, Default)]
pub struct OwnAddress(Mutex<Option<SocketAddr>>);

impl OwnAddress {
    /// The address, while the node listens there.
    pub fn get(&self) -> Option<SocketAddr> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The node listens there, or nowhere any more.
    pub fn set(&self, address: Option<SocketAddr>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }
}
