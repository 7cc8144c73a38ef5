//! Reading a file or a full sync as it arrives.
//!
//! [`Reader::feed`] takes bytes in whatever pieces they come, [`Reader::next`] answers the next item or `None` when it
//! needs more. Between two calls the reader may be anywhere inside an item, even inside a value of a million elements:
//! the state below and the loader of the type remember what is done, so no element is read twice and the cost is linear
//! in the bytes for any split. Memory is the value being built plus the bytes not consumed.
//!
//! ```text
//!   Header ─▶ Opcode ─▶ Key ─▶ Value ─▶ Opcode … ─▶ End
//!                │ one state for each other opcode with a body, back to Opcode
//! ```
//!
//! After [`Item::End`] the reader consumes nothing more: what was fed beyond it (the mark that ends a diskless sync,
//! the commands behind an append-only file's preamble) is returned by [`Reader::take_rest`].
//!
//! The caller decides what an item means: expired keys, repeated keys, databases beyond the configured number. Counts
//! in [`Item::ResizeDb`] are not trusted: bound them before allocating by them.

use structures::{Limits, Value};

use crate::EntryMeta;
use crate::error::{Error, ErrorKind, Stop};
use crate::input::Input;
use crate::opcode::{self, module};
use crate::types::{self, Loader};
use crate::writer::FIRST_OF_VALKEY;

const SIGNATURE: &[u8] = b"REDIS";
/// Of the versions from [`FIRST_OF_VALKEY`] on.
const SIGNATURE_OF_VALKEY: &[u8] = b"VALKEY";
/// The last version that Redis and Valkey share.
pub const LAST_OF_REDIS: u16 = 11;
/// From this version on a checksum follows the end mark.
const CHECKSUM_SINCE: u16 = 5;
/// The characters of a module's name, by their number.
const MODULE_NAME_CHARACTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// How to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderOptions {
    /// The thresholds that decide the encodings of the values.
    pub limits: Limits,
    /// The newest RDB version to accept: the profile's own.
    pub max_version: u16,
    /// `rdbchecksum`: whether the checksum is computed and compared.
    pub checksum: bool,
}

/// What a stream of RDB bytes consists of.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A fact about the file or its writer, by name.
    Aux {
        /// The name.
        key: Vec<u8>,
        /// The fact, as text.
        value: Vec<u8>,
    },
    /// The following entries belong to this database.
    SelectDb(u64),
    /// How many keys the writer had in this database.
    ResizeDb {
        /// All keys.
        keys: u64,
        /// Those with an expiry.
        expires: u64,
    },
    /// How many keys the writer had in a slot.
    SlotInfo {
        /// The slot.
        slot: u64,
        /// All keys.
        keys: u64,
        /// Those with an expiry.
        expires: u64,
    },
    /// A key with its value.
    Entry {
        /// The key.
        key: Vec<u8>,
        /// The value.
        value: Value,
        /// Expiry and access.
        meta: EntryMeta,
    },
    /// A key with an empty collection, as faulty versions of Redis could leave behind: to be logged and left out.
    EmptyEntry {
        /// The key.
        key: Vec<u8>,
    },
    /// A function library.
    Function {
        /// Its source.
        code: Vec<u8>,
    },
    /// Data of a module beside the keys. It was skipped.
    ModuleAux {
        /// The name of the module's type.
        module: String,
    },
    /// The end.
    End(Checksum),
}

/// The result of checking the checksum at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// It is right.
    Verified,
    /// The writer left it out, or the version had none.
    Absent,
    /// There was one; the options say not to check it.
    Ignored,
}

/// An RDB stream being read.
#[derive(Debug)]
pub struct Reader {
    options: ReaderOptions,
    input: Input,
    state: State,
    version: Option<u16>,
    /// The prefixes of the next key.
    meta: EntryMeta,
}

/// What the next bytes are.
#[derive(Debug)]
enum State {
    Header,
    /// An opcode or the type of a value.
    Opcode,
    AuxKey,
    AuxValue {
        key: Vec<u8>,
    },
    SelectDb,
    ResizeDb,
    SlotInfo,
    Function,
    ModuleAux,
    ModulePiece {
        module: String,
    },
    ModuleString {
        module: String,
    },
    ExpireTime,
    ExpireTimeMs,
    Idle,
    Freq,
    Key {
        type_id: u8,
    },
    Value {
        key: Vec<u8>,
        loader: Loader,
    },
    Checksum,
    End,
    Failed(Error),
}

