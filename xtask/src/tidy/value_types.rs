//! A new value type misses nothing: the table at the top of `structures::value` names every file that tells types apart, and
//! none of these has an arm for "every other type", into which a new one would fall silently.
//!
//! ```text
//!   //! | `crates' file` | `function`, `function` | …      a row: the file is there, and has these functions
//!   match … { ValueRef::Int(…) => …, _ => … }              refused, as is a name in the place of `_`
//! ```
//! Sources are read as text: an arm belongs to the match of the arms that are indented like it. To ask for one type alone
//! (`let … else`, `if let`, `matches!`) is what commands of one type do, and is free.

use super::{Complaint, File};
use std::collections::BTreeMap;

/// The file of the types, and of the table.
const TABLE: &str = "crates/structures/src/value.rs";
/// What the arms of a match over values contain.
const VALUE: &str = "ValueRef::";

/// Judges the table, and all files that tell types apart.
pub(super) fn check(files: &[File]) -> Vec<Complaint> {
    let Some(table) = files.iter().find(|file| file.path == TABLE) else {
        return vec![format!("{TABLE}: the table of what a value type needs is not there")];
    };
    let rows = rows(&table.text);
    let mut complaints = Vec::new();
    for (path, functions) in &rows {
        match files.iter().find(|file| file.path == *path) {
            None => complaints.push(format!("{TABLE}: {path} is not there")),
            Some(file) => {
                let missing = functions.iter().filter(|name| !has_function(&file.text, name));
                complaints.extend(missing.map(|name| format!("{TABLE}: {path} has no `{name}`")));
            }
        }
    }
    for file in files.iter().filter(|file| file.path.starts_with("crates/") && file.path.contains("/src/")) {
        let code = without_tests(&file.text);
        if tells_apart(code) && !rows.contains_key(&file.path) {
            complaints.push(format!("{}: tells value types apart, but {TABLE} does not name it", file.path));
        }
        let others = rests(code).into_iter();
        complaints.extend(others.map(|line| {
            format!(
                "{}:{line}: name the value types that this arm means: a new one would fall into it",
                file.path
            )
        }));
    }
    complaints
}

/// The rows: the file's path from the root, and its functions.
fn rows(text: &str) -> BTreeMap<String, Vec<&str>> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("//! | `"));
    rows.filter_map(|row| {
        let mut cells = row.split('|');
        let path = cells.next()?.trim().trim_end_matches('`');
        let functions = cells.next()?.split(',').map(|name| name.trim().trim_matches('`'));
        Some((format!("crates/{path}"), functions.collect()))
    })
    .collect()
}

fn has_function(text: &str, name: &str) -> bool {
    let starts = [format!("fn {name}("), format!("fn {name}<"), format!("macro_rules! {name} ")];
    starts.iter().any(|start| text.contains(start))
}

fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or_default()
}

/// Whether two types of values are named.
fn tells_apart(code: &str) -> bool {
    let mut named = code.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| {
        line.split(VALUE)
            .skip(1)
            .map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or(rest))
    });
    let first = named.next();
    first.is_some_and(|first| named.any(|other| other != first))
}

/// The lines of arms that take every other type, in matches over values.
fn rests(code: &str) -> Vec<usize> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| takes_the_rest(line.trim_start())) {
        let own = indent(line);
        let of_this_match = |line: &&&str| line.trim().is_empty() || indent(line) >= own;
        let before = lines[..at].iter().rev().take_while(of_this_match);
        let after = lines[at + 1..].iter().take_while(of_this_match);
        let is_over_values = before.chain(after).filter(|line| indent(line) == own).any(|line| {
            let arm = line.trim_start();
            arm.trim_start_matches("| ").trim_start_matches("Some(").starts_with(VALUE)
        });
        if is_over_values {
            found.push(at + 1);
        }
    }
    found
}

/// Whether an arm is `_`, or a name: `_ =>`, `Some(_) =>`, `value =>`.
fn takes_the_rest(line: &str) -> bool {
    let Some((pattern, _)) = line.split_once(" =>") else { return false };
    let inner = pattern.strip_prefix("Some(").and_then(|inner| inner.strip_suffix(')')).unwrap_or(pattern);
    inner.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && inner.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    const HEAD: &str = "//! | File | Function | For |\n//! |---|---|---|\n";

    fn complaints(rows: &str, path: &str, text: &str) -> Vec<Complaint> {
        check(&[file(TABLE, &format!("{HEAD}{rows}")), file(path, text)])
    }

    const COPY: &str = "fn duplicate(value: ValueRef<'_>) {\n    match value {\n        ValueRef::Int(int) => a(int),\n        \
                        ValueRef::List(_) | ValueRef::Hash(_) => b(),\n    }\n}\n";

    #[test]
    fn a_file_that_tells_types_apart_is_in_the_table() {
        assert_eq!(
            complaints("//! | `c/src/copy.rs` | `duplicate` | COPY |\n", "crates/c/src/copy.rs", COPY),
            [""; 0]
        );
        assert_eq!(complaints("", "crates/c/src/copy.rs", COPY).len(), 1);
        assert_eq!(complaints("", "crates/c/tests/it/copy.rs", COPY), [""; 0], "a test may");
        assert_eq!(complaints("", "crates/c/src/llen.rs", "if let ValueRef::List(list) = value {}"), [""; 0]);
    }

    #[test]
    fn a_row_names_what_is_there() {
        let rows =
            "//! | `c/src/copy.rs` | `duplicate`, `copied` | COPY |\n//! | `c/src/gone.rs` | `x` | y |\n";
        assert_eq!(complaints(rows, "crates/c/src/copy.rs", COPY).len(), 2);
    }

    #[test]
    fn an_arm_for_all_others_is_refused() {
        for rest in ["_", "value", "Some(_)"] {
            let text = COPY.replace("ValueRef::List(_) | ValueRef::Hash(_) =>", &format!("{rest} =>"));
            let found = complaints("", "crates/c/src/copy.rs", &text);
            assert_eq!(found.len(), 1, "{rest}: {found:?}");
            assert!(found[0].starts_with("crates/c/src/copy.rs:4: "), "{found:?}");
        }
        let inner =
            COPY.replace("a(int)", "match int {\n            0 => a(),\n            _ => c(),\n        }");
        let rows = "//! | `c/src/copy.rs` | `duplicate` | COPY |\n";
        assert_eq!(complaints(rows, "crates/c/src/copy.rs", &inner), [""; 0], "of another match");
    }
}
