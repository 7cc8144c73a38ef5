//! When a key expires, as options and commands express it.

use crate::Error;
use crate::args::{int, is};
use command_spec::{Arg, ArgKind};

/// What an amount of time counts, and from when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    seconds: bool,
    absolute: bool,
}

impl Unit {
    /// Seconds from now.
    pub const SECONDS: Unit = Unit { seconds: true, absolute: false };
    /// Milliseconds from now.
    pub const MILLISECONDS: Unit = Unit { seconds: false, absolute: false };
    /// Unix time in seconds.
    pub const UNIX_SECONDS: Unit = Unit { seconds: true, absolute: true };
    /// Unix time in milliseconds.
    pub const UNIX_MILLISECONDS: Unit = Unit { seconds: false, absolute: true };

    /// The Unix time in ms that an amount means now, in the command of this name. It must be positive and not overflow.
    ///
    /// # Errors
    /// [`Error::InvalidExpire`] with the name.
    pub fn expiry(self, amount: i64, now_ms: u64, command: &'static str) -> Result<u64, Error> {
        match self.unix_ms(amount, now_ms) {
            Some(at) if amount > 0 => Ok(at as u64),
            _ => Err(Error::InvalidExpire(command)),
        }
    }

    /// As [`Unit::expiry`], for a field of a hash: an amount of 0 is a time that has passed.
    ///
    /// # Errors
    /// [`Error::InvalidExpire`] with the name.
    pub fn field_expiry(self, amount: i64, now_ms: u64, command: &'static str) -> Result<u64, Error> {
        match self.unix_ms(amount, now_ms) {
            Some(at) if amount >= 0 => Ok(at.max(1) as u64),
            _ => Err(Error::InvalidExpire(command)),
        }
    }

    /// The Unix time in ms that an amount means now, unless it overflows. It may lie before 1970.
    pub fn unix_ms(self, amount: i64, now_ms: u64) -> Option<i64> {
        let scaled = if self.seconds { amount.checked_mul(1000)? } else { amount };
        if self.absolute { Some(scaled) } else { scaled.checked_add(now_ms as i64) }
    }
}

/// One of the options `EX`, `PX`, `EXAT` and `PXAT`; its amount is looked at after the grammar.
#[derive(Debug, Clone, Copy)]
pub struct When<'a> {
    unit: Unit,
    amount: &'a [u8],
}

const WORDS: [(&str, Unit); 4] = [
    ("EX", Unit::SECONDS),
    ("PX", Unit::MILLISECONDS),
    ("EXAT", Unit::UNIX_SECONDS),
    ("PXAT", Unit::UNIX_MILLISECONDS),
];

const SECONDS: Arg = Arg::integer("seconds").token("EX");
const MILLISECONDS: Arg = Arg::integer("milliseconds").token("PX");
const UNIX_SECONDS: Arg = Arg::new("unix-time-seconds", ArgKind::UnixTime).token("EXAT");
const UNIX_MILLISECONDS: Arg = Arg::new("unix-time-milliseconds", ArgKind::UnixTime).token("PXAT");
/// One of the options, or that the expiry stays; of commands that have had them all from the start.
pub const WHEN_OR_KEEPTTL: Arg = Arg::one_of(
    "expiration",
    &[SECONDS, MILLISECONDS, UNIX_SECONDS, UNIX_MILLISECONDS, Arg::word("keepttl", "KEEPTTL")],
)
.optional();
/// One of the options, or that the expiry is removed: what [`Wish::parse`] reads.
pub const WHEN_OR_PERSIST: Arg = Arg::one_of(
    "expiration",
    &[SECONDS, MILLISECONDS, UNIX_SECONDS, UNIX_MILLISECONDS, Arg::word("persist", "PERSIST")],
)
.optional();

/// What a command that reads wishes for the expiry.
#[derive(Debug, Clone, Copy)]
pub enum Wish<'a> {
    /// That it stays as it is.
    Keep,
    /// That it is removed.
    Persist,
    /// That it becomes this.
    Expire(When<'a>),
}

