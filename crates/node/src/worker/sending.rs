//! The last phase of a turn: replies go to the event loop, and the stream to replicas.

use super::Worker;
use crate::limits;
use engine::stats::Counter;
use replica_threads::outlet::SEND_EVERY;
use server::Server;
use session::outbox::AHEAD_BYTES;
use std::sync::atomic::Ordering;

/// A longer reply's end is awaited: a socket may have no room for it.
const QUIET_BYTES: usize = 64 * 1024;
/// Buffers kept for replies, and the bytes that they may have together.
const SPARE_BUFFERS: usize = 64;
const SPARE_BYTES: usize = 4 << 20;

/// Buffers that clients write their replies to. One that has been sent serves whoever writes next: it is still in the cache, and
/// as large as replies are.
#[derive(Debug, Default)]
pub(super) struct Spare {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

impl Spare {
    /// Keeps an empty buffer, if there is room for it.
    pub(super) fn keep(&mut self, buffer: Vec<u8>) {
        let bytes = buffer.capacity();
        if bytes > 0 && self.buffers.len() < SPARE_BUFFERS && self.bytes + bytes <= SPARE_BYTES {
            self.bytes += bytes;
            self.buffers.push(buffer);
        }
    }

    /// The buffer that was sent last; one without memory if there is none.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let buffer = self.buffers.pop().unwrap_or_default();
        self.bytes -= buffer.capacity();
        buffer
    }
}

impl Worker {
    pub(super) fn keep_spare(&mut self, buffer: Vec<u8>) {
        self.spare.keep(buffer);
    }

    pub(super) fn mark_dirty(&mut self, at: usize) {
        if let Some(client) = &mut self.clients[at]
            && !client.dirty
        {
            client.dirty = true;
            self.dirty.push(at);
        }
    }

    /// Sends the stream to replicas if it is time.
    pub(super) fn send_stream(&mut self, server: &Server) {
        if server.stream.gathered() == 0 {
            self.unsent_since = None;
        } else if self.unsent_since.get_or_insert(self.local.clock).elapsed() >= SEND_EVERY {
            self.unsent_since = None;
            server.replicas.send();
        } else {
            server.replicas.send_much();
        }
    }

    /// Hands all replies to the event loop.
    pub(super) fn send_all(&mut self, server: &Server) {
        let committed = server.committed.load(Ordering::Acquire);
        if committed != self.committed {
            self.committed = committed;
            std::mem::take(&mut self.held).into_iter().for_each(|at| self.mark_dirty(at));
        }
        let dirty = std::mem::take(&mut self.dirty);
        let mut unfinished = Vec::new();
        for &at in &dirty {
            let Some(client) = self.clients[at].as_deref_mut() else { continue };
            client.dirty = false;
            let mut in_flight = false;
            let spare = &mut self.spare;
            if let Some(out) = client.outbox.take(committed, || spare.take()) {
                server.stats.add(self.number, Counter::Writes, 1);
                self.handed_bytes += out.len();
                let is_awaited = client.closing || !client.outbox.has_no_rests();
                if is_awaited || out.len() > QUIET_BYTES || self.io.pending_bytes(client.token) > 0 {
                    self.io.send(client.token, out);
                } else {
                    // Nothing waits for it to be through: it counts as sent until the kernel says that it has no room.
                    self.io.send_quietly(client.token, out);
                    in_flight = client.outbox.is_empty();
                }
            }
            let pending = self.io.pending_bytes(client.token);
            let refused = self.io.refused_bytes(client.token);
            let counted = if in_flight { 0 } else { pending };
            client.outbox.allowance().settle(counted, refused > 0, client.written_bytes());
            if (client.closing && pending == 0 && client.outbox.is_empty())
                || limits::output_exceeded(server, &self.local, client, pending, refused)
            {
                self.close(server, at);
            } else if !client.outbox.has_no_rests() && pending < AHEAD_BYTES {
                unfinished.push(at);
            } else if client.outbox.is_held() {
                self.held.insert(at);
            }
        }
        let mut dirty = dirty;
        dirty.clear();
        self.dirty = dirty;
        unfinished.into_iter().for_each(|at| self.mark_dirty(at));
    }

    /// Sends the next piece of each reply that is written in pieces, unless its client has yet to take what it got. Not
    /// before all requests of the turn have run: those behind the last piece come after it.
    pub(super) fn send_pieces(&mut self, server: &Server) {
        let committed = server.committed.load(Ordering::Acquire);
        let Worker { io, clients, spare, local, next_parse, dirty, .. } = self;
        for &at in dirty.iter() {
            let Some(client) = clients[at].as_deref_mut() else { continue };
            if client.outbox.has_no_rests() || io.pending_bytes(client.token) >= AHEAD_BYTES {
                continue;
            }
            let spare = || spare.take();
            let Some(piece) = client.outbox.take_piece(committed, client.proto, spare) else { continue };
            server.stats.add(local.thread, Counter::Writes, 1);
            io.send(client.token, piece);
            // It is not idle while it reads.
            client.shared.active_ms.store(local.now_ms, Ordering::Relaxed);
            if client.outbox.has_no_rests() && !client.listed {
                client.listed = true;
                next_parse.push(at);
            }
        }
    }
}
