//! Configuration files: the lines of redis.conf.
//!
//! A line is a name and its arguments; blank lines and lines that begin with `#` say nothing. Lines apply in order and
//! the last wins, but `save` lines add up. `include` reads another text in place; it has line numbers of its own. Lines
//! that are more than a value go to the caller's [`Directives`] (included files, modules), so that this crate touches no file, or are kept for
//! it (users, renamed commands), since what they may say depends on the commands that there are.

use std::fmt;

use profile::Profile;

use crate::parameter::Kind;
use crate::quoting::split;
use crate::store::Config;
use crate::table::Entry;
use crate::value::Value;

/// The lines that are not parameters. What is not implemented is refused.
pub trait Directives {
    /// The text of an included file, or of all files that match a glob pattern, one after the other.
    ///
    /// # Errors
    /// The system's words for why it can't be read.
    fn include(&mut self, path: &[u8]) -> Result<Vec<u8>, String>;

    /// A `loadmodule` line: the path and the module's arguments.
    ///
    /// # Errors
    /// The sentence to show.
    fn load_module(&mut self, _arguments: &[Vec<u8>]) -> Result<(), String> {
        Err("Modules can't be loaded.".to_owned())
    }
}

/// A `Directives` for texts that include nothing: every directive is refused.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDirectives;

impl Directives for NoDirectives {
    fn include(&mut self, _path: &[u8]) -> Result<Vec<u8>, String> {
        Err("No such file or directory".to_owned())
    }
}

/// A line that is kept for the caller.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number in its text, from 1.
    number: usize,
    /// What it says, without the white space around it.
    pub text: Vec<u8>,
    /// Its words.
    pub arguments: Vec<Vec<u8>>,
}

/// Users have passwords.
impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({}, {} words)", self.number, self.arguments.len())
    }
}

/// Why a configuration can't be loaded. Its display is what redis-server prints to its standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadError {
    /// A line is wrong.
    Line {
        /// The profile, whose name is in the text.
        profile: Profile,
        /// The line's number in its text, from 1.
        number: usize,
        /// The line without the white space around it.
        line: Vec<u8>,
        /// The sentence that says why.
        reason: String,
    },
    /// An included file can't be read.
    Include {
        /// Its path as the line has it.
        path: Vec<u8>,
        /// The system's words.
        reason: String,
    },
    /// Files include one another without end.
    TooDeep,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Line { profile, number, line, reason } => {
                let server = if profile.is_valkey() { "Version" } else { "Redis" };
                let version = profile.version();
                writeln!(f, "\n*** FATAL CONFIG FILE ERROR ({server} {version}) ***")?;
                writeln!(f, "Reading the configuration file, at line {number}")?;
                writeln!(f, ">>> '{}'", String::from_utf8_lossy(line))?;
                write!(f, "{reason}")
            }
            LoadError::Include { path, reason } => {
                write!(f, "Fatal error, can't open config file '{}': {reason}", String::from_utf8_lossy(path))
            }
            LoadError::TooDeep => {
                write!(f, "Fatal error, configuration files include one another too deeply")
            }
        }
    }
}

impl std::error::Error for LoadError {}

/// Real servers recurse until they run out of stack.
const MAX_INCLUDE_DEPTH: usize = 64;

/// Lines of long ago that are read and ignored.
const IGNORED: &[&[u8]] =
    &[b"list-max-ziplist-entries", b"list-max-ziplist-value", b"lua-replicate-commands"];

impl Config {
    /// Reads a configuration on top of the defaults.
    ///
    /// The profile is that of the last `engine` line of the text itself (not of included files), or else `profile`.
    ///
    /// # Errors
    /// With the text that redis-server prints before it gives up.
    pub fn load(profile: Profile, text: &[u8], directives: &mut dyn Directives) -> Result<Config, LoadError> {
        let mut loader = Loader {
            config: Config::new(engine_of(text).unwrap_or(profile)),
            directives,
            save_seen: false,
            saves_add_up: true,
            depth: 0,
        };
        loader.read(text)?;
        let mut config = loader.config;
        config.refresh();
        Ok(config)
    }
}

impl Config {
    /// The `user` lines, in their order.
    pub fn users(&self) -> &[Line] {
        &self.users
    }

    /// The `rename-command` lines, in their order.
    pub fn renames(&self) -> &[Line] {
        &self.renames
    }

    /// The error for a line that was kept: what is shown of it, and why it is wrong.
    pub fn wrong(&self, line: &Line, shown: Vec<u8>, reason: String) -> LoadError {
        LoadError::Line { profile: self.profile(), number: line.number, line: shown, reason }
    }
}

fn engine_of(text: &[u8]) -> Option<Profile> {
    text.split(|byte| *byte == b'\n')
        .filter_map(split)
        .filter_map(|arguments| match arguments.as_slice() {
            [name, engine] if name.eq_ignore_ascii_case(b"engine") => {
                String::from_utf8_lossy(engine).parse().ok()
            }
            _ => None,
        })
        .next_back()
}

