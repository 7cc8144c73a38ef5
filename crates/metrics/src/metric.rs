//! What a metric is.

use super::facts::Facts;
use profile::{Profile, Version};
use std::borrow::Cow;
use std::fmt;

/// What becomes of a metric's value over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, until CONFIG RESETSTAT or the next start.
    Counter,
    /// It is what it is at the moment.
    Gauge,
    /// No number.
    Text,
}

/// What a metric counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Unit {
    Bytes,
    Count,
    Days,
    /// 0 or 1.
    Flag,
    /// Kilobytes a second.
    KilobytesPerSecond,
    Microseconds,
    Milliseconds,
    /// It is a text, or an address, or a number that counts nothing.
    None,
    Percent,
    /// Things a second.
    PerSecond,
    /// One quantity in relation to another.
    Ratio,
    Seconds,
    /// Unix time in microseconds.
    UnixMicroseconds,
    /// Unix time in seconds.
    UnixSeconds,
}

/// A value with the form in which INFO writes it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Words.
    Text(Cow<'static, str>),
    /// A number.
    Unsigned(u64),
    /// A number; -1 where there is none.
    Signed(i64),
    /// A number with so many digits behind the point.
    Fixed(f64, usize),
    /// Two digits behind the point, and a percent sign.
    Percent(f64),
    /// Microseconds, written as seconds.
    Microseconds(u64),
    /// One of two words.
    State {
        /// Whether it is the first of them.
        is: bool,
        /// That word.
        yes: &'static str,
        /// The other one.
        no: &'static str,
    },
}

impl Value {
    /// A measure with two digits.
    pub(crate) const fn two_digits(value: f64) -> Value {
        Value::Fixed(value, 2)
    }

    /// A part of a whole, with two digits. Of nothing it is no part.
    pub(crate) fn ratio(part: u64, whole: u64) -> Value {
        Value::Fixed(part as f64 / whole.max(1) as f64, 2)
    }

    /// A value, or -1 where there is none.
    pub(crate) fn or_none(value: Option<u64>) -> Value {
        Value::Signed(value.map_or(-1, |value| value as i64))
    }

    /// Its number; of one of two words 1 or 0.
    pub(crate) fn number(&self) -> Option<f64> {
        match *self {
            Value::Text(_) => None,
            Value::Unsigned(number) => Some(number as f64),
            Value::Signed(number) => Some(number as f64),
            Value::Fixed(number, _) | Value::Percent(number) => Some(number),
            Value::Microseconds(us) => Some(us as f64 / 1e6),
            Value::State { is, .. } => Some(f64::from(u8::from(is))),
        }
    }

    pub(crate) const fn text(text: &'static str) -> Value {
        Value::Text(Cow::Borrowed(text))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Unsigned(number) => write!(f, "{number}"),
            Value::Signed(number) => write!(f, "{number}"),
            Value::Fixed(number, digits) => write!(f, "{number:.digits$}"),
            Value::Percent(number) => write!(f, "{number:.2}%"),
            Value::Microseconds(us) => write!(f, "{}.{:06}", us / 1_000_000, us % 1_000_000),
            Value::State { is, yes, no } => f.write_str(if *is { yes } else { no }),
        }
    }
}

macro_rules! value_from {
    ($($number:ty),*) => {
        $(impl From<$number> for Value {
            fn from(number: $number) -> Value {
                Value::Unsigned(number as u64)
            }
        })*
    };
}

value_from!(bool, u8, u16, u32, u64, usize);

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Signed(number)
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Value {
        Value::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text.into())
    }
}

