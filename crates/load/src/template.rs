//! Commands with placeholders, and the requests that are made of them.
//!
//! A template is cut once into the bytes that never change and the places that do; a request is then a handful of
//! copies into a buffer. Placeholders stand anywhere in an argument, and each occurrence is drawn anew:
//!
//! | | |
//! |---|---|
//! | `{key}` | prefix and twelve digits, by the distribution of keys |
//! | `{value}` | bytes, by the sizes of values |
//! | `{field}` | `field:` and twelve digits, each of the fields equally often |
//! | `{member}` | the same with `member:` |
//! | `{int}` | a number below the number of keys |
//! | `{score}` | a number in `[0, 1)` with six decimals |
//! | `{{`, `}}` | braces |

use crate::keys::{Distribution, KeyDraw};
use crate::random::Random;
use crate::replies::Protocol;
use crate::sizes::Sizes;

/// Digits of a number in a key.
const DIGITS: usize = 12;
/// Values are cut from a text that is so much longer than the longest, so that they differ.
const FILLER_EXTRA: usize = 4096;

/// What placeholders stand for.
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    /// How many keys there are.
    pub keys: u64,
    /// What a key begins with.
    pub prefix: String,
    /// How often each key is used.
    pub distribution: Distribution,
    /// The sizes of values.
    pub sizes: Sizes,
    /// How many fields or members there are.
    pub fields: u64,
}

impl Default for Data {
    fn default() -> Data {
        Data {
            keys: 100_000,
            prefix: "key:".to_owned(),
            distribution: Distribution::Uniform,
            sizes: Sizes::Fixed(64),
            fields: 1000,
        }
    }
}

/// Draws what placeholders stand for.
#[derive(Debug)]
pub(crate) struct Draw {
    pub(crate) random: Random,
    keys: KeyDraw,
    key_count: u64,
    fields: u64,
    sizes: Sizes,
    filler: Vec<u8>,
    /// An argument under construction, whose length stands before it.
    argument: Vec<u8>,
}

impl Draw {
    /// A sequence of keys begins at `first`.
    pub(crate) fn new(data: &Data, first: u64, seed: u64) -> Draw {
        let mut random = Random::new(seed);
        let letter = |random: &mut Random| b'a' + random.below(26) as u8;
        let filler = (0..data.sizes.max() + FILLER_EXTRA).map(|_| letter(&mut random)).collect();
        Draw {
            keys: KeyDraw::new(data.distribution, data.keys, first),
            key_count: data.keys,
            fields: data.fields,
            sizes: data.sizes.clone(),
            filler,
            argument: Vec::new(),
            random,
        }
    }

    fn value(&mut self, size: usize) -> std::ops::Range<usize> {
        let start = self.random.below(FILLER_EXTRA as u64) as usize;
        start..start + size
    }
}

/// Something that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hole {
    Key,
    Value,
    Field,
    Int,
    Score,
}

/// A piece of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(Vec<u8>),
    Hole(Hole),
}

/// A piece of a request.
#[derive(Debug, Clone)]
enum Piece {
    Text(Vec<u8>),
    /// A hole whose length is known, so that it stands in the text before.
    Hole(Hole),
    /// A value with its length and line ends around it.
    SizedValue,
    /// An argument with its length before it.
    Argument(Vec<Part>),
    /// The length of the value that follows the line, in Memcached's form.
    ValueLength,
    /// A value behind its line.
    ValueBlock,
}

/// A command, ready to be written.
#[derive(Debug)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
}

impl Template {
    /// Reads a command in the words that redis-cli would take.
    pub(crate) fn new(command: &str, data: &Data, protocol: Protocol) -> Result<Template, String> {
        let words = resp::split_quoted(command.as_bytes()).ok_or("quotes are not balanced")?;
        if words.is_empty() {
            return Err("there is no command".to_owned());
        }
        let arguments: Vec<Vec<Part>> =
            words.iter().map(|word| parts(word, &data.prefix)).collect::<Result<_, _>>()?;
        let mut builder = Builder { pieces: Vec::new() };
        match protocol {
            Protocol::Resp2 | Protocol::Resp3 => builder.resp(arguments, &data.sizes),
            Protocol::Memcached => builder.memcached(arguments, &data.sizes)?,
        }
        Ok(Template { pieces: builder.pieces })
    }

    /// Writes a request.
    pub(crate) fn write(&self, draw: &mut Draw, out: &mut Vec<u8>) {
        let mut block = 0..0;
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text),
                Piece::Hole(hole) => fill(*hole, draw, out),
                Piece::SizedValue => {
                    let size = draw.sizes.draw(&mut draw.random);
                    let value = draw.value(size);
                    length(size, out);
                    out.extend_from_slice(&draw.filler[value]);
                    out.extend_from_slice(b"\r\n");
                }
                Piece::Argument(parts) => {
                    let mut argument = std::mem::take(&mut draw.argument);
                    argument.clear();
                    for part in parts {
                        match part {
                            Part::Text(text) => argument.extend_from_slice(text),
                            Part::Hole(hole) => fill(*hole, draw, &mut argument),
                        }
                    }
                    length(argument.len(), out);
                    out.extend_from_slice(&argument);
                    out.extend_from_slice(b"\r\n");
                    draw.argument = argument;
                }
                Piece::ValueLength => {
                    let size = draw.sizes.draw(&mut draw.random);
                    block = draw.value(size);
                    number(size as u64, out);
                }
                Piece::ValueBlock => {
                    out.extend_from_slice(&draw.filler[block.clone()]);
                    out.extend_from_slice(b"\r\n");
                }
            }
        }
    }
}

