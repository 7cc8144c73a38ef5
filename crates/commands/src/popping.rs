//! LMPOP, ZMPOP and the commands that wait for something to pop: what their arguments have in common, and how they wait.

use crate::args::{int, is};
use crate::{Block, Cx, Error};
use command_spec::{Change, Flags};
use std::ops::Range;
use structures::End;

/// Before 7.2, scripts could not call commands that may block: a line of [`Spec::before`](command_spec::Spec::before).
pub const NOT_FROM_SCRIPTS: (&str, Change) = ("7.2.0", |spec| spec.flags.insert(Flags::NOSCRIPT));

/// What the arguments say.
#[derive(Debug)]
pub struct Pops {
    /// Number of keys, which follow the number.
    pub keys: usize,
    /// The end that elements are popped from.
    pub end: End,
    /// How many at most; 1 without the option.
    pub count: usize,
}

impl Pops {
    /// Reads `numkeys key … end [COUNT count]`; `parse_end` reads the word of the end.
    ///
    /// # Errors
    /// [`Error::Syntax`], that of `parse_end`, or the text for a number that is not positive.
    pub fn parse(args: &[&[u8]], parse_end: impl FnOnce(&[u8]) -> Result<End, Error>) -> Result<Pops, Error> {
        let positive = |arg, otherwise| {
            let number = int(arg).ok().and_then(|int| usize::try_from(int).ok()).filter(|&number| number > 0);
            number.ok_or(Error::text(otherwise))
        };
        let keys = positive(args[0], "ERR numkeys should be greater than 0")?;
        let rest = args[1..].get(keys..).unwrap_or_default();
        let (&end, options) = rest.split_first().ok_or(Error::Syntax)?;
        let end = parse_end(end)?;
        let count = match *options {
            [] => 1,
            [word, count, ref rest @ ..] if is(word, "COUNT") => {
                let count = positive(count, "ERR count should be greater than 0")?;
                if !rest.is_empty() {
                    return Err(Error::Syntax);
                }
                count
            }
            _ => return Err(Error::Syntax),
        };
        Ok(Pops { keys, end, count })
    }
}

/// Nothing is there: waits for the keys at these argument indices, or answers the null array where a command may not wait.
/// Without `timeout_ms` it waits for ever.
pub fn wait(cx: &mut Cx<'_, '_>, keys: Range<usize>, timeout_ms: Option<u64>) -> Option<Block> {
    if cx.may_block {
        return Some(Block { keys, timeout_ms, null: false, arguments: Vec::new() });
    }
    cx.out.null_array();
    None
}
