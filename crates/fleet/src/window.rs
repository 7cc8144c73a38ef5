//! Maintenance windows: the hour of the week, or longer, in which changes that were put off happen.

const MINUTE_MS: u64 = 60_000;
const DAY_MINUTES: u32 = 24 * 60;
const WEEK_MINUTES: u32 = 7 * DAY_MINUTES;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Unix time begins on a Thursday.
const EPOCH_MINUTE: u32 = 3 * DAY_MINUTES;

/// A part of every week, in UTC, from one minute up to another. It may go past the end of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaintenanceWindow {
    /// Minutes since Monday, 0:00.
    from: u32,
    to: u32,
}

impl MaintenanceWindow {
    /// Reads `ddd:hh24:mi-ddd:hh24:mi` in lower case, as `sun:23:00-mon:01:30`.
    pub fn parse(text: &str) -> Option<MaintenanceWindow> {
        let (from, to) = text.split_once('-')?;
        Some(MaintenanceWindow { from: minute_of_week(from)?, to: minute_of_week(to)? })
    }

    /// The minute of the week, from Monday 0:00, at which it begins.
    pub fn from_minute(&self) -> u32 {
        self.from
    }

    /// How long it is, in minutes.
    pub fn minutes(&self) -> u32 {
        (self.to + WEEK_MINUTES - self.from) % WEEK_MINUTES
    }

    /// Whether a time (Unix ms) is within it.
    pub fn contains(&self, at_ms: u64) -> bool {
        (minute_at(at_ms) + WEEK_MINUTES - self.from) % WEEK_MINUTES < self.minutes()
    }

    /// When it begins next, behind a time (both Unix ms).
    pub fn next_start(&self, after_ms: u64) -> u64 {
        let ahead = (self.from + WEEK_MINUTES - minute_at(after_ms)) % WEEK_MINUTES;
        let ahead = if ahead == 0 { WEEK_MINUTES } else { ahead };
        (after_ms / MINUTE_MS + u64::from(ahead)) * MINUTE_MS
    }
}

fn minute_at(at_ms: u64) -> u32 {
    let week = u64::from(WEEK_MINUTES);
    ((at_ms / MINUTE_MS + u64::from(EPOCH_MINUTE)) % week) as u32
}

/// `ddd:hh24:mi`
fn minute_of_week(text: &str) -> Option<u32> {
    let (day, time) = text.split_once(':')?;
    let day = DAYS.iter().position(|name| *name == day)? as u32;
    Some(day * DAY_MINUTES + minute_of_day(time)?)
}

/// Reads `hh24:mi`: minutes since midnight.
pub fn minute_of_day(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, below: u32| {
        let is_plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|number| is_plain && *number < below)
    };
    Some(number(hours, 24)? * 60 + number(minutes, 60)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Sunday, 2026-11-29, 04:59:00 UTC.
    const SUNDAY_0459: u64 = 1_795_928_340_000;
    const HOUR: u64 = 60 * MINUTE_MS;
    const WEEK: u64 = 7 * 24 * HOUR;

    #[test]
    fn a_window_holds_its_first_minute_and_not_its_last() {
        let window = MaintenanceWindow::parse("sun:05:00-sun:06:00").unwrap();
        assert_eq!(window.minutes(), 60);
        assert!(!window.contains(SUNDAY_0459 + MINUTE_MS - 1));
        assert!(window.contains(SUNDAY_0459 + MINUTE_MS));
        assert!(window.contains(SUNDAY_0459 + HOUR + MINUTE_MS - 1));
        assert!(!window.contains(SUNDAY_0459 + HOUR + MINUTE_MS));
    }

    #[test]
    fn a_window_may_go_past_the_end_of_the_week() {
        let window = MaintenanceWindow::parse("sun:23:00-mon:01:30").unwrap();
        assert_eq!(window.minutes(), 150);
        let start = SUNDAY_0459 + MINUTE_MS + 18 * HOUR;
        for (offset, within) in [(0, true), (HOUR + 1, true), (2 * HOUR, true), (150 * MINUTE_MS, false)] {
            assert_eq!(window.contains(start + offset), within, "{offset}");
        }
        assert!(!window.contains(start - 1));
    }

    #[test]
    fn the_next_start_is_always_ahead() {
        let window = MaintenanceWindow::parse("sun:05:00-sun:06:00").unwrap();
        let start = SUNDAY_0459 + MINUTE_MS;
        assert_eq!(window.next_start(SUNDAY_0459), start);
        assert_eq!(window.next_start(SUNDAY_0459 + 1), start);
        assert_eq!(window.next_start(start), start + WEEK);
        assert_eq!(window.next_start(start + HOUR), start + WEEK);
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for bad in [
            "",
            "sun:05:00",
            "sun:5:00-sun:06:00",
            "sun:05:00-sun:24:00",
            "xyz:05:00-sun:06:00",
            "sun:05:60-sun:06:00",
        ] {
            assert_eq!(MaintenanceWindow::parse(bad), None, "{bad}");
        }
    }
}
