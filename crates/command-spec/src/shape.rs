//! What a command answers when it succeeds: the types of its reply, as RESP2 and RESP3 carry them.

/// The shape of a reply. Any command may answer an error, so no shape lists errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Only errors: a container that is not a command itself.
    Never,
    /// Any reply.
    Any,
    /// This status.
    Simple(&'static str),
    /// Any status.
    Status,
    /// Any integer.
    Integer,
    /// An integer not below this.
    AtLeast(i64),
    /// One of these integers.
    Among(&'static [i64]),
    /// A bulk string.
    Bulk,
    /// A floating-point number: a bulk string in RESP2.
    Double,
    /// Text for people: a bulk string in RESP2.
    Verbatim,
    /// Null in place of a bulk string: `$-1` in RESP2.
    Null,
    /// Null in place of an array: `*-1` in RESP2.
    NullArray,
    /// An array of any length.
    Array(&'static Shape),
    /// An array of exactly these.
    Tuple(&'static [Shape]),
    /// Each element once: an array in RESP2.
    Set(&'static Shape),
    /// Keys with their values: a flat array in RESP2.
    Map(&'static Shape, &'static Shape),
    /// Pairs that are ordered or may repeat: an array of pairs, flat in RESP2.
    Pairs(&'static Shape, &'static Shape),
    /// A push message in place of a reply: an array in RESP2.
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
    /// A string or null.
    pub const BULK_OR_NULL: Shape = Shape::OneOf(&[Shape::Bulk, Shape::Null]);
    /// The lines of a HELP.
    pub const HELP: Shape = Shape::Array(&Shape::Status);
    /// A page of a scan: the next cursor, and elements.
    pub const PAGE: Shape = Shape::Tuple(&[Shape::Bulk, Shape::Array(&Shape::Bulk)]);
}
