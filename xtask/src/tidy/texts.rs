//! Rules for every text file, and for the map of the project.

use super::{Complaint, File};
use crate::metadata::Member;

/// Longest ARCHITECTURE.md.
const MAX_ARCHITECTURE_LINES: usize = 400;

/// What a line must not start with. Built from pieces so that this file does not match itself.
fn merge_markers() -> [String; 3] {
    ["<", ">", "|"].map(|mark| mark.repeat(7) + " ")
}

/// Paths of one machine, which mean nothing on another.
fn machine_paths() -> [String; 2] {
    ["work", "root"].map(|folder| format!("/{folder}/"))
}

/// Judges one file.
pub(super) fn check(file: &File) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        let mut complain = |what: &str| complaints.push(format!("{}:{}: {what}", file.path, at + 1));
        // A transcript holds what the server said, and some of its replies end so.
        if line.ends_with([' ', '\t']) && !file.path.ends_with(".txt") {
            complain("blanks at the end of the line");
        }
        if merge_markers().iter().any(|marker| line.starts_with(marker)) {
            complain("a merge marker");
        }
        if machine_paths().iter().any(|path| mentions_path(line, path)) {
            complain("a path of one machine");
        }
    }
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        complaints.push(format!("{}: no newline at the end", file.path));
    }
    complaints
}

/// ARCHITECTURE.md is short and names every crate.
pub(super) fn check_architecture(files: &[File], members: &[Member]) -> Vec<Complaint> {
    let Some(map) = files.iter().find(|file| file.path == "ARCHITECTURE.md") else {
        return vec!["ARCHITECTURE.md is missing".to_owned()];
    };
    let mut complaints = Vec::new();
    let length = map.text.lines().count();
    if length >= MAX_ARCHITECTURE_LINES {
        complaints.push(format!("ARCHITECTURE.md:{length}: not under {MAX_ARCHITECTURE_LINES} lines"));
    }
    for member in members {
        if !map.text.contains(&format!("`{}`", member.name)) {
            complaints.push(format!("ARCHITECTURE.md: the code map has no `{}`", member.name));
        }
    }
    complaints
}

/// True if a path starts at this place: `target/work/x` is not a match.
fn mentions_path(line: &str, path: &str) -> bool {
    line.match_indices(path)
        .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || ".-_~*}/".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn what_is_wrong_in_any_text() {
        for text in [
            "end \n".to_owned(),
            "no newline".to_owned(),
            format!("see {}x\n", machine_paths()[0]),
            merge_markers()[1].clone() + "theirs\n",
        ] {
            assert_eq!(check(&file("a.md", &text)).len(), 1, "{text:?}");
        }
        assert!(check(&file("a.txt", "(error) ERR beginning with: \n")).is_empty());
        assert!(check(&file("a.md", "fine, and target/work/x too\n")).is_empty());
    }

    #[test]
    fn the_map_names_every_crate() {
        let members =
            [Member { name: "node".to_owned(), dir: "crates/node".into(), dependencies: Vec::new() }];
        assert_eq!(check_architecture(&[file("ARCHITECTURE.md", "- `node`: …\n")], &members).len(), 0);
        assert_eq!(check_architecture(&[file("ARCHITECTURE.md", "")], &members).len(), 1);
        assert_eq!(check_architecture(&[], &members).len(), 1);
    }
}
