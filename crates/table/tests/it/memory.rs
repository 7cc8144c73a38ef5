//! Bytes a key.

use table::{EntryBox, Hasher, Retired, Table};

#[test]
fn tables_of_100_to_400_keys_take_about_ten_bytes_a_key() {
    let hasher = Hasher::fixed(3);
    let mut retired = Retired::new();
    let (mut bytes, mut keys) = (0, 0);
    for number in 0..200u32 {
        let mut table = Table::new();
        let mut table = table.get_mut();
        for i in 0..400u32 {
            let key = (u64::from(number) << 32 | u64::from(i)).to_be_bytes();
            let entry = EntryBox::from_int(&key, 1, None);
            table.insert_new(&hasher, hasher.hash(&key), entry, &mut retired);
            if i >= 100 {
                bytes += table.memory();
                keys += table.len();
            }
        }
        // SAFETY: nobody prefetches here.
        unsafe { retired.free() };
    }
    let per_key = bytes as f64 / keys as f64;
    assert!(per_key < 10.4, "{per_key:.2} bytes of table a key");
    println!("{per_key:.2} bytes of table a key");
}
