//! What a command answers when it succeeds: its types, as they are on the wire in either protocol.

/// The shape of a reply. An error fits every command and stands in no shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Nothing but errors: a container without a meaning of its own.
    Never,
    /// Whatever there is.
    Any,
    /// This status.
    Simple(&'static str),
    /// Any status.
    Status,
    /// Any integer.
    Integer,
    /// An integer that is not below.
    AtLeast(i64),
    /// One of these integers.
    Among(&'static [i64]),
    /// A bulk string.
    Bulk,
    /// A text for people to read: a bulk string in RESP2.
    Verbatim,
    /// Nothing where a bulk string could be: `$-1` in RESP2.
    Null,
    /// Nothing where an array could be: `*-1` in RESP2.
    NullArray,
    /// An array of any length.
    Array(&'static Shape),
    /// An array of exactly these.
    Tuple(&'static [Shape]),
    /// Each element once: an array in RESP2.
    Set(&'static Shape),
    /// Keys with their values: a flat array in RESP2.
    Map(&'static Shape, &'static Shape),
    /// Pairs in an order, or with repetitions: an array of pairs, flat in RESP2.
    Pairs(&'static Shape, &'static Shape),
    /// What is pushed instead of answered: an array in RESP2.
    Push(&'static [Shape]),
    /// Any of these.
    OneOf(&'static [Shape]),
}

impl Shape {
    /// `OK`
    pub const OK: Shape = Shape::Simple("OK");
    /// 1 when it did something, else 0.
    pub const YES_OR_NO: Shape = Shape::Among(&[0, 1]);
    /// A count or a length.
    pub const COUNT: Shape = Shape::AtLeast(0);
    /// A string that is there or not.
    pub const BULK_OR_NULL: Shape = Shape::OneOf(&[Shape::Bulk, Shape::Null]);
    /// The lines of a HELP.
    pub const HELP: Shape = Shape::Array(&Shape::Status);
    /// A page of a scan: the cursor to go on with, and elements.
    pub const PAGE: Shape = Shape::Tuple(&[Shape::Bulk, Shape::Array(&Shape::Bulk)]);
}
