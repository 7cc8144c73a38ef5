//! The list type.

/// A list of strings.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct List;
