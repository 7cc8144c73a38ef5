//! The wire of AWS APIs: how requests become typed values, how answers become bytes, and who signed them.
#![forbid(unsafe_code)]
