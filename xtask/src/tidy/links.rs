//! Pages have no dead links: the target of a link within the tree exists, and so does the heading that it names. The
//! same holds for a file or folder that is named from the root (`crates/…`, `docs/…`).

use super::{Complaint, File};

/// Folders of the root that pages name files of.
const ROOTS: [&str; 4] = ["crates/", "docs/", "xtask/", "tests/"];

/// Judges the links of all pages.
pub(super) fn check(files: &[File]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for page in files.iter().filter(|file| file.path.ends_with(".md")) {
        for (at, line) in page.text.lines().enumerate() {
            for link in links(line).filter(|link| !leads_somewhere(files, &page.path, link)) {
                complaints.push(format!("{}:{}: {link} leads nowhere", page.path, at + 1));
            }
            for path in named(line).filter(|path| !is_there(files, path)) {
                complaints.push(format!("{}:{}: {path} is not there", page.path, at + 1));
            }
        }
    }
    complaints
}

/// What stands in `[…](here)`, unless it is another site's.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let behind = line.split("](").skip(1);
    behind.filter_map(|text| text.split(')').next()).filter(|link| !link.contains("://"))
}

/// What stands in backticks and begins like a path from the root.
fn named(line: &str) -> impl Iterator<Item = &str> {
    let inside = line.split('`').skip(1).step_by(2);
    inside.filter(|text| {
        ROOTS.iter().any(|root| text.starts_with(root)) && !text.contains([' ', '<', '*', '{'])
    })
}

fn is_there(files: &[File], path: &str) -> bool {
    let path = path.trim_end_matches('/');
    files
        .iter()
        .any(|file| file.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

fn leads_somewhere(files: &[File], page: &str, link: &str) -> bool {
    let (target, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = if target.is_empty() { page.to_owned() } else { resolved(page, target) };
    match files.iter().find(|file| file.path == target) {
        Some(_) if heading.is_empty() => true,
        Some(file) => {
            file.text.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == heading)
        }
        // A folder.
        None => heading.is_empty() && files.iter().any(|file| file.path.starts_with(&format!("{target}/"))),
    }
}

/// A path from the root, for one that is read from a page's folder.
fn resolved(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// What a link calls a heading: letters and digits in lower case, dashes for blanks.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || "- _".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    fn complaints(text: &str) -> Vec<Complaint> {
        let others = [file("README.md", "# Engram\n"), file("docs/a.md", "## What it is, in short\n")];
        check(&[&[file("docs/page.md", text)][..], &others].concat())
    }

    #[test]
    fn links_that_lead_somewhere() {
        for link in
            ["a.md", "a.md#what-it-is-in-short", "../README.md", "../docs", "#here", "https://example.com/x"]
        {
            assert!(complaints(&format!("# Here\n[x]({link})\n")).is_empty(), "{link}");
        }
    }

    #[test]
    fn files_that_are_named() {
        for path in ["docs/a.md", "docs/page.md", "docs/", "crates", "crates/<name>", "a.md"] {
            assert!(complaints(&format!("see `{path}`\n")).is_empty(), "{path}");
        }
        let text = "`b` docs/b.md `docs/b.md` `docs/a`\n";
        let missing = ["docs/b.md", "docs/a"].map(|path| format!("docs/page.md:1: {path} is not there"));
        assert_eq!(complaints(text), missing);
    }

    #[test]
    fn links_that_lead_nowhere() {
        for link in ["b.md", "a.md#what", "README.md", "#there", "../crates"] {
            let text = format!("# Here\n[x](a.md) [y]({link})\n");
            assert_eq!(complaints(&text), [format!("docs/page.md:2: {link} leads nowhere")]);
        }
    }
}
