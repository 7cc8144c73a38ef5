//! A parameter that is honoured has a reader: a field of the settings that no code reads has no effect, whatever the
//! table says.

use super::{Complaint, File};

/// Where the fields of honoured parameters stand, each as `field: Type = "name",`.
const SETTINGS: &str = "crates/config/src/settings.rs";

/// Complaints about fields that no source reads.
pub(super) fn check(files: &[File]) -> Vec<Complaint> {
    let Some(settings) = files.iter().find(|file| file.path == SETTINGS) else { return Vec::new() };
    let is_source =
        |file: &&File| file.path.contains("/src/") && file.path.ends_with(".rs") && file.path != SETTINGS;
    let sources: Vec<&File> = files.iter().filter(is_source).collect();
    let mut complaints = Vec::new();
    for (at, line) in settings.text.lines().enumerate() {
        let Some((field, name)) = field_of(line) else { continue };
        if !sources.iter().any(|file| reads(&file.text, field)) {
            complaints.push(format!("{SETTINGS}:{}: {name} counts as honoured, and nobody reads it", at + 1));
        }
    }
    complaints
}

/// The field and the name of a line that declares one.
fn field_of(line: &str) -> Option<(&str, &str)> {
    let (declared, name) = line.trim().strip_suffix("\",")?.split_once(" = \"")?;
    let (field, _) = declared.split_once(": ")?;
    Some((field, name))
}

/// Whether a text reads a field: `.field`, and not the beginning of a longer name.
fn reads(text: &str, field: &str) -> bool {
    let read = format!(".{field}");
    text.match_indices(&read)
        .any(|(at, _)| !text[at + read.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn a_field_without_a_reader_is_found() {
        let settings = file(
            SETTINGS,
            "settings! {\n    /// Port.\n    port: u16 = \"port\",\n    save: bool = \"save\",\n}",
        );
        let reader = file("crates/node/src/start.rs", "settings.port; settings.save_points");
        let complaints = check(&[settings, reader]);
        assert_eq!(
            complaints,
            ["crates/config/src/settings.rs:4: save counts as honoured, and nobody reads it"]
        );
    }

    #[test]
    fn what_only_tests_read_has_no_reader() {
        let settings = file(SETTINGS, "    port: u16 = \"port\",");
        let test = file("crates/node/tests/it/main.rs", "settings.port");
        assert_eq!(check(&[settings, test]).len(), 1);
    }
}
