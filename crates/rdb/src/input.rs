//! The bytes that have arrived and not been consumed, and the primitives read from them.
//!
//! Every primitive is all or nothing: it consumes its bytes, or answers [`Stop::More`] and consumes none, to be called
//! again when more has been fed. So the reader of a sequence of primitives remembers which ones are done, and no byte
//! is parsed more than a few times, however small the pieces in which it arrives.
//!
//! A string is the one primitive of unbounded length. One that has not arrived whole and is longer than `GATHER_FROM`
//! is moved out of the buffer as it arrives, into a vector of its own that grows with the bytes that have arrived: a
//! false length costs no memory. Until it is whole, the next primitive asked for must be a string again.

use number::parse_i64;
use structures::Value;

use crate::crc64::Crc64;
use crate::encode::{
    LEN_32_BIT, LEN_64_BIT, SPECIAL, SPECIAL_INT8, SPECIAL_INT16, SPECIAL_INT32, SPECIAL_LZF,
};
use crate::error::Stop;
use crate::lzf;

/// Strings longer than this are gathered outside the buffer.
const GATHER_FROM: usize = 16 << 10;
/// What a gathered string may allocate ahead of the bytes that have arrived, at first.
const GATHER_STEP: usize = 1 << 20;
/// Consumed bytes stay in the buffer until there are this many, to move the rest rarely.
const COMPACT_FROM: usize = 64 << 10;
/// A string kept as an integer has at most this many bytes as text.
const MAX_INT64_TEXT: usize = 20;

#[derive(Debug)]
pub(crate) struct Input {
    buf: Vec<u8>,
    /// Consumed up to here.
    pos: usize,
    /// Added to `crc` up to here; never beyond `pos`.
    summed: usize,
    crc: Crc64,
    /// How many bytes were dropped from the front of the buffer.
    dropped: u64,
    gathering: Option<Gathering>,
}

#[derive(Debug)]
struct Gathering {
    form: Form,
    bytes: Vec<u8>,
}

/// How a string that is not an integer stands in the stream.
#[derive(Debug, Clone, Copy)]
enum Form {
    Plain { len: usize },
    Lzf { block: usize, len: usize },
}

impl Form {
    /// Bytes in the stream.
    fn stored(self) -> usize {
        match self {
            Form::Plain { len } => len,
            Form::Lzf { block, .. } => block,
        }
    }
}

/// What a string's head says.
enum Head {
    Int(i32),
    Stored(Form),
}

/// A string, or the integer that stood for it.
enum Text {
    Int(i64),
    Bytes(Vec<u8>),
}

impl Input {
    pub(crate) fn new() -> Self {
        Input { buf: Vec::new(), pos: 0, summed: 0, crc: Crc64::default(), dropped: 0, gathering: None }
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if self.pos == self.buf.len() || (self.pos >= COMPACT_FROM && self.pos * 2 >= self.buf.len()) {
            self.sum();
            self.buf.drain(..self.pos);
            self.dropped += self.pos as u64;
            self.pos = 0;
            self.summed = 0;
        }
        self.buf.extend_from_slice(bytes);
    }

    /// How many bytes have been consumed.
    pub(crate) fn offset(&self) -> u64 {
        self.dropped + self.pos as u64
    }

    /// The checksum of everything consumed.
    pub(crate) fn sum(&mut self) -> u64 {
        self.crc.update(&self.buf[self.summed..self.pos]);
        self.summed = self.pos;
        self.crc.value()
    }

