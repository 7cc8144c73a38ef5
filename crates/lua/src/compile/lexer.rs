//! Tokens.

use super::code::chunk_id;
use number::c;

/// The deepest nesting of functions, blocks and expressions.
pub(crate) const LEVELS: u32 = 200;

/// What a token is. The value of names, strings and numbers stands in [`Token`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Byte(u8),
    And,
    Break,
    Do,
    Else,
    ElseIf,
    End,
    False,
    For,
    Function,
    If,
    In,
    Local,
    Nil,
    Not,
    Or,
    Repeat,
    Return,
    Then,
    True,
    Until,
    While,
    Concat,
    Dots,
    Eq,
    Ge,
    Le,
    Ne,
    Number,
    Name,
    Str,
    Eos,
}

const WORDS: [(&str, Kind); 21] = [
    ("and", Kind::And),
    ("break", Kind::Break),
    ("do", Kind::Do),
    ("else", Kind::Else),
    ("elseif", Kind::ElseIf),
    ("end", Kind::End),
    ("false", Kind::False),
    ("for", Kind::For),
    ("function", Kind::Function),
    ("if", Kind::If),
    ("in", Kind::In),
    ("local", Kind::Local),
    ("nil", Kind::Nil),
    ("not", Kind::Not),
    ("or", Kind::Or),
    ("repeat", Kind::Repeat),
    ("return", Kind::Return),
    ("then", Kind::Then),
    ("true", Kind::True),
    ("until", Kind::Until),
    ("while", Kind::While),
];

impl Kind {
    /// The token as messages name it.
    pub(crate) fn text(self) -> Vec<u8> {
        let text = match self {
            Kind::Byte(byte) if byte.is_ascii_control() => return format!("char({byte})").into_bytes(),
            Kind::Byte(byte) => return vec![byte],
            Kind::Concat => "..",
            Kind::Dots => "...",
            Kind::Eq => "==",
            Kind::Ge => ">=",
            Kind::Le => "<=",
            Kind::Ne => "~=",
            Kind::Number => "<number>",
            Kind::Name => "<name>",
            Kind::Str => "<string>",
            Kind::Eos => "<eof>",
            word => WORDS.iter().find(|(_, kind)| *kind == word).map_or("", |(text, _)| text),
        };
        text.as_bytes().to_vec()
    }
}

/// A token with its value.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) number: f64,
    pub(crate) text: Vec<u8>,
}

impl Token {
    fn plain(kind: Kind) -> Token {
        Token { kind, number: 0.0, text: Vec::new() }
    }
}

/// A message that ends the compilation.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What is wrong with the source.
    Syntax(Vec<u8>),
    /// What is wrong at the current token.
    Near(&'static str),
    /// What is wrong at the current line.
    Plain(String),
    /// The code would take too much memory.
    Memory,
}

/// Reads tokens, one ahead if asked.
pub(crate) struct Lexer<'s> {
    source: &'s [u8],
    at: usize,
    /// The line of the current byte.
    pub(crate) line: u32,
    /// The line of the last token that was consumed.
    pub(crate) last_line: u32,
    pub(crate) token: Token,
    ahead: Option<Token>,
    /// The bytes of the token that is being read, for messages.
    buffer: Vec<u8>,
    pub(crate) name: std::sync::Arc<[u8]>,
}

type Result<T> = std::result::Result<T, Failure>;

