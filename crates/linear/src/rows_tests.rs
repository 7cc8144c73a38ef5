//! Rows against a vector of texts.

use super::*;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Change {
    Insert(usize, Vec<u8>),
    Push(Vec<u8>),
    Remove(usize, usize),
    SplitAndAppend(usize),
    SplitByHash(u32),
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..6),
        1 => (250usize..260).prop_map(|len| vec![255; len]),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => (any::<usize>(), text()).prop_map(|(at, text)| Change::Insert(at, text)),
        2 => text().prop_map(Change::Push),
        2 => (any::<usize>(), 0usize..4).prop_map(|(at, count)| Change::Remove(at, count)),
        1 => any::<usize>().prop_map(Change::SplitAndAppend),
        1 => (0u32..64).prop_map(Change::SplitByHash),
    ]
}

fn check(rows: &Rows, model: &[Vec<u8>]) {
    assert!(rows.iter().eq(model.iter().map(Vec::as_slice)));
    assert_eq!(rows.count(), model.len());
    let marks = model.iter().filter(|text| text.len() >= 255).count();
    assert_eq!(rows.long.as_ref().map_or(0, |long| long.len()), marks);
    assert!(rows.long.as_ref().is_none_or(|long| !long.is_empty()));
    for (number, text) in model.iter().enumerate() {
        assert_eq!(rows.get(number), Some(&text[..]));
        let (found, at) = rows.find(text).unwrap();
        assert_eq!((&model[found], rows.seek(found)), (text, at));
    }
    assert_eq!(rows.get(model.len()), None);
    assert_eq!(rows.find(b"no such text"), None);
}

proptest! {
    #[test]
    fn behaves_like_a_vector(changes in prop::collection::vec(change(), 0..60)) {
        let hasher = Hasher::fixed(1);
        let mut rows = Rows::default();
        let mut model: Vec<Vec<u8>> = Vec::new();
        for change in changes {
            match change {
                Change::Insert(at, text) => {
                    let at = at % (model.len() + 1);
                    rows.insert(rows.seek(at), &text);
                    model.insert(at, text);
                }
                Change::Push(text) => {
                    rows.push(&text);
                    model.push(text);
                }
                Change::Remove(at, count) => {
                    let at = at % (model.len() + 1);
                    let end = (at + count).min(model.len());
                    rows.remove(rows.seek(at), rows.seek(end));
                    model.drain(at..end);
                }
                Change::SplitAndAppend(at) => {
                    let at = at % (model.len() + 1);
                    let tail = rows.split_off(rows.seek(at));
                    check(&rows, &model[..at]);
                    check(&tail, &model[at..]);
                    rows.append(tail);
                }
                Change::SplitByHash(bit) => {
                    let bit = 1 << bit;
                    let gone = rows.split(bit, hasher);
                    let (go, stay) = model.into_iter().partition(|text| hasher.hash(text) & bit != 0);
                    model = stay;
                    check(&gone, &go);
                }
            }
            check(&rows, &model);
        }
    }
}

#[test]
fn memory_is_the_texts_and_little_else() {
    let mut rows = Rows::default();
    assert_eq!(rows.heap(), 0);
    (0..9).for_each(|_| rows.push(b"ten bytes!"));
    assert_eq!(rows.heap(), 112, "99 bytes in a block of 112");
    rows.push(&[0; 300]);
    assert!(rows.heap() > 112 + 300);
    rows.remove(rows.seek(9), rows.seek(10));
    assert_eq!(rows.heap(), 112);
}
