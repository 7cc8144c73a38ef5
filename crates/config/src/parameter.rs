//! One row of the parameter table.

use profile::{Profile, Version};

/// The greatest C `int`, the bound of many parameters.
pub(crate) const INT_MAX: i128 = i32::MAX as i128;
/// The greatest C `long`.
pub(crate) const LONG_MAX: i128 = i64::MAX as i128;
/// The greatest C `unsigned long long`.
pub(crate) const ULONG_MAX: i128 = u64::MAX as i128;

/// What a parameter's value is and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `yes` or `no`.
    YesNo,
    /// A whole number between two bounds, both included.
    Integer {
        /// The least value.
        min: i128,
        /// The greatest value.
        max: i128,
        /// How the number is written.
        unit: Unit,
    },
    /// One word of a list.
    Choice(&'static [&'static str]),
    /// Any words of a list, as a set of bits.
    Flags(&'static [(&'static str, u32)]),
    /// A text; empty means that it is not set.
    Text,
    /// A text for which empty is a value like any other; the check says what it must be.
    Name(NameCheck),
    /// `save`: pairs of seconds and changes.
    Save,
    /// `client-output-buffer-limit`: for each class a hard limit, a soft limit and seconds.
    BufferLimits,
    /// `oom-score-adj-values`: three numbers.
    OomScoreAdj,
    /// `notify-keyspace-events`: letters.
    KeyspaceEvents,
    /// `bind`: addresses.
    Bind,
    /// `dir`: the working directory.
    Directory,
    /// `replicaof`: a host and a port, or nothing.
    ReplicaOf,
    /// `latency-tracking-info-percentiles`: numbers between 0 and 100.
    Percentiles,
}

impl Kind {
    /// Whether a line of a configuration file may give the value as several arguments.
    pub const fn takes_many(self) -> bool {
        matches!(
            self,
            Kind::Flags(_)
                | Kind::Save
                | Kind::BufferLimits
                | Kind::OomScoreAdj
                | Kind::Bind
                | Kind::ReplicaOf
                | Kind::Percentiles
        )
    }
}

/// How an integer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A bare number.
    Plain,
    /// Bytes, or a number with `k`, `kb`, `m`, `mb`, `g`, `gb`.
    Memory,
    /// As `Memory`, or a percentage, which is kept as a negative number.
    MemoryOrPercent,
    /// File permissions, written in base 8.
    Octal,
}

/// What a name must be beyond being a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameCheck {
    /// Anything.
    Any,
    /// A file name without a slash, which may be empty (`dbfilename`).
    FileName,
    /// A file name without a slash and not empty (`appendfilename`).
    RequiredFileName,
    /// A directory's name without a slash and not empty (`appenddirname`).
    RequiredDirName,
    /// A process title with known variables only (`proc-title-template`).
    ProcTitle,
    /// A host name, or nothing (`cluster-announce-hostname`).
    HostName,
    /// A name for people (`cluster-announce-human-nodename`).
    NodeName,
    /// One of the names of [`profile::Profile`] (`engine`).
    Profile,
}

