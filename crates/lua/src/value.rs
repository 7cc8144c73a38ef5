//! A Lua value: a small copy, which names its object by an index. Nothing here can dangle: an index of a dead object
//! reads as another object of the same kind at worst, and the collector keeps every object that a script can reach.

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[allow(unreachable_pub)] // Some are public.
        pub struct $name(pub(crate) u32);
    )*};
}

handles! {
    /// Names a string. See [`StrId::is_long`].
    StrId,
    /// Names a table.
    TableId,
    /// Names a function written in Lua.
    ClosureId,
    /// Names a function of a library or of the host.
    NativeId,
    /// Names a coroutine.
    ThreadId,
    /// Names a variable that closures share.
    UpvalueId,
    /// Names a compiled function.
    ProtoId,
}

impl StrId {
    /// The bit of handles of long strings, which are not interned: two of them may be equal.
    pub(crate) const LONG: u32 = 1 << 31;

    /// Whether the string is too long to be interned.
    #[inline]
    pub(crate) fn is_long(self) -> bool {
        self.0 & StrId::LONG != 0
    }
}

/// A Lua value: two words, and copied as two words.
#[derive(Clone, Copy, Debug, Default)]
#[repr(u64)]
pub enum Value {
    /// `nil`.
    #[default]
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// Every number is a double.
    Number(f64),
    /// A string of bytes.
    Str(StrId),
    /// A table.
    Table(TableId),
    /// A function written in Lua.
    Function(ClosureId),
    /// A function of a library or of the host.
    Native(NativeId),
    /// A coroutine.
    Thread(ThreadId),
    /// A light userdata: an address that means something to the host alone. 0 is `cjson.null`.
    Pointer(u64),
}

impl Value {
    /// The name of the type, as `type` gives it.
    pub fn type_name(self) -> &'static str {
        match self {
            Value::Nil => "nil",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::Str(_) => "string",
            Value::Table(_) => "table",
            Value::Function(_) | Value::Native(_) => "function",
            Value::Thread(_) => "thread",
            Value::Pointer(_) => "userdata",
        }
    }

    /// Everything is true but `nil` and `false`.
    #[inline]
    pub fn is_true(self) -> bool {
        !matches!(self, Value::Nil | Value::Bool(false))
    }

    /// Whether it is `nil`.
    #[inline]
    pub fn is_nil(self) -> bool {
        matches!(self, Value::Nil)
    }
}

/// Why a function did not return.
#[derive(Clone, Copy, Debug)]
pub enum Thrown {
    /// `error`, or an error of the machine, whose value is a text.
    Value(Value),
    /// The script needs more memory than it may have.
    Memory,
    /// The handler of an error failed itself.
    Handler,
    /// The host ended the script; no `pcall` holds it up.
    Killed,
}

/// A Rust result that may be a Lua error.
pub type Result<T> = std::result::Result<T, Thrown>;

const _: () = assert!(size_of::<Value>() == 16);