impl Reader {
    /// A reader at the first byte of a stream.
    pub fn new(options: ReaderOptions) -> Self {
        Reader {
            options,
            input: Input::new(),
            state: State::Header,
            version: None,
            meta: EntryMeta::default(),
        }
    }

    /// Takes the next bytes of the stream. Pieces of 16 KB to 1 MB are best; [`next`](Reader::next) should run dry
    /// before more is fed.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.input.feed(bytes);
    }

    /// The next item, or `None` when that needs more bytes or the end was reached.
    ///
    /// # Errors
    /// The fault that makes the stream unreadable; every further call answers the same.
    #[allow(clippy::should_implement_trait)] // An iterator would be over after the first `None`; this one goes on.
    pub fn next(&mut self) -> Result<Option<Item>, Error> {
        loop {
            let (state, item) = match self.step() {
                Ok(step) => step,
                Err(Stop::More) => return Ok(None),
                Err(Stop::Bad(kind)) => return Err(self.fail(kind)),
            };
            self.state = state;
            if item.is_some() {
                return Ok(item);
            }
        }
    }

    /// Call this when no more bytes will come.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] unless [`Item::End`] was returned.
    pub fn finish(&mut self) -> Result<(), Error> {
        match self.state {
            State::End => Ok(()),
            _ => Err(self.fail(ErrorKind::Truncated)),
        }
    }

    /// The version in the header, once that has been read.
    pub fn version(&self) -> Option<u16> {
        self.version
    }

    /// How many bytes of the stream have been consumed.
    pub fn offset(&self) -> u64 {
        self.input.offset()
    }

    /// Takes the bytes that were fed but not consumed: after [`Item::End`], what follows the RDB data.
    pub fn take_rest(&mut self) -> Vec<u8> {
        self.input.take_rest()
    }

    fn fail(&mut self, kind: ErrorKind) -> Error {
        let key = match &mut self.state {
            State::Failed(error) => return error.clone(),
            State::Value { key, .. } => Some(std::mem::take(key)),
            _ => None,
        };
        let error = Error { offset: self.input.offset(), key, kind };
        self.state = State::Failed(error.clone());
        error
    }

    /// Reads what the state says is next. Returns the state after it and the item that it completed. On an error the
    /// state is unchanged.
    fn step(&mut self) -> Result<(State, Option<Item>), Stop> {
        let input = &mut self.input;
        let item = match &mut self.state {
            State::Header => {
                self.version = Some(version(&input.bytes()?, self.options.max_version)?);
                return Ok((State::Opcode, None));
            }
            State::Opcode => {
                let version = self.version.unwrap_or_default();
                return Ok((after_opcode(input.byte()?, version)?, None));
            }
            State::AuxKey => return Ok((State::AuxValue { key: input.string()? }, None)),
            State::AuxValue { key } => {
                let value = input.string()?;
                Some(Item::Aux { key: std::mem::take(key), value })
            }
            State::SelectDb => Some(Item::SelectDb(input.len()?)),
            State::ResizeDb => {
                let [keys, expires] = input.lens()?;
                Some(Item::ResizeDb { keys, expires })
            }
            State::SlotInfo => {
                let [slot, keys, expires] = input.lens()?;
                Some(Item::SlotInfo { slot, keys, expires })
            }
            State::Function => Some(Item::Function { code: input.string()? }),
            State::ModuleAux => {
                let [id, when_opcode, _when] = input.lens()?;
                if when_opcode != module::UNSIGNED {
                    return Err(Stop::corrupt("a module's data without its moment"));
                }
                return Ok((State::ModulePiece { module: module_name(id) }, None));
            }
            State::ModulePiece { module } => {
                let opcode = module_piece(input)?;
                let module = std::mem::take(module);
                match opcode {
                    module::EOF => Some(Item::ModuleAux { module }),
                    module::STRING => return Ok((State::ModuleString { module }, None)),
                    _ => return Ok((State::ModulePiece { module }, None)),
                }
            }
            State::ModuleString { module } => {
                input.string()?;
                return Ok((State::ModulePiece { module: std::mem::take(module) }, None));
            }
            State::ExpireTime => {
                self.meta.expire_ms = Some(i64::from(i32::from_le_bytes(input.bytes()?)) * 1_000);
                None
            }
            State::ExpireTimeMs => {
                self.meta.expire_ms = Some(i64::from_le_bytes(input.bytes()?));
                None
            }
            State::Idle => {
                self.meta.idle_s = Some(input.len()?);
                None
            }
            State::Freq => {
                self.meta.freq = Some(input.byte()?);
                None
            }
            State::Key { type_id } => {
                let loader = Loader::new(*type_id, self.version.unwrap_or_default());
                return Ok((State::Value { key: input.string()?, loader }, None));
            }
            State::Value { key, loader } => {
                let value = loader.step(input, &self.options.limits)?;
                let key = std::mem::take(key);
                let meta = std::mem::take(&mut self.meta);
                Some(match value {
                    Some(value) => Item::Entry { key, value, meta },
                    None => Item::EmptyEntry { key },
                })
            }
            State::Checksum => return Ok((State::End, Some(Item::End(self.checksum()?)))),
            // Nothing more is read.
            State::End => return Err(Stop::More),
            State::Failed(error) => return Err(Stop::Bad(error.kind)),
        };
        Ok((State::Opcode, item))
    }

    fn checksum(&mut self) -> Result<Checksum, Stop> {
        if self.version < Some(CHECKSUM_SINCE) {
            return Ok(Checksum::Absent);
        }
        let expected = if self.options.checksum { Some(self.input.sum()) } else { None };
        let found = u64::from_le_bytes(self.input.bytes()?);
        match expected {
            _ if found == 0 => Ok(Checksum::Absent),
            None => Ok(Checksum::Ignored),
            Some(expected) if expected == found => Ok(Checksum::Verified),
            Some(expected) => Err(Stop::Bad(ErrorKind::Checksum { expected, found })),
        }
    }
}