    /// Takes what has not been consumed.
    pub(crate) fn take_rest(&mut self) -> Vec<u8> {
        let rest = self.buf.split_off(self.pos);
        self.sum();
        rest
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        debug_assert!(self.gathering.is_none());
        let bytes = *self.buf[self.pos..].first_chunk().ok_or(Stop::More)?;
        self.pos += N;
        Ok(bytes)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Stop> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    /// A length. The head of a special string counts as its low six bits, as in every Redis.
    pub(crate) fn len(&mut self) -> Result<u64, Stop> {
        self.all_or_nothing(|input| Ok(input.len_or_special()?.unwrap_or_else(u64::from)))
    }

    /// Several lengths together.
    pub(crate) fn lens<const N: usize>(&mut self) -> Result<[u64; N], Stop> {
        self.all_or_nothing(|input| {
            let mut lens = [0; N];
            for len in &mut lens {
                *len = input.len()?;
            }
            Ok(lens)
        })
    }

    /// A string as bytes.
    pub(crate) fn string(&mut self) -> Result<Vec<u8>, Stop> {
        Ok(match self.text()? {
            Text::Bytes(bytes) => bytes,
            Text::Int(value) => itoa::Buffer::new().format(value).as_bytes().to_vec(),
        })
    }

    /// A string as a value keeps it: as an integer whenever it is the canonical form of one.
    pub(crate) fn string_value(&mut self) -> Result<Value, Stop> {
        Ok(match self.text()? {
            Text::Int(value) => Value::Int(value),
            Text::Bytes(bytes) => {
                match Some(&bytes).filter(|b| b.len() <= MAX_INT64_TEXT).and_then(|b| parse_i64(b)) {
                    Some(value) => Value::Int(value),
                    None => Value::Bytes(bytes),
                }
            }
        })
    }

    fn text(&mut self) -> Result<Text, Stop> {
        if self.gathering.is_none() {
            match self.all_or_nothing(Input::head_of_available)? {
                Head::Int(value) => return Ok(Text::Int(i64::from(value))),
                Head::Stored(form) => {
                    if let Some(stored) = self.buf[self.pos..].get(..form.stored()) {
                        let bytes = decode(form, stored)?;
                        self.pos += form.stored();
                        return Ok(Text::Bytes(bytes));
                    }
                    self.gathering = Some(Gathering { form, bytes: Vec::new() });
                }
            }
        }
        self.gather().map(Text::Bytes)
    }

    /// The head of a string whose bytes are all there, or that is long enough to be gathered.
    fn head_of_available(&mut self) -> Result<Head, Stop> {
        let head = self.head()?;
        match head {
            Head::Stored(form)
                if form.stored() > self.buf.len() - self.pos && form.stored() <= GATHER_FROM =>
            {
                Err(Stop::More)
            }
            head => Ok(head),
        }
    }

    fn head(&mut self) -> Result<Head, Stop> {
        let special = match self.len_or_special()? {
            Ok(len) => return Ok(Head::Stored(Form::Plain { len: to_usize(len)? })),
            Err(special) => special,
        };
        Ok(match special {
            SPECIAL_INT8 => Head::Int(i8::from_le_bytes(self.bytes()?).into()),
            SPECIAL_INT16 => Head::Int(i16::from_le_bytes(self.bytes()?).into()),
            SPECIAL_INT32 => Head::Int(i32::from_le_bytes(self.bytes()?)),
            SPECIAL_LZF => {
                let (block, len) = (to_usize(self.len()?)?, to_usize(self.len()?)?);
                if len > lzf::max_decompressed_len(block) {
                    return Err(Stop::corrupt("an LZF string longer than its block can hold"));
                }
                Head::Stored(Form::Lzf { block, len })
            }
            _ => return Err(Stop::corrupt("an unknown form of string")),
        })
    }

    /// A length, or the number of a special form of string.
    fn len_or_special(&mut self) -> Result<Result<u64, u8>, Stop> {
        let first = self.byte()?;
        Ok(match first {
            0..0x40 => Ok(u64::from(first)),
            0x40..LEN_32_BIT => Ok(u64::from(first & 0x3f) << 8 | u64::from(self.byte()?)),
            LEN_32_BIT => Ok(u32::from_be_bytes(self.bytes()?).into()),
            LEN_64_BIT => Ok(u64::from_be_bytes(self.bytes()?)),
            SPECIAL.. => Err(first & 0x3f),
            _ => return Err(Stop::corrupt("an unknown form of length")),
        })
    }

    pub(crate) fn all_or_nothing<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let start = self.pos;
        let result = read(self);
        if result.is_err() {
            self.pos = start;
        }
        result
    }

