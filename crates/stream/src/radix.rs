//! How many nodes the radix tree has in which Redis keeps the nodes of a stream: XINFO STREAM tells it.
//!
//! The tree is a trie over the 16 bytes of the IDs. A byte at which IDs part is a node with an edge each; what several IDs, or one
//! alone, have in common between two such bytes is one compressed node; each ID ends in an empty node.
//!
//! ```text
//!   00 00 … 05 01 ─┐                               compressed ── branch ─┬─ compressed ── end
//!   00 00 … 07 01 ─┘ part at one byte                                    └─ compressed ── end
//! ```

use super::{Stream, StreamId};

/// How many leading bytes two IDs have in common.
fn common(one: StreamId, other: StreamId) -> usize {
    one.to_bytes().iter().zip(other.to_bytes()).take_while(|(a, b)| **a == *b).count()
}

impl Stream {
    /// The number of nodes of such a tree.
    pub fn radix_tree_nodes(&self) -> usize {
        // The bytes at which the IDs so far part from the last one, from the root on.
        let mut branches: Vec<usize> = Vec::new();
        let mut nodes = 0;
        // Below a branch, what comes after the edge's own byte is compressed, if anything.
        let compressed =
            |from: Option<usize>, to: usize| usize::from(from.map_or(to > 0, |from| to > from + 1));
        let mut last = None;
        for (id, _) in self.nodes.iter() {
            if let Some(last) = last {
                let parts_at = common(last, id);
                let mut below = StreamId::BYTES;
                while let Some(branch) = branches.pop_if(|branch| *branch > parts_at) {
                    nodes += 1 + compressed(Some(branch), below);
                    below = branch;
                }
                nodes += compressed(Some(parts_at), below);
                if branches.last() != Some(&parts_at) {
                    branches.push(parts_at);
                }
            }
            // The end of the ID.
            nodes += 1;
            last = Some(id);
        }
        let mut below = if last.is_some() { StreamId::BYTES } else { 0 };
        while let Some(branch) = branches.pop() {
            nodes += 1 + compressed(Some(branch), below);
            below = branch;
        }
        // The root is there also when it is empty.
        (nodes + compressed(None, below)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packed::Limits;

    fn nodes(ids: &[(u64, u64)]) -> usize {
        let limits = Limits { stream_node_max_entries: 1, ..Limits::DEFAULT };
        let mut stream = Stream::new();
        for (ms, seq) in ids {
            stream.add(StreamId::new(*ms, *seq), &["f", "v"], &limits).expect("IDs ascend");
        }
        stream.radix_tree_nodes()
    }

    /// What real servers answered for streams of these nodes.
    #[test]
    fn as_real_servers_count() {
        assert_eq!(nodes(&[]), 1);
        assert_eq!(nodes(&[(1, 1)]), 2);
    }
}
