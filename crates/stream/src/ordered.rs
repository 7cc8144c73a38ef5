//! A map in the order of IDs: a sequence of sorted chunks.
//!
//! ```text
//! chunks   ┌────────────┬────────────┬─ ─ ─┐      found by the ID of their first element
//!          │ 1-0 … 63-0 │ 64-0 …     │     │      each sorted, 1 … 64 elements
//!          └────────────┴────────────┴─ ─ ─┘
//! ```
//!
//! IDs mostly come in ascending order and mostly go so too. So a chunk that is full stays full when the next ID follows it,
//! and to remove the first chunk moves nothing. An ID in the middle of a full chunk splits it; two neighbours that are nearly
//! empty become one.
//!
//! **Invariant:** no chunk is empty; the IDs ascend, within a chunk and from one to the next.

use super::StreamId;
use std::collections::VecDeque;
use std::mem;

/// The most elements of a chunk.
const MOST: usize = 64;
/// A chunk that falls below this looks for a neighbour to join.
const FEW: usize = MOST / 4;

/// A map from IDs to values, in order.
#[derive(Debug, Clone)]
pub(crate) struct Ordered<V> {
    chunks: VecDeque<Vec<(StreamId, V)>>,
    len: usize,
    /// Elements that all chunks have memory for.
    slots: usize,
}

impl<V> Default for Ordered<V> {
    fn default() -> Self {
        Ordered { chunks: VecDeque::new(), len: 0, slots: 0 }
    }
}

