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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::{Assignment, NodeId};
    use supervision::Endpoint;

    fn steps() -> [Step; 9] {
        let (node, address) = (NodeId(1), "127.0.0.1:6379".parse().unwrap());
        let role = Assignment::Primary;
        [
            Step::Kill { node },
            Step::Stop { node },
            Step::Remove { node },
            Step::Assign { node, epoch: 1, role },
            Step::Drain { node, epoch: 1 },
            Step::Handover { from: node, from_address: address, to: node, to_address: address, epoch: 1 },
            Step::Unlisten { node, endpoint: Endpoint::Reader },
            Step::Close { endpoint: Endpoint::Reader, address },
            Step::Configure { node, parameters: Vec::new(), at_once: 1 },
        ]
    }

    fn ms(pace: &Pace) -> Vec<u128> {
        steps().iter().map(|step| pace.of(step, 0).as_millis()).collect()
    }

    #[test]
    fn each_kind_of_steps_has_its_own_pace() {
        let mut pace = Pace::default();
        assert_eq!(ms(&pace), [20, 20, 20, 3, 3, 20, 1, 1, 1]);
        // A quarter of the difference, each time.
        let [kill, .., handover, _, _, configure] = steps();
        pace.took(&kill, Duration::from_millis(420));
        pace.took(&handover, Duration::from_millis(60));
        pace.took(&configure, Duration::from_millis(5));
        assert_eq!(ms(&pace), [120, 120, 120, 3, 3, 30, 2, 2, 2]);
        pace.took(&kill, Duration::ZERO);
        assert_eq!(ms(&pace), [90, 90, 90, 3, 3, 30, 2, 2, 2]);
    }

    #[test]
    fn copying_comes_on_top() {
        let [.., assign, _, _, _, _, _] = steps();
        assert_eq!(Pace::default().of(&assign, 300_000_000), Duration::from_millis(2003));
    }
}
