//! The hash type.

/// A hash: fields and their values.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hash;
