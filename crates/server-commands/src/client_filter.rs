//! Which clients CLIENT LIST and CLIENT KILL mean.
//!
//! | | CLIENT KILL | CLIENT LIST |
//! |---|---|---|
//! | before 8.0 | ID of one, TYPE, USER, ADDR, LADDR, SKIPME | TYPE alone, or ID of some |
//! | 8.0 | and MAXAGE | the same |
//! | 8.1 | and ID of some | all of these |
//! | 9.0 | and NAME, IDLE, FLAGS, LIB-NAME, LIB-VER, DB, CAPA, IP; NOT- before most | the same |
//!
//! A client is meant that fits all that is given. What is given twice counts as it was given last, but for ids, which add up.

use acl::CurrentUser;
use commands::Error;
use engine::client_line::{capabilities, flag_letters};
use number::parse_i64;
use server::ServerCx;
use session::{ClientShared, flag};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

/// The letters that Valkey has for the state of a client, those for what Engram's clients are never in included.
const FLAG_LETTERS: &[u8] = b"bcdeirtuxABEIMNOPRSTU";

/// The letters of what clients say they can do.
const CAPABILITIES: &[u8] = b"r";

/// What a client is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientType {
    Normal,
    PubSub,
    Replica,
    Primary,
}

impl ClientType {
    pub(crate) fn of(client: &ClientShared) -> ClientType {
        if client.has_flag(flag::PRIMARY) {
            ClientType::Primary
        } else if client.has_flag(flag::REPLICA) {
            ClientType::Replica
        } else if client.is_subscribed() {
            ClientType::PubSub
        } else {
            ClientType::Normal
        }
    }

    /// The type of a name in any case.
    pub(crate) fn named(cx: &ServerCx<'_, '_>, name: &[u8]) -> Result<ClientType, Error> {
        Ok(match name.to_ascii_lowercase().as_slice() {
            b"normal" => ClientType::Normal,
            b"pubsub" => ClientType::PubSub,
            b"slave" | b"replica" => ClientType::Replica,
            b"master" => ClientType::Primary,
            b"primary" if cx.server.profile.has("8.0.0") => ClientType::Primary,
            _ => return Err(quoted("ERR Unknown client type '", name)),
        })
    }
}

fn quoted(before: &str, word: &[u8]) -> Error {
    Error::Bytes([before.as_bytes(), word, b"'"].concat().into())
}

/// What clients may be asked for, and for not being it.
#[derive(Debug, Default)]
struct Terms<'a> {
    ids: Option<BTreeSet<u64>>,
    class: Option<ClientType>,
    user: Option<&'a [u8]>,
    addr: Option<&'a [u8]>,
    laddr: Option<&'a [u8]>,
    ip: Option<&'a [u8]>,
    name: Option<&'a [u8]>,
    lib_name: Option<&'a [u8]>,
    lib_ver: Option<&'a [u8]>,
    flags: Option<&'a [u8]>,
    capabilities: Option<&'a [u8]>,
    db: Option<u16>,
}

impl Terms<'_> {
    /// Whether a client fits each of the terms that are given.
    fn fit(&self, client: &ClientShared) -> impl Iterator<Item = bool> {
        let names = client.names();
        let is_user = |user: &CurrentUser, name| user.name() == name;
        // Who has not said it has none, not an empty one.
        let said = |said: &[u8], asked| !said.is_empty() && said == asked;
        let has_all =
            |letters: &str, asked: &[u8]| asked.iter().all(|&letter| letters.contains(char::from(letter)));
        [
            self.ids.as_ref().map(|ids| ids.contains(&client.id)),
            self.class.map(|class| ClientType::of(client) == class),
            self.user.map(|name| names.user.as_ref().is_some_and(|user| is_user(user, name))),
            self.addr.map(|addr| client.addr.as_bytes() == addr),
            self.laddr.map(|laddr| client.laddr.as_bytes() == laddr),
            self.ip.map(|ip| host_of(&client.addr).as_bytes() == ip),
            self.name.map(|name| said(&names.name, name)),
            self.lib_name.map(|name| said(&names.lib_name, name)),
            self.lib_ver.map(|version| said(&names.lib_ver, version)),
            self.flags.map(|letters| has_all(&flag_letters(client), letters)),
            self.capabilities.map(|letters| has_all(capabilities(client), letters)),
            self.db.map(|db| client.db.load(Ordering::Relaxed) == db),
        ]
        .into_iter()
        .flatten()
    }
}

