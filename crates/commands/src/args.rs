//! Reading arguments.

use crate::Error;

/// An integer argument.
pub(crate) fn int(arg: &[u8]) -> Result<i64, Error> {
    number::parse_i64(arg).ok_or(Error::NotInteger)
}

/// Whether the argument is this word, in any case.
pub(crate) fn is(arg: &[u8], word: &str) -> bool {
    arg.eq_ignore_ascii_case(word.as_bytes())
}

/// An integer whose negation fits as well.
pub(crate) fn negatable_int(arg: &[u8]) -> Result<i64, Error> {
    let out_of_range =
        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807";
    int(arg).and_then(|int| if int == i64::MIN { Err(Error::text(out_of_range)) } else { Ok(int) })
}
