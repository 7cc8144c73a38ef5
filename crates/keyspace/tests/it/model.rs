//! The keyspace against a map, and the guarantees of SCAN and of expiry.

use keyspace::{AccessClock, Among, Expiry, ITSELF, Keys, KeysContext, Keyspace, Scratch, Standing, Ttl};
use proptest::prelude::*;
use topology::{SLOTS, Slot};

use crate::HASHER;
use crate::machine::{Machine, holds, ops};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever is done, on a primary or on a writable replica: contents and accounts agree with a recount.
    #[test]
    fn a_keyspace_is_a_map(
        program in proptest::collection::vec((holds(), ops()), 1..250),
        hidden in any::<bool>(),
    ) {
        let mut machine = Machine::new(if hidden { Expiry::Hide } else { Expiry::Delete });
        for (step, (hold, op)) in program.iter().enumerate() {
            machine.apply(*hold, op);
            if step % 16 == 0 {
                machine.check();
            }
        }
        machine.check();
    }
}

fn context(now_ms: u64, expiry: Expiry) -> KeysContext {
    KeysContext {
        thread: 0,
        db: 0,
        now_ms,
        expiry,
        lazy_expire: false,
        no_touch: false,
        clock: AccessClock::Lru,
    }
}

/// Runs `f` with a guard that goes from slot to slot.
fn stroll<R>(space: &Keyspace, context: KeysContext, f: impl FnOnce(&mut Keys<'_, '_>) -> R) -> R {
    let mut scratch = Scratch::default();
    let mut standing = Standing::new(0);
    assert!(standing.enter(space));
    let mut guard = space.walk_slots();
    let result = f(&mut Keys::new(space, &mut guard, &mut scratch, context));
    drop(guard);
    standing.leave(space);
    keyspace::Reclaimer::new().collect(space, &mut scratch.retired);
    result
}

fn on_key(space: &Keyspace, key: &[u8], context: KeysContext, f: impl FnOnce(&mut Keys<'_, '_>)) {
    let mut scratch = Scratch::default();
    let mut standing = Standing::new(0);
    assert!(standing.enter(space));
    let mut guard = space.lock(Slot::of(key)).expect("free");
    f(&mut Keys::new(space, &mut guard, &mut scratch, context));
    drop(guard);
    standing.leave(space);
    keyspace::Reclaimer::new().collect(space, &mut scratch.retired);
}

/// Keys that are there from the first call of a scan to its last are returned, whatever comes and goes meanwhile.
#[test]
fn a_scan_returns_what_stays() {
    let space = Keyspace::with_hasher(1, 1, HASHER);
    let at = context(1, Expiry::Delete);
    let stays: Vec<Vec<u8>> = (0..3000u32)
        // Many in one slot, many alone in theirs.
        .map(|i| if i % 2 == 0 { format!("{{tag}}{i}") } else { format!("key{i}") }.into_bytes())
        .collect();
    for key in &stays {
        on_key(&space, key, at, |keys| keys.put_string(key, b"v", Ttl::Clear));
    }
    let mut seen = std::collections::HashSet::new();
    let (mut from, mut cursor, mut churn) = (0, 0, 0u32);
    while let Some(slot) = space.next_occupied(space.physical(0), from) {
        if slot.index() != from {
            cursor = 0;
        }
        cursor = stroll(&space, at, |keys| {
            keys.scan_slot(slot, cursor, 10, |entry| {
                seen.insert(entry.key().to_vec());
            })
            .expect("free")
        });
        from = slot.index() + usize::from(cursor == 0);
        // The tagged slot grows to many times its size and shrinks again.
        for _ in 0..20 {
            let key = format!("{{tag}}churn{}", churn % 4000).into_bytes();
            on_key(&space, &key, at, |keys| {
                if churn / 4000 % 2 == 0 {
                    keys.put_string(&key, b"v", Ttl::Clear);
                } else {
                    drop(keys.remove(&key));
                }
            });
            churn += 1;
        }
    }
    assert!(churn > 8000, "grown and shrunk");
    assert!(stays.iter().all(|key| seen.contains(key)));
}

