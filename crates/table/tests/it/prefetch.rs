//! Prefetching while another thread changes the table. The test is that the sanitizers find nothing, and that the
//! memory which was replaced is still there.

use std::sync::atomic::{AtomicBool, Ordering};

use table::{EntryBox, Hasher, Retired, Table};

#[test]
fn prefetches_race_with_growth_shrinking_and_take() {
    let hasher = Hasher::fixed(21);
    let table = Table::new();
    let done = AtomicBool::new(false);
    let mut retired = Retired::new();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut hash = 1u64;
                while !done.load(Ordering::Relaxed) {
                    hash = hash.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
                    table.prefetch_bucket(hash);
                    table.prefetch_entry(hash, table::Expected::write(64));
                }
            });
        }
        // SAFETY: the only `TableMut` while it lives.
        let mut user = unsafe { table.exclusive() };
        for round in 0..4u32 {
            let key = |i: u32| (round << 24 | i).to_be_bytes();
            for i in 0..12_000 {
                let entry = EntryBox::from_int(&key(i), 1, None);
                user.insert_new(&hasher, hasher.hash(&key(i)), entry, &mut retired);
            }
            for i in 0..11_000 {
                let place = user.find_mut(hasher.hash(&key(i)), &key(i)).expect("inserted");
                place.remove(&mut retired);
            }
            retired.append(&mut user.take().into_retired());
            assert!(user.is_empty());
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(retired.bytes() > 0);
    // SAFETY: the prefetching threads have ended.
    unsafe { retired.free() };
    assert!(retired.is_empty());
}
