//! Values: reading them from arguments, writing them for CONFIG GET and for configuration files.
//!
//! Reading is exact to the real server, its oddities included: `hz` is clamped without a word, a percentage of
//! `maxmemory-clients` is a negative number, words of a choice may have any case.

use profile::Profile;

use crate::choices::KeyspaceEvents;
use crate::memory_size;
use crate::parameter::{Kind, NameCheck, Parameter, Unit};
use crate::quoting::quote;

/// A pair of `save`: a snapshot is due once both have passed since the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SavePoint {
    /// Seconds since the last snapshot.
    pub seconds: u64,
    /// Changes since the last snapshot.
    pub changes: u32,
}

/// A class of clients for `client-output-buffer-limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientClass {
    /// Ordinary clients.
    Normal,
    /// Replicas.
    Replica,
    /// Clients that have subscribed.
    Pubsub,
}

/// When a client is closed for the replies that wait for it. A limit of 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BufferLimit {
    /// Closed at once beyond this, in bytes.
    pub hard_bytes: u64,
    /// Closed when beyond this for `soft_seconds`, in bytes.
    pub soft_bytes: u64,
    /// How long the soft limit may be exceeded, in seconds.
    pub soft_seconds: u64,
}

/// The primary that `replicaof` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrimaryAddress {
    /// Host name or address.
    pub host: Vec<u8>,
    /// TCP port.
    pub port: u16,
}

/// A value of some parameter, by its kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Bool(bool),
    Integer(i128),
    /// The place of the word in the list.
    Choice(usize),
    Flags(u32),
    Text(Vec<u8>),
    Save(Vec<SavePoint>),
    BufferLimits([BufferLimit; 3]),
    OomScoreAdj([i32; 3]),
    KeyspaceEvents(KeyspaceEvents),
    Addresses(Vec<Vec<u8>>),
    Primary(Option<PrimaryAddress>),
    Percentiles(Vec<f64>),
}

const MAX_BIND_ADDRESSES: usize = 16;
const MIN_HZ: i128 = 1;
const MAX_HZ: i128 = 500;
/// The variables of a process title, and whether each always has a text.
const TITLE_VARIABLES: &[(&str, bool)] = &[
    ("title", false),
    ("listen-addr", true),
    ("server-mode", false),
    ("port", true),
    ("tls-port", true),
    ("unixsocket", false),
    ("config-file", false),
];
const MAX_HOST_NAME: usize = 256;
const CLASS_NAMES: [&str; 3] = ["normal", "slave", "pubsub"];

const WRONG_ARITY: &str = "wrong number of arguments";
const INVALID_SAVE: &str = "Invalid save parameters";
const OOM_RANGE: &str = "Invalid oom-score-adj-values, elements must be between -2000 and 2000.";
const EVENT_LETTERS: &str = "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";

/// Why a value was not taken: the sentence after the parameter's name.
pub(crate) type Refusal = String;

impl Value {
    /// Reads a value. `current` is what the parameter has now: some lines change only a part of it.
    pub(crate) fn parse(
        parameter: &Parameter,
        arguments: &[&[u8]],
        current: &Value,
        profile: Profile,
    ) -> Result<Value, Refusal> {
        let one = || match arguments {
            [one] => Ok(*one),
            _ => Err(WRONG_ARITY.to_owned()),
        };
        match parameter.kind {
            Kind::YesNo => yes_no(one()?),
            Kind::Integer { min, max, unit } => {
                let number = integer(one()?, min, max, unit)?;
                let clamped = if parameter.name == "hz" { number.clamp(MIN_HZ, MAX_HZ) } else { number };
                Ok(Value::Integer(clamped))
            }
            Kind::Choice(words) => choice(one()?, words),
            Kind::Flags(words) => flags(arguments, words),
            Kind::Text | Kind::Directory => Ok(Value::Text(one()?.to_vec())),
            Kind::Name(check) => {
                let text = one()?;
                check_name(check, text)?;
                Ok(Value::Text(text.to_vec()))
            }
            Kind::Save => save(arguments),
            Kind::BufferLimits => buffer_limits(arguments, current),
            Kind::OomScoreAdj => oom_score_adj(arguments),
            Kind::KeyspaceEvents => KeyspaceEvents::parse(one()?)
                .map(Value::KeyspaceEvents)
                .ok_or_else(|| EVENT_LETTERS.to_owned()),
            Kind::Bind => bind(arguments),
            Kind::ReplicaOf => replicaof(arguments, profile),
            Kind::Percentiles => percentiles(arguments),
        }
    }