impl<'s> Lexer<'s> {
    pub(crate) fn new(source: &'s [u8], name: &[u8]) -> Lexer<'s> {
        // A first line with # is for shells, in files. luaL_loadbuffer does not skip it.
        Lexer {
            source,
            at: 0,
            line: 1,
            last_line: 1,
            token: Token::plain(Kind::Eos),
            ahead: None,
            buffer: Vec::new(),
            name: name.into(),
        }
    }

    /// Goes to the next token.
    pub(crate) fn advance(&mut self) -> Result<()> {
        self.last_line = self.line;
        self.token = match self.ahead.take() {
            Some(token) => token,
            None => self.lex()?,
        };
        Ok(())
    }

    /// The kind of the token after this one.
    pub(crate) fn peek(&mut self) -> Result<Kind> {
        let token = self.lex()?;
        let kind = token.kind;
        self.ahead = Some(token);
        Ok(kind)
    }

    /// A message about a line, with the text that it is near, if any.
    pub(crate) fn failure(&self, message: &str, near: Option<Vec<u8>>) -> Failure {
        let mut text = chunk_id(&self.name);
        text.extend_from_slice(format!(":{}: {message}", self.line).as_bytes());
        if let Some(near) = near {
            text.extend_from_slice(b" near '");
            text.extend_from_slice(&near);
            text.push(b'\'');
        }
        Failure::Syntax(text)
    }

    /// A message about the current token.
    pub(crate) fn syntax(&self, message: &str) -> Failure {
        let near = match self.token.kind {
            Kind::Name | Kind::Str | Kind::Number => cut_at_zero(&self.buffer),
            kind => kind.text(),
        };
        self.failure(message, Some(near))
    }

    /// A message about the bytes that were read so far.
    fn lexical(&self, message: &str) -> Failure {
        self.failure(message, Some(cut_at_zero(&self.buffer)))
    }

    fn byte(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    fn next_is(&mut self, byte: u8) -> bool {
        let is = self.byte() == Some(byte);
        self.at += usize::from(is);
        is
    }

    /// Moves the current byte into the buffer.
    fn save(&mut self) {
        if let Some(byte) = self.byte() {
            self.buffer.push(byte);
            self.at += 1;
        }
    }

    /// Skips an end of line: one byte, or two different ones.
    fn skip_line(&mut self) {
        let first = self.byte();
        self.at += 1;
        if let Some(second @ (b'\n' | b'\r')) = self.byte()
            && first != Some(second)
        {
            self.at += 1;
        }
        self.line += 1;
    }

    fn lex(&mut self) -> Result<Token> {
        self.buffer.clear();
        loop {
            let Some(byte) = self.byte() else { return Ok(Token::plain(Kind::Eos)) };
            match byte {
                b'\n' | b'\r' => self.skip_line(),
                b'-' => {
                    self.at += 1;
                    if !self.next_is(b'-') {
                        return Ok(Token::plain(Kind::Byte(b'-')));
                    }
                    self.comment()?;
                }
                b'[' => {
                    return match self.long_open() {
                        Some(level) => self.long_string(Some(level)),
                        None if self.buffer.len() == 1 => Ok(Token::plain(Kind::Byte(b'['))),
                        None => Err(self.failure("invalid long string delimiter", Some(self.buffer.clone()))),
                    };
                }
                b'=' => return Ok(self.pair(b'=', Kind::Eq)),
                b'<' => return Ok(self.pair(b'=', Kind::Le)),
                b'>' => return Ok(self.pair(b'=', Kind::Ge)),
                b'~' => return Ok(self.pair(b'=', Kind::Ne)),
                b'"' | b'\'' => return self.string(byte),
                b'.' => {
                    self.save();
                    if self.next_is(b'.') {
                        return Ok(Token::plain(if self.next_is(b'.') { Kind::Dots } else { Kind::Concat }));
                    }
                    if !self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
                        return Ok(Token::plain(Kind::Byte(b'.')));
                    }
                    return self.number();
                }
                _ if c::is_space(byte) => self.at += 1,
                b'0'..=b'9' => return self.number(),
                _ if byte.is_ascii_alphabetic() || byte == b'_' => return Ok(self.word()),
                _ => {
                    self.at += 1;
                    return Ok(Token::plain(Kind::Byte(byte)));
                }
            }
        }
    }

    fn pair(&mut self, second: u8, kind: Kind) -> Token {
        let first = self.source[self.at];
        self.at += 1;
        Token::plain(if self.next_is(second) { kind } else { Kind::Byte(first) })
    }

    fn word(&mut self) -> Token {
        while self.byte().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            self.save();
        }
        match WORDS.iter().find(|(word, _)| word.as_bytes() == self.buffer) {
            Some((_, kind)) => Token::plain(*kind),
            None => Token { kind: Kind::Name, number: 0.0, text: self.buffer.clone() },
        }
    }

