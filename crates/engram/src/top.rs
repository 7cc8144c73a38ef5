//! `engram top`: all members as a table that is drawn anew each second.
//!
//! A frame is drawn over the one before: the cursor goes up as many lines as that had, and what is below is cleared. Nothing else of
//! the terminal is changed, so there is nothing to put back, however the program ends. A frame is cut to the window, since neither a
//! line that wraps nor one that has scrolled away can be drawn over.

use crate::charts::{count, size, table};
use anyhow::Result;
use region::{MemberNow, Now};
use std::io::IsTerminal;
use std::time::Duration;

/// The options of `engram top`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) data: crate::data_directory::DataDirectory,
    /// Print one table and end
    #[arg(long)]
    once: bool,
}

const HEAD: [&str; 11] =
    ["MEMBER", "ROLE", "OPS/S", "CPU", "ENGINE", "MEMORY", "KEYS", "CONNS", "HITS", "LAG", "NETWORK"];

/// Between frames: what is shown changes once a second.
const PERIOD: Duration = Duration::from_secs(1);

/// Asks the control plane that runs on the data directory, again and again.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let data = arguments.data.path()?;
    if arguments.once {
        let lines = frame(&region::whereabouts::now(&data)?);
        return crate::console::print(&(lines.join("\n") + "\n"));
    }
    let is_terminal = std::io::stdout().is_terminal();
    let mut drawn = 0;
    loop {
        let mut lines = frame(&region::whereabouts::now(&data)?);
        if is_terminal && let Ok(window) = rustix::termios::tcgetwinsize(std::io::stdout()) {
            cut(&mut lines, window.ws_row.into(), window.ws_col.into());
        }
        crate::console::print(&over(drawn, &lines, is_terminal))?;
        drawn = lines.len();
        std::thread::sleep(PERIOD);
    }
}

/// The lines, drawn over so many that were drawn before.
fn over(drawn: usize, lines: &[String], is_terminal: bool) -> String {
    let text = lines.join("\n") + "\n";
    match drawn {
        0 => text,
        _ if is_terminal => format!("\x1b[{drawn}A\r\x1b[J{text}"),
        _ => format!("\n{text}"),
    }
}

/// Cuts a frame to a window, whose last line is the cursor's. A window of no size says nothing.
fn cut(lines: &mut Vec<String>, rows: usize, columns: usize) {
    if rows > 1 && lines.len() > rows - 1 {
        lines.truncate(rows - 1);
        if let Some(last) = lines.last_mut() {
            "…".clone_into(last);
        }
    }
    if columns > 0 {
        for line in lines {
            *line = line.chars().take(columns).collect();
        }
    }
}

fn frame(now: &Now) -> Vec<String> {
    if now.members.is_empty() {
        return vec!["There is no member yet.".to_owned()];
    }
    let silent = now.members.iter().filter(|member| !member.answers).count();
    let sum = |name: &str| now.members.iter().filter_map(|member| member.values.get(name)).sum::<f64>();
    let ops: f64 = now.members.iter().filter_map(|member| rate(member, "ProcessedCommands")).sum();
    let mut lines = vec![format!(
        "{} members, {silent} without an answer; {} commands a second, {} of memory, {} connections",
        now.members.len(),
        count(ops.round()),
        size(sum("BytesUsedForCache")),
        count(sum("CurrConnections")),
    )];
    for of_region in now.members.chunk_by(|one, other| one.region == other.region) {
        let mut rows = vec![HEAD.map(str::to_owned).to_vec()];
        rows.extend(of_region.iter().map(|member| row(member).to_vec()));
        lines.push(format!("Region {}", of_region[0].region));
        lines.extend(table(&rows, 2).into_iter().map(|line| format!("  {line}")));
    }
    lines
}

/// What has grown, by the second.
fn rate(member: &MemberNow, name: &str) -> Option<f64> {
    member.values.get(name).filter(|_| member.seconds > 0.0).map(|grown| grown / member.seconds)
}

