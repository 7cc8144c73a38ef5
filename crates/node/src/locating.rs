//! Where the keys of a turn's requests lie: found while they are framed, used to prefetch, and by those who execute them.

use command_table::Command;
use keyspace::Located;
use resp::{Args, Request};
use server::Server;
use std::ops::Range;
use topology::Slot;

/// Keys of one request that are located beforehand. One with more is left alone: what is prefetched too long before its use
/// is gone again by then.
const MAX_KEYS: usize = 64;

/// The places of the keys of all requests of a turn, in their order.
#[derive(Debug, Default)]
pub(crate) struct Places(Vec<Located>);

impl Places {
    /// Finds the keys of a request, if where they stand is fixed, and starts bringing their slots into the cache. The range is
    /// theirs: all keys of the request, or none.
    #[inline]
    pub(crate) fn find(
        &mut self,
        server: &Server,
        command: &Command,
        args: &Args,
        request: &Request,
        buffer: &[u8],
    ) -> Range<usize> {
        let before = self.0.len();
        let first = command.run.first_key as usize;
        let step = command.run.key_step as usize;
        if first == 0 || first >= request.count || (step > 0 && (request.count - first) / step > MAX_KEYS) {
            return self.none();
        }
        let mut at = first;
        loop {
            let key = args.get(request, buffer, at);
            let slot = Slot::of(key);
            server.keyspace.prefetch_slot(slot);
            self.0.push(Located { slot, hash: server.keyspace.hash(key) });
            at += step;
            if step == 0 || at >= request.count {
                return before..self.0.len();
            }
        }
    }

    /// No keys, behind all that were found so far.
    pub(crate) fn none(&self) -> Range<usize> {
        self.0.len()..self.0.len()
    }

    /// Those in a range.
    #[inline]
    pub(crate) fn of(&self, range: &Range<usize>) -> &[Located] {
        &self.0[range.clone()]
    }

    /// Forgets all. The memory of a long pipeline is kept for the next.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
