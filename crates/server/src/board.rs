//! Where connections are dealt, and how busy the workers say they are.
//!
//! Each worker writes its own cell, a few hundred times a second at most; whoever decides reads them all. The first `active`
//! workers get connections; what the others still have they hand over when it stirs.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What a worker has said of itself.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Cell {
    ran_ns: AtomicU64,
    delayed_ns: AtomicU64,
    long_commands: AtomicU64,
    busy_permille: AtomicU64,
    at_ms: AtomicU64,
}

/// What a worker has said of itself, at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Said {
    /// Processor time that did something, since its start.
    pub ran_ns: u64,
    /// How long it waited for a processor that others had, since its start.
    pub delayed_ns: u64,
    /// Windows with commands so long that others had to wait, since its start.
    pub long_commands: u64,
    /// How much of the last interval it was busy.
    pub busy_permille: u64,
    /// When it said so, in Unix ms.
    pub at_ms: u64,
}

/// See the module's essay.
#[derive(Debug)]
pub struct Board {
    cells: Box<[Cell]>,
    active: AtomicUsize,
    next: AtomicUsize,
    gathers: bool,
}

impl Board {
    /// For so many workers. Where connections do not gather, all workers are active for ever.
    pub fn new(workers: usize, gathers: bool) -> Board {
        let gathers = gathers && workers > 1;
        Board {
            cells: (0..workers).map(|_| Cell::default()).collect(),
            active: AtomicUsize::new(if gathers { 1 } else { workers }),
            next: AtomicUsize::new(0),
            gathers,
        }
    }

    /// Whether connections move.
    pub fn gathers(&self) -> bool {
        self.gathers
    }

    /// How many workers get connections.
    pub fn active(&self) -> usize {
        self.active.load(Ordering::Relaxed)
    }

    /// At least so many get connections from now on.
    pub fn raise(&self, active: usize) {
        self.active.fetch_max(active, Ordering::Relaxed);
    }

    /// So many get connections from now on, unless it has changed since there were `seen`.
    pub fn lower(&self, seen: usize, active: usize) {
        // Who raised it meanwhile knows better.
        let _ = self.active.compare_exchange(seen, active, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The worker for the next connection: each of the active ones in its turn.
    pub fn place(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed) % self.active()
    }

    /// A worker says how it is.
    pub fn say(&self, worker: usize, said: Said) {
        let cell = &self.cells[worker];
        cell.ran_ns.store(said.ran_ns, Ordering::Relaxed);
        cell.delayed_ns.store(said.delayed_ns, Ordering::Relaxed);
        cell.long_commands.store(said.long_commands, Ordering::Relaxed);
        cell.busy_permille.store(said.busy_permille, Ordering::Relaxed);
        cell.at_ms.store(said.at_ms, Ordering::Relaxed);
    }

    /// What all have said, by their numbers.
    pub fn said(&self) -> impl Iterator<Item = Said> {
        self.cells.iter().map(|cell| Said {
            ran_ns: cell.ran_ns.load(Ordering::Relaxed),
            delayed_ns: cell.delayed_ns.load(Ordering::Relaxed),
            long_commands: cell.long_commands.load(Ordering::Relaxed),
            busy_permille: cell.busy_permille.load(Ordering::Relaxed),
            at_ms: cell.at_ms.load(Ordering::Relaxed),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_dealt_to_active_workers_alone() {
        let board = Board::new(3, true);
        assert!((0..4).all(|_| board.place() == 0));
        board.raise(2);
        board.raise(1);
        let mut dealt: Vec<_> = (0..4).map(|_| board.place()).collect();
        dealt.sort_unstable();
        assert_eq!(dealt, [0, 0, 1, 1]);
        board.lower(3, 1);
        assert_eq!(board.active(), 2, "somebody raised it meanwhile");
        board.lower(2, 1);
        assert_eq!(board.active(), 1);
    }

    #[test]
    fn connections_that_do_not_gather_are_dealt_to_all() {
        let board = Board::new(3, false);
        let mut dealt: Vec<_> = (0..3).map(|_| board.place()).collect();
        dealt.sort_unstable();
        assert_eq!(dealt, [0, 1, 2]);
        assert!(!board.gathers());
    }
}
