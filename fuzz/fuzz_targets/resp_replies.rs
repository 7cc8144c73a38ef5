//! Replies of a primary: the same frames, or the same error, however the bytes are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use resp::Decoder;

/// The frames and the error as text: a NaN equals no other.
fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let mut decoder = Decoder::new();
    let mut seen = Vec::new();
    for piece in pieces {
        decoder.feed(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => seen.push(format!("{frame:?}")),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.next_frame().unwrap_err(), error, "an error is final");
                    seen.push(error.to_string());
                    return seen;
                }
            }
        }
    }
    seen
}

// The first byte says how to cut.
fuzz_target!(|data: &[u8]| {
    let [step, bytes @ ..] = data else { return };
    assert_eq!(decode(bytes.chunks(usize::from(*step) + 1)), decode([bytes].into_iter()));
});