/// The version is read as C's `atoi` reads it: digits up to the first other character.
fn version(header: &[u8; 9], max_version: u16) -> Result<u16, Stop> {
    let valkey = header.strip_prefix(SIGNATURE_OF_VALKEY).filter(|_| max_version >= FIRST_OF_VALKEY);
    let digits = valkey.or_else(|| header.strip_prefix(SIGNATURE)).ok_or(Stop::Bad(ErrorKind::Signature))?;
    let version = digits
        .iter()
        .take_while(|digit| digit.is_ascii_digit())
        .fold(0u16, |version, digit| version * 10 + u16::from(digit - b'0'));
    let is_of_header = valkey.is_some() == (version >= FIRST_OF_VALKEY);
    if (1..=max_version).contains(&version) && is_of_header && !is_foreign(version) {
        Ok(version)
    } else {
        Err(Stop::Bad(ErrorKind::Version(version)))
    }
}

/// Whether a version is neither Redis's, as far as Valkey goes with it, nor Valkey's.
pub(crate) fn is_foreign(version: u16) -> bool {
    version > LAST_OF_REDIS && version < FIRST_OF_VALKEY
}

fn after_opcode(byte: u8, version: u16) -> Result<State, Stop> {
    Ok(match byte {
        opcode::SLOT_INFO => State::SlotInfo,
        opcode::FUNCTION => State::Function,
        opcode::FUNCTION_PRE_RELEASE => {
            return Err(Stop::corrupt("Pre-release function format not supported."));
        }
        opcode::MODULE_AUX => State::ModuleAux,
        opcode::IDLE => State::Idle,
        opcode::FREQ => State::Freq,
        opcode::AUX => State::AuxKey,
        opcode::RESIZE_DB => State::ResizeDb,
        opcode::EXPIRE_TIME_MS => State::ExpireTimeMs,
        opcode::EXPIRE_TIME => State::ExpireTime,
        opcode::SELECT_DB => State::SelectDb,
        opcode::EOF => State::Checksum,
        type_id if types::name(type_id, version).is_some() => State::Key { type_id },
        unknown => return Err(Stop::Bad(ErrorKind::UnknownType(unknown))),
    })
}

/// Reads one piece of a module's data and returns its opcode. Of a string it reads the opcode only.
fn module_piece(input: &mut Input) -> Result<u64, Stop> {
    input.all_or_nothing(|input| {
        let opcode = input.len()?;
        match opcode {
            module::EOF | module::STRING => {}
            module::SIGNED | module::UNSIGNED => {
                input.len()?;
            }
            module::FLOAT => {
                input.bytes::<4>()?;
            }
            module::DOUBLE => {
                input.bytes::<8>()?;
            }
            _ => return Err(Stop::corrupt("an unknown piece of a module's data")),
        }
        Ok(opcode)
    })
}

/// A module's number is its type's name of nine characters, six bits each, above ten bits of its data's version.
fn module_name(id: u64) -> String {
    (0..9).map(|i| char::from(MODULE_NAME_CHARACTERS[(id >> (58 - 6 * i) & 63) as usize])).collect()
}
