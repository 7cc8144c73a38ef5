//! The agent: runs and watches the node processes of one host.
#![forbid(unsafe_code)]
