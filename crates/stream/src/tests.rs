//! A stream beside a plain map of its entries, and a group beside a plain map of what is pending.

use super::*;
use packed::Item;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

type Fields = Vec<Vec<u8>>;

#[derive(Debug, Clone, Default)]
struct Model {
    entries: BTreeMap<StreamId, Fields>,
    last: StreamId,
    max_deleted: StreamId,
    added: u64,
}

#[derive(Debug, Clone)]
enum Step {
    Add { ms: u64, seq: u64, fields: Fields },
    Remove(Vec<prop::sample::Index>),
    Trim { at: prop::sample::Index, by_id: bool, is_exact: bool, limit: u64 },
}

fn id(ms: u64, seq: u64) -> StreamId {
    StreamId::new(ms, seq)
}

fn small_nodes() -> Limits {
    Limits { stream_node_max_entries: 5, stream_node_max_bytes: 160, ..Limits::DEFAULT }
}

fn owned(entry: Entry<'_>) -> (StreamId, Fields) {
    let pairs = entry.fields.len();
    let fields: Fields = entry.fields.flat_map(|(name, value)| [name.to_vec(), value.to_vec()]).collect();
    assert_eq!(fields.len(), 2 * pairs);
    (entry.id, fields)
}

impl Model {
    fn first(&self) -> StreamId {
        self.entries.first_key_value().map_or(StreamId::MIN, |(id, _)| *id)
    }

    fn check(&self, stream: &Stream) {
        assert_eq!(stream.len(), self.entries.len());
        let entries: Vec<_> = self.entries.clone().into_iter().collect();
        assert_eq!(stream.iter().map(owned).collect::<Vec<_>>(), entries);
        let ids = Ids {
            last: self.last,
            first: self.first(),
            max_deleted: self.max_deleted,
            entries_added: self.added,
        };
        assert_eq!(stream.ids(), ids);
        let listpacks: usize = stream.nodes.iter().map(|(_, listpack)| listpack.heap_bytes()).sum();
        assert_eq!(stream.nodes_bytes, listpacks);
        let live: usize = stream.nodes.iter().map(|(master, node)| Node::of(master, node).live).sum();
        assert_eq!(live, stream.len());
    }

    fn apply(&mut self, stream: &mut Stream, step: &Step, limits: &Limits) {
        match step {
            Step::Add { ms, seq, fields } => {
                let new = id(self.last.ms + ms, if *ms == 0 { self.last.seq } else { 0 } + seq);
                let added = stream.add(new, fields, limits);
                if new <= self.last {
                    assert_eq!(added, Err(NotAdded::NotGreater));
                    return;
                }
                assert_eq!(added, Ok(()));
                self.entries.insert(new, fields.clone());
                self.last = new;
                self.added += 1;
            }
            Step::Remove(which) => {
                let there: Vec<_> = self.entries.keys().copied().collect();
                let mut ids: Vec<_> =
                    which.iter().filter(|_| !there.is_empty()).map(|at| *at.get(&there)).collect();
                ids.push(id(self.last.ms + 1, 0));
                let unique: BTreeSet<_> = ids.iter().filter(|id| self.entries.contains_key(id)).collect();
                assert_eq!(stream.remove(&ids), unique.len());
                for id in unique {
                    self.entries.remove(id);
                    self.max_deleted = self.max_deleted.max(*id);
                }
            }
            Step::Trim { at, by_id, is_exact, limit } => self.trim(stream, at, *by_id, *is_exact, *limit),
        }
    }

