//! What the tests share: a keyspace to write to, its contents as a model, and sinks.

use keyspace::{AccessClock, Expiry, Keys, KeysContext, Keyspace, Scratch};
use profile::Profile;
use rdb::SaveOptions;
use snapshot::{
    Background, Finished, Header, LoadOptions, LoadReport, Loader, Overflow, Sink, Snapshot, SnapshotError,
    SnapshotOptions,
};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::Thread;
use structures::stream::{Group, Nack};
use structures::{Hash, Limits, List, Score, Set, SortedSet, Stream, StreamId, Value, ValueRef};
use topology::Slot;

pub(crate) const DATABASES: u16 = 4;
/// The thread that walks.
pub(crate) const WALKER: usize = 0;
/// A thread that runs commands.
pub(crate) const WORKER: usize = 1;
pub(crate) const THREADS: usize = 6;
pub(crate) const NOW_MS: u64 = 1_700_000_000_000;

/// Everything that a snapshot must preserve.
pub(crate) type Model = BTreeMap<(u16, Vec<u8>), (Value, Option<u64>)>;

/// The threads of a keyspace by number, once they said who they are.
pub(crate) type Threads = Arc<Mutex<Vec<Option<Thread>>>>;

/// A keyspace whose threads are unparked by number, once they said who they are.
pub(crate) fn keyspace() -> (Arc<Keyspace>, Threads) {
    let keyspace = Arc::new(Keyspace::new(usize::from(DATABASES), THREADS));
    let threads = Arc::new(Mutex::new(vec![None::<Thread>; THREADS]));
    let theirs = threads.clone();
    keyspace.set_wake(move |number| {
        if let Some(thread) = &theirs.lock().unwrap()[number] {
            thread.unpark();
        }
    });
    (keyspace, threads)
}

pub(crate) fn context(thread: usize, db: u16) -> KeysContext {
    KeysContext {
        thread,
        db,
        now_ms: NOW_MS,
        expiry: Expiry::Ignore,
        lazy_expire: false,
        no_touch: true,
        clock: AccessClock::Lru,
    }
}

/// Runs a command on one key, as `thread`, that is parked while it has to wait.
pub(crate) fn on_key<R>(
    keyspace: &Keyspace,
    thread: usize,
    db: u16,
    key: &[u8],
    act: impl FnOnce(&mut Keys<'_, '_>) -> R,
) -> R {
    on_key_as(keyspace, context(thread, db), key, act)
}

/// The same in a context of one's own.
pub(crate) fn on_key_as<R>(
    keyspace: &Keyspace,
    context: KeysContext,
    key: &[u8],
    act: impl FnOnce(&mut Keys<'_, '_>) -> R,
) -> R {
    let background = Background::new(keyspace, context.thread);
    loop {
        let inside = background.enter();
        let busy = match keyspace.lock(Slot::of(key)) {
            Ok(mut guard) => {
                let mut scratch = Scratch::default();
                return act(&mut Keys::new(keyspace, &mut guard, &mut scratch, context));
            }
            Err(busy) => busy,
        };
        drop(inside);
        background.wait_for(busy);
    }
}

/// The context of a command that removes what has expired, after every expiry that a test sets.
pub(crate) fn later(thread: usize, db: u16) -> KeysContext {
    KeysContext { now_ms: NOW_MS + 1_000_000, expiry: Expiry::Delete, ..context(thread, db) }
}

/// Does something in the world, as `thread`.
pub(crate) fn in_world<R>(
    keyspace: &Keyspace,
    thread: usize,
    db: u16,
    act: impl FnOnce(&mut Keys<'_, '_>) -> R,
) -> R {
    let mut scratch = Scratch::default();
    Background::new(keyspace, thread)
        .with_world(|world| act(&mut Keys::new(keyspace, world, &mut scratch, context(thread, db))))
}

pub(crate) fn put(keyspace: &Keyspace, db: u16, key: &[u8], value: Value, expire_at_ms: Option<u64>) {
    on_key(keyspace, WORKER, db, key, |keys| {
        let ttl = expire_at_ms.map_or(keyspace::Ttl::Clear, keyspace::Ttl::At);
        keys.put(key, value, ttl);
    });
}