    fn gather(&mut self) -> Result<Vec<u8>, Stop> {
        let Some(gathering) = &mut self.gathering else { return Err(Stop::More) };
        let bytes = &mut gathering.bytes;
        let missing = gathering.form.stored() - bytes.len();
        let take = missing.min(self.buf.len() - self.pos);
        if bytes.capacity() - bytes.len() < take {
            // Doubles, but never past the end, so that the finished string has no slack.
            bytes.reserve_exact(missing.min(bytes.len().max(GATHER_STEP).max(take)));
        }
        bytes.extend_from_slice(&self.buf[self.pos..self.pos + take]);
        self.pos += take;
        if take < missing {
            return Err(Stop::More);
        }
        match self.gathering.take() {
            Some(Gathering { form: Form::Plain { .. }, bytes }) => Ok(bytes),
            Some(Gathering { form, bytes }) => decode(form, &bytes),
            None => Err(Stop::More),
        }
    }
}

fn decode(form: Form, stored: &[u8]) -> Result<Vec<u8>, Stop> {
    match form {
        Form::Plain { .. } => Ok(stored.to_vec()),
        Form::Lzf { len, .. } => lzf::decompress(stored, len).ok_or(Stop::corrupt("a malformed LZF string")),
    }
}

fn to_usize(len: u64) -> Result<usize, Stop> {
    usize::try_from(len)
        .ok()
        .filter(|&len| len <= isize::MAX as usize)
        .ok_or(Stop::corrupt("an impossible length"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::{put_len, put_string};

    #[test]
    fn byte_by_byte() {
        let long = (0..40_000u32).map(|i| ((i * i) >> 3) as u8).collect::<Vec<u8>>();
        let strings: [&[u8]; 8] =
            [b"", b"a", b"-1", b"300", b"-70000", b"12345678901", &[b'z'; 50_000], &long];
        let mut stream = Vec::new();
        for string in strings {
            put_string(&mut stream, string, true);
            put_len(&mut stream, string.len() as u64);
        }
        let mut input = Input::new();
        let mut read = Vec::new();
        let mut lens = Vec::new();
        for &byte in &stream {
            input.feed(&[byte]);
            loop {
                if read.len() == lens.len() {
                    match input.string() {
                        Ok(string) => read.push(string),
                        Err(stop) => break assert_eq!(stop, Stop::More),
                    }
                } else {
                    match input.len() {
                        Ok(len) => lens.push(len as usize),
                        Err(stop) => break assert_eq!(stop, Stop::More),
                    }
                }
            }
        }
        assert_eq!(read, strings);
        assert_eq!(lens, strings.map(<[u8]>::len));
        assert_eq!(input.offset(), stream.len() as u64);
        assert_eq!(input.sum(), crate::crc64::crc64(&stream));
    }

    #[test]
    fn a_lie_about_the_length_costs_nothing() {
        let mut input = Input::new();
        let mut head = Vec::new();
        put_len(&mut head, 1 << 60);
        input.feed(&head);
        input.feed(&[1; 100]);
        assert_eq!(input.string(), Err(Stop::More));
        let gathering = input.gathering.as_ref().unwrap();
        assert!(gathering.bytes.len() == 100 && gathering.bytes.capacity() <= 2 * GATHER_STEP);

        let mut input = Input::new();
        input.feed(&[0xc3, 10, 0x81, 0xff, 0, 0, 0, 0, 0, 0, 0]);
        assert!(matches!(input.string(), Err(Stop::Bad(_))));
    }

    #[test]
    fn impossible_heads() {
        for head in [&[0x82u8][..], &[0xc4, 1], &[0x81, 0xff, 255, 255, 255, 255, 255, 255, 255]] {
            let mut input = Input::new();
            input.feed(head);
            assert!(matches!(input.string(), Err(Stop::Bad(_))), "{head:?}");
            assert_eq!(input.offset(), 0);
        }
    }

    #[test]
    fn integers_are_recognised_in_values() {
        let mut input = Input::new();
        input.feed(b"\x0a2147483648\x03007\xc0\x05");
        assert_eq!(input.string_value(), Ok(Value::Int(2_147_483_648)));
        assert_eq!(input.string_value(), Ok(Value::Bytes(b"007".to_vec())));
        assert_eq!(input.string_value(), Ok(Value::Int(5)));
    }
}
