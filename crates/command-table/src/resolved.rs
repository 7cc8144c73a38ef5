//! A request once its command is known. What everybody asks of it is found out once, here: which arguments are keys and what
//! happens to them, their slots, and the locks it needs.
//!
//! ```text
//!   bytes ─ parse ─▶ arguments ─ table ─▶ command ─┬▶ Resolved ─▶ admission · locks · capture · waiting
//!                                                  └▶ Kept: queued by MULTI, waiting ─▶ Resolved again
//! ```

use crate::Command;
use command_spec::{KeyFlags, Need, keys::positions};
use keyspace::Located;
use std::borrow::Cow;
use std::sync::Arc;
use topology::Slot;

/// More slots than this are taken as the world: ascending locking of thousands costs more than a closed gate.
const MANY_SLOTS: usize = 1000;

/// So many slots are sorted on the stack.
const FEW: usize = 32;

/// A key of a request.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Which argument it is.
    pub at: usize,
    /// What happens to it.
    pub flags: KeyFlags,
    /// Its slot.
    pub slot: Slot,
}

/// The keys of a request. Nearly every one has one key or none.
#[derive(Debug, Clone)]
enum Keys {
    None,
    One(Key),
    /// Of keys that were located beforehand: only the slots to lock, ascending and each once. The keys are found again by the few
    /// who want them.
    Located(Arc<[Slot]>),
    Many(Arc<Many>),
}

#[derive(Debug)]
struct Many {
    keys: Vec<Key>,
    /// The slots to lock, ascending and each once.
    slots: Vec<Slot>,
    /// It works on other keys as well.
    needs_world: bool,
}

/// What must be held while a request runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locks<'r> {
    /// Nothing.
    None,
    /// These slots, ascending and each once. None at all are those of arguments that name no key: what is wrong with them is
    /// the command's to say.
    Slots(&'r [Slot]),
    /// One slot at a time.
    SlotBySlot,
    /// Everything.
    World,
}

/// A request whose command is known.
#[derive(Debug)]
pub struct Resolved<'a> {
    /// The command.
    pub command: &'static Command,
    /// The request, its name first.
    pub argv: &'a [&'a [u8]],
    /// The places of its keys in their order, where they were computed while prefetching: of all, of the first, or none.
    pub places: &'a [Located],
    keys: Keys,
}

impl<'a> Resolved<'a> {
    /// Finds the keys among the arguments.
    #[inline]
    pub fn new(command: &'static Command, argv: &'a [&'a [u8]], places: &'a [Located]) -> Resolved<'a> {
        let keys = match (command.spec.keys, places) {
            ([], _) => Keys::None,
            ([keys], [Located { slot, .. }]) if command.run.single_key || has_one_key(command, argv) => {
                Keys::One(Key { at: command.run.first_key.into(), flags: keys.flags, slot: *slot })
            }
            ([keys], [_, _, ..]) if command.run.key_step > 0 => {
                let (first, step) = (command.run.first_key as usize, command.run.key_step as usize);
                if (argv.len() - first).is_multiple_of(step)
                    && places.len() == (argv.len() - first) / step
                    && places.len() <= MANY_SLOTS
                    && !keys.flags.contains(KeyFlags::NOT_KEY)
                {
                    Keys::Located(slots_of(places))
                } else {
                    find(command, argv)
                }
            }
            _ => find(command, argv),
        };
        Resolved { command, argv, places, keys }
    }

    /// Its keys, in the order of the spec; also what is no key and routed like one ([`KeyFlags::NOT_KEY`]).
    #[inline]
    pub fn keys(&self) -> Cow<'_, [Key]> {
        match &self.keys {
            Keys::None => Cow::Borrowed(&[]),
            Keys::One(key) => Cow::Borrowed(std::slice::from_ref(key)),
            Keys::Located(_) => Cow::Owned(find(self.command, self.argv).into_all()),
            Keys::Many(many) => Cow::Borrowed(&many.keys),
        }
    }

    /// The slots of its keys, ascending and each once.
    #[inline]
    pub fn slots(&self) -> &[Slot] {
        self.keys.slots()
    }

    /// What must be held while it runs.
    #[inline]
    pub fn locks(&self) -> Locks<'_> {
        self.keys.locks(self.command.spec.need)
    }

    /// The same for later, with its own copy of the arguments.
    pub fn keep(&self) -> Kept {
        Kept {
            command: self.command,
            argv: self.argv.iter().map(|&arg| arg.into()).collect(),
            keys: self.keys.clone(),
        }
    }
}

