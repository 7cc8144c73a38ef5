//! Files of a crate that import each other in a circle are one unit, however many files it is split into: none can be
//! understood, tested or moved without all the others. Small circles are acceptable (a type and its parts); a large
//! circle means that the crate has no structure.
//!
//! ```text
//!   use crate::a::{b, c::D};   super::e();   self::f::g   ──▶  the longest prefix that is a file of the crate
//! ```
//! Imports are read as text. What only tests import does not count, nor what a file's own `mod` lines name.

use std::collections::{BTreeMap, BTreeSet};

use super::{Complaint, File};
use crate::metadata::Member;

/// Files that may stand in one circle.
const MOST: usize = 8;
/// Complaints about circles that are larger than they may be.
pub(super) fn check(files: &[File], members: &[Member]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for member in members {
        let modules = modules_of(files, &member.dir.to_string_lossy());
        let largest = circles(&imports(&modules)).into_iter().max_by_key(Vec::len).unwrap_or_default();
        let (name, size) = (&member.name, largest.len());
        if size > MOST {
            complaints
                .push(format!("{name}: {size} files import each other in a circle: {}", largest.join(", ")));
        }
    }
    complaints
}

/// The text of each module of a crate, without its tests, by its path: `exec::serving`, and the empty path for the root.
fn modules_of<'a>(files: &'a [File], dir: &str) -> BTreeMap<String, &'a str> {
    let mut modules = BTreeMap::new();
    for file in files {
        let Some((_, inner)) = file.path.split_once("/src/").filter(|(start, _)| dir.ends_with(start)) else {
            continue;
        };
        let Some(inner) = inner.strip_suffix(".rs") else { continue };
        let path = inner.strip_suffix("/mod").unwrap_or(inner);
        let path = if matches!(path, "lib" | "main" | "mod") { "" } else { path };
        let tests = ["#[cfg(test)]", "#[cfg(all(test"].iter().filter_map(|start| file.text.find(start)).min();
        modules.insert(path.replace('/', "::"), &file.text[..tests.unwrap_or(file.text.len())]);
    }
    modules
}

/// Which modules each imports.
fn imports<'a>(modules: &'a BTreeMap<String, &str>) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    modules
        .iter()
        .map(|(module, text)| {
            let named = paths(text).into_iter().filter_map(|path| {
                let absolute = absolute(&path, module, modules)?;
                let found = longest(&absolute, modules)?;
                (found != module).then_some(found)
            });
            (module.as_str(), named.collect())
        })
        .collect()
}

/// The path from the crate's root; `None` where it does not lie in the crate.
fn absolute(path: &[String], module: &str, modules: &BTreeMap<String, &str>) -> Option<Vec<String>> {
    let mut at: Vec<String> = module.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let mut rest = path;
    match rest.first()?.as_str() {
        "crate" => at.clear(),
        "self" => {}
        "super" => {
            while rest.first().is_some_and(|part| part == "super") {
                at.pop()?;
                rest = &rest[1..];
            }
            at.extend_from_slice(rest);
            return Some(at);
        }
        first => {
            // A child of the module by its bare name, or another crate.
            let child = at.iter().map(String::as_str).chain([first]).collect::<Vec<_>>().join("::");
            modules.contains_key(&child).then_some(())?;
            at.extend_from_slice(rest);
            return Some(at);
        }
    }
    at.extend_from_slice(&rest[1..]);
    Some(at)
}

/// The module that a path leads into. What a parent re-exports counts as the parent's. The root does not count as a
/// module that others depend on: it only lists them.
fn longest<'a>(path: &[String], modules: &'a BTreeMap<String, &str>) -> Option<&'a str> {
    (1..=path.len()).rev().find_map(|length| {
        let (name, _) = modules.get_key_value(&path[..length].join("::"))?;
        Some(name.as_str())
    })
}

/// All paths of `use` items, groups spread out, and all others that begin with `crate`, `super` or `self`.
fn paths(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let tokens = tokens(&code.collect::<Vec<_>>().join("\n"));
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].as_str() {
            "use" => at = spread(&tokens, at + 1, &[], &mut found),
            "crate" | "super" | "self" if tokens.get(at + 1).is_some_and(|next| next == "::") => {
                let mut path = vec![tokens[at].clone()];
                at += 1;
                while tokens.get(at).is_some_and(|next| next == "::")
                    && tokens.get(at + 1).is_some_and(|name| is_name(name))
                {
                    path.push(tokens[at + 1].clone());
                    at += 2;
                }
                found.push(path);
            }
            _ => at += 1,
        }
    }
    found
}

