//! `DUMP` payloads: one value without its key.
//!
//! ```text
//! type │ value as in a file │ RDB version: u16 LE │ CRC-64 of everything before it: u64 LE
//! ```

use profile::Profile;
use structures::{Limits, Value, ValueRef};

use crate::crc64::crc64;
use crate::encode::Sink;
use crate::error::{BadPayload, ErrorKind, Stop};
use crate::input::Input;
use crate::reader::is_foreign;
use crate::types::{self, Loader};
use crate::writer::SaveOptions;

/// The payload of `value`, as the `DUMP` command answers it.
pub fn dump(value: ValueRef<'_>, options: &SaveOptions) -> Vec<u8> {
    let mut out = Vec::new();
    out.put(&[types::type_of(value, options.profile)]);
    types::put_value(&mut out, value, options);
    put_footer(&mut out, options.version);
    out
}

/// What `FUNCTION DUMP` answers without functions: an empty payload with its footer.
pub fn dump_of_no_functions(profile: Profile) -> Vec<u8> {
    let mut out = Vec::new();
    put_footer(&mut out, profile.rdb_version());
    out
}

fn put_footer(out: &mut Vec<u8>, version: u16) {
    out.put(&version.to_le_bytes());
    let sum = crc64(out);
    out.put(&sum.to_le_bytes());
}

/// The value of a payload. `max_version` is the newest RDB version to accept: the profile's own.
///
/// # Errors
/// [`BadPayload::VersionOrChecksum`] when the footer is not right, [`BadPayload::Format`] when the value isn't; an
/// empty collection is not a value.
pub fn restore(payload: &[u8], limits: &Limits, max_version: u16) -> Result<Value, BadPayload> {
    let (summed, sum) = payload.split_last_chunk().ok_or(BadPayload::VersionOrChecksum)?;
    if u64::from_le_bytes(*sum) != crc64(summed) {
        return Err(BadPayload::VersionOrChecksum);
    }
    restore_unverified(payload, limits, max_version)
}

/// The value of a payload whose checksum may be wrong: for tests of damaged values.
///
/// # Errors
/// Those of [`restore`].
pub fn restore_unverified(payload: &[u8], limits: &Limits, max_version: u16) -> Result<Value, BadPayload> {
    let (summed, _) = payload.split_last_chunk::<8>().ok_or(BadPayload::VersionOrChecksum)?;
    let (_, version) = summed.split_last_chunk().ok_or(BadPayload::VersionOrChecksum)?;
    let version = u16::from_le_bytes(*version);
    if version > max_version || is_foreign(version) {
        return Err(BadPayload::VersionOrChecksum);
    }
    load(payload, limits, version).map_err(|stop| {
        BadPayload::Format(match stop {
            Stop::More => ErrorKind::Truncated,
            Stop::Bad(kind) => kind,
        })
    })
}

/// Reads the value as Redis does: bytes behind it are ignored, and one whose lengths are wrong may run into the
/// footer. A replica must accept just what its primary accepted.
fn load(payload: &[u8], limits: &Limits, version: u16) -> Result<Value, Stop> {
    let mut input = Input::new();
    input.feed(payload);
    let mut loader = Loader::new(input.byte()?, version);
    loader.step(&mut input, limits)?.ok_or(Stop::corrupt("an empty collection"))
}
