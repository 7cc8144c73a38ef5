//! The answer to a call that is only to say what it would do.
//!
//! A call is a dry run by its header, by the path of its endpoint, or by the key that it is signed with ([`Use::DryRun`]). The answer is an
//! error, as it is in the APIs of AWS that know dry runs (EC2's `DryRunOperation`), so no program takes it for a success; its text is the
//! plan.
//!
//! **Invariant:** whoever asks for a dry run in other words than these changes nothing: a header of Engram's that is unknown, or whose
//! value is, is refused, and so is a path that is neither the API's nor this one's.
//!
//! [`Use::DryRun`]: crate::Use::DryRun

use aws_protocol::{Fault, Timestamp};
use fleet::step::{Assignment, Step};
use fleet::{Forecast, Foreseen, Loss, Stage};
use hyper::HeaderMap;
use std::fmt::Write;
use std::time::Duration;
use supervision::Endpoint;

/// The header: `true` asks for it, `false` does not.
const HEADER: &str = "x-engram-dry-run";
/// What Engram's own headers begin with.
const OWN: &str = "x-engram-";
/// What the path begins with.
pub const PATH: &str = "/dry-run";
/// Names that a line has at most; of further ones it says how many.
const MAX_NAMES: usize = 8;

/// The path behind the prefix that asks for a dry run, if it has it.
pub(crate) fn behind_prefix(path: &str) -> Option<&str> {
    match path.strip_prefix(PATH)? {
        "" => Some("/"),
        rest => rest.starts_with('/').then_some(rest),
    }
}

/// Whether the headers of a request ask for a dry run.
///
/// # Errors
/// When it is not clear whether they do.
pub(crate) fn is_asked(headers: &HeaderMap) -> Result<bool, Fault> {
    if let Some(name) = headers.keys().find(|name| name.as_str().starts_with(OWN) && *name != HEADER) {
        let text = format!("There is no header {name}; {HEADER} asks for a dry run.");
        return Err(Fault::invalid_parameter_value(text));
    }
    let mut asked = false;
    for value in headers.get_all(HEADER) {
        match value.as_bytes() {
            yes if yes.eq_ignore_ascii_case(b"true") => asked = true,
            no if no.eq_ignore_ascii_case(b"false") => {}
            _ => {
                let text = format!("The value of the header {HEADER} is neither true nor false.");
                return Err(Fault::invalid_parameter_value(text));
            }
        }
    }
    Ok(asked)
}

/// The answer.
pub(crate) fn answer(forecast: &Forecast) -> Fault {
    let text = format!("Request would have succeeded, but DryRun flag is set. {}", text(forecast));
    Fault::sender("DryRunOperation", 412, text)
}

fn text(forecast: &Forecast) -> String {
    let mut text = String::new();
    if forecast.stages.iter().all(|stage| stage.rounds.is_empty()) {
        text.push_str("No node would be touched.\n");
    }
    for stage in &forecast.stages {
        write_stage(&mut text, stage);
    }
    if !forecast.settles {
        text.push_str("This plan does not come to rest: the steps above are its beginning.\n");
    }
    write_names(&mut text, "New", &forecast.joins);
    write_names(&mut text, "Gone", &forecast.leaves);
    write_names(&mut text, "Restarted or replaced", &forecast.restarts);
    let moves: Vec<String> = forecast.primaries.iter().map(|(from, to)| format!("{from} to {to}")).collect();
    write_names(&mut text, "The primary moves", &moves);
    write_names(&mut text, "Waits for a reboot", &forecast.waits_for_reboot);
    if forecast.disconnects > 0 {
        line(&mut text, format_args!("Connections that are closed: {}", forecast.disconnects));
    }
    for Loss { deployment, keys, bytes_over_limit } in &forecast.losses {
        if *keys > 0 {
            line(&mut text, format_args!("Lost: {keys} keys of {deployment}"));
        }
        if *bytes_over_limit > 0 {
            let over = size(*bytes_over_limit);
            line(
                &mut text,
                format_args!(
                    "Beyond the memory limit of {deployment}: {over}, which its eviction policy deals with"
                ),
            );
        }
    }
    write_names(&mut text, "Not known is what these hold, and lose", &forecast.unknown);
    if forecast.losses.is_empty() && forecast.unknown.is_empty() {
        line(&mut text, format_args!("Lost: nothing"));
    }
    if forecast.stages.iter().any(|stage| !stage.rounds.is_empty()) && forecast.age > Duration::ZERO {
        let age = seconds(forecast.age);
        line(&mut text, format_args!("Numbers of keys, bytes and connections are up to {age} old."));
    }
    text.truncate(text.trim_end().len());
    text
}

