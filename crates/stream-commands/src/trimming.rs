//! `MAXLEN|MINID [=|~] threshold [LIMIT count]`, and what else may come before the ID of XADD.

use super::ids;
use super::reply::IdText;
use command_spec::Arg;
use commands::args::{int, is};
use commands::{Cx, Error};
use keyspace::Expiry;
use std::borrow::Cow;
use structures::stream::{Trim, TrimTo};
use structures::{Limits, Stream, StreamId};

/// Trimming, as COMMAND DOCS shows it.
pub(super) const ARGS: &[Arg] = &[
    Arg::one_of("strategy", &[Arg::word("maxlen", "MAXLEN"), Arg::word("minid", "MINID").since("6.2.0")]),
    Arg::one_of("operator", &[Arg::word("equal", "="), Arg::word("approximately", "~")]).optional(),
    Arg::string("threshold"),
    Arg::integer("count").token("LIMIT").optional().since("6.2.0"),
];

/// How many full nodes are trimmed at once if no limit is given.
const NODES: usize = 100;
/// The limit in entries where nodes have none.
const WITHOUT_NODES: u64 = 10_000;
/// The largest limit that follows from the size of nodes.
const MAX_LIMIT: u64 = 1_000_000;

/// The options of XADD and XTRIM.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) trim: Option<Trim>,
    /// Where the threshold stands.
    threshold_at: usize,
    pub(super) no_mkstream: bool,
    /// Where the ID of XADD stands.
    pub(super) id_at: usize,
}

/// Reads the options; for XADD up to its ID, which is not read.
pub(super) fn parse(cx: &Cx<'_, '_>, argv: &[&[u8]], is_add: bool) -> Result<Options, Error> {
    let mut options = Options::default();
    let mut limit = None;
    let mut at = 2;
    while at < argv.len() {
        let (word, has_more) = (argv[at], at + 1 < argv.len());
        if has_more && (is(word, "MAXLEN") || is(word, "MINID")) {
            if options.trim.is_some() {
                return Err(Error::text(
                    "ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
                ));
            }
            let operator = argv[at + 1];
            let has_operator = at + 2 < argv.len() && matches!(operator, b"~" | b"=");
            at += 1 + usize::from(has_operator);
            let to = if is(word, "MAXLEN") {
                let len = int(argv[at])?;
                TrimTo::MaxLen(
                    u64::try_from(len).map_err(|_| Error::text("ERR The MAXLEN argument must be >= 0."))?,
                )
            } else {
                TrimTo::MinId(ids::id(argv[at])?)
            };
            let is_exact = !(has_operator && operator == b"~");
            options.trim = Some(Trim { to, is_exact, limit: 0 });
            options.threshold_at = at;
        } else if has_more && is(word, "LIMIT") {
            at += 1;
            let count = int(argv[at])?;
            limit =
                Some(u64::try_from(count).map_err(|_| Error::text("ERR The LIMIT argument must be >= 0."))?);
        } else if is_add && is(word, "NOMKSTREAM") {
            options.no_mkstream = true;
        } else if is_add {
            break;
        } else {
            return Err(Error::Syntax);
        }
        at += 1;
    }
    options.id_at = at;
    // An ID that is none is told before options that do not go together.
    if is_add && at < argv.len() && argv[at] != b"*" {
        ids::id_or_part(argv[at])?;
    }
    let Some(trim) = &mut options.trim else {
        return match limit {
            Some(1..) => Err(Error::text(
                "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
            )),
            _ if is_add => Ok(options),
            _ => Err(Error::text("ERR syntax error, XTRIM must be called with a trimming strategy")),
        };
    };
    // What a primary sends says exactly what is left.
    if cx.keys.context().expiry == Expiry::Ignore {
        return Ok(options);
    }
    if limit.is_some() && trim.is_exact {
        return Err(Error::text("ERR syntax error, LIMIT cannot be used without the special ~ option"));
    }
    if !trim.is_exact {
        trim.limit = limit.unwrap_or_else(|| default_limit(&cx.options.limits));
    }
    Ok(options)
}

fn default_limit(limits: &Limits) -> u64 {
    match (limits.stream_node_max_entries as u64).saturating_mul(NODES as u64) {
        0 => WITHOUT_NODES,
        limit => limit.min(MAX_LIMIT),
    }
}

impl Options {
    /// The arguments as replicas get them: what is left is said exactly, and the ID is the one that was given.
    pub(super) fn exact<'a>(
        &self,
        argv: &[&'a [u8]],
        stream: &Stream,
        id: Option<StreamId>,
    ) -> Vec<Cow<'a, [u8]>> {
        let mut argv: Vec<Cow<'a, [u8]>> = argv.iter().map(|arg| Cow::Borrowed(*arg)).collect();
        if let Some(trim) = self.trim.filter(|trim| !trim.is_exact) {
            let threshold = match trim.to {
                TrimTo::MaxLen(_) => itoa::Buffer::new().format(stream.len()).as_bytes().to_vec(),
                TrimTo::MinId(_) => {
                    let first = stream.first_in_nodes().unwrap_or(StreamId::MAX);
                    IdText::new(first).as_bytes().to_vec()
                }
            };
            argv[self.threshold_at - 1] = Cow::Borrowed(b"=");
            argv[self.threshold_at] = Cow::Owned(threshold);
        }
        if let Some(id) = id {
            argv[self.id_at] = Cow::Owned(IdText::new(id).as_bytes().to_vec());
        }
        argv
    }
}
