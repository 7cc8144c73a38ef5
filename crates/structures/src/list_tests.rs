//! Lists against a plain deque, and the thresholds of their encodings.

use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;

type Model = VecDeque<Vec<u8>>;

#[derive(Debug, Clone)]
enum Change {
    Push(bool, Vec<u8>),
    PushAll(bool, Vec<Vec<u8>>),
    Pop(bool),
    Set(i64, Vec<u8>),
    Insert(bool, usize, Vec<u8>),
    Remove(i64, usize),
    Trim(usize, usize),
    RemoveRange(usize, usize),
    Reload,
}

fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (-3i64..200).prop_map(|value| value.to_string().into_bytes()),
        "[abc]{0,2}".prop_map(String::into_bytes),
        (0usize..3000).prop_map(|len| vec![b'x'; len]),
        (8000usize..9000).prop_map(|len| vec![b'y'; len]),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => (any::<bool>(), element()).prop_map(|(front, text)| Change::Push(front, text)),
        3 => (any::<bool>(), prop::collection::vec(element(), 1..9)).prop_map(|(front, texts)| Change::PushAll(front, texts)),
        3 => any::<bool>().prop_map(Change::Pop),
        3 => (-40i64..40, element()).prop_map(|(index, text)| Change::Set(index, text)),
        5 => (any::<bool>(), 0usize..60, element()).prop_map(|(before, pivot, text)| Change::Insert(before, pivot, text)),
        2 => (-3i64..4, 0usize..60).prop_map(|(count, value)| Change::Remove(count, value)),
        1 => (0usize..5, 20usize..60).prop_map(|(start, end)| Change::Trim(start, end)),
        2 => (0usize..40, 0usize..6).prop_map(|(start, count)| Change::RemoveRange(start, count)),
        1 => Just(Change::Reload),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    let size = prop_oneof![Just(-2i64), Just(-1), Just(0), Just(1), Just(4), Just(128), Just(-9)];
    let threshold = prop_oneof![3 => Just(1usize << 30), 1 => Just(100usize), 1 => Just(0usize)];
    (size, threshold).prop_map(|(list_max_listpack_size, list_packed_threshold)| Limits {
        list_max_listpack_size,
        list_packed_threshold,
        ..Limits::default()
    })
}

fn end(front: bool) -> End {
    if front { End::Front } else { End::Back }
}

fn push(model: &mut Model, front: bool, text: Vec<u8>) {
    if front { model.push_front(text) } else { model.push_back(text) }
}

/// Some value that is there, or one that is not.
fn value_at(model: &Model, index: usize) -> Vec<u8> {
    model.get(index).cloned().unwrap_or_else(|| b"absent".to_vec())
}

