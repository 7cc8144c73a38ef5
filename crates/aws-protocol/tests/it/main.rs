//! The crate from outside: AWS's own vectors, what botocore sends, what it can read, and whatever else may come.

mod botocore;
mod document;
mod http;
mod query;
mod sigv4;
mod vectors;
mod wires;
mod xml;
