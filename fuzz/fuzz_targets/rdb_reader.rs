//! An RDB stream from a stranger: never a panic, and the same items for any cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rdb::{Item, Reader, ReaderOptions};

/// The items, whether it ended well, and what was left.
fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<String>, Vec<u8>) {
    // A stranger's checksum is right only by a miracle; what lies before it is what matters.
    let options = ReaderOptions { limits: structures::Limits::default(), max_version: 11, checksum: false };
    let mut reader = Reader::new(options);
    let mut seen = Vec::new();
    for piece in pieces {
        reader.feed(piece);
        loop {
            match reader.next() {
                Ok(Some(item)) => {
                    let ends = matches!(item, Item::End(_));
                    seen.push(format!("{item:?}"));
                    if ends {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    seen.push(error.to_string());
                    return (seen, Vec::new());
                }
            }
        }
    }
    if let Err(error) = reader.finish() {
        seen.push(error.to_string());
        return (seen, Vec::new());
    }
    (seen, reader.take_rest())
}

// The first byte says how to cut.
fuzz_target!(|data: &[u8]| {
    let [step, bytes @ ..] = data else { return };
    assert_eq!(read(bytes.chunks(usize::from(*step) + 1)), read([bytes].into_iter()));
});
