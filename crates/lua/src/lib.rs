//! Lua 5.1 for scripts of strangers.
//!
//! A compiler, a register machine, the basic functions and `coroutine`, without a line of unsafe code; the other
//! libraries are a crate of their own. The crate knows nothing of a server: who runs scripts brings functions of its
//! own ([`Host`]).
//!
//! ```
//! use lua::{Machine, NoHost, Step, Value};
//! let mut machine = Machine::new(16 << 20);
//! lua::open_basic(&mut machine)?;
//! let globals = machine.globals();
//! let function = machine.load(b"local a, b = ... return a + b", b"@sum", globals)?;
//! machine.begin(function, &[Value::Number(1.0), Value::Number(2.0)])?;
//! let Step::Done(values) = machine.run(&mut NoHost, 1_000) else { panic!("it is short") };
//! assert!(matches!(values[..], [Value::Number(3.0)]));
//! # Ok::<(), lua::Thrown>(())
//! ```
//!
//! **What a script cannot do.** It cannot reach memory that is not its own: values name objects by index, and every
//! index is checked. It cannot take more memory than it may: each allocation whose size it decides is checked first,
//! and fails with `not enough memory`. It cannot run longer than it may: loops, calls and library functions take from a
//! budget, and [`Machine::run`] comes back when it is used up. It cannot overflow the Rust stack: calls, metamethods,
//! `pcall`, comparators of `table.sort` and the like are frames on the heap. It cannot load precompiled code.
//!
//! **Layers.** `value` · `memory` (arenas, strings, tables, the collector) · `compile` (source to code) · `machine`
//! (runs code) · `library`.

#![forbid(unsafe_code)]

mod compile;
mod library;
mod machine;
mod memory;
mod value;

pub use library::{MOST_VALUES, open_basic, open_pcall_of_err};
pub use machine::call::{Call, Host, LibraryFunction, NoHost, Outcome, Protection};
pub use machine::frame::Continuation;
pub use machine::{Lookup, Machine, Site, Step};
pub use memory::strings::SHORT as SHORT_STRING;
pub use value::{ClosureId, NativeId, Result, StrId, TableId, ThreadId, Thrown, Value};
