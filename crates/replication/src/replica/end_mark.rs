//! Finding the end of a snapshot that has no length.
//!
//! A diskless snapshot ends with the 40 random bytes its header announced. They may arrive split, so the last bytes of
//! a chunk cannot go to the loader before it is certain that they are not part of the mark. Only bytes that are a
//! prefix of the mark are held back: at most 39, and almost always none. Inside a chunk the search is `memmem`, so the
//! cost is linear in the bytes received whatever the sizes of chunks.
//!
//! Redis compares the last 40 bytes of what it has read and relies on a primary that sends nothing more until
//! it hears an ACK. The search here finds the mark anywhere; what follows it is the stream.

use memchr::memmem::Finder;

/// What a chunk of a snapshot contained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scan {
    /// Bytes of earlier chunks that were held back and turned out to be data; before `data`.
    pub(super) released: Vec<u8>,
    /// How many bytes of the chunk from `data_start` on are data.
    pub(super) data: std::ops::Range<usize>,
    /// Where in the chunk the mark ended, when it did.
    pub(super) end: Option<usize>,
}

#[derive(Debug)]
pub(super) struct EndMark {
    finder: Finder<'static>,
    /// Length of the mark's prefix that the data so far ends with; those bytes are held back.
    held: usize,
}

impl EndMark {
    pub(super) fn new(mark: &[u8; 40]) -> EndMark {
        EndMark { finder: Finder::new(mark).into_owned(), held: 0 }
    }

    pub(super) fn scan(&mut self, chunk: &[u8]) -> Scan {
        let mark = self.finder.needle();
        if self.held == 0 {
            return self.scan_inside(chunk, Vec::new());
        }
        // A mark that began earlier ends within the chunk's first bytes: search the seam, twice a mark long.
        let held = self.held;
        let mut seam = mark[..held].to_vec();
        seam.extend_from_slice(&chunk[..chunk.len().min(mark.len())]);
        if let Some(at) = self.finder.find(&seam)
            && at < held
        {
            self.held = 0;
            seam.truncate(at);
            return Scan { released: seam, data: 0..0, end: Some(at + mark.len() - held) };
        }
        if chunk.len() < mark.len() {
            let still = prefix_at_end(mark, &seam);
            if still > chunk.len() {
                self.held = still;
                seam.truncate(held + chunk.len() - still);
                return Scan { released: seam, data: 0..0, end: None };
            }
        }
        seam.truncate(held);
        self.scan_inside(chunk, seam)
    }

    fn scan_inside(&mut self, chunk: &[u8], released: Vec<u8>) -> Scan {
        if let Some(at) = self.finder.find(chunk) {
            self.held = 0;
            return Scan { released, data: 0..at, end: Some(at + self.finder.needle().len()) };
        }
        self.held = prefix_at_end(self.finder.needle(), chunk);
        Scan { released, data: 0..chunk.len() - self.held, end: None }
    }
}

/// Length of the longest proper prefix of `mark` that `data` ends with.
fn prefix_at_end(mark: &[u8], data: &[u8]) -> usize {
    let longest = data.len().min(mark.len() - 1);
    (1..=longest).rev().find(|length| data.ends_with(&mark[..*length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(mark: &[u8; 40], input: &[u8], cuts: &[usize]) -> (Vec<u8>, Option<usize>) {
        let mut scanner = EndMark::new(mark);
        let (mut data, mut consumed, mut cuts) = (Vec::new(), 0, cuts.iter().cycle());
        while consumed < input.len() {
            let length = (*cuts.next().unwrap()).clamp(1, input.len() - consumed);
            let chunk = &input[consumed..consumed + length];
            let scan = scanner.scan(chunk);
            data.extend(scan.released);
            data.extend_from_slice(&chunk[scan.data]);
            if let Some(end) = scan.end {
                return (data, Some(consumed + end));
            }
            consumed += length;
        }
        (data, None)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        /// A mark of few letters in data of the same letters makes many false starts.
        #[test]
        fn finds_the_mark_across_any_cuts(
            period in 1usize..6,
            data in proptest::collection::vec(b'a'..b'c', 0..300),
            cuts in proptest::collection::vec(1usize..60, 1..8),
        ) {
            let mark: [u8; 40] = std::array::from_fn(|i| if i % period == 0 { b'a' } else { b'b' });
            let input = [&data[..], &mark, b"*1\r\n$4\r\nping\r\n"].concat();
            let expected = memchr::memmem::find(&input, &mark).unwrap();
            let (found, end) = run(&mark, &input, &cuts);
            prop_assert_eq!(end, Some(expected + 40));
            prop_assert_eq!(found, &input[..expected]);
        }
    }

    #[test]
    fn holds_back_only_a_possible_start() {
        let mark = [b'e'; 40];
        let mut scanner = EndMark::new(&mark);
        assert_eq!(scanner.scan(b"RDBe"), Scan { released: vec![], data: 0..3, end: None });
        assert_eq!(scanner.scan(b"x"), Scan { released: b"e".to_vec(), data: 0..1, end: None });
        assert_eq!(run(&mark, b"abc", &[1]).1, None);
    }
}
