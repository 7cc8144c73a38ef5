//! The libraries that reach into the machine: the basic functions and `coroutine`.

mod base;
mod coroutine;

use crate::machine::Machine;
use crate::value::Result;

pub use base::{MOST_VALUES, open_pcall_of_err};

/// Opens the basic functions and `coroutine`.
///
/// # Errors
/// When the machine may not take so much memory.
pub fn open_basic(machine: &mut Machine) -> Result<()> {
    base::open(machine)?;
    coroutine::open(machine)
}
