//! WAIT and WAITAOF: who waits for how many acknowledgements of which offset.
//!
//! A client that calls WAIT blocks until enough replicas have acknowledged everything *it* wrote, or its timeout
//! passes; either way the reply says how many have. WAITAOF counts replicas whose append-only file is on disk up to the
//! offset, and separately the node itself. Replicas acknowledge only once a second by themselves, so blocking asks for
//! a GETACK in the stream, one for all clients that block in the same turn.
//!
//! The primary keeps the acknowledged offsets; this module gets them as arguments.

use crate::primary::AckOffsets;
use std::collections::BTreeMap;

/// The condition on an offset that a client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitKind {
    /// WAIT: that many replicas have applied it.
    Replicas {
        /// Replicas wanted.
        replicas: u64,
    },
    /// WAITAOF: it is in the append-only file here (when `local` is 1) and on that many replicas.
    Aof {
        /// 1 when the node's own file must hold it, else 0.
        local: u64,
        /// Replicas wanted whose file holds it.
        replicas: u64,
    },
}

/// One call of WAIT or WAITAOF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitRequest {
    /// The caller, by the node's client id.
    pub client: u64,
    /// The offset of the caller's last write.
    pub offset: u64,
    /// What is waited for.
    pub kind: WaitKind,
    /// When to give up, in milliseconds of the owner's clock; `None` for a timeout of 0.
    pub deadline_ms: Option<u64>,
}

/// The answer to a waiter: the counts by now, whether they were enough or the timeout passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitOutcome {
    /// The caller.
    pub client: u64,
    /// For WAITAOF 1 when the node's own file holds the offset, else 0; 0 for WAIT.
    pub local: u64,
    /// Replicas that have it.
    pub replicas: u64,
    /// The kind asked for: WAIT answers `replicas`, WAITAOF the array of `local` and `replicas`.
    pub kind: WaitKind,
}

/// The clients blocked in WAIT and WAITAOF.
#[derive(Debug, Default)]
pub struct Waiters {
    blocked: BTreeMap<u64, WaitRequest>,
    getack_wanted: bool,
}

impl Waiters {
    /// No waiting clients.
    pub fn new() -> Waiters {
        Waiters::default()
    }

    /// Answers a call at once if possible; otherwise blocks the client, and [`Waiters::take_getack`] will ask for
    /// acknowledgements. A client has at most one wait: a second request replaces the first.
    pub fn wait(&mut self, request: WaitRequest, acks: &AckOffsets) -> Option<WaitOutcome> {
        let (outcome, satisfied) = evaluate(&request, acks);
        if satisfied {
            return Some(outcome);
        }
        self.blocked.insert(request.client, request);
        self.getack_wanted = true;
        None
    }

    /// Whether a GETACK must go into the stream for clients that blocked since the last call.
    pub fn take_getack(&mut self) -> bool {
        std::mem::take(&mut self.getack_wanted)
    }

    /// Clients that the acknowledged offsets satisfy now.
    pub fn acknowledged(&mut self, acks: &AckOffsets) -> Vec<WaitOutcome> {
        self.drain(acks, |_, satisfied| satisfied)
    }

    /// Clients whose timeout has passed at `now_ms`.
    pub fn expired(&mut self, now_ms: u64, acks: &AckOffsets) -> Vec<WaitOutcome> {
        self.drain(acks, |request, _| request.deadline_ms.is_some_and(|deadline| deadline <= now_ms))
    }

    /// Everyone, because the node's role changes and no more acknowledgements will come; the owner answers
    /// `-UNBLOCKED`.
    pub fn release_all(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.blocked).into_keys().collect()
    }

    /// Forgets a client that disconnected or was unblocked; true when it waited.
    pub fn remove(&mut self, client: u64) -> bool {
        self.blocked.remove(&client).is_some()
    }

    /// What a client would be answered now: for `CLIENT UNBLOCK … TIMEOUT`.
    pub fn outcome(&self, client: u64, acks: &AckOffsets) -> Option<WaitOutcome> {
        self.blocked.get(&client).map(|request| evaluate(request, acks).0)
    }

    /// The nearest deadline in milliseconds.
    pub fn next_deadline_ms(&self) -> Option<u64> {
        self.blocked.values().filter_map(|request| request.deadline_ms).min()
    }

    /// Number of clients that wait.
    pub fn len(&self) -> usize {
        self.blocked.len()
    }

    /// Whether no client waits.
    pub fn is_empty(&self) -> bool {
        self.blocked.is_empty()
    }

    fn drain(&mut self, acks: &AckOffsets, done: impl Fn(&WaitRequest, bool) -> bool) -> Vec<WaitOutcome> {
        let mut outcomes = Vec::new();
        self.blocked.retain(|_, request| {
            let (outcome, satisfied) = evaluate(request, acks);
            let done = done(request, satisfied);
            if done {
                outcomes.push(outcome);
            }
            !done
        });
        outcomes
    }
}

