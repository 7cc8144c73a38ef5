//! How large values are.

use std::fmt;
use std::str::FromStr;

use crate::random::Random;

/// The largest value that a server takes by default.
const MAX_BYTES: usize = 512 << 20;

/// The sizes of values in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sizes {
    /// All alike.
    Fixed(usize),
    /// Each size of a range equally often, both ends included.
    Uniform(usize, usize),
    /// Sizes, each with its weight.
    Weighted(Vec<(usize, u64)>),
}

impl Sizes {
    /// The largest of them.
    pub(crate) fn max(&self) -> usize {
        match self {
            Sizes::Fixed(size) | Sizes::Uniform(_, size) => *size,
            Sizes::Weighted(list) => list.iter().map(|(size, _)| *size).max().unwrap_or(0),
        }
    }

    /// The only one, if there is but one.
    pub(crate) fn fixed(&self) -> Option<usize> {
        if let Sizes::Fixed(size) = self { Some(*size) } else { None }
    }

    pub(crate) fn draw(&self, random: &mut Random) -> usize {
        match self {
            Sizes::Fixed(size) => *size,
            Sizes::Uniform(low, high) => low + random.below((high - low) as u64 + 1) as usize,
            Sizes::Weighted(list) => {
                let mut place = random.below(list.iter().map(|(_, weight)| weight).sum());
                for (size, weight) in list {
                    if place < *weight {
                        return *size;
                    }
                    place -= weight;
                }
                unreachable!("the weights add up")
            }
        }
    }
}

impl FromStr for Sizes {
    type Err = String;

    fn from_str(text: &str) -> Result<Sizes, String> {
        let size = |text: &str| match text.parse::<usize>() {
            Ok(size) if size <= MAX_BYTES => Ok(size),
            _ => Err(format!("{text:?} is no size in bytes: 256, 64-1024, or with weights 64:80,1024:20")),
        };
        if text.contains(':') {
            let mut list = Vec::new();
            for part in text.split(',') {
                let (bytes, weight) = part.split_once(':').unwrap_or((part, "1"));
                let weight = weight.parse::<u32>().ok().filter(|weight| *weight > 0);
                let weight = weight.ok_or_else(|| format!("{part:?} has no weight above 0"))?;
                list.push((size(bytes)?, u64::from(weight)));
            }
            return Ok(Sizes::Weighted(list));
        }
        match text.split_once('-') {
            None => Ok(Sizes::Fixed(size(text)?)),
            Some((low, high)) => match (size(low)?, size(high)?) {
                (low, high) if low < high => Ok(Sizes::Uniform(low, high)),
                _ => Err(format!("{text:?} is no range of sizes")),
            },
        }
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sizes::Fixed(size) => write!(f, "{size}"),
            Sizes::Uniform(low, high) => write!(f, "{low}-{high}"),
            Sizes::Weighted(list) => {
                let parts: Vec<String> =
                    list.iter().map(|(size, weight)| format!("{size}:{weight}")).collect();
                f.write_str(&parts.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_shown() {
        for text in ["0", "256", "64-1024", "64:80,1024:20"] {
            assert_eq!(text.parse::<Sizes>().expect("fine").to_string(), text);
        }
        for text in ["", "x", "10-5", "64:0", "64:x", "64:80,x:1", "99999999999"] {
            assert!(text.parse::<Sizes>().is_err(), "{text}");
        }
    }

    #[test]
    fn weights_are_kept_and_ranges_reached() {
        let mut random = Random::new(3);
        let weighted: Sizes = "64:80,1024:20".parse().expect("fine");
        let small = (0..100_000).filter(|_| weighted.draw(&mut random) == 64).count();
        assert!((79_000..81_000).contains(&small), "{small}");
        let range = Sizes::Uniform(3, 5);
        let drawn: std::collections::BTreeSet<usize> = (0..1000).map(|_| range.draw(&mut random)).collect();
        assert!(drawn.into_iter().eq(3..=5));
        assert_eq!((weighted.max(), range.max(), Sizes::Fixed(7).fixed()), (1024, 5, Some(7)));
    }
}
