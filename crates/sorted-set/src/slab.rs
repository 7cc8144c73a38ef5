//! Nodes by number, in segments: adding one never moves the others.

use linear::shrink;

const SEGMENT: usize = 256;

/// Numbered places, some of them free.
#[derive(Debug, Clone)]
pub(super) struct Slab<T> {
    segments: Vec<Vec<Option<T>>>,
    /// Numbers of free places; some may lie behind the last place by now.
    free: Vec<u32>,
    places: usize,
    used: usize,
}

impl<T> Slab<T> {
    pub(super) fn new() -> Self {
        Slab { segments: Vec::new(), free: Vec::new(), places: 0, used: 0 }
    }

    /// Bytes of the places, without what their contents own.
    pub(super) fn memory(&self) -> usize {
        let places = match &self.segments[..] {
            [only] => only.capacity(),
            many => many.len() * SEGMENT,
        };
        places * size_of::<Option<T>>()
            + self.segments.capacity() * size_of::<Vec<Option<T>>>()
            + self.free.capacity() * size_of::<u32>()
    }

    /// Whether so many places are free that moving nodes into them pays.
    pub(super) fn is_sparse(&self) -> bool {
        self.places - self.used > self.used + SEGMENT / 16
    }

    /// Puts a node into a free place; its number.
    ///
    /// # Panics
    /// With 2^32 nodes, which is more than memory holds.
    pub(super) fn insert(&mut self, node: T) -> u32 {
        self.used += 1;
        while let Some(number) = self.free.pop() {
            if (number as usize) < self.places {
                *self.place(number) = Some(node);
                return number;
            }
        }
        if self.places.is_multiple_of(SEGMENT) {
            let room = if self.places == 0 { 1 } else { SEGMENT };
            self.segments.push(Vec::with_capacity(room));
        }
        let number = u32::try_from(self.places).expect("fewer nodes than 2^32");
        if let Some(segment) = self.segments.last_mut() {
            segment.push(Some(node));
        }
        self.places += 1;
        number
    }

    /// Takes a node out.
    pub(super) fn take(&mut self, number: u32) -> T {
        let node = self.place(number).take().expect("a node");
        self.used -= 1;
        self.free.push(number);
        self.drop_free_tail();
        node
    }

    /// Takes out the node with the largest number.
    pub(super) fn take_last(&mut self) -> Option<(u32, T)> {
        let number = self.places.checked_sub(1)? as u32;
        Some((number, self.take(number)))
    }

    /// **Invariant:** the last place is taken, if there is one.
    fn drop_free_tail(&mut self) {
        while let Some(segment) = self.segments.last_mut() {
            while segment.pop_if(|place| place.is_none()).is_some() {
                self.places -= 1;
            }
            if !segment.is_empty() {
                break;
            }
            self.segments.pop();
        }
        if self.free.len() > 2 * (self.places - self.used) {
            let places = self.places;
            self.free.retain(|number| (*number as usize) < places);
            self.free.shrink_to(2 * self.free.len());
        }
        if let [only] = &mut self.segments[..] {
            shrink(only);
        }
        shrink(&mut self.segments);
    }

    /// All nodes.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.segments.iter().flatten().flatten()
    }

    fn place(&mut self, number: u32) -> &mut Option<T> {
        let number = number as usize;
        &mut self.segments[number / SEGMENT][number % SEGMENT]
    }

    #[inline]
    pub(super) fn get(&self, number: u32) -> &T {
        let number = number as usize;
        self.segments[number / SEGMENT][number % SEGMENT].as_ref().expect("a node")
    }

    #[inline]
    pub(super) fn get_mut(&mut self, number: u32) -> &mut T {
        self.place(number).as_mut().expect("a node")
    }
}
