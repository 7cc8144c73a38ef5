//! CLIENT TRACKING: a client keeps copies of what it reads, and is told when they are old.

use crate::client::{TALKS, TALKS_ALWAYS};
use command_spec::*;
use commands::Error;
use engine::client_line;
use engine::cx::Flow;
use engine::tracking::Wish;
use number::parse_i64;
use server::ServerCx;
use session::flag;
use std::collections::BTreeSet;
use std::sync::Arc;

/// `CLIENT TRACKING`
pub(crate) const CLIENT_TRACKING: Spec = Spec {
    name: "tracking",
    summary: "Begins or ends that the client is told when what it has read changes.",
    since: "6.0.0",
    complexity: "O(1); with prefixes O(N*log(N)) where N is their number",
    arity: -3,
    args: &[
        Arg::one_of("status", &[Arg::word("on", "ON"), Arg::word("off", "OFF")]),
        Arg::integer("client-id").token("REDIRECT").optional(),
        Arg::string("prefix").token("PREFIX").optional().multiple().multiple_token(),
        Arg::word("bcast", "BCAST").optional(),
        Arg::word("optin", "OPTIN").optional(),
        Arg::word("optout", "OPTOUT").optional(),
        Arg::word("noloop", "NOLOOP").optional(),
    ],
    reply: Shape::OK,
    ..TALKS
};

pub(crate) fn tracking(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let (wish, prefixes) = parse(cx, &argv[3..])?;
    if argv[2].eq_ignore_ascii_case(b"on") {
        check(cx, &wish, &prefixes)?;
        let prefixes = prefixes.into_iter().map(Arc::from).collect();
        cx.server.track(cx.client, Wish { prefixes, ..wish });
    } else if argv[2].eq_ignore_ascii_case(b"off") {
        cx.server.untrack(cx.client);
    } else {
        return Err(Error::Syntax);
    }
    cx.out().ok();
    Ok(Flow::Done)
}

/// The options, and the prefixes among them in their order.
fn parse<'a>(cx: &ServerCx<'_, '_>, options: &[&'a [u8]]) -> Result<(Wish, Vec<&'a [u8]>), Error> {
    let (mut wish, mut prefixes) = (Wish::default(), Vec::new());
    let mut options = options.iter();
    while let Some(option) = options.next() {
        match (option.to_ascii_lowercase().as_slice(), options.as_slice().first()) {
            (b"redirect", Some(id)) => {
                options.next();
                if wish.redirection != 0 {
                    return Err(Error::text("ERR A client can only redirect to a single other client"));
                }
                let id = parse_i64(id).ok_or(Error::NotInteger)?;
                // It may go later, but it has to be there now.
                let target = u64::try_from(id).ok().filter(|&id| cx.server.clients.get(id).is_some());
                wish.redirection =
                    target.ok_or(Error::text("ERR The client ID you want redirect to does not exist"))?;
            }
            (b"prefix", Some(prefix)) => {
                options.next();
                prefixes.push(*prefix);
            }
            (b"bcast", _) => wish.flags |= flag::BROADCASTS,
            (b"optin", _) => wish.flags |= flag::OPT_IN,
            (b"optout", _) => wish.flags |= flag::OPT_OUT,
            (b"noloop", _) => wish.flags |= flag::NO_LOOP,
            _ => return Err(Error::Syntax),
        }
    }
    Ok((wish, prefixes))
}