fn evaluate(request: &WaitRequest, acks: &AckOffsets) -> (WaitOutcome, bool) {
    let reached = |offsets: &[u64]| offsets.iter().filter(|offset| **offset >= request.offset).count() as u64;
    let (local, replicas, satisfied) = match request.kind {
        WaitKind::Replicas { replicas: wanted } => {
            let have = reached(&acks.applied);
            (0, have, have >= wanted)
        }
        WaitKind::Aof { local: wanted_local, replicas: wanted } => {
            let local = u64::from(acks.local_aof >= request.offset);
            let have = reached(&acks.aof);
            (local, have, local >= wanted_local && have >= wanted)
        }
    };
    (WaitOutcome { client: request.client, local, replicas, kind: request.kind }, satisfied)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acks(applied: &[u64]) -> AckOffsets {
        AckOffsets { applied: applied.to_vec(), aof: vec![], local_aof: 0 }
    }

    fn wait(client: u64, offset: u64, replicas: u64, deadline_ms: Option<u64>) -> WaitRequest {
        WaitRequest { client, offset, kind: WaitKind::Replicas { replicas }, deadline_ms }
    }

    #[test]
    fn answers_at_once_or_blocks_with_one_getack() {
        let mut waiters = Waiters::new();
        assert_eq!(waiters.wait(wait(1, 100, 1, None), &acks(&[100, 50])).unwrap().replicas, 1);
        assert!(!waiters.take_getack());
        assert_eq!(waiters.wait(wait(2, 100, 2, Some(700)), &acks(&[100, 50])), None);
        assert_eq!(waiters.wait(wait(3, 200, 1, Some(600)), &acks(&[100, 50])), None);
        assert!(waiters.take_getack());
        assert!(!waiters.take_getack());
        assert_eq!(waiters.next_deadline_ms(), Some(600));

        let done = waiters.acknowledged(&acks(&[150, 100]));
        assert_eq!(done.iter().map(|o| (o.client, o.replicas)).collect::<Vec<_>>(), [(2, 2)]);
        assert!(waiters.expired(599, &acks(&[150, 100])).is_empty());
        let late = waiters.expired(600, &acks(&[150, 100]));
        assert_eq!(late.iter().map(|o| (o.client, o.replicas)).collect::<Vec<_>>(), [(3, 0)]);
        assert!(waiters.is_empty());
    }

    #[test]
    fn waitaof_counts_files_not_memory() {
        let mut waiters = Waiters::new();
        let request = WaitRequest {
            client: 9,
            offset: 10,
            kind: WaitKind::Aof { local: 1, replicas: 1 },
            deadline_ms: None,
        };
        let mut acks = AckOffsets { applied: vec![10], aof: vec![9], local_aof: 10 };
        assert_eq!(waiters.wait(request, &acks), None);
        assert_eq!(waiters.outcome(9, &acks).map(|o| (o.local, o.replicas)), Some((1, 0)));
        acks.aof = vec![10];
        let done = waiters.acknowledged(&acks);
        assert_eq!(done.iter().map(|o| (o.local, o.replicas)).collect::<Vec<_>>(), [(1, 1)]);
    }

    #[test]
    fn leaving_clients_are_forgotten() {
        let mut waiters = Waiters::new();
        waiters.wait(wait(1, 5, 1, None), &acks(&[]));
        waiters.wait(wait(2, 5, 1, None), &acks(&[]));
        assert!(waiters.remove(1) && !waiters.remove(1));
        assert_eq!(waiters.release_all(), [2]);
        assert_eq!(waiters.len(), 0);
    }
}
