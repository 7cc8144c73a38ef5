//! What must hold of all families together.

mod roles;
mod table;
