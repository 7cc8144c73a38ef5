//! The libraries, as Redis gives them to scripts: those of Lua 5.1 without files and processes, and `bit`, `cjson`,
//! `cmsgpack` and `struct`.

mod base;
mod bit;
mod cjson;
mod cmsgpack;
mod coroutine;
mod format;
mod math;
mod pack;
mod pattern;
mod sort;
mod string;
mod table;

use crate::machine::Machine;
use crate::machine::call::LibraryFunction;
use crate::value::{Result, TableId, Value};

pub use base::open_pcall_of_err;
pub use bit::open_bit;
pub use cjson::open_cjson;
pub use cmsgpack::open_cmsgpack;
pub use pack::open_struct;

/// The functions of a library.
type Functions = [(&'static str, LibraryFunction)];

/// Makes a library: a table of functions, under a global name.
fn open(machine: &mut Machine, name: &str, functions: &Functions) -> Result<TableId> {
    let library = machine.table(0, functions.len())?;
    fill(machine, library, functions)?;
    let globals = machine.globals();
    machine.set_field(globals, name, Value::Table(library))?;
    Ok(library)
}

fn fill(machine: &mut Machine, table: TableId, functions: &Functions) -> Result<()> {
    for (name, function) in functions {
        let function = machine.library_function(*function)?;
        machine.set_field(table, name, function)?;
    }
    Ok(())
}

/// Opens the libraries of Lua 5.1: the basic one, `coroutine`, `math`, `os` with `clock` alone, `string`, `table`.
///
/// # Errors
/// When the machine may not take so much memory.
pub fn open_standard(machine: &mut Machine) -> Result<()> {
    base::open(machine)?;
    coroutine::open(machine)?;
    math::open(machine)?;
    string::open(machine)?;
    table::open(machine)
}
