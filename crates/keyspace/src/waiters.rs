//! Clients that wait for keys, and clients that watch them.
//!
//! Both are kept per slot, under its lock, in maps that exist only while they are needed. Neither is removed when its client gives
//! up: that would need the slot's lock. The ticket or watch only becomes void; later commands on the slot sweep it out, each at a
//! constant cost.

use crate::sync::{AtomicU32, Ordering};
use std::collections::{HashMap, VecDeque};
use std::ops::{Deref, Range};
use std::sync::Arc;
use topology::Slot;

const WAITING: u32 = 0;
const CLAIMED: u32 = 1;
const CANCELLED: u32 = 2;
const SERVED: u32 = 3;

/// A command that waits: everything that a thread which makes one of its keys ready needs to run it again.
#[derive(Debug, Default)]
pub struct Wait {
    /// The worker whose client waits.
    pub worker: usize,
    /// The client's id.
    pub client: u64,
    /// Its database.
    pub db: u16,
    /// Whether it speaks RESP3.
    pub resp3: bool,
    /// Its command, as a number that the code which runs it understands.
    pub command: usize,
    /// The command with its arguments.
    pub argv: Vec<Box<[u8]>>,
    /// The arguments that are the keys it waits for.
    pub awaited: Range<usize>,
    /// The slots of all its keys, ascending.
    pub slots: Vec<Slot>,
}

impl Wait {
    /// The keys that it waits for.
    pub fn awaited_keys(&self) -> impl Iterator<Item = &[u8]> {
        self.argv[self.awaited.clone()].iter().map(|key| &**key)
    }
}

/// A command that waits, and what has become of it.
///
/// **Invariant:** exactly one side decides its outcome. A pusher *claims* it and answers; a timeout, CLIENT UNBLOCK, or
/// the end of the connection *cancels* it and answers nothing on its behalf afterwards.
#[derive(Debug)]
pub struct Ticket {
    state: AtomicU32,
    wait: Wait,
}

impl Deref for Ticket {
    type Target = Wait;

    fn deref(&self) -> &Wait {
        &self.wait
    }
}

impl Ticket {
    /// The ticket of a command that begins to wait.
    pub fn new(wait: Wait) -> Ticket {
        Ticket { state: AtomicU32::new(WAITING), wait }
    }

    fn settle(&self, to: u32) -> bool {
        self.state.compare_exchange(WAITING, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Claims it in order to serve it. `false` if it is settled already.
    pub fn claim(&self) -> bool {
        self.settle(CLAIMED)
    }

    /// Gives up waiting. `false` if a pusher has claimed it: then a reply follows, or, if the pusher found nothing for it,
    /// the ticket keeps waiting and may be cancelled later.
    pub fn cancel(&self) -> bool {
        self.settle(CANCELLED)
    }

    /// Releases a claim that found nothing for it: it keeps waiting.
    pub fn release(&self) {
        let was = self.state.swap(WAITING, Ordering::AcqRel);
        debug_assert_eq!(was, CLAIMED);
    }

    /// Settles it: the claimer has answered.
    pub(crate) fn finish(&self) {
        let was = self.state.swap(SERVED, Ordering::AcqRel);
        debug_assert_eq!(was, CLAIMED);
    }

    /// Whether it still waits.
    pub fn is_waiting(&self) -> bool {
        self.state.load(Ordering::Acquire) == WAITING
    }

    /// Whether it is settled, so that it may be swept out.
    pub fn is_over(&self) -> bool {
        matches!(self.state.load(Ordering::Acquire), CANCELLED | SERVED)
    }
}

/// What a client's WATCH adds to its keys: set once one of them changes.
#[derive(Debug, Default)]
pub struct Watch {
    state: AtomicU32,
}

const TOUCHED: u32 = 1;
const DEAD: u32 = 2;

impl Watch {
    /// A watched key changed.
    pub fn touch(&self) {
        self.state.fetch_or(TOUCHED, Ordering::AcqRel);
    }

    /// Whether one of the keys changed.
    pub fn is_touched(&self) -> bool {
        self.state.load(Ordering::Acquire) & TOUCHED != 0
    }

    /// The client does not watch any more.
    pub fn retire(&self) {
        self.state.fetch_or(DEAD, Ordering::AcqRel);
    }

    fn is_dead(&self) -> bool {
        self.state.load(Ordering::Acquire) != 0
    }
}

/// A key in a logical database.
type Place = (u16, Box<[u8]>);

/// The waiters and watchers of one slot.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    waiters: HashMap<Place, VecDeque<Arc<Ticket>>>,
    watchers: HashMap<Place, Vec<Arc<Watch>>>,
    /// Visits until the next sweep: as many as the last sweep had to look at.
    visits_left: usize,
}

impl Registry {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiters.is_empty() && self.watchers.is_empty()
    }

    pub(crate) fn has_waiters(&self) -> bool {
        !self.waiters.is_empty()
    }

    /// Drops void tickets and watches, seldom enough that the amortised cost per call is constant.
    fn visit(&mut self) {
        if let Some(left) = self.visits_left.checked_sub(1) {
            self.visits_left = left;
        } else {
            self.visits_left = self.sweep();
        }
    }