    fn number(&mut self) -> Result<Token> {
        while self.byte().is_some_and(|byte| byte.is_ascii_digit() || byte == b'.') {
            self.save();
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.save();
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.save();
            }
        }
        while self.byte().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            self.save();
        }
        match c::parse(&self.buffer) {
            Some(number) => Ok(Token { kind: Kind::Number, number, text: Vec::new() }),
            None => Err(self.lexical("malformed number")),
        }
    }

    fn comment(&mut self) -> Result<()> {
        if self.byte() == Some(b'[') {
            let level = self.long_open();
            self.buffer.clear();
            if let Some(level) = level {
                self.long_bytes(level, false)?;
                self.buffer.clear();
                return Ok(());
            }
        }
        while self.byte().is_some_and(|byte| byte != b'\n' && byte != b'\r') {
            self.at += 1;
        }
        self.buffer.clear();
        Ok(())
    }

    /// Reads `[`, any number of `=`, and a second `[` if there is one: its level.
    fn long_open(&mut self) -> Option<usize> {
        let bracket = self.byte();
        self.save();
        let mut level = 0;
        while self.byte() == Some(b'=') {
            self.save();
            level += 1;
        }
        (self.byte() == bracket).then_some(level)
    }

    fn long_string(&mut self, level: Option<usize>) -> Result<Token> {
        let level = level.unwrap_or(0);
        self.long_bytes(level, true)?;
        let edge = level + 2;
        let text = self.buffer[edge..self.buffer.len() - edge].to_vec();
        Ok(Token { kind: Kind::Str, number: 0.0, text })
    }

    fn long_bytes(&mut self, level: usize, is_string: bool) -> Result<()> {
        self.save();
        if matches!(self.byte(), Some(b'\n' | b'\r')) {
            self.skip_line();
        }
        loop {
            let Some(byte) = self.byte() else {
                let what = if is_string { "unfinished long string" } else { "unfinished long comment" };
                return Err(self.failure(what, Some(Kind::Eos.text())));
            };
            match byte {
                b']' => {
                    if self.long_open() == Some(level) {
                        self.save();
                        return Ok(());
                    }
                }
                b'\n' | b'\r' => {
                    self.buffer.push(b'\n');
                    self.skip_line();
                    if !is_string {
                        self.buffer.clear();
                    }
                }
                _ if is_string => self.save(),
                _ => self.at += 1,
            }
        }
    }

    fn string(&mut self, quote: u8) -> Result<Token> {
        self.save();
        loop {
            match self.byte() {
                None => return Err(self.failure("unfinished string", Some(Kind::Eos.text()))),
                Some(b'\n' | b'\r') => return Err(self.lexical("unfinished string")),
                Some(b'\\') => {
                    self.at += 1;
                    self.escape()?;
                }
                Some(byte) => {
                    self.save();
                    if byte == quote {
                        break;
                    }
                }
            }
        }
        let text = self.buffer[1..self.buffer.len() - 1].to_vec();
        Ok(Token { kind: Kind::Str, number: 0.0, text })
    }

    fn escape(&mut self) -> Result<()> {
        // The end of the source is found by the caller.
        let Some(byte) = self.byte() else { return Ok(()) };
        let meant = match byte {
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'\n' | b'\r' => {
                self.buffer.push(b'\n');
                self.skip_line();
                return Ok(());
            }
            b'0'..=b'9' => {
                let digits = self.source[self.at..].iter().take(3).take_while(|b| b.is_ascii_digit()).count();
                let number = self.source[self.at..self.at + digits]
                    .iter()
                    .fold(0_u32, |sum, digit| sum * 10 + u32::from(digit - b'0'));
                self.at += digits;
                let Ok(byte) = u8::try_from(number) else {
                    return Err(self.lexical("escape sequence too large"));
                };
                self.buffer.push(byte);
                return Ok(());
            }
            other => other,
        };
        self.buffer.push(meant);
        self.at += 1;
        Ok(())
    }
}

/// Messages are C strings: they end at the first zero byte.
fn cut_at_zero(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().take_while(|byte| *byte != 0).collect()
}
