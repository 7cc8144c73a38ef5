//! Objects of one kind, named by index. A freed place is used again.

use std::ops::{Index, IndexMut};

/// What the collector knows of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mark {
    /// The place is empty.
    Free,
    /// Not reached in the cycle that this colour belongs to.
    White(bool),
    /// Reached.
    Black,
}

#[derive(Debug)]
pub(crate) struct Slot<T> {
    pub(crate) mark: Mark,
    pub(crate) value: T,
}

/// Objects of one kind.
#[derive(Debug)]
pub(crate) struct Arena<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Arena { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T: Default> Arena<T> {
    /// Bytes that one object takes here, apart from what it owns.
    pub(crate) const PLACE: usize = size_of::<Slot<T>>() + size_of::<u32>();
    /// The most objects: the bit above marks long strings.
    pub(crate) const MOST: usize = 1 << 31;

    /// Puts an object in. The caller has checked that there is room.
    pub(crate) fn insert(&mut self, value: T, mark: Mark) -> u32 {
        if let Some(place) = self.free.pop() {
            self.slots[place as usize] = Slot { mark, value };
            return place;
        }
        let place = self.slots.len() as u32;
        self.slots.push(Slot { mark, value });
        place
    }

    /// Takes an object out; its place may be used again.
    pub(crate) fn remove(&mut self, place: u32) -> T {
        let slot = &mut self.slots[place as usize];
        slot.mark = Mark::Free;
        self.free.push(place);
        std::mem::take(&mut slot.value)
    }

    /// Places, used or not.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    #[inline]
    pub(crate) fn mark(&self, place: u32) -> Mark {
        self.slots[place as usize].mark
    }

    #[inline]
    pub(crate) fn set_mark(&mut self, place: u32, mark: Mark) {
        self.slots[place as usize].mark = mark;
    }
}

impl<T> Index<u32> for Arena<T> {
    type Output = T;

    #[inline]
    fn index(&self, place: u32) -> &T {
        &self.slots[place as usize].value
    }
}

impl<T> IndexMut<u32> for Arena<T> {
    #[inline]
    fn index_mut(&mut self, place: u32) -> &mut T {
        &mut self.slots[place as usize].value
    }
}