    /// The default of a parameter.
    ///
    /// # Panics
    /// When the table's default does not parse, which a test of the table excludes.
    pub(crate) fn default_of(parameter: &Parameter, profile: Profile) -> Value {
        let text = parameter.default_text(profile).as_bytes();
        if parameter.kind == Kind::ReplicaOf {
            return Value::Primary(None);
        }
        let arguments = arguments_of_text(parameter.kind, text);
        let nothing = Value::BufferLimits([BufferLimit::default(); 3]);
        Value::parse(parameter, &arguments, &nothing, profile).expect("the table's defaults parse")
    }

    /// What CONFIG GET shows.
    pub(crate) fn shown(&self, kind: Kind) -> Vec<u8> {
        match (self, kind) {
            (Value::Bool(value), _) => if *value { "yes" } else { "no" }.into(),
            (Value::Integer(value), Kind::Integer { unit, .. }) => match unit {
                Unit::Octal => format!("{value:o}").into_bytes(),
                Unit::MemoryOrPercent if *value < 0 => format!("{}%", -value).into_bytes(),
                _ => value.to_string().into_bytes(),
            },
            (Value::Choice(index), Kind::Choice(words)) => words[*index].into(),
            (Value::Flags(bits), Kind::Flags(words)) => flag_words(*bits, words).into_bytes(),
            (Value::Text(text), _) => text.clone(),
            (Value::Save(points), _) => {
                joined(points.iter().map(|point| format!("{} {}", point.seconds, point.changes)))
            }
            (Value::BufferLimits(limits), _) => {
                joined(CLASS_NAMES.iter().zip(limits).map(|(class, limit)| {
                    format!("{class} {} {} {}", limit.hard_bytes, limit.soft_bytes, limit.soft_seconds)
                }))
            }
            (Value::OomScoreAdj(values), _) => joined(values.iter().map(i32::to_string)),
            (Value::KeyspaceEvents(events), _) => events.letters().into_bytes(),
            (Value::Addresses(addresses), _) => addresses.join(&b' '),
            (Value::Primary(primary), _) => primary.as_ref().map_or_else(Vec::new, |primary| {
                let mut text = primary.host.clone();
                text.extend_from_slice(format!(" {}", primary.port).as_bytes());
                text
            }),
            (Value::Percentiles(numbers), _) => joined(numbers.iter().map(|number| trimmed(*number))),
            _ => unreachable!("a value is of its parameter's kind"),
        }
    }

    /// What follows the name on each line that CONFIG REWRITE writes for this value, and whether the line must be
    /// there even when the file had none. No line means that the file's own lines go.
    pub(crate) fn lines(&self, parameter: &Parameter, default: &Value) -> Vec<(Vec<u8>, bool)> {
        let changed = self != default;
        match self {
            Value::Integer(value) => {
                let memory = matches!(
                    parameter.kind,
                    Kind::Integer { unit: Unit::Memory | Unit::MemoryOrPercent, .. }
                );
                let text = if memory && *value >= 0 {
                    memory_size::format(*value).into_bytes()
                } else {
                    self.shown(parameter.kind)
                };
                vec![(text, changed)]
            }
            Value::Text(text) if text.is_empty() && empty_is_unset(parameter.kind) => Vec::new(),
            Value::Text(text) => vec![(quote(text), changed || parameter.kind == Kind::Directory)],
            Value::Save(points) if points.is_empty() => vec![(b"\"\"".to_vec(), true)],
            Value::Save(points) => points
                .iter()
                .map(|point| (format!("{} {}", point.seconds, point.changes).into_bytes(), true))
                .collect(),
            Value::BufferLimits(limits) => {
                let Value::BufferLimits(defaults) = default else {
                    unreachable!("the default is of the same kind")
                };
                ["normal", "replica", "pubsub"]
                    .iter()
                    .zip(limits.iter().zip(defaults))
                    .map(|(class, (limit, default))| {
                        let hard = memory_size::format(i128::from(limit.hard_bytes));
                        let soft = memory_size::format(i128::from(limit.soft_bytes));
                        (
                            format!("{class} {hard} {soft} {}", limit.soft_seconds).into_bytes(),
                            limit != default,
                        )
                    })
                    .collect()
            }
            Value::KeyspaceEvents(_) => vec![(quote(&self.shown(parameter.kind)), changed)],
            Value::Addresses(_) if !changed => Vec::new(),
            Value::Addresses(addresses) if addresses.is_empty() => vec![(b"\"\"".to_vec(), true)],
            Value::Primary(None) => Vec::new(),
            Value::Percentiles(numbers) if numbers.is_empty() => vec![(b"\"\"".to_vec(), true)],
            Value::Percentiles(_) | Value::Primary(_) => vec![(self.shown(parameter.kind), true)],
            _ => vec![(self.shown(parameter.kind), changed)],
        }
    }
}