    /// Drops void tickets and watches. Returns how many are left.
    fn sweep(&mut self) -> usize {
        let mut left = 0;
        self.waiters.retain(|_, queue| {
            queue.retain(|ticket| !ticket.is_over());
            left += queue.len();
            !queue.is_empty()
        });
        self.watchers.retain(|_, watches| {
            watches.retain(|watch| !watch.is_dead());
            left += watches.len();
            !watches.is_empty()
        });
        left
    }

    pub(crate) fn wait(&mut self, key: &[u8], ticket: &Arc<Ticket>) {
        self.visit();
        self.waiters.entry((ticket.db, key.into())).or_default().push_back(ticket.clone());
    }

    /// The first ticket of a key that is not over, from a place in its queue on, and its place.
    pub(crate) fn waiter(&mut self, db: u16, key: &[u8], from: usize) -> Option<(usize, Arc<Ticket>)> {
        let queue = self.waiters.get_mut(&(db, Box::from(key)))?;
        while from == 0 && queue.front().is_some_and(|ticket| ticket.is_over()) {
            queue.pop_front();
        }
        let mut rest = queue.range(from.min(queue.len())..);
        let found = rest.position(|ticket| !ticket.is_over()).map(|passed| from + passed);
        let found = found.map(|at| (at, queue[at].clone()));
        if queue.is_empty() {
            self.waiters.remove(&(db, Box::from(key)));
        }
        found
    }

    /// Takes a ticket out of the queue of a key; in those of its other keys it is void.
    pub(crate) fn finish(&mut self, db: u16, key: &[u8], ticket: &Arc<Ticket>) {
        ticket.finish();
        let place = (db, Box::from(key));
        let Some(queue) = self.waiters.get_mut(&place) else { return };
        // Mostly the first one.
        if let Some(at) = queue.iter().position(|other| Arc::ptr_eq(other, ticket)) {
            queue.remove(at);
        }
        if queue.is_empty() {
            self.waiters.remove(&place);
        }
        self.visit();
    }

    pub(crate) fn watch(&mut self, db: u16, key: &[u8], watch: &Arc<Watch>) {
        self.visit();
        self.watchers.entry((db, key.into())).or_default().push(watch.clone());
    }

    pub(crate) fn touch(&mut self, db: u16, key: &[u8]) {
        if !self.watchers.is_empty() {
            let touched = self.watchers.remove(&(db, key.into()));
            touched.iter().flatten().for_each(|watch| watch.touch());
        }
        self.visit();
    }

    /// Keys of a database that a client watches.
    pub(crate) fn watched_in(&self, db: u16) -> Vec<Box<[u8]>> {
        self.watchers.keys().filter(|(at, _)| *at == db).map(|(_, key)| key.clone()).collect()
    }

    /// Keys of a database that a client waits for.
    pub(crate) fn waited_in(&self, db: u16) -> Vec<Box<[u8]>> {
        self.waiters.keys().filter(|(at, _)| *at == db).map(|(_, key)| key.clone()).collect()
    }

    pub(crate) fn is_waited_for(&self, db: u16, key: &[u8]) -> bool {
        !self.waiters.is_empty() && self.waiters.contains_key(&(db, Box::from(key)))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn ticket() -> Arc<Ticket> {
        Arc::new(Ticket::new(Wait::default()))
    }

    #[test]
    fn a_ticket_is_settled_once() {
        let claimed = ticket();
        assert!(claimed.claim() && !claimed.cancel() && !claimed.claim());
        claimed.release();
        assert!(claimed.is_waiting() && claimed.cancel() && claimed.is_over() && !claimed.claim());
    }

    #[test]
    fn what_is_dead_is_swept() {
        let mut registry = Registry::default();
        let (gone, stays) = (ticket(), ticket());
        registry.wait(b"k", &gone);
        registry.wait(b"k", &stays);
        let watch = Arc::new(Watch::default());
        registry.watch(0, b"k", &watch);
        watch.retire();
        assert!(gone.cancel());
        registry.sweep();
        assert_eq!(registry.waiters[&(0, b"k"[..].into())].len(), 1);
        assert!(registry.watchers.is_empty());
    }

    #[test]
    fn a_change_touches_the_watches_of_its_key_and_database() {
        let mut registry = Registry::default();
        let (a, b) = (Arc::new(Watch::default()), Arc::new(Watch::default()));
        registry.watch(0, b"k", &a);
        registry.watch(1, b"k", &b);
        registry.touch(0, b"k");
        assert!(a.is_touched() && !b.is_touched());
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use loom::thread;

    /// A pusher and a timeout never both win, and one of them does.
    #[test]
    fn one_side_decides() {
        loom::model(|| {
            let ticket = loom::sync::Arc::new(Ticket::new(Wait::default()));
            let pusher = thread::spawn({
                let ticket = ticket.clone();
                move || ticket.claim()
            });
            let cancelled = ticket.cancel();
            assert_ne!(cancelled, pusher.join().unwrap());
        });
    }
}