impl<'a> Wish<'a> {
    /// Reads [`WHEN_OR_PERSIST`].
    ///
    /// # Errors
    /// [`Error::Syntax`].
    pub fn parse(options: &[&'a [u8]]) -> Result<Wish<'a>, Error> {
        let mut wish = Wish::Keep;
        let mut rest = options.iter();
        while let Some(&arg) = rest.next() {
            wish = match wish {
                Wish::Keep | Wish::Persist if is(arg, "PERSIST") => Wish::Persist,
                Wish::Keep => Wish::Expire(When::parse(arg, &mut rest, None)?),
                Wish::Expire(before) => Wish::Expire(When::parse(arg, &mut rest, Some(before))?),
                Wish::Persist => return Err(Error::Syntax),
            };
        }
        Ok(wish)
    }
}

impl<'a> When<'a> {
    /// Reads the option with its amount. After one (`before`), only the same may come again; the last counts.
    ///
    /// # Errors
    /// [`Error::Syntax`].
    pub fn parse<'b>(
        word: &[u8],
        rest: &mut impl Iterator<Item = &'b &'a [u8]>,
        before: Option<When<'a>>,
    ) -> Result<When<'a>, Error>
    where
        'a: 'b,
    {
        let (_, unit) = WORDS.into_iter().find(|(name, _)| is(word, name)).ok_or(Error::Syntax)?;
        if before.is_some_and(|before| before.unit != unit) {
            return Err(Error::Syntax);
        }
        let amount = rest.next().ok_or(Error::Syntax)?;
        Ok(When { unit, amount })
    }

    /// Whether it gives the expiry in the form of the replication stream: Unix time in ms.
    pub fn is_unix_ms(self) -> bool {
        self.unit == Unit::UNIX_MILLISECONDS
    }

    /// The Unix time in ms that it means now for a field of a hash, in the command of this name.
    ///
    /// # Errors
    /// [`Error::NotInteger`] or [`Error::InvalidExpire`].
    pub fn resolve_for_field(self, now_ms: u64, command: &'static str) -> Result<u64, Error> {
        self.unit.field_expiry(int(self.amount)?, now_ms, command)
    }

    /// The Unix time in ms that it means now, in the command of this name.
    ///
    /// # Errors
    /// [`Error::NotInteger`] or [`Error::InvalidExpire`].
    pub fn resolve(self, now_ms: u64, command: &'static str) -> Result<u64, Error> {
        self.unit.expiry(int(self.amount)?, now_ms, command)
    }
}

/// What must hold of the expiry that a key or a field has: `NX`, `XX`, `GT`, `LT`.
#[derive(Debug, Default)]
pub struct Conditions {
    absent: bool,
    present: bool,
    greater: bool,
    less: bool,
}

impl Conditions {
    /// Reads the words.
    ///
    /// # Errors
    /// [`Error::UnsupportedOption`] for another word, and a text for words that exclude each other.
    pub fn parse(words: &[&[u8]]) -> Result<Conditions, Error> {
        let mut all = Conditions::default();
        for word in words {
            let flag = match () {
                () if is(word, "NX") => &mut all.absent,
                () if is(word, "XX") => &mut all.present,
                () if is(word, "GT") => &mut all.greater,
                () if is(word, "LT") => &mut all.less,
                () => return Err(Error::UnsupportedOption(String::from_utf8_lossy(word).into_owned())),
            };
            *flag = true;
        }
        if all.absent && (all.present || all.greater || all.less) {
            return Err(Error::text("ERR NX and XX, GT or LT options at the same time are not compatible"));
        }
        if all.greater && all.less {
            return Err(Error::text("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(all)
    }

    /// Whether a key or a field that expires at `old` may expire at `new`, both Unix time in ms. One without an expiry counts as one
    /// that expires after all others.
    pub fn hold(&self, old: Option<u64>, new: i64) -> bool {
        let old_or_never = old.map_or(i64::MAX, |old| old as i64);
        !(self.absent && old.is_some()
            || self.present && old.is_none()
            || self.greater && (old.is_none() || new <= old_or_never)
            || self.less && old.is_some() && new >= old_or_never)
    }
}