struct Builder {
    pieces: Vec<Piece>,
}

impl Builder {
    fn text(&mut self, bytes: &[u8]) {
        match self.pieces.last_mut() {
            Some(Piece::Text(text)) => text.extend_from_slice(bytes),
            _ => self.pieces.push(Piece::Text(bytes.to_vec())),
        }
    }

    fn parts(&mut self, parts: Vec<Part>) {
        for part in parts {
            match part {
                Part::Text(text) => self.text(&text),
                Part::Hole(hole) => self.pieces.push(Piece::Hole(hole)),
            }
        }
    }

    fn resp(&mut self, arguments: Vec<Vec<Part>>, sizes: &Sizes) {
        self.text(format!("*{}\r\n", arguments.len()).as_bytes());
        for parts in arguments {
            let length: Option<usize> = parts.iter().map(|part| fixed_length(part, sizes)).sum();
            match length {
                Some(length) => {
                    self.text(format!("${length}\r\n").as_bytes());
                    self.parts(parts);
                    self.text(b"\r\n");
                }
                None if parts == [Part::Hole(Hole::Value)] => self.pieces.push(Piece::SizedValue),
                None => self.pieces.push(Piece::Argument(parts)),
            }
        }
    }

    /// A line; a value stands in it by its length, and follows the line.
    fn memcached(&mut self, arguments: Vec<Vec<Part>>, _: &Sizes) -> Result<(), String> {
        let value = [Part::Hole(Hole::Value)];
        let values = arguments.iter().flatten().filter(|part| **part == value[0]).count();
        let alone = arguments.iter().filter(|parts| ***parts == value).count();
        if values > 1 || values != alone {
            return Err("a Memcached command has one {value} at most, which is a word of its own".to_owned());
        }
        for (place, parts) in arguments.into_iter().enumerate() {
            if place > 0 {
                self.text(b" ");
            }
            if parts == value {
                self.pieces.push(Piece::ValueLength);
            } else {
                self.parts(parts);
            }
        }
        self.text(b"\r\n");
        if values == 1 {
            self.pieces.push(Piece::ValueBlock);
        }
        Ok(())
    }
}

/// Cuts a word at its placeholders.
fn parts(word: &[u8], prefix: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut text = Vec::new();
    let mut rest = word;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'{' | b'}' if after.first() == Some(&byte) => {
                text.push(byte);
                rest = &after[1..];
            }
            b'{' => {
                let end = after.iter().position(|&byte| byte == b'}');
                let name = end.map(|end| String::from_utf8_lossy(&after[..end]).into_owned());
                let name = name.ok_or("a { has no }; a brace of its own is {{")?;
                rest = &after[name.len() + 1..];
                let hole = match name.as_str() {
                    "key" => {
                        text.extend_from_slice(prefix.as_bytes());
                        Hole::Key
                    }
                    "field" => {
                        text.extend_from_slice(b"field:");
                        Hole::Field
                    }
                    "member" => {
                        text.extend_from_slice(b"member:");
                        Hole::Field
                    }
                    "value" => Hole::Value,
                    "int" => Hole::Int,
                    "score" => Hole::Score,
                    _ => {
                        return Err(format!(
                            "{{{name}}} is no placeholder; there are {{key}}, {{value}}, {{field}}, {{member}}, \
                             {{int}} and {{score}}, and a brace of its own is {{{{"
                        ));
                    }
                };
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                parts.push(Part::Hole(hole));
            }
            _ => text.push(byte),
        }
    }
    if !text.is_empty() || parts.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}

fn fixed_length(part: &Part, sizes: &Sizes) -> Option<usize> {
    match part {
        Part::Text(text) => Some(text.len()),
        Part::Hole(Hole::Key | Hole::Field) => Some(DIGITS),
        Part::Hole(Hole::Score) => Some("0.".len() + 6),
        Part::Hole(Hole::Value) => sizes.fixed(),
        Part::Hole(Hole::Int) => None,
    }
}

