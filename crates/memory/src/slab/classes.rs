//! The sizes of blocks in slabs: 32 steps a doubling, and never a step below two bytes.
//!
//! Rounding up costs at most about 3 percent. Up to 128 bytes every even size is a class, up to 256 bytes every fourth,
//! and every multiple of 64 up to [`LARGEST`]: a bucket array of any length is a class.

/// The largest block in a slab. A page holds at least sixteen of them.
pub(super) const LARGEST: usize = 4096;
/// Room for the link of a free block.
const SMALLEST: usize = 8;
/// How many classes there are; number 0 is not used.
pub(super) const CLASSES: usize = class_of(LARGEST) + 1;

/// The class of a size up to [`LARGEST`].
#[inline]
pub(super) const fn class_of(bytes: usize) -> usize {
    let last = if bytes < SMALLEST { SMALLEST - 1 } else { bytes - 1 };
    let shift = shift_of(last);
    (shift - 1) * 32 + (last >> shift) + 1
}

/// The size of the blocks of a class.
pub(super) const fn bytes_of(class: usize) -> usize {
    let shift = if class <= 64 { 1 } else { (class - 1) / 32 };
    (class - (shift - 1) * 32) << shift
}

/// A request's size, rounded up to its class.
#[inline]
pub(super) const fn rounded(bytes: usize) -> usize {
    let last = if bytes < SMALLEST { SMALLEST - 1 } else { bytes - 1 };
    let shift = shift_of(last);
    ((last >> shift) + 1) << shift
}

/// The logarithm of the step between classes at this size.
#[inline]
const fn shift_of(last: usize) -> usize {
    // Up to 128 bytes the step is two.
    (last | 64).ilog2() as usize - 5
}

const _: () = assert!(bytes_of(CLASSES - 1) == LARGEST);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_gets_the_smallest_class_that_holds_it() {
        let mut class = class_of(1);
        for bytes in 1..=LARGEST {
            if bytes > bytes_of(class) {
                class += 1;
            }
            assert_eq!(class_of(bytes), class, "{bytes}");
            assert_eq!(rounded(bytes), bytes_of(class), "{bytes}");
            assert!(bytes < 64 || bytes_of(class) - bytes <= bytes / 32, "{bytes}");
        }
        assert_eq!(class, CLASSES - 1);
    }

    #[test]
    fn multiples_of_an_alignment_are_classes() {
        for (alignment, limit) in [(2, 128), (4, 256), (8, 512), (64, LARGEST)] {
            assert!((alignment..=limit).step_by(alignment).skip(8).all(|bytes| rounded(bytes) == bytes));
        }
        for bytes in (8..=LARGEST).step_by(8) {
            assert_eq!(rounded(bytes) % 8, 0, "what asks for a multiple of 8 is aligned to it");
        }
    }
}
