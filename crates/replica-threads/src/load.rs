//! Loading what a primary sent as its data set.
//!
//! By default (`repl-diskless-load disabled`) the bytes first go to an unnamed file, while the node goes on serving its
//! old data; when they are complete, the keyspace is emptied and loaded from the file. With `on-empty-db` an empty node
//! loads them as they arrive. `swapdb` is taken as `disabled`: a second keyspace beside the first is not kept.
//!
//! The old history goes with the old data: sub-replicas are disconnected, and no replica may continue from it.
//!
//! **Invariant:** from the emptying to the end of the load clients are refused (-LOADING), and with them every change of the
//! role. A load whose generation is over before the emptying changes nothing; one that fails after it leaves the keyspace
//! empty, not half full.

use crate::replicas::Replicas;
use crate::sink::scratch;
use config::ReplDisklessLoad;
use engine::exec::Local;
use files::{Directory, Scratch};
use keyspace::Keys;
use snapshot::{Background, Duplicates, KeyDelay, LoadError, LoadOptions, LoadReport, Loader};
use std::io::{self, Read, Write};
use std::sync::atomic::Ordering;

/// Bytes loaded in one passage of the gate.
const PASSAGE_BYTES: usize = 256 << 10;

/// A data set on its way.
pub(crate) enum Load {
    /// It is collected: so many bytes so far.
    File {
        /// Where.
        file: Scratch,
        /// How many.
        length: u64,
    },
    /// It is loaded as it comes.
    Direct(Box<Loader>),
}

impl Load {
    /// Prepares for the first byte of a data set of this generation, which has so many bytes if that is known.
    pub(crate) fn begin(
        replicas: &Replicas,
        local: &mut Local,
        generation: u64,
        length: Option<u64>,
    ) -> io::Result<Load> {
        let on_empty = local.settings.repl_diskless_load == ReplDisklessLoad::OnEmptyDb;
        if on_empty && replicas.keyspace.is_empty() {
            replicas.persistence.load_progress.begin(length.unwrap_or(0));
            empty(replicas, local, generation, true)?;
            return Ok(Load::Direct(Box::new(loader(local, replicas))));
        }
        let (directory, _) = persistence::path(&local.settings);
        Ok(Load::File { file: scratch(&Directory::at(directory), "load")?, length: 0 })
    }

    /// Takes the next bytes.
    pub(crate) fn write(
        &mut self,
        replicas: &Replicas,
        local: &Local,
        bytes: &[u8],
    ) -> Result<(), LoadError> {
        match self {
            Load::File { file, length } => {
                *length += bytes.len() as u64;
                Ok(file.write_all(bytes)?)
            }
            Load::Direct(loader) => {
                let _inside = background(replicas, local).enter();
                loader.feed(&replicas.keyspace, bytes)?;
                replicas.persistence.load_progress.advance(loader);
                Ok(())
            }
        }
    }

    /// All bytes were taken: loads them. `breathe` is called between two passages and says whether to go on.
    pub(crate) fn finish(
        self,
        replicas: &Replicas,
        local: &mut Local,
        generation: u64,
        mut breathe: impl FnMut() -> bool,
    ) -> Result<LoadReport, LoadError> {
        let (mut file, length) = match self {
            Load::Direct(loader) => return Ok(loader.finish(&replicas.keyspace)?.0),
            Load::File { file, length } => (file, length),
        };
        let progress = &replicas.persistence.load_progress;
        progress.begin(length);
        file.rewind()?;
        empty(replicas, local, generation, true)?;
        let mut loader = loader(local, replicas);
        let mut buffer = vec![0; PASSAGE_BYTES];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            let _inside = background(replicas, local).enter();
            if loader.feed(&replicas.keyspace, &buffer[..read])? {
                break;
            }
            drop(_inside);
            progress.advance(&loader);
            if !breathe() {
                return Err(io::Error::from(io::ErrorKind::Interrupted).into());
            }
        }
        Ok(loader.finish(&replicas.keyspace)?.0)
    }
}

fn background<'s>(replicas: &'s Replicas, local: &Local) -> Background<'s> {
    Background::new(&replicas.keyspace, local.thread)
}

fn loader(local: &Local, replicas: &Replicas) -> Loader {
    let options = LoadOptions {
        limits: local.options.limits,
        checksum: local.settings.rdbchecksum && local.options.verify_payloads,
        // A replica keeps keys until its primary says that they are gone.
        drop_expired: false,
        duplicates: Duplicates::Refuse,
        clock: local.options.clock,
        key_delay: KeyDelay::new(local.settings.key_load_delay_us),
        ..LoadOptions::new(replicas.profile.rdb_version(), local.now_ms)
    };
    Loader::new(local.thread, options)
}

/// Empties the keyspace, and refuses or admits clients from then on; nothing of this when the generation is over.
///
/// # Errors
/// `Interrupted` when the generation is over.
pub(crate) fn empty(
    replicas: &Replicas,
    local: &mut Local,
    generation: u64,
    loading: bool,
) -> io::Result<()> {
    let mut removed = Vec::new();
    background(replicas, local).with_world(|world| {
        if replicas.generation.load(Ordering::Acquire) != generation {
            return Err(io::Error::from(io::ErrorKind::Interrupted));
        }
        replicas.loading.store(loading, Ordering::Release);
        if loading {
            replicas.persistence.note_holds_data(false);
            replicas.forget_history();
        }
        replicas.own_volatile.clear();
        for db in 0..replicas.keyspace.databases() as u16 {
            let context = local.context(db, true);
            removed.append(&mut Keys::new(&replicas.keyspace, world, &mut local.scratch, context).flush());
        }
        // Clients that waited in a group were told when the node began to follow.
        while local.scratch.effects.ready.pop().is_some() {}
        engine::tracking::invalidate(replicas, local, None);
        Ok(())
    })?;
    if local.settings.replica_lazy_flush {
        local.lazyfree.tables(removed);
    }
    Ok(())
}
