//! The table against a `HashMap`.

use std::collections::HashMap;

use structures::{Value, ValueRef};
use table::{EntryBox, Hasher, Retired, Table};

#[test]
fn grows_and_shrinks_with_every_key_found() {
    let hasher = Hasher::new(7);
    let mut table = Table::new();
    let mut retired = Retired::new();
    let mut model = HashMap::new();
    for i in 0..50_000u64 {
        let key = format!("key:{i}").into_bytes();
        let hash = hasher.hash(&key);
        table.get_mut().insert_new(&hasher, hash, EntryBox::from_int(&key, i as i64, None), &mut retired);
        model.insert(key, i as i64);
        if i % 1000 == 0 {
            // SAFETY: nobody prefetches here.
            unsafe { retired.free() };
        }
    }
    for (key, int) in &model {
        let table = table.get_mut();
        let entry = table.find(hasher.hash(key), key).expect("inserted");
        assert!(matches!(entry.value(), ValueRef::Int(found) if found == *int));
        assert!(table.find(hasher.hash(&key[1..]), &key[1..]).is_none());
    }
    let full = table.get_mut().memory();
    for (key, int) in &model {
        let mut table = table.get_mut();
        let place = table.find_mut(hasher.hash(key), key).expect("inserted");
        assert_eq!(place.remove(&mut retired).into_value(), Value::Int(*int));
    }
    assert!(table.get_mut().is_empty());
    assert!(table.get_mut().memory() < full / 50, "shrinks");
    // SAFETY: nobody prefetches here.
    unsafe { retired.free() };
}
