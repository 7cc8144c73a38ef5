//! Moves entries and bucket arrays out of sparse pages of memory, a few at a time.
//!
//! It goes through a table by cursor as [`crate::TableMut::scan`] does. An entry that moves stays in its cell with its clock and its
//! marks. After a rebuild between two calls, some entries may be looked at twice, which does no harm.

use crate::bucket::Element;
use crate::layout::Block;
use crate::occupied::Occupied;
use crate::retired::Retired;
use crate::scan::{CURSOR_BITS, each_in_home};
use crate::span::Place;
use crate::table::TableMut;
use memory::slab::{self, Part};

/// What a call of [`TableMut::relocate`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Relocated {
    /// Entries that were looked at.
    pub passed: usize,
    /// Those of them that were moved.
    pub entries: usize,
    /// Arrays that were moved.
    pub arrays: usize,
}

impl std::ops::AddAssign for Relocated {
    fn add_assign(&mut self, other: Relocated) {
        self.passed += other.passed;
        self.entries += other.entries;
        self.arrays += other.arrays;
    }
}

impl TableMut<'_> {
    /// Moves what is [worth moving](slab::is_worth_moving) out of a part of all pages from the cursor on, whole home buckets, until at least
    /// `min_elements` were passed. Starts at 0; returns the next cursor, 0 when the table is done. `wanted` may keep entries where
    /// they are.
    pub fn relocate(
        &mut self,
        cursor: u64,
        min_elements: usize,
        part: Part,
        retired: &mut Retired,
        wanted: impl Fn(crate::Entry<'_>) -> bool,
    ) -> (u64, Relocated) {
        let table = self.table;
        let mut done = Relocated::default();
        let mut from = cursor << (64 - CURSOR_BITS);
        while let Some(mut span) = table.span(from) {
            let first = span.home(from);
            if first == 0 && span.is_worth_moving(part) {
                let moved = span.moved();
                table.replace(moved);
                span.retire(retired);
                span = moved;
                done.arrays += 1;
            }
            for home in first..span.homes() {
                done.passed += each_in_home(span, home, |place: Place, element: Element| {
                    // SAFETY: the borrow of `self` keeps changes away.
                    let entry = unsafe { crate::Entry::new(element.block) };
                    if is_worth_moving(element.block, part) && wanted(entry) {
                        Occupied::new(table, span, place).relocate();
                        done.entries += 1;
                    }
                });
                if done.passed >= min_elements.max(1) {
                    return (span.home_start(home + 1) >> (64 - CURSOR_BITS), done);
                }
            }
            from = span.end();
            if from == 0 {
                break;
            }
        }
        (0, done)
    }
}

fn is_worth_moving(block: Block, part: Part) -> bool {
    // SAFETY: a block of a cell is in use, and was allocated with its shape's layout.
    unsafe { slab::is_worth_moving(block.0, block.alloc_bytes(), part) }
}

#[cfg(test)]
mod tests {
    use crate::{EntryBox, Hasher, Table, Walk};
    use structures::Value;

    const KEYS: u64 = 20_000;

    fn value(i: u64) -> Value {
        match i % 4 {
            0 => Value::Int(i as i64),
            1 => Value::Bytes(vec![i as u8; 40]),
            2 => Value::Bytes(vec![i as u8; 10_000]),
            _ => {
                let mut set = structures::Set::new();
                set.add(i.to_string().as_bytes(), &structures::Limits::DEFAULT);
                Value::Set(Box::new(set))
            }
        }
    }

    /// A pass over a table of which a tenth is left moves most of it, and changes nothing that anybody sees.
    #[test]
    fn what_moves_stays_the_same() {
        let hasher = Hasher::fixed(1);
        let mut retired = crate::Retired::new();
        let mut table = Table::new();
        let key = |i: u64| format!("key:{i}").into_bytes();
        let expiry = |i: u64| i.is_multiple_of(3).then_some(1_700_000_000_000 + i);
        let mut table = table.get_mut();
        for i in 0..KEYS {
            let entry = EntryBox::new(&key(i), value(i), expiry(i));
            entry.as_ref().set_lru(i as u32 & 0xff_ffff);
            entry.as_ref().set_mark(Walk::Keyspace, (i % 2) as u8);
            table.insert_new(&hasher, hasher.hash(&key(i)), entry, &mut retired);
        }
        let stays = |i: u64| i.is_multiple_of(10) || i.is_multiple_of(11);
        for i in (0..KEYS).filter(|&i| !stays(i)) {
            drop(table.find_mut(hasher.hash(&key(i)), &key(i)).expect("it is there").remove(&mut retired));
        }
        let addresses = |table: &crate::TableMut<'_>| {
            let mut addresses = Vec::new();
            table.scan(&hasher, 0, usize::MAX, |entry| addresses.push(entry.key().as_ptr().addr()));
            addresses
        };
        // One of so many of its size that they fill several pages.
        let spared = key(10_021);
        let place = |table: &crate::TableMut<'_>| {
            table.find(hasher.hash(&spared), &spared).expect("it stays").key().as_ptr().addr()
        };
        let at = place(&table);
        let (len, volatile, before) = (table.len(), table.volatile_len(), addresses(&table));
        let mut done = super::Relocated::default();
        for part in super::Part::divide(3) {
            let mut cursor = 0;
            loop {
                let wanted = |entry: crate::Entry<'_>| entry.key() != spared;
                let (next, some) = table.relocate(cursor, 10, part, &mut retired, wanted);
                assert!(some.passed >= some.entries);
                done += some;
                cursor = next;
                if cursor == 0 {
                    break;
                }
            }
        }
        assert_eq!(done.passed, 3 * len);
        assert_eq!(place(&table), at, "it is not to be moved");
        assert_eq!((table.len(), table.volatile_len()), (len, volatile));
        let after = addresses(&table);
        let moved = before.iter().zip(&after).filter(|(one, other)| one != other).count();
        assert_eq!(done.entries, moved);
        assert!(cfg!(asan) || moved > len / 2, "{moved} of {len}");
        for i in (0..KEYS).filter(|&i| stays(i)) {
            let entry = table.find(hasher.hash(&key(i)), &key(i)).expect("it stays");
            assert_eq!(entry.expire_at(), expiry(i));
            assert_eq!(entry.lru(), i as u32 & 0xff_ffff);
            assert_eq!(entry.mark(Walk::Keyspace), (i % 2) as u8);
            let place = table.find_mut(hasher.hash(&key(i)), &key(i)).expect("it stays");
            assert_eq!(place.remove(&mut retired).into_value(), value(i));
        }
        // SAFETY: no thread prefetches.
        unsafe { retired.free() };
    }
}
