//! Parameters: every row of the table with its status.

use crate::{cell, code};
use config::{Mutability, Parameter, Standing, table};
use profile::Profile;
use std::fmt::Write;

pub(crate) fn section() -> String {
    let mut text = HEAD.to_owned();
    let count = |is: fn(&Standing) -> bool| table::rows().filter(|row| is(&row.standing)).count();
    for (word, meaning, count) in [
        ("honoured", "does what its documentation says", count(|one| matches!(one, Standing::Honoured))),
        (
            "awaited",
            "is kept and shown, for what is not there yet",
            count(|one| matches!(one, Standing::Awaited(_))),
        ),
        (
            "accepted",
            "is kept and shown, and need not do anything",
            count(|one| matches!(one, Standing::Accepted(_))),
        ),
        ("refused", "takes its default alone", count(|one| matches!(one, Standing::Refused(_)))),
    ] {
        writeln!(text, "| {word} | {meaning} | {count} |").expect("a String takes everything");
    }
    text += TABLE;
    for row in table::rows() {
        let (name, default, change, standing) = (name(row), default(row), change(row), standing(row));
        writeln!(text, "| {name} | {default} | {change} | {standing} |").expect("a String takes everything");
    }
    text
}

const HEAD: &str = "
## Parameters

They are given in a configuration file, as options of `engram node`, and by CONFIG SET. None is silently ignored.

| standing | a parameter that | how many |
|---|---|---|
";

const TABLE: &str = "
Changes: *any time* by CONFIG SET; *protected*, by CONFIG SET where `enable-protected-configs` allows it; *start*, only there.

| parameter | default | changes | standing and reason |
|---|---|---|---|
";

/// With its alias, and the versions that have it.
fn name(row: &Parameter) -> String {
    let alias = row.alias.map_or(String::new(), |alias| format!(", `{alias}`"));
    let versions: Vec<String> = match (row.since, row.until) {
        ("0", None) => Vec::new(),
        ("0", Some(until)) => vec![format!("until {until}")],
        (since, None) => vec![format!("since {since}")],
        (since, Some(until)) => vec![format!("since {since}"), format!("until {until}")],
    };
    let versions = match versions.is_empty() {
        true => String::new(),
        false => format!(" ({})", versions.join(", ")),
    };
    format!("`{}`{alias}{versions}", row.name)
}

/// In the profiles that have it.
fn default(row: &Parameter) -> String {
    let mut shown: Vec<(Profile, String)> = Vec::new();
    for &profile in Profile::ALL.iter().filter(|profile| row.exists_in(**profile)) {
        let text = match row.default_text(profile) {
            "" => "empty".to_owned(),
            text => code(text),
        };
        if shown.last().is_none_or(|(_, last)| *last != text) {
            shown.push((profile, text));
        }
    }
    match shown.as_slice() {
        [] => String::new(),
        [(_, text)] => text.clone(),
        several => {
            let each = several.iter().map(|(profile, text)| format!("{text} in {}", profile.name()));
            each.collect::<Vec<_>>().join(", ")
        }
    }
}

fn change(row: &Parameter) -> &'static str {
    match row.mutability {
        Mutability::Mutable => "any time",
        Mutability::Protected => "protected",
        Mutability::Immutable => "start",
    }
}

fn standing(row: &Parameter) -> String {
    match row.standing {
        Standing::Honoured => match row.limit {
            Some((_, sentence)) => format!("honoured: {}", cell(sentence)),
            None => "honoured".to_owned(),
        },
        Standing::Accepted(reason) => format!("accepted: {}", cell(reason)),
        Standing::Awaited(what) => format!("awaited: {}", cell(what)),
        Standing::Refused(sentence) => format!("refused: {}", cell(sentence)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str) -> &'static Parameter {
        table::rows().find(|row| row.name == name).expect("a parameter")
    }

    #[test]
    fn a_row_says_what_differs_between_versions() {
        let engine = row("engine");
        let own = Profile::ALL.iter().map(|profile| format!("`{profile}` in {profile}"));
        assert_eq!(default(engine), own.collect::<Vec<_>>().join(", "));
        assert_eq!(
            default(row("repl-backlog-size")),
            "`1048576` in redis-7.0, `10485760` in valkey-8.0",
            "one for all that follow"
        );
        assert_eq!(name(row("cluster-slot-stats-enabled")), "`cluster-slot-stats-enabled` (since 8.0.0)");
    }

    #[test]
    fn a_row_says_why() {
        assert!(standing(row("cluster-enabled")).starts_with("refused: A stand-alone node"));
        assert_eq!(standing(row("maxclients")), "honoured");
    }
}