    fn trim(
        &mut self,
        stream: &mut Stream,
        at: &prop::sample::Index,
        by_id: bool,
        is_exact: bool,
        limit: u64,
    ) {
        let there: Vec<_> = self.entries.keys().copied().collect();
        let at = at.index(there.len() + 1);
        let to = if by_id {
            TrimTo::MinId(there.get(at).map_or(id(self.last.ms, u64::MAX), |id| *id))
        } else {
            TrimTo::MaxLen((there.len() - at) as u64)
        };
        let trim = Trim { to, is_exact, limit: if is_exact { 0 } else { limit } };
        let largest =
            stream.nodes.iter().map(|(master, node)| Node::of(master, node).live).max().unwrap_or(0);
        let deleted = stream.trim(&trim);
        // What goes is the start, never more than asked for.
        assert!(deleted <= at, "{deleted} of {at}");
        if is_exact {
            assert_eq!(deleted, at);
        } else if trim.limit > 0 {
            assert!(deleted as u64 <= trim.limit);
        } else {
            assert!(at - deleted <= largest);
        }
        there[..deleted].iter().for_each(|id| drop(self.entries.remove(id)));
    }
}

fn fields() -> impl Strategy<Value = Fields> {
    let text = prop_oneof![
        "[a-c]{1,2}".prop_map(String::into_bytes),
        (-200i64..200).prop_map(|int| int.to_string().into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..80),
    ];
    let pair = (prop_oneof![Just(b"f".to_vec()), Just(b"7".to_vec()), text.clone()], text);
    prop_oneof![
        3 => Just(vec![(b"f".to_vec(), b"v".to_vec())]),
        2 => proptest::collection::vec(pair, 1..4),
    ]
    .prop_map(|pairs| pairs.into_iter().flat_map(|(name, value)| [name, value]).collect())
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let add = (0u64..3, 0u64..300, fields()).prop_map(|(ms, seq, fields)| Step::Add { ms, seq, fields });
    let remove = proptest::collection::vec(any::<prop::sample::Index>(), 1..4).prop_map(Step::Remove);
    let trim = (any::<prop::sample::Index>(), any::<bool>(), any::<bool>(), 0u64..12)
        .prop_map(|(at, by_id, is_exact, limit)| Step::Trim { at, by_id, is_exact, limit });
    proptest::collection::vec(prop_oneof![12 => add, 3 => remove, 1 => trim], 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn as_a_map(steps in steps(), from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()) {
        let limits = small_nodes();
        let (mut stream, mut model) = (Stream::new(), Model::default());
        for step in &steps {
            model.apply(&mut stream, step, &limits);
            model.check(&stream);
        }
        // Ranges, whose ends are entries or lie beside them.
        let mut ends = vec![StreamId::MIN, StreamId::MAX];
        ends.extend(model.entries.keys().flat_map(|id| [*id, id.next().unwrap(), id.prev().unwrap()]));
        let (start, end) = (*from.get(&ends), *to.get(&ends));
        let wanted: Vec<_> =
            model.entries.iter().filter(|(id, _)| (start..=end).contains(id)).map(|(id, _)| *id).collect();
        prop_assert_eq!(stream.range(start, end).map(|entry| entry.id).collect::<Vec<_>>(), wanted.clone());
        let mut back: Vec<_> = stream.range_back(start, end).map(owned).collect();
        back.reverse();
        prop_assert!(back.iter().all(|(id, fields)| model.entries[id] == *fields));
        prop_assert_eq!(back.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), wanted);
        prop_assert_eq!(stream.contains(start), model.entries.contains_key(&start));
        // From its nodes the same stream comes back.
        let mut loaded = Stream::new();
        for (master, listpack) in stream.nodes_from(StreamId::MIN) {
            let listpack = Listpack::from_bytes(listpack.as_bytes().to_vec()).unwrap();
            prop_assert_eq!(loaded.add_node(master, listpack), Ok(()));
        }
        prop_assert_eq!(loaded.set_ids(stream.last_id(), Some(stream.ids())), Ok(()));
        prop_assert_eq!(&loaded, &stream);
        prop_assert_eq!(stream.clone(), stream);
    }

    /// Whatever is done to the bytes of a node, it is refused or can be read.
    #[test]
    fn damaged_nodes(
        at in any::<prop::sample::Index>(),
        by in prop_oneof![Just(Item::Int(0)), Just(Item::Int(-1)), Just(Item::Int(3)), Just(Item::Int(i64::MAX)), Just(Item::Bytes(b"x"))],
    ) {
        let mut stream = Stream::new();
        for seq in 1..6u64 {
            let names: &[&[u8]] = if seq % 2 == 0 { &[b"a", b"1"] } else { &[b"b", b"2", b"c", b"3"] };
            stream.add(id(7, seq), names, &Limits::DEFAULT).unwrap();
        }
        stream.remove(&[id(7, 2)]);
        let (master, listpack) = stream.nodes_from(StreamId::MIN).next().unwrap();
        let mut damaged = listpack.clone();
        let pos = damaged.seek(at.index(damaged.len()) as i64).unwrap();
        damaged.replace_item(pos, &by);
        let mut loaded = Stream::new();
        if loaded.add_node(master, damaged).is_ok() {
            let there: Vec<_> = loaded.iter().map(|entry| entry.id).collect();
            prop_assert_eq!(there.len(), loaded.len());
            let mut back: Vec<_> = loaded.range_back(StreamId::MIN, StreamId::MAX).map(|entry| entry.id).collect();
            back.reverse();
            prop_assert_eq!(&back, &there);
            prop_assert_eq!(loaded.remove(&there), there.len());
        }
    }
}

