//! What a thread sends when, and what it counts: the generator without sockets and clocks.
//!
//! ```text
//!   closed   a connection that has all its answers is given `depth` requests at once
//!   open     requests are due by the schedule; each goes to the next connection in turn that has room for it
//!                   due ─────────▶ sent ─────────▶ answered
//!                    └───────── latency ─────────────┘
//! ```
//! In the open loop a connection has room while fewer than `depth` requests are under way on it. With no room anywhere
//! the schedule simply stays behind the clock: what was due is sent once there is room, and its latency counts from the
//! time at which it was due. So nothing that a slow server does makes the generator ask less or later (no coordinated
//! omission). What is due before the end and could not be sent by then is counted as unsent.
//!
//! In the closed loop latency counts from sending.

use std::collections::VecDeque;

use crate::replies::Kind;
use crate::schedule::Schedule;
use crate::tally::Tally;
use crate::template::{Draw, Template};

/// A request under way.
#[derive(Debug, Clone, Copy)]
struct Sent {
    due_ns: u64,
    command: u32,
}

/// Commands with their weights.
#[derive(Debug)]
pub(crate) struct Mix {
    pub(crate) templates: Vec<Template>,
    /// Sums of weights up to each command.
    pub(crate) sums: Vec<u64>,
}

impl Mix {
    fn choose(&self, draw: &mut Draw) -> usize {
        match self.sums.as_slice() {
            [_] => 0,
            sums => {
                let place = draw.random.below(sums[sums.len() - 1]);
                sums.iter().position(|sum| place < *sum).expect("the last sum is above all places")
            }
        }
    }
}

/// When a thread begins to count and ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// What is due earlier warms up and is not counted.
    pub(crate) counted_from_ns: u64,
    /// Nothing is sent from then on.
    pub(crate) end_ns: u64,
    /// So many are sent behind the warm-up.
    pub(crate) requests: u64,
}

/// A thread's load.
#[derive(Debug)]
pub(crate) struct Pilot {
    mix: Mix,
    draw: Draw,
    /// In the open loop.
    schedule: Option<Schedule>,
    depth: usize,
    bounds: Bounds,
    /// Requests under way, by connection.
    lines: Vec<VecDeque<Sent>>,
    is_lost: Vec<bool>,
    /// Connections with room.
    ready: VecDeque<usize>,
    in_flight: usize,
    /// Requests that were not answered on connections that were lost.
    unanswered: u64,
    /// By command.
    tallies: Vec<Tally>,
    /// Of all commands since it was last asked for.
    interval: Option<Tally>,
}

impl Pilot {
    pub(crate) fn new(
        mix: Mix,
        draw: Draw,
        schedule: Option<Schedule>,
        (connections, depth): (usize, usize),
        bounds: Bounds,
    ) -> Pilot {
        let tallies = mix.templates.iter().map(|_| Tally::default()).collect();
        Pilot {
            mix,
            draw,
            schedule,
            depth,
            bounds,
            lines: vec![VecDeque::with_capacity(depth); connections],
            is_lost: vec![false; connections],
            ready: (0..connections).collect(),
            in_flight: 0,
            unanswered: 0,
            tallies,
            interval: None,
        }
    }

    /// Keeps a tally of what was answered since the last one was taken.
    pub(crate) fn watch(&mut self) {
        self.interval = Some(Tally::default());
    }

    /// What was answered since the last time.
    pub(crate) fn take_interval(&mut self) -> Option<Tally> {
        let interval = self.interval.as_mut()?;
        let taken = interval.clone();
        interval.clear();
        Some(taken)
    }

    /// Nothing is sent any more.
    pub(crate) fn is_over(&self, now_ns: u64) -> bool {
        self.bounds.requests == 0 || now_ns >= self.bounds.end_ns
    }

    /// Nothing is sent from now on.
    pub(crate) fn end(&mut self, now_ns: u64) {
        self.bounds.end_ns = self.bounds.end_ns.min(now_ns);
    }

