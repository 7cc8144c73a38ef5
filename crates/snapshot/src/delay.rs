//! A pause after each key, so that what saves and loads can be watched: `rdb-key-save-delay`, `key-load-delay`.

use std::thread;
use std::time::{Duration, Instant};

/// In microseconds; when negative, one microsecond for each so many keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyDelay(i32);

/// How long it may take until the end of a long pause is noticed.
const SLICE: Duration = Duration::from_millis(10);

impl KeyDelay {
    /// A delay as the parameter gives it.
    pub fn new(microseconds: i32) -> KeyDelay {
        KeyDelay(microseconds)
    }

    /// Whether there is none.
    pub(crate) fn is_none(self) -> bool {
        self.0 == 0
    }

    /// How long to pause once `keys` keys are done, the last of them just now.
    fn of(self, keys: u64) -> Duration {
        match self.0 {
            0 => Duration::ZERO,
            each @ 1.. => Duration::from_micros(u64::from(each.unsigned_abs())),
            every => Duration::from_micros(u64::from(keys.is_multiple_of(u64::from(every.unsigned_abs())))),
        }
    }

    /// Pauses after the last of `keys` keys, until then or until `ends`.
    pub(crate) fn pause(self, keys: u64, ends: impl Fn() -> bool) {
        let pause = self.of(keys);
        if pause.is_zero() {
            return;
        }
        let began = Instant::now();
        while !ends() {
            let left = pause.saturating_sub(began.elapsed());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(SLICE));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positive_is_a_time_and_negative_a_number_of_keys() {
        let micros = |delay: i32| -> Vec<u128> {
            (1..=6).map(|keys| KeyDelay::new(delay).of(keys).as_micros()).collect()
        };
        assert_eq!(micros(0), [0; 6]);
        assert_eq!(micros(50), [50; 6]);
        assert_eq!(micros(-3), [0, 0, 1, 0, 0, 1]);
        assert_eq!(micros(i32::MIN), [0; 6]);
    }

    #[test]
    fn a_long_pause_ends_when_it_is_told_to() {
        let asked = std::cell::Cell::new(0);
        KeyDelay::new(i32::MAX).pause(1, || {
            asked.set(asked.get() + 1);
            asked.get() == 3
        });
        assert_eq!(asked.get(), 3);
    }
}
