//! Lua's patterns.
//!
//! The matcher keeps the ways that it has not tried yet on a stack of its own, so it can stop after any step and go on
//! later: a pattern that takes exponentially long takes it in slices. The stack has at most one entry for each item of
//! the pattern.

/// The most captures of a pattern.
const MOST_CAPTURES: usize = 32;
const ESCAPE: u8 = b'%';
/// Bytes that mean something in patterns.
const SPECIAL: &[u8] = b"^$*+?.([%-";

/// How long a capture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Open,
    Position,
    Length(usize),
}

/// What was not tried yet, and what to undo on the way back to it.
#[derive(Clone, Copy, Debug)]
enum Choice {
    /// Give back one repetition, down to `least`.
    Fewer {
        least: usize,
        at: usize,
        next: usize,
    },
    /// Take one more repetition of the item.
    More {
        at: usize,
        item: usize,
        end: usize,
    },
    /// Leave the item out.
    Skip {
        at: usize,
        next: usize,
    },
    UndoOpen,
    UndoClose(usize),
}

/// How a slice of matching ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A match up to here.
    Match(usize),
    Fail,
    /// The budget is used up.
    Exhausted,
}

/// A match in progress.
#[derive(Debug, Default)]
pub(crate) struct Matcher {
    captures: Vec<(usize, Extent)>,
    choices: Vec<Choice>,
    s: usize,
    p: usize,
}

type Result<T> = std::result::Result<T, &'static str>;

