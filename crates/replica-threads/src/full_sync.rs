//! Full synchronisation: the thread that walks the keyspace for replicas.
//!
//! ```text
//!   world: pump the stream ─▶ begin the walk ─▶ SnapshotStarted ─▶ stream on     an instant
//!   after: walk ─▶ channel (diskless) or spool ─▶ feeder ─▶ all replicas that wait
//! ```
//! In the world nobody appends to the stream, so what was pumped there is exactly what the snapshot shows: its position
//! is the offset that the core tells the replicas.
//!
//! Only one walk over the keyspace runs at a time; while a save runs, replicas wait for its end.

use crate::feeder::Message;
use crate::replica_connection::Spool;
use crate::replicas::Replicas;
use crate::replicas::{Fed, now_ms};
use crate::sink::{SpoolSink, scratch};
use config::Loglevel;
use engine::{Background, unix_ms};
use files::Directory;
use rdb::{AuxFields, ReplicationAux, SaveOptions};
use replication::primary::{Event, SnapshotFilter, SnapshotForm};
use snapshot::{
    Background as Thread, ChannelSink, ChunkReceiver, Control, Header, KeyDelay, NotBegun, Overflow, Sink,
    Snapshot, SnapshotOptions, chunk_channel, clean,
};
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// Bytes of a snapshot between the walk and the feeder.
const CHANNEL_BYTES: usize = 1 << 20;
/// How often a walk is tried that another keeps from beginning.
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// What the thread is asked for.
#[derive(Debug)]
pub enum Job {
    /// A snapshot for the replicas that wait.
    Snapshot {
        /// Its form.
        form: SnapshotForm,
        /// What to leave out.
        filter: SnapshotFilter,
    },
    /// The backlog was given up: the stream has no reader.
    SwitchOff,
}

/// Where a snapshot goes.
enum Target {
    Channel(ChannelSink),
    Spool(SpoolSink),
}

impl Target {
    fn sink(&mut self) -> &mut dyn Sink {
        match self {
            Target::Channel(sink) => sink,
            Target::Spool(sink) => sink,
        }
    }
}

/// Runs until the node ends.
pub fn run(replicas: &Arc<Replicas>) {
    replicas.parkers[Background::FullSync as usize].attach();
    while !replicas.ending.load(Ordering::Acquire) {
        let job = replicas.jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        match job {
            None => std::thread::park(),
            Some(Job::Snapshot { form, filter }) => {
                if let Err(error) = snapshot(replicas, form, filter) {
                    replicas.log(Loglevel::Notice, format_args!("Full synchronisation failed: {error}"));
                    replicas.feeder.post(Message::Failed);
                }
            }
            Some(Job::SwitchOff) => switch_off(replicas),
        }
    }
}

fn thread(replicas: &Replicas) -> Thread<'_> {
    Thread::new(&replicas.keyspace, replicas.thread_of(Background::FullSync))
}

fn switch_off(replicas: &Replicas) {
    thread(replicas).with_world(|_| {
        let fed = replicas.primary();
        // A replica may have come meanwhile, or the role have changed.
        if fed.primary.backlog().is_none() {
            replicas.stream.switch(false);
        }
    });
}

