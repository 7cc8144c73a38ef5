//! All keys of one server moved to another by MIGRATE.
//!
//! Which servers they are does not matter: a real redis-server can be on either side, or on both to test the scenario itself.

use anyhow::{Result, ensure};

use crate::connection::Connection;
use crate::peer::{Launch, Peer};
use crate::replication::{Load, call, info};
use crate::reply::Reply;

/// Commands of load that make the keys.
const COMMANDS: usize = 3_000;
/// Keys that go with one command.
const KEYS_AT_ONCE: usize = 7;
/// A time that no test sees.
const FAR_MS: &str = "33177117420000";

/// Makes keys of all types, half of them with a time, and moves them; an error says what differs.
pub fn check(source: &Launch, target: &Launch, seed: u64) -> Result<()> {
    let (source, target) = (Peer::start(source)?, Peer::start(target)?);
    let load = Load::start(&source, seed)?;
    load.run(COMMANDS)?;
    load.stop()?;
    let (mut here, mut there) = (source.connect()?, target.connect()?);
    let databases = call(&mut here, &["CONFIG", "GET", "databases"])?;
    let databases: usize = databases.elements().unwrap_or_default()[1].to_text().parse()?;
    let mut keys = Vec::new();
    for db in 0..databases {
        call(&mut here, &["SELECT", &db.to_string()])?;
        keys.push(prepare(&mut here)?);
    }
    ensure!(keys.iter().flatten().count() > 20, "the load leaves hardly any keys");
    let digest = call(&mut here, &["DEBUG", "DIGEST"])?;
    let port = target.port().to_string();
    for (db, keys) in keys.iter().enumerate() {
        let db = db.to_string();
        call(&mut here, &["SELECT", &db])?;
        for keys in keys.chunks(KEYS_AT_ONCE) {
            let words = ["MIGRATE", "127.0.0.1", &port, "", &db, "60000", "KEYS"];
            let mut argv: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
            argv.extend(keys.iter().map(Vec::as_slice));
            let reply = here.call(&argv)?;
            ensure!(reply == Reply::Simple(b"OK".to_vec()), "{} answers {reply:?}", source.name());
        }
        ensure!(call(&mut here, &["DBSIZE"])? == Reply::Integer(0), "keys are left in database {db}");
    }
    let moved = call(&mut there, &["DEBUG", "DIGEST"])?;
    ensure!(moved == digest, "{} has {moved:?}, {} had {digest:?}", target.name(), source.name());
    for (db, keys) in keys.iter().enumerate() {
        call(&mut there, &["SELECT", &db.to_string()])?;
        for key in keys.iter().step_by(2) {
            let at = there.call(&[b"PEXPIRETIME", key.as_slice()])?;
            ensure!(is_near(&at), "{} expires at {at:?}", key.escape_ascii());
        }
    }
    let kept = info(&mut here, "stats", "migrate_cached_sockets")?;
    ensure!(kept == "1", "{kept} connections are kept");
    Ok(())
}

/// Gives every other key of the database the same time, and the rest none; all of them.
fn prepare(connection: &mut Connection) -> Result<Vec<Vec<u8>>> {
    let mut keys = Vec::new();
    for name in call(connection, &["KEYS", "*"])?.elements().unwrap_or_default() {
        let name = name.text().unwrap_or_default().to_vec();
        let argv: &[&[u8]] = match keys.len() % 2 {
            0 => &[b"PEXPIREAT", &name, FAR_MS.as_bytes()],
            _ => &[b"PERSIST", &name],
        };
        connection.call(argv)?;
        // It may have expired on the way here.
        if connection.call(&[b"EXISTS".as_slice(), &name])? == Reply::Integer(1) {
            keys.push(name);
        }
    }
    Ok(keys)
}

/// A key goes with the time that it has left, so the way adds to it.
fn is_near(at: &Reply) -> bool {
    let Reply::Integer(at) = at else { return false };
    let far: i64 = FAR_MS.parse().expect("a number");
    (far - 60_000..=far + 60_000).contains(at)
}