/// An address without its port, and an IPv6 address without its brackets.
fn host_of(addr: &str) -> &str {
    let host = addr.rsplit_once(':').map_or(addr, |(host, _)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Those that fit all of it.
#[derive(Debug, Default)]
pub(crate) struct Filter<'a> {
    wanted: Terms<'a>,
    unwanted: Terms<'a>,
    min_age_s: Option<u64>,
    min_idle_s: Option<u64>,
    skips_own: bool,
}

impl<'a> Filter<'a> {
    /// The client of an address.
    pub(crate) fn of_addr(addr: &'a [u8]) -> Filter<'a> {
        Filter { wanted: Terms { addr: Some(addr), ..Terms::default() }, ..Filter::default() }
    }

    /// Reads options; whether the client that asks is left out is what SKIPME says.
    ///
    /// # Errors
    /// As the version has them.
    pub(crate) fn parse(
        cx: &ServerCx<'_, '_>,
        options: &[&'a [u8]],
        skips_own: bool,
    ) -> Result<Filter<'a>, Error> {
        let profile = cx.server.profile;
        let (some_ids, has_more) = (profile.has("8.1.0"), profile.has("9.0.0"));
        let mut filter = Filter { skips_own, ..Filter::default() };
        let mut rest = options;
        while let [option, after @ ..] = rest {
            let &[value, ref after @ ..] = after else { return Err(Error::Syntax) };
            rest = after;
            let option = option.to_ascii_lowercase();
            let (option, terms, is_not) = match option.strip_prefix(b"not-") {
                Some(option) if has_more => (option, &mut filter.unwanted, true),
                _ => (&*option, &mut filter.wanted, false),
            };
            let not = if is_not { "NOT-" } else { "" };
            match option {
                b"id" if !some_ids => terms.ids = Some(BTreeSet::from([one_id(value)?])),
                b"id" => {
                    let ids = terms.ids.get_or_insert_default();
                    ids.insert(id(parse_i64(value).ok_or(Error::Syntax)?)?);
                    while let [more, after @ ..] = rest
                        && let Some(number) = parse_i64(more)
                    {
                        ids.insert(id(number)?);
                        rest = after;
                    }
                }
                b"type" => terms.class = Some(ClientType::named(cx, value)?),
                b"user" if cx.server.access.users().get(value).is_none() => {
                    return Err(quoted("ERR No such user '", value));
                }
                b"user" => terms.user = Some(value),
                b"addr" => terms.addr = Some(value),
                b"laddr" => terms.laddr = Some(value),
                b"skipme" if !is_not && value.eq_ignore_ascii_case(b"yes") => filter.skips_own = true,
                b"skipme" if !is_not && value.eq_ignore_ascii_case(b"no") => filter.skips_own = false,
                b"maxage" if !is_not && profile.has("8.0.0") => {
                    filter.min_age_s = Some(seconds("maxage", value)?);
                }
                b"idle" if !is_not && has_more => filter.min_idle_s = Some(seconds("idle", value)?),
                b"name" if has_more => terms.name = Some(value),
                b"lib-name" if has_more => terms.lib_name = Some(value),
                b"lib-ver" if has_more => terms.lib_ver = Some(value),
                b"ip" if has_more => terms.ip = Some(value),
                b"db" if has_more => terms.db = Some(database(cx, not, value)?),
                b"flags" if has_more => {
                    let named = if is_not { "the NOT-FLAGS" } else { "the provided" };
                    terms.flags = Some(letters("flags", named, FLAG_LETTERS, value)?);
                }
                b"capa" if has_more => {
                    let named = if is_not { "the NOT-CAPA" } else { "the provided" };
                    terms.capabilities = Some(letters("capa", named, CAPABILITIES, value)?);
                }
                _ => return Err(Error::Syntax),
            }
        }
        Ok(filter)
    }

    /// Whether it means a client; `own` is the one that asks.
    pub(crate) fn fits(&self, client: &ClientShared, own: u64, now_ms: u64) -> bool {
        let seconds_since = |ms: u64| (now_ms / 1000).saturating_sub(ms / 1000);
        !(self.skips_own && client.id == own)
            && self.min_age_s.is_none_or(|age| seconds_since(client.created_ms) >= age)
            && self
                .min_idle_s
                .is_none_or(|idle| seconds_since(client.active_ms.load(Ordering::Relaxed)) >= idle)
            && self.wanted.fit(client).all(|fits| fits)
            && !self.unwanted.fit(client).any(|fits| fits)
    }
}

fn id(number: i64) -> Result<u64, Error> {
    match u64::try_from(number) {
        Ok(id) if id > 0 => Ok(id),
        _ => Err(Error::text("ERR client-id should be greater than 0")),
    }
}

/// The one id that versions before 8.1 take.
fn one_id(value: &[u8]) -> Result<u64, Error> {
    id(parse_i64(value).unwrap_or(0))
}

fn seconds(name: &str, value: &[u8]) -> Result<u64, Error> {
    match parse_i64(value) {
        Some(seconds) if seconds > 0 => Ok(seconds as u64),
        Some(_) => Err(Error::Other(format!("ERR {name} should be greater than 0").into())),
        None => Err(Error::Other(format!("ERR {name} is not an integer or out of range").into())),
    }
}

fn database(cx: &ServerCx<'_, '_>, not: &str, value: &[u8]) -> Result<u16, Error> {
    let last = cx.server.keyspace.databases() - 1;
    match parse_i64(value) {
        Some(number) if (0..=last as i64).contains(&number) => Ok(number as u16),
        Some(_) => Err(Error::Other(format!("ERR {not}DB number should be between 0 and {last}").into())),
        None => Err(Error::Other(format!("ERR {not}DB is not an integer or out of range").into())),
    }
}

fn letters<'a>(what: &str, filter: &str, known: &[u8], value: &'a [u8]) -> Result<&'a [u8], Error> {
    match value.iter().all(|letter| known.contains(letter)) {
        true => Ok(value),
        false => {
            let before = format!("ERR Unknown {what} found in {filter} filter: ");
            Err(Error::Bytes([before.as_bytes(), value].concat().into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_address() {
        assert_eq!(host_of("127.0.0.1:6379"), "127.0.0.1");
        assert_eq!(host_of("[::1]:6379"), "::1");
        assert_eq!(host_of("/tmp/s:0"), "/tmp/s");
        assert_eq!(host_of("x"), "x");
    }
}
