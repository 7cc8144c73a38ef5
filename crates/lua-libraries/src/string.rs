//! The library `string`.

use crate::format::format;
use crate::pattern::{Extent, Matcher, Verdict, effective, is_plain};
use lua::{Call, Continuation, Machine, Outcome, Result, Value};

pub(crate) fn open(machine: &mut Machine) -> Result<()> {
    let library = machine.library(
        "string",
        &[
            ("byte", byte),
            ("char", char),
            ("dump", dump),
            ("find", find),
            ("format", format),
            ("gfind", gmatch),
            ("gmatch", gmatch),
            ("gsub", gsub),
            ("len", len),
            ("lower", lower),
            ("match", match_pattern),
            ("rep", rep),
            ("reverse", reverse),
            ("sub", sub),
            ("upper", upper),
        ],
    )?;
    let meta = machine.table(0, 1)?;
    machine.set_field(meta, "__index", Value::Table(library))?;
    machine.set_string_metatable(meta);
    Ok(())
}

/// A position that may count from the end, as one that counts from 1; 0 at least.
fn position(position: i64, length: usize) -> i64 {
    let position = if position < 0 { position.saturating_add(length as i64 + 1) } else { position };
    position.max(0)
}

fn len(call: &mut Call<'_>) -> Result<Outcome> {
    let id = call.text(0)?;
    let length = call.bytes(id).len();
    call.give_number(length as f64)
}

fn sub(call: &mut Call<'_>) -> Result<Outcome> {
    let id = call.text(0)?;
    let length = call.bytes(id).len();
    let from = call.integer(1)?;
    let to = call.optional_integer(2, -1)?;
    let from = position(from, length).max(1) as usize;
    let to = (position(to, length) as usize).min(length);
    if from > to {
        return call.give_bytes(b"");
    }
    if to - from + 1 == length {
        return call.give(Value::Str(id));
    }
    if to - from < lua::SHORT_STRING {
        // Interning looks before it copies.
        let mut short = [0; lua::SHORT_STRING];
        let length = to + 1 - from;
        short[..length].copy_from_slice(&call.bytes(id)[from - 1..to]);
        return call.give_bytes(&short[..length]);
    }
    let mut buffer = call.reserve(to - from + 1)?;
    buffer.extend_from_slice(&call.bytes(id)[from - 1..to]);
    call.give_buffer(buffer)
}

/// Returns a text of the same length, made by a function.
fn mapped(call: &mut Call<'_>, map: fn(&mut Vec<u8>)) -> Result<Outcome> {
    let id = call.text(0)?;
    let mut buffer = call.reserve(call.bytes(id).len())?;
    buffer.extend_from_slice(call.bytes(id));
    map(&mut buffer);
    call.give_buffer(buffer)
}

fn reverse(call: &mut Call<'_>) -> Result<Outcome> {
    mapped(call, |text| text.reverse())
}

fn lower(call: &mut Call<'_>) -> Result<Outcome> {
    mapped(call, |text| text.make_ascii_lowercase())
}

fn upper(call: &mut Call<'_>) -> Result<Outcome> {
    mapped(call, |text| text.make_ascii_uppercase())
}

fn rep(call: &mut Call<'_>) -> Result<Outcome> {
    let id = call.text(0)?;
    let count = usize::try_from(call.int(1)?).unwrap_or(0);
    let Some(total) = call.bytes(id).len().checked_mul(count) else {
        return Err(lua::Thrown::Memory);
    };
    if total == 0 {
        return call.give_bytes(b"");
    }
    let mut buffer = call.reserve(total)?;
    let text = call.bytes(id);
    buffer.extend_from_slice(text);
    // Doubling copies long pieces, however short the text is.
    while buffer.len() < total {
        let more = buffer.len().min(total - buffer.len());
        buffer.extend_from_within(..more);
    }
    call.give_buffer(buffer)
}

