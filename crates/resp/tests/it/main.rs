//! Requests however they are split, replies there and back, and hostile bytes.

mod replies;
mod requests;
