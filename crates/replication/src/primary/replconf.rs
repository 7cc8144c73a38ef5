//! REPLCONF, PSYNC and SYNC as a primary handles them.

use super::link::{CloseReason, Link, LinkState};
use super::{Action, LinkId, Primary, Upstream};
use crate::{Backlog, ReplicationId};
use bytes::Bytes;

/// Longest address `REPLCONF ip-address` may announce: one less than a host name's room in Redis.
const MAX_ADDRESS_BYTES: usize = 255;

/// The first major version of Valkey whose snapshots have a form of its own.
const FIRST_WITH_OWN_FILES: u8 = 9;
const OK: &[u8] = b"+OK\r\n";
const NOT_AN_INTEGER: &str = "-ERR value is not an integer or out of range\r\n";

impl Primary {
    pub(super) fn replconf(&mut self, id: LinkId, args: &[&[u8]], now_ms: u64, actions: &mut Vec<Action>) {
        let link = self.links.entry(id).or_insert_with(|| Link::new(now_ms));
        let reply = match configure(link, args, now_ms) {
            Outcome::Reply(reply) => reply,
            Outcome::Acknowledged => {
                actions.push(Action::Acknowledged);
                self.start_stream_on_ack(id, actions);
                return;
            }
            Outcome::AcknowledgeUpstream => {
                if self.upstream == Upstream::Connected {
                    actions.push(Action::AcknowledgeUpstream);
                }
                return;
            }
            Outcome::Silence => return,
        };
        if self.link_state(id) == Some(LinkState::Handshake) {
            actions.push(Action::Send { link: id, bytes: reply });
        } else {
            // A reply would stand in the middle of the snapshot or the stream.
            self.close(id, CloseReason::WouldReply, now_ms, actions);
        }
    }

    fn start_stream_on_ack(&mut self, id: LinkId, actions: &mut Vec<Action>) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if link.state == LinkState::Online && std::mem::take(&mut link.stream_on_ack) {
            actions.push(Action::StartStream { link: id });
        }
    }

    pub(super) fn sync(
        &mut self,
        id: LinkId,
        peer_ip: &str,
        psync: Option<(&[u8], &[u8])>,
        pending_output: bool,
        now_ms: u64,
        actions: &mut Vec<Action>,
    ) {
        let link = self.links.entry(id).or_insert_with(|| Link::new(now_ms));
        if link.state != LinkState::Handshake {
            return;
        }
        let first_byte = match psync.map(|(_, offset)| parse_integer(offset)) {
            Some(None) => Err(NOT_AN_INTEGER),
            Some(Some(offset)) => Ok(offset),
            None => Ok(-1),
        };
        let refusal = if self.upstream == Upstream::Down {
            Some("-NOMASTERLINK Can't SYNC while not connected with my master\r\n")
        } else if pending_output {
            Some("-ERR SYNC and PSYNC are invalid with pending output\r\n")
        } else if link.filter.filters() && !link.capabilities.eof {
            Some("-ERR Filtered replica requires EOF capability\r\n")
        } else {
            first_byte.err()
        };
        if let Some(error) = refusal {
            actions.push(Action::Send { link: id, bytes: Bytes::from_static(error.as_bytes()) });
            return;
        }
        link.peer_ip = peer_ip.to_owned();
        link.attached_ms = now_ms;
        link.ack_ms = now_ms;
        link.pre_psync = psync.is_none();
        actions.push(Action::Attached { link: id });
        if let (Some((replid, _)), Ok(first_byte)) = (psync, first_byte) {
            if self.continue_from(id, replid, first_byte, actions) {
                return;
            }
            self.counters.partial_err += u64::from(replid.first() != Some(&b'?'));
        }
        self.full_resync(id, now_ms, actions);
    }

    fn continue_from(
        &mut self,
        id: LinkId,
        replid: &[u8],
        first_byte: i64,
        actions: &mut Vec<Action>,
    ) -> bool {
        let covered = self.history.covers(replid, first_byte);
        let position = first_byte.checked_sub(1).and_then(|position| u64::try_from(position).ok());
        let (true, Some(position), Some(backlog)) = (covered, position, &mut self.backlog) else {
            return false;
        };
        let Some(reader) = backlog.open_reader(position) else { return false };
        let link = self.links.get_mut(&id).expect("the caller made the link");
        link.state = LinkState::Online;
        link.reader = Some(reader);
        let reply = match link.capabilities.psync2 {
            true => format!("+CONTINUE {}\r\n", self.history.id()),
            false => "+CONTINUE\r\n".to_owned(),
        };
        self.counters.partial_ok += 1;
        actions.push(Action::Send { link: id, bytes: reply.into() });
        actions.push(Action::StartStream { link: id });
        true
    }

    fn full_resync(&mut self, id: LinkId, now_ms: u64, actions: &mut Vec<Action>) {
        self.counters.full += 1;
        self.links.get_mut(&id).expect("the caller made the link").state = LinkState::WaitStart;
        if self.backlog.is_none() {
            self.history.reset(ReplicationId::from_random((self.random)()));
            self.backlog = Some(Backlog::new(self.offset, self.settings.backlog_bytes));
        }
        self.place_in_snapshot(id, now_ms, actions);
    }
}