/// Makes one snapshot; an error when it could not begin. What happens to it afterwards its readers learn from it.
fn snapshot(replicas: &Arc<Replicas>, form: SnapshotForm, filter: SnapshotFilter) -> io::Result<()> {
    let settings = replicas.settings();
    let (directory, _) = persistence::path(&settings);
    let directory = Directory::at(directory);
    let own = replicas.profile.rdb_version();
    let save = SaveOptions {
        version: if filter.reads_valkey { own } else { own.min(rdb::LAST_OF_REDIS) },
        compress: settings.rdbcompression,
        checksum: settings.rdbchecksum,
        ..SaveOptions::new(replicas.profile)
    };
    if filter.exclude_data {
        return without_data(replicas, save);
    }
    let overflow = match form {
        SnapshotForm::Diskless => Overflow::Abort,
        SnapshotForm::Spool => {
            Overflow::Spill(directory.clone(), format!("temp-sync-images-{}.rdb", std::process::id()))
        }
    };
    let mut spool = match form {
        SnapshotForm::Diskless => None,
        SnapshotForm::Spool => Some(SpoolSink { file: scratch(&directory, "sync")?, length: 0 }),
    };
    let mut options = SnapshotOptions::new(save, overflow);
    options.key_delay = KeyDelay::new(settings.rdb_key_save_delay_us);
    let thread = thread(replicas);
    let (snapshot, header, mut target) = loop {
        let begun = thread.with_world(|world| {
            if save.version < rdb::FIRST_OF_VALKEY && has_volatile_hashes(replicas) {
                return Ok(None);
            }
            let mut fed = replicas.primary();
            let snapshot = Snapshot::begin(&replicas.keyspace, world, options.clone())?;
            let (target, receiver) = match spool.take() {
                Some(sink) => (Target::Spool(sink), None),
                None => {
                    let (sink, receiver) = channel(replicas, snapshot.control());
                    (Target::Channel(sink), Some(receiver))
                }
            };
            begin(replicas, &mut fed, snapshot.control(), receiver);
            Ok(Some((snapshot, header(replicas, &fed), target)))
        });
        match begun {
            Ok(Some(begun)) => break begun,
            Ok(None) => {
                let version = save.version;
                let error = format!("hashes with fields that expire do not fit into RDB version {version}");
                return Err(io::Error::other(error));
            }
            Err(_) if replicas.ending.load(Ordering::Acquire) => return Ok(()),
            Err(NotBegun::NeedsCleaning) => {
                clean(thread);
            }
            Err(NotBegun::Busy) => std::thread::park_timeout(TRY_AGAIN),
        }
    };
    let to = if matches!(target, Target::Spool(_)) { "disk" } else { "replicas sockets" };
    replicas.log(Loglevel::Notice, format_args!("Starting BGSAVE for SYNC with target: {to}"));
    replicas.snapshot_since_s.store(unix_ms() / 1000, Ordering::Relaxed);
    let finished = snapshot.run(thread, target.sink(), &header);
    replicas.snapshot_since_s.store(0, Ordering::Relaxed);
    let saved =
        if matches!(target, Target::Spool(_)) { "Background saving" } else { "Background RDB transfer" };
    match &finished {
        Ok(_) => replicas.log(Loglevel::Notice, format_args!("{saved} terminated with success")),
        Err(error) => replicas.log(Loglevel::Warning, format_args!("{saved} error: {error}")),
    }
    match (finished, target) {
        (Ok(_), Target::Spool(sink)) => {
            let spool = Spool { file: Arc::new(sink.file), length: sink.length };
            replicas.feeder.post(Message::Spooled(spool));
        }
        (Err(_), Target::Spool(_)) => replicas.feeder.post(Message::Failed),
        // The channel has told its reader.
        (_, Target::Channel(_)) => {}
    }
    Ok(())
}

/// Whether any hash has fields that expire, which a reader of older versions does not understand.
fn has_volatile_hashes(replicas: &Replicas) -> bool {
    let databases = replicas.keyspace.databases() as u16;
    (0..databases).any(|db| replicas.keyspace.volatile_hashes(db) > 0)
}

fn channel(replicas: &Arc<Replicas>, control: &Arc<Control>) -> (ChannelSink, ChunkReceiver) {
    let weak = Arc::downgrade(replicas);
    chunk_channel(CHANNEL_BYTES, control, move || {
        if let Some(replicas) = weak.upgrade() {
            replicas.feeder.wake();
        }
    })
}

/// Tells everybody, in the world, that the snapshot shows what it shows.
fn begin(replicas: &Replicas, fed: &mut Fed, control: &Arc<Control>, receiver: Option<ChunkReceiver>) {
    replicas.feeder.post(Message::Began(control.clone(), receiver));
    let mut actions = Vec::new();
    fed.primary.step(Event::SnapshotStarted, now_ms(replicas), &mut actions);
    replicas.post(actions);
    if !replicas.role.is_replica.load(Ordering::Acquire) {
        replicas.stream.switch(true);
    }
}

/// What the snapshot says about itself: a sub-replica must know which database the stream has selected.
fn header(replicas: &Replicas, fed: &Fed) -> Header {
    let is_replica = replicas.role.is_replica.load(Ordering::Acquire);
    // A primary's stream names its database behind every snapshot.
    let stream_db = if is_replica { i64::from(replicas.stream_db.load(Ordering::Relaxed)) } else { 0 };
    let replication = ReplicationAux {
        stream_db,
        id: fed.primary.history().id().as_str().to_owned(),
        offset: fed.primary.offset() as i64,
    };
    let aux = AuxFields {
        ctime_s: unix_ms() / 1000,
        used_mem: memory::used_bytes(),
        replication: Some(replication),
        aof_base: false,
    };
    Header { aux, functions: Vec::new() }
}

/// A snapshot that leaves the keys out needs no walk.
fn without_data(replicas: &Arc<Replicas>, save: SaveOptions) -> io::Result<()> {
    let control = Arc::new(Control::default());
    let (mut sink, receiver) = channel(replicas, &control);
    let header = thread(replicas).with_world(|_| {
        let mut fed = replicas.primary();
        begin(replicas, &mut fed, &control, Some(receiver));
        header(replicas, &fed)
    });
    let mut writer = rdb::Writer::new(save);
    writer.aux_fields(&header.aux);
    writer.finish();
    sink.write(writer.take(Vec::new()))?;
    sink.finish()
}