/// The contents, under a guard for everything.
pub(crate) fn contents(keys: &mut Keys<'_, '_>) -> Model {
    let mut model = Model::new();
    for db in 0..DATABASES {
        let mut keys = keys.in_db(db);
        let mut from = 0;
        while let Some(slot) = keys.next_occupied(from) {
            from = slot.index() + 1;
            let end = keys.scan_slot(slot, 0, usize::MAX, |entry| {
                let value = owned(entry.value());
                let before = model.insert((db, entry.key().to_vec()), (value, entry.expire_at()));
                assert!(before.is_none(), "a scan shows an entry once");
            });
            assert_eq!(end, Ok(0));
        }
    }
    model
}

/// A value of its own, as a file can tell it: the text of an integer that was opened for changes is saved as the integer, as
/// redis-server does it.
pub(crate) fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Int(int) => Value::Int(int),
        ValueRef::Bytes(bytes) => match number::parse_i64(bytes) {
            Some(int) => Value::Int(int),
            None => Value::Bytes(bytes.to_vec()),
        },
        ValueRef::List(list) => Value::List(Box::new(list.clone())),
        ValueRef::Hash(hash) => Value::Hash(Box::new(hash.clone())),
        ValueRef::Set(set) => Value::Set(Box::new(set.clone())),
        ValueRef::SortedSet(set) => Value::SortedSet(Box::new(set.clone())),
        ValueRef::Stream(stream) => Value::Stream(Box::new(stream.clone())),
    }
}

pub(crate) fn bytes(text: impl AsRef<[u8]>) -> Value {
    Value::Bytes(text.as_ref().to_vec())
}

pub(crate) fn list(elements: impl IntoIterator<Item = String>) -> Value {
    let mut list = List::new();
    for element in elements {
        list.push_back(element.as_bytes(), &Limits::default());
    }
    Value::List(Box::new(list))
}

/// Adds an entry to a stream.
pub(crate) fn add(stream: &mut Stream, text: &[u8]) {
    let id = stream.last_id().next().expect("few entries");
    stream.add(id, &[b"text", text], &Limits::default()).expect("a greater ID");
}

/// A stream of these texts, with a group in which every other entry is pending.
pub(crate) fn stream(texts: impl IntoIterator<Item = String>) -> Value {
    let mut stream = Stream::new();
    texts.into_iter().for_each(|text| add(&mut stream, text.as_bytes()));
    let mut group = Group::new(b"group", stream.last_id(), None);
    let consumer = group.create_consumer(b"consumer", 5).expect("the first one");
    group.set_active(consumer, Some(5));
    for id in stream.iter().step_by(2).map(|entry| entry.id) {
        group.set_pending(id, Nack { delivered_ms: 7, deliveries: id.seq, consumer });
    }
    stream.add_group(group);
    assert!(stream.contains(StreamId::new(0, 1)));
    Value::Stream(Box::new(stream))
}

pub(crate) fn hash(pairs: impl IntoIterator<Item = (String, String)>) -> Value {
    let mut hash = Hash::new();
    for (field, value) in pairs {
        hash.set(field.as_bytes(), value.as_bytes(), &Limits::default());
    }
    Value::Hash(Box::new(hash))
}

/// A set as Redis 7.0 has it, without a listpack.
pub(crate) fn set(members: impl IntoIterator<Item = String>) -> Value {
    let limits = Limits { set_max_listpack_entries: 0, ..Limits::default() };
    let mut set = Set::new();
    for member in members {
        set.add(member.as_bytes(), &limits);
    }
    Value::Set(Box::new(set))
}

pub(crate) fn sorted_set(pairs: impl IntoIterator<Item = (String, i32)>) -> Value {
    let mut set = SortedSet::new();
    for (member, score) in pairs {
        set.insert(member.as_bytes(), Score::from(score), &Limits::default());
    }
    Value::SortedSet(Box::new(set))
}

