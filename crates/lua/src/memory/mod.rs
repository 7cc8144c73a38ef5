//! Everything that a script can hold, in arenas of indices, with every byte counted.

pub(crate) mod arena;
pub(crate) mod collect;
pub(crate) mod heap;
pub(crate) mod objects;
pub(crate) mod strings;
pub(crate) mod table;
