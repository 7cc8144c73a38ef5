//! Connections that wait for other threads.

use crate::shared::Shared;

/// A client that waited for another thread is gone.
pub(crate) fn forget_wait(_shared: &Shared, _client: u64) {}

/// CLIENT UNBLOCK, or the deadline, of a client that waits for another thread.
pub(crate) fn end_wait(_shared: &Shared, _client: u64, _error: bool) {}
