//! A replica's connection in the feeder: what it is to get, and in which order.
//!
//! Answers of the dialogue and the snapshot go through the event loop's queue of the connection, so their order is the order
//! of the calls; so does the stream while the socket is full, a piece at a time ([`Outlet`](crate::outlet::Outlet)). A
//! snapshot is handed over only while less than [`WINDOW_BYTES`] are queued. The rest stays where it is, once for all
//! replicas: in the backlog, the spool, the walk.

use event_loop::{Token, Transport};
use files::Scratch;
use resp::{Args, Parser};
use session::ClientShared;
use std::collections::VecDeque;
use std::sync::Arc;

/// Bytes handed to the event loop for one replica: enough to keep a socket busy for a turn of the loop.
pub(crate) const WINDOW_BYTES: usize = 512 << 10;
/// Bytes handed over in one piece.
const PIECE_BYTES: usize = 64 << 10;

/// A spooled snapshot that is complete.
#[derive(Debug, Clone)]
pub struct Spool {
    pub file: Arc<Scratch>,
    pub length: u64,
}

/// See the module's essay.
#[derive(Debug)]
pub(crate) struct Connection {
    pub id: u64,
    pub token: Token,
    pub info: Arc<ClientShared>,
    /// What it is called in logs.
    pub name: String,
    /// It is given a snapshot first.
    pub in_full_sync: bool,
    pub parser: Parser,
    pub args: Args,
    pub inbuf: Vec<u8>,
    /// Buffers that the event loop has: their lengths, and whether they are stream.
    in_flight: VecDeque<(usize, bool)>,
    /// Its socket once more, for its outlet.
    pub socket: Option<Transport>,
    /// It has an outlet: the stream is sent to it.
    pub streams: bool,
    /// The spool and how much of it was handed over.
    pub spool: Option<(Spool, u64)>,
    /// A snapshot is being sent as it is made.
    pub live: bool,
    /// The walk waits for this replica.
    pub blocked: bool,
    /// It ends when everything is sent, or at that time.
    pub closing_until_ms: Option<u64>,
}

impl Connection {
    pub(crate) fn new(
        token: Token,
        info: Arc<ClientShared>,
        name: String,
        socket: Option<Transport>,
        inbuf: Vec<u8>,
    ) -> Connection {
        Connection {
            id: info.id,
            token,
            info,
            name,
            in_full_sync: false,
            parser: Parser::new(),
            args: Args::new(),
            inbuf,
            in_flight: VecDeque::new(),
            socket,
            streams: false,
            spool: None,
            live: false,
            blocked: false,
            closing_until_ms: None,
        }
    }

    /// Notes that a buffer was handed over.
    pub(crate) fn handed(&mut self, len: usize, is_stream: bool) {
        if len > 0 {
            self.in_flight.push_back((len, is_stream));
        }
    }

    /// Notes that the kernel has taken the oldest buffer; how many bytes of the stream that were.
    pub(crate) fn sent(&mut self, len: usize) -> u64 {
        match self.in_flight.pop_front() {
            Some((known, is_stream)) => {
                debug_assert_eq!(known, len, "buffers leave in the order in which they came");
                if is_stream { len as u64 } else { 0 }
            }
            None => 0,
        }
    }

    /// The next piece of the spool; `None` when all of it was handed over.
    pub(crate) fn next_of_spool(&mut self, mut buffer: Vec<u8>) -> std::io::Result<Option<Vec<u8>>> {
        let Some((spool, position)) = &mut self.spool else { return Ok(None) };
        let left = spool.length - *position;
        if left == 0 {
            self.spool = None;
            return Ok(None);
        }
        buffer.resize(left.min(PIECE_BYTES as u64) as usize, 0);
        spool.file.read_at(&mut buffer, *position)?;
        *position += buffer.len() as u64;
        Ok(Some(buffer))
    }
}

/// Copies the next piece of the stream into a buffer.
pub(crate) fn next_of_stream(
    backlog: &replication::Backlog,
    from: u64,
    mut buffer: Vec<u8>,
) -> Option<Vec<u8>> {
    if from == backlog.end() {
        return None;
    }
    for slice in backlog.slice_from(from) {
        let room = PIECE_BYTES.saturating_sub(buffer.len());
        buffer.extend_from_slice(&slice[..slice.len().min(room)]);
        if buffer.len() >= PIECE_BYTES {
            break;
        }
    }
    Some(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_the_stream_follow_each_other_without_a_gap() {
        let mut backlog = replication::Backlog::new(7, 1 << 20);
        let bytes: Vec<u8> = (0..3 * PIECE_BYTES + 5).map(|i| i as u8).collect();
        for chunk in bytes.chunks(10_007) {
            backlog.append(chunk);
        }
        let (mut from, mut read) = (7, Vec::new());
        while let Some(piece) = next_of_stream(&backlog, from, Vec::new()) {
            assert!(!piece.is_empty() && piece.len() <= PIECE_BYTES);
            from += piece.len() as u64;
            read.extend(piece);
        }
        assert_eq!((from, read), (backlog.end(), bytes));
    }
}
