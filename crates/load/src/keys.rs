//! Which keys are used, and how often each.
//!
//! A keyspace is the numbers `0..n`. A skewed distribution ranks them: rank 0 is used most. Ranks are spread over the
//! numbers by a fixed permutation, so that keys that are used together are not those that were loaded together.

use std::fmt;
use std::str::FromStr;

use crate::random::Random;

/// How often each key is used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Distribution {
    /// Each equally often.
    Uniform,
    /// One after the other; threads begin at equal distances.
    Sequential,
    /// The key of rank `r` (from 1) in proportion to `r^-exponent`.
    Zipfian {
        /// Above 0; YCSB has 0.99.
        exponent: f64,
    },
    /// So many percent of accesses go to so many percent of the keys, evenly; the other accesses to the other keys.
    HotSpot {
        /// Percent of all accesses.
        accesses: f64,
        /// Percent of all keys.
        keys: f64,
    },
}

impl FromStr for Distribution {
    type Err = String;

    fn from_str(text: &str) -> Result<Distribution, String> {
        let (name, rest) = text.split_once(':').map_or((text, None), |(name, rest)| (name, Some(rest)));
        match (name, rest) {
            ("uniform", None) => Ok(Distribution::Uniform),
            ("sequential", None) => Ok(Distribution::Sequential),
            ("zipfian", exponent) => match exponent.unwrap_or("0.99").parse::<f64>() {
                Ok(exponent) if exponent > 0.0 && exponent <= 10.0 => Ok(Distribution::Zipfian { exponent }),
                _ => Err("an exponent is above 0 and at most 10".to_owned()),
            },
            ("hotspot", shares) => {
                let shares = shares.unwrap_or("90/10").split_once('/');
                let percent =
                    |text: &str| text.parse::<f64>().ok().filter(|share| *share > 0.0 && *share < 100.0);
                match shares.map(|(accesses, keys)| (percent(accesses), percent(keys))) {
                    Some((Some(accesses), Some(keys))) => Ok(Distribution::HotSpot { accesses, keys }),
                    _ => {
                        Err("a hot spot is hotspot:ACCESSES/KEYS in percent, such as hotspot:90/10"
                            .to_owned())
                    }
                }
            }
            _ => Err("there are uniform, sequential, zipfian[:EXPONENT], hotspot[:ACCESSES/KEYS]".to_owned()),
        }
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Distribution::Uniform => f.write_str("uniform"),
            Distribution::Sequential => f.write_str("sequential"),
            Distribution::Zipfian { exponent } => write!(f, "zipfian:{exponent}"),
            Distribution::HotSpot { accesses, keys } => write!(f, "hotspot:{accesses}/{keys}"),
        }
    }
}

/// Draws keys.
#[derive(Debug, Clone)]
pub(crate) struct KeyDraw {
    count: u64,
    /// Of the permutation: no common divisor with `count`.
    stride: u64,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Uniform,
    Sequential { next: u64 },
    Zipfian(Zipfian),
    HotSpot { accesses: f64, hot: u64 },
}

impl KeyDraw {
    /// Of `count` keys; a sequence begins at `first`.
    pub(crate) fn new(distribution: Distribution, count: u64, first: u64) -> KeyDraw {
        assert!(count > 0, "there is a key");
        let kind = match distribution {
            Distribution::Uniform => Kind::Uniform,
            Distribution::Sequential => Kind::Sequential { next: first % count },
            Distribution::Zipfian { exponent } => Kind::Zipfian(Zipfian::new(count, exponent)),
            Distribution::HotSpot { accesses, keys } => {
                let hot = ((count as f64 * keys / 100.0).ceil() as u64).clamp(1, count);
                // Where all keys are hot there are no others to go to.
                let accesses = if hot == count { 1.0 } else { accesses / 100.0 };
                Kind::HotSpot { accesses, hot }
            }
        };
        KeyDraw { count, stride: stride(count), kind }
    }

    pub(crate) fn next(&mut self, random: &mut Random) -> u64 {
        let rank = match &mut self.kind {
            Kind::Uniform => return random.below(self.count),
            Kind::Sequential { next } => {
                let key = *next;
                *next = if key + 1 == self.count { 0 } else { key + 1 };
                return key;
            }
            Kind::Zipfian(zipfian) => zipfian.next(random),
            Kind::HotSpot { accesses, hot } => {
                if random.unit() < *accesses {
                    random.below(*hot)
                } else {
                    *hot + random.below(self.count - *hot)
                }
            }
        };
        self.at_rank(rank)
    }

    /// The key of a rank, which is from 0.
    fn at_rank(&self, rank: u64) -> u64 {
        ((u128::from(rank) * u128::from(self.stride)) % u128::from(self.count)) as u64
    }
}