fn row(member: &MemberNow) -> [String; 11] {
    let get = |name: &str| member.values.get(name).copied();
    let shown = |number: Option<f64>, words: &dyn Fn(f64) -> String| number.map_or("-".to_owned(), words);
    let percent = |number: Option<f64>| shown(number, &|number| format!("{number:.1}%"));
    let role = match get("IsMaster") {
        Some(is) if is > 0.0 => "primary",
        Some(_) => "replica",
        None => "no answer",
    };
    let memory = match (get("BytesUsedForCache"), get("DatabaseMemoryUsagePercentage")) {
        (Some(bytes), Some(share)) => format!("{} ({share:.0}%)", size(bytes)),
        (bytes, _) => shown(bytes, &size),
    };
    let network = rate(member, "NetworkBytesIn").zip(rate(member, "NetworkBytesOut"));
    [
        member.member.clone(),
        role.to_owned(),
        shown(rate(member, "ProcessedCommands"), &|number| count(number.round())),
        percent(get("CPUUtilization")),
        percent(get("EngineCPUUtilization")),
        memory,
        shown(get("CurrItems"), &count),
        shown(get("CurrConnections"), &count),
        percent(get("CacheHitRate")),
        shown(get("ReplicationLag"), &|number| format!("{number:.2} s")),
        network.map_or("-".to_owned(), |(within, out)| format!("{}/s in, {}/s out", size(within), size(out))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, answers: bool, values: &[(&str, f64)]) -> MemberNow {
        MemberNow {
            region: "us-east-1".into(),
            deployment: "web".into(),
            member: name.into(),
            node: "n1".into(),
            answers,
            seconds: if answers { 2.0 } else { 0.0 },
            values: values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
        }
    }

    #[test]
    fn a_member_is_a_line() {
        let primary = [
            ("IsMaster", 1.0),
            ("ProcessedCommands", 200.0),
            ("CPUUtilization", 12.34),
            ("BytesUsedForCache", 2048.0),
            ("DatabaseMemoryUsagePercentage", 50.4),
            ("CurrConnections", 3.0),
            ("NetworkBytesIn", 2048.0),
            ("NetworkBytesOut", 4096.0),
        ];
        let replica = [("IsMaster", 0.0), ("ReplicationLag", 0.256), ("CacheHitRate", 100.0)];
        let members = vec![
            member("web-001", true, &primary),
            member("web-002", true, &replica),
            member("web-003", false, &[]),
        ];
        let lines = frame(&Now { at: 1, members });
        assert_eq!(
            lines[0],
            "3 members, 1 without an answer; 100 commands a second, 2.0 KiB of memory, 3 connections"
        );
        assert_eq!(lines[1], "Region us-east-1");
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
        assert_eq!(
            words(&lines[3]),
            "web-001 primary 100 12.3% - 2.0 KiB (50%) - 3 - - 1.0 KiB/s in, 2.0 KiB/s out"
        );
        assert_eq!(words(&lines[4]), "web-002 replica - - - - - - 100.0% 0.26 s -");
        assert_eq!(words(&lines[5]), "web-003 no answer - - - - - - - - -");
    }

    #[test]
    fn a_frame_is_drawn_over_the_one_before() {
        let mut lines: Vec<String> = ["Head", "one", "two", "three"].map(str::to_owned).to_vec();
        assert_eq!(over(0, &lines[..1], true), "Head\n");
        assert_eq!(over(4, &lines[..1], true), "\x1b[4A\r\x1b[JHead\n");
        assert_eq!(over(4, &lines[..1], false), "\nHead\n", "not in a file");
        cut(&mut lines, 4, 3);
        assert_eq!(lines, ["Hea", "one", "…"], "the cursor needs a line");
        cut(&mut lines, 0, 0);
        assert_eq!(lines.len(), 3, "a window that says nothing");
    }
}
