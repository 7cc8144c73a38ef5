//! The values that a node has now: CONFIG GET and CONFIG SET.

use std::fmt;
use std::sync::Arc;

use profile::Profile;
use topology::glob;

use crate::ProtectedAction;
use crate::file::Line;
use crate::parameter::{Mutability, Parameter, Standing};
use crate::settings::Settings;
use crate::table::{Entry, Index};
use crate::value::{PrimaryAddress, Refusal, Value, arguments_of_text};

/// CONFIG SET, but not a file, raises `repl-backlog-size` to this without a word.
const MIN_BACKLOG_BYTES: i128 = 16 << 10;

/// The values of all parameters of a profile.
///
/// A clone is a snapshot: a caller that must undo a change whose effect failed clones first, or sets on the clone.
///
/// ```
/// use config::{Asker, Config, NoDirectives};
/// use profile::Profile;
///
/// let text = b"maxmemory 1gb\nmaxmemory-policy allkeys-lru";
/// let mut config = Config::load(Profile::Valkey80, text, &mut NoDirectives)?;
/// assert_eq!(config.value("maxmemory").unwrap(), b"1073741824");
/// // All of the pairs are set, or none.
/// let refused = config.set(&[("maxmemory", "2gb"), ("appendonly", "yes")], Asker::default());
/// assert!(refused.is_err());
/// assert_eq!(config.settings().maxmemory_bytes, 1 << 30);
/// # Ok::<(), config::LoadError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) index: &'static Index,
    /// One value a row of the index.
    pub(crate) values: Vec<Value>,
    settings: Arc<Settings>,
    /// The `user` lines of the configuration file.
    pub(crate) users: Vec<Line>,
    /// Its `rename-command` lines.
    pub(crate) renames: Vec<Line>,
}

/// Who asks for a change, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asker {
    /// Whether the connection comes from this host.
    pub local: bool,
    /// Whether the node is loading its data.
    pub loading: bool,
}

/// What a CONFIG SET changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// The names (never aliases) of the parameters whose values differ now, in the order in which they were given.
    pub changed: Vec<&'static str>,
}

impl Applied {
    /// Whether a parameter changed, by its name.
    pub fn contains(&self, name: &str) -> bool {
        self.changed.contains(&name)
    }
}

/// Why nothing was set. Its display is the reply's exact text, error code included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetError {
    /// No parameter has that name.
    Unknown {
        /// The name as it was given.
        name: Vec<u8>,
    },
    /// One of the arguments can't be set.
    Failed {
        /// The name as it was given.
        name: Vec<u8>,
        /// The sentence that says why.
        reason: String,
    },
    /// Not while data is loaded.
    Loading {
        /// The profile, whose name is in the text.
        profile: Profile,
    },
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetError::Unknown { name } => {
                let name = String::from_utf8_lossy(name);
                write!(f, "ERR Unknown option or number of arguments for CONFIG SET - '{name}'")
            }
            SetError::Failed { name, reason } => {
                let name = String::from_utf8_lossy(name);
                write!(f, "ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")
            }
            SetError::Loading { profile } => {
                let server = if profile.is_valkey() { "Valkey" } else { "Redis" };
                write!(f, "LOADING {server} is loading the dataset in memory")
            }
        }
    }
}

impl std::error::Error for SetError {}

impl Config {
    /// The defaults of a profile.
    pub fn new(profile: Profile) -> Config {
        let index = Index::of(profile);
        let values: Vec<_> = index.rows.iter().map(|row| Value::default_of(row, profile)).collect();
        let settings = Arc::new(Settings::read(index, &values));
        Config { index, values, settings, users: Vec::new(), renames: Vec::new() }
    }

    /// The profile whose parameters these are.
    pub fn profile(&self) -> Profile {
        self.index.profile
    }

    /// The values that the node acts on, as typed fields. A snapshot: it does not follow later changes.
    pub fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// The text of a parameter by its name or alias, as CONFIG GET shows it.
    pub fn value(&self, name: &str) -> Option<Vec<u8>> {
        self.index.find(name.as_bytes()).map(|entry| self.shown(entry))
    }

