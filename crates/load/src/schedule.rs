//! When requests are due in an open loop.
//!
//! The times follow from the rate alone. A server that stalls does not move them: requests that could not be sent wait
//! with the times at which they were due, and their latency counts from there.

use std::str::FromStr;

use crate::random::Random;

/// What lies between two requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    /// The same time each.
    Constant,
    /// Exponentially distributed times, as of many clients that know nothing of each other.
    Poisson,
}

impl FromStr for Arrivals {
    type Err = String;

    fn from_str(text: &str) -> Result<Arrivals, String> {
        match text {
            "constant" => Ok(Arrivals::Constant),
            "poisson" => Ok(Arrivals::Poisson),
            _ => Err("there are constant and poisson".to_owned()),
        }
    }
}

impl Arrivals {
    /// How it is called.
    pub fn name(self) -> &'static str {
        match self {
            Arrivals::Constant => "constant",
            Arrivals::Poisson => "poisson",
        }
    }
}

/// The times of one thread.
#[derive(Debug)]
pub(crate) struct Schedule {
    arrivals: Arrivals,
    interval_ns: f64,
    /// Of the first request.
    first_ns: f64,
    /// Requests that were taken; for Poisson the sum of the drawn times instead, in intervals.
    taken: f64,
    random: Random,
}

impl Schedule {
    /// So many requests a second in all, of which this thread has one of `threads` shares. With constant times the
    /// threads take turns.
    pub(crate) fn new(arrivals: Arrivals, rate: f64, thread: usize, threads: usize, seed: u64) -> Schedule {
        let first_ns = match arrivals {
            Arrivals::Constant => thread as f64 * 1e9 / rate,
            Arrivals::Poisson => 0.0,
        };
        let interval_ns = threads as f64 * 1e9 / rate;
        let mut random = Random::new(seed);
        let taken = match arrivals {
            Arrivals::Constant => 0.0,
            Arrivals::Poisson => random.exponential(),
        };
        Schedule { arrivals, interval_ns, first_ns, taken, random }
    }

    /// When the next request is due.
    pub(crate) fn due_ns(&self) -> u64 {
        (self.first_ns + self.taken * self.interval_ns) as u64
    }

    /// Takes the next request.
    pub(crate) fn take(&mut self) -> u64 {
        let due_ns = self.due_ns();
        self.taken += match self.arrivals {
            Arrivals::Constant => 1.0,
            Arrivals::Poisson => self.random.exponential(),
        };
        due_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(schedule: &mut Schedule, end_ns: u64) -> Vec<u64> {
        std::iter::from_fn(|| (schedule.due_ns() < end_ns).then(|| schedule.take())).collect()
    }

    #[test]
    fn constant_times_of_all_threads_together_are_the_rate() {
        let mut all: Vec<u64> = (0..4)
            .flat_map(|thread| {
                until(&mut Schedule::new(Arrivals::Constant, 1000.0, thread, 4, 0), 1_000_000_000)
            })
            .collect();
        all.sort_unstable();
        assert_eq!(all.len(), 1000);
        assert!(all.windows(2).all(|pair| pair[1] - pair[0] == 1_000_000), "one each millisecond");
    }

    #[test]
    fn poisson_times_have_the_rate_and_its_variance() {
        let mut schedule = Schedule::new(Arrivals::Poisson, 1000.0, 0, 1, 9);
        let times = until(&mut schedule, 100_000_000_000);
        // 100,000 are expected, with a deviation of 316.
        assert!((98_500..101_500).contains(&times.len()), "{}", times.len());
        let mut by_second = [0.0f64; 100];
        times.iter().for_each(|time| by_second[(time / 1_000_000_000) as usize] += 1.0);
        let mean = by_second.iter().sum::<f64>() / 100.0;
        let variance = by_second.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 99.0;
        assert!((500.0..2000.0).contains(&variance), "the variance of a count is its mean: {variance}");
    }
}
