//! Large values: captured in pieces while everybody else goes on, and at once for those who cannot wait.

#[path = "../../../structures/tests/it/forms.rs"]
mod forms;

use crate::support::*;
use forms::Form;
use keyspace::{Keyspace, Ttl};
use profile::Profile;
use rdb::SaveOptions;
use snapshot::{Overflow, SnapshotError, SnapshotOptions};
use std::sync::{Arc, Mutex};
use structures::{Limits, Score, Value};
use table::ValueMut;
use topology::Slot;

const LARGE: &[u8] = b"{tag}large";
const SMALL: &[u8] = b"{tag}small";

fn options() -> SnapshotOptions {
    SnapshotOptions { large_bytes: 2_000, piece_bytes: 100, ..tiny(Overflow::Abort, 1 << 20) }
}

fn large_hash() -> Value {
    hash((0..300).map(|i| (format!("field {i}"), "value".repeat(i % 7))))
}

/// A keyspace with a large value of the kind and small ones beside it; who was woken is noted.
fn with_large(value: Value) -> (Arc<Keyspace>, Arc<Mutex<Vec<usize>>>) {
    let keyspace = Arc::new(Keyspace::new(usize::from(DATABASES), THREADS));
    let woken = Arc::new(Mutex::new(Vec::new()));
    let noted = woken.clone();
    keyspace.set_wake(move |thread| noted.lock().unwrap().push(thread));
    put(&keyspace, 1, LARGE, value, Some(NOW_MS + 1_000));
    put(&keyspace, 1, SMALL, bytes("small"), None);
    (keyspace, woken)
}

fn awaits_capture(keyspace: &Keyspace, key: &[u8]) -> bool {
    on_key(keyspace, WORKER, 1, key, |keys| keys.awaits_capture(key))
}

/// Saves, and at each chunk does something with the number of the chunk; what was saved is what was there at the instant.
#[track_caller]
fn save_with(keyspace: &Keyspace, options: SnapshotOptions, mut at_chunk: impl FnMut(usize)) -> Vec<u8> {
    let (snapshot, model) = begin(keyspace, options);
    let mut chunks = 0;
    let mut sink = Memory::new(|| {
        chunks += 1;
        at_chunk(chunks);
        Ok(())
    });
    let finished = run(keyspace, snapshot, &mut sink).expect("nothing fails");
    let written = sink.bytes;
    assert_eq!(loaded(&written).0, model);
    assert_eq!(finished.keys as usize, model.len());
    written
}

#[test]
fn everybody_else_goes_on_and_who_would_change_it_is_told_to_wait() {
    let (keyspace, woken) = with_large(large_hash());
    let mut states = Vec::new();
    save_with(&keyspace, options(), |chunk| {
        put(&keyspace, 1, SMALL, Value::Int(chunk as i64), None);
        on_key(&keyspace, WORKER, 1, LARGE, |keys| assert!(keys.lookup(LARGE).is_some()));
        assert!(!awaits_capture(&keyspace, SMALL));
        states.push(awaits_capture(&keyspace, LARGE));
        assert_eq!(woken.lock().unwrap().is_empty(), awaits_capture(&keyspace, LARGE));
    });
    let pieces = states.iter().filter(|&&waits| waits).count();
    assert!(pieces > 20, "it came in {pieces} chunks");
    assert!(states.is_sorted_by(|before, after| before >= after), "captured, it stays so: {states:?}");
    assert_eq!(*woken.lock().unwrap(), [WORKER]);
    assert!(!awaits_capture(&keyspace, LARGE), "no walk runs");
}

/// Every value that takes more than nothing is a large one here, so all that can be cut is.
#[test]
fn each_form_is_captured_in_pieces() {
    for (form, value) in forms::each() {
        let (keyspace, _) = with_large(value);
        let mut waited = false;
        // Its files have all forms.
        let save = SaveOptions::new(Profile::Valkey90);
        let large = SnapshotOptions { large_bytes: 1, save, ..options() };
        save_with(&keyspace, large, |_| waited |= awaits_capture(&keyspace, LARGE));
        assert_eq!(waited, form != Form::Integer, "{form:?}");
    }
}