fn byte(call: &mut Call<'_>) -> Result<Outcome> {
    let id = call.text(0)?;
    let length = call.bytes(id).len();
    let from = call.optional_integer(1, 1)?;
    let from = position(from, length);
    let to = call.optional_integer(2, from)?;
    let from = from.max(1) as usize;
    let to = (position(to, length) as usize).min(length);
    if from > to {
        return Ok(Outcome::Return(0));
    }
    let count = to - from + 1;
    if count >= lua::MOST_VALUES {
        return Err(call.error("string slice too long"));
    }
    call.room(count)?;
    for at in from - 1..to {
        let byte = call.bytes(id)[at];
        call.push(Value::Number(f64::from(byte)));
    }
    Ok(Outcome::Return(count))
}

fn char(call: &mut Call<'_>) -> Result<Outcome> {
    let mut buffer = call.reserve(call.count())?;
    for at in 0..call.count() {
        let code = call.int(at)?;
        match u8::try_from(code) {
            Ok(byte) => buffer.push(byte),
            Err(_) => return Err(call.bad_argument(at, "invalid value")),
        }
    }
    call.give_buffer(buffer)
}

fn dump(call: &mut Call<'_>) -> Result<Outcome> {
    call.callable(0)?;
    Err(call.error("unable to dump given function"))
}

/// Puts a capture on the stack; 0 of a pattern without captures is the whole match.
fn push_capture(call: &mut Call<'_>, matcher: &Matcher, at: usize, start: usize, end: usize) -> Result<()> {
    let Value::Str(id) = call.arg_or_upvalue() else { unreachable!("the text was checked") };
    let (from, to) = match matcher.captures().get(at) {
        None if at == 0 => (start, end),
        None => return Err(call.error("invalid capture index")),
        Some((from, Extent::Length(length))) => (*from, from + length),
        Some((from, Extent::Position)) => {
            call.push(Value::Number((from + 1) as f64));
            return Ok(());
        }
        Some((_, Extent::Open)) => return Err(call.error("unfinished capture")),
    };
    let text = call.bytes(id)[from..to].to_vec();
    let value = call.string_of(text)?;
    call.push(value);
    Ok(())
}

/// Puts all captures on the stack; of a pattern without captures the whole match, if asked for.
fn push_captures(
    call: &mut Call<'_>,
    matcher: &Matcher,
    start: usize,
    end: usize,
    whole: bool,
) -> Result<usize> {
    let count = matcher.captures().len();
    let count = if count == 0 && whole { 1 } else { count };
    call.room(count)?;
    for at in 0..count {
        push_capture(call, matcher, at, start, end)?;
    }
    Ok(count)
}

/// A search for a pattern, which may be put aside.
struct Search {
    /// Whether the places come too, as for `find`.
    gives_places: bool,
    /// The place that is tried.
    at: usize,
    is_anchored: bool,
    has_begun: bool,
    matcher: Matcher,
}

impl Search {
    /// Goes on: a match with its start, nothing, or not yet.
    fn advance(&mut self, call: &mut Call<'_>) -> Result<Option<Option<(usize, usize)>>> {
        let (Value::Str(text), Value::Str(pattern)) = (call.arg_or_upvalue(), call.pattern()) else {
            unreachable!("both were checked")
        };
        let mut budget = call.budget();
        let result = {
            let text = call.bytes(text);
            let pattern = effective(call.bytes(pattern));
            let begin = usize::from(self.is_anchored);
            loop {
                if !self.has_begun {
                    self.matcher.begin(self.at, begin);
                    self.has_begun = true;
                }
                match self.matcher.run(text, pattern, &mut budget) {
                    Ok(Verdict::Match(end)) => break Ok(Some(Some((self.at, end)))),
                    Ok(Verdict::Exhausted) => break Ok(None),
                    Ok(Verdict::Fail) => {
                        self.has_begun = false;
                        self.at += 1;
                        if self.is_anchored || self.at > text.len() {
                            break Ok(Some(None));
                        }
                    }
                    Err(message) => break Err(message),
                }
            }
        };
        call.set_budget(budget);
        result.map_err(|message| call.error(message))
    }