    /// CONFIG GET: names and values that match any of the patterns, each name once.
    ///
    /// A pattern without special bytes is a name: it also finds hidden parameters, and is shown as it was written.
    /// Aliases are names of their own. The real server answers in the order of a hash table; here names are sorted
    /// within each pattern.
    pub fn get<P: AsRef<[u8]>>(&self, patterns: &[P]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut seen = vec![false; self.index.entries.len()];
        let mut found = Vec::new();
        for pattern in patterns {
            let pattern = pattern.as_ref();
            let special = pattern.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['));
            for (entry, seen) in self.index.entries.iter().zip(&mut seen) {
                let name = entry.name.as_bytes();
                let matches = match special {
                    true => !self.row(*entry).hidden && glob::matches(pattern, name, true),
                    false => name.eq_ignore_ascii_case(pattern),
                };
                if matches && !*seen {
                    *seen = true;
                    let name = if special { name } else { pattern };
                    found.push((name.to_vec(), self.shown(*entry)));
                }
            }
        }
        found
    }

    /// CONFIG SET: sets all of the pairs or none.
    ///
    /// # Errors
    /// With the reply's text, when a name is unknown, may not be set, is given twice, or its value is refused.
    pub fn set<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        &mut self,
        pairs: &[(N, V)],
        asker: Asker,
    ) -> Result<Applied, SetError> {
        let entries = self.settable(pairs, asker)?;
        let mut values = self.values.clone();
        let mut applied = Applied::default();
        for (entry, (name, text)) in entries.iter().zip(pairs) {
            let arguments = arguments_of_text(self.row(*entry).kind, text.as_ref());
            let value = self
                .checked(*entry, &arguments, &values[entry.row])
                .map_err(|reason| SetError::Failed { name: name.as_ref().to_vec(), reason })?;
            let name = self.row(*entry).name;
            values[entry.row] = match value {
                Value::Integer(bytes) if name == "repl-backlog-size" => {
                    Value::Integer(bytes.max(MIN_BACKLOG_BYTES))
                }
                value => value,
            };
            if !applied.contains(name) {
                applied.changed.push(name);
            }
        }
        applied.changed.retain(|name| {
            self.index.find(name.as_bytes()).is_some_and(|entry| values[entry.row] != self.values[entry.row])
        });
        self.values = values;
        self.refresh();
        Ok(applied)
    }

    /// Records the working directory once it is known as an absolute path.
    pub fn set_directory(&mut self, path: &[u8]) {
        self.put("dir", Value::Text(path.to_vec()));
    }

    /// Records that the system allows no more clients than this.
    pub fn lower_maxclients(&mut self, possible: u64) {
        self.put("maxclients", Value::Integer(i128::from(possible.max(1))));
    }

    /// Records what REPLICAOF decided, for CONFIG GET and CONFIG REWRITE.
    pub fn set_replicaof(&mut self, primary: Option<PrimaryAddress>) {
        self.put("replicaof", Value::Primary(primary));
    }

    /// Finds the rows of the pairs and whether they may be set now, before any value is looked at.
    fn settable<N: AsRef<[u8]>, V>(&self, pairs: &[(N, V)], asker: Asker) -> Result<Vec<Entry>, SetError> {
        let mut entries: Vec<Entry> = Vec::with_capacity(pairs.len());
        let mut first_error = None;
        for (name, _) in pairs {
            let name = name.as_ref();
            let Some(entry) = self.index.find(name) else {
                // An unknown name is reported even when an earlier one may not be set.
                first_error = match first_error {
                    Some(SetError::Unknown { .. }) => first_error,
                    None => Some(SetError::Unknown { name: name.to_vec() }),
                    other => other,
                };
                continue;
            };
            if first_error.is_none() {
                let duplicate = entries.iter().any(|earlier| earlier.name == entry.name);
                first_error = self.forbidden(entry, name, duplicate, asker);
            }
            entries.push(entry);
        }
        first_error.map_or(Ok(entries), Err)
    }

    fn forbidden(&self, entry: Entry, name: &[u8], duplicate: bool, asker: Asker) -> Option<SetError> {
        let row = self.row(entry);
        let failed = |reason: &str| Some(SetError::Failed { name: name.to_vec(), reason: reason.to_owned() });
        let protected_allowed = match self.settings.enable_protected_configs {
            ProtectedAction::Yes => true,
            ProtectedAction::Local => asker.local,
            ProtectedAction::No => false,
        };
        if row.deny_loading && asker.loading {
            return Some(SetError::Loading { profile: self.profile() });
        }
        match row.mutability {
            _ if duplicate => failed("duplicate parameter"),
            Mutability::Immutable => failed("can't set immutable config"),
            Mutability::Protected if !protected_allowed => failed("can't set protected config"),
            _ => None,
        }
    }

    /// Reads a value and refuses what this node can't do.
    pub(crate) fn checked(
        &self,
        entry: Entry,
        arguments: &[&[u8]],
        current: &Value,
    ) -> Result<Value, Refusal> {
        let row = self.row(entry);
        let value = Value::parse(row, arguments, current, self.profile())?;
        match (row.standing, row.limit, &value) {
            (Standing::Refused(sentence), ..) if value != Value::default_of(row, self.profile()) => {
                Err(sentence.to_owned())
            }
            (_, Some((limit, sentence)), Value::Integer(number)) if *number > limit => {
                Err(sentence.to_owned())
            }
            _ => Ok(value),
        }
    }

    pub(crate) fn refresh(&mut self) {
        self.settings = Arc::new(Settings::read(self.index, &self.values));
    }

    pub(crate) fn row(&self, entry: Entry) -> &'static Parameter {
        self.index.rows[entry.row]
    }

    fn put(&mut self, name: &str, value: Value) {
        let entry = self.index.find(name.as_bytes()).expect("every profile has it");
        self.values[entry.row] = value;
        self.refresh();
    }

    fn shown(&self, entry: Entry) -> Vec<u8> {
        self.values[entry.row].shown(self.row(entry).kind)
    }
}
