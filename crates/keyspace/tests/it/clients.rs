//! Watches and tickets: which changes reach which clients.

use std::sync::Arc;

use keyspace::{
    AccessClock, EventClass, Expiry, Keys, KeysContext, Keyspace, Scratch, Ticket, Ttl, Wait, Watch,
};
use structures::Value;
use topology::Slot;

use crate::HASHER;
use crate::machine::world;

fn in_world<R>(space: &Keyspace, db: u16, now_ms: u64, f: impl FnOnce(&mut Keys<'_, '_>) -> R) -> R {
    let context = KeysContext {
        thread: 0,
        db,
        now_ms,
        expiry: Expiry::Delete,
        lazy_expire: false,
        no_touch: false,
        clock: AccessClock::Lru,
    };
    let mut scratch = Scratch::default();
    let result = world(space, |guard| f(&mut Keys::new(space, guard, &mut scratch, context)));
    keyspace::Reclaimer::new().collect(space, &mut scratch.retired);
    result
}

/// Whether a step counts as a change, after which a panic cannot be answered by an error any more.
fn notes_a_change(space: &Keyspace, step: impl FnOnce(&mut Keys<'_, '_>)) -> bool {
    in_world(space, 0, 5, |keys| {
        keys.scratch.has_changed = false;
        step(keys);
        keys.scratch.has_changed
    })
}

fn put(keys: &mut Keys<'_, '_>, key: &[u8], ttl: Ttl) {
    keys.put_string(key, b"v", ttl);
    keys.changed(key, EventClass::STRING, "set", 1);
}

fn watch(space: &Keyspace, db: u16, now_ms: u64, key: &[u8]) -> Arc<Watch> {
    let watch = Arc::new(Watch::default());
    in_world(space, db, now_ms, |keys| keys.watch(key, &watch));
    watch
}

#[test]
fn a_change_touches_the_watches_of_its_key() {
    let space = Keyspace::with_hasher(2, 1, HASHER);
    let (mine, neighbour, other_db) =
        (watch(&space, 0, 1, b"{t}a"), watch(&space, 0, 1, b"{t}b"), watch(&space, 1, 1, b"{t}a"));
    in_world(&space, 0, 1, |keys| put(keys, b"{t}a", Ttl::Clear));
    assert!(mine.is_touched() && !neighbour.is_touched() && !other_db.is_touched());
    neighbour.retire();
    let again = watch(&space, 0, 1, b"{t}b");
    in_world(&space, 0, 1, |keys| put(keys, b"{t}b", Ttl::Clear));
    assert!(again.is_touched());
}

#[test]
fn expiry_touches_only_who_saw_the_key() {
    let space = Keyspace::with_hasher(1, 1, HASHER);
    in_world(&space, 0, 1, |keys| put(keys, b"k", Ttl::At(5)));
    let before = watch(&space, 0, 4, b"k");
    in_world(&space, 0, 5, |keys| assert!(keys.peek(b"k").is_none()));
    assert!(before.is_touched());

    in_world(&space, 0, 6, |keys| put(keys, b"k", Ttl::At(9)));
    let after = watch(&space, 0, 9, b"k");
    in_world(&space, 0, 10, |keys| assert!(keys.peek(b"k").is_none()));
    assert!(!after.is_touched(), "it was gone before");
}