struct Loader<'a> {
    config: Config,
    directives: &'a mut dyn Directives,
    /// Whether a `save` line has replaced the default save points.
    save_seen: bool,
    /// Whether the next `save` line adds to those before it.
    saves_add_up: bool,
    depth: usize,
}

/// What stops the reading of a line: a reason that still needs its place, or an error of an included file.
enum Stop {
    Reason(String),
    Error(LoadError),
}

impl From<String> for Stop {
    fn from(reason: String) -> Stop {
        Stop::Reason(reason)
    }
}

impl From<&str> for Stop {
    fn from(reason: &str) -> Stop {
        Stop::Reason(reason.to_owned())
    }
}

impl Loader<'_> {
    fn read(&mut self, text: &[u8]) -> Result<(), LoadError> {
        self.saves_add_up = true;
        for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = trim(line);
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            self.read_line(line, at + 1).map_err(|stop| match stop {
                Stop::Error(error) => error,
                Stop::Reason(reason) => self.wrong(at + 1, line, reason),
            })?;
        }
        self.saves_add_up = false;
        Ok(())
    }

    fn wrong(&self, number: usize, line: &[u8], reason: String) -> LoadError {
        LoadError::Line { profile: self.config.profile(), number, line: line.to_vec(), reason }
    }

    fn read_line(&mut self, line: &[u8], number: usize) -> Result<(), Stop> {
        let arguments = split(line).ok_or("Unbalanced quotes in configuration line")?;
        let Some((name, values)) = arguments.split_first() else { return Ok(()) };
        if let Some(entry) = self.config.index.find(name) {
            return Ok(self.set(entry, values)?);
        }
        let name = name.to_ascii_lowercase();
        if values.len() == 1 && IGNORED.contains(&name.as_slice()) {
            return Ok(());
        }
        match (name.as_slice(), values) {
            (b"include", [path]) => self.include(path),
            (b"rename-command", [_, _]) => {
                self.config.renames.push(Line { number, text: line.to_vec(), arguments: arguments.clone() });
                Ok(())
            }
            (b"user", [_, ..]) => {
                self.config.users.push(Line { number, text: line.to_vec(), arguments: arguments.clone() });
                Ok(())
            }
            (b"loadmodule", [_, ..]) => Ok(self.directives.load_module(values)?),
            (b"sentinel", [_, ..]) => Err("sentinel directive while not in sentinel mode".into()),
            (name, []) if name.contains(&b'.') => Err("Module config specified without value".into()),
            (name, _) if name.contains(&b'.') => Err("There are no modules to configure.".into()),
            _ => Err("Bad directive or wrong number of arguments".into()),
        }
    }

    fn set(&mut self, entry: Entry, values: &[Vec<u8>]) -> Result<(), String> {
        let row = self.config.row(entry);
        let again = match values {
            // Several arguments may stand in one pair of quotes.
            [one] if row.kind.takes_many() && !one.is_empty() => Some(split(one).unwrap_or_default()),
            _ => None,
        };
        let arguments: Vec<&[u8]> = again.as_deref().unwrap_or(values).iter().map(Vec::as_slice).collect();
        if !row.kind.takes_many() && arguments.len() != 1 {
            return Err("wrong number of arguments".to_owned());
        }
        let mut value = self.config.checked(entry, &arguments, &self.config.values[entry.row])?;
        if row.kind == Kind::Save {
            value = self.added_save_points(entry, value);
        }
        self.config.values[entry.row] = value;
        Ok(())
    }

    /// The first `save` line replaces the default, an empty one clears, and the others add up; but after an included
    /// text each replaces what was before, as the real server's flag for it does not survive the inclusion.
    fn added_save_points(&mut self, entry: Entry, value: Value) -> Value {
        let first = !std::mem::replace(&mut self.save_seen, true);
        match (&self.config.values[entry.row], value) {
            (Value::Save(earlier), Value::Save(points))
                if !first && self.saves_add_up && !points.is_empty() =>
            {
                Value::Save(earlier.iter().copied().chain(points).collect())
            }
            (_, value) => value,
        }
    }

    fn include(&mut self, path: &[u8]) -> Result<(), Stop> {
        if self.depth == MAX_INCLUDE_DEPTH {
            return Err(Stop::Error(LoadError::TooDeep));
        }
        let text = self
            .directives
            .include(path)
            .map_err(|reason| Stop::Error(LoadError::Include { path: path.to_vec(), reason }))?;
        self.depth += 1;
        self.read(&text).map_err(Stop::Error)?;
        self.depth -= 1;
        Ok(())
    }
}

/// Takes the white space of line ends and indentation away.
pub(crate) fn trim(line: &[u8]) -> &[u8] {
    let is_edge = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let start = line.iter().position(|byte| !is_edge(byte)).unwrap_or(line.len());
    let end = line.iter().rposition(|byte| !is_edge(byte)).map_or(start, |at| at + 1);
    &line[start..end]
}