fn write_stage(text: &mut String, stage: &Stage) {
    if stage.rounds.is_empty() {
        return;
    }
    let takes = seconds(stage.takes);
    match stage.window_ms {
        None => line(text, format_args!("Steps, in about {takes}:")),
        Some(at_ms) => {
            let at = Timestamp::from_unix_ms(i64::try_from(at_ms).unwrap_or(i64::MAX));
            line(text, format_args!("Steps in the maintenance window, from {at} on, in about {takes}:"));
        }
    }
    let mut number = 0;
    for round in &stage.rounds {
        let mut grouped: Vec<(String, Vec<&str>)> = Vec::new();
        for foreseen in round {
            let words = words_of(foreseen);
            match grouped.iter_mut().find(|(known, _)| *known == words) {
                Some((_, members)) => members.push(&foreseen.member),
                None => grouped.push((words, vec![&foreseen.member])),
            }
        }
        for (words, members) in grouped {
            number += 1;
            match names(&members) {
                none if none.is_empty() => line(text, format_args!("{number}. {words}")),
                members => line(text, format_args!("{number}. {members}: {words}")),
            }
        }
    }
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{content}");
}

fn write_names(text: &mut String, what: &str, all: &[String]) {
    if !all.is_empty() {
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        line(text, format_args!("{what}: {}", names(&all)));
    }
}

fn names(all: &[&str]) -> String {
    match all.get(MAX_NAMES..) {
        Some(more) if !more.is_empty() => format!("{} and {} more", all[..MAX_NAMES].join(", "), more.len()),
        _ => all.join(", "),
    }
}

/// A step in a few words.
fn words_of(foreseen: &Foreseen) -> String {
    match &foreseen.step {
        Step::Start { .. } => "start the process".to_owned(),
        Step::Kill { .. } => "kill the process".to_owned(),
        Step::Stop { .. } => "save and end the process".to_owned(),
        Step::Remove { .. } => "end the process and remove its directory".to_owned(),
        Step::Assign { role: Assignment::Primary, .. } => "become the primary".to_owned(),
        Step::Assign { role: Assignment::Replica { .. }, .. } => match foreseen.copies_bytes {
            0 => "become a replica".to_owned(),
            bytes => format!("become a replica, copying {}", size(bytes)),
        },
        Step::Drain { .. } => "leave the lost primary".to_owned(),
        Step::Handover { .. } => "take over from the primary, while writes wait".to_owned(),
        Step::Listen { endpoint, .. } => format!("serve the {} endpoint", name_of(*endpoint)),
        Step::Unlisten { endpoint, .. } => format!("leave the {} endpoint", name_of(*endpoint)),
        Step::Close { endpoint, address } => format!("close the {} endpoint {address}", name_of(*endpoint)),
        Step::Configure { .. } => "set parameters, without a restart".to_owned(),
    }
}

fn name_of(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Node => "node's own",
        Endpoint::Primary => "primary",
        Endpoint::Reader => "reader",
    }
}

fn seconds(time: Duration) -> String {
    match time.as_secs_f64() {
        short if short < 0.1 => "0.1 s".to_owned(),
        short if short < 60.0 => format!("{short:.1} s"),
        long if long < 3600.0 => format!("{:.0} min", (long / 60.0).ceil()),
        long => format!("{:.1} h", long / 3600.0),
    }
}