#[test]
fn who_cannot_wait_captures_the_rest_at_once() {
    type Change = fn(&Keyspace);
    let changes: [(&str, Change); 7] = [
        ("change", |keyspace| {
            on_key(keyspace, WORKER, 1, LARGE, |keys| {
                let mut edit = keys.edit(LARGE).expect("it is there");
                match edit.value_mut() {
                    ValueMut::List(list) => list.push_back(b"more", &Limits::default()),
                    ValueMut::Hash(hash) => {
                        hash.set(b"more", b"", &Limits::default());
                    }
                    ValueMut::Set(set) => {
                        set.add(b"more", &Limits::default());
                    }
                    ValueMut::SortedSet(set) => {
                        set.insert(b"more", Score::ZERO, &Limits::default());
                    }
                    ValueMut::Stream(stream) => crate::support::add(stream, b"more"),
                    ValueMut::String => edit.bytes_mut().clear(),
                }
            });
        }),
        ("overwrite", |keyspace| put(keyspace, 1, LARGE, large_hash(), None)),
        ("expiry", |keyspace| {
            assert!(on_key(keyspace, WORKER, 1, LARGE, |keys| keys.set_expire(LARGE, None)))
        }),
        ("remove", |keyspace| on_key(keyspace, WORKER, 1, LARGE, |keys| drop(keys.remove(LARGE)))),
        ("move", |keyspace| {
            on_key(keyspace, WORKER, 1, LARGE, |keys| {
                let (key, value, _) = keys.remove(LARGE).expect("it is there").into_parts();
                keys.in_db(3).put(&key, value, Ttl::Clear);
            });
        }),
        ("flush", |keyspace| drop(in_world(keyspace, WORKER, 1, |keys| keys.flush()))),
        ("swap and flush", |keyspace| {
            in_world(keyspace, WORKER, 0, |keys| keys.swap(1, 2));
            drop(in_world(keyspace, WORKER, 2, |keys| keys.flush()));
            put(keyspace, 1, LARGE, large_hash(), None);
            put(keyspace, 2, LARGE, large_hash(), None);
            drop(in_world(keyspace, WORKER, 2, |keys| keys.flush()));
        }),
    ];
    let text = bytes("a text that compresses ".repeat(300));
    let members = set((0..900).map(|i| format!("m{i}")));
    for value in [large_hash(), list((0..900).map(|i| i.to_string())), members, text] {
        for (name, change) in changes {
            // Before it is begun, in its first and later pieces, and in the last.
            for at in [1, 2, 3, 10, 30] {
                let (keyspace, _) = with_large(value.clone());
                let mut changed = false;
                save_with(&keyspace, options(), |chunk| {
                    if chunk == at {
                        changed = true;
                        change(&keyspace);
                        assert!(!awaits_capture(&keyspace, LARGE), "after {name} at {at}");
                    }
                });
                assert!(changed || at > 3, "{name} at {at}");
            }
        }
    }
}

#[test]
fn an_expired_one_is_gone_for_readers_and_removed_later() {
    let (keyspace, _) = with_large(large_hash());
    let read = || on_key_as(&keyspace, later(WORKER, 1), LARGE, |keys| keys.lookup(LARGE).is_some());
    let mut times = 0;
    save_with(&keyspace, options(), |_| {
        if awaits_capture(&keyspace, LARGE) {
            times += 1;
            assert!(!read());
            let swept = on_key_as(&keyspace, later(WORKER, 1), LARGE, |keys| {
                keys.expire_slot(Slot::of(LARGE), 0, usize::MAX, |_| true).1
            });
            assert_eq!((swept, keyspace.len(1)), (0, 2));
        }
    });
    assert!(times > 20, "it was read in {times} chunks");
    assert!(!read());
    assert_eq!(keyspace.len(1), 1);
}

#[test]
fn what_is_asked_for_comes_first() {
    let one = save_with(&with_large(large_hash()).0, options(), |_| ()).len() / 64;
    let names: Vec<Vec<u8>> = (0..40).map(|i| format!("{{tag}}{i}").into_bytes()).collect();
    for wanted in names.iter().step_by(7) {
        let (keyspace, _) = with_large(large_hash());
        names.iter().for_each(|name| put(&keyspace, 1, name, large_hash(), None));
        let mut captured_at = None;
        // In one session the walk passes all of them by.
        save_with(&keyspace, SnapshotOptions { session_keys: 64, ..options() }, |chunk| {
            if captured_at.is_none() && !awaits_capture(&keyspace, wanted) {
                captured_at = Some(chunk);
            }
        });
        let at = captured_at.expect("it is captured while the save runs");
        assert!(at <= 3 * one, "captured after {at} chunks, of which one value takes about {one}");
    }
}

#[test]
fn the_end_of_a_walk_wakes_who_waits_whatever_end_it_is() {
    let (keyspace, woken) = with_large(large_hash());
    let (snapshot, _) = begin(&keyspace, options());
    let control = snapshot.control().clone();
    let mut chunks = 0;
    let mut sink = Memory::new(|| {
        chunks += 1;
        if chunks == 5 {
            assert!(awaits_capture(&keyspace, LARGE));
            control.abort();
            assert!(!awaits_capture(&keyspace, LARGE), "what is aborted is not waited for");
        }
        Ok(())
    });
    let ended = run(&keyspace, snapshot, &mut sink);
    assert!(matches!(ended, Err(SnapshotError::Aborted)), "{ended:?}");
    assert_eq!(*woken.lock().unwrap(), [WORKER]);

    // The sink fails instead, while the value is in progress and asked for.
    woken.lock().unwrap().clear();
    let (snapshot, _) = begin(&keyspace, options());
    let mut chunks = 0;
    let mut sink = Memory::new(|| {
        chunks += 1;
        assert!(chunks == 5 || awaits_capture(&keyspace, LARGE));
        if chunks == 5 { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    });
    assert!(matches!(run(&keyspace, snapshot, &mut sink), Err(SnapshotError::Io(_))));
    assert_eq!(*woken.lock().unwrap(), [WORKER]);
    // The mixture of marks is no harm to the next.
    save_with(&keyspace, options(), |_| ());
}

#[test]
fn long_strings_are_compressed_up_to_a_limit() {
    let usual = SnapshotOptions::new(save_options(), Overflow::Abort);
    for (megabytes, is_compressed) in [(1, true), (16, true), (17, false)] {
        let (keyspace, _) = with_large(bytes("x".repeat(megabytes << 20)));
        let written = save_with(&keyspace, usual.clone(), |_| ());
        assert_eq!(written.len() < megabytes << 20, is_compressed, "{megabytes} MB in {}", written.len());
    }
}
