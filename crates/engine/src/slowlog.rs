//! The slow log: the last commands that took longer than `slowlog-log-slower-than`.

use profile::Profile;
use std::collections::VecDeque;

/// Arguments beyond this many are not kept.
const MAX_ARGUMENTS: usize = 32;
/// Bytes beyond this many of an argument are not kept.
const MAX_ARGUMENT_BYTES: usize = 128;

/// One slow command.
#[derive(Debug, Clone)]
pub struct SlowEntry {
    /// Grows with each entry.
    pub id: u64,
    /// When it ran.
    pub unix_s: u64,
    /// How long it took.
    pub microseconds: u64,
    /// The command, shortened.
    pub argv: Vec<Vec<u8>>,
    /// Its client's address.
    pub addr: String,
    /// Its client's name.
    pub name: Vec<u8>,
}

/// The log, newest first.
#[derive(Debug)]
pub struct SlowLog {
    /// See [`redacted`].
    hides_users: bool,
    next_id: u64,
    entries: VecDeque<SlowEntry>,
}

/// Parameters whose values are shown to nobody.
const SECRETS: &[&str] = &[
    "requirepass",
    "masteruser",
    "primaryuser",
    "masterauth",
    "primaryauth",
    "tls-key-file-pass",
    "tls-client-key-file-pass",
];

impl SlowLog {
    /// An empty log of a server that speaks as a version.
    pub fn new(profile: Profile) -> SlowLog {
        SlowLog { hides_users: profile.has("7.2.0"), next_id: 0, entries: VecDeque::new() }
    }

    /// Adds a command with this full name; the oldest entry goes.
    pub fn push(
        &mut self,
        full_name: &str,
        argv: &[&[u8]],
        microseconds: u64,
        unix_s: u64,
        who: (String, Vec<u8>),
        max_len: usize,
    ) {
        let id = self.next_id;
        self.next_id += 1;
        let (addr, name) = who;
        self.entries.push_front(SlowEntry {
            id,
            unix_s,
            microseconds,
            argv: shortened(&redacted(full_name, argv, self.hides_users)),
            addr,
            name,
        });
        self.entries.truncate(max_len);
    }

    /// The newest entries.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &SlowEntry> {
        self.entries.iter()
    }

    /// Forgets all entries.
    pub fn reset(&mut self) {
        self.entries.clear();
    }
}

/// The arguments with what nobody may read replaced: passwords and rules, and since 7.2 (`hides_users`) also whom ACL DELUSER and
/// ACL GETUSER are about.
fn redacted<'a>(full_name: &str, argv: &[&'a [u8]], hides_users: bool) -> Vec<&'a [u8]> {
    const HIDDEN: &[u8] = b"(redacted)";
    let mut shown = argv.to_vec();
    let is =
        |at: usize, word: &str| argv.get(at).is_some_and(|arg| arg.eq_ignore_ascii_case(word.as_bytes()));
    match full_name {
        "auth" => shown[1..].fill(HIDDEN),
        "hello" => {
            let at = (2..argv.len()).find(|&at| is(at, "auth")).unwrap_or(argv.len());
            shown.iter_mut().skip(at + 1).take(2).for_each(|arg| *arg = HIDDEN);
        }
        "migrate" => {
            let mut at = 6;
            while at < argv.len() && !is(at, "keys") {
                let secrets = if is(at, "auth2") { 2 } else { usize::from(is(at, "auth")) };
                shown.iter_mut().skip(at + 1).take(secrets).for_each(|arg| *arg = HIDDEN);
                at += 1 + secrets;
            }
        }
        "config|set" => {
            let secret = |at| SECRETS.iter().any(|name| is(at, name));
            (3..argv.len()).step_by(2).filter(|&at| secret(at - 1)).for_each(|at| shown[at] = HIDDEN);
        }
        "acl|setuser" => shown[2..].fill(HIDDEN),
        "acl|deluser" | "acl|getuser" if hides_users => shown[2..].fill(HIDDEN),
        _ => {}
    }
    shown
}

fn shortened(argv: &[&[u8]]) -> Vec<Vec<u8>> {
    let kept = if argv.len() > MAX_ARGUMENTS { MAX_ARGUMENTS - 1 } else { argv.len() };
    let mut out: Vec<Vec<u8>> = argv[..kept]
        .iter()
        .map(|arg| {
            let mut text = arg[..arg.len().min(MAX_ARGUMENT_BYTES)].to_vec();
            if arg.len() > MAX_ARGUMENT_BYTES {
                let more = arg.len() - MAX_ARGUMENT_BYTES;
                text.extend_from_slice(format!("... ({more} more bytes)").as_bytes());
            }
            text
        })
        .collect();
    if kept < argv.len() {
        out.push(format!("... ({} more arguments)", argv.len() - kept).into_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_commands_are_shortened() {
        let long = vec![b'x'; 200];
        let argv: Vec<&[u8]> = std::iter::repeat_n(long.as_slice(), 40).collect();
        let short = shortened(&argv);
        assert_eq!(short.len(), 32);
        assert!(short[0].ends_with(b"x... (72 more bytes)"));
        assert_eq!(short[31], b"... (9 more arguments)");
    }

    #[test]
    fn passwords_are_not_kept() {
        let shown = |full_name: &str, line: &str| {
            let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            String::from_utf8(redacted(full_name, &argv, true).join(&b' ')).expect("text")
        };
        assert_eq!(shown("auth", "AUTH p"), "AUTH (redacted)");
        assert_eq!(shown("auth", "auth u p"), "auth (redacted) (redacted)");
        assert_eq!(
            shown("hello", "HELLO 3 AUTH u p SETNAME n"),
            "HELLO 3 AUTH (redacted) (redacted) SETNAME n"
        );
        assert_eq!(
            shown("migrate", "MIGRATE h 1 k 0 9 AUTH keys AUTH2 u p COPY KEYS auth k"),
            "MIGRATE h 1 k 0 9 AUTH (redacted) AUTH2 (redacted) (redacted) COPY KEYS auth k"
        );
        assert_eq!(
            shown("config|set", "config set port 1 RequirePass p"),
            "config set port 1 RequirePass (redacted)"
        );
        assert_eq!(shown("set", "set auth p"), "set auth p");
        // Whatever the command is called now.
        assert_eq!(shown("auth", "log-in p"), "log-in (redacted)");
        assert_eq!(
            shown("acl|setuser", "ACL SETUSER u on >p"),
            "ACL SETUSER (redacted) (redacted) (redacted)"
        );
        assert_eq!(shown("acl|deluser", "ACL DELUSER u"), "ACL DELUSER (redacted)");
        assert_eq!(shown("acl|dryrun", "ACL DRYRUN u get k"), "ACL DRYRUN u get k");
        let deluser: &[&[u8]] = &[b"ACL", b"DELUSER", b"u"];
        assert_eq!(redacted("acl|deluser", deluser, false), deluser);
    }

    #[test]
    fn the_oldest_go_first() {
        let mut log = SlowLog::new(Profile::Redis70);
        for n in 0..5 {
            log.push("ping", &[b"ping"], n, 0, (String::new(), Vec::new()), 3);
        }
        assert_eq!(log.iter().map(|entry| entry.id).collect::<Vec<_>>(), [4, 3, 2]);
    }
}