enum Outcome {
    Reply(Bytes),
    Acknowledged,
    AcknowledgeUpstream,
    Silence,
}

impl Outcome {
    fn error(text: String) -> Outcome {
        Outcome::Reply(format!("-ERR {text}\r\n").into())
    }
}

/// The first of the three numbers of a version, each below 256.
fn major_version(text: &[u8]) -> Option<u8> {
    let numbers = str::from_utf8(text).ok()?.split('.').map(|number| number.parse().ok());
    let numbers: Option<Vec<u8>> = numbers.collect();
    numbers.filter(|numbers| numbers.len() == 3).map(|numbers| numbers[0])
}

fn configure(link: &mut Link, args: &[&[u8]], now_ms: u64) -> Outcome {
    if !args.len().is_multiple_of(2) {
        return Outcome::error("syntax error".to_owned());
    }
    for (index, pair) in args.chunks_exact(2).enumerate() {
        let (option, value) = (pair[0].to_ascii_lowercase(), pair[1]);
        match option.as_slice() {
            b"listening-port" => match parse_integer(value) {
                Some(port) => link.listening_port = port,
                None => return Outcome::Reply(Bytes::from_static(NOT_AN_INTEGER.as_bytes())),
            },
            b"ip-address" if value.len() > MAX_ADDRESS_BYTES => {
                let length = value.len();
                return Outcome::error(format!(
                    "REPLCONF ip-address provided by replica instance is too long: {length} bytes"
                ));
            }
            b"ip-address" => {
                let address = String::from_utf8_lossy(value).into_owned();
                link.announced_ip = (!address.is_empty()).then_some(address);
            }
            b"capa" if value.eq_ignore_ascii_case(b"eof") => link.capabilities.eof = true,
            b"capa" if value.eq_ignore_ascii_case(b"psync2") => link.capabilities.psync2 = true,
            b"capa" => {}
            b"version" => match major_version(value) {
                Some(major) => link.filter.reads_valkey = major >= FIRST_WITH_OWN_FILES,
                None => {
                    let value = String::from_utf8_lossy(value);
                    return Outcome::error(format!("Unrecognized version format: {value}"));
                }
            },
            b"ack" => return acknowledge(link, value, args.get(index * 2 + 2..), now_ms),
            b"getack" => return Outcome::AcknowledgeUpstream,
            b"rdb-only" => match parse_integer(value) {
                Some(flag @ 0..=1) => link.rdb_only = flag == 1,
                Some(_) => {
                    return Outcome::error("value is out of range, value must between 0 and 1".to_owned());
                }
                None => return Outcome::Reply(Bytes::from_static(NOT_AN_INTEGER.as_bytes())),
            },
            b"rdb-filter-only" => {
                if let Err(text) = filter(link, value) {
                    return Outcome::error(text);
                }
            }
            _ => {
                let option = String::from_utf8_lossy(pair[0]).replace(['\r', '\n'], " ");
                return Outcome::error(format!("Unrecognized REPLCONF option: {option}"));
            }
        }
    }
    Outcome::Reply(Bytes::from_static(OK))
}

/// `ACK <offset> [FACK <offset in the append-only file>]`, which is never answered.
fn acknowledge(link: &mut Link, offset: &[u8], rest: Option<&[&[u8]]>, now_ms: u64) -> Outcome {
    if link.state == LinkState::Handshake {
        return Outcome::Silence;
    }
    let Some(offset) = parse_integer(offset) else { return Outcome::Silence };
    link.ack_offset = link.ack_offset.max(offset.max(0) as u64);
    if let Some([name, offset, ..]) = rest
        && name.eq_ignore_ascii_case(b"fack")
        && let Some(offset) = parse_integer(offset)
    {
        link.aof_offset = link.aof_offset.max(offset.max(0) as u64);
    }
    link.ack_ms = now_ms;
    Outcome::Acknowledged
}

/// A list of what the snapshot shall contain; all else is left out. Only `functions` has a name.
fn filter(link: &mut Link, value: &[u8]) -> Result<(), String> {
    link.filter.exclude_data = true;
    link.filter.exclude_functions = true;
    for name in value.split(u8::is_ascii_whitespace).filter(|name| !name.is_empty()) {
        if !name.eq_ignore_ascii_case(b"functions") {
            let name = String::from_utf8_lossy(name).into_owned();
            return Err(format!("Unsupported rdb-filter-only option: {name}"));
        }
        link.filter.exclude_functions = false;
    }
    Ok(())
}

/// A decimal integer as Redis takes it from an argument: no spaces, no plus sign, no leading zeros.
fn parse_integer(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let value: i64 = text.parse().ok()?;
    (itoa::Buffer::new().format(value) == text).then_some(value)
}