fn size(bytes: u64) -> String {
    match bytes as f64 / f64::from(1 << 20) {
        small if small < 1.0 => format!("{:.0} KiB", (small * 1024.0).ceil()),
        mib if mib < 1024.0 => format!("{mib:.1} MiB"),
        large => format!("{:.1} GiB", large / 1024.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleet::NodeId;

    fn foreseen(member: &str, copies_bytes: u64, step: Step) -> Foreseen {
        Foreseen { member: member.into(), copies_bytes, step }
    }

    #[test]
    fn a_path_asks_by_a_whole_part_of_it() {
        assert_eq!(behind_prefix("/dry-run"), Some("/"));
        assert_eq!(behind_prefix("/dry-run/"), Some("/"));
        assert_eq!(behind_prefix("/dry-run/service/x"), Some("/service/x"));
        assert_eq!(behind_prefix("/dry-running"), None);
        assert_eq!(behind_prefix("/"), None);
    }

    #[test]
    fn a_header_says_yes_or_no_or_is_refused() {
        let asked = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter().map(|(name, value)| {
                (hyper::header::HeaderName::from_static(name), hyper::header::HeaderValue::from_static(value))
            });
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(name, value);
            }
            is_asked(&headers).map_err(|fault| fault.message)
        };
        assert_eq!(asked(&[("x-amz-date", "1")]), Ok(false));
        for (value, is) in [("true", true), ("TRUE", true), ("false", false), ("False", false)] {
            assert_eq!(asked(&[(HEADER, value)]), Ok(is), "{value}");
        }
        assert_eq!(asked(&[(HEADER, "false"), (HEADER, "true")]), Ok(true));
        let unclear = Err("The value of the header x-engram-dry-run is neither true nor false.".to_owned());
        for value in ["", "1", "0", "yes", "on", "true,true", "\"true\""] {
            assert_eq!(asked(&[(HEADER, value)]), unclear, "{value}");
        }
        assert_eq!(asked(&[(HEADER, "true"), (HEADER, "maybe")]), unclear);
        for name in ["x-engram-dryrun", "x-engram-dry_run", "x-engram-"] {
            let unknown = format!("There is no header {name}; x-engram-dry-run asks for a dry run.");
            assert_eq!(asked(&[(name, "true")]), Err(unknown));
        }
    }

    #[test]
    fn the_text_names_steps_in_their_order_and_what_they_cost() {
        let address = "127.0.0.1:6379".parse().unwrap();
        let replica = Assignment::Replica { of: NodeId(1), address };
        let configure = |node| Step::Configure { node: NodeId(node), parameters: Vec::new(), at_once: 1 };
        let many: Vec<String> = (1..=10).map(|number| format!("m{number}")).collect();
        let now = vec![
            many.iter().map(|name| foreseen(name, 0, configure(1))).collect(),
            vec![foreseen("web-002", 3 << 20, Step::Assign { node: NodeId(2), epoch: 1, role: replica })],
        ];
        let later = vec![vec![foreseen("web-001", 0, Step::Kill { node: NodeId(1) })]];
        let forecast = Forecast {
            stages: vec![
                Stage { window_ms: None, rounds: now, takes: Duration::from_millis(1240) },
                Stage { window_ms: Some(1_795_928_400_000), rounds: later, takes: Duration::from_secs(61) },
            ],
            restarts: vec!["web-001".into()],
            primaries: vec![("web-001".into(), "web-002".into())],
            disconnects: 7,
            losses: vec![Loss { deployment: "web".into(), keys: 5, bytes_over_limit: 2 << 30 }],
            settles: true,
            age: Duration::from_millis(840),
            ..Forecast::default()
        };
        assert_eq!(
            text(&forecast),
            "Steps, in about 1.2 s:\n\
             1. m1, m2, m3, m4, m5, m6, m7, m8 and 2 more: set parameters, without a restart\n\
             2. web-002: become a replica, copying 3.0 MiB\n\
             Steps in the maintenance window, from 2026-11-29T05:00:00.000Z on, in about 2 min:\n\
             1. web-001: kill the process\n\
             Restarted or replaced: web-001\n\
             The primary moves: web-001 to web-002\n\
             Connections that are closed: 7\n\
             Lost: 5 keys of web\n\
             Beyond the memory limit of web: 2.0 GiB, which its eviction policy deals with\n\
             Numbers of keys, bytes and connections are up to 0.8 s old."
        );
    }

    #[test]
    fn every_step_has_its_words() {
        let (node, address) = (NodeId(1), "127.0.0.1:6379".parse().unwrap());
        let replica = || Assignment::Replica { of: NodeId(2), address };
        let assign = |role| Step::Assign { node, epoch: 1, role };
        let listen = |endpoint| Step::Listen { node, endpoint, address };
        let handover = Step::Handover {
            from: NodeId(2),
            from_address: address,
            to: node,
            to_address: address,
            epoch: 1,
        };
        for (copies_bytes, step, words) in [
            (0, Step::Kill { node }, "kill the process"),
            (0, Step::Stop { node }, "save and end the process"),
            (0, Step::Remove { node }, "end the process and remove its directory"),
            (0, assign(Assignment::Primary), "become the primary"),
            (0, assign(replica()), "become a replica"),
            (1, assign(replica()), "become a replica, copying 1 KiB"),
            (0, Step::Drain { node, epoch: 1 }, "leave the lost primary"),
            (0, handover, "take over from the primary, while writes wait"),
            (0, listen(Endpoint::Node), "serve the node's own endpoint"),
            (0, listen(Endpoint::Primary), "serve the primary endpoint"),
            (0, listen(Endpoint::Reader), "serve the reader endpoint"),
            (0, Step::Unlisten { node, endpoint: Endpoint::Primary }, "leave the primary endpoint"),
            (0, Step::Unlisten { node, endpoint: Endpoint::Reader }, "leave the reader endpoint"),
            (
                0,
                Step::Close { endpoint: Endpoint::Reader, address },
                "close the reader endpoint 127.0.0.1:6379",
            ),
            (
                0,
                Step::Configure { node, parameters: Vec::new(), at_once: 1 },
                "set parameters, without a restart",
            ),
        ] {
            assert_eq!(words_of(&foreseen("web-001", copies_bytes, step)), words);
        }
    }

    #[test]
    fn what_changes_is_told_under_its_name() {
        let address = "127.0.0.1:6379".parse().unwrap();
        let close = Step::Close { endpoint: Endpoint::Primary, address };
        let remove = |node| Step::Remove { node: NodeId(node) };
        let rounds = vec![
            (1..=3).map(|number| foreseen(&format!("m{number}"), 0, remove(number))).collect(),
            vec![foreseen("", 0, close)],
        ];
        let over =
            |deployment: &str| Loss { deployment: deployment.into(), keys: 0, bytes_over_limit: 1 << 20 };
        let forecast = Forecast {
            stages: vec![Stage { window_ms: None, rounds, takes: Duration::ZERO }],
            joins: vec!["joins".into()],
            leaves: vec!["leaves".into()],
            waits_for_reboot: vec!["waits".into()],
            losses: vec![over("web"), over("other")],
            unknown: vec!["starts".into()],
            ..Forecast::default()
        };
        assert_eq!(
            text(&forecast),
            "Steps, in about 0.1 s:\n\
             1. m1, m2, m3: end the process and remove its directory\n\
             2. close the primary endpoint 127.0.0.1:6379\n\
             This plan does not come to rest: the steps above are its beginning.\n\
             New: joins\n\
             Gone: leaves\n\
             Waits for a reboot: waits\n\
             Beyond the memory limit of web: 1.0 MiB, which its eviction policy deals with\n\
             Beyond the memory limit of other: 1.0 MiB, which its eviction policy deals with\n\
             Not known is what these hold, and lose: starts"
        );
    }

    #[test]
    fn times_and_sizes_are_told_with_two_digits_or_so_and_rounded_up() {
        for (ms, words) in [
            (0, "0.1 s"),
            (99, "0.1 s"),
            (1240, "1.2 s"),
            (59_900, "59.9 s"),
            (60_000, "1 min"),
            (61_000, "2 min"),
            (3_540_001, "60 min"),
            (3_600_000, "1.0 h"),
            (9_000_000, "2.5 h"),
        ] {
            assert_eq!(seconds(Duration::from_millis(ms)), words, "{ms} ms");
        }
        for (bytes, words) in [
            (1, "1 KiB"),
            (1024, "1 KiB"),
            (1025, "2 KiB"),
            (1 << 20, "1.0 MiB"),
            (1023 << 20, "1023.0 MiB"),
            (1 << 30, "1.0 GiB"),
        ] {
            assert_eq!(size(bytes), words, "{bytes} bytes");
        }
    }

    #[test]
    fn the_answer_is_an_error_that_is_no_failure() {
        let fault = answer(&Forecast { settles: true, ..Forecast::default() });
        assert_eq!(
            (fault.code.as_ref(), fault.status, fault.kind.as_str()),
            ("DryRunOperation", 412, "Sender")
        );
        assert_eq!(
            fault.message,
            "Request would have succeeded, but DryRun flag is set. No node would be touched.\nLost: nothing"
        );
    }

    #[test]
    fn what_touches_no_node_says_so() {
        let forecast = Forecast { settles: true, age: Duration::from_secs(1), ..Forecast::default() };
        assert_eq!(text(&forecast), "No node would be touched.\nLost: nothing");
    }

    #[test]
    fn where_something_is_not_known_nothing_is_said_to_be_kept() {
        let forecast = Forecast { settles: true, unknown: vec!["web-001".into()], ..Forecast::default() };
        assert!(!text(&forecast).contains("Lost: nothing"));
    }
}