/// Whether the options fit one another and what the client has asked for before.
fn check(cx: &ServerCx<'_, '_>, wish: &Wish, prefixes: &[&[u8]]) -> Result<(), Error> {
    let wants = |bit| wish.flags & bit != 0;
    let has = |bit| cx.client.shared.has_flag(bit);
    let text = |text| Err(Error::text(text));
    if !wants(flag::BROADCASTS) && !prefixes.is_empty() {
        return text("ERR PREFIX option requires BCAST mode to be enabled");
    }
    if has(flag::TRACKING) && has(flag::BROADCASTS) != wants(flag::BROADCASTS) {
        return text(
            "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it \
             with a different mode.",
        );
    }
    if wants(flag::BROADCASTS) && wants(flag::OPT_IN | flag::OPT_OUT) {
        return text("ERR OPTIN and OPTOUT are not compatible with BCAST");
    }
    if wants(flag::OPT_IN) && wants(flag::OPT_OUT) {
        return text("ERR You can't specify both OPTIN mode and OPTOUT mode");
    }
    if (wants(flag::OPT_IN) && has(flag::OPT_OUT)) || (wants(flag::OPT_OUT) && has(flag::OPT_IN)) {
        return text(
            "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it \
             with a different mode.",
        );
    }
    match overlap(&cx.client.prefixes, prefixes) {
        Some(error) => Err(Error::Bytes(error.into())),
        None => Ok(()),
    }
}

/// The error for the first prefix that begins with another one of the client, or the other way round: keys would be told of twice.
fn overlap(known: &BTreeSet<Arc<[u8]>>, prefixes: &[&[u8]]) -> Option<Vec<u8>> {
    let first = first_overlapping(known, prefixes)?;
    let prefix = prefixes[first];
    let overlaps = |other: &[u8]| prefix.starts_with(other) || other.starts_with(prefix);
    let existing = known.iter().map(|known| &**known).find(|known| overlaps(known));
    let provided = || prefixes[first + 1..].iter().copied().find(|other| overlaps(other));
    let (kind, other) = match existing {
        Some(existing) => ("an existing", existing),
        None => ("another provided", provided()?),
    };
    let parts: [&[u8]; 7] = [
        b"ERR Prefix '",
        prefix,
        b"' overlaps with ",
        kind.as_bytes(),
        b" prefix '",
        other,
        b"'. Prefixes for a single client must not overlap.",
    ];
    Some(parts.concat())
}

/// The first of the provided prefixes that overlaps with any other.
fn first_overlapping(known: &BTreeSet<Arc<[u8]>>, prefixes: &[&[u8]]) -> Option<usize> {
    let provided = prefixes.iter().enumerate().map(|(at, prefix)| (*prefix, Some(at)));
    let mut all: Vec<(&[u8], Option<usize>)> =
        known.iter().map(|known| (&**known, None)).chain(provided).collect();
    all.sort_unstable();
    // In order, those with which a text begins stand before it, and all between begin with them too.
    let mut open: Vec<(&[u8], Option<usize>)> = Vec::new();
    let mut overlapping = Vec::new();
    for (text, at) in all {
        while open.pop_if(|(outer, _)| !text.starts_with(outer)).is_some() {}
        if let Some((_, outer)) = open.last() {
            overlapping.extend([*outer, at].into_iter().flatten());
        }
        open.push((text, at));
    }
    overlapping.into_iter().min()
}

/// `CLIENT CACHING`
pub(crate) const CLIENT_CACHING: Spec = Spec {
    name: "caching",
    summary: "Says whether the client keeps what its next command reads.",
    since: "6.0.0",
    arity: 3,
    args: &[Arg::one_of("mode", &[Arg::word("yes", "YES"), Arg::word("no", "NO")])],
    reply: Shape::OK,
    ..TALKS_ALWAYS
};

pub(crate) fn caching(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let has = |bit| cx.client.shared.has_flag(bit);
    if !has(flag::TRACKING) {
        return Err(Error::text(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode \
             enabled",
        ));
    }
    if argv[2].eq_ignore_ascii_case(b"yes") {
        if !has(flag::OPT_IN) {
            return Err(Error::text(
                "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.",
            ));
        }
    } else if argv[2].eq_ignore_ascii_case(b"no") {
        if !has(flag::OPT_OUT) {
            return Err(Error::text(
                "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.",
            ));
        }
    } else {
        return Err(Error::Syntax);
    }
    cx.client.caching = true;
    cx.out().ok();
    Ok(Flow::Done)
}

