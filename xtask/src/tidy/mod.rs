//! The rules of the source tree, as tests. Each rule takes what it judges and returns complaints; this file only
//! reads the tree and lists the rules.

mod circles;
mod layers;
mod links;
mod parameters;
mod sources;
mod texts;
mod value_types;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::metadata::members;
use crate::root;

/// Folders that hold nothing of ours.
const SKIPPED: &[&str] = &["target", ".git", "__pycache__", ".pytest_cache", "corpus", "artifacts"];
/// Kinds of files that are read.
const READ: &[&str] =
    &["rs", "toml", "md", "txt", "py", "yml", "yaml", "sh", "conf", "tf", "html", "css", "js"];

/// A file of the tree.
#[derive(Debug, Clone)]
struct File {
    /// Its path from the root, with slashes.
    path: String,
    text: String,
}

/// Something that breaks a rule: where, and what.
type Complaint = String;

/// Checks all rules.
pub(crate) fn tidy() -> Result<()> {
    let files = read_tree(&root())?;
    let members = members()?;
    let mut complaints = layers::check(&members);
    complaints.extend(circles::check(&files, &members));
    complaints.extend(texts::check_architecture(&files, &members));
    complaints.extend(sources::check_crates(&files, &members));
    complaints.extend(parameters::check(&files));
    complaints.extend(links::check(&files));
    complaints.extend(value_types::check(&files));
    for file in &files {
        complaints.extend(texts::check(file));
        if file.path.ends_with(".rs") {
            complaints.extend(sources::check(file));
        }
    }
    for complaint in &complaints {
        println!("{complaint}");
    }
    if !complaints.is_empty() {
        bail!("{} complaints in {} files", complaints.len(), files.len());
    }
    println!("{} files, no complaint", files.len());
    Ok(())
}

fn read_tree(root: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))? {
            let entry = entry?;
            let path: PathBuf = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_dir() {
                if !SKIPPED.contains(&name.as_str()) {
                    folders.push(path);
                }
                continue;
            }
            let kind = path.extension().unwrap_or_default().to_string_lossy().into_owned();
            if READ.contains(&kind.as_str()) || path.ends_with(".ci/run") {
                let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
                let path = path.strip_prefix(root)?.to_string_lossy().into_owned();
                files.push(File { path, text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

#[cfg(test)]
fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}