#[test]
fn flush_and_swap_touch_what_they_change() {
    let space = Keyspace::with_hasher(3, 1, HASHER);
    in_world(&space, 0, 1, |keys| put(keys, b"there", Ttl::Clear));
    let (there, absent) = (watch(&space, 0, 1, b"there"), watch(&space, 0, 1, b"absent"));
    in_world(&space, 0, 1, |keys| drop(keys.flush()));
    assert!(there.is_touched() && !absent.is_touched());

    in_world(&space, 0, 1, |keys| put(keys, b"k", Ttl::Clear));
    let watches: Vec<_> = (0..3).map(|db| watch(&space, db, 1, b"k")).collect();
    in_world(&space, 2, 1, |keys| keys.swap(0, 0));
    assert!(watches.iter().all(|watch| !watch.is_touched()));
    in_world(&space, 2, 1, |keys| keys.swap(0, 1));
    assert_eq!(watches.iter().map(|watch| watch.is_touched()).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!((space.len(0), space.len(1)), (0, 1));
}

fn ticket(client: u64, keys: &[&[u8]]) -> Arc<Ticket> {
    let slots = keys.iter().map(|key| Slot::of(key)).collect();
    Arc::new(Ticket::new(Wait { client, slots, ..Wait::default() }))
}

#[test]
fn tickets_are_served_in_order_and_once() {
    let space = Keyspace::with_hasher(1, 1, HASHER);
    let (first, second, third) = (ticket(1, &[b"a", b"b"]), ticket(2, &[b"a"]), ticket(3, &[b"b"]));
    in_world(&space, 0, 1, |keys| {
        for (key, ticket) in [(b"a", &first), (b"b", &first), (b"a", &second), (b"b", &third)] {
            keys.wait(key, ticket);
        }
        keys.ready(b"nobody");
        keys.ready(b"a");
        keys.ready(b"a");
        assert_eq!(keys.effects().ready.pop(), Some((0, b"a"[..].into())));
        assert!(keys.effects().ready.is_empty());

        let next = |keys: &mut Keys<'_, '_>, key: &[u8], from| {
            keys.waiter(0, key, from).filter(|(_, ticket)| ticket.claim()).map(|(_, ticket)| ticket.client)
        };
        assert_eq!(next(keys, b"a", 0), Some(1));
        first.release();
        assert_eq!(next(keys, b"a", 1), Some(2), "the first one found nothing and keeps its place");
        second.release();
        assert_eq!(next(keys, b"a", 0), Some(1));
        keys.served(0, b"a", &first);
        assert!(first.is_over() && !first.cancel());
        assert_eq!(next(keys, b"b", 0), Some(3), "the first one was served by its other key");
        third.release();
        assert!(third.cancel());
        assert_eq!(next(keys, b"b", 0), None);
        assert_eq!(next(keys, b"a", 0), Some(2));
        keys.served(0, b"a", &second);
        assert!(!keys.has_waiters(Slot::of(b"a")));
    });
    // Nobody holds on to what is over, wherever it was registered.
    in_world(&space, 0, 1, |keys| {
        keys.wait(b"b", &ticket(4, &[b"b"]));
        keys.wait(b"b", &ticket(5, &[b"b"]));
    });
    assert_eq!([&first, &second, &third].map(Arc::strong_count), [1, 1, 1]);
}

#[test]
fn a_swap_readies_who_waits_for_what_came() {
    let space = Keyspace::with_hasher(2, 1, HASHER);
    in_world(&space, 1, 1, |keys| put(keys, b"k", Ttl::Clear));
    in_world(&space, 0, 1, |keys| {
        keys.wait(b"k", &ticket(1, &[b"k"]));
        keys.swap(0, 1);
        assert_eq!(keys.effects().ready.pop(), Some((0, b"k"[..].into())));
    });
}

/// A client may wait in a group of a stream: it is told however the stream goes.
#[test]
fn a_stream_that_goes_readies_who_waits_for_it() {
    type Step = fn(&mut Keys<'_, '_>);
    let ends: [(&str, Step); 7] = [
        ("removed", |keys| drop(keys.remove(b"k"))),
        ("overwritten by a string", |keys| keys.put_string(b"k", b"x", Ttl::Clear)),
        ("overwritten by a value", |keys| keys.put(b"k", Value::List(Default::default()), Ttl::Clear)),
        ("expired", |keys| {
            keys.set_expire(b"k", Some(1));
            assert!(keys.peek(b"k").is_none());
        }),
        ("evicted", |keys| assert!(keys.evict(b"k", false))),
        ("flushed", |keys| drop(keys.flush())),
        ("swapped", |keys| keys.swap(0, 1)),
    ];
    for (how, end) in ends {
        for (value, is_told) in
            [(Value::Stream(Default::default()), true), (Value::Set(Default::default()), false)]
        {
            let space = Keyspace::with_hasher(2, 1, HASHER);
            in_world(&space, 0, 9, |keys| {
                keys.put(b"k", value, Ttl::Clear);
                keys.wait(b"k", &ticket(1, &[b"k"]));
                end(keys);
                let told = std::iter::from_fn(|| keys.effects().ready.pop())
                    .any(|(db, key)| (db, &*key) == (0, b"k"));
                assert_eq!(told, is_told, "{how}");
                keys.effects().take();
            });
        }
    }
}

/// Dead watches are swept at a constant cost: a slot that many clients watched and left does not keep them.
#[test]
fn the_dead_do_not_pile_up() {
    let space = Keyspace::with_hasher(1, 1, HASHER);
    let mut watches = Vec::new();
    in_world(&space, 0, 1, |keys| {
        for i in 0..1000u32 {
            let watch = Arc::new(Watch::default());
            keys.watch(format!("{{t}}{i}").as_bytes(), &watch);
            watch.retire();
            watches.push(watch);
        }
    });
    let kept = watches.iter().filter(|watch| Arc::strong_count(watch) > 1).count();
    assert!(kept <= 2, "{kept} kept");
}

#[test]
fn whatever_changes_something_is_noted_and_reading_is_not() {
    type Step = fn(&mut Keys<'_, '_>);
    let reads: [Step; 5] = [
        |keys| assert!(keys.lookup(b"k").is_some() && keys.lookup(b"absent").is_none()),
        |keys| assert!(keys.peek(b"k").is_some()),
        |keys| keys.ready(b"k"),
        |keys| assert!(keys.scan_slot(Slot::of(b"k"), 0, 10, |_| {}).is_ok()),
        |keys| assert!(keys.sample(7, |_| {}).expect("the world is held").is_some()),
    ];
    let changes: [Step; 10] = [
        |keys| put(keys, b"k", Ttl::Clear),
        |keys| put(keys, b"new", Ttl::At(9)),
        |keys| _ = keys.edit(b"k"),
        |keys| assert!(keys.set_expire(b"k", Some(100))),
        |keys| drop(keys.remove(b"k")),
        |keys| assert!(keys.peek(b"due").is_none(), "it goes on the way"),
        |keys| keys.watch(b"k", &Arc::new(Watch::default())),
        |keys| keys.wait(b"k", &ticket(1, &[b"k"])),
        |keys| drop(keys.flush()),
        |keys| keys.swap(0, 1),
    ];
    for (at, (step, expected)) in
        reads.map(|step| (step, false)).into_iter().chain(changes.map(|step| (step, true))).enumerate()
    {
        let space = Keyspace::with_hasher(2, 1, HASHER);
        in_world(&space, 0, 1, |keys| {
            put(keys, b"k", Ttl::Clear);
            put(keys, b"due", Ttl::At(3));
        });
        assert_eq!(notes_a_change(&space, step), expected, "step {at}");
    }
}
