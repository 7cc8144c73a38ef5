//! RESTORE of any payload: never a panic, and what is accepted dumps and restores as itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use profile::Profile;
use rdb::{SaveOptions, crc64, dump, restore};
use structures::{Limits, Value, ValueRef};

fn view(value: &Value) -> ValueRef<'_> {
    match value {
        Value::Int(value) => ValueRef::Int(*value),
        Value::Bytes(bytes) => ValueRef::Bytes(bytes),
        Value::List(list) => ValueRef::List(list),
        Value::Hash(hash) => ValueRef::Hash(hash),
        Value::Set(set) => ValueRef::Set(set),
        Value::SortedSet(set) => ValueRef::SortedSet(set),
        Value::Stream(stream) => ValueRef::Stream(stream),
    }
}

// The bytes are the value; the footer is put behind them, so that it need not be found by chance.
fuzz_target!(|data: &[u8]| {
    let _ = restore(data, &Limits::default(), 11);
    for profile in Profile::ALL {
        let version = profile.rdb_version();
        let mut payload = data.to_vec();
        payload.extend_from_slice(&version.to_le_bytes());
        payload.extend_from_slice(&crc64(&payload).to_le_bytes());
        let Ok(value) = restore(&payload, &Limits::default(), version) else { continue };
        let options = SaveOptions::new(*profile);
        let once = dump(view(&value), &options);
        let again = restore(&once, &Limits::default(), version).expect("our own payload");
        assert_eq!(dump(view(&again), &options), once);
    }
});