    fn go_on(mut self: Box<Self>, call: &mut Call<'_>) -> Result<Outcome> {
        match self.advance(call)? {
            None => Ok(Outcome::Pause(self)),
            Some(None) => call.give(Value::Nil),
            Some(Some((start, end))) if self.gives_places => {
                call.push(Value::Number((start + 1) as f64));
                call.push(Value::Number(end as f64));
                Ok(Outcome::Return(push_captures(call, &self.matcher, start, end, false)? + 2))
            }
            Some(Some((start, end))) => {
                Ok(Outcome::Return(push_captures(call, &self.matcher, start, end, true)?))
            }
        }
    }
}

impl Continuation for Search {
    fn resume(self: Box<Self>, call: &mut Call<'_>) -> Result<Outcome> {
        self.go_on(call)
    }
}

fn search(call: &mut Call<'_>, gives_places: bool) -> Result<Outcome> {
    let text = call.text(0)?;
    let pattern = call.text(1)?;
    let length = call.bytes(text).len();
    let init = call.optional_integer(2, 1)?;
    let init = (position(init, length) - 1).clamp(0, length as i64) as usize;
    if gives_places && (call.arg(3).is_true() || is_plain(call.bytes(pattern))) {
        let found = find_bytes(&call.bytes(text)[init..], call.bytes(pattern));
        call.charge((length - init) / 32);
        let Some(found) = found else { return call.give(Value::Nil) };
        let start = init + found;
        let end = start + call.bytes(pattern).len();
        call.push(Value::Number((start + 1) as f64));
        call.push(Value::Number(end as f64));
        return Ok(Outcome::Return(2));
    }
    let is_anchored = call.bytes(pattern).first() == Some(&b'^');
    let search =
        Search { gives_places, at: init, is_anchored, has_begun: false, matcher: Matcher::default() };
    Box::new(search).go_on(call)
}

/// Where a text first contains another, in linear time.
fn find_bytes(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let Some(first) = wanted.first() else { return Some(0) };
    if wanted.len() > text.len() {
        return None;
    }
    // Knuth, Morris and Pratt, started at each first byte.
    let mut links = vec![0_usize; wanted.len()];
    let mut matched = 0;
    for at in 1..wanted.len() {
        while matched > 0 && wanted[at] != wanted[matched] {
            matched = links[matched - 1];
        }
        matched += usize::from(wanted[at] == wanted[matched]);
        links[at] = matched;
    }
    matched = 0;
    let mut at = 0;
    while at < text.len() {
        if matched == 0 {
            at += text[at..].iter().position(|byte| byte == first)?;
        }
        while matched > 0 && text[at] != wanted[matched] {
            matched = links[matched - 1];
        }
        matched += usize::from(text[at] == wanted[matched]);
        at += 1;
        if matched == wanted.len() {
            return Some(at - matched);
        }
    }
    None
}

fn find(call: &mut Call<'_>) -> Result<Outcome> {
    search(call, true)
}

fn match_pattern(call: &mut Call<'_>) -> Result<Outcome> {
    search(call, false)
}

/// A step of `gmatch`: a search from where the last match ended.
struct Step {
    search: Search,
}

impl Continuation for Step {
    fn resume(mut self: Box<Self>, call: &mut Call<'_>) -> Result<Outcome> {
        match self.search.advance(call)? {
            None => Ok(Outcome::Pause(self)),
            Some(None) => Ok(Outcome::Return(0)),
            Some(Some((start, end))) => {
                let next = if end == start { end + 1 } else { end };
                call.set_upvalue(2, Value::Number(next as f64));
                Ok(Outcome::Return(push_captures(call, &self.search.matcher, start, end, true)?))
            }
        }
    }
}

