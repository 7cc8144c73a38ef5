//! Saves at once, in the world: SAVE, SHUTDOWN SAVE, DEBUG RELOAD.

use crate::entry::{Access, EntryFormat};
use crate::output::{Output, sizes};
use crate::snapshot::{CHUNK_BYTES, Header};
use crate::{Finished, KeyDelay, Sink, SnapshotError};
use keyspace::{AccessClock, Expiry, Guard, Keys, KeysContext, Keyspace, Scratch};
use rdb::SaveOptions;
use std::io;

/// What is written, and how.
#[derive(Debug, Clone)]
pub struct SaveInWorld {
    /// Version and encodings.
    pub save: SaveOptions,
    /// What is written about the last use of keys.
    pub access: Access,
    /// What stands in front of the keys.
    pub header: Header,
    /// A pause after each key.
    pub key_delay: KeyDelay,
}

/// Entries that are visited in one go.
const BATCH: usize = 256;

/// Writes the whole keyspace, which stands still meanwhile. No marks and no second copy are needed.
///
/// # Errors
/// When the sink fails.
///
/// # Panics
/// When the guard is not the world.
pub fn save_in_world(
    keyspace: &Keyspace,
    world: &mut Guard<'_>,
    sink: &mut dyn Sink,
    options: &SaveInWorld,
) -> Result<Finished, SnapshotError> {
    assert!(world.is_world(), "a save at once is made in the world");
    // Nobody waits for a lock meanwhile, so nothing is too large.
    let format = EntryFormat { save: options.save, access: options.access, large_bytes: usize::MAX };
    let mut output = Output::new(sink, format, CHUNK_BYTES, sizes(keyspace), &options.header);
    for db in 0..keyspace.databases() as u16 {
        save_db(keyspace, world, db, &mut output, options.key_delay)?;
    }
    let keys = output.keys();
    let bytes = output.finish()?;
    Ok(Finished { keys, bytes, queue_peak_bytes: 0, spilled_bytes: 0 })
}

fn save_db(
    keyspace: &Keyspace,
    world: &mut Guard<'_>,
    db: u16,
    output: &mut Output<'_>,
    key_delay: KeyDelay,
) -> io::Result<()> {
    let mut scratch = Scratch::default();
    let context = KeysContext {
        thread: 0,
        db,
        now_ms: 0,
        expiry: Expiry::Ignore,
        lazy_expire: false,
        no_touch: true,
        clock: AccessClock::Lru,
    };
    let mut keys = Keys::new(keyspace, world, &mut scratch, context);
    let mut from = 0;
    while let Some(slot) = keys.next_occupied(from) {
        from = slot.index() + 1;
        let mut cursor = 0;
        loop {
            // The world holds every slot, so none can be busy.
            let visited = keys.scan_slot(slot, cursor, BATCH, |entry| {
                output.entry(db, entry);
                key_delay.pause(output.keys(), || false);
            });
            output.check()?;
            match visited {
                Ok(0) => break,
                Ok(next) => cursor = next,
                Err(_) => unreachable!("the world holds slot {}", slot.number()),
            }
        }
    }
    Ok(())
}
