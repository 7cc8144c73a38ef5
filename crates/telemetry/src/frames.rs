//! Files that grow by frames: the log of samples and the catalogue of series.
//!
//! ```text
//!   length, 4 bytes · CRC-32 of the body, 4 bytes · body        all little-endian
//! ```
//! The first frame is the head. What is behind the last whole frame was never synced: a crash left a part of it.

use std::io;

/// A body is never longer: a second of a million series.
const MAX_BYTES: usize = 16 << 20;

/// A frame.
pub(crate) fn frame(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + body.len());
    bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&crc32fast::hash(body).to_le_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// The frames of a file behind its head; an empty file has neither.
///
/// # Errors
/// When the head is another one.
pub(crate) fn behind_head<'b>(
    bytes: &'b [u8],
    head: &[u8],
    file: &str,
) -> io::Result<impl Iterator<Item = &'b [u8]>> {
    let mut bodies = bodies(bytes);
    match bodies.next() {
        Some(found) if found == head => Ok(bodies),
        None if bytes.is_empty() => Ok(bodies),
        _ => {
            let why = format!("{file} is not of a version that this program reads");
            Err(io::Error::new(io::ErrorKind::InvalidData, why))
        }
    }
}

/// The whole frames of a file, up to the first that is none.
fn bodies(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (head, behind) = rest.split_first_chunk::<8>()?;
        let [length, crc] =
            [0, 4].map(|at| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]));
        // Zeros would be a frame of nothing, and its checksum is right.
        let length = Some(length as usize).filter(|length| (1..=MAX_BYTES).contains(length))?;
        let (body, behind) = behind.split_at_checked(length)?;
        (crc32fast::hash(body) == crc).then(|| rest = behind)?;
        Some(body)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_own_head() {
        let read = |bytes: &[u8]| behind_head(bytes, b"head", "log").map(Iterator::count);
        assert_eq!(read(&[frame(b"head"), frame(b"one")].concat()).unwrap(), 1);
        assert_eq!(read(&[]).unwrap(), 0);
        for other in [frame(b"other"), frame(b"head")[1..].to_vec(), vec![0; 512]] {
            let error = read(&other).unwrap_err();
            assert_eq!(error.to_string(), "log is not of a version that this program reads");
        }
    }

    #[test]
    fn a_torn_end_is_left_out() {
        let whole = [frame(b"head"), frame(b"one"), frame(b"two")].concat();
        let read = |bytes: &[u8]| bodies(bytes).map(<[u8]>::to_vec).collect::<Vec<_>>();
        assert_eq!(read(&whole), [b"head".to_vec(), b"one".to_vec(), b"two".to_vec()]);
        let last = frame(b"two").len();
        for cut in 1..=last {
            assert_eq!(read(&whole[..whole.len() - cut]).len(), 2, "{cut} bytes are gone");
        }
        let mut damaged = whole.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert_eq!(read(&damaged).len(), 2);
        assert_eq!(read(&[whole, vec![0; 512]].concat()).len(), 3, "zeros are no frame");
    }
}
