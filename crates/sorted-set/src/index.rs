//! From a member to its leaf, without the member: 32 bits of its hash, and the number of the leaf.
//!
//! ```text
//! bucket: [ hash, leaf │ hash, leaf │ … ]         8 bytes a member
//! ```
//!
//! The leaf has the member itself, so whoever looks one up compares there. Slots of members that move to another leaf are
//! changed with them. The bits of the hash also choose the bucket, so a bucket is split without reading members.

use hashing::Hasher;
use linear::{Bucket, Buckets};
use memory::size_class;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) hash: u32,
    pub(super) leaf: u32,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Slots(Box<[Slot]>);

impl Slots {
    fn push(&mut self, slot: Slot) {
        let mut slots = std::mem::take(&mut self.0).into_vec();
        slots.reserve_exact(1);
        slots.push(slot);
        self.0 = slots.into_boxed_slice();
    }

    fn position(&self, slot: Slot) -> usize {
        self.0.iter().position(|other| *other == slot).expect("each member has its slot")
    }
}

impl Bucket for Slots {
    fn split(&mut self, bit: u64, _: Hasher) -> Self {
        let (go, stay) = self.0.iter().partition(|slot| u64::from(slot.hash) & bit != 0);
        let packed = |slots: Vec<Slot>| Slots(slots.into_boxed_slice());
        *self = packed(stay);
        packed(go)
    }

    fn absorb(&mut self, other: Self) {
        let mut slots = std::mem::take(&mut self.0).into_vec();
        slots.reserve_exact(other.0.len());
        slots.extend_from_slice(&other.0);
        self.0 = slots.into_boxed_slice();
    }

    fn heap(&self) -> usize {
        size_class(self.0.len() * size_of::<Slot>())
    }
}

/// The index; see the module.
#[derive(Debug, Clone)]
pub(super) struct Index {
    buckets: Buckets<Slots>,
    len: usize,
}

impl Index {
    pub(super) fn with_hasher(hasher: Hasher) -> Self {
        Index { buckets: Buckets::with_hasher(hasher), len: 0 }
    }

    pub(super) fn memory(&self) -> usize {
        self.buckets.memory()
    }

    /// The bits of a member's hash that the index knows.
    #[inline]
    pub(super) fn hash(&self, member: &[u8]) -> u32 {
        self.buckets.hash(member) as u32
    }

    fn bucket(&self, hash: u32) -> usize {
        self.buckets.number(hash.into())
    }

    /// The leaves of members with this hash.
    #[inline]
    pub(super) fn leaves(&self, hash: u32) -> impl Iterator<Item = u32> {
        let slots = self.buckets.get(self.bucket(hash)).0.iter();
        slots.filter(move |slot| slot.hash == hash).map(|slot| slot.leaf)
    }

    pub(super) fn insert(&mut self, hash: u32, leaf: u32) {
        self.buckets.change(self.bucket(hash), |slots| slots.push(Slot { hash, leaf }));
        self.len += 1;
        self.buckets.balance(self.len);
    }

    pub(super) fn remove(&mut self, hash: u32, leaf: u32) {
        self.buckets.change(self.bucket(hash), |slots| {
            let at = slots.position(Slot { hash, leaf });
            let mut rest = std::mem::take(&mut slots.0).into_vec();
            rest.swap_remove(at);
            slots.0 = rest.into_boxed_slice();
        });
        self.len -= 1;
        self.buckets.balance(self.len);
    }

    /// A member with this hash moves.
    pub(super) fn relocate(&mut self, hash: u32, from: u32, to: u32) {
        self.buckets.change(self.bucket(hash), |slots| {
            let at = slots.position(Slot { hash, leaf: from });
            slots.0[at].leaf = to;
        });
    }

    /// Visits slots from `cursor` on until about `count` were visited; the next cursor, 0 at the end. Equal slots are
    /// visited once.
    pub(super) fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(Slot)) -> u64 {
        self.buckets.scan(cursor, count, |slots, is_ahead| {
            let mut visited = 0;
            for (at, slot) in slots.0.iter().enumerate() {
                if is_ahead(slot.hash.into()) && !slots.0[..at].contains(slot) {
                    visit(*slot);
                    visited += 1;
                }
            }
            visited
        })
    }
}