#[test]
fn reading_expires_on_a_primary_and_hides_on_a_replica() {
    let space = Keyspace::with_hasher(1, 1, HASHER);
    on_key(&space, b"k", context(1, Expiry::Delete), |keys| keys.put_string(b"k", b"v", Ttl::At(5)));
    on_key(&space, b"k", context(4, Expiry::Delete), |keys| assert!(keys.lookup(b"k").is_some()));
    on_key(&space, b"k", context(5, Expiry::Hide), |keys| {
        assert!(keys.lookup(b"k").is_none() && keys.peek(b"k").is_none() && keys.expired_since(b"k", 0));
        assert!(keys.effects().records().is_empty());
    });
    assert_eq!(space.len(0), 1, "hidden, not removed");
    on_key(&space, b"k", context(9, Expiry::Ignore), |keys| assert!(keys.peek(b"k").is_some()));
    on_key(&space, b"k", context(9, Expiry::Delete), |keys| {
        keys.effects().replicating = true;
        assert!(keys.lookup(b"k").is_none());
        assert_eq!(keys.effects().bytes(), b"*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n");
        assert_eq!(keys.effects().expired, 1);
    });
    assert_eq!((space.len(0), space.volatile_len(0)), (0, 0));
}

/// An overwritten key that had expired is a new one: its removal is replicated first, and KEEPTTL finds nothing to keep.
#[test]
fn overwriting_an_expired_key_is_an_insertion() {
    for expiry in [Expiry::Delete, Expiry::Hide] {
        let space = Keyspace::with_hasher(1, 1, HASHER);
        on_key(&space, b"k", context(1, expiry), |keys| keys.put_string(b"k", b"v", Ttl::At(5)));
        on_key(&space, b"k", context(6, expiry), |keys| {
            keys.effects().replicating = true;
            keys.put_string(b"k", b"w", Ttl::Keep);
            assert_eq!(keys.effects().records().len(), 1);
            assert_eq!(keys.peek(b"k").expect("there").expire_at(), None);
        });
        assert_eq!((space.len(0), space.volatile_len(0)), (1, 0));
    }
}

/// A description that is not taken would never reach a replica.
#[test]
#[should_panic(expected = "effects were dropped before they were sent")]
fn effects_that_are_left_are_a_bug() {
    let mut effects = keyspace::Effects::default();
    effects.replicating = true;
    effects.begin();
    effects.replicate(0, &["DEL", "k"]);
    effects.begin();
}

/// What a walk removes is sent before the lock is given back under which it was removed.
#[test]
fn a_walk_sends_before_it_leaves_a_slot() {
    let space = std::sync::Arc::new(Keyspace::with_hasher(1, 1, HASHER));
    for key in [b"a", b"b"] {
        on_key(&space, key, context(1, Expiry::Delete), |keys| keys.put_string(key, b"v", Ttl::At(5)));
    }
    let (sent, received) = std::sync::mpsc::channel();
    let theirs = space.clone();
    let mut scratch = Scratch::default();
    scratch.effects.replicating = true;
    scratch.outlet = keyspace::Outlet::new(move |effects| {
        let command = effects.take_commands(|bytes, _| bytes.to_vec());
        // Another thread's look.
        let held = std::thread::scope(|scope| {
            let look = || [b"a", b"b"].map(|key| theirs.lock(Slot::of(key)).is_err());
            scope.spawn(look).join().expect("it looks")
        });
        drop(sent.send((command, held)));
    });
    let mut guard = space.walk_slots();
    let mut keys = Keys::new(&space, &mut guard, &mut scratch, context(6, Expiry::Delete));
    let first = keys.sample(0, |entry| entry.key().to_vec()).expect("free").expect("two keys");
    assert!(keys.peek(&first).is_none());
    assert!(received.try_recv().is_err(), "not before the slot is left");
    let second = keys.sample(0, |entry| entry.key().to_vec()).expect("free").expect("one key");
    assert_ne!(first, second);
    let removal = [b"*2\r\n$3\r\nDEL\r\n$1\r\n", &first[..], b"\r\n"].concat();
    assert_eq!(received.try_recv(), Ok((removal, [first == b"a", first == b"b"])));
    assert!(keys.effects().records().is_empty());
}

/// An expired key is evicted as any other: its removal is described.
#[test]
fn an_expired_key_is_evicted() {
    let space = Keyspace::with_hasher(1, 1, HASHER);
    on_key(&space, b"k", context(1, Expiry::Delete), |keys| keys.put_string(b"k", b"v", Ttl::At(5)));
    on_key(&space, b"k", context(6, Expiry::Delete), |keys| {
        keys.effects().replicating = true;
        assert!(keys.evict(b"k", false) && !keys.evict(b"k", false));
        assert_eq!(keys.effects().bytes(), b"*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n");
        assert_eq!(keys.effects().expired, 0);
    });
    assert_eq!((space.len(0), space.volatile_len(0)), (0, 0));
}

