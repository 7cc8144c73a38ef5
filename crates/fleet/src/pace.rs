//! How long steps take on this host: what was measured, and until then what is usual.

use crate::step::Step;
use std::time::Duration;

/// How much the last measurement counts: a quarter.
const WEIGHT: f64 = 0.25;

/// What a full synchronisation copies on a loopback connection, with a core that writes and one that loads.
const COPIED_BYTES_PER_S: f64 = 150_000_000.0;

/// Kinds of steps that differ in how long they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Start,
    End,
    Role,
    Handover,
    Other,
}

/// Measured times of steps. It begins with what is usual on a small machine.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pace {
    /// By [`Kind`], in seconds.
    seconds: [f64; 5],
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { seconds: [0.060, 0.020, 0.003, 0.020, 0.001] }
    }
}

impl Pace {
    /// How long a step takes that copies so many bytes.
    pub(crate) fn of(&self, step: &Step, copies_bytes: u64) -> Duration {
        let copy = copies_bytes as f64 / COPIED_BYTES_PER_S;
        Duration::from_secs_f64(self.seconds[Kind::of(step) as usize] + copy)
    }

    /// A step took so long.
    pub(crate) fn took(&mut self, step: &Step, time: Duration) {
        let known = &mut self.seconds[Kind::of(step) as usize];
        *known += (time.as_secs_f64() - *known) * WEIGHT;
    }
}

impl Kind {
    fn of(step: &Step) -> Kind {
        match step {
            Step::Start { .. } => Kind::Start,
            Step::Kill { .. } | Step::Stop { .. } | Step::Remove { .. } => Kind::End,
            Step::Assign { .. } | Step::Drain { .. } => Kind::Role,
            Step::Handover { .. } => Kind::Handover,
            Step::Listen { .. } | Step::Unlisten { .. } | Step::Close { .. } | Step::Configure { .. } => {
                Kind::Other
            }
        }
    }
}