/// One of many things that are told alike: what follows the field's name, and the parts of the line.
#[derive(Debug)]
pub struct Item {
    /// `0` of `db0`.
    pub label: String,
    /// `keys` with its value, and so on.
    pub parts: Vec<(Cow<'static, str>, Value)>,
}

impl Item {
    pub(crate) fn new<const N: usize>(label: impl ToString, parts: [(&'static str, Value); N]) -> Item {
        let parts = parts.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect();
        Item { label: label.to_string(), parts }
    }
}

/// Where a metric's value comes from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// It is read.
    Read(fn(&Facts<'_>) -> Value),
    /// It is there at times.
    ReadIf(fn(&Facts<'_>) -> Option<Value>),
    /// A line for each of many things.
    Each(fn(&Facts<'_>) -> Vec<Item>),
    /// Bytes as people read them, of another row.
    Human(fn(&Facts<'_>) -> u64),
    /// What it is about does not exist here. Tools expect the line, so it says what a server says that doesn't use the thing.
    Absent(Value),
}

/// A row of the table. The order of rows is the order of INFO's lines.
#[derive(Debug, Clone)]
pub struct Metric {
    /// The field of INFO; with [many](Metric::is_many) things, what all their lines begin with.
    pub field: &'static str,
    /// What becomes of it over time.
    pub kind: Kind,
    /// What it counts.
    pub unit: Unit,
    /// What it tells, in a sentence; of what is absent, why.
    pub help: &'static str,
    /// The name under which CloudWatch publishes it.
    pub cloudwatch: Option<&'static str>,
    since: Version,
    until: Option<Version>,
    shown: Option<fn(&Facts<'_>) -> bool>,
    source: Source,
}

impl Metric {
    /// Whether a server of this version has it.
    pub fn is_in(&self, profile: Profile) -> bool {
        let version = profile.version();
        version >= self.since && self.until.is_none_or(|until| version < until)
    }

    /// Whether what it is about does not exist here, so that its value never changes.
    pub fn is_absent(&self) -> bool {
        matches!(self.source, Source::Absent(_))
    }

    /// Whether there is a line for each of many things.
    pub fn is_many(&self) -> bool {
        matches!(self.source, Source::Each(_))
    }

    /// Whether INFO shows it in every state of the node.
    pub fn is_always_shown(&self) -> bool {
        self.shown.is_none() && !matches!(self.source, Source::ReadIf(_) | Source::Each(_))
    }

    /// The first version that has it, if it did not always exist.
    pub fn added_in(&self) -> Option<Version> {
        (self.since > Version(0, 0, 0)).then_some(self.since)
    }

    /// The first version that has it no more.
    pub fn removed_in(&self) -> Option<Version> {
        self.until
    }

    /// Its number, if it has one in this state of the node.
    pub(crate) fn number(&self, facts: &Facts<'_>) -> Option<f64> {
        if self.shown.is_some_and(|is_shown| !is_shown(facts)) {
            return None;
        }
        match &self.source {
            Source::Read(read) => read(facts).number(),
            Source::ReadIf(read) => read(facts)?.number(),
            Source::Each(_) | Source::Human(_) | Source::Absent(_) => None,
        }
    }

    /// Its lines in INFO.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, facts: &Facts<'_>, out: &mut impl fmt::Write) -> fmt::Result {
        if self.shown.is_some_and(|is_shown| !is_shown(facts)) {
            return Ok(());
        }
        let field = self.field;
        match &self.source {
            Source::Read(read) => write!(out, "{field}:{}\r\n", read(facts)),
            Source::ReadIf(read) => match read(facts) {
                Some(value) => write!(out, "{field}:{value}\r\n"),
                None => Ok(()),
            },
            Source::Human(read) => write!(out, "{field}:{}\r\n", human(read(facts))),
            Source::Absent(value) => write!(out, "{field}:{value}\r\n"),
            Source::Each(read) => {
                for Item { label, parts } in read(facts) {
                    write!(out, "{field}{label}:")?;
                    for (place, (name, value)) in parts.iter().enumerate() {
                        let comma = if place > 0 { "," } else { "" };
                        write!(out, "{comma}{name}={value}")?;
                    }
                    out.write_str("\r\n")?;
                }
                Ok(())
            }
        }
    }

    const fn new(field: &'static str, kind: Kind, unit: Unit, help: &'static str, source: Source) -> Metric {
        let (since, until) = (Version(0, 0, 0), None);
        Metric { field, kind, unit, help, cloudwatch: None, since, until, shown: None, source }
    }

    /// It is shown at times only.
    pub(crate) const fn when(mut self, is_shown: fn(&Facts<'_>) -> bool) -> Metric {
        self.shown = Some(is_shown);
        self
    }

    /// Only servers of this version and later ones have it.
    pub(crate) const fn since(mut self, major: u8, minor: u8) -> Metric {
        self.since = Version(major, minor, 0);
        self
    }

    /// This version has it no more.
    pub(crate) const fn until(mut self, major: u8, minor: u8) -> Metric {
        self.until = Some(Version(major, minor, 0));
        self
    }

    /// CloudWatch publishes it under this name.
    pub(crate) const fn cloudwatch(mut self, name: &'static str) -> Metric {
        self.cloudwatch = Some(name);
        self
    }
}

pub(crate) const fn counter(
    field: &'static str,
    unit: Unit,
    help: &'static str,
    read: fn(&Facts<'_>) -> Value,
) -> Metric {
    Metric::new(field, Kind::Counter, unit, help, Source::Read(read))
}

pub(crate) const fn gauge(
    field: &'static str,
    unit: Unit,
    help: &'static str,
    read: fn(&Facts<'_>) -> Value,
) -> Metric {
    Metric::new(field, Kind::Gauge, unit, help, Source::Read(read))
}

pub(crate) const fn gauge_if(
    field: &'static str,
    unit: Unit,
    help: &'static str,
    read: fn(&Facts<'_>) -> Option<Value>,
) -> Metric {
    Metric::new(field, Kind::Gauge, unit, help, Source::ReadIf(read))
}

pub(crate) const fn text(field: &'static str, help: &'static str, read: fn(&Facts<'_>) -> Value) -> Metric {
    Metric::new(field, Kind::Text, Unit::None, help, Source::Read(read))
}

pub(crate) const fn text_if(
    field: &'static str,
    help: &'static str,
    read: fn(&Facts<'_>) -> Option<Value>,
) -> Metric {
    Metric::new(field, Kind::Text, Unit::None, help, Source::ReadIf(read))
}

pub(crate) const fn each(
    prefix: &'static str,
    kind: Kind,
    help: &'static str,
    read: fn(&Facts<'_>) -> Vec<Item>,
) -> Metric {
    Metric::new(prefix, kind, Unit::None, help, Source::Each(read))
}

pub(crate) const fn for_people(
    field: &'static str,
    help: &'static str,
    read: fn(&Facts<'_>) -> u64,
) -> Metric {
    Metric::new(field, Kind::Text, Unit::None, help, Source::Human(read))
}

/// A counter of something that does not exist here, and why.
pub(crate) const fn never(field: &'static str, unit: Unit, why: &'static str) -> Metric {
    Metric::new(field, Kind::Counter, unit, why, Source::Absent(Value::Unsigned(0)))
}

/// A quantity of something that does not exist here, and why.
pub(crate) const fn none_of(field: &'static str, unit: Unit, why: &'static str) -> Metric {
    absent(field, Kind::Gauge, unit, why, Value::Unsigned(0))
}

/// As a server shows it that does not use what it is about.
pub(crate) const fn absent(
    field: &'static str,
    kind: Kind,
    unit: Unit,
    why: &'static str,
    value: Value,
) -> Metric {
    Metric::new(field, kind, unit, why, Source::Absent(value))
}

/// Bytes for people: `918.98K`.
fn human(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "K", "M", "G", "T", "P"];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let unit = ((63 - bytes.leading_zeros()) / 10).min(UNITS.len() as u32 - 1);
    format!("{:.2}{}", bytes as f64 / (1u64 << (10 * unit)) as f64, UNITS[unit as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_for_people() {
        let shown = [0, 1023, 1024, 941_040, 12_062_720, 25_274_793_984].map(human);
        assert_eq!(shown, ["0B", "1023B", "1.00K", "918.98K", "11.50M", "23.54G"]);
    }

    #[test]
    fn values_have_the_form_that_info_gives_them() {
        let values = [
            Value::from(true),
            Value::or_none(None),
            Value::or_none(Some(7)),
            Value::ratio(1, 3),
            Value::ratio(5, 0),
            Value::Percent(99.999),
            Value::Fixed(1.0005, 3),
            Value::Microseconds(12_000_345),
            Value::State { is: false, yes: "up", no: "down" },
        ];
        let shown = values.map(|value| value.to_string());
        assert_eq!(shown, ["1", "-1", "7", "0.33", "5.00", "100.00%", "1.000", "12.000345", "down"]);
    }

    #[test]
    fn a_version_has_what_came_before_it_and_has_not_gone() {
        let row = none_of("a", Unit::Count, "There is none.");
        let has = |row: &Metric| [Profile::Redis70, Profile::Valkey80].map(|profile| row.is_in(profile));
        assert_eq!(has(&row), [true, true]);
        assert_eq!(has(&row.clone().since(7, 2)), [false, true]);
        assert_eq!(has(&row.until(8, 0)), [true, false]);
    }
}
