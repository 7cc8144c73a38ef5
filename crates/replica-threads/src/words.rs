//! The log's sentences about replication links. Scripts wait for them, and each version has its own word for a primary.

use profile::Profile;
use replication::replica::{LinkError, State};

/// A primary's name in sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Words {
    pub upper: &'static str,
    pub title: &'static str,
    pub lower: &'static str,
}

impl Words {
    pub(crate) fn of(profile: Profile) -> Words {
        match profile.has("8.0.0") {
            true => Words { upper: "PRIMARY", title: "Primary", lower: "primary" },
            false => Words { upper: "MASTER", title: "Master", lower: "master" },
        }
    }

    /// Why a link in this state was given up; nothing when somebody wanted it.
    pub(crate) fn given_up(self, state: State, error: &LinkError) -> Option<String> {
        let Words { upper, title, .. } = self;
        Some(match (error, state) {
            (LinkError::Reconfigured, _) => return None,
            (LinkError::TimedOut, State::Connected) => {
                format!("{upper} timeout: no data nor PING received...")
            }
            (LinkError::TimedOut, State::Transfer | State::Loading) => format!(
                "Timeout receiving bulk data from {upper}... If the problem persists try to set the \
                 'repl-timeout' parameter to a larger value."
            ),
            (LinkError::TimedOut, _) => format!("Timeout connecting to the {upper}..."),
            (LinkError::Refused(line), State::Transfer) => {
                format!("{upper} aborted replication with an error: {}", line.trim_start_matches('-'))
            }
            (LinkError::Refused(line), _) => format!("Error reply from {upper}: '{line}'"),
            (LinkError::TryLater(line), _) => {
                format!("{title} is currently unable to PSYNC but should be in the future: {line}")
            }
            (LinkError::Protocol(what), _) => format!("Bad protocol from {upper}: {what}"),
            (LinkError::LoadFailed, _) => {
                format!("Failed trying to load the {upper} synchronization DB, check server logs.")
            }
        })
    }

    /// What a request to the primary is about, if it asks to synchronise.
    pub(crate) fn asked(self, request: &[u8]) -> Option<String> {
        let words = request.strip_prefix(b"*3\r\n$5\r\nPSYNC\r\n")?;
        let words = String::from_utf8_lossy(words);
        let mut words = words.split("\r\n").filter(|word| !word.starts_with('$'));
        match (words.next()?, words.next()?) {
            ("?", _) => Some(format!("Partial resynchronization not possible (no cached {})", self.lower)),
            (id, first_byte) => {
                Some(format!("Trying a partial resynchronization (request {id}:{first_byte})."))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_told_by_what_it_asks_for() {
        let words = Words::of(Profile::Redis70);
        let asked = |request: &str| words.asked(request.as_bytes());
        assert_eq!(
            asked("*3\r\n$5\r\nPSYNC\r\n$2\r\nab\r\n$2\r\n51\r\n").as_deref(),
            Some("Trying a partial resynchronization (request ab:51).")
        );
        assert_eq!(
            asked("*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n").as_deref(),
            Some("Partial resynchronization not possible (no cached master)")
        );
        assert_eq!(asked("*1\r\n$4\r\nPING\r\n"), None);
    }

    #[test]
    fn a_timeout_is_told_by_how_far_the_link_was() {
        let words = Words::of(Profile::Redis70);
        let timed_out = |state| words.given_up(state, &LinkError::TimedOut).expect("a sentence");
        assert_eq!(timed_out(State::Handshake), "Timeout connecting to the MASTER...");
        assert_eq!(timed_out(State::Connected), "MASTER timeout: no data nor PING received...");
        assert!(timed_out(State::Transfer).starts_with("Timeout receiving bulk data from MASTER..."));
        assert_eq!(words.given_up(State::Connected, &LinkError::Reconfigured), None);
        let valkey = Words::of(Profile::Valkey80).given_up(State::Connecting, &LinkError::TimedOut);
        assert_eq!(valkey.as_deref(), Some("Timeout connecting to the PRIMARY..."));
    }
}
