//! Changes of groups, which neither WATCH nor the expiry of the key notices: what is counted and what replicas get.

use super::reply::IdText;
use commands::Cx;
use keyspace::EventClass;
use number::IntBuffer;
use structures::StreamId;
use structures::stream::{ConsumerNumber, Group, GroupMut, Nack};

/// Counts a change of a group, and tells of it.
pub(super) fn changed(cx: &mut Cx<'_, '_>, key: &[u8], event: &'static str) {
    cx.keys.effects().dirty += 1;
    cx.keys.event(key, EventClass::STREAM, event);
}

/// The consumer of this name, which is created if there is none, and whether it was.
pub(super) fn consumer(group: &mut GroupMut<'_>, name: &[u8], now_ms: i64) -> (ConsumerNumber, bool) {
    match group.find_consumer(name) {
        Some(number) => (number, false),
        None => (group.create_consumer(name, now_ms).expect("there is none of this name"), true),
    }
}

/// What replicas get instead of a command that changed a group.
#[derive(Debug)]
pub(super) struct Changes {
    is_wanted: bool,
    commands: Vec<Vec<Vec<u8>>>,
}

impl Changes {
    pub(super) fn new(cx: &mut Cx<'_, '_>) -> Self {
        Changes { is_wanted: cx.keys.effects().replicating, commands: Vec::new() }
    }

    fn push(&mut self, command: &[&[u8]]) {
        self.commands.push(command.iter().map(|arg| arg.to_vec()).collect());
    }

    /// A consumer was created.
    pub(super) fn created(&mut self, key: &[u8], group: &[u8], consumer: &[u8]) {
        if self.is_wanted {
            self.push(&[b"XGROUP", b"CREATECONSUMER", key, group, consumer]);
        }
    }

    /// An entry is pending, or was and goes because it exists no more.
    pub(super) fn pending(&mut self, key: &[u8], group: &Group, id: StreamId, nack: &Nack) {
        self.pending_as(key, group, IdText::new(id).as_bytes(), nack);
    }

    /// The same, with the ID as a client wrote it.
    pub(super) fn pending_as(&mut self, key: &[u8], group: &Group, id: &[u8], nack: &Nack) {
        if !self.is_wanted {
            return;
        }
        let last = IdText::new(group.last_id());
        let (mut time, mut count) = (IntBuffer::new(), itoa::Buffer::new());
        self.push(&[
            b"XCLAIM",
            key,
            group.name(),
            group.consumer(nack.consumer).name(),
            b"0",
            id,
            b"TIME",
            time.format(nack.delivered_ms),
            b"RETRYCOUNT",
            count.format(nack.deliveries as i64).as_bytes(),
            b"FORCE",
            b"JUSTID",
            b"LASTID",
            last.as_bytes(),
        ]);
    }

    /// The group was delivered more.
    pub(super) fn delivered(&mut self, key: &[u8], group: &Group) {
        if !self.is_wanted {
            return;
        }
        let last = IdText::new(group.last_id());
        let read = group.entries_read().map_or(-1, |read| read as i64);
        let mut buffer = IntBuffer::new();
        self.push(&[
            b"XGROUP",
            b"SETID",
            key,
            group.name(),
            last.as_bytes(),
            b"ENTRIESREAD",
            buffer.format(read),
        ]);
    }

    /// Sends all that; the command's own arguments are not sent.
    pub(super) fn replicate(self, cx: &mut Cx<'_, '_>) {
        let db = cx.keys.db();
        let effects = cx.keys.effects();
        effects.rewritten = true;
        for command in &self.commands {
            effects.replicate(db, command);
        }
    }
}