/// Splits the text of CONFIG SET as the real server does: at single spaces, and not at all for single values.
pub(crate) fn arguments_of_text(kind: Kind, text: &[u8]) -> Vec<&[u8]> {
    match (kind.takes_many(), text.is_empty()) {
        (false, _) => vec![text],
        (true, true) => Vec::new(),
        (true, false) => text.split(|byte| *byte == b' ').collect(),
    }
}

fn empty_is_unset(kind: Kind) -> bool {
    matches!(kind, Kind::Text | Kind::Name(NameCheck::HostName | NameCheck::NodeName))
}

fn joined(parts: impl Iterator<Item = String>) -> Vec<u8> {
    parts.collect::<Vec<_>>().join(" ").into_bytes()
}

fn yes_no(text: &[u8]) -> Result<Value, Refusal> {
    if text.eq_ignore_ascii_case(b"yes") {
        Ok(Value::Bool(true))
    } else if text.eq_ignore_ascii_case(b"no") {
        Ok(Value::Bool(false))
    } else {
        Err("argument must be 'yes' or 'no'".to_owned())
    }
}

fn integer(text: &[u8], min: i128, max: i128, unit: Unit) -> Result<i128, Refusal> {
    let number = match unit {
        Unit::Plain => strict_integer(text).ok_or("argument couldn't be parsed into an integer")?,
        Unit::Memory => memory_size::parse(text).map(i128::from).ok_or("argument must be a memory value")?,
        Unit::MemoryOrPercent => {
            memory_or_percent(text).ok_or("argument must be a memory or percent value")?
        }
        Unit::Octal => octal(text).ok_or("argument couldn't be parsed as an octal number")?,
    };
    if unit == Unit::MemoryOrPercent && number < min {
        return Err(format!("percentage argument must be less or equal to {}", -min));
    }
    if (min..=max).contains(&number) {
        return Ok(number);
    }
    Err(match unit {
        Unit::Octal => format!("argument must be between {min:o} and {max:o} inclusive"),
        _ => format!("argument must be between {min} and {max} inclusive"),
    })
}

/// A number as protocol and files write it: no leading zeros, no plus sign, no minus zero, within 64 bits.
fn strict_integer(text: &[u8]) -> Option<i128> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let negative = digits.len() != text.len();
    let plain = match digits {
        b"0" => !negative,
        [first, rest @ ..] => (b'1'..=b'9').contains(first) && rest.iter().all(u8::is_ascii_digit),
        [] => false,
    };
    if !plain {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse::<i64>().ok().map(i128::from)
}

/// Sizes beyond the signed range wrap into percentages there; such a value is out of bounds here as well.
fn memory_or_percent(text: &[u8]) -> Option<i128> {
    if let Some(bytes) = memory_size::parse(text) {
        return Some(i128::from(bytes.cast_signed()));
    }
    let percent = text.strip_suffix(b"%").and_then(strict_integer)?;
    (percent >= 0).then_some(-percent)
}

fn octal(text: &[u8]) -> Option<i128> {
    if text.is_empty() {
        return Some(0);
    }
    i64::from_str_radix(std::str::from_utf8(text).ok()?, 8).ok().map(i128::from)
}

