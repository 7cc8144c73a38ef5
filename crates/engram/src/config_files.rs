//! Configuration files on disk: what `include` reads.
//!
//! A path with `*`, `?` or `[` is a pattern: all files that match are read, in the order of their names, and none is no
//! error. Each part between slashes is matched by itself, and a leading dot by a dot only, as in a shell.

use config::Directives;
use std::ffi::OsString;
use std::io::Error;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Reads included files from disk.
#[derive(Debug)]
pub(crate) struct Files;

impl Directives for Files {
    fn include(&mut self, path: &[u8]) -> Result<Vec<u8>, String> {
        let mut text = Vec::new();
        for path in expand(path) {
            text.extend(std::fs::read(path).map_err(|error| words_of(&error))?);
            // The next file begins a line of its own.
            text.push(b'\n');
        }
        Ok(text)
    }
}

/// The system's words for an error, without its number.
pub(crate) fn words_of(error: &Error) -> String {
    let text = error.to_string();
    text.rfind(" (os error").map_or(text.clone(), |at| text[..at].to_owned())
}

/// The files that a path names.
fn expand(path: &[u8]) -> Vec<PathBuf> {
    if !is_pattern(path) {
        return vec![PathBuf::from(OsString::from_vec(path.to_vec()))];
    }
    let root = if path.starts_with(b"/") { "/" } else { "" };
    let parts = path.split(|&byte| byte == b'/').filter(|part| !part.is_empty());
    parts.fold(vec![PathBuf::from(root)], |found, part| {
        found.iter().flat_map(|directory| matching(directory, part)).collect()
    })
}

fn is_pattern(part: &[u8]) -> bool {
    part.iter().any(|byte| b"*?[".contains(byte))
}

/// What is in a directory under a name, or under the names that match a pattern.
fn matching(directory: &Path, part: &[u8]) -> Vec<PathBuf> {
    if !is_pattern(part) {
        let path = directory.join(OsString::from_vec(part.to_vec()));
        return if path.exists() { vec![path] } else { Vec::new() };
    }
    let here = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let Ok(entries) = std::fs::read_dir(here) else { return Vec::new() };
    let pattern = with_carets(part);
    let is_named = |name: &OsString| {
        let name = name.as_bytes();
        name.starts_with(b".") == part.starts_with(b".") && topology::glob::matches(&pattern, name, false)
    };
    let mut names: Vec<OsString> =
        entries.flatten().map(|entry| entry.file_name()).filter(is_named).collect();
    names.sort();
    names.iter().map(|name| directory.join(name)).collect()
}

/// A shell's pattern as one for keys: there `[^…]` stands for what a shell writes as `[!…]`.
fn with_carets(part: &[u8]) -> Vec<u8> {
    let mut pattern = part.to_vec();
    for at in 1..pattern.len() {
        if pattern[at] == b'!' && pattern[at - 1] == b'[' {
            pattern[at] = b'^';
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_reads_all_that_match_in_order() {
        let root = std::env::temp_dir().join(format!("engram-config-files-{}", std::process::id()));
        for (name, text) in [
            ("conf.d/20.conf", "b"),
            ("conf.d/10.conf", "a"),
            ("conf.d/.30.conf", "hidden"),
            ("conf.d/40.txt", "c"),
            ("other.d/50.conf", "d\n"),
        ] {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
            std::fs::write(path, text).expect("written");
        }
        let include = |pattern: &str| {
            let path = root.join(pattern);
            let text = Files.include(path.as_os_str().as_bytes())?;
            Ok(String::from_utf8(text).expect("text"))
        };
        for (pattern, text) in [
            ("conf.d/*.conf", "a\nb\n"),
            ("*.d/?0.conf", "a\nb\nd\n\n"),
            ("conf.d/[!1]0.*", "b\nc\n"),
            ("conf.d/[12]*", "a\nb\n"),
            ("conf.d/.*.conf", "hidden\n"),
            ("conf.d/*.none", ""),
            ("none/*.conf", ""),
            ("conf.d/10.conf", "a\n"),
        ] {
            assert_eq!(include(pattern), Ok(text.to_owned()), "{pattern}");
        }
        assert_eq!(include("conf.d/none.conf"), Err("No such file or directory".to_owned()));
        std::fs::remove_dir_all(root).expect("removed");
    }
}
