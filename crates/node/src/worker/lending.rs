//! Clients that are lent to a helper for a command that takes long ([`crate::helpers`]).
//!
//! Its connection stays here, and so do its place and its number: what is received for it, what it is told and how its connection
//! ends is kept until it is back. It is not heard meanwhile, since it is behind with what it has sent already.

use super::Worker;
use crate::helpers::Helpers;
use command_table::{Locks, Resolved, Run};
use commands::Handler;
use engine::cx::Suspend;
use engine::exec::{self, Next};
use event_loop::Token;
use server::Server;
use session::Client;
use session::pubsub::Delivery;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use supervision::Endpoint;

/// What is kept for a client that is lent.
struct Lent {
    id: u64,
    endpoint: Option<Endpoint>,
    received: Vec<u8>,
    deliveries: Vec<Delivery>,
    /// It is closed when it is back.
    is_over: bool,
}

/// The clients of a worker that are lent.
pub(super) struct Lending {
    helpers: Arc<Helpers>,
    /// Those to be lent at the end of this turn.
    pub(super) wanted: Vec<Token>,
    lent: HashMap<Token, Lent>,
}

impl Lending {
    pub(super) fn new(helpers: Arc<Helpers>) -> Lending {
        Lending { helpers, wanted: Vec::new(), lent: HashMap::new() }
    }

    /// Whether a connection's client is lent.
    pub(super) fn has(&self, token: Token) -> bool {
        self.lent.contains_key(&token)
    }

    /// Keeps what was received for a client that may be lent.
    #[cold]
    pub(super) fn keep(&mut self, token: Token, received: &[u8]) {
        if let Some(lent) = self.lent.get_mut(&token) {
            lent.received.extend_from_slice(received);
        }
    }

    /// Keeps a message for a client that may be lent.
    #[cold]
    pub(super) fn deliver(&mut self, id: u64, delivery: &Delivery) {
        if let Some(lent) = self.lent.values_mut().find(|lent| lent.id == id) {
            lent.deliveries.push(delivery.clone());
        }
    }

    /// The connection of a client that may be lent has failed.
    #[cold]
    pub(super) fn end(&mut self, token: Token) {
        if let Some(lent) = self.lent.get_mut(&token) {
            lent.is_over = true;
        }
    }

    /// An endpoint is closed.
    pub(super) fn end_all_of(&mut self, endpoint: Endpoint) {
        for lent in self.lent.values_mut().filter(|lent| lent.endpoint == Some(endpoint)) {
            lent.is_over = true;
        }
    }
}

/// Whether a request may run without its worker: it is about data, does not wait, and needs no more than some slots.
pub(super) fn can_run_elsewhere(client: &Client, request: &Resolved<'_>) -> bool {
    let Run::Data(data) = request.command.run.run else { return false };
    client.multi.is_none()
        && matches!(data.run, Handler::Plain(_) | Handler::Lengthy(_) | Handler::Partly(_))
        && matches!(request.locks(), Locks::Slots(_))
}

impl Worker {
    /// Lends the clients whose next command takes long. What it had to send is with the event loop by now.
    pub(super) fn lend(&mut self, server: &Server) {
        for token in std::mem::take(&mut self.lending.wanted) {
            let Some((at, client)) = self.client(token) else { continue };
            client.stalled = false;
            if client.closing {
                continue;
            }
            let Some(client) = self.vacate(at) else { continue };
            let lent = Lent {
                id: client.id,
                endpoint: client.endpoint,
                received: Vec::new(),
                deliveries: Vec::new(),
                is_over: false,
            };
            match self.lending.helpers.lend(client, self.number) {
                Ok(()) => {
                    self.io.stop_receiving(token);
                    self.lending.lent.insert(token, lent);
                }
                Err(client) => {
                    self.clients[at] = Some(client);
                    self.close(server, at);
                }
            }
        }
    }

    /// Takes back the clients whose commands have run.
    pub(super) fn take_back(&mut self, server: &Server) {
        if self.lending.lent.is_empty() {
            return;
        }
        for (mut client, next) in self.lending.helpers.take_back(self.number) {
            let token = client.token;
            let Some(lent) = self.lending.lent.remove(&token) else { continue };
            let at = token.index();
            client.inbuf.extend_from_slice(&lent.received);
            client.dirty = false;
            let is_over = lent.is_over
                || client.shared.killed.load(Ordering::Relaxed)
                || (!server.access.is_current(&client) && !server.access.follow(&mut client));
            // Should it be behind still, that is found out when its requests have run.
            client.throttled = false;
            self.io.start_receiving(token);
            self.active_ms = self.local.now_ms;
            self.clients[at] = Some(client);
            if is_over {
                self.close(server, at);
                continue;
            }
            self.after(server, at, next);
            // It was registered for the helper.
            self.look |= next == Next::Stall(Suspend::Capture);
            if let Some(client) = &mut self.clients[at] {
                lent.deliveries.iter().for_each(|delivery| exec::deliver(client, delivery));
            }
            self.parse_next(at);
            self.mark_dirty(at);
        }
    }
}
