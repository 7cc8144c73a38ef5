//! The grammar of a family's lines.
//!
//! ```text
//!   SET {key} {value} [EX {seconds}|PX {ms}|KEEPTTL] [NX|XX] [GET] ~ rare
//!   ─┬─ ──┬──         ──────────────┬───────────────                ──┬─
//!  literal word         at most one of these                      modifiers
//! ```
//!
//! `(a|b)` is exactly one of them; a `+` behind a word or a group repeats it, a `#` does so after their number. Words are drawn by
//! [`super::words::Words`]. Modifiers after ` ~ `: `rare`, and the names of [`Compare`]'s variants.

use anyhow::{Context, Result, bail};

use super::Compare;

/// One parsed line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) items: Vec<Item>,
    pub(super) compare: Compare,
    /// How often the line is drawn, relative to others.
    pub(super) weight: usize,
}

/// One place of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Literal(String),
    Word(String),
    /// One of several sequences, or none of them.
    Choice {
        alternatives: Vec<Vec<Item>>,
        optional: bool,
    },
    Repeated(Box<Item>),
    /// How many follow, and so many of it.
    Counted(Box<Item>),
}

const USUAL_WEIGHT: usize = 10;

/// Parses a family's text; empty lines are skipped.
pub(super) fn parse(text: &str) -> Result<Vec<Line>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| parse_line(line).with_context(|| format!("grammar line {line:?}"))).collect()
}

fn parse_line(line: &str) -> Result<Line> {
    let (command, modifiers) = line.split_once(" ~ ").unwrap_or((line, ""));
    let mut rest = command;
    let items = parse_sequence(&mut rest)?;
    if !rest.is_empty() {
        bail!("unexpected {rest:?}");
    }
    let mut parsed = Line { items, compare: Compare::Exact, weight: USUAL_WEIGHT };
    for modifier in modifiers.split_whitespace() {
        match modifier {
            "rare" => parsed.weight = 1,
            "unordered" => parsed.compare = Compare::Unordered,
            "table" => parsed.compare = Compare::Table,
            "pairs" => parsed.compare = Compare::TablePairs,
            "shape" => parsed.compare = Compare::Shape,
            "hello" => parsed.compare = Compare::Hello,
            "times" => parsed.compare = Compare::Times,
            "scan" => parsed.compare = Compare::Scan,
            "transfer" => parsed.compare = Compare::Transfer,
            "seconds" => parsed.compare = Compare::Near(30),
            "ms" => parsed.compare = Compare::Near(30_000),
            other => bail!("unknown modifier {other:?}"),
        }
    }
    Ok(parsed)
}

fn parse_sequence(rest: &mut &str) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    loop {
        *rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return Ok(items) };
        let item = match first {
            '|' | ']' | ')' => return Ok(items),
            '[' => parse_choice(rest, ']')?,
            '(' => parse_choice(rest, ')')?,
            '{' => {
                let (word, after) = rest[1..].split_once('}').context("a word without its end")?;
                *rest = after;
                Item::Word(word.to_owned())
            }
            _ => {
                let end = rest.find([' ', '|', ']', ')']).unwrap_or(rest.len());
                let literal = rest[..end].to_owned();
                *rest = &rest[end..];
                Item::Literal(literal)
            }
        };
        if let Some(after) = rest.strip_prefix('+') {
            *rest = after;
            items.push(Item::Repeated(Box::new(item)));
        } else if let Some(after) = rest.strip_prefix('#') {
            *rest = after;
            items.push(Item::Counted(Box::new(item)));
        } else {
            items.push(item);
        }
    }
}

fn parse_choice(rest: &mut &str, end: char) -> Result<Item> {
    let mut alternatives = Vec::new();
    loop {
        *rest = &rest[1..];
        alternatives.push(parse_sequence(rest)?);
        match rest.chars().next() {
            Some('|') => {}
            Some(closing) if closing == end => break,
            _ => bail!("a group without its {end:?}"),
        }
    }
    *rest = &rest[1..];
    Ok(Item::Choice { alternatives, optional: end == ']' })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_every_form() {
        let lines = parse("DEL {key}+ ~ rare unordered\nSET a [EX {s}|GET] (NX|XX)+ {key}#").unwrap();
        let literal = |text: &str| Item::Literal(text.to_owned());
        let word = |text: &str| Item::Word(text.to_owned());
        assert_eq!(
            lines[0],
            Line {
                items: vec![literal("DEL"), Item::Repeated(Box::new(word("key")))],
                compare: Compare::Unordered,
                weight: 1
            }
        );
        let optional = Item::Choice {
            alternatives: vec![vec![literal("EX"), word("s")], vec![literal("GET")]],
            optional: true,
        };
        let one =
            Item::Choice { alternatives: vec![vec![literal("NX")], vec![literal("XX")]], optional: false };
        let counted = Item::Counted(Box::new(word("key")));
        assert_eq!(
            lines[1].items,
            [literal("SET"), literal("a"), optional, Item::Repeated(Box::new(one)), counted]
        );
    }

    #[test]
    fn a_broken_line_is_refused() {
        for line in ["SET {key", "SET [NX", "SET (A]", "SET a)", "GET a ~ nonsense"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
