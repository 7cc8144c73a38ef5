//! Runs scripts and shows what they return as text.

use lua::{Host, Machine, NoHost, Result, Step, Thrown, Value};

/// Memory that is enough for every test.
pub(crate) const MEMORY: usize = 256 << 20;
/// Instructions that are enough for every test.
pub(crate) const BUDGET: u64 = 200_000_000;

/// A machine with all libraries.
pub(crate) fn machine() -> Machine {
    machine_with(MEMORY)
}

/// A machine with all libraries and a limit of memory.
pub(crate) fn machine_with(memory: usize) -> Machine {
    let mut machine = Machine::new(memory);
    for open in [
        lua_libraries::open_standard,
        lua_libraries::open_bit,
        lua_libraries::open_cjson,
        lua_libraries::open_cmsgpack,
        lua_libraries::open_struct,
    ] {
        open(&mut machine).expect("there is room");
    }
    machine
}

/// A value as text.
pub(crate) fn text(machine: &Machine, value: Value) -> String {
    match value {
        Value::Nil => "nil".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("{number}"),
        Value::Str(id) => String::from_utf8_lossy(machine.bytes(id)).into_owned(),
        value => value.type_name().to_owned(),
    }
}

/// Compiles a script and prepares its call.
pub(crate) fn begin(machine: &mut Machine, source: &str) -> Result<()> {
    let globals = machine.globals();
    let function = machine.load(source.as_bytes(), b"@user_script", globals)?;
    machine.begin(function, &[])
}

/// Shows how a run ended.
pub(crate) fn show(machine: &Machine, step: &Step) -> String {
    match step {
        Step::Done(values) => {
            let texts: Vec<String> = values.iter().map(|value| text(machine, *value)).collect();
            texts.join("|")
        }
        Step::Failed(value) => format!("error: {}", text(machine, *value)),
        step => format!("{step:?}"),
    }
}

/// Runs a script on a machine, with a host.
pub(crate) fn run_on(machine: &mut Machine, host: &mut dyn Host, source: &str) -> String {
    match begin(machine, source) {
        Ok(()) => {
            let step = machine.run(host, BUDGET);
            show(machine, &step)
        }
        Err(Thrown::Value(value)) => format!("error: {}", text(machine, value)),
        Err(thrown) => format!("error: {thrown:?}"),
    }
}

/// Runs a script on a new machine.
pub(crate) fn run(source: &str) -> String {
    run_on(&mut machine(), &mut NoHost, source)
}

/// A script gives what it should.
#[track_caller]
pub(crate) fn check(source: &str, expected: &str) {
    assert_eq!(run(source), expected, "{source}");
}