/// The C library's decimal conversion, where the whole text must be used: spaces before it and a sign are fine, and
/// the empty text is 0.
fn loose_integer(text: &[u8]) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    std::str::from_utf8(text).ok()?.trim_ascii_start().parse().ok()
}

fn choice(text: &[u8], words: &'static [&'static str]) -> Result<Value, Refusal> {
    words
        .iter()
        .position(|word| word.as_bytes().eq_ignore_ascii_case(text))
        .map(Value::Choice)
        .ok_or_else(|| one_of(words.iter().copied()))
}

fn one_of<'a>(words: impl Iterator<Item = &'a str>) -> Refusal {
    format!("argument(s) must be one of the following: {}", words.collect::<Vec<_>>().join(", "))
}

fn flags(arguments: &[&[u8]], words: &'static [(&'static str, u32)]) -> Result<Value, Refusal> {
    let refusal = || one_of(words.iter().map(|(word, _)| *word));
    if arguments.is_empty() {
        return Err(refusal());
    }
    let mut bits = 0;
    for argument in arguments {
        let (_, bit) = words
            .iter()
            .find(|(word, _)| word.as_bytes().eq_ignore_ascii_case(argument))
            .ok_or_else(refusal)?;
        bits |= bit;
    }
    let both = crate::ShutdownFlags::SAVE | crate::ShutdownFlags::NOSAVE;
    if bits & both == both {
        return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".to_owned());
    }
    Ok(Value::Flags(bits))
}

fn flag_words(bits: u32, words: &[(&str, u32)]) -> String {
    let set: Vec<_> = words.iter().filter(|(_, bit)| bits & bit != 0).map(|(word, _)| *word).collect();
    if set.is_empty() {
        words.iter().find(|(_, bit)| *bit == 0).map_or("", |(word, _)| word).to_owned()
    } else {
        set.join(" ")
    }
}

fn check_name(check: NameCheck, text: &[u8]) -> Result<(), Refusal> {
    let slash = text.contains(&b'/');
    let refusal = match check {
        NameCheck::FileName if slash => "dbfilename can't be a path, just a filename",
        NameCheck::RequiredFileName if text.is_empty() => "appendfilename can't be empty",
        NameCheck::RequiredFileName if slash => "appendfilename can't be a path, just a filename",
        NameCheck::RequiredDirName if text.is_empty() => "appenddirname can't be empty",
        NameCheck::RequiredDirName if slash => "appenddirname can't be a path, just a dirname",
        NameCheck::ProcTitle if !is_title_template(text) => {
            "template format is invalid or contains unknown variables"
        }
        NameCheck::HostName if text.len() >= MAX_HOST_NAME => "Hostnames must be less than 256 characters",
        NameCheck::HostName if !text.iter().all(is_host_character) => {
            "Hostnames may only contain alphanumeric characters, hyphens or dots"
        }
        NameCheck::NodeName if text.len() >= MAX_HOST_NAME => {
            "Announced human node name must be less than 256 characters"
        }
        NameCheck::Profile => return check_profile(text),
        _ => return Ok(()),
    };
    Err(refusal.to_owned())
}

fn check_profile(text: &[u8]) -> Result<(), Refusal> {
    String::from_utf8_lossy(text).parse::<Profile>().map(|_| ())
}

fn is_host_character(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.')
}

/// A title has names in braces only that are known (two braces are one), and something is left of it when the
/// variables that may be empty are.
fn is_title_template(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let mut rest = text.as_ref();
    let mut shows_something = false;
    while let Some((before, after)) = rest.split_once('{') {
        shows_something |= !before.trim().is_empty();
        if let Some(after) = after.strip_prefix('{') {
            (rest, shows_something) = (after, true);
            continue;
        }
        let Some((name, after)) = after.split_once('}') else { return false };
        match TITLE_VARIABLES.iter().find(|(known, _)| *known == name) {
            Some((_, never_empty)) => shows_something |= never_empty,
            None => return false,
        }
        rest = after;
    }
    shows_something || !rest.trim().is_empty()
}