/// One of everything, several times, in two databases.
pub(crate) fn fill(keyspace: &Keyspace) {
    for db in [0, 2] {
        for i in 0..200 {
            put(keyspace, db, format!("int:{i}").as_bytes(), Value::Int(i * 7_919), None);
            let text = format!("{i} ").repeat(i as usize);
            put(keyspace, db, format!("text:{i}").as_bytes(), bytes(text), Some(NOW_MS + 1_000 * i as u64));
        }
        for i in 1..20 {
            put(keyspace, db, format!("list:{i}").as_bytes(), list((0..i * i).map(|n| n.to_string())), None);
            let pairs = (0..i * 50).map(|n| (format!("f{n}"), format!("v{n}")));
            put(keyspace, db, format!("hash:{i}").as_bytes(), hash(pairs), Some(NOW_MS + 5));
            put(keyspace, db, format!("integers:{i}").as_bytes(), set((0..i).map(|n| n.to_string())), None);
            let members = (0..i * 20).map(|n| format!("m{n}"));
            put(keyspace, db, format!("set:{i}").as_bytes(), set(members), None);
            let pairs = (0..i * 20).map(|n| (format!("m{n}"), n));
            put(keyspace, db, format!("zset:{i}").as_bytes(), sorted_set(pairs), None);
        }
    }
}

pub(crate) fn save_options() -> SaveOptions {
    SaveOptions::new(Profile::Redis70)
}

/// Options with small chunks and the shortest sessions, so that commands come between.
pub(crate) fn tiny(overflow: Overflow, queue_bytes: usize) -> SnapshotOptions {
    SnapshotOptions {
        chunk_bytes: 64,
        session_keys: 1,
        queue_bytes,
        ..SnapshotOptions::new(save_options(), overflow)
    }
}

/// Begins a snapshot, as the thread that walks; with the contents at its instant.
pub(crate) fn begin(keyspace: &Keyspace, options: SnapshotOptions) -> (Snapshot, Model) {
    let mut scratch = Scratch::default();
    Background::new(keyspace, WALKER).with_world(|world| {
        let model = contents(&mut Keys::new(keyspace, world, &mut scratch, context(WALKER, 0)));
        (Snapshot::begin(keyspace, world, options).unwrap(), model)
    })
}

pub(crate) fn run(
    keyspace: &Keyspace,
    snapshot: Snapshot,
    sink: &mut dyn Sink,
) -> Result<Finished, SnapshotError> {
    snapshot.run(Background::new(keyspace, WALKER), sink, &Header::default())
}

/// A sink that keeps the bytes and does something at each chunk, when the walking thread is outside the gate.
pub(crate) struct Memory<F> {
    pub(crate) bytes: Vec<u8>,
    pub(crate) finished: bool,
    at_chunk: F,
}

impl<F: FnMut() -> io::Result<()>> Memory<F> {
    pub(crate) fn new(at_chunk: F) -> Memory<F> {
        Memory { bytes: Vec::new(), finished: false, at_chunk }
    }
}

impl<F: FnMut() -> io::Result<()>> Sink for Memory<F> {
    fn write(&mut self, chunk: Vec<u8>) -> io::Result<Vec<u8>> {
        (self.at_chunk)()?;
        self.bytes.extend_from_slice(&chunk);
        Ok(chunk)
    }

    fn finish(&mut self) -> io::Result<()> {
        assert!(!std::mem::replace(&mut self.finished, true), "finished once");
        Ok(())
    }
}

pub(crate) fn load_options() -> LoadOptions {
    LoadOptions { drop_expired: false, ..LoadOptions::new(Profile::Valkey90.rdb_version(), NOW_MS) }
}

/// What a fresh keyspace holds after loading these bytes.
pub(crate) fn loaded(bytes: &[u8]) -> (Model, LoadReport) {
    let (keyspace, _) = keyspace();
    let mut loader = Loader::new(WORKER, load_options());
    assert!(loader.feed(&keyspace, bytes).unwrap(), "the end mark is there");
    let (report, rest) = loader.finish(&keyspace).unwrap();
    assert!(report.verified && rest.is_empty());
    let model = in_world(&keyspace, WORKER, 0, contents);
    assert_eq!(report.keys as usize, model.len());
    (model, report)
}

/// A directory of its own for a test.
pub(crate) fn directory(test: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("engram-snapshot-{}-{test}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}
