//! The allocator's size classes.

/// The size that the allocator gives for a request of `bytes`: steps of 16 up to 128, then four steps a doubling, as
/// mimalloc's size classes. Asking for the whole class costs nothing and leaves room to grow in place.
pub const fn size_class(bytes: usize) -> usize {
    let step = if bytes <= 128 { 16 } else { 1 << ((bytes - 1).ilog2() - 2) };
    bytes.div_ceil(step) * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_classes_are_those_of_the_allocator() {
        for (bytes, class) in
            [(1, 16), (16, 16), (17, 32), (89, 96), (128, 128), (129, 160), (161, 192), (256, 256)]
        {
            assert_eq!(size_class(bytes), class);
        }
        for (bytes, class) in [(257, 320), (321, 384), (513, 640), (3008, 3072), (3073, 3584), (4097, 5120)] {
            assert_eq!(size_class(bytes), class);
        }
    }
}
