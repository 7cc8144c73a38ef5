//! Pages of `docs` that are generated from tables, so that they say what the program does.
//!
//! `cargo xtask docs` writes them. A test of this crate fails when a page is out of date. What Engram supports comes from its own
//! tables: commands, parameters, operations, quotas, node types, metrics. What exists in Valkey and AWS comes from the facts in `data`.

#![forbid(unsafe_code)]

mod commands;
mod metrics;
mod monitoring;
mod node_types;
mod operations;
mod parameters;
mod quotas;

use std::path::{Path, PathBuf};

/// A page that is generated.
#[derive(Debug)]
pub struct Page {
    /// Its name in `docs`.
    pub name: &'static str,
    /// What it says.
    pub text: String,
}

/// Every page that is generated.
pub fn pages() -> Vec<Page> {
    vec![
        Page { name: "compatibility.md", text: compatibility() },
        Page { name: "metrics.md", text: metrics::page() },
        Page { name: "node-types.md", text: node_types::page() },
        Page { name: "quotas.md", text: quotas::page() },
        Page { name: "prometheus-rules.yml", text: monitoring::rules() },
        Page { name: "grafana-dashboard.json", text: monitoring::dashboard() },
    ]
}

/// Where the pages are.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

fn compatibility() -> String {
    [HEAD, &commands::section(), &parameters::section(), &operations::section()].concat()
}

const HEAD: &str = "\
# Compatibility

What Engram has of Valkey's commands, of the servers' parameters and of AWS's operations, and what it has not yet. `cargo xtask
docs` writes this page from the program's own tables; a test fails when they differ. Do not edit it.

A node speaks as one server and version, its profile: `valkey-8.0`, which is the default, or `redis-7.0`, `redis-7.1`, `redis-7.2`,
`valkey-7.2`, `valkey-8.1`, `valkey-8.2`, `valkey-9.0`, `valkey-9.1`. It has what that version has, and its replies and texts of errors.
Random programs compare them with Redis 7.0.15, Valkey 8.1.8, 9.0.0 and 9.1.2. Of the others no server was at hand: they go by what is known of
their changes. `redis-7.1` is what ElastiCache calls so: Redis 7.0 by its commands; `valkey-8.2` likewise is Valkey 8.1.

- [Commands](#commands)
- [Parameters](#parameters)
- [Operations of AWS](#operations-of-aws)
";

/// The lines of a file of facts: words with blanks between them. `#` begins a comment.
fn facts<const WORDS: usize>(text: &'static str) -> impl Iterator<Item = [&'static str; WORDS]> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        words.try_into().unwrap_or_else(|_| panic!("a line of facts has {WORDS} words: {line}"))
    })
}

/// A sentence as it may stand in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('*', "\\*")
}

/// A name or value as it may stand in a cell of a table.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

/// Names behind each other, each kept in one piece by [`wrapped`].
fn list(names: impl IntoIterator<Item = String>) -> String {
    let names = names.into_iter().map(|name| code(&name).replace(' ', KEPT));
    names.collect::<Vec<_>>().join(", ")
}

/// A blank at which no line is broken.
const KEPT: &str = "\u{a0}";

/// Lines of at most so many columns, broken between words.
fn wrapped(text: &str) -> String {
    const COLUMNS: usize = 120;
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is one from the start");
        if !line.is_empty() && line.len() + 1 + word.len() > COLUMNS {
            lines.push(word.to_owned());
        } else {
            *line += if line.is_empty() { "" } else { " " };
            *line += word;
        }
    }
    lines.join("\n").replace(KEPT, " ") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_is_what_would_be_written() {
        for page in pages() {
            let found = std::fs::read_to_string(directory().join(page.name)).unwrap_or_default();
            let mut pairs = found.lines().zip(page.text.lines());
            let differing = pairs.find(|(found, written)| found != written);
            let is_same = found == page.text;
            assert!(is_same, "docs/{} is out of date: run `cargo xtask docs`; {differing:?}", page.name);
        }
    }

    #[test]
    fn a_text_of_a_table_stays_in_its_cell() {
        assert_eq!(cell("a|b <c> *"), "a\\|b &lt;c> \\*");
        assert_eq!(code("a|b *"), "`a\\|b *`");
    }

    #[test]
    fn a_long_line_is_broken_between_words() {
        let text = ["word"; 30].join(" ");
        let lines = wrapped(&text);
        assert_eq!(lines.lines().map(str::len).collect::<Vec<_>>(), [119, 29]);
        let names = wrapped(&format!("{} {}", "x".repeat(115), list(["CONFIG GET".to_owned()])));
        assert!(names.ends_with("\n`CONFIG GET`\n"), "{names}");
        assert_eq!(lines.split_whitespace().count(), 30);
    }
}
