//! On how many workers connections are, and who hands how much to whom: decided here, carried out by `worker::moving`.
//!
//! A request costs least where one thread serves all of them: one wake-up, one receive and one send carry many. So connections
//! gather on as few workers as keep up, and spread when they don't.
//!
//! ```text
//!            every 100 ms, after a time of calm: all fits on fewer        tick ─▶ how many workers are active
//!   spread ◀────────────────────────────────────────────────▶ gathered
//!            10 ms without sleep, or a long command                       spread ─▶ to whom, and which part
//! ```
//! Workers are active in the order of their numbers. One that is not gets no new connections, and hands over those that stir.
//!
//! - What gathers leaves a worker busy for at most [`FITS`], and what spreads comes from one that is busy for [`SATURATED`]: a
//!   constant load does one or the other.
//! - A load that comes in bursts would make them take turns. When connections spread soon after they have gathered, the time of
//!   calm before the next gathering doubles.
//! - What a worker hands over makes the two equal, so that it is done once; its heaviest client stays, as it would only take its
//!   weight along.
//!
//! Nothing here knows clocks, threads or sockets. Limits: a client that cannot move (it waits, subscribes, is in a transaction)
//! stays where it is, and is served there.

use std::time::Duration;

/// A worker looks at itself this often while it has something to do. Two windows and a turn are 10 ms.
pub(crate) const WINDOW: Duration = Duration::from_millis(4);
/// A turn that others had to wait for, and a command.
pub(crate) const LONG_TURN: Duration = Duration::from_micros(700);
pub(crate) const LONG_COMMAND: Duration = Duration::from_micros(500);
/// Windows of strain in a row before something is done. A single one is also what a client leaves behind that was held up.
const STRAINED_WINDOWS: u32 = 2;
/// Windows after which what was handed over shows on both sides, and after which somebody with nothing to hand over looks again.
const REST_WINDOWS: u32 = 4;
const VAIN_WINDOWS: u32 = 20;

/// From here on a worker does not keep up: it hardly ever sleeps.
const SATURATED: f64 = 0.9;
/// What is gathered keeps workers busy no more than this.
const FITS: f64 = 0.65;
/// Less than this apart, two workers are as good as each other.
const APART: f64 = 0.3;

/// Ticks of calm before connections gather.
const CALM_TICKS: u32 = 5;
/// The same at most, when they had to spread again and again: a minute.
const MOST_CALM_TICKS: u32 = 600;
/// Connections that spread within so many ticks had better not gathered.
const RELAPSE_TICKS: u64 = 100;

/// How a worker is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Load {
    /// Its busy part of the time in which it could have had a processor, from 0 to 1.
    pub(crate) busy: f64,
    /// It is in a turn that lasts.
    pub(crate) is_stuck: bool,
    /// It has run long commands lately.
    pub(crate) had_long_commands: bool,
}

/// Why a worker is to have fewer connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// It does not keep up.
    Saturated,
    /// Its clients wait for each other for long.
    LongTurn,
}

/// What a worker hands over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    /// To this worker.
    pub(crate) to: usize,
    /// This part of its load.
    pub(crate) part: f64,
}

/// When connections gather.
#[derive(Debug)]
pub(crate) struct Gathering {
    ticks: u64,
    /// How many workers were active at the last tick.
    active: usize,
    /// Ticks for which all would have fitted on fewer, and how many it takes.
    calm: u32,
    patience: u32,
    /// The tick at which they gathered last.
    gathered: Option<u64>,
}

impl Default for Gathering {
    fn default() -> Gathering {
        Gathering { ticks: 0, active: 1, calm: 0, patience: CALM_TICKS, gathered: None }
    }
}

impl Gathering {
    /// How many workers are to be active, of whom so many are.
    pub(crate) fn tick(&mut self, active: usize, loads: &[Load]) -> usize {
        self.ticks += 1;
        if active > self.active {
            let is_relapse = self.gathered.is_some_and(|then| self.ticks - then <= RELAPSE_TICKS);
            self.patience = if is_relapse { (self.patience * 2).min(MOST_CALM_TICKS) } else { CALM_TICKS };
            self.calm = 0;
        }
        self.active = active;
        let all: f64 = loads.iter().map(|load| load.busy).sum();
        let fewest = ((all / FITS).ceil() as usize).max(1);
        let is_calm = !loads.iter().any(|load| load.had_long_commands || load.is_stuck);
        if fewest >= active || !is_calm {
            self.calm = 0;
            return active;
        }
        self.calm += 1;
        if self.calm < self.patience {
            return active;
        }
        self.calm = 0;
        self.gathered = Some(self.ticks);
        self.active = fewest;
        fewest
    }
}

/// What a worker hands to whom, if anybody is better off.
pub(crate) fn spread(own: usize, active: usize, loads: &[Load], why: Why) -> Option<Spread> {
    let busy = match why {
        Why::Saturated => loads[own].busy,
        Why::LongTurn => 1.0,
    };
    let takes =
        |&worker: &usize| worker != own && !loads[worker].is_stuck && loads[worker].busy <= busy - APART;
    let least = (0..active).filter(takes).min_by(|&a, &b| loads[a].busy.total_cmp(&loads[b].busy));
    let to = least.or_else(|| Some(active).filter(|&next| next < loads.len()).filter(takes))?;
    let part = match why {
        Why::Saturated => (busy - loads[to].busy) / (2.0 * busy),
        Why::LongTurn => 0.5,
    };
    Some(Spread { to, part })
}

/// A client of a worker that hands a part of its load over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// What it makes its worker do, in any measure.
    pub(crate) weight: u64,
    /// It can move now.
    pub(crate) can_move: bool,
}

/// Those that go: no more than the part, the lightest first, and never the heaviest of all.
pub(crate) fn choose(candidates: &[Candidate], part: f64, most: usize) -> Vec<usize> {
    let weight = |&at: &usize| candidates[at].weight.max(1);
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(weight);
    let all: u64 = order.iter().map(weight).sum();
    let wanted = (all as f64 * part) as u64;
    order.pop();
    let mut sum = 0;
    let movable = order.into_iter().filter(|&at| candidates[at].can_move);
    let chosen = movable.take_while(|at| {
        sum += weight(at);
        sum <= wanted
    });
    chosen.take(most).collect()
}

/// When a worker looks at itself.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    rest: u32,
    /// Windows of strain in a row.
    strained: u32,
}

impl Windows {
    /// A window is over: whether and why the worker had better have fewer connections.
    pub(crate) fn end(
        &mut self,
        busy: f64,
        longest_turn: Duration,
        longest_command: Duration,
    ) -> Option<Why> {
        let is_strained = busy >= SATURATED || longest_turn >= LONG_TURN;
        self.strained = if is_strained { self.strained + 1 } else { 0 };
        if self.rest > 0 {
            self.rest -= 1;
            return None;
        }
        if longest_command < LONG_COMMAND && self.strained < STRAINED_WINDOWS {
            return None;
        }
        let is_saturated = busy >= SATURATED && longest_command < LONG_COMMAND;
        Some(if is_saturated { Why::Saturated } else { Why::LongTurn })
    }

    /// So many clients were handed over.
    pub(crate) fn handed_over(&mut self, clients: usize) {
        self.strained = 0;
        self.rest = if clients > 0 { REST_WINDOWS } else { VAIN_WINDOWS };
    }
}

#[cfg(test)]
#[path = "gathering_tests.rs"]
mod tests;