/// `CLIENT TRACKINGINFO`
pub(crate) const CLIENT_TRACKINGINFO: Spec = Spec {
    name: "trackinginfo",
    summary: "Tells what the client has asked CLIENT TRACKING for.",
    since: "6.2.0",
    arity: 2,
    reply: Shape::Map(&Shape::Bulk, &Shape::Any),
    ..TALKS_ALWAYS
};

pub(crate) fn trackinginfo(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let has = |bit| cx.client.shared.has_flag(bit);
    let is_on = has(flag::TRACKING);
    let caching = cx.client.caching;
    let flags: Vec<&str> = [
        (is_on, "on"),
        (!is_on, "off"),
        (has(flag::BROADCASTS), "bcast"),
        (has(flag::OPT_IN), "optin"),
        (has(flag::OPT_IN) && caching, "caching-yes"),
        (has(flag::OPT_OUT), "optout"),
        (has(flag::OPT_OUT) && caching, "caching-no"),
        (has(flag::NO_LOOP), "noloop"),
        (has(flag::BROKEN_REDIRECTION), "broken_redirect"),
    ]
    .into_iter()
    .filter_map(|(on, name)| on.then_some(name))
    .collect();
    let redirection = client_line::redirection(&cx.client.shared);
    let prefixes: Vec<Arc<[u8]>> = cx.client.prefixes.iter().cloned().collect();
    let mut out = cx.out();
    out.map(3);
    out.bulk(b"flags");
    out.set(flags.len());
    flags.iter().for_each(|flag| out.bulk(flag.as_bytes()));
    out.bulk(b"redirect");
    out.int(redirection);
    out.bulk(b"prefixes");
    out.array(prefixes.len());
    prefixes.iter().for_each(|prefix| out.bulk(prefix));
    Ok(Flow::Done)
}

/// `CLIENT GETREDIR`
pub(crate) const CLIENT_GETREDIR: Spec = Spec {
    name: "getredir",
    summary: "Tells which client gets the invalidations of this one.",
    since: "6.0.0",
    arity: 2,
    reply: Shape::AtLeast(-1),
    ..TALKS_ALWAYS
};

pub(crate) fn getredir(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let redirection = client_line::redirection(&cx.client.shared);
    cx.out().int(redirection);
    Ok(Flow::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By looking at all pairs, in the order in which the real servers do.
    fn by_pairs(known: &BTreeSet<Arc<[u8]>>, prefixes: &[&[u8]]) -> Option<Vec<u8>> {
        let overlaps = |a: &[u8], b: &[u8]| a.starts_with(b) || b.starts_with(a);
        let error = |prefix: &[u8], kind: &[u8], other: &[u8]| {
            let end = b"'. Prefixes for a single client must not overlap.";
            [b"ERR Prefix '", prefix, b"' overlaps with ", kind, b" prefix '", other, end].concat()
        };
        prefixes.iter().enumerate().find_map(|(at, prefix)| {
            let existing = known.iter().find(|known| overlaps(prefix, known));
            let provided = || prefixes[at + 1..].iter().find(|other| overlaps(prefix, other));
            existing
                .map(|known| error(prefix, b"an existing", known))
                .or_else(|| provided().map(|other| error(prefix, b"another provided", other)))
        })
    }

    proptest! {
        #[test]
        fn overlaps_are_found_as_by_looking_at_all_pairs(
            known in proptest::collection::btree_set("[ab]{0,3}", 0..3),
            prefixes in proptest::collection::vec("[abc]{1,5}", 0..6),
        ) {
            let known: BTreeSet<Arc<[u8]>> = known.iter().map(|text| text.as_bytes().into()).collect();
            let prefixes: Vec<&[u8]> = prefixes.iter().map(|prefix| prefix.as_bytes()).collect();
            prop_assert_eq!(overlap(&known, &prefixes), by_pairs(&known, &prefixes));
        }
    }
}
