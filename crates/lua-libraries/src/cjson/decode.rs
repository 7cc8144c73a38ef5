//! `cjson.decode`. The tables that are open stand on a stack of its own, so no nesting is too deep for it.

use super::{DECODE_INVALID_NUMBERS, DECODE_MAX_DEPTH, setting};
use lua::{Call, Outcome, Result, TableId, Thrown, Value};
use number::c;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    Str(Vec<u8>),
    Number(f64),
    Bool(bool),
    Null,
    Colon,
    Comma,
    End,
    Wrong(&'static str),
}

impl Token {
    /// What messages call it.
    fn name(&self) -> &'static str {
        match self {
            Token::ObjectBegin => "T_OBJ_BEGIN",
            Token::ObjectEnd => "T_OBJ_END",
            Token::ArrayBegin => "T_ARR_BEGIN",
            Token::ArrayEnd => "T_ARR_END",
            Token::Str(_) => "T_STRING",
            Token::Number(_) => "T_NUMBER",
            Token::Bool(_) => "T_BOOLEAN",
            Token::Null => "T_NULL",
            Token::Colon => "T_COLON",
            Token::Comma => "T_COMMA",
            Token::End => "T_END",
            Token::Wrong(what) => what,
        }
    }
}

/// Reads tokens. The text ends at a zero byte, as for C.
struct Reader {
    text: Vec<u8>,
    at: usize,
    /// Where the last token, or what is wrong with it, began.
    start: usize,
    allows_invalid_numbers: bool,
}

impl Reader {
    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    fn wrong(&mut self, what: &'static str) -> Token {
        self.start = self.at;
        Token::Wrong(what)
    }

    fn token(&mut self) -> Token {
        while matches!(self.byte(self.at), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        self.start = self.at;
        let single = match self.byte(self.at) {
            0 => return Token::End,
            b'{' => Token::ObjectBegin,
            b'}' => Token::ObjectEnd,
            b'[' => Token::ArrayBegin,
            b']' => Token::ArrayEnd,
            b',' => Token::Comma,
            b':' => Token::Colon,
            b'"' => return self.string(),
            b'-' | b'0'..=b'9' => {
                if !self.allows_invalid_numbers && self.is_invalid_number() {
                    return self.wrong("invalid number");
                }
                return self.number();
            }
            b'f' | b'i' | b'I' | b'n' | b'N' | b't' | b'+' => return self.word(),
            _ => return self.wrong("invalid token"),
        };
        self.at += 1;
        single
    }

    fn word(&mut self) -> Token {
        for (word, token) in
            [("true", Token::Bool(true)), ("false", Token::Bool(false)), ("null", Token::Null)]
        {
            if self.text[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return token;
            }
        }
        if self.allows_invalid_numbers && self.is_invalid_number() {
            return self.number();
        }
        self.wrong("invalid token")
    }

    /// Whether a number is one for C and not for JSON.
    fn is_invalid_number(&self) -> bool {
        let mut at = self.at;
        if self.byte(at) == b'+' {
            return true;
        }
        at += usize::from(self.byte(at) == b'-');
        let begins = |word: &[u8]| {
            self.text.get(at..at + word.len()).is_some_and(|text| text.eq_ignore_ascii_case(word))
        };
        match self.byte(at) {
            b'0' => matches!(self.byte(at + 1), b'x' | b'X' | b'0'..=b'9'),
            first if first <= b'9' => false,
            _ => begins(b"inf") || begins(b"nan"),
        }
    }

    fn number(&mut self) -> Token {
        match c::scan(&self.text[self.at..]) {
            Some((number, length)) => {
                self.at += length;
                Token::Number(number)
            }
            None => self.wrong("invalid number"),
        }
    }

    fn string(&mut self) -> Token {
        let mut out = Vec::new();
        self.at += 1;
        loop {
            // Most bytes stand for themselves.
            let rest = self.text.get(self.at..).unwrap_or_default();
            let plain = rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0)).count();
            out.extend_from_slice(&rest[..plain]);
            self.at += plain;
            match self.byte(self.at) {
                b'"' => {
                    self.at += 1;
                    return Token::Str(out);
                }
                b'\\' => {
                    let meant = match self.byte(self.at + 1) {
                        byte @ (b'"' | b'\\' | b'/') => byte,
                        b'b' => 8,
                        b't' => b'\t',
                        b'n' => b'\n',
                        b'f' => 12,
                        b'r' => b'\r',
                        b'u' => {
                            if !self.unicode(&mut out) {
                                return self.wrong("invalid unicode escape code");
                            }
                            continue;
                        }
                        _ => return self.wrong("invalid escape code"),
                    };
                    out.push(meant);
                    self.at += 2;
                }
                _ => return self.wrong("unexpected end of string"),
            }
        }
    }

    fn hex4(&self, at: usize) -> Option<u32> {
        (at..at + 4).try_fold(0, |sum, at| Some(sum << 4 | char::from(self.byte(at)).to_digit(16)?))
    }

    /// Reads `\uXXXX`, or two of them that are one character.
    fn unicode(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(first) = self.hex4(self.at + 2) else { return false };
        let (code, length) = if first & 0xF800 == 0xD800 {
            if first & 0x400 != 0 || self.byte(self.at + 6) != b'\\' || self.byte(self.at + 7) != b'u' {
                return false;
            }
            let Some(second) = self.hex4(self.at + 8).filter(|low| low & 0xFC00 == 0xDC00) else {
                return false;
            };
            (((first & 0x3FF) << 10 | (second & 0x3FF)) + 0x1_0000, 12)
        } else {
            (first, 6)
        };
        let Some(character) = char::from_u32(code) else { return false };
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        self.at += length;
        true
    }

    fn failure(&self, call: &mut Call<'_>, expected: &str, token: &Token) -> Thrown {
        let (found, at) = (token.name(), self.start + 1);
        call.error(&format!("Expected {expected} but found {found} at character {at}"))
    }
}