fn save(arguments: &[&[u8]]) -> Result<Value, Refusal> {
    let arguments = if arguments == [b""] { &[] } else { arguments };
    let (pairs, rest) = arguments.as_chunks::<2>();
    let point = |[seconds, changes]: &[&[u8]; 2]| {
        let seconds = loose_integer(seconds).filter(|seconds| *seconds >= 1)?;
        let changes = loose_integer(changes).filter(|changes| *changes >= 0)?;
        // The real server keeps the low 32 bits.
        Some(SavePoint { seconds: seconds.cast_unsigned(), changes: changes as u32 })
    };
    let points: Option<Vec<_>> = pairs.iter().map(point).collect();
    points.filter(|_| rest.is_empty()).map(Value::Save).ok_or_else(|| INVALID_SAVE.to_owned())
}

fn class_named(name: &[u8]) -> Option<ClientClass> {
    [
        ("normal", ClientClass::Normal),
        ("slave", ClientClass::Replica),
        ("replica", ClientClass::Replica),
        ("pubsub", ClientClass::Pubsub),
    ]
    .into_iter()
    .find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name))
    .map(|(_, class)| class)
}

fn buffer_limits(arguments: &[&[u8]], current: &Value) -> Result<Value, Refusal> {
    let Value::BufferLimits(current) = current else { unreachable!("the current value is of the same kind") };
    let (groups, rest) = arguments.as_chunks::<4>();
    if !rest.is_empty() {
        return Err("Wrong number of arguments in buffer limit configuration.".to_owned());
    }
    let mut limits = *current;
    for [class, hard, soft, seconds] in groups {
        let class =
            class_named(class).ok_or("Invalid client class specified in buffer limit configuration.")?;
        let limit = (|| {
            Some(BufferLimit {
                hard_bytes: memory_size::parse(hard)?,
                soft_bytes: memory_size::parse(soft)?,
                soft_seconds: u64::try_from(loose_integer(seconds)?).ok()?,
            })
        })();
        limits[class as usize] =
            limit.ok_or("Error in hard, soft or soft_seconds setting in buffer limit configuration.")?;
    }
    Ok(Value::BufferLimits(limits))
}

fn oom_score_adj(arguments: &[&[u8]]) -> Result<Value, Refusal> {
    let values: &[&[u8]; 3] = arguments.try_into().map_err(|_| WRONG_ARITY)?;
    let mut numbers = [0; 3];
    for (number, text) in numbers.iter_mut().zip(values) {
        let value = loose_integer(text).filter(|value| (-2000..=2000).contains(value)).ok_or(OOM_RANGE)?;
        *number = value as i32;
    }
    Ok(Value::OomScoreAdj(numbers))
}

fn bind(arguments: &[&[u8]]) -> Result<Value, Refusal> {
    if arguments.len() > MAX_BIND_ADDRESSES {
        return Err("Too many bind addresses specified.".to_owned());
    }
    let addresses = if arguments == [b""] { &[] } else { arguments };
    Ok(Value::Addresses(addresses.iter().map(|address| address.to_vec()).collect()))
}

fn replicaof(arguments: &[&[u8]], profile: Profile) -> Result<Value, Refusal> {
    let [host, port] = arguments else { return Err(WRONG_ARITY.to_owned()) };
    if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
        return Ok(Value::Primary(None));
    }
    let word = if profile.has("8.0.0") { "primary" } else { "master" };
    let port = loose_integer(port)
        .and_then(|port| u16::try_from(port).ok())
        .ok_or_else(|| format!("Invalid {word} port"))?;
    Ok(Value::Primary(Some(PrimaryAddress { host: host.to_vec(), port })))
}

fn percentiles(arguments: &[&[u8]]) -> Result<Value, Refusal> {
    let arguments = if arguments == [b""] { &[] } else { arguments };
    let mut numbers = Vec::with_capacity(arguments.len());
    for text in arguments {
        let number = number(text).ok_or("Invalid latency-tracking-info-percentiles parameters")?;
        if !(0.0..=100.0).contains(&number) {
            return Err(
                "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]".to_owned()
            );
        }
        numbers.push(number);
    }
    Ok(Value::Percentiles(numbers))
}

/// A number with a fraction; not a number is none.
fn number(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse::<f64>().ok().filter(|number| !number.is_nan())
}

/// Six places after the point, without the zeros at the end.
fn trimmed(number: f64) -> String {
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
