//! The first phase of a turn, and what it leaves: bytes are framed to requests, and those that were not executed go to their
//! clients' own buffers.

use super::{Entry, Worker};
use crate::limits;
use crate::locating::Places;
use command_spec::Behaviour;
use command_table::Command;
use resp::{Args, Parsed, Request};
use server::Server;
use session::{Client, Source};
use std::ops::Range;

/// Requests of one client that a turn takes: the others get their turn.
const REQUESTS_PER_TURN: usize = 512;

impl Worker {
    /// Has a client's bytes framed in the next turn, or later in this one.
    pub(super) fn parse_next(&mut self, at: usize) {
        if let Some(client) = &mut self.clients[at]
            && !client.listed
        {
            client.listed = true;
            self.next_parse.push(at);
        }
    }

    /// Frames the requests of all clients with bytes, and starts bringing their keys' slots into the cache.
    pub(super) fn parse_all(&mut self, server: &Server) {
        let mut parse = std::mem::take(&mut self.parse);
        // Those left over from the last turn come first: they have waited longer.
        let mut left = std::mem::take(&mut self.next_parse);
        left.append(&mut parse);
        debug_assert!(
            left.iter().enumerate().all(|(n, at)| !left[..n].contains(at)),
            "a client is listed twice"
        );
        for &at in &left {
            self.parse_client(server, at);
        }
        left.clear();
        self.parse = left;
    }

    pub(super) fn parse_client(&mut self, server: &Server, at: usize) {
        let Worker { io, clients, args, batch, places, next_parse, local, touched, .. } = self;
        let Some(client) = clients[at].as_deref_mut() else { return };
        client.listed = false;
        touched.push(at);
        if !client.is_runnable() {
            return;
        }
        if client.source == Source::None && !client.inbuf.is_empty() {
            client.source = Source::Own;
        }
        let limits = resp::Limits {
            max_bulk_len: local.settings.proto_max_bulk_len_bytes as i64,
            authenticated: client.authenticated,
            ..resp::Limits::default()
        };
        let buffer = match client.source {
            Source::None => return,
            Source::Received(buf) => io.received(buf),
            Source::Own => &client.inbuf,
        };
        let mut start = if client.source == Source::Own { client.skip } else { 0 };
        client.consumed = start;
        client.parsed = start;
        for _ in 0..REQUESTS_PER_TURN {
            match client.parser.parse(&buffer[start..], &limits, args) {
                Ok(Parsed::Request(request)) => {
                    let (command, keys) = locate(server, client, places, args, &request, &buffer[start..]);
                    let stop = parse_stops_at(client, command);
                    batch.push(Entry { client: at, token: client.token, request, start, command, keys });
                    start += request.consumed;
                    client.parsed = start;
                    if stop {
                        // What follows is framed under what this command decides.
                        next_parse.push(at);
                        client.listed = true;
                        return;
                    }
                }
                Ok(Parsed::Skip { consumed }) => {
                    start += consumed;
                    client.parsed = start;
                    if batch.last().is_none_or(|entry| entry.client != at) {
                        client.consumed = start;
                    }
                }
                Ok(Parsed::Incomplete { .. }) => return,
                Err(error) => {
                    // The error comes again, and is answered, once what came before has run.
                    let nothing_before = batch.last().is_none_or(|entry| entry.client != at);
                    if nothing_before {
                        limits::protocol_error(server, local, client, error);
                        self.mark_dirty(at);
                    } else {
                        next_parse.push(at);
                        client.listed = true;
                    }
                    return;
                }
            }
        }
        next_parse.push(at);
        client.listed = true;
    }

    /// Moves what was not executed to the clients' own buffers, since receive buffers go back now.
    pub(super) fn settle(&mut self, server: &Server) {
        let Worker { io, clients, args, touched, local, .. } = self;
        let mut too_much = Vec::new();
        for at in touched.drain(..) {
            let Some(client) = clients[at].as_deref_mut() else { continue };
            if client.consumed != client.parsed {
                // What was framed behind the last executed request is framed again, from its start.
                client.parser = resp::Parser::new();
            }
            match client.source {
                Source::None => continue,
                Source::Received(buf) => {
                    let rest = &io.received(buf)[client.consumed..];
                    if !rest.is_empty() && !client.closing {
                        client.inbuf.extend_from_slice(rest);
                    }
                }
                Source::Own => limits::consume(client),
            }
            client.source = Source::None;
            (client.consumed, client.parsed) = (0, 0);
            client.outbox.allowance().note_input(client.backlog() as u64);
            if !client.closing {
                limits::throttle(io, client);
            }
            if limits::query_exceeded(server, local, client) {
                too_much.push(at);
            }
        }
        args.clear();
        for at in too_much {
            self.close(server, at);
        }
    }
}

/// Finds a request's command, and the places of its keys if they are to be prefetched.
#[inline]
fn locate(
    server: &Server,
    client: &Client,
    places: &mut Places,
    args: &Args,
    request: &Request,
    buffer: &[u8],
) -> (Result<&'static Command, ()>, Range<usize>) {
    let name = args.get(request, buffer, 0);
    let Some(mut command) = server.commands.get(name) else { return (Err(()), places.none()) };
    if !command.subcommands.is_empty() && request.count > 1 {
        match command.subcommand(args.get(request, buffer, 1)) {
            Some(sub) => command = sub,
            None => return (Err(()), places.none()),
        }
    }
    // Places say nothing of the database, but what is prefetched is the first one's.
    let keys =
        if client.db == 0 { places.find(server, command, args, request, buffer) } else { places.none() };
    (Ok(command), keys)
}

/// Whether what follows a command must not be framed before it has run: limits differ after authentication, and a replica's
/// link or a closed connection takes no requests.
fn parse_stops_at(client: &Client, command: Result<&'static Command, ()>) -> bool {
    let Ok(command) = command else { return false };
    let behaviour = command.spec.behaviour;
    behaviour.contains(Behaviour::ENDS_FRAMING)
        || (behaviour.contains(Behaviour::AUTHENTICATES) && !client.authenticated)
}
