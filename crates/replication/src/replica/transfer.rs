//! Receiving a snapshot, in both of its forms.

use super::end_mark::EndMark;
use super::{Action, Framing, LinkError, Phase, Replica};

#[derive(Debug)]
pub(super) enum Transfer {
    /// The line `$<length>` or `$EOF:<mark>`; newlines before it say that it is being prepared.
    Header,
    Length {
        left: u64,
    },
    Mark(Box<EndMark>),
}

impl Transfer {
    pub(super) fn header() -> Transfer {
        Transfer::Header
    }
}

impl Replica {
    /// Takes bytes of a snapshot from `at` on, and returns where it stopped.
    pub(super) fn transfer_bytes(
        &mut self,
        bytes: &[u8],
        at: usize,
        now_ms: u64,
        actions: &mut Vec<Action>,
    ) -> usize {
        let Phase::Transfer(transfer) = &mut self.phase else { return at };
        match transfer {
            Transfer::Header => self.transfer_header(bytes, at, now_ms, actions),
            Transfer::Length { left } => {
                let take = (*left).min((bytes.len() - at) as u64);
                *left -= take;
                let (end, whole) = (at + take as usize, *left == 0);
                self.transfer_read += take;
                push_chunk(actions, at..end);
                if whole {
                    self.transfer_whole(false, actions);
                }
                end
            }
            Transfer::Mark(mark) => {
                let scan = mark.scan(&bytes[at..]);
                if !scan.released.is_empty() {
                    actions.push(Action::LoadHeld(scan.released.into()));
                }
                push_chunk(actions, at + scan.data.start..at + scan.data.end);
                if scan.end.is_some() {
                    self.transfer_whole(true, actions);
                }
                let stopped = scan.end.map_or(bytes.len(), |end| at + end);
                self.transfer_read += (stopped - at) as u64;
                stopped
            }
        }
    }

    fn transfer_header(&mut self, bytes: &[u8], at: usize, now_ms: u64, actions: &mut Vec<Action>) -> usize {
        let (line, consumed) = match self.take_line(&bytes[at..]) {
            Ok(found) => found,
            Err(error) => {
                self.fail(error, now_ms, actions);
                return bytes.len();
            }
        };
        let Some(line) = line.filter(|line| !line.is_empty()) else { return at + consumed };
        match parse_header(&line) {
            Some((transfer, length)) => {
                self.resume = None;
                self.transfer_total = length.unwrap_or(0) as i64;
                self.transfer_read = 0;
                actions.push(Action::LoadBegin { length });
                self.phase = Phase::Transfer(transfer);
                if length == Some(0) {
                    self.transfer_whole(false, actions);
                }
            }
            None if line.starts_with('-') => self.fail(LinkError::Refused(line), now_ms, actions),
            None => self.fail(LinkError::Protocol(line), now_ms, actions),
        }
        at + consumed
    }

    /// A primary that sent a mark waits for an ACK before it streams, so that one is sent as soon as the load is
    /// done; after a length the next one is early enough.
    fn transfer_whole(&mut self, marked: bool, actions: &mut Vec<Action>) {
        self.received = self.promised.map_or(0, |(_, offset)| offset);
        self.applied = self.received;
        self.phase = Phase::Loading { framing: Framing::new(), ack_at_once: marked };
        actions.push(Action::LoadEnd);
    }
}

fn push_chunk(actions: &mut Vec<Action>, range: std::ops::Range<usize>) {
    if !range.is_empty() {
        actions.push(Action::LoadChunk(range));
    }
}

fn parse_header(line: &str) -> Option<(Transfer, Option<u64>)> {
    let value = line.strip_prefix('$')?;
    if let Some(mark) = value.strip_prefix("EOF:") {
        let mark: &[u8; 40] = mark.as_bytes().try_into().ok()?;
        return Some((Transfer::Mark(Box::new(EndMark::new(mark))), None));
    }
    let length = value.parse().ok()?;
    Some((Transfer::Length { left: length }, Some(length)))
}
