//! Tests of the parameter table as data, of the texts to the byte, and against a real redis-server.

mod load;
mod peer;
mod rewrite;
mod set;
mod table;