/// The part of a pattern that counts: it is a C string.
pub(crate) fn effective(pattern: &[u8]) -> &[u8] {
    pattern.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Whether a pattern has no special bytes.
pub(crate) fn is_plain(pattern: &[u8]) -> bool {
    !effective(pattern).iter().any(|byte| SPECIAL.contains(byte))
}

fn in_class(byte: u8, class: u8) -> bool {
    let is = match class.to_ascii_lowercase() {
        b'a' => byte.is_ascii_alphabetic(),
        b'c' => byte.is_ascii_control(),
        b'd' => byte.is_ascii_digit(),
        b'l' => byte.is_ascii_lowercase(),
        b'p' => byte.is_ascii_punctuation(),
        b's' => number::c::is_space(byte),
        b'u' => byte.is_ascii_uppercase(),
        b'w' => byte.is_ascii_alphanumeric(),
        b'x' => byte.is_ascii_hexdigit(),
        b'z' => byte == 0,
        _ => return class == byte,
    };
    is != class.is_ascii_uppercase()
}

/// Whether a byte is in the set that stands from `[` to `]`.
fn in_set(pattern: &[u8], mut p: usize, end: usize, byte: u8) -> bool {
    let mut wanted = true;
    if pattern[p + 1] == b'^' {
        wanted = false;
        p += 1;
    }
    p += 1;
    while p < end {
        if pattern[p] == ESCAPE {
            p += 1;
            if in_class(byte, pattern[p]) {
                return wanted;
            }
        } else if pattern[p + 1] == b'-' && p + 2 < end {
            p += 2;
            if pattern[p - 2] <= byte && byte <= pattern[p] {
                return wanted;
            }
        } else if pattern[p] == byte {
            return wanted;
        }
        p += 1;
    }
    !wanted
}

/// Where the item that begins here ends.
fn item_end(pattern: &[u8], mut p: usize) -> Result<usize> {
    let first = pattern[p];
    p += 1;
    match first {
        ESCAPE => {
            if p >= pattern.len() {
                return Err("malformed pattern (ends with '%')");
            }
            Ok(p + 1)
        }
        b'[' => {
            if pattern.get(p) == Some(&b'^') {
                p += 1;
            }
            loop {
                let Some(byte) = pattern.get(p) else { return Err("malformed pattern (missing ']')") };
                p += 1;
                if *byte == ESCAPE && p < pattern.len() {
                    p += 1;
                }
                if pattern.get(p) == Some(&b']') {
                    return Ok(p + 1);
                }
            }
        }
        _ => Ok(p),
    }
}

fn is_single(pattern: &[u8], p: usize, end: usize, byte: u8) -> bool {
    match pattern[p] {
        b'.' => true,
        ESCAPE => in_class(byte, pattern[p + 1]),
        b'[' => in_set(pattern, p, end - 1, byte),
        literal => literal == byte,
    }
}

impl Matcher {
    /// Begins a match at a place of the text.
    pub(crate) fn begin(&mut self, s: usize, p: usize) {
        self.captures.clear();
        self.choices.clear();
        (self.s, self.p) = (s, p);
    }

    /// The captures of the match.
    pub(crate) fn captures(&self) -> &[(usize, Extent)] {
        &self.captures
    }

    /// Goes back to what was not tried yet. False if nothing is left.
    fn retreat(&mut self, text: &[u8], pattern: &[u8]) -> bool {
        while let Some(choice) = self.choices.pop() {
            match choice {
                Choice::UndoOpen => {
                    self.captures.pop();
                }
                Choice::UndoClose(at) => self.captures[at].1 = Extent::Open,
                Choice::Skip { at, next } => {
                    (self.s, self.p) = (at, next);
                    return true;
                }
                Choice::Fewer { least, at, next } => {
                    if at > least {
                        self.choices.push(Choice::Fewer { least, at: at - 1, next });
                        (self.s, self.p) = (at - 1, next);
                        return true;
                    }
                }
                Choice::More { at, item, end } => {
                    if at < text.len() && is_single(pattern, item, end, text[at]) {
                        self.choices.push(Choice::More { at: at + 1, item, end });
                        (self.s, self.p) = (at + 1, end + 1);
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Goes on until the match is decided or the budget is used up.
    pub(crate) fn run(&mut self, text: &[u8], pattern: &[u8], budget: &mut i64) -> Result<Verdict> {
        loop {
            *budget -= 1;
            if *budget < 0 {
                return Ok(Verdict::Exhausted);
            }
            let goes_on = match pattern.get(self.p) {
                None => return Ok(Verdict::Match(self.s)),
                Some(b'(') => {
                    self.open(pattern)?;
                    true
                }
                Some(b')') => {
                    self.close()?;
                    true
                }
                Some(b'$') if self.p + 1 == pattern.len() => {
                    if self.s == text.len() {
                        return Ok(Verdict::Match(self.s));
                    }
                    false
                }
                Some(&ESCAPE) => match pattern.get(self.p + 1) {
                    Some(b'b') => self.balanced(text, pattern, budget)?,
                    Some(b'f') => self.frontier(text, pattern)?,
                    Some(digit @ b'0'..=b'9') => self.same_again(text, *digit)?,
                    _ => self.item(text, pattern, budget)?,
                },
                Some(_) => self.item(text, pattern, budget)?,
            };
            if !goes_on && !self.retreat(text, pattern) {
                return Ok(Verdict::Fail);
            }
        }
    }

    fn open(&mut self, pattern: &[u8]) -> Result<()> {
        if self.captures.len() >= MOST_CAPTURES {
            return Err("too many captures");
        }
        let is_position = pattern.get(self.p + 1) == Some(&b')');
        let extent = if is_position { Extent::Position } else { Extent::Open };
        self.captures.push((self.s, extent));
        self.choices.push(Choice::UndoOpen);
        self.p += if is_position { 2 } else { 1 };
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let found = self.captures.iter().rposition(|(_, extent)| *extent == Extent::Open);
        let at = found.ok_or("invalid pattern capture")?;
        self.captures[at].1 = Extent::Length(self.s - self.captures[at].0);
        self.choices.push(Choice::UndoClose(at));
        self.p += 1;
        Ok(())
    }

    /// `%bxy`
    fn balanced(&mut self, text: &[u8], pattern: &[u8], budget: &mut i64) -> Result<bool> {
        let (Some(begin), Some(end)) = (pattern.get(self.p + 2), pattern.get(self.p + 3)) else {
            return Err("unbalanced pattern");
        };
        if text.get(self.s) != Some(begin) {
            return Ok(false);
        }
        let mut depth = 1;
        for (at, byte) in text[self.s + 1..].iter().enumerate() {
            if byte == end {
                depth -= 1;
                if depth == 0 {
                    *budget -= at as i64 / 8;
                    self.s += at + 2;
                    self.p += 4;
                    return Ok(true);
                }
            } else if byte == begin {
                depth += 1;
            }
        }
        *budget -= (text.len() - self.s) as i64 / 8;
        Ok(false)
    }

    /// `%f[set]`
    fn frontier(&mut self, text: &[u8], pattern: &[u8]) -> Result<bool> {
        let p = self.p + 2;
        if pattern.get(p) != Some(&b'[') {
            return Err("missing '[' after '%f' in pattern");
        }
        let end = item_end(pattern, p)?;
        let before = if self.s == 0 { 0 } else { text[self.s - 1] };
        let here = text.get(self.s).copied().unwrap_or(0);
        if in_set(pattern, p, end - 1, before) || !in_set(pattern, p, end - 1, here) {
            return Ok(false);
        }
        self.p = end;
        Ok(true)
    }

    /// `%1` to `%9`
    fn same_again(&mut self, text: &[u8], digit: u8) -> Result<bool> {
        let number = usize::from(digit).wrapping_sub(usize::from(b'1'));
        let (start, length) = match self.captures.get(number) {
            Some((start, Extent::Length(length))) => (*start, *length),
            // A position has no text; C compares with a length that nothing has.
            Some((_, Extent::Position)) => return Ok(false),
            _ => return Err("invalid capture index"),
        };
        let rest = &text[self.s..];
        if rest.len() < length || rest[..length] != text[start..start + length] {
            return Ok(false);
        }
        self.s += length;
        self.p += 2;
        Ok(true)
    }

    /// An item with what repeats it.
    fn item(&mut self, text: &[u8], pattern: &[u8], budget: &mut i64) -> Result<bool> {
        let (item, end) = (self.p, item_end(pattern, self.p)?);
        let matches = |at: usize| at < text.len() && is_single(pattern, item, end, text[at]);
        match pattern.get(end) {
            Some(b'?') => {
                if matches(self.s) {
                    self.choices.push(Choice::Skip { at: self.s, next: end + 1 });
                    self.s += 1;
                }
                self.p = end + 1;
            }
            Some(repeat @ (b'*' | b'+')) => {
                let least = self.s + usize::from(*repeat == b'+');
                let mut at = self.s;
                while matches(at) {
                    at += 1;
                }
                *budget -= (at - self.s) as i64 / 8;
                if at < least {
                    return Ok(false);
                }
                self.choices.push(Choice::Fewer { least, at, next: end + 1 });
                (self.s, self.p) = (at, end + 1);
            }
            Some(b'-') => {
                self.choices.push(Choice::More { at: self.s, item, end });
                self.p = end + 1;
            }
            _ => {
                if !matches(self.s) {
                    return Ok(false);
                }
                self.s += 1;
                self.p = end;
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str, pattern: &str) -> Option<usize> {
        let mut matcher = Matcher::default();
        matcher.begin(0, 0);
        match matcher.run(text.as_bytes(), pattern.as_bytes(), &mut 1_000_000) {
            Ok(Verdict::Match(end)) => Some(end),
            Ok(Verdict::Fail) => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn items_and_repetitions() {
        assert_eq!(find("aaab", "a*b"), Some(4));
        assert_eq!(find("aaab", "a-b"), Some(4));
        assert_eq!(find("aaab", "a+a"), Some(3));
        assert_eq!(find("ab", "a?b"), Some(2));
        assert_eq!(find("b", "a?b"), Some(1));
        assert_eq!(find("x(a(b)c)y", "x%b()"), Some(8));
        assert_eq!(find("abab", "(ab)%1"), Some(4));
        assert_eq!(find("[]]", "[]]"), None);
        assert_eq!(find("THE (quick)", "%u+ %("), Some(5));
    }

    #[test]
    fn a_match_can_be_put_aside() {
        let (text, pattern) = ("a".repeat(24), "a?".repeat(24) + &"a".repeat(24) + "b");
        let mut matcher = Matcher::default();
        matcher.begin(0, 0);
        let mut slices = 0;
        loop {
            match matcher.run(text.as_bytes(), pattern.as_bytes(), &mut 10_000) {
                Ok(Verdict::Exhausted) => slices += 1,
                Ok(Verdict::Fail) => break,
                other => panic!("{other:?}"),
            }
            if slices > 100 {
                // It would take until the end of the world; that it stops is enough.
                break;
            }
        }
        assert!(slices > 10);
    }
}
