//! Clients that wait, and how their waits end.

use super::Worker;
use engine::cx::Suspend;
use engine::exec;
use engine::waits;
use server::Server;
use session::{Answer, Ended, Message, TimeoutReply, WaitFor, flag};
use std::sync::atomic::Ordering;

impl Worker {
    /// The answer to a blocked client.
    pub(super) fn answer(&mut self, answer: &Answer) {
        let Some(&at) = self.by_id.get(&answer.client) else { return };
        let Some(client) = &mut self.clients[at] else { return };
        if client.blocked.as_ref().is_none_or(|blocked| blocked.wait != answer.wait) {
            return;
        }
        if client.reply == session::ReplyMode::On {
            client.outbox.append(&answer.reply);
        }
        if answer.position > 0 {
            client.wrote(answer.position, self.server.committed.load(Ordering::Acquire));
        }
        self.resume(at, answer.ended);
    }

    /// The wait of a client is over.
    pub(super) fn resume(&mut self, at: usize, ended: Ended) {
        let Some(client) = &mut self.clients[at] else { return };
        let Some(blocked) = client.blocked.take() else { return };
        client.shared.set_flag(flag::BLOCKED, false);
        *client.shared.waits_for.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
        if ended == Ended::Refused {
            self.server.stats.error(self.local.thread, &"UNBLOCKED");
        }
        if let Some(begun) = &blocked.begun {
            waits::end(&self.server, &self.local, client, begun, ended);
        }
        let id = client.id;
        self.parse_next(at);
        self.server.clients.add_blocked(-1);
        self.unschedule(id, blocked.deadline_ms);
        self.mark_dirty(at);
    }

    /// CLIENT UNBLOCK, or the end of a timeout.
    pub(super) fn unblock(&mut self, id: u64, error: bool) {
        let Some(&at) = self.by_id.get(&id) else { return };
        let Some(client) = &mut self.clients[at] else { return };
        let Some(blocked) = &client.blocked else { return };
        match &blocked.on {
            // Somebody is serving it: either the answer is on the way, or it will wait on and is asked again.
            WaitFor::Key(ticket) if !ticket.cancel() => {
                let soon_ms = self.local.now_ms + 1;
                if error {
                    self.server.mailboxes[self.number].post(Message::Unblock { client: id, error });
                } else if let Some(blocked) = &mut client.blocked {
                    // Noted in the wait as well: with the wait its deadline goes.
                    let before_ms = blocked.deadline_ms.replace(soon_ms);
                    self.unschedule(id, before_ms);
                    self.deadlines.insert((soon_ms, id));
                }
                return;
            }
            WaitFor::Key(_) => {}
            WaitFor::Elsewhere => return replica_threads::link::end_wait(&self.server.replicas, id, error),
        }
        let timeout = blocked.timeout;
        if error {
            client.writer().error("UNBLOCKED client unblocked via CLIENT UNBLOCK");
        } else if timeout == TimeoutReply::Null {
            client.writer().null();
        } else {
            client.writer().null_array();
        }
        self.resume(at, if error { Ended::Refused } else { Ended::Over });
    }

    /// Tries clients again whose command could not run.
    pub(super) fn retry_stalled(&mut self, server: &Server) {
        self.look = false;
        self.paused_until_ms = None;
        let stalled = std::mem::take(&mut self.stalled);
        for at in stalled {
            if let Some(client) = &mut self.clients[at]
                && client.stalled
            {
                client.stalled = false;
                client.shared.set_flag(flag::PAUSED, false);
                self.parse_next(at);
            }
        }
        if !self.local.unserved.is_empty() {
            exec::serve_unserved(server, &mut self.local);
            self.local.leave(server);
            self.deliver_own();
        }
    }

    /// Makes sure that this worker is told when a stalled command may run.
    pub(super) fn register(&mut self, server: &Server, why: Suspend) {
        let thread = self.number;
        let held = match why {
            Suspend::Gate => self.local.standing.wait(&*server.keyspace),
            Suspend::Slot(busy) => server.keyspace.register(busy, thread),
            // Pauses end by the clock or by CLIENT UNPAUSE, which makes everybody look; so does who takes the stream.
            Suspend::Paused => {
                self.paused_until_ms = server.pauses.until_ms(self.local.now_ms);
                self.paused_until_ms.is_some()
            }
            Suspend::StreamFull => server.stream.is_full(),
            // So does who empties a mailbox.
            Suspend::MailFull => server.is_mail_full(thread),
            // Registered when it was found out, under the lock of the value.
            Suspend::Capture => true,
            Suspend::Walk => false,
        };
        if !held {
            self.look = true;
        }
    }

    /// The node follows a primary now: what clients wait for will not happen here.
    pub(super) fn role_changed(&mut self) {
        for at in 0..self.clients.len() {
            let Some(client) = self.clients[at].as_deref_mut() else { continue };
            let Some(blocked) = &client.blocked else { continue };
            match &blocked.on {
                // A pusher was faster.
                WaitFor::Key(ticket) if !ticket.cancel() => continue,
                WaitFor::Key(_) => {}
                WaitFor::Elsewhere => replica_threads::link::forget_wait(&self.server.replicas, client.id),
            }
            let text = "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";
            client.writer().error(text);
            client.closing = true;
            client.shared.set_flag(flag::CLOSE_AFTER_REPLY, true);
            self.resume(at, Ended::Refused);
        }
    }
}
