//! Ends and directions of what is in order.

/// One of the two ends of a list or a sorted set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The first element: index or rank 0.
    Front,
    /// The last element: index -1, the highest rank.
    Back,
}

/// Which way an iterator goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Towards the last element.
    Forward,
    /// Towards the first element.
    Backward,
}