/// The slots of several requests, and further ones, that are to be held at once, ascending and each once; `None` when only
/// the world is enough.
pub fn locks_of_all<'r>(
    all: impl Iterator<Item = Locks<'r>>,
    further: impl Iterator<Item = Slot>,
) -> Option<Vec<Slot>> {
    let mut slots: Vec<Slot> = further.collect();
    for locks in all {
        match locks {
            Locks::None => {}
            Locks::Slots(more) => slots.extend_from_slice(more),
            Locks::SlotBySlot | Locks::World => return None,
        }
    }
    slots.sort_unstable();
    slots.dedup();
    (slots.len() <= MANY_SLOTS).then_some(slots)
}

impl Keys {
    fn into_all(self) -> Vec<Key> {
        match self {
            Keys::None | Keys::Located(_) => Vec::new(),
            Keys::One(key) => vec![key],
            Keys::Many(many) => many.keys.clone(),
        }
    }

    #[inline]
    fn slots(&self) -> &[Slot] {
        match self {
            Keys::None => &[],
            Keys::One(key) => std::slice::from_ref(&key.slot),
            Keys::Located(slots) => slots,
            Keys::Many(many) => &many.slots,
        }
    }

    /// Whether its keys are too many to be locked, or not all that it works on.
    #[inline]
    fn needs_world(&self) -> bool {
        match self {
            Keys::None | Keys::One(_) | Keys::Located(_) => false,
            Keys::Many(many) => many.needs_world || many.slots.len() > MANY_SLOTS,
        }
    }

    #[inline]
    fn locks(&self, need: Need) -> Locks<'_> {
        match need {
            Need::None => Locks::None,
            Need::Keys if self.needs_world() => Locks::World,
            Need::Keys => Locks::Slots(self.slots()),
            Need::SlotBySlot => Locks::SlotBySlot,
            Need::World => Locks::World,
        }
    }
}

fn find(command: &'static Command, argv: &[&[u8]]) -> Keys {
    let mut keys = Vec::new();
    let fits = positions(command.spec, argv, |at, flags| {
        keys.push(Key { at, flags, slot: Slot::of(argv[at]) });
    });
    // Arguments that do not fit the spec are the command's to complain about: it touches no key then.
    match keys.as_slice() {
        _ if !fits => Keys::None,
        _ if command.spec.actual_need(argv) > command.spec.need => many(keys.into_iter(), true),
        [] => Keys::None,
        [key] if !key.flags.contains(KeyFlags::NOT_KEY) => Keys::One(*key),
        _ => many(keys.into_iter(), false),
    }
}

/// Whether a command that takes any number of keys was given one.
fn has_one_key(command: &Command, argv: &[&[u8]]) -> bool {
    let (first, step) = (usize::from(command.run.first_key), usize::from(command.run.key_step));
    step > 0 && argv.len() == first + step
}

/// The slots of places, ascending and each once.
fn slots_of(places: &[Located]) -> Arc<[Slot]> {
    let sorted = |slots: &mut [Slot]| -> Arc<[Slot]> {
        slots.sort_unstable();
        let mut kept = 1;
        for at in 1..slots.len() {
            if slots[at] != slots[kept - 1] {
                slots[kept] = slots[at];
                kept += 1;
            }
        }
        slots[..kept].into()
    };
    let mut few = [places[0].slot; FEW];
    match few.get_mut(..places.len()) {
        Some(few) => {
            few.iter_mut().zip(places).for_each(|(slot, place)| *slot = place.slot);
            sorted(few)
        }
        None => sorted(&mut places.iter().map(|place| place.slot).collect::<Vec<_>>()),
    }
}

fn many(keys: impl Iterator<Item = Key>, needs_world: bool) -> Keys {
    let keys: Vec<Key> = keys.collect();
    let locked = keys.iter().filter(|key| !key.flags.contains(KeyFlags::NOT_KEY));
    let mut slots: Vec<Slot> = locked.map(|key| key.slot).collect();
    slots.sort_unstable();
    slots.dedup();
    Keys::Many(Arc::new(Many { keys, slots, needs_world }))
}

/// A resolved request that is kept: queued by MULTI, or waiting.
#[derive(Debug)]
pub struct Kept {
    /// The command.
    pub command: &'static Command,
    argv: Vec<Box<[u8]>>,
    keys: Keys,
}