fn apply(change: Change, list: &mut List, model: &mut Model, limits: &Limits) {
    match change {
        Change::Push(front, text) => {
            list.push(end(front), &text, limits);
            push(model, front, text);
        }
        Change::PushAll(front, texts) => {
            list.push_all(end(front), &texts, limits);
            texts.into_iter().for_each(|text| push(model, front, text));
        }
        Change::Pop(front) => {
            let expected = if front { model.pop_front() } else { model.pop_back() };
            if model.len().is_multiple_of(2) {
                assert_eq!(list.pop(end(front), limits), expected);
            } else {
                let mut popped = None;
                list.pop_with(end(front), limits, |item| popped = Some(item.to_vec()));
                assert_eq!(popped, expected);
            }
        }
        Change::Set(index, text) => {
            let at = if index < 0 { model.len() as i64 + index } else { index };
            let slot = usize::try_from(at).ok().and_then(|at| model.get_mut(at));
            assert_eq!(list.set(index, &text, limits), slot.is_some());
            if let Some(slot) = slot {
                *slot = text;
            }
        }
        Change::Insert(before, pivot, text) => {
            let pivot = value_at(model, pivot);
            let at = model.iter().position(|other| *other == pivot);
            let side = if before { Side::Before } else { Side::After };
            assert_eq!(list.insert(side, &pivot, &text, limits), at.is_some());
            if let Some(at) = at {
                model.insert(at + usize::from(!before), text);
            }
        }
        Change::Remove(count, value) => {
            let value = value_at(model, value);
            assert_eq!(list.remove(count, &value, limits), model_remove(model, count, &value));
        }
        Change::Trim(start, stop) => {
            list.trim(start..stop, limits);
            model.truncate(stop);
            model.drain(..start.min(model.len()));
        }
        Change::RemoveRange(start, count) => {
            let range = start.min(model.len())..(start + count).min(model.len());
            assert_eq!(list.remove_range(start..start + count, limits), range.len());
            model.drain(range);
        }
        Change::Reload => {
            for number in 0..=list.node_count() + 1 {
                assert!(list.nodes_from(number).eq(list.nodes().skip(number)), "from node {number}");
            }
            assert_eq!(list.node_count(), list.nodes().count());
            let nodes: Vec<Node> = list
                .nodes()
                .map(|node| match node {
                    NodeRef::Packed(listpack) => Node::Packed(listpack.clone()),
                    NodeRef::Plain(bytes) => Node::Plain(bytes.to_vec()),
                })
                .collect();
            *list = List::from_nodes(nodes, limits);
        }
    }
}

fn model_remove(model: &mut Model, count: i64, value: &[u8]) -> usize {
    let most = if count == 0 { usize::MAX } else { count.unsigned_abs() as usize };
    let mut places: Vec<usize> = (0..model.len()).filter(|at| model[*at] == value).collect();
    if count < 0 {
        places.reverse();
    }
    places.truncate(most);
    places.sort_unstable();
    for at in places.iter().rev() {
        model.remove(*at);
    }
    places.len()
}

/// `most_nodes` is the most that the list ever had.
fn check(list: &List, model: &Model, limits: &Limits, most_nodes: usize) {
    let texts = |iter: Iter<'_>| iter.map(|item| item.to_vec()).collect::<Vec<_>>();
    let expected: Vec<_> = model.iter().cloned().collect();
    assert_eq!(list.len(), model.len());
    assert_eq!(texts(list.iter()), expected);
    for (index, text) in expected.iter().enumerate() {
        assert!(list.get(index as i64).unwrap().eq_bytes(text));
        assert!(list.get(index as i64 - expected.len() as i64).unwrap().eq_bytes(text));
    }
    assert_eq!(list.get(expected.len() as i64), None);
    for index in [0, 1, 7, expected.len().saturating_sub(1)] {
        if index < expected.len() {
            assert_eq!(texts(list.iter_from(index, Direction::Forward)), expected[index..]);
            for end in [index, index + 1, expected.len(), expected.len() + 9] {
                let mut visited = Vec::new();
                list.each(index..end, |item| {
                    visited.push(item.to_vec());
                    visited.len() < 20
                });
                assert_eq!(
                    visited,
                    expected[index..end.min(expected.len()).min(index + 20)],
                    "{index}..{end}"
                );
            }
            let mut back = expected[..=index].to_vec();
            back.reverse();
            assert_eq!(texts(list.iter_from(index, Direction::Backward)), back);
        }
    }
    let mut heap = 0;
    for node in list.nodes() {
        if let (NodeRef::Packed(listpack), Repr::Quicklist(_)) = (node, &list.repr) {
            assert!(!listpack.is_empty(), "no empty nodes");
            // An insertion may exceed the limit only as the sole element of its node. What elements take beside
            // their own bytes does not count: a listpack grew without looking at it before it became a node.
            let own_bytes: usize = listpack.iter().map(|item| item.to_vec().len()).sum();
            assert!(
                listpack.len() == 1 || !limits.list_node_exceeded(own_bytes, listpack.len()),
                "{} bytes, {} entries",
                listpack.as_bytes().len(),
                listpack.len(),
            );
        }
        heap += match node {
            NodeRef::Packed(listpack) => listpack.heap_bytes(),
            NodeRef::Plain(bytes) => bytes.len(),
        };
    }
    // Places of nodes are kept, up to twice as many as there were.
    let most = heap + 256 + 2 * 32 * most_nodes.max(4);
    assert!((heap..=most).contains(&list.memory()), "{} is not within {heap} and {most}", list.memory());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn behaves_like_a_deque(limits in limits(), changes in prop::collection::vec(change(), 0..60)) {
        let (mut list, mut model, mut most_nodes) = (List::new(), Model::new(), 0);
        for change in changes {
            apply(change, &mut list, &mut model, &limits);
            // One change can take elements away again that needed nodes.
            most_nodes = most_nodes.max(list.node_count()).max(model.len());
            check(&list, &model, &limits, most_nodes);
        }
        prop_assert_eq!(List::from_nodes([Node::Plain(b"x".to_vec())], &limits) == list, model == [b"x".to_vec()]);
    }
}

