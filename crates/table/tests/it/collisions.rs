//! A table whose hashes collide is slow and nothing else: no key is lost, nothing ends the process, and memory stays in
//! proportion.

use std::collections::HashSet;

use table::{EntryBox, Hasher, Retired, Table};

fn key(i: u32) -> [u8; 4] {
    i.to_be_bytes()
}

/// Fills a table, finds everything, scans it, draws from it, and empties it again.
fn holds(hasher: Hasher, keys: u32) {
    let mut table = Table::new();
    let mut retired = Retired::new();
    let insert = |table: &mut Table, retired: &mut Retired, i: u32| {
        let entry = EntryBox::from_int(&key(i), i64::from(i), i.is_multiple_of(3).then_some(1));
        table.get_mut().insert_new(&hasher, hasher.hash(&key(i)), entry, retired);
        // SAFETY: nobody prefetches here.
        unsafe { retired.free() };
    };
    for i in 0..keys {
        insert(&mut table, &mut retired, i);
    }
    let mut user = table.get_mut();
    assert_eq!((user.len(), user.volatile_len()), (keys as usize, keys.div_ceil(3) as usize));
    assert!(user.memory() < keys as usize * 64 + (1 << 18), "{} bytes", user.memory());
    for i in (0..keys).step_by(7) {
        assert_eq!(
            user.find(hasher.hash(&key(i)), &key(i)).map(|entry| entry.key().to_vec()),
            Some(key(i).to_vec())
        );
        assert!(user.find(hasher.hash(&key(keys + i)), &key(keys + i)).is_none());
    }
    let (mut seen, mut cursor) = (HashSet::new(), 0);
    loop {
        cursor = user.scan(&hasher, cursor, 100, |entry| assert!(seen.insert(entry.key().to_vec())));
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(seen.len(), keys as usize);
    let drawn: HashSet<Vec<u8>> = (0..200).filter_map(|i| user.sample(i)).map(|e| e.key().to_vec()).collect();
    assert!(drawn.len() > 50, "{} different ones of 200 drawn", drawn.len());
    assert!(user.sample_volatile(5).is_some_and(|entry| entry.expire_at().is_some()));
    for i in 0..keys {
        let place = user.find_mut(hasher.hash(&key(i)), &key(i)).expect("not yet removed");
        place.remove(&mut retired);
        // SAFETY: nobody prefetches here.
        unsafe { retired.free() };
    }
    assert!(user.is_empty() && user.memory() <= 4096, "{} bytes are left", user.memory());
}

/// More than an array of homes can hold, all with the same 64 bits.
#[test]
fn identical_hashes_lose_nothing() {
    holds(Hasher::colliding(1, u64::MAX), 9_000);
}

/// Hashes that differ, but not in the bits that choose span and bucket, or only behind them.
#[test]
fn hashes_that_share_their_top_bits_lose_nothing() {
    for shared_bits in [8, 20, 40, 60] {
        holds(Hasher::colliding(2, u64::MAX << (64 - shared_bits)), 8_000);
    }
}
