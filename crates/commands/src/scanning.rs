//! HSCAN, SSCAN and ZSCAN: the elements of one value, some of them a call.

use crate::args::{int, is};
use crate::container::reply_item;
use crate::generic::SCANNED_AT_ONCE;
use crate::{Cx, Error};
use number::IntBuffer;
use profile::Profile;
use resp::Writer;
use structures::Item;
use topology::glob;

/// Elements looked at in one call, unless COUNT says otherwise.
const DEFAULT_COUNT: usize = 10;

/// Takes an element, and what stands beside it: the value of a field, the score of a member.
pub(crate) type Visit<'v> = dyn FnMut(Item<'_>, Option<Item<'_>>) + 'v;

/// What the arguments say.
pub(crate) struct Options<'a> {
    pattern: Option<&'a [u8]>,
    count: usize,
    /// Only the elements themselves.
    is_alone: bool,
}

impl<'a> Options<'a> {
    /// `[MATCH pattern] [COUNT count]`, and since 8.0 the word that leaves out what stands beside each element, if there is one.
    pub(crate) fn parse(
        args: &[&'a [u8]],
        alone: Option<&str>,
        profile: Profile,
    ) -> Result<Options<'a>, Error> {
        let alone = alone.filter(|_| profile.has("8.0.0"));
        let mut options = Options { pattern: None, count: DEFAULT_COUNT, is_alone: false };
        let mut rest = args;
        loop {
            rest = match *rest {
                [] => return Ok(options),
                [word, count, ref rest @ ..] if is(word, "COUNT") => {
                    let count = usize::try_from(int(count)?).ok().filter(|&count| count > 0);
                    options.count = count.ok_or(Error::Syntax)?;
                    rest
                }
                [word, pattern, ref rest @ ..] if is(word, "MATCH") => {
                    options.pattern = (pattern != b"*").then_some(pattern);
                    rest
                }
                [word, ref rest @ ..] if alone.is_some_and(|alone| is(word, alone)) => {
                    options.is_alone = true;
                    rest
                }
                _ => return Err(Error::Syntax),
            };
        }
    }

    /// Answers with what is found from the cursor on. `scan` visits about as many elements as it is told to, and returns the cursor
    /// behind them.
    pub(crate) fn reply(
        &self,
        out: &mut Writer<'_>,
        cursor: u64,
        mut scan: impl FnMut(u64, usize, &mut Visit<'_>) -> u64,
    ) {
        let mut elements: Vec<u8> = Vec::new();
        let mut list = out.aside(&mut elements);
        let (mut items, mut visited, mut next) = (0, 0, cursor);
        loop {
            let left = self.count - visited;
            let at_once = left.min(SCANNED_AT_ONCE);
            next = scan(next, at_once, &mut |element, beside| {
                visited += 1;
                let is_wanted = |pattern| glob::matches(pattern, element.text(&mut IntBuffer::new()), false);
                if list.is_over() || !self.pattern.is_none_or(is_wanted) {
                    return;
                }
                for item in std::iter::once(element).chain(beside.filter(|_| !self.is_alone)) {
                    items += 1;
                    reply_item(&mut list, item);
                }
            });
            if next == 0 || at_once == left || visited >= self.count || list.is_over() {
                break;
            }
        }
        reply(out, next, items, &elements);
    }
}

/// Answers for a key that is not there.
pub(crate) fn reply_none(cx: &mut Cx<'_, '_>) {
    reply(&mut cx.out, 0, 0, &[]);
}

/// The cursor stands before the elements that decide it.
fn reply(out: &mut Writer<'_>, cursor: u64, len: usize, elements: &[u8]) {
    out.array(2);
    out.bulk(itoa::Buffer::new().format(cursor).as_bytes());
    out.array(len);
    out.raw(elements);
}
