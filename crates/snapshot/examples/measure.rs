//! Saves and loads keys of 16 bytes with values of 64, with and without a thread that overwrites meanwhile, and prints
//! what it took. `cargo run --release -p snapshot --example measure [KEYS [DIR]]`.

#![allow(clippy::disallowed_methods)] // it measures time and writes files

use files::Directory;
use keyspace::{AccessClock, Expiry, Keys, KeysContext, Keyspace, Reclaimer, Scratch, Ttl};
use profile::Profile;
use rdb::SaveOptions;
use snapshot::{Background, FileSink, Header, LoadOptions, Overflow, Snapshot, SnapshotOptions, load};
use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::Instant;
use topology::Slot;

const WALKER: usize = 0;
const WRITER: usize = 1;

fn rss_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// Seconds of CPU time of the calling thread.
fn cpu_s() -> f64 {
    let schedstat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    schedstat.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

fn put(keyspace: &Keyspace, scratch: &mut Scratch, key: u64, value: &[u8]) {
    let key = format!("key:{key:012}");
    let context = KeysContext {
        thread: WRITER,
        db: 0,
        now_ms: 0,
        expiry: Expiry::Ignore,
        lazy_expire: false,
        no_touch: true,
        clock: AccessClock::Lru,
    };
    let background = Background::new(keyspace, WRITER);
    loop {
        let inside = background.enter();
        let busy = match keyspace.lock(Slot::of(key.as_bytes())) {
            Ok(mut guard) => {
                let mut keys = Keys::new(keyspace, &mut guard, scratch, context);
                return keys.put_string(key.as_bytes(), value, Ttl::Clear);
            }
            Err(busy) => busy,
        };
        drop(inside);
        background.wait_for(busy);
    }
}

fn save(keyspace: &Keyspace, dir: &Path) {
    let thread = Background::new(keyspace, WALKER);
    let overflow = Overflow::Spill(Directory::at(dir), "pre-images".into());
    let options = SnapshotOptions::new(SaveOptions::new(Profile::Redis70), overflow);
    let (start, cpu_before_s) = (Instant::now(), cpu_s());
    let snapshot = thread.with_world(|world| Snapshot::begin(keyspace, world, options)).expect("none runs");
    let began = start.elapsed();
    let mut sink = FileSink::create(&Directory::at(dir), "dump.rdb", true).expect("a file in the directory");
    let finished = snapshot.run(thread, &mut sink, &Header::default()).expect("a save");
    let cpu_s = cpu_s() - cpu_before_s;
    println!("  begin {began:?}, all {:?} ({cpu_s:.2} s of CPU), {finished:?}", start.elapsed());
}

fn main() {
    let mut args = std::env::args().skip(1);
    let count: u64 = args.next().and_then(|keys| keys.parse().ok()).unwrap_or(2_000_000);
    let dir = args.next().map_or_else(std::env::temp_dir, Into::into);
    let keyspace = Keyspace::new(16, 3);
    let threads: [std::sync::OnceLock<Thread>; 2] = Default::default();
    let threads = std::sync::Arc::new(threads);
    let woken = threads.clone();
    keyspace.set_wake(move |number| {
        if let Some(thread) = woken[number].get() {
            thread.unpark();
        }
    });
    threads[WALKER].set(thread::current()).expect("set once");
    let (mut scratch, mut reclaimer) = (Scratch::default(), Reclaimer::new());
    for key in 0..count {
        put(&keyspace, &mut scratch, key, format!("{key:064}").as_bytes());
        reclaimer.collect(&keyspace, &mut scratch.retired);
    }
    println!("{count} keys, {} MB resident", rss_mb());
    println!("saving, nobody writes:");
    save(&keyspace, &dir);
    println!("  {} MB resident", rss_mb());

    println!("saving, a thread overwrites keys in random order:");
    let (done, writes, slowest_ns, peak_mb) =
        (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            threads[WRITER].set(thread::current()).expect("set once");
            let mut scratch = Scratch::default();
            let mut key = 1u64;
            while !done.load(Ordering::Relaxed) {
                key = key.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let start = Instant::now();
                put(&keyspace, &mut scratch, (key >> 20) % count, &[b'y'; 64]);
                slowest_ns.fetch_max(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
                if writes.fetch_add(1, Ordering::Relaxed).is_multiple_of(100_000) {
                    peak_mb.fetch_max(rss_mb(), Ordering::Relaxed);
                }
            }
        });
        save(&keyspace, &dir);
        done.store(true, Ordering::Relaxed);
    });
    println!(
        "  {} writes, the slowest took {} us; {} MB resident at most",
        writes.into_inner(),
        slowest_ns.into_inner() / 1000,
        peak_mb.into_inner()
    );

    let fresh = Keyspace::new(16, 3);
    let (start, cpu_before_s) = (Instant::now(), cpu_s());
    let file = File::open(dir.join("dump.rdb")).expect("the file just saved");
    let options = LoadOptions::new(Profile::Redis70.rdb_version(), 0);
    let (report, _) = load(file, &fresh, WALKER, options, |_| {}).expect("a load");
    let cpu_s = cpu_s() - cpu_before_s;
    println!("loading: {:?} ({cpu_s:.2} s of CPU) for {} keys", start.elapsed(), report.keys);
    let _ = fs::remove_file(dir.join("dump.rdb"));
}
