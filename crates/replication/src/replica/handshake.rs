//! The dialogue before the data, line by line.
//!
//! PING alone goes first, to find a dead peer or one that wants a password. AUTH and all REPLCONF lines then go in one
//! write and their answers are read in order; a primary that does not know an option answers an error, which does no
//! harm. PSYNC is last, and its answer may be preceded by any number of newlines while the primary prepares a snapshot.

use super::transfer::Transfer;
use super::{Action, Framing, LinkError, Phase, Replica, send_command};
use crate::ReplicationId;
use bytes::Bytes;

/// Longest line of the dialogue.
pub(super) const MAX_LINE_BYTES: usize = 1024;

/// The command whose answer is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Ping,
    Auth { replconfs: usize },
    Replconf { left: usize },
    Psync,
}

impl Replica {
    /// Takes at most one line from `bytes`, and returns how many bytes that was.
    pub(super) fn handshake_bytes(&mut self, bytes: &[u8], now_ms: u64, actions: &mut Vec<Action>) -> usize {
        let (line, consumed) = match self.take_line(bytes) {
            Ok(found) => found,
            Err(error) => {
                self.fail(error, now_ms, actions);
                return bytes.len();
            }
        };
        if let Some(line) = line.filter(|line| !line.is_empty()) {
            self.answer(&line, now_ms, actions);
        }
        consumed
    }

    /// Collects a line over chunks; `None` until its end has come. The line end is cut off.
    pub(super) fn take_line(&mut self, bytes: &[u8]) -> Result<(Option<String>, usize), LinkError> {
        let end = memchr::memchr(b'\n', bytes);
        let consumed = end.map_or(bytes.len(), |end| end + 1);
        if self.line.len() + consumed > MAX_LINE_BYTES {
            return Err(LinkError::Protocol("too long a line".to_owned()));
        }
        self.line.extend_from_slice(&bytes[..consumed]);
        if end.is_none() {
            return Ok((None, consumed));
        }
        let line = std::mem::take(&mut self.line);
        Ok((Some(String::from_utf8_lossy(line.trim_ascii_end()).into_owned()), consumed))
    }

    fn answer(&mut self, line: &str, now_ms: u64, actions: &mut Vec<Action>) {
        let Phase::Handshake(step) = self.phase else { return };
        match step {
            Step::Ping => {
                let wants_auth = ["-NOAUTH", "-NOPERM", "-ERR operation not permitted"];
                if line.starts_with('+') || wants_auth.iter().any(|error| line.starts_with(error)) {
                    self.introduce(actions);
                } else {
                    self.fail(LinkError::Refused(line.to_owned()), now_ms, actions);
                }
            }
            Step::Auth { .. } if line.starts_with('-') => {
                self.fail(LinkError::Refused(line.to_owned()), now_ms, actions);
            }
            Step::Auth { replconfs } => self.phase = Phase::Handshake(Step::Replconf { left: replconfs }),
            Step::Replconf { left: 1 } => self.ask(actions),
            Step::Replconf { left } => self.phase = Phase::Handshake(Step::Replconf { left: left - 1 }),
            Step::Psync => self.psync_answer(line, now_ms, actions),
        }
    }

    fn introduce(&mut self, actions: &mut Vec<Action>) {
        let settings = &self.settings;
        let auth = !settings.auth_password.is_empty();
        if auth {
            match &settings.auth_user {
                Some(user) => send_command(actions, &[b"AUTH", user, &settings.auth_password]),
                None => send_command(actions, &[b"AUTH", &settings.auth_password]),
            }
        }
        let port = settings.port.to_string();
        send_command(actions, &[b"REPLCONF", b"listening-port", port.as_bytes()]);
        let mut replconfs = 2;
        if let Some(ip) = &settings.announce_ip {
            send_command(actions, &[b"REPLCONF", b"ip-address", ip.as_bytes()]);
            replconfs += 1;
        }
        send_command(actions, &[b"REPLCONF", b"capa", b"eof", b"capa", b"psync2"]);
        if let Some(version) = &settings.version {
            send_command(actions, &[b"REPLCONF", b"version", version.as_bytes()]);
            replconfs += 1;
        }
        let step = if auth { Step::Auth { replconfs } } else { Step::Replconf { left: replconfs } };
        self.phase = Phase::Handshake(step);
    }

    fn ask(&mut self, actions: &mut Vec<Action>) {
        match self.resume {
            Some((id, offset)) => {
                let first_byte = (offset + 1).to_string();
                send_command(actions, &[b"PSYNC", id.as_str().as_bytes(), first_byte.as_bytes()]);
            }
            None => send_command(actions, &[b"PSYNC", b"?", b"-1"]),
        }
        self.phase = Phase::Handshake(Step::Psync);
    }

    fn psync_answer(&mut self, line: &str, now_ms: u64, actions: &mut Vec<Action>) {
        let mut words = line.split(' ');
        let (kind, id) = (words.next().unwrap_or(""), words.next());
        let id = id.map(|id| ReplicationId::parse(id.as_bytes()));
        let offset = words.next().and_then(|offset| offset.parse().ok());
        match (kind, id, offset, self.resume) {
            ("+FULLRESYNC", Some(Some(id)), Some(offset), _) => {
                self.promised = Some((id, offset));
                self.pre_psync = false;
                self.begin_transfer();
            }
            ("+CONTINUE", None | Some(Some(_)), _, Some((old, offset))) => {
                self.continue_as(id.flatten().unwrap_or(old), offset, now_ms, actions);
            }
            ("-NOMASTERLINK" | "-LOADING", ..) => {
                self.fail(LinkError::TryLater(line.to_owned()), now_ms, actions);
            }
            _ if line.starts_with('-') => {
                // A primary from before PSYNC: it knows SYNC, and tells neither id nor offset.
                self.resume = None;
                self.promised = None;
                self.pre_psync = true;
                self.begin_transfer();
                actions.push(Action::Send(Bytes::from_static(b"SYNC\r\n")));
            }
            _ => self.fail(LinkError::Protocol(line.to_owned()), now_ms, actions),
        }
    }

    fn begin_transfer(&mut self) {
        self.transfer_total = -1;
        self.transfer_read = 0;
        self.phase = Phase::Transfer(Transfer::header());
    }

    fn continue_as(&mut self, id: ReplicationId, offset: u64, now_ms: u64, actions: &mut Vec<Action>) {
        self.resume = Some((id, offset));
        self.received = offset;
        self.applied = offset;
        self.down_since_ms = None;
        self.last_cron_ms = now_ms;
        self.phase = Phase::Connected(Framing::new());
        actions.push(Action::AdoptId(id));
    }
}
