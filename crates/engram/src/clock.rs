//! `engram clock`: moves the time of day of a region that was started for tests.

use anyhow::{Result, anyhow, bail};

/// The options of `engram clock`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) data: crate::data_directory::DataDirectory,
    /// How far to move it forward: a number and s, m, h or d, as 90m
    #[arg(long, value_name = "DURATION", value_parser = duration_ms)]
    advance: u64,
}

/// Moves the clock and prints what it says then, in Unix milliseconds.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let moved = region::whereabouts::advance(&arguments.data.path()?, arguments.advance)?;
    crate::console::print(&format!("{}\n", moved.map_err(|why| anyhow!(why))?))
}

/// A duration as people write it.
pub(crate) fn duration_ms(text: &str) -> Result<u64> {
    let units = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)];
    let parsed = units.iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(*unit)?.parse().ok()?;
        number.checked_mul(seconds * 1_000)
    });
    match parsed {
        Some(ms) => Ok(ms),
        None => bail!("a duration is a number and s, m, h or d, as 90m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        for (text, ms) in [("0s", 0), ("90m", 5_400_000), ("2h", 7_200_000), ("7d", 604_800_000)] {
            assert_eq!(duration_ms(text).unwrap(), ms, "{text}");
        }
        for bad in ["", "5", "m", "-1s", "1.5h", "1w", "18446744073709551615d"] {
            assert!(duration_ms(bad).is_err(), "{bad}");
        }
    }
}
