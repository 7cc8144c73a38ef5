//! From executed effects to the bytes of the stream.
//!
//! A thread that executed a command hands over its effects while it still holds the command's locks, so they arrive in
//! lock order. [`StreamEncoder`] writes them: it names the database whenever it changes, and wraps more than one
//! command into MULTI and EXEC, so that a replica shows all of them or none. A single command is not wrapped, even when
//! it came from EXEC or a script.
//!
//! ```text
//!  effects (db 0: SET d) (db 5: SET e)   ─▶  SELECT 0 · MULTI · SET d · SELECT 5 · SET e · EXEC   until Redis 7.0
//!                                        ─▶  MULTI · SELECT 0 · SET d · SELECT 5 · SET e · EXEC   later
//! ```
//!
//! All readers of the stream share the database that the last SELECT named. A reader that starts in the middle, after a
//! snapshot, must see a SELECT first: [`StreamEncoder::forget_db`].

/// The keep-alive command a primary puts into its stream every `repl-ping-replica-period`.
pub const PING: &[u8] = b"*1\r\n$4\r\nping\r\n";

/// The command that asks all replicas to acknowledge at once.
pub const GETACK: &[u8] = b"*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n";

const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";

/// One command of an effect, and the database it ran in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EffectPart<'a> {
    /// The database the command applies to.
    pub db: u32,
    /// The command as a RESP array of bulk strings.
    pub command: &'a [u8],
}

/// Where the database of a transaction's first command is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstSelect {
    /// Ahead of the transaction.
    BeforeMulti,
    /// As a part of it.
    InsideMulti,
}

/// Writes effects as the replication stream.
#[derive(Debug)]
pub struct StreamEncoder {
    selected: Option<u32>,
    first_select: FirstSelect,
}

impl StreamEncoder {
    /// An encoder that will begin with SELECT.
    pub fn new(first_select: FirstSelect) -> StreamEncoder {
        StreamEncoder { selected: None, first_select }
    }

    /// The database that readers of the stream have selected: `repl-stream-db` of a snapshot.
    pub fn selected_db(&self) -> Option<u32> {
        self.selected
    }

    /// Makes the next effect name its database, because a new replica starts reading here.
    pub fn forget_db(&mut self) {
        self.selected = None;
    }

    /// Appends what one command, transaction or script did to `out`.
    pub fn encode(&mut self, parts: &[EffectPart<'_>], out: &mut Vec<u8>) {
        let Some(first) = parts.first() else { return };
        let transaction = parts.len() > 1;
        if self.first_select == FirstSelect::BeforeMulti {
            self.select(first.db, out);
        }
        if transaction {
            out.extend_from_slice(MULTI);
        }
        for part in parts {
            self.select(part.db, out);
            out.extend_from_slice(part.command);
        }
        if transaction {
            out.extend_from_slice(EXEC);
        }
    }

    fn select(&mut self, db: u32, out: &mut Vec<u8>) {
        if self.selected == Some(db) {
            return;
        }
        self.selected = Some(db);
        let mut digits = itoa::Buffer::new();
        push_command(out, &[b"SELECT", digits.format(db).as_bytes()]);
    }
}

/// Appends a command as a RESP array of bulk strings.
pub(crate) fn push_command(out: &mut Vec<u8>, args: &[&[u8]]) {
    let mut digits = itoa::Buffer::new();
    out.push(b'*');
    out.extend_from_slice(digits.format(args.len()).as_bytes());
    out.extend_from_slice(b"\r\n");
    for arg in args {
        out.push(b'$');
        out.extend_from_slice(digits.format(arg.len()).as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &str) -> Vec<u8> {
        let mut out = Vec::new();
        push_command(&mut out, &words.split(' ').map(str::as_bytes).collect::<Vec<_>>());
        out
    }

    /// The stream that redis-server 7.0.15 sent for a SET in database 3, a script that wrote to databases
    /// 0 and 5, and a transaction that wrote to databases 0 and 2.
    #[test]
    fn equals_a_recorded_stream() {
        let recorded = "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*3\r\n$3\r\nset\r\n$1\r\nc\r\n$1\r\n3\r\n\
            *2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nset\r\n$1\r\nd\r\n$1\r\n4\r\n\
            *2\r\n$6\r\nSELECT\r\n$1\r\n5\r\n*3\r\n$3\r\nset\r\n$1\r\ne\r\n$1\r\n5\r\n*1\r\n$4\r\nEXEC\r\n\
            *2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\nf\r\n$1\r\n1\r\n\
            *2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n*3\r\n$3\r\nSET\r\n$1\r\ng\r\n$1\r\n2\r\n*1\r\n$4\r\nEXEC\r\n";
        let mut encoder = StreamEncoder::new(FirstSelect::BeforeMulti);
        let mut out = Vec::new();
        encoder.encode(&[EffectPart { db: 3, command: &command("set c 3") }], &mut out);
        encoder.encode(
            &[
                EffectPart { db: 0, command: &command("set d 4") },
                EffectPart { db: 5, command: &command("set e 5") },
            ],
            &mut out,
        );
        encoder.encode(
            &[
                EffectPart { db: 0, command: &command("SET f 1") },
                EffectPart { db: 2, command: &command("SET g 2") },
            ],
            &mut out,
        );
        assert_eq!(String::from_utf8(out).unwrap(), recorded);
        assert_eq!(encoder.selected_db(), Some(2));
    }

    /// The stream that valkey-server 8.0.1 sent for a transaction that wrote to databases 0 and 2, and for a SET after it.
    #[test]
    fn a_later_version_selects_within_the_transaction() {
        let recorded = [
            command("MULTI"),
            command("SELECT 0"),
            command("SET f 1"),
            command("SELECT 2"),
            command("SET g 2"),
            command("EXEC"),
            command("SET h 3"),
        ];
        let mut encoder = StreamEncoder::new(FirstSelect::InsideMulti);
        let mut out = Vec::new();
        let parts = [
            EffectPart { db: 0, command: &command("SET f 1") },
            EffectPart { db: 2, command: &command("SET g 2") },
        ];
        encoder.encode(&parts, &mut out);
        encoder.encode(&[EffectPart { db: 2, command: &command("SET h 3") }], &mut out);
        assert_eq!(out, recorded.concat());
    }

    #[test]
    fn select_is_repeated_for_a_new_reader() {
        let mut encoder = StreamEncoder::new(FirstSelect::BeforeMulti);
        let set = command("SET a 1");
        let mut out = Vec::new();
        encoder.encode(&[EffectPart { db: 0, command: &set }], &mut out);
        out.clear();
        encoder.encode(&[EffectPart { db: 0, command: &set }], &mut out);
        assert_eq!(out, set);
        encoder.forget_db();
        out.clear();
        encoder.encode(&[EffectPart { db: 0, command: &set }], &mut out);
        assert_eq!(out, [command("SELECT 0"), set].concat());
    }
}
