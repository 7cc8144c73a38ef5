//! How long a command waits.

use crate::Error;
use number::LongDouble;
use profile::Profile;

/// 2^63: the first number of milliseconds that no longer is one.
const LIMIT_MS: f64 = 9_223_372_036_854_775_808.0;
/// Texts of numbers that only a long double holds are longer than this if the number is large, and `0` if it is small.
const SMALL_TEXT: usize = 2;

/// A timeout in seconds, as milliseconds rounded up; `None`, which is 0 for the client, means forever.
///
/// # Errors
/// [`Error::InvalidTimeout`], [`Error::NegativeTimeout`], and for the newer servers a text of its own when the end of the wait
/// would be beyond all times; Redis 7.0 takes what is beyond 64 bits for negative.
pub fn timeout_ms(arg: &[u8], now_ms: u64, profile: Profile) -> Result<Option<u64>, Error> {
    let ms = (seconds(arg)? * 1000.0).ceil();
    let is_checked = profile.has("7.2.0");
    if ms >= LIMIT_MS || (is_checked && ms > LIMIT_MS - now_ms as f64) {
        return Err(if is_checked {
            Error::text("ERR timeout is out of range")
        } else {
            Error::NegativeTimeout
        });
    }
    if ms < 0.0 {
        return Err(Error::NegativeTimeout);
    }
    Ok((ms > 0.0).then_some(ms as u64))
}

/// A timeout in whole milliseconds; `None`, which is 0 for the client, means forever.
///
/// # Errors
/// A text when it is no integer, [`Error::NegativeTimeout`], and for the newer servers a text when the end of the wait would be
/// beyond all times.
pub fn timeout_of_ms(arg: &[u8], now_ms: u64, profile: Profile) -> Result<Option<u64>, Error> {
    let ms = number::parse_i64(arg)
        .ok_or(Error::text("ERR timeout is not an integer or out of range"))
        .and_then(|ms| u64::try_from(ms).map_err(|_| Error::NegativeTimeout))?;
    if profile.has("7.2.0") && ms > (i64::MAX as u64).saturating_sub(now_ms) {
        return Err(Error::text("ERR timeout is out of range"));
    }
    Ok((ms > 0).then_some(ms))
}

/// The number of an argument that is read as a long double.
fn seconds(arg: &[u8]) -> Result<f64, Error> {
    if let Some(seconds) = number::parse_f64(arg) {
        return Ok(seconds);
    }
    let wide = LongDouble::parse(arg).ok_or(Error::InvalidTimeout)?;
    let magnitude = if wide.to_string().len() > SMALL_TEXT { f64::INFINITY } else { f64::MIN_POSITIVE };
    Ok(if arg.starts_with(b"-") { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_700_000_000_000;

    fn redis(arg: &str) -> Result<Option<u64>, Error> {
        timeout_ms(arg.as_bytes(), NOW_MS, Profile::Redis70)
    }

    fn valkey(arg: &str) -> Result<Option<u64>, Error> {
        timeout_ms(arg.as_bytes(), NOW_MS, Profile::Valkey80)
    }

    #[test]
    fn part_of_a_millisecond_is_one() {
        for (arg, ms) in
            [("1", 1000), ("0.001", 1), ("1.5", 1500), ("0.0001", 1), ("1e-4000", 1), ("0x10", 16_000)]
        {
            assert_eq!(redis(arg), Ok(Some(ms)), "{arg}");
        }
        for forever in ["0", "0.0", "-0", "-0.0001", "-1e-4000"] {
            assert_eq!(valkey(forever), Ok(None), "{forever}");
        }
    }

    #[test]
    fn whole_milliseconds() {
        let ms = |arg: &str, profile| timeout_of_ms(arg.as_bytes(), NOW_MS, profile);
        let none = Err(Error::text("ERR timeout is not an integer or out of range"));
        for profile in [Profile::Redis70, Profile::Valkey80] {
            assert_eq!((ms("0", profile), ms("7", profile)), (Ok(None), Ok(Some(7))));
            assert_eq!((ms("-1", profile), ms("1.5", profile)), (Err(Error::NegativeTimeout), none.clone()));
        }
        let most = i64::MAX.to_string();
        assert_eq!(ms(&most, Profile::Redis70), Ok(Some(i64::MAX as u64)));
        assert_eq!(ms(&most, Profile::Valkey80), Err(Error::text("ERR timeout is out of range")));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for arg in ["", "x", "nan", " 1", "1 ", "1e5000"] {
            assert_eq!(redis(arg), Err(Error::InvalidTimeout), "{arg}");
        }
        for arg in ["-1", "-0.002", "-inf", "-1e400"] {
            assert_eq!((redis(arg), valkey(arg)), (Err(Error::NegativeTimeout), Err(Error::NegativeTimeout)));
        }
        for arg in ["inf", "1e400", "9223372036854776"] {
            assert_eq!(redis(arg), Err(Error::NegativeTimeout), "{arg}");
            assert_eq!(valkey(arg), Err(Error::text("ERR timeout is out of range")), "{arg}");
        }
        assert_eq!(redis("9223372036854774"), Ok(Some(9_223_372_036_854_773_760)));
        assert!(valkey("9223372036854774").is_err() && valkey("9223300000000000").is_ok());
    }
}