fn fill(hole: Hole, draw: &mut Draw, out: &mut Vec<u8>) {
    match hole {
        Hole::Key => {
            let key = draw.keys.next(&mut draw.random);
            digits::<DIGITS>(key, out);
        }
        Hole::Field => {
            let field = draw.random.below(draw.fields);
            digits::<DIGITS>(field, out);
        }
        Hole::Value => {
            let size = draw.sizes.draw(&mut draw.random);
            let value = draw.value(size);
            out.extend_from_slice(&draw.filler[value]);
        }
        Hole::Int => {
            let int = draw.random.below(draw.key_count);
            number(int, out);
        }
        Hole::Score => {
            out.extend_from_slice(b"0.");
            let millionths = draw.random.below(1_000_000);
            digits::<6>(millionths, out);
        }
    }
}

/// `$n` and a line end.
fn length(length: usize, out: &mut Vec<u8>) {
    out.push(b'$');
    number(length as u64, out);
    out.extend_from_slice(b"\r\n");
}

fn digits<const N: usize>(mut number: u64, out: &mut Vec<u8>) {
    let mut text = [b'0'; N];
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&text);
}

fn number(mut number: u64, out: &mut Vec<u8>) {
    let mut text = [0; 20];
    let mut start = text.len();
    loop {
        start -= 1;
        text[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&text[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn write(command: &str, data: &Data, protocol: Protocol, times: usize) -> String {
        let template = Template::new(command, data, protocol).expect("a command");
        let mut draw = Draw::new(data, 0, 1);
        let mut out = Vec::new();
        (0..times).for_each(|_| template.write(&mut draw, &mut out));
        String::from_utf8(out).expect("text")
    }

    fn sequential() -> Data {
        Data { distribution: Distribution::Sequential, keys: 2, ..Data::default() }
    }

    #[test]
    fn requests_are_arrays_of_bulk_strings() {
        let get = |key: u8| format!("*2\r\n$3\r\nGET\r\n$16\r\nkey:00000000000{key}\r\n");
        assert_eq!(write("GET {key}", &sequential(), Protocol::Resp2, 3), get(0) + &get(1) + &get(0));
        assert_eq!(write("PING", &Data::default(), Protocol::Resp3, 2), "*1\r\n$4\r\nPING\r\n".repeat(2));
        assert_eq!(write("ECHO ''", &Data::default(), Protocol::Resp2, 1), "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n");
        let one = Data { keys: 1, prefix: "k".to_owned(), fields: 1, ..Data::default() };
        let request = write("X a{{b}}{key}:{field} {int} {member}", &one, Protocol::Resp2, 1);
        let expected = "*4\r\n$1\r\nX\r\n$36\r\na{b}k000000000000:field:000000000000\r\n$1\r\n0\r\n\
                        $19\r\nmember:000000000000\r\n";
        assert_eq!(request, expected);
    }

    #[test]
    fn memcached_commands_are_lines_with_a_block() {
        let data = Data { sizes: Sizes::Fixed(3), ..sequential() };
        let set = write("set {key} 0 60 {value}", &data, Protocol::Memcached, 1);
        let (line, block) = set.split_once("\r\n").expect("a line");
        assert_eq!((line, block.len()), ("set key:000000000000 0 60 3", 5));
        let meta = write("ms {key} {value} T60", &data, Protocol::Memcached, 1);
        assert!(meta.starts_with("ms key:000000000000 3 T60\r\n"), "{meta}");
        assert_eq!(write("mg {key} v", &data, Protocol::Memcached, 1), "mg key:000000000000 v\r\n");
        for command in ["set {key} x{value}", "x {value} {value}"] {
            assert!(Template::new(command, &data, Protocol::Memcached).is_err(), "{command}");
        }
    }

    #[test]
    fn what_is_no_command_is_refused() {
        for command in ["", "  ", "GET 'a", "GET {nothing}", "GET {key"] {
            assert!(Template::new(command, &Data::default(), Protocol::Resp2).is_err(), "{command}");
        }
    }

    proptest! {
        /// The server's own parser agrees with the template, whatever the sizes.
        #[test]
        fn every_request_parses_as_the_words_of_its_command(
            words in proptest::collection::vec("([a-z:]{0,9}|\\{key\\}|\\{value\\}|\\{int\\}|\\{score\\}|\\{field\\}){1,3}", 1..6),
            sizes in prop_oneof![
                (0usize..300).prop_map(Sizes::Fixed),
                (0usize..9).prop_map(|low| Sizes::Uniform(low, low + 40)),
                Just(Sizes::Weighted(vec![(1, 2), (200, 1)])),
            ],
            seed: u64,
        ) {
            let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            let data = Data { sizes, ..Data::default() };
            let template = Template::new(&quoted.join(" "), &data, Protocol::Resp2).expect("a command");
            let mut draw = Draw::new(&data, 0, seed);
            let mut out = Vec::new();
            for _ in 0..5 {
                out.clear();
                template.write(&mut draw, &mut out);
                let mut decoder = resp::Decoder::new();
                decoder.feed(&out);
                let frame = decoder.next_frame().expect("well formed").expect("complete");
                let resp::Frame::Array(arguments) = frame else { panic!("{frame:?}") };
                prop_assert_eq!(arguments.len(), words.len());
                prop_assert!(decoder.rest().is_empty());
            }
        }
    }
}