/// Reads one tree of a `use` item after a prefix. Returns where it ends.
fn spread(tokens: &[String], mut at: usize, prefix: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    while at < tokens.len() {
        match tokens[at].as_str() {
            "::" => at += 1,
            "{" => {
                at += 1;
                while at < tokens.len() && tokens[at] != "}" {
                    if tokens[at] == ";" {
                        // The word stood in a string.
                        return at;
                    }
                    at = spread(tokens, at, &path, found);
                    if tokens.get(at).is_some_and(|token| token == ",") {
                        at += 1;
                    }
                }
                return at + 1;
            }
            "," | "}" | ";" => break,
            name => {
                path.push(name.to_owned());
                at += 1;
            }
        }
    }
    found.push(path);
    at
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

fn tokens(code: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        if !first.is_whitespace() {
            tokens.push(rest[..length].to_owned());
        }
        rest = &rest[length..];
    }
    tokens
}

/// The strongly connected components of more than one module: each set of modules that all reach each other.
fn circles(imports: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<Vec<String>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        imports.keys().map(|from| (*from, reach(from, imports))).collect();
    let mut circles = Vec::new();
    let mut done = BTreeSet::new();
    for from in imports.keys() {
        if done.contains(from) {
            continue;
        }
        let together: Vec<&str> = reached[from]
            .iter()
            .copied()
            .filter(|to| reached.get(to).is_some_and(|back| back.contains(from)))
            .collect();
        done.extend(together.iter().copied());
        if together.len() > 1 {
            circles.push(together.into_iter().map(str::to_owned).collect());
        }
    }
    circles
}

fn reach<'a>(from: &'a str, imports: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for to in imports.get(at).into_iter().flatten() {
            if seen.insert(*to) {
                open.push(to);
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    fn member(name: &str) -> Member {
        Member { name: name.to_owned(), dir: format!("/x/crates/{name}").into(), dependencies: Vec::new() }
    }

    #[test]
    fn every_form_of_a_path_is_read() {
        let text = "use crate::{a::B, c::{self, D as E}};\nuse super::f;\nfn g() { self::h::i(); crate::j::k::<L>(); }\n// crate::no";
        let found: Vec<String> = paths(text).iter().map(|path| path.join("::")).collect();
        assert_eq!(
            found,
            ["crate::a::B", "crate::c::self", "crate::c::D::as::E", "super::f", "self::h::i", "crate::j::k"]
        );
    }

    #[test]
    fn a_circle_is_found_through_folders_and_reexports() {
        let files = [
            file("crates/x/src/lib.rs", "mod a; mod b; mod c;"),
            file("crates/x/src/a/mod.rs", "mod part; use part::P; pub use part::Q;"),
            file("crates/x/src/a/part.rs", "use crate::b::B; use super::Other;"),
            file("crates/x/src/b.rs", "fn f() { crate::a::g() }"),
            file("crates/x/src/c.rs", "use crate::a::P;\n#[cfg(test)]\nmod tests { use crate::b::B; }"),
            file("crates/y/src/b.rs", "use crate::c::C;"),
        ];
        let modules = modules_of(&files, "/x/crates/x");
        let found = circles(&imports(&modules));
        assert_eq!(found, [["a", "a::part", "b"]]);
    }

    #[test]
    fn a_large_circle_is_refused() {
        let ring = |count: usize| -> Vec<File> {
            (0..count)
                .map(|i| {
                    file(&format!("crates/x/src/m{i}.rs"), &format!("use crate::m{}::T;", (i + 1) % count))
                })
                .collect()
        };
        assert!(check(&ring(MOST), &[member("x")]).is_empty());
        let complaints = check(&ring(MOST + 1), &[member("x")]);
        assert!(
            complaints[0].starts_with("x: 9 files import each other in a circle: m0, m1"),
            "{complaints:?}"
        );
    }
}
