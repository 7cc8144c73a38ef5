//! The libraries that Redis gives to scripts: `math`, `string` and `table` of Lua 5.1, and `bit`, `cjson`, `cmsgpack` and `struct`.
//!
//! What needs the machine's own parts, the basic functions and `coroutine`, is in [`lua`]. A function that works long takes
//! from the budget and pauses, and checks the memory before it takes any.
//!
//! ```
//! use lua::{Machine, NoHost, Step, Value};
//! let mut machine = Machine::new(16 << 20);
//! lua_libraries::open_standard(&mut machine)?;
//! let globals = machine.globals();
//! let function = machine.load(b"return math.max(1, 3, 2)", b"@most", globals)?;
//! machine.begin(function, &[])?;
//! let Step::Done(values) = machine.run(&mut NoHost, 1_000) else { panic!("it is short") };
//! assert!(matches!(values[..], [Value::Number(3.0)]));
//! # Ok::<(), lua::Thrown>(())
//! ```

#![forbid(unsafe_code)]

mod bit;
mod cjson;
mod cmsgpack;
mod format;
mod math;
mod pack;
mod pattern;
mod sort;
mod string;
mod table;

pub use bit::open_bit;
pub use cjson::open_cjson;
pub use cmsgpack::open_cmsgpack;
pub use pack::open_struct;

use lua::{Call, LibraryFunction, Machine, Result};

/// The functions of a library.
type Functions = [(&'static str, LibraryFunction)];

/// Fails if what a function writes is longer than has been checked, and may not become twice as long.
fn check_output(call: &Call<'_>, length: usize, checked: &mut usize) -> Result<()> {
    if length > *checked {
        *checked = length * 2;
        call.check_memory(*checked)?;
    }
    Ok(())
}

/// Opens the libraries of Lua 5.1: the basic one, `coroutine`, `math`, `os` with `clock` alone, `string`, `table`.
///
/// # Errors
/// When the machine may not take so much memory.
pub fn open_standard(machine: &mut Machine) -> Result<()> {
    lua::open_basic(machine)?;
    math::open(machine)?;
    string::open(machine)?;
    table::open(machine)
}