/// What setting a parameter does here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It does what its documentation says.
    Honoured,
    /// It is kept and shown and changes nothing; why that breaks no promise.
    Accepted(&'static str),
    /// It is kept and shown for what is not there yet; what that is.
    Awaited(&'static str),
    /// Any value other than the default is refused with this sentence.
    Refused(&'static str),
}

/// When a parameter may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    /// Any time, by CONFIG SET.
    Mutable,
    /// By CONFIG SET only where `enable-protected-configs` allows it.
    Protected,
    /// Only at start.
    Immutable,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// The name.
    pub name: &'static str,
    /// The older name that means the same, shown beside it.
    pub alias: Option<&'static str>,
    /// What its value is.
    pub kind: Kind,
    /// The default, as a configuration file would write it: before 8.0, and since then.
    defaults: [&'static str; 2],
    /// When it may change.
    pub mutability: Mutability,
    /// Whether a glob pattern of CONFIG GET skips it; it is found by its exact name only.
    pub hidden: bool,
    /// Whether its value must stay out of logs.
    pub sensitive: bool,
    /// Whether CONFIG SET is refused while the node loads its data.
    pub deny_loading: bool,
    /// The first version that has it; `0` when all have.
    pub since: &'static str,
    /// The first version that no longer has it.
    pub until: Option<&'static str>,
    /// What setting it does here.
    pub standing: Standing,
    /// The greatest number that can be set here although real servers take greater ones, and the sentence that refuses those.
    pub limit: Option<(i128, &'static str)>,
}

impl Parameter {
    /// The default in a profile, as a configuration file would write it; of the profile itself, its own name.
    pub const fn default_text(&self, profile: Profile) -> &'static str {
        if let Kind::Name(NameCheck::Profile) = self.kind {
            return profile.name();
        }
        self.defaults[(profile.version().0 >= 8) as usize]
    }

    /// Whether a profile has this parameter.
    pub fn exists_in(&self, profile: Profile) -> bool {
        let gone = self.until.and_then(Version::parse).is_some_and(|until| until <= profile.version());
        !gone && profile.has(self.since)
    }

    const fn new(name: &'static str, kind: Kind, default: &'static str) -> Parameter {
        Parameter {
            name,
            alias: None,
            kind,
            defaults: [default, default],
            mutability: Mutability::Mutable,
            hidden: false,
            sensitive: false,
            deny_loading: false,
            since: "0",
            until: None,
            standing: Standing::Honoured,
            limit: None,
        }
    }

    pub(crate) const fn yes_no(name: &'static str, default: &'static str) -> Parameter {
        Parameter::new(name, Kind::YesNo, default)
    }

    pub(crate) const fn integer(
        name: &'static str,
        min: i128,
        max: i128,
        default: &'static str,
    ) -> Parameter {
        Parameter::new(name, Kind::Integer { min, max, unit: Unit::Plain }, default)
    }

    pub(crate) const fn memory(name: &'static str, min: i128, max: i128, default: &'static str) -> Parameter {
        Parameter::new(name, Kind::Integer { min, max, unit: Unit::Memory }, default)
    }

    pub(crate) const fn choice(
        name: &'static str,
        words: &'static [&'static str],
        default: &'static str,
    ) -> Parameter {
        Parameter::new(name, Kind::Choice(words), default)
    }

    pub(crate) const fn text(name: &'static str) -> Parameter {
        Parameter::new(name, Kind::Text, "")
    }

    pub(crate) const fn name(name: &'static str, check: NameCheck, default: &'static str) -> Parameter {
        Parameter::new(name, Kind::Name(check), default)
    }

    pub(crate) const fn special(name: &'static str, kind: Kind, default: &'static str) -> Parameter {
        Parameter::new(name, kind, default)
    }

    pub(crate) const fn alias(mut self, alias: &'static str) -> Parameter {
        self.alias = Some(alias);
        self
    }

    pub(crate) const fn default_since_8(mut self, default: &'static str) -> Parameter {
        self.defaults[1] = default;
        self
    }

    pub(crate) const fn immutable(mut self) -> Parameter {
        self.mutability = Mutability::Immutable;
        self
    }

    pub(crate) const fn protected(mut self) -> Parameter {
        self.mutability = Mutability::Protected;
        self
    }

    pub(crate) const fn hidden(mut self) -> Parameter {
        self.hidden = true;
        self
    }

    pub(crate) const fn sensitive(mut self) -> Parameter {
        self.sensitive = true;
        self
    }

    pub(crate) const fn deny_loading(mut self) -> Parameter {
        self.deny_loading = true;
        self
    }

    pub(crate) const fn since(mut self, version: &'static str) -> Parameter {
        self.since = version;
        self
    }

    pub(crate) const fn until(mut self, version: &'static str) -> Parameter {
        self.until = Some(version);
        self
    }

    pub(crate) const fn accepted(mut self, reason: &'static str) -> Parameter {
        self.standing = Standing::Accepted(reason);
        self
    }

    pub(crate) const fn awaited(mut self, what: &'static str) -> Parameter {
        self.standing = Standing::Awaited(what);
        self
    }

    pub(crate) const fn at_most(mut self, limit: i128, sentence: &'static str) -> Parameter {
        self.limit = Some((limit, sentence));
        self
    }

    pub(crate) const fn refused(mut self, sentence: &'static str) -> Parameter {
        self.standing = Standing::Refused(sentence);
        self
    }
}