impl<V> Ordered<V> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes taken from the allocator, without what the values themselves hold.
    pub(crate) fn memory(&self) -> usize {
        self.slots * size_of::<(StreamId, V)>() + self.chunks.capacity() * size_of::<Vec<(StreamId, V)>>()
    }

    /// How many allocations there are.
    pub(crate) fn allocations(&self) -> usize {
        self.chunks.len()
    }

    pub(crate) fn get(&self, id: StreamId) -> Option<&V> {
        let (chunk, at) = self.locate(id).ok()?;
        Some(&self.chunks[chunk][at].1)
    }

    pub(crate) fn get_mut(&mut self, id: StreamId) -> Option<&mut V> {
        let (chunk, at) = self.locate(id).ok()?;
        Some(&mut self.chunks[chunk][at].1)
    }

    pub(crate) fn first(&self) -> Option<(StreamId, &V)> {
        let (id, value) = self.chunks.front()?.first()?;
        Some((*id, value))
    }

    pub(crate) fn last(&self) -> Option<(StreamId, &V)> {
        let (id, value) = self.chunks.back()?.last()?;
        Some((*id, value))
    }

    pub(crate) fn last_mut(&mut self) -> Option<(StreamId, &mut V)> {
        let (id, value) = self.chunks.back_mut()?.last_mut()?;
        Some((*id, value))
    }

    /// Puts a value under an ID; returns the one that it replaces.
    pub(crate) fn insert(&mut self, id: StreamId, value: V) -> Option<V> {
        let (mut chunk, mut at) = match self.locate(id) {
            Ok((chunk, at)) => return Some(mem::replace(&mut self.chunks[chunk][at].1, value)),
            Err(place) => place,
        };
        self.len += 1;
        match self.chunks.get(chunk).map(Vec::len) {
            Some(MOST) if at == MOST && chunk + 1 == self.chunks.len() => {
                self.chunks.push_back(Vec::new());
                (chunk, at) = (chunk + 1, 0);
            }
            Some(MOST) => {
                self.split(chunk);
                if at > MOST / 2 {
                    (chunk, at) = (chunk + 1, at - MOST / 2);
                }
            }
            Some(_) => {}
            None => self.chunks.push_back(Vec::new()),
        }
        let there = &mut self.chunks[chunk];
        self.slots -= there.capacity();
        there.insert(at, (id, value));
        self.slots += there.capacity();
        None
    }

    /// Removes an ID; returns its value.
    pub(crate) fn remove(&mut self, id: StreamId) -> Option<V> {
        let (chunk, at) = self.locate(id).ok()?;
        let (_, value) = self.chunks[chunk].remove(at);
        self.len -= 1;
        match self.chunks[chunk].len() {
            0 => drop(self.take_chunk(chunk)),
            1..FEW => self.join(chunk),
            _ => {}
        }
        Some(value)
    }

    /// The elements in order, from the first that is not below `id`.
    pub(crate) fn iter_from(&self, id: StreamId) -> Forward<'_, V> {
        let (chunk, at) = self.locate(id).unwrap_or_else(|place| place);
        Forward { ordered: self, chunk, at }
    }

    /// The elements in order.
    pub(crate) fn iter(&self) -> Forward<'_, V> {
        Forward { ordered: self, chunk: 0, at: 0 }
    }

    /// The elements in reverse order, from the last that is not above `id`.
    pub(crate) fn iter_back_from(&self, id: StreamId) -> Backward<'_, V> {
        let (chunk, at) = match self.locate(id) {
            Ok((chunk, at)) => (chunk, at + 1),
            Err(place) => place,
        };
        Backward { ordered: self, chunk, at }
    }

    /// How many elements there are between two IDs, both included.
    pub(crate) fn count(&self, from: StreamId, to: StreamId) -> usize {
        let (first, at) = self.locate(from).unwrap_or_else(|place| place);
        let (last, upto) = self.locate(to).map_or_else(|place| place, |(chunk, at)| (chunk, at + 1));
        let before: usize = self.chunks.range(first.min(last)..last).map(Vec::len).sum();
        (before + upto).saturating_sub(at)
    }

    /// Where an ID is, or where it would stand: in the last chunk that begins below it.
    fn locate(&self, id: StreamId) -> Result<(usize, usize), (usize, usize)> {
        let chunk = match self.chunks.back() {
            None => return Err((0, 0)),
            Some(last) if last[0].0 <= id => self.chunks.len() - 1,
            Some(_) => self.chunks.partition_point(|chunk| chunk[0].0 <= id).saturating_sub(1),
        };
        let there = &self.chunks[chunk];
        match there.last() {
            Some((last, _)) if *last < id => Err((chunk, there.len())),
            _ => match there.binary_search_by(|(own, _)| own.cmp(&id)) {
                Ok(at) => Ok((chunk, at)),
                Err(at) => Err((chunk, at)),
            },
        }
    }

    fn split(&mut self, chunk: usize) {
        let upper = self.chunks[chunk].split_off(MOST / 2);
        self.slots += upper.capacity();
        self.chunks.insert(chunk + 1, upper);
    }

    /// Joins a chunk of few elements with a neighbour if both together leave room for as many again.
    fn join(&mut self, chunk: usize) {
        let own = self.chunks[chunk].len();
        let fits = |other: usize| self.chunks.get(other).is_some_and(|there| own + there.len() <= MOST / 2);
        let left = if fits(chunk + 1) {
            chunk
        } else if chunk > 0 && fits(chunk - 1) {
            chunk - 1
        } else {
            return;
        };
        let right = self.take_chunk(left + 1);
        let there = &mut self.chunks[left];
        self.slots -= there.capacity();
        there.extend(right);
        self.slots += there.capacity();
    }

    fn take_chunk(&mut self, chunk: usize) -> Vec<(StreamId, V)> {
        let taken = self.chunks.remove(chunk).expect("the chunk exists");
        self.slots -= taken.capacity();
        // What was long once gives its memory back; the factor keeps this rare.
        if self.chunks.capacity() > 32 && self.chunks.len() < self.chunks.capacity() / 8 {
            self.chunks.shrink_to(self.chunks.len() * 2);
        }
        taken
    }
}

impl<V: PartialEq> PartialEq for Ordered<V> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

/// From a place to the last element.
#[derive(Debug)]
pub(crate) struct Forward<'a, V> {
    ordered: &'a Ordered<V>,
    chunk: usize,
    at: usize,
}

impl<V> Clone for Forward<'_, V> {
    fn clone(&self) -> Self {
        Forward { ..*self }
    }
}

