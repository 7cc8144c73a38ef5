//! Requests split in any way, round trips of replies, and hostile bytes.

mod replies;
mod requests;