/// A few keys with an expiry are drawn alike, however many there are without one, and wherever they are.
#[test]
fn samples_may_be_of_keys_with_an_expiry_alone() {
    let space = Keyspace::with_hasher(1, 1, HASHER);
    let at = context(1, Expiry::Delete);
    for i in 0..20_000 {
        let key = if i % 2 == 0 { format!("{{tag}}{i}") } else { format!("key{i}") }.into_bytes();
        on_key(&space, &key, at, |keys| keys.put_string(&key, b"v", Ttl::Clear));
    }
    let draw = |random: u64| {
        stroll(&space, at, |keys| {
            keys.sample_among(Among::Volatile, random, |entry| entry.key().to_vec()).expect("free")
        })
    };
    assert_eq!(draw(7), None);
    let volatile = ["{tag}a", "{tag}b", "c", "d"].map(|key| key.as_bytes().to_vec());
    for key in &volatile {
        on_key(&space, key, at, |keys| keys.put_string(key, b"v", Ttl::At(5)));
    }
    let mut drawn = std::collections::BTreeMap::new();
    let mut random = 1u64;
    for _ in 0..4000 {
        random = random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        *drawn.entry(draw(random ^ random >> 32).expect("there are some")).or_insert(0) += 1;
    }
    assert_eq!(drawn.keys().cloned().collect::<Vec<_>>(), ["c", "d", "{tag}a", "{tag}b"].map(Vec::from));
    assert!(drawn.values().all(|&count| count > 300), "{drawn:?}");
    for key in &volatile {
        on_key(&space, key, at, |keys| assert!(keys.evictable(key, Among::Volatile).is_some()));
        on_key(&space, key, at, |keys| assert!(keys.set_expire(key, None)));
        on_key(&space, key, at, |keys| assert!(keys.evictable(key, Among::Volatile).is_none()));
        on_key(&space, key, at, |keys| assert!(keys.evictable(key, Among::All).is_some()));
    }
    assert_eq!(draw(7), None);
}

/// Half the keys share a slot, so half the samples come from it.
#[test]
fn samples_follow_the_keys() {
    let space = Keyspace::with_hasher(1, 1, HASHER);
    let at = context(1, Expiry::Delete);
    for i in 0..1000 {
        let key = if i < 500 { format!("{{tag}}{i}") } else { format!("key{i}") }.into_bytes();
        on_key(&space, &key, at, |keys| keys.put_string(&key, b"v", Ttl::Clear));
    }
    let mut random = 1u64;
    let tagged = stroll(&space, at, |keys| {
        let mut draw = || {
            random = random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            keys.sample(random ^ random >> 32, |entry| entry.key().starts_with(b"{tag}")).expect("free")
        };
        (0..4000).filter(|_| draw() == Some(true)).count()
    });
    assert!((1800..2200).contains(&tagged), "{tagged} of 4000");
    assert_eq!(stroll(&Keyspace::with_hasher(1, 1, HASHER), at, |keys| keys.sample(7, |_| ())), Ok(None));
}

#[test]
#[should_panic(expected = "is not held")]
fn a_guard_lends_only_what_it_covers() {
    let space = Keyspace::with_hasher(1, 1, HASHER);
    on_key(&space, b"a", context(1, Expiry::Delete), |keys| {
        keys.peek(b"b");
    });
}

#[test]
#[should_panic(expected = "there is one world")]
fn there_is_one_world() {
    let space = Keyspace::with_hasher(1, 1, HASHER);
    let mut standing = Standing::new(0);
    assert!(standing.claim(&space, ITSELF, 0));
    let _first = standing.world(&space);
    let _second = standing.world(&space);
}

#[test]
#[should_panic(expected = "outside the gate")]
fn nobody_locks_a_slot_in_the_world() {
    let space = Keyspace::with_hasher(1, 1, HASHER);
    let mut standing = Standing::new(0);
    assert!(standing.claim(&space, ITSELF, 0));
    let _world = standing.world(&space);
    let _ = space.lock(Slot::of(b"a"));
}

#[test]
fn slots_are_taken_all_or_none() {
    let space = Keyspace::with_hasher(1, 2, HASHER);
    let slot = |n: usize| Slot::new(n as u16).expect("a slot");
    let held = space.lock(slot(5)).expect("free");
    let busy = std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let wanted = [slot(1), slot(5), slot(SLOTS - 1)];
            let busy = space.lock_many(&wanted).map(drop).expect_err("5 is held");
            assert!(space.lock(slot(1)).is_ok(), "given back");
            busy
        });
        other.join().expect("no panic")
    });
    assert_eq!(busy.0, slot(5));
    let woken = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    space.set_wake({
        let woken = woken.clone();
        move |thread| woken.store(thread, std::sync::atomic::Ordering::Relaxed)
    });
    assert!(space.register(busy, 1));
    drop(held);
    assert_eq!(woken.load(std::sync::atomic::Ordering::Relaxed), 1);
    assert!(!space.register(busy, 1), "free: try again at once");
}
