//! Which snapshot runs when: one at a time, others refused or waiting.
//!
//! ```text
//!   Idle ── request ──▶ Running(kind) ── finished ──▶ Idle, or the next that waits: Rewrite, Sync, Save
//! ```
//! A walk can't be joined once it began, since its instant is past: replicas that ask meanwhile wait and share the next
//! one. The order among those that wait is Redis's: it looks for a rewrite first, replicas go before saves.
//!
//! The machine takes the time as an argument and starts nothing: who gets [`Answer::Start`], or a kind from
//! [`Snapshots::finished`], starts it.

/// What a snapshot is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A base file for the append-only file.
    Rewrite,
    /// A replica's full sync.
    Sync,
    /// An RDB file: BGSAVE and save points.
    Save,
}

/// In the order in which those that wait are started.
const ORDER: [Kind; 3] = [Kind::Rewrite, Kind::Sync, Kind::Save];

/// What is to happen when another runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfBusy {
    /// Nothing: BGSAVE.
    Refuse,
    /// It waits: replicas, BGSAVE SCHEDULE behind a rewrite, BGSAVE in a transaction.
    Wait,
}

/// What a request comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is to be started now.
    Start,
    /// It waits.
    Waits,
    /// Another of this kind is running.
    Refused(Kind),
}

/// How a snapshot ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is complete.
    Complete,
    /// It failed.
    Failed,
    /// It was aborted on purpose: that says nothing about saving.
    Aborted,
}

/// What INFO tells about saves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SaveReport {
    /// `rdb_last_save_time` and LASTSAVE: Unix time in seconds; at first that of the start.
    pub last_save_s: u64,
    /// `rdb_last_bgsave_status`.
    pub last_ok: bool,
    /// `rdb_last_bgsave_time_sec`; -1 when there was none.
    pub last_duration_s: Option<u64>,
    /// `rdb_saves`: saves that were started.
    pub saves: u64,
}

/// The state machine.
#[derive(Debug)]
pub struct Snapshots {
    /// The running one, and since when.
    running: Option<(Kind, u64)>,
    waiting: [bool; ORDER.len()],
    report: SaveReport,
}

impl Snapshots {
    /// Nothing runs and nothing was saved yet.
    pub fn new(now_s: u64) -> Snapshots {
        let report = SaveReport { last_save_s: now_s, last_ok: true, last_duration_s: None, saves: 0 };
        Snapshots { running: None, waiting: [false; ORDER.len()], report }
    }

    /// Asks for a snapshot. One that waits already is not asked for twice.
    pub fn request(&mut self, kind: Kind, if_busy: IfBusy, now_s: u64) -> Answer {
        match (self.running, if_busy) {
            (None, _) => {
                self.start(kind, now_s);
                Answer::Start
            }
            (Some(_), IfBusy::Wait) => {
                self.waiting[kind as usize] = true;
                Answer::Waits
            }
            (Some((running, _)), IfBusy::Refuse) => Answer::Refused(running),
        }
    }

    fn start(&mut self, kind: Kind, now_s: u64) {
        self.running = Some((kind, now_s));
        self.waiting[kind as usize] = false;
        self.report.saves += u64::from(kind == Kind::Save);
    }

    /// Nobody needs a waiting snapshot of this kind any more.
    pub fn withdraw(&mut self, kind: Kind) {
        self.waiting[kind as usize] = false;
    }

    /// The running snapshot has ended; the kind to be started now, if one waits.
    ///
    /// # Panics
    /// When none was running.
    pub fn finished(&mut self, outcome: Outcome, now_s: u64) -> Option<Kind> {
        let (kind, since_s) = self.running.take().expect("a snapshot that ends was running");
        if kind == Kind::Save {
            self.report.last_duration_s = Some(now_s.saturating_sub(since_s));
            match outcome {
                Outcome::Complete => self.note_saved(now_s),
                Outcome::Failed => self.report.last_ok = false,
                Outcome::Aborted => {}
            }
        }
        let next = ORDER.into_iter().find(|&kind| self.waiting[kind as usize])?;
        self.start(next, now_s);
        Some(next)
    }

    /// A save at once (SAVE) was started.
    pub fn note_save_at_once(&mut self) {
        self.report.saves += 1;
    }

    /// A complete file was written.
    pub fn note_saved(&mut self, now_s: u64) {
        self.report.last_save_s = now_s;
        self.report.last_ok = true;
    }

    /// The running snapshot and for how many seconds it has been.
    pub fn running(&self, now_s: u64) -> Option<(Kind, u64)> {
        self.running.map(|(kind, since_s)| (kind, now_s.saturating_sub(since_s)))
    }

    /// Whether one of this kind waits.
    pub fn is_waiting(&self, kind: Kind) -> bool {
        self.waiting[kind as usize]
    }

    /// What INFO tells.
    pub fn report(&self) -> SaveReport {
        self.report
    }

    /// CONFIG RESETSTAT: counts saves anew.
    pub fn reset_counters(&mut self) {
        self.report.saves = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let mut snapshots = Snapshots::new(100);
        assert_eq!(snapshots.request(Kind::Save, IfBusy::Refuse, 110), Answer::Start);
        assert_eq!(snapshots.request(Kind::Save, IfBusy::Refuse, 111), Answer::Refused(Kind::Save));
        assert_eq!(snapshots.running(115), Some((Kind::Save, 5)));
        assert_eq!(snapshots.finished(Outcome::Complete, 117), None);
        assert_eq!(snapshots.running(118), None);
        let report = SaveReport { last_save_s: 117, last_ok: true, last_duration_s: Some(7), saves: 1 };
        assert_eq!(snapshots.report(), report);
    }

    #[test]
    fn those_that_wait_come_in_order_and_once() {
        let mut snapshots = Snapshots::new(0);
        snapshots.request(Kind::Sync, IfBusy::Wait, 0);
        for kind in [Kind::Save, Kind::Sync, Kind::Rewrite, Kind::Sync] {
            assert_eq!(snapshots.request(kind, IfBusy::Wait, 1), Answer::Waits);
        }
        assert_eq!(snapshots.finished(Outcome::Aborted, 2), Some(Kind::Rewrite));
        assert_eq!(snapshots.finished(Outcome::Complete, 3), Some(Kind::Sync));
        assert!(snapshots.is_waiting(Kind::Save) && !snapshots.is_waiting(Kind::Sync));
        snapshots.request(Kind::Sync, IfBusy::Wait, 3);
        snapshots.withdraw(Kind::Sync);
        assert_eq!(snapshots.finished(Outcome::Failed, 4), Some(Kind::Save));
        assert_eq!(snapshots.finished(Outcome::Complete, 5), None);
    }

    #[test]
    fn a_failed_save_is_told_and_an_aborted_one_is_not() {
        let mut snapshots = Snapshots::new(9);
        snapshots.request(Kind::Save, IfBusy::Refuse, 10);
        snapshots.finished(Outcome::Aborted, 11);
        assert!(snapshots.report().last_ok);
        snapshots.request(Kind::Save, IfBusy::Refuse, 12);
        snapshots.finished(Outcome::Failed, 13);
        let report = snapshots.report();
        assert_eq!((report.last_ok, report.last_save_s), (false, 9));
        snapshots.request(Kind::Sync, IfBusy::Refuse, 14);
        snapshots.finished(Outcome::Complete, 15);
        assert!(!snapshots.report().last_ok, "a sync is no save");
        snapshots.note_save_at_once();
        snapshots.note_saved(16);
        assert_eq!((snapshots.report().last_ok, snapshots.report().saves), (true, 3));
    }
}
