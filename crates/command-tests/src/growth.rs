//! How a cost grows with a size, from CPU times: the tests of the data commands and of those about the server share it.

use std::time::Duration;

/// Below this, a measurement says nothing.
const MEASURABLE: Duration = Duration::from_millis(5);
const RUNS: usize = 5;
/// How often growth has to show at the second size.
const CONFIRMATIONS: usize = 3;
/// What a command that is not quadratic may cost at four times a size. A quadratic one costs sixteen times as much there. A
/// linear one costs up to eight times as much where its arguments leave one cache after the other.
pub const LINEAR: f64 = 10.0;

/// How many times more it costs at four times a size, if that is beyond `most`. It has to show at two sizes, since what
/// comes from leaving a cache happens once; the last size is there for that alone. What is not measurable is cheap.
pub fn beyond(most: f64, sizes: [usize; 3], mut measure: impl FnMut(usize) -> Duration) -> Option<f64> {
    let [smallest, middle, largest] = sizes;
    let (n, growth) = match growth_at(smallest, most, &mut measure) {
        Ok(growth) => (smallest, growth),
        // Even as a square it would say nothing at the next size.
        Err(cost) if cost * square(middle / smallest) < MEASURABLE => return None,
        Err(_) => (middle, growth_at(middle, most, &mut measure).ok()?),
    };
    if growth <= most {
        return None;
    }
    let confirming = if n == smallest { middle } else { largest };
    // Others that use the caches of this machine meanwhile can look like growth, but not time and again.
    let mut least = growth;
    for _ in 0..CONFIRMATIONS {
        let again = growth_at(confirming, most, &mut measure).ok().filter(|again| *again > most)?;
        least = least.min(again);
    }
    Some(least)
}

fn square(number: usize) -> u32 {
    u32::try_from(number * number).unwrap_or(u32::MAX)
}

/// How many times more it costs at four times the size, by the best of some runs; what it costs there when that is not
/// measurable. Growth up to `most` needs no further run.
fn growth_at(n: usize, most: f64, measure: &mut impl FnMut(usize) -> Duration) -> Result<f64, Duration> {
    let (mut small, mut large) = (Duration::MAX, Duration::MAX);
    for run in 1.. {
        large = large.min(measure(4 * n));
        if large < MEASURABLE {
            return Err(large);
        }
        small = small.min(measure(n));
        let growth = large.as_secs_f64() / small.as_secs_f64().max(1e-9);
        if growth <= most || run == RUNS {
            return Ok(growth);
        }
    }
    unreachable!("a bounded number of runs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_told_from_noise() {
        let ns = |n: f64| Duration::from_nanos(n as u64);
        let sizes = [1_000, 10_000, 40_000];
        let square = |n: usize| ns(n as f64 * n as f64);
        assert!(beyond(LINEAR, sizes, square).is_some_and(|growth| growth > 15.0));
        assert_eq!(beyond(LINEAR, sizes, |n| ns(1e4 * n as f64)), None);
        assert_eq!(beyond(LINEAR, sizes, |n| ns(n as f64 / 10.0)), None, "too cheap to tell");
        // Only the second size shows it, and the third confirms it.
        let late = |n: usize| ns(n as f64 * n as f64 / 10.0);
        assert!(beyond(LINEAR, sizes, late).is_some_and(|growth| growth > 15.0));
        // It leaves a cache between two sizes.
        assert_eq!(beyond(LINEAR, sizes, |n| ns(if n > 2_000 { 2e4 } else { 1e4 } * n as f64)), None);
        // Another thread's work comes into one run.
        let mut runs = 0;
        let noisy = |n: usize| {
            runs += 1;
            ns(n as f64 + if runs == 1 { 6e6 } else { 0.0 })
        };
        assert_eq!(beyond(LINEAR, sizes, noisy), None);
    }
}