    /// When something is to be done by itself.
    pub(crate) fn wake_ns(&self) -> u64 {
        match &self.schedule {
            Some(schedule) if !self.ready.is_empty() => schedule.due_ns().min(self.bounds.end_ns),
            _ => self.bounds.end_ns,
        }
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The next connection that is to be given something now.
    pub(crate) fn next(&mut self, now_ns: u64) -> Option<usize> {
        if self.is_over(now_ns) || self.schedule.as_ref().is_some_and(|schedule| schedule.due_ns() > now_ns) {
            return None;
        }
        loop {
            let line = self.ready.pop_front()?;
            if !self.is_lost[line] {
                return Some(line);
            }
        }
    }

    /// Writes the requests for a connection that [`Pilot::next`] named.
    pub(crate) fn write(&mut self, line: usize, now_ns: u64, out: &mut Vec<u8>) {
        match &mut self.schedule {
            Some(schedule) => {
                let due_ns = schedule.take();
                self.request(line, due_ns, out);
                if self.lines[line].len() < self.depth {
                    self.ready.push_back(line);
                }
            }
            None => {
                for _ in 0..self.depth {
                    if self.bounds.requests == 0 {
                        break;
                    }
                    self.request(line, now_ns, out);
                }
            }
        }
    }

    fn request(&mut self, line: usize, due_ns: u64, out: &mut Vec<u8>) {
        let command = self.mix.choose(&mut self.draw);
        self.mix.templates[command].write(&mut self.draw, out);
        self.lines[line].push_back(Sent { due_ns, command: command as u32 });
        self.in_flight += 1;
        if due_ns >= self.bounds.counted_from_ns {
            self.bounds.requests -= 1;
        }
    }

    /// A reply came. False if nothing was asked.
    pub(crate) fn answered(&mut self, line: usize, kind: Kind, now_ns: u64) -> bool {
        let Some(sent) = self.lines[line].pop_front() else { return false };
        self.in_flight -= 1;
        let left = self.lines[line].len();
        let has_room = if self.schedule.is_some() { left + 1 == self.depth } else { left == 0 };
        if has_room {
            self.ready.push_back(line);
        }
        if sent.due_ns >= self.bounds.counted_from_ns {
            let latency_ns = now_ns.saturating_sub(sent.due_ns);
            let tally = &mut self.tallies[sent.command as usize];
            tally.record(latency_ns);
            match kind {
                Kind::Value => {}
                Kind::Nil => tally.nils += 1,
                Kind::Error => tally.errors += 1,
            }
            if let Some(interval) = &mut self.interval {
                interval.record(latency_ns);
                interval.errors += u64::from(kind == Kind::Error);
            }
        }
        true
    }

    /// A connection is gone, and with it the answers to what was under way on it.
    pub(crate) fn lost(&mut self, line: usize) {
        self.is_lost[line] = true;
        self.in_flight -= self.lines[line].len();
        self.unanswered += self.lines[line].len() as u64;
        self.lines[line].clear();
    }

    /// Whether there is a connection left.
    pub(crate) fn has_connections(&self) -> bool {
        self.is_lost.contains(&false)
    }

    /// The tallies by command, what was unanswered, and what was due and not sent.
    pub(crate) fn finish(mut self) -> (Vec<Tally>, u64, u64) {
        let mut unsent = 0;
        if let Some(schedule) = &mut self.schedule {
            while unsent < self.bounds.requests && schedule.due_ns() < self.bounds.end_ns {
                let due_ns = schedule.take();
                unsent += u64::from(due_ns >= self.bounds.counted_from_ns);
            }
        }
        (self.tallies, self.unanswered + self.in_flight as u64, unsent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replies::Protocol;
    use crate::schedule::Arrivals;
    use crate::template::Data;
    use proptest::prelude::*;

    const MS: u64 = 1_000_000;
    const SECOND: u64 = 1000 * MS;

    fn pilot(rate: Option<f64>, connections: usize, depth: usize, bounds: Bounds) -> Pilot {
        let data = Data::default();
        let template = Template::new("GET {key}", &data, Protocol::Resp2).expect("a command");
        let schedule = rate.map(|rate| Schedule::new(Arrivals::Constant, rate, 0, 1, 1));
        let mix = Mix { templates: vec![template], sums: vec![1] };
        Pilot::new(mix, Draw::new(&data, 0, 1), schedule, (connections, depth), bounds)
    }

    fn bounds(end_ns: u64) -> Bounds {
        Bounds { counted_from_ns: 0, end_ns, requests: u64::MAX }
    }

    /// A server with a clock of its own making: it answers each request `service_ns` after it came, and nothing at all
    /// during the stall, after which it answers what came meanwhile at once.
    fn simulate(pilot: &mut Pilot, service_ns: u64, stall: std::ops::Range<u64>) {
        let mut answers: VecDeque<(u64, usize)> = VecDeque::new();
        let mut out = Vec::new();
        let mut now = 0;
        loop {
            while answers.front().is_some_and(|(at, _)| *at <= now) {
                let (_, line) = answers.pop_front().expect("just seen");
                assert!(pilot.answered(line, Kind::Value, now), "it was asked");
            }
            while let Some(line) = pilot.next(now) {
                let before = pilot.in_flight();
                pilot.write(line, now, &mut out);
                let at = if stall.contains(&(now + service_ns)) { stall.end } else { now + service_ns };
                (before..pilot.in_flight()).for_each(|_| answers.push_back((at, line)));
            }
            if pilot.is_over(now) && answers.is_empty() {
                return;
            }
            let wake = if pilot.is_over(now) { u64::MAX } else { pilot.wake_ns() };
            now = answers.front().map_or(u64::MAX, |(at, _)| *at).min(wake).max(now + 1);
        }
    }

    #[test]
    fn a_stall_of_a_second_makes_all_requests_late_that_were_due_in_it() {
        for (connections, depth) in [(1, 1), (10, 1), (50, 16)] {
            let mut open = pilot(Some(1000.0), connections, depth, bounds(5 * SECOND));
            simulate(&mut open, MS / 10, 2 * SECOND..3 * SECOND);
            let (tallies, unanswered, unsent) = open.finish();
            assert_eq!((tallies[0].count(), unanswered, unsent), (5000, 0, 0));
            let late = tallies[0].longer_than(MS);
            assert!((950..=1150).contains(&late), "{connections}, {depth}: {late}");
            // They were due evenly over the second; what is due while it catches up waits too.
            let half = tallies[0].longer_than(SECOND / 2);
            assert!((450..=600).contains(&half), "{connections}, {depth}: {half}");
            assert!(tallies[0].max_ns() > SECOND - 2 * MS, "{}", tallies[0].max_ns());
        }
        // A closed loop sees the stall once a connection.
        let mut closed = pilot(None, 10, 1, bounds(5 * SECOND));
        simulate(&mut closed, MS / 10, 2 * SECOND..3 * SECOND);
        assert_eq!(closed.finish().0[0].longer_than(MS), 10);
    }

    #[test]
    fn what_was_due_and_could_not_be_sent_is_told() {
        let mut open = pilot(Some(1000.0), 1, 1, bounds(SECOND));
        // Each takes 10 ms, so there is time for a hundred.
        simulate(&mut open, 10 * MS, 0..0);
        let (tallies, _, unsent) = open.finish();
        assert_eq!(tallies[0].count() + unsent, 1000);
        assert!((99..=101).contains(&tallies[0].count()), "{}", tallies[0].count());
        assert!(tallies[0].max_ns() > 880 * MS, "the last that was sent had waited");
    }

    #[test]
    fn a_warm_up_is_not_counted() {
        let bounds = Bounds { counted_from_ns: SECOND, end_ns: 3 * SECOND, requests: u64::MAX };
        let mut open = pilot(Some(1000.0), 10, 1, bounds);
        simulate(&mut open, MS, 0..0);
        assert_eq!(open.finish().0[0].count(), 2000);
    }

    #[test]
    fn a_lost_connection_gets_nothing_more() {
        let mut closed = pilot(None, 2, 3, bounds(SECOND));
        let mut out = Vec::new();
        for _ in 0..2 {
            let line = closed.next(0).expect("ready");
            closed.write(line, 0, &mut out);
        }
        assert_eq!((closed.in_flight(), closed.next(0)), (6, None));
        assert!(closed.answered(0, Kind::Nil, 1));
        closed.lost(0);
        assert_eq!((closed.in_flight(), closed.has_connections()), (3, true));
        (0..3).for_each(|_| assert!(closed.answered(1, Kind::Error, 2)));
        assert!(!closed.answered(1, Kind::Value, 2), "nothing was asked");
        assert_eq!(closed.next(2), Some(1));
        closed.lost(1);
        assert!(!closed.has_connections());
        let (tallies, unanswered, _) = closed.finish();
        assert_eq!((tallies[0].count(), tallies[0].nils, tallies[0].errors, unanswered), (4, 1, 3, 2));
    }

    proptest! {
        #[test]
        fn requests_are_bounded_and_none_is_counted_twice(
            requests in 0u64..200, connections in 1usize..9, depth in 1usize..9, rate in prop_oneof![Just(None), Just(Some(5000.0))],
        ) {
            let bounds = Bounds { counted_from_ns: 0, end_ns: SECOND, requests };
            let mut pilot = pilot(rate, connections, depth, bounds);
            simulate(&mut pilot, MS / 10, 0..0);
            let (tallies, unanswered, unsent) = pilot.finish();
            prop_assert_eq!((tallies[0].count(), unanswered, unsent), (requests, 0, 0));
        }
    }
}
