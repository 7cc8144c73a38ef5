//! Runs a Lua file and prints what it returns and how long it took: `cargo run --release -p lua-libraries --example run FILE`.
//! The file finds a `print` besides the libraries.
#![allow(clippy::disallowed_methods)] // It reads a file and a clock.

use lua::{Call, Host, Machine, Outcome, Result, Step, Thrown, Value};
use std::time::Instant;

/// Instructions between two looks at the clock.
const BUDGET: u64 = 1_000_000;

struct Printer;

impl Host for Printer {
    fn call(&mut self, function: u32, call: &mut Call<'_>) -> Result<Outcome> {
        if function == 0 {
            let texts: Vec<String> = (0..call.count())
                .map(|at| {
                    let value = call.arg(at);
                    text(call.machine(), value)
                })
                .collect();
            println!("{}", texts.join("\t"));
        }
        Ok(Outcome::Return(0))
    }
}

fn text(machine: &mut Machine, value: Value) -> String {
    match value {
        Value::Str(id) => String::from_utf8_lossy(machine.bytes(id)).into_owned(),
        Value::Number(number) => format!("{number}"),
        Value::Bool(value) => value.to_string(),
        value => value.type_name().to_owned(),
    }
}

fn run(path: &str) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let source = std::fs::read(path)?;
    let mut machine = Machine::new(2 << 30);
    let fail = |machine: &mut Machine, thrown: Thrown| match thrown {
        Thrown::Value(value) => text(machine, value),
        other => format!("{other:?}"),
    };
    lua_libraries::open_standard(&mut machine).map_err(|thrown| fail(&mut machine, thrown))?;
    let globals = machine.globals();
    for (name, number) in [("print", 0), ("empty", 1)] {
        let function = machine.host_function(number).map_err(|thrown| format!("{thrown:?}"))?;
        machine.set_field(globals, name, function).map_err(|thrown| format!("{thrown:?}"))?;
    }
    let name = format!("@{path}");
    let function = match machine.load(&source, name.as_bytes(), globals) {
        Ok(function) => function,
        Err(thrown) => return Err(fail(&mut machine, thrown).into()),
    };
    machine.begin(function, &[]).map_err(|thrown| format!("{thrown:?}"))?;
    let start = Instant::now();
    let mut pauses = 0;
    let step = loop {
        machine.set_clock(start.elapsed().as_secs_f64());
        match machine.run(&mut Printer, BUDGET) {
            Step::Paused => pauses += 1,
            step => break step,
        }
    };
    let took = start.elapsed();
    match step {
        Step::Done(values) => {
            let texts: Vec<String> = values.iter().map(|value| text(&mut machine, *value)).collect();
            println!("= {}", texts.join(" "));
        }
        Step::Failed(value) => println!("! {} ({:?})", text(&mut machine, value), machine.error_site()),
        step => println!("{step:?}"),
    }
    println!("{:.1} ms, {pauses} pauses, {} KB", took.as_secs_f64() * 1e3, machine.used_bytes() >> 10);
    Ok(())
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    std::env::args().skip(1).try_for_each(|path| run(&path))
}