fn gmatch_step(call: &mut Call<'_>) -> Result<Outcome> {
    let (Value::Str(text), Value::Number(at)) = (call.upvalue(0), call.upvalue(2)) else {
        unreachable!("gmatch made them")
    };
    let at = at as usize;
    if at > call.bytes(text).len() {
        return Ok(Outcome::Return(0));
    }
    call.set_count(0);
    let search =
        Search { gives_places: false, at, is_anchored: false, has_begun: false, matcher: Matcher::default() };
    Box::new(Step { search }).resume(call)
}

fn gmatch(call: &mut Call<'_>) -> Result<Outcome> {
    let text = call.text(0)?;
    let pattern = call.text(1)?;
    let step = call.closure(gmatch_step, &[Value::Str(text), Value::Str(pattern), Value::Number(0.0)])?;
    call.give(step)
}

/// `gsub` in progress.
struct Substitution {
    search: Search,
    out: Vec<u8>,
    count: u64,
    most: u64,
    /// The match whose replacement is asked for.
    asked: Option<(usize, usize)>,
}

impl Substitution {
    fn append(&mut self, call: &mut Call<'_>, bytes: &[u8]) -> Result<()> {
        if self.out.capacity() - self.out.len() < bytes.len() {
            let grown = (self.out.len() + bytes.len()) * 2;
            call.check_memory(grown)?;
        }
        call.charge(bytes.len() / 32);
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn append_text(&mut self, call: &mut Call<'_>, from: usize, to: usize) -> Result<()> {
        let Value::Str(id) = call.arg(0) else { unreachable!("the text was checked") };
        if to - from == 1 {
            let byte = call.bytes(id)[from];
            return self.append(call, &[byte]);
        }
        let piece = call.bytes(id)[from..to].to_vec();
        self.append(call, &piece)
    }

    /// Appends the replacement of a match, or asks for it.
    fn replace(&mut self, call: &mut Call<'_>, start: usize, end: usize) -> Result<Option<usize>> {
        match call.arg(2) {
            Value::Str(id) => {
                let template = call.bytes(id).to_vec();
                self.expand(call, &template, start, end)?;
                Ok(None)
            }
            table @ Value::Table(_) => {
                push_capture(call, &self.search.matcher, 0, start, end)?;
                let key = call.pop();
                match call.lookup(table, key)? {
                    lua::Lookup::Found(value) => {
                        self.put(call, value, start, end)?;
                        Ok(None)
                    }
                    lua::Lookup::Ask(handler, object) => {
                        call.push(handler);
                        call.push(object);
                        call.push(key);
                        Ok(Some(2))
                    }
                }
            }
            function => {
                call.push(function);
                push_captures(call, &self.search.matcher, start, end, true).map(Some)
            }
        }
    }

    /// Appends a template with its `%1`.
    fn expand(&mut self, call: &mut Call<'_>, template: &[u8], start: usize, end: usize) -> Result<()> {
        let mut at = 0;
        while at < template.len() {
            let plain = template[at..].iter().take_while(|byte| **byte != b'%').count();
            self.append(call, &template[at..at + plain])?;
            at += plain;
            if at >= template.len() {
                break;
            }
            match template.get(at + 1).copied().unwrap_or(0) {
                b'0' => self.append_text(call, start, end)?,
                digit @ b'1'..=b'9' => {
                    push_capture(call, &self.search.matcher, usize::from(digit - b'1'), start, end)?;
                    let value = call.pop();
                    let id = call.to_string(value).expect("captures are strings and numbers");
                    let text = call.bytes(id).to_vec();
                    self.append(call, &text)?;
                }
                other => self.append(call, &[other])?,
            }
            at += 2;
        }
        Ok(())
    }

    /// Appends a value that was found or returned.
    fn put(&mut self, call: &mut Call<'_>, value: Value, start: usize, end: usize) -> Result<()> {
        if !value.is_true() {
            return self.append_text(call, start, end);
        }
        match call.to_string(value) {
            Some(id) => {
                let text = call.bytes(id).to_vec();
                self.append(call, &text)
            }
            None => Err(call.error(&format!("invalid replacement value (a {})", value.type_name()))),
        }
    }

    /// Goes behind a place that was tried. False at the end.
    fn step(&mut self, call: &mut Call<'_>, end: Option<usize>) -> Result<bool> {
        let Value::Str(id) = call.arg(0) else { unreachable!("the text was checked") };
        let at = self.search.at;
        match end {
            Some(end) if end > at => self.search.at = end,
            _ if at < call.bytes(id).len() => {
                self.append_text(call, at, at + 1)?;
                self.search.at = at + 1;
            }
            _ => return Ok(false),
        }
        self.search.has_begun = false;
        Ok(!self.search.is_anchored)
    }

    fn go_on(mut self: Box<Self>, call: &mut Call<'_>) -> Result<Outcome> {
        let mut goes_on = match self.asked.take() {
            Some((start, end)) => {
                let value = call.pop();
                self.put(call, value, start, end)?;
                self.step(call, Some(end))?
            }
            None => true,
        };
        while goes_on && self.count < self.most {
            let start = self.search.at;
            let end = match self.match_here(call)? {
                Verdict::Exhausted => return Ok(Outcome::Pause(self)),
                Verdict::Fail => None,
                Verdict::Match(end) => {
                    self.count += 1;
                    if let Some(args) = self.replace(call, start, end)? {
                        self.asked = Some((start, end));
                        return Ok(Outcome::Call { args, results: Some(1), then: self });
                    }
                    Some(end)
                }
            };
            goes_on = self.step(call, end)?;
        }
        let Value::Str(id) = call.arg(0) else { unreachable!("the text was checked") };
        let (at, length) = (self.search.at, call.bytes(id).len());
        self.append_text(call, at, length)?;
        let text = call.string_of(std::mem::take(&mut self.out))?;
        call.push(text);
        call.push(Value::Number(self.count as f64));
        Ok(Outcome::Return(2))
    }

    /// Tries the place of the search alone.
    fn match_here(&mut self, call: &mut Call<'_>) -> Result<Verdict> {
        let (Value::Str(text), Value::Str(pattern)) = (call.arg(0), call.arg(1)) else {
            unreachable!("both were checked")
        };
        let mut budget = call.budget();
        let begin = usize::from(self.search.is_anchored);
        if !self.search.has_begun {
            self.search.matcher.begin(self.search.at, begin);
            self.search.has_begun = true;
        }
        let verdict = self.search.matcher.run(call.bytes(text), effective(call.bytes(pattern)), &mut budget);
        call.set_budget(budget);
        verdict.map_err(|message| call.error(message))
    }
}

impl Continuation for Substitution {
    fn resume(self: Box<Self>, call: &mut Call<'_>) -> Result<Outcome> {
        self.go_on(call)
    }
}

fn gsub(call: &mut Call<'_>) -> Result<Outcome> {
    let text = call.text(0)?;
    let pattern = call.text(1)?;
    match call.arg(2) {
        Value::Number(_) => drop(call.text(2)?),
        Value::Str(_) | Value::Table(_) | Value::Function(_) | Value::Native(_) => {}
        _ => return Err(call.bad_argument(2, "string/function/table expected")),
    }
    let length = call.bytes(text).len();
    let most = call.optional_integer(3, length as i64 + 1)? as i32;
    let is_anchored = call.bytes(pattern).first() == Some(&b'^');
    let search =
        Search { gives_places: false, at: 0, is_anchored, has_begun: false, matcher: Matcher::default() };
    let most = u64::try_from(most).unwrap_or(0);
    Box::new(Substitution { search, out: Vec::new(), count: 0, most, asked: None }).go_on(call)
}