impl Kept {
    /// What must be held while it runs.
    pub fn locks(&self) -> Locks<'_> {
        self.keys.locks(self.command.spec.need)
    }

    /// Gives the request to a function.
    pub fn with<R>(&self, look: impl FnOnce(&Resolved<'_>) -> R) -> R {
        let argv: Vec<&[u8]> = self.argv.iter().map(|arg| &**arg).collect();
        look(&Resolved { command: self.command, argv: &argv, places: &[], keys: self.keys.clone() })
    }

    /// Bytes of memory that it takes.
    pub fn bytes(&self) -> usize {
        let keys = match &self.keys {
            Keys::Many(many) => size_of_val(&*many.keys) + size_of_val(&*many.slots),
            Keys::Located(slots) => size_of_val(&**slots),
            Keys::None | Keys::One(_) => 0,
        };
        let argv: usize = self.argv.iter().map(|arg| arg.len() + size_of::<Box<[u8]>>()).sum();
        size_of::<Kept>() + argv + keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CommandTable;
    use command_spec::Spec;
    use profile::Profile;

    const OWN: &[command_spec::Command<()>] = &[
        command_spec::Command::new(const { &Spec { name: "ping", ..Spec::BASE } }, ()),
        command_spec::Command::new(const { &Spec { name: "all", need: Need::World, ..Spec::BASE } }, ()),
    ];

    fn check(line: &str, look: impl Fn(&Resolved<'_>)) {
        let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let (table, _) = CommandTable::new::<()>(Profile::Redis70, OWN.iter());
        let command = table.resolve(&argv).expect("a command");
        let request = Resolved::new(command, &argv, &[]);
        look(&request);
        request.keep().with(|again| {
            assert_eq!(
                (again.argv, again.slots(), again.locks()),
                (request.argv, request.slots(), request.locks())
            );
        });
    }

    fn slots(keys: &[&str]) -> Vec<Slot> {
        let mut slots: Vec<Slot> = keys.iter().map(|key| Slot::of(key.as_bytes())).collect();
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    #[test]
    fn locks_are_those_of_the_keys() {
        check("get k", |request| assert_eq!(request.locks(), Locks::Slots(&slots(&["k"]))));
        check("mset b 1 a 2 {b}c 3", |request| {
            assert_eq!(request.keys().iter().map(|key| key.at).collect::<Vec<_>>(), [1, 3, 5]);
            assert_eq!(request.locks(), Locks::Slots(&slots(&["a", "b"])));
        });
        check("lmove from to left right", |request| {
            assert!(request.keys()[1].flags.contains(KeyFlags::INSERT));
            assert_eq!(request.slots(), slots(&["from", "to"]));
        });
        check("ping", |request| assert_eq!(request.locks(), Locks::None));
        check("keys *", |request| assert_eq!(request.locks(), Locks::SlotBySlot));
        check("all", |request| assert_eq!(request.locks(), Locks::World));
        let many: Vec<String> = (0..2000).map(|n| format!("key{n}")).collect();
        check(&format!("mget {}", many.join(" ")), |request| assert_eq!(request.locks(), Locks::World));
    }

    #[test]
    fn places_found_before_give_the_same_keys() {
        let (table, _) = CommandTable::new::<()>(Profile::Redis70, OWN.iter());
        let place = |key: &&[u8]| Located { slot: Slot::of(key), hash: 0 };
        for line in [
            "get k",
            "mset b 1 a 2 {b}c 3",
            "mset b 1 a",
            "mset b 1",
            "mset b",
            "unlink a",
            "mget a a",
            "mget a b a",
            "del a b",
            "set a 1",
            "exists a",
        ] {
            let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            let command = table.resolve(&argv).expect("a command");
            let step = usize::from(command.run.key_step);
            let keys = argv[1..].iter().step_by(step.max(1)).take(if step == 0 { 1 } else { argv.len() });
            let places: Vec<Located> = keys.map(place).collect();
            let (with, without) =
                (Resolved::new(command, &argv, &places), Resolved::new(command, &argv, &[]));
            let all = |request: &Resolved<'_>| {
                request.keys().iter().map(|key| (key.at, key.flags, key.slot)).collect::<Vec<_>>()
            };
            assert_eq!(all(&with), all(&without), "{line}");
            assert_eq!((with.slots(), with.locks()), (without.slots(), without.locks()), "{line}");
        }
    }

    #[test]
    fn arguments_that_do_not_fit_have_no_keys() {
        for line in ["get", "lmpop 9 a left", "lmpop x a left"] {
            check(line, |request| {
                assert!(request.keys().is_empty(), "{line}");
                assert_eq!(request.locks(), Locks::Slots(&[]), "{line}");
            });
        }
    }

    #[test]
    fn several_are_held_together_or_need_the_world() {
        let (a, b) = (slots(&["a"]), slots(&["b"]));
        let both = [Locks::Slots(&a), Locks::None, Locks::Slots(&b), Locks::Slots(&a)];
        assert_eq!(locks_of_all(both.into_iter(), std::iter::empty()), Some(slots(&["a", "b"])));
        assert_eq!(
            locks_of_all(both.into_iter(), slots(&["watched"]).into_iter()),
            Some(slots(&["a", "b", "watched"]))
        );
        for more in [Locks::SlotBySlot, Locks::World] {
            assert_eq!(locks_of_all([Locks::Slots(&a), more].into_iter(), std::iter::empty()), None);
        }
    }
}