/// A step that visits all of `0..count` and goes far each time: about the golden section, without a common divisor.
fn stride(count: u64) -> u64 {
    let mut stride = ((count as f64 * 0.618_033_988_749_894_9) as u64).max(1);
    while gcd(stride, count) != 1 {
        stride += 1;
    }
    stride
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Ranks in proportion to a power of them, in constant time and memory: rejection-inversion (Hörmann and Derflinger,
/// 1996). The density `x^-s` is inverted as if ranks were continuous, and a draw that falls outside its rank's bar is
/// repeated, which is rare.
#[derive(Debug, Clone)]
struct Zipfian {
    exponent: f64,
    count: f64,
    /// The integral of the density from the start of the first bar, and to the end of the last.
    low: f64,
    high: f64,
    /// Within this distance of its rank a draw is inside the bar for certain.
    certain: f64,
}

impl Zipfian {
    fn new(count: u64, exponent: f64) -> Zipfian {
        let mut zipfian = Zipfian { exponent, count: count as f64, low: 0.0, high: 0.0, certain: 0.0 };
        zipfian.low = zipfian.integral(1.5) - 1.0;
        zipfian.high = zipfian.integral(zipfian.count + 0.5);
        zipfian.certain = 2.0 - zipfian.inverse(zipfian.integral(2.5) - 2.0f64.powf(-exponent));
        zipfian
    }

    fn next(&self, random: &mut Random) -> u64 {
        loop {
            let area = self.high + random.unit() * (self.low - self.high);
            let place = self.inverse(area);
            let rank = place.round().clamp(1.0, self.count);
            if rank - place <= self.certain || area >= self.integral(rank + 0.5) - rank.powf(-self.exponent) {
                return rank as u64 - 1;
            }
        }
    }

    /// `∫ x^-s`, which is 0 at 1.
    fn integral(&self, x: f64) -> f64 {
        let power = 1.0 - self.exponent;
        if power.abs() < 1e-9 { x.ln() } else { (power * x.ln()).exp_m1() / power }
    }

    fn inverse(&self, area: f64) -> f64 {
        let power = 1.0 - self.exponent;
        if power.abs() < 1e-9 { area.exp() } else { ((area * power).max(-1.0).ln_1p() / power).exp() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counts(distribution: Distribution, keys: u64, draws: usize) -> Vec<u64> {
        let mut draw = KeyDraw::new(distribution, keys, 0);
        let mut random = Random::new(42);
        let mut counts = vec![0; keys as usize];
        (0..draws).for_each(|_| counts[draw.next(&mut random) as usize] += 1);
        counts
    }

    #[test]
    fn a_zipfians_frequencies_are_powers_of_the_rank() {
        for exponent in [0.5, 0.99, 1.0, 1.2, 2.0] {
            let (keys, draws) = (1000, 1_000_000);
            let drawn = counts(Distribution::Zipfian { exponent }, keys, draws);
            let order = KeyDraw::new(Distribution::Uniform, keys, 0);
            let sum: f64 = (1..=keys).map(|rank| (rank as f64).powf(-exponent)).sum();
            for rank in [1, 2, 3, 5, 10, 50, 200] {
                let expected = draws as f64 * (rank as f64).powf(-exponent) / sum;
                let got = drawn[order.at_rank(rank - 1) as usize] as f64;
                // Five standard deviations of a count.
                let slack = 5.0 * expected.sqrt();
                assert!((got - expected).abs() <= slack, "{exponent}: rank {rank}: {got}, not {expected}");
            }
        }
    }

    #[test]
    fn a_hot_spot_has_its_share_of_accesses() {
        let drawn = counts(Distribution::HotSpot { accesses: 90.0, keys: 10.0 }, 1000, 1_000_000);
        let order = KeyDraw::new(Distribution::Uniform, 1000, 0);
        let hot: u64 = (0..100).map(|rank| drawn[order.at_rank(rank) as usize]).sum();
        assert!((895_000..905_000).contains(&hot), "{hot}");
        assert!(drawn.iter().all(|&count| count > 0), "the others are used too");
    }

    #[test]
    fn a_uniform_draw_reaches_all_keys_alike() {
        let drawn = counts(Distribution::Uniform, 100, 1_000_000);
        assert!(drawn.iter().all(|count| (9_500..10_500).contains(count)), "{drawn:?}");
    }

    #[test]
    fn a_sequence_goes_round() {
        let mut draw = KeyDraw::new(Distribution::Sequential, 3, 2);
        let mut random = Random::new(1);
        assert_eq!([0; 5].map(|_| draw.next(&mut random)), [2, 0, 1, 2, 0]);
    }

    #[test]
    fn distributions_are_read_and_shown() {
        for text in ["uniform", "sequential", "zipfian:1.2", "hotspot:80/20"] {
            assert_eq!(text.parse::<Distribution>().expect("fine").to_string(), text);
        }
        assert_eq!("zipfian".parse(), Ok(Distribution::Zipfian { exponent: 0.99 }));
        for text in
            ["", "zipfian:0", "zipfian:x", "hotspot:90", "hotspot:0/10", "hotspot:90/100", "uniform:1"]
        {
            assert!(text.parse::<Distribution>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_draw_is_a_key(count in 1u64..=1 << 40, exponent in 0.01f64..10.0, seed: u64) {
            let mut random = Random::new(seed);
            let hot = Distribution::HotSpot { accesses: 50.0, keys: exponent };
            for distribution in [Distribution::Uniform, Distribution::Zipfian { exponent }, hot] {
                let mut draw = KeyDraw::new(distribution, count, seed);
                for _ in 0..100 {
                    prop_assert!(draw.next(&mut random) < count);
                }
            }
        }

        #[test]
        fn ranks_are_spread_without_two_on_one_key(count in 1u64..2000) {
            let draw = KeyDraw::new(Distribution::Uniform, count, 0);
            let mut keys: Vec<u64> = (0..count).map(|rank| draw.at_rank(rank)).collect();
            keys.sort_unstable();
            prop_assert!(keys.into_iter().eq(0..count));
        }
    }
}
