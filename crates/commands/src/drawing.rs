//! HRANDFIELD, SRANDMEMBER and ZRANDMEMBER with a negative count: elements drawn with repetitions, as many as are asked for.

use crate::{Random, Rest};
use resp::Writer;
use std::fmt::Debug;

/// Draws at once up to so many elements, or as many as the collection has; more come in pieces.
const SHORT: usize = 1000;
/// The lines around a short text in a reply: `$1`, two line ends.
pub const FRAME_BYTES: usize = 6;

/// How elements that are drawn from a collection are written.
pub trait Drawn: Copy + Debug + Send + 'static {
    /// What they are drawn from.
    type Collection: Clone + Debug + Send + 'static;

    /// How many elements it has.
    fn len(collection: &Self::Collection) -> usize;

    /// Bytes of memory.
    fn memory(collection: &Self::Collection) -> usize;

    /// The length of all its elements in a reply, about.
    fn reply_bytes(self, collection: &Self::Collection) -> usize;

    /// Writes the element that a random number stands for.
    fn reply_random(self, collection: &Self::Collection, number: u64, out: &mut Writer<'_>);
}

/// Writes this many elements of a collection that is not empty, each drawn from all of them, behind their head. Of a long reply
/// nothing is written yet: it is the rest that is returned.
pub fn draw<D: Drawn>(
    collection: &D::Collection,
    form: D,
    wanted: usize,
    random: &mut Random,
    out: &mut Writer<'_>,
) -> Option<Box<dyn Rest>> {
    let len = D::len(collection);
    if wanted <= len.max(SHORT) {
        out.each(0..wanted, |out, _| form.reply_random(collection, random.next_u64(), out));
        return None;
    }
    let element_bytes = form.reply_bytes(collection) / len;
    if !out.fits(D::memory(collection).saturating_add(element_bytes.saturating_mul(wanted))) {
        return None;
    }
    let random = Random::new(random.next_u64());
    Some(Box::new(Draws { collection: collection.clone(), form, left: wanted, element_bytes, random }))
}

/// What is left of a reply of elements drawn with repetitions, from a copy of the collection: it is the shorter of the two.
#[derive(Debug)]
struct Draws<D: Drawn> {
    collection: D::Collection,
    form: D,
    left: usize,
    /// The length of an element in the reply, on average.
    element_bytes: usize,
    random: Random,
}

impl<D: Drawn> Rest for Draws<D> {
    fn write(&mut self, out: &mut Writer<'_>, bytes: usize) -> bool {
        let end = out.position().saturating_add(bytes);
        while self.left > 0 && out.position() < end && !out.is_over() {
            self.form.reply_random(&self.collection, self.random.next_u64(), out);
            self.left -= 1;
        }
        self.left > 0 && !out.is_over()
    }

    fn bytes(&self) -> usize {
        D::memory(&self.collection).saturating_add(self.element_bytes.saturating_mul(self.left))
    }
}
