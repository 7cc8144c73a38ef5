//! The unsent bytes of a connection: buffers in order, the first perhaps partly sent.

use std::collections::VecDeque;

/// Buffers that one system call takes at most.
pub(crate) const MAX_BATCH: usize = 16;
/// A buffer that grew beyond this is freed rather than handed back, so one large reply does not stay allocated.
const MAX_REUSED: usize = 256 * 1024;

#[derive(Debug, Default)]
pub(crate) struct SendQueue {
    buffers: VecDeque<Vec<u8>>,
    /// Bytes of the first buffer that the kernel has taken.
    offset: usize,
    /// Bytes of all buffers that it has not.
    pending: usize,
}

impl SendQueue {
    pub(crate) fn push(&mut self, buffer: Vec<u8>) {
        self.pending += buffer.len();
        self.buffers.push_back(buffer);
    }

    pub(crate) fn pending(&self) -> usize {
        self.pending
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pending == 0
    }

    /// Whether one send of at most so many bytes can offer everything.
    pub(crate) fn fits_a_send(&self, max_bytes: usize) -> bool {
        self.buffers.len() <= MAX_BATCH && self.pending <= max_bytes
    }

    /// Fills `vectors` with the next bytes to send and returns how many entries were used. They point into the heap
    /// memory of the queued buffers, which stays in place while the buffers are queued.
    pub(crate) fn vectors(&self, vectors: &mut [libc::iovec; MAX_BATCH]) -> usize {
        let mut offset = self.offset;
        let mut used = 0;
        for (vector, buffer) in vectors.iter_mut().zip(&self.buffers) {
            let rest = &buffer[offset..];
            *vector = libc::iovec { iov_base: rest.as_ptr().cast_mut().cast(), iov_len: rest.len() };
            offset = 0;
            used += 1;
        }
        used
    }

    /// Notes that the kernel has taken `count` bytes; `done` gets every buffer that is finished, cleared, with the
    /// length it had.
    pub(crate) fn advance(&mut self, count: usize, mut done: impl FnMut(usize, Vec<u8>)) {
        assert!(count <= self.pending, "the kernel took more than it was given");
        self.pending -= count;
        self.offset += count;
        while let Some(first) = self.buffers.front()
            && self.offset >= first.len()
        {
            self.offset -= first.len();
            if let Some(mut buffer) = self.buffers.pop_front() {
                let len = buffer.len();
                buffer.clear();
                buffer.shrink_to(MAX_REUSED);
                done(len, buffer);
            }
        }
    }

    /// Everything not taken by the kernel, in one piece.
    pub(crate) fn into_unsent(mut self) -> Vec<u8> {
        let mut unsent = Vec::with_capacity(self.pending);
        if let Some(first) = self.buffers.pop_front() {
            unsent.extend_from_slice(&first[self.offset..]);
        }
        self.buffers.iter().for_each(|buffer| unsent.extend_from_slice(buffer));
        unsent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_as_their_last_byte_leaves() {
        let mut queue = SendQueue::default();
        for text in ["abc", "de", "f"] {
            queue.push(text.into());
        }
        let mut vectors = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; MAX_BATCH];
        assert_eq!((queue.pending(), queue.vectors(&mut vectors)), (6, 3));
        let mut done = Vec::new();
        queue.advance(4, |len, buffer| done.push((len, buffer.len())));
        assert_eq!(done, [(3, 0)]);
        assert_eq!((queue.pending(), queue.vectors(&mut vectors), vectors[0].iov_len), (2, 2, 1));
        assert_eq!(queue.into_unsent(), b"ef");
    }
}
