//! A script of any bytes compiles or fails with a message, runs within its budget and its memory, and comes out the same
//! in slices of any size.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lua::{Machine, NoHost, Step, Thrown, Value};

/// Bytes that a script may take.
const MEMORY: usize = 8 << 20;
/// Instructions that a script may take.
const BUDGET: u64 = 200_000;

/// What a script comes to in slices of a budget; nothing if it takes too long.
fn run(script: &[u8], slice: u64) -> Option<String> {
    let mut machine = Machine::new(MEMORY);
    for open in [lua_libraries::open_standard, lua_libraries::open_bit, lua_libraries::open_cjson, lua_libraries::open_cmsgpack, lua_libraries::open_struct] {
        open(&mut machine).expect("there is room");
    }
    let globals = machine.globals();
    let text = |machine: &Machine, value: &Value| match value {
        Value::Str(id) => String::from_utf8_lossy(machine.bytes(*id)).into_owned(),
        Value::Number(number) => number.to_string(),
        value => value.type_name().to_owned(),
    };
    let begun = machine.load(script, b"@fuzz", globals).and_then(|function| machine.begin(function, &[]));
    match begun {
        Ok(()) => {}
        Err(Thrown::Value(value)) => return Some(text(&machine, &value)),
        Err(_) => return None,
    }
    let mut left = BUDGET;
    let shown = loop {
        match machine.run(&mut NoHost, slice) {
            Step::Paused => left = left.checked_sub(slice)?,
            Step::Suspended => panic!("no host function can suspend"),
            Step::Failed(value) => break text(&machine, &value),
            Step::Done(values) => {
                let texts: Vec<String> = values.iter().map(|value| text(&machine, value)).collect();
                break texts.join(" ");
            }
        }
    };
    assert!(machine.used_bytes() < 2 * MEMORY, "{} bytes", machine.used_bytes());
    machine.abandon();
    machine.collect();
    Some(shown)
}

fuzz_target!(|script: &[u8]| {
    let whole = run(script, BUDGET);
    // What depends on memory or on addresses may differ.
    let depends = |shown: &str| shown.contains("memory") || shown.contains("0x");
    if let (Some(whole), Some(sliced)) = (&whole, run(script, 500))
        && !depends(whole)
        && !depends(&sliced)
        && !script.windows(2).any(|word| word == b"gc" || word == b"ga")
    {
        assert_eq!(*whole, sliced);
    }
});