/// A table that is being filled.
enum Level {
    Array(TableId, f64),
    Object(TableId, Value),
}

pub(super) fn decode(call: &mut Call<'_>) -> Result<Outcome> {
    if call.count() != 1 {
        return Err(call.bad_argument(0, "expected 1 argument"));
    }
    let id = call.text(0)?;
    let text = call.bytes(id);
    if text.len() >= 2 && (text[0] == 0 || text[1] == 0) {
        return Err(call.error("JSON parser does not support UTF-16 or UTF-32"));
    }
    let text = text.to_vec();
    call.check_memory(text.len())?;
    call.charge(text.len() / 4);
    let allows_invalid_numbers = setting(call, DECODE_INVALID_NUMBERS) != 0;
    let max_depth = setting(call, DECODE_MAX_DEPTH);
    let mut reader = Reader { text, at: 0, start: 0, allows_invalid_numbers };
    let mut levels: Vec<Level> = Vec::new();
    let mut token = reader.token();
    loop {
        // A value stands here.
        let mut value = match token {
            Token::Str(text) => call.string_of(text)?,
            Token::Number(number) => Value::Number(number),
            Token::Bool(value) => Value::Bool(value),
            Token::Null => Value::Pointer(0),
            Token::ObjectBegin | Token::ArrayBegin => {
                let depth = levels.len() as i32 + 1;
                if depth > max_depth {
                    let at = reader.at;
                    let text = format!("Found too many nested data structures ({depth}) at character {at}");
                    return Err(call.error(&text));
                }
                let table = call.machine().table(0, 0)?;
                let is_object = token == Token::ObjectBegin;
                token = reader.token();
                if is_object && token != Token::ObjectEnd {
                    let key = object_key(call, &mut reader, token)?;
                    levels.push(Level::Object(table, key));
                    token = reader.token();
                    continue;
                }
                if !is_object && token != Token::ArrayEnd {
                    levels.push(Level::Array(table, 1.0));
                    continue;
                }
                Value::Table(table)
            }
            token => return Err(reader.failure(call, "value", &token)),
        };
        // It goes where it belongs, and may be the last of its table.
        loop {
            match levels.pop() {
                None => {
                    let token = reader.token();
                    if token != Token::End {
                        return Err(reader.failure(call, "the end", &token));
                    }
                    return call.give(value);
                }
                Some(Level::Array(table, at)) => {
                    call.raw_set(table, Value::Number(at), value)?;
                    match reader.token() {
                        Token::ArrayEnd => value = Value::Table(table),
                        Token::Comma => {
                            levels.push(Level::Array(table, at + 1.0));
                            token = reader.token();
                            break;
                        }
                        token => return Err(reader.failure(call, "comma or array end", &token)),
                    }
                }
                Some(Level::Object(table, key)) => {
                    call.raw_set(table, key, value)?;
                    match reader.token() {
                        Token::ObjectEnd => value = Value::Table(table),
                        Token::Comma => {
                            let next = reader.token();
                            let key = object_key(call, &mut reader, next)?;
                            levels.push(Level::Object(table, key));
                            token = reader.token();
                            break;
                        }
                        token => return Err(reader.failure(call, "comma or object end", &token)),
                    }
                }
            }
        }
    }
}

/// A key and its colon.
fn object_key(call: &mut Call<'_>, reader: &mut Reader, token: Token) -> Result<Value> {
    let Token::Str(text) = token else { return Err(reader.failure(call, "object key string", &token)) };
    let key = call.string_of(text)?;
    match reader.token() {
        Token::Colon => Ok(key),
        token => Err(reader.failure(call, "colon", &token)),
    }
}