fn filled(elements: usize, limits: &Limits) -> List {
    let mut list = List::new();
    for index in 0..elements {
        list.push_back(index.to_string().as_bytes(), limits);
    }
    list
}

#[test]
fn the_older_name_is_always_quicklist() {
    let list = filled(3, &Limits::default());
    assert_eq!(list.encoding(false), "quicklist");
    assert_eq!(list.encoding(true), "listpack");
}

#[test]
fn a_count_limit_converts_up_beyond_it_and_down_at_half() {
    let limits = Limits { list_max_listpack_size: 8, ..Limits::default() };
    let mut list = filled(8, &limits);
    assert_eq!(list.encoding(true), "listpack");
    list.push_back(b"9", &limits);
    assert_eq!(list.encoding(true), "quicklist");
    assert_eq!(list.nodes().count(), 2);
    for left in (5..=8).rev() {
        list.pop_back(&limits);
        assert_eq!((list.len(), list.encoding(true)), (left, "quicklist"));
    }
    list.pop_back(&limits);
    assert_eq!((list.len(), list.encoding(true)), (4, "listpack"));
}

#[test]
fn a_size_limit_counts_the_bytes_of_all_new_elements_first() {
    let limits = Limits { list_max_listpack_size: -1, ..Limits::default() };
    let element = vec![b'e'; 1000];
    let mut list = List::new();
    // 7 bytes of header and end, 3 × 1004 bytes of entries, 1000 more: 4019 of 4096.
    list.push_all(End::Back, &[&element, &element, &element], &limits);
    list.push_back(&element, &limits);
    assert_eq!(list.encoding(true), "listpack");
    list.push_back(&[b'f'; 73], &limits);
    assert_eq!(list.encoding(true), "listpack");
    let mut list = List::new();
    list.push_all(End::Back, &[&element; 5], &limits);
    assert_eq!(list.encoding(true), "quicklist");
}

#[test]
fn a_loaded_list_may_fill_the_whole_limit() {
    let limits = Limits { list_max_listpack_size: 8, ..Limits::default() };
    let node = || Node::Packed((0..8).map(|value| value.to_string()).collect());
    assert_eq!(List::from_nodes([node()], &limits).encoding(true), "listpack");
    assert_eq!(List::from_nodes([node(), node()], &limits).encoding(true), "quicklist");
}

#[test]
fn large_elements_stand_alone() {
    let limits = Limits { list_packed_threshold: 10, list_max_listpack_size: 2, ..Limits::default() };
    let mut list = List::new();
    for text in ["a", "b", "c", "0123456789", "d"] {
        list.push_back(text.as_bytes(), &limits);
    }
    let kinds: Vec<_> = list.nodes().map(|node| matches!(node, NodeRef::Plain(_))).collect();
    assert_eq!(kinds, [false, false, true, false]);
}