impl<'a, V> Iterator for Forward<'a, V> {
    type Item = (StreamId, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let there = self.ordered.chunks.get(self.chunk)?;
            if let Some((id, value)) = there.get(self.at) {
                self.at += 1;
                return Some((*id, value));
            }
            (self.chunk, self.at) = (self.chunk + 1, 0);
        }
    }
}

/// From a place to the first element.
#[derive(Debug)]
pub(crate) struct Backward<'a, V> {
    ordered: &'a Ordered<V>,
    chunk: usize,
    /// Elements of the chunk that are still to come.
    at: usize,
}

impl<V> Clone for Backward<'_, V> {
    fn clone(&self) -> Self {
        Backward { ..*self }
    }
}

impl<'a, V> Iterator for Backward<'a, V> {
    type Item = (StreamId, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        while self.at == 0 {
            self.chunk = self.chunk.checked_sub(1)?;
            self.at = self.ordered.chunks[self.chunk].len();
        }
        self.at -= 1;
        let (id, value) = &self.ordered.chunks[self.chunk][self.at];
        Some((*id, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn id(number: u64) -> StreamId {
        StreamId::new(number / 8, number % 8)
    }

    fn check(ordered: &Ordered<u32>, model: &BTreeMap<StreamId, u32>) {
        assert_eq!(ordered.len(), model.len());
        assert!(ordered.iter().eq(model.iter().map(|(id, value)| (*id, value))));
        assert!(ordered.chunks.iter().all(|chunk| (1..=MOST).contains(&chunk.len())));
        assert_eq!(ordered.slots, ordered.chunks.iter().map(Vec::capacity).sum::<usize>());
        assert_eq!(ordered.first(), model.first_key_value().map(|(id, value)| (*id, value)));
        assert_eq!(ordered.last(), model.last_key_value().map(|(id, value)| (*id, value)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        /// Runs of IDs come and go, as a stream's do, and single ones between them.
        #[test]
        fn as_a_tree(steps in proptest::collection::vec((0u64..900, 1u64..150, any::<bool>()), 1..40)) {
            let mut ordered = Ordered::default();
            let mut model = BTreeMap::new();
            for (at, (from, count, adds)) in steps.into_iter().enumerate() {
                for number in from..from + count {
                    if adds {
                        prop_assert_eq!(ordered.insert(id(number), at as u32), model.insert(id(number), at as u32));
                    } else {
                        prop_assert_eq!(ordered.remove(id(number)), model.remove(&id(number)));
                    }
                }
                check(&ordered, &model);
                let middle = id(from);
                prop_assert_eq!(ordered.get(middle), model.get(&middle));
                let above: Vec<_> = ordered.iter_from(middle).map(|(id, _)| id).collect();
                prop_assert_eq!(above, model.range(middle..).map(|(id, _)| *id).collect::<Vec<_>>());
                let below: Vec<_> = ordered.iter_back_from(middle).map(|(id, _)| id).collect();
                prop_assert_eq!(below, model.range(..=middle).rev().map(|(id, _)| *id).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn ascending_ids_fill_chunks_and_memory_goes_with_them() {
        let mut ordered = Ordered::default();
        (0..10_000).for_each(|number| assert_eq!(ordered.insert(id(number), 0u32), None));
        assert_eq!(ordered.chunks.len(), 10_000usize.div_ceil(MOST));
        assert!(ordered.memory() < 10_000 * size_of::<(StreamId, u32)>() * 11 / 10);
        (0..9_990).for_each(|number| assert_eq!(ordered.remove(id(number)), Some(0)));
        assert!(ordered.memory() < 4_000, "{}", ordered.memory());
    }

    #[test]
    fn what_is_left_here_and_there_comes_together() {
        let mut ordered = Ordered::default();
        (0..10_000).for_each(|number| assert_eq!(ordered.insert(id(number), 0u32), None));
        (0..10_000)
            .filter(|number| number % 50 != 0)
            .for_each(|number| assert_eq!(ordered.remove(id(number)), Some(0)));
        assert_eq!(ordered.len(), 200);
        assert!(ordered.chunks.len() < 20, "{}", ordered.chunks.len());
    }
}