#[test]
fn nodes_are_those_of_redis() {
    let mut stream = Stream::new();
    stream.add(id(5, 1), &["a", "1", "b", "x"], &Limits::DEFAULT).unwrap();
    stream.add(id(6, 0), &["a", "2", "b", "y"], &Limits::DEFAULT).unwrap();
    stream.add(id(6, 2), &["c", "z"], &Limits::DEFAULT).unwrap();
    stream.remove(&[id(6, 0)]);
    let (master, listpack) = stream.nodes_from(StreamId::MIN).next().unwrap();
    assert_eq!(master, id(5, 1));
    let texts: Vec<_> = listpack.iter().map(|item| String::from_utf8(item.to_vec()).unwrap()).collect();
    // Head; an entry with its names; a deleted one; one with names of its own.
    let wanted = "2 1 2 a b 0  2 0 0 1 x 5  3 1 -1 2 y 5  0 1 1 1 c z 6";
    assert_eq!(texts, wanted.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn a_node_ends_at_its_limits() {
    let masters = |limits: &Limits, value: &str| {
        let mut stream = Stream::new();
        (1..=12).for_each(|seq| stream.add(id(1, seq), &["f", value], limits).unwrap());
        stream.nodes.iter().map(|(master, _)| master.seq).collect::<Vec<_>>()
    };
    let by_count = Limits { stream_node_max_entries: 5, ..Limits::DEFAULT };
    assert_eq!(masters(&by_count, "v"), [1, 6, 11]);
    let by_bytes = Limits { stream_node_max_bytes: 100, stream_node_max_entries: 0, ..Limits::DEFAULT };
    assert_eq!(masters(&by_bytes, "a value of twenty by"), [1, 4, 7, 10]);
    let without = Limits { stream_node_max_bytes: 0, stream_node_max_entries: 0, ..Limits::DEFAULT };
    assert_eq!(masters(&without, &"v".repeat(4096)), [1]);
}

#[test]
fn the_last_node_is_no_larger_than_it_gets() {
    let mut stream = Stream::new();
    for seq in 1..=10_000 {
        stream.add(id(1, seq), &["field", "value"], &Limits::DEFAULT).unwrap();
    }
    let bytes: usize = stream.nodes.iter().map(|(_, listpack)| listpack.as_bytes().len()).sum();
    assert_eq!(stream.nodes_len(), 100);
    assert!(stream.memory() < bytes * 5 / 4 + 8_192, "{} for {bytes}", stream.memory());
    stream.trim(&Trim { to: TrimTo::MaxLen(0), is_exact: true, limit: 0 });
    assert!(stream.memory() < 2_048, "{}", stream.memory());
}

#[test]
fn what_was_added_up_to_an_id() {
    let mut stream = Stream::new();
    assert_eq!(stream.past(Counting::Redis70).added_up_to(id(3, 0)), Some(0));
    (1..=5).for_each(|ms| stream.add(id(ms, 0), &["f", "v"], &Limits::DEFAULT).unwrap());
    let known = |stream: &Stream| {
        (0..=6).map(|ms| stream.past(Counting::Redis70).added_up_to(id(ms, 0))).collect::<Vec<_>>()
    };
    assert_eq!(known(&stream), [Some(0), Some(1), None, None, None, Some(5), None]);
    stream.trim(&Trim { to: TrimTo::MaxLen(3), is_exact: true, limit: 0 });
    assert_eq!(known(&stream), [Some(2), Some(2), Some(2), Some(3), None, Some(5), None]);
    stream.remove(&[id(4, 0)]);
    assert_eq!(known(&stream), [None, None, None, None, None, Some(5), None]);
    assert!(
        stream.past(Counting::Redis70).has_tombstones(id(3, 0), StreamId::MAX)
            && !stream.past(Counting::Redis70).has_tombstones(id(5, 0), StreamId::MAX)
    );
    let group = Group::new(b"g", id(5, 0), Some(4));
    assert_eq!(stream.past(Counting::Redis70).lag(&group), Some(1));
    assert_eq!(stream.past(Counting::Redis70).lag(&Group::new(b"g", id(3, 0), Some(3))), None);
    stream.trim(&Trim { to: TrimTo::MaxLen(0), is_exact: true, limit: 0 });
    assert_eq!(stream.past(Counting::Redis70).added_up_to(id(2, 0)), Some(5));
}

#[derive(Debug, Clone)]
enum GroupStep {
    Deliver { id: u64, consumer: u8, at_ms: i64 },
    Ack(u64),
    Create(u8),
    Remove(u8),
}

fn group_steps() -> impl Strategy<Value = Vec<GroupStep>> {
    let deliver = (0u64..200, 0u8..5, 0i64..1_000).prop_map(|(id, consumer, at_ms)| GroupStep::Deliver {
        id,
        consumer,
        at_ms,
    });
    proptest::collection::vec(
        prop_oneof![
            8 => deliver,
            3 => (0u64..200).prop_map(GroupStep::Ack),
            1 => (0u8..5).prop_map(GroupStep::Create),
            1 => (0u8..5).prop_map(GroupStep::Remove),
        ],
        1..200,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn a_group_as_a_map(steps in group_steps()) {
        let name = |consumer: u8| format!("consumer {}", (consumer * 3) % 5).into_bytes();
        let mut stream = Stream::new();
        prop_assert!(stream.add_group(Group::new(b"group", StreamId::MIN, Some(0))));
        prop_assert!(!stream.add_group(Group::new(b"group", StreamId::MAX, None)));
        let mut pending: BTreeMap<StreamId, (i64, u64, Vec<u8>)> = BTreeMap::new();
        let mut consumers: BTreeSet<Vec<u8>> = BTreeSet::new();
        for step in steps {
            let mut group = stream.group_mut(b"group").unwrap();
            match step {
                GroupStep::Deliver { id: at, consumer, at_ms } => {
                    let number = match group.find_consumer(&name(consumer)) {
                        Some(number) => number,
                        None => group.create_consumer(&name(consumer), 0).unwrap(),
                    };
                    consumers.insert(name(consumer));
                    let deliveries = group.nack(id(at, 1)).map_or(0, |nack| nack.deliveries) + 1;
                    group.set_pending(id(at, 1), Nack { delivered_ms: at_ms, deliveries, consumer: number });
                    pending.insert(id(at, 1), (at_ms, deliveries, name(consumer)));
                }
                GroupStep::Ack(at) => {
                    prop_assert_eq!(group.ack(id(at, 1)), pending.remove(&id(at, 1)).is_some());
                }
                GroupStep::Create(consumer) => {
                    let is_new = group.create_consumer(&name(consumer), 5).is_some();
                    prop_assert_eq!(is_new, consumers.insert(name(consumer)));
                }
                GroupStep::Remove(consumer) => {
                    let before = pending.len();
                    pending.retain(|_, (_, _, owner)| *owner != name(consumer));
                    let was_there = consumers.remove(&name(consumer));
                    let removed = group.remove_consumer(&name(consumer));
                    prop_assert_eq!(removed, was_there.then_some(before - pending.len()));
                }
            }
            drop(group);
            let group = stream.group(b"group").unwrap();
            prop_assert_eq!(group.pending_len(), pending.len());
            let there: BTreeMap<_, _> = group
                .pending_from(StreamId::MIN)
                .map(|(id, nack)| (id, (nack.delivered_ms, nack.deliveries, group.consumer(nack.consumer).name().to_vec())))
                .collect();
            prop_assert_eq!(&there, &pending);
            prop_assert_eq!(group.consumers().map(|consumer| consumer.name().to_vec()).collect::<BTreeSet<_>>(), consumers.clone());
            for consumer in group.consumers() {
                let own: Vec<_> = consumer.pending_from(StreamId::MIN).collect();
                let wanted: Vec<_> = pending.iter().filter(|(_, (_, _, owner))| owner == consumer.name()).map(|(id, _)| *id).collect();
                prop_assert_eq!(own, wanted);
            }
            let bytes: usize = group.consumers().map(Consumer::bytes).sum();
            prop_assert_eq!(group.consumers_bytes, bytes);
            prop_assert_eq!(stream.groups.bytes, group.memory());
        }
        prop_assert_eq!(stream.clone(), stream.clone());
        prop_assert!(stream.remove_group(b"group").is_some());
        prop_assert_eq!(stream.groups.bytes, 0);
    }
}

#[test]
fn groups_and_consumers_stand_in_the_order_of_their_names() {
    let mut stream = Stream::new();
    for name in ["b", "a", "c"] {
        assert!(stream.add_group(Group::new(name.as_bytes(), StreamId::MIN, None)));
        let mut group = stream.group_mut(b"b").unwrap();
        assert!(group.create_consumer(name.as_bytes(), 1).is_some());
    }
    assert_eq!(stream.groups().map(Group::name).collect::<Vec<_>>(), [b"a", b"b", b"c"]);
    let group = stream.group(b"b").unwrap();
    assert_eq!(group.consumers().map(Consumer::name).collect::<Vec<_>>(), [b"a", b"b", b"c"]);
}

#[test]
fn what_was_deleted_may_be_out_of_order() {
    let mut stream = Stream::new();
    stream.add(id(5, 1), &["f", "1"], &Limits::DEFAULT).unwrap();
    stream.add(id(9, 9), &["f", "2"], &Limits::DEFAULT).unwrap();
    stream.remove(&[id(9, 9)]);
    stream.set_last_id(id(6, 0), None, None);
    for (ms, text) in [(7, "3"), (8, "4"), (9, "5")] {
        stream.add(id(ms, 9), &["f", text], &Limits::DEFAULT).unwrap();
    }
    let there = [id(5, 1), id(7, 9), id(8, 9), id(9, 9)];
    let ids = |entries: Range<'_>| entries.map(|entry| entry.id).collect::<Vec<_>>();
    assert_eq!(ids(stream.iter()), there);
    assert_eq!(ids(stream.range(id(6, 0), id(8, 9))), there[1..3]);
    let back: Vec<_> = stream.range_back(id(6, 0), id(8, 9)).map(|entry| entry.id).collect();
    assert_eq!(back, [id(8, 9), id(7, 9)]);
    assert!(there.iter().all(|id| stream.contains(*id)));
    let mut loaded = Stream::new();
    for (master, listpack) in stream.nodes_from(StreamId::MIN) {
        loaded.add_node(master, listpack.clone()).unwrap();
    }
    loaded.set_ids(stream.last_id(), Some(stream.ids())).unwrap();
    assert_eq!(loaded, stream);
    assert_eq!(stream.remove(&there[1..]), 3);
    assert_eq!(ids(stream.iter()), there[..1]);
}
