//! Round trips against a plain vector, and hostile bytes.

use super::*;
use proptest::prelude::*;

fn texts(listpack: &Listpack) -> Vec<Vec<u8>> {
    let forward: Vec<_> = listpack.iter().map(|item| item.to_vec()).collect();
    let mut backward: Vec<_> = listpack.iter().rev().map(|item| item.to_vec()).collect();
    backward.reverse();
    assert_eq!(forward, backward, "both directions agree");
    forward
}

fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<i64>().prop_map(|value| value.to_string().into_bytes()),
        (any::<i64>(), 0..64u32).prop_map(|(value, shift)| (value >> shift).to_string().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..80),
        (0usize..5000).prop_map(|len| vec![b'x'; len]),
        "[ab0-]{0,2}".prop_map(String::into_bytes),
    ]
}

#[derive(Debug, Clone)]
enum Change {
    PushBack(Vec<u8>),
    PushFront(Vec<u8>),
    InsertBefore(usize, Vec<u8>),
    InsertAfter(usize, Vec<u8>),
    Replace(usize, Vec<u8>),
    Remove(usize, usize),
    RemoveMatches(usize, usize, usize),
    SplitAndJoin(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = 0usize..64;
    prop_oneof![
        element().prop_map(Change::PushBack),
        element().prop_map(Change::PushFront),
        (at.clone(), element()).prop_map(|(at, text)| Change::InsertBefore(at, text)),
        (at.clone(), element()).prop_map(|(at, text)| Change::InsertAfter(at, text)),
        (at.clone(), element()).prop_map(|(at, text)| Change::Replace(at, text)),
        (at.clone(), 0usize..4).prop_map(|(at, count)| Change::Remove(at, count)),
        (at.clone(), 0usize..3, 0usize..3).prop_map(|(at, keep, take)| Change::RemoveMatches(at, keep, take)),
        at.prop_map(Change::SplitAndJoin),
    ]
}

fn apply(change: Change, listpack: &mut Listpack, model: &mut Vec<Vec<u8>>) {
    let len = model.len();
    match change {
        Change::PushBack(text) => {
            listpack.push_back(&text);
            model.push(text);
        }
        Change::PushFront(text) => {
            listpack.push_front(&text);
            model.insert(0, text);
        }
        _ if len == 0 => {}
        Change::InsertBefore(at, text) => {
            listpack.insert_before(listpack.seek((at % len) as i64).unwrap(), &text);
            model.insert(at % len, text);
        }
        Change::InsertAfter(at, text) => {
            listpack.insert_after(listpack.seek((at % len) as i64 - len as i64).unwrap(), &text);
            model.insert(at % len + 1, text);
        }
        Change::Replace(at, text) => {
            listpack.replace(listpack.seek((at % len) as i64).unwrap(), &text);
            model[at % len] = text;
        }
        Change::Remove(at, count) => {
            let removed = listpack.remove_range(at, count);
            let range = at.min(len)..at.saturating_add(count).min(len).max(at.min(len));
            assert_eq!(removed, range.len());
            model.drain(range);
        }
        Change::RemoveMatches(at, keep, take) => {
            let value = model[at % len].clone();
            let mut seen = 0;
            let before = model.len();
            model.retain(|text| {
                seen += usize::from(*text == value);
                *text != value || seen <= keep || seen > keep + take
            });
            assert_eq!(listpack.remove_matches(&value, keep, take), before - model.len());
        }
        Change::SplitAndJoin(at) => {
            let tail = listpack.split_off(listpack.seek((at % len) as i64).unwrap());
            assert_eq!(texts(listpack), model[..at % len]);
            assert_eq!(texts(&tail), model[at % len..]);
            assert!(validate(tail.as_bytes()).is_ok());
            listpack.append(&tail);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn behaves_like_a_vector(changes in prop::collection::vec(change(), 0..40)) {
        let mut listpack = Listpack::new();
        let mut model = Vec::new();
        for change in changes {
            apply(change, &mut listpack, &mut model);
            prop_assert_eq!(texts(&listpack), model.clone());
            prop_assert_eq!(listpack.len(), model.len());
            prop_assert!(validate(listpack.as_bytes()).is_ok());
        }
        for (index, text) in model.iter().enumerate() {
            prop_assert!(listpack.get_index(index as i64).unwrap().eq_bytes(text));
            let first = model.iter().position(|other| other == text).unwrap();
            prop_assert_eq!(listpack.find(text, 0), listpack.seek(first as i64));
        }
        prop_assert_eq!(Listpack::from_bytes(listpack.as_bytes().to_vec()), Ok(listpack));
    }

    #[test]
    fn hostile_bytes_are_refused_or_safe(
        elements in prop::collection::vec(element(), 0..12),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
        repair_total in any::<bool>(),
    ) {
        let mut bytes = elements.iter().collect::<Listpack>().as_bytes().to_vec();
        if cuts {
            let at = cut.index(bytes.len());
            bytes.remove(at);
        }
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if repair_total && bytes.len() >= 4 {
            let total = (bytes.len() as u32).to_le_bytes();
            bytes[..4].copy_from_slice(&total);
        }
        if let Ok(mut listpack) = Listpack::from_bytes(bytes) {
            let len = texts(&listpack).len();
            prop_assert_eq!(listpack.len(), len);
            listpack.find(b"1", 1);
            listpack.push_back(b"tail");
            listpack.remove_range(0, 2);
            prop_assert!(validate(listpack.as_bytes()).is_ok());
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(listpack) = Listpack::from_bytes(bytes) {
            texts(&listpack);
        }
    }
}

/// What redis-server 7.0.15 dumped after RPUSH of these elements.
#[test]
fn bytes_are_those_of_redis() {
    let long = [b"x".repeat(63), b"y".repeat(64)];
    let mut elements: Vec<&[u8]> = ELEMENTS.iter().map(|text| text.as_bytes()).collect();
    elements.extend(long.iter().map(Vec::as_slice));
    let listpack: Listpack = elements.iter().collect();
    assert_eq!(hex(listpack.as_bytes()), DUMPED);
}

const ELEMENTS: [&str; 27] = [
    "0",
    "127",
    "128",
    "-1",
    "4095",
    "-4096",
    "4096",
    "-4097",
    "32767",
    "-32768",
    "32768",
    "-32769",
    "8388607",
    "-8388608",
    "8388608",
    "-8388609",
    "2147483647",
    "-2147483648",
    "2147483648",
    "-2147483649",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "01",
    "-0",
    "",
    "a",
];
const DUMPED: &str = concat!(
    "210100001d0000017f01c08002dfff02cfff02d00002f1001003f1ffef03f1ff7f03f1008003f200800004f2ff7fff04",
    "f2ffff7f04f200008004f30000800005f3ffff7fff05f3ffffff7f05f30000008005f4000000800000000009f4ffffff",
    "7fffffffff09f4ffffffffffffff7f09f400000000000000800993393232333337323033363835343737353830381482",
    "303103822d30038001816102bf7878787878787878787878787878787878787878787878787878787878787878787878",
    "7878787878787878787878787878787878787878787878787878787840e0407979797979797979797979797979797979",
    "797979797979797979797979797979797979797979797979797979797979797979797979797979797979797979797942",
    "ff",
);

/// What redis-server 7.0.15 made of one element of this length, up to where the backlen begins and from there on.
#[test]
fn backlens_are_those_of_redis() {
    for (len, head, tail) in [
        (126, "890000000100e07e7a7a7a", "7a7a0180ff"),
        (127, "8a0000000100e07f7a7a7a", "7a7a0181ff"),
        (125, "870000000100e07d7a7a7a", "7a7a7a7fff"),
        (4095, "0a1000000100efff7a7a7a", "7a7a2081ff"),
        (4096, "0e1000000100f000100000", "7a7a2085ff"),
        (16377, "074000000100f0f93f0000", "7a7a7ffeff"),
        (16378, "094000000100f0fa3f0000", "7a00ffffff"),
        (16379, "0a4000000100f0fb3f0000", "7a018080ff"),
        (2097145, "080020000100f0f9ff1f00", "7a7ffffeff"),
        (2097146, "0a0020000100f0faff1f00", "00ffffffff"),
        (2097147, "0b0020000100f0fbff1f00", "01808080ff"),
    ] {
        let listpack: Listpack = [vec![b'z'; len]].iter().collect();
        let bytes = hex(listpack.as_bytes());
        assert!(bytes.starts_with(head), "{len}");
        assert!(bytes.ends_with(tail), "{len}: {}", &bytes[bytes.len() - 20..]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn counts_beyond_the_header_are_walked() {
    let mut listpack = Listpack::new();
    for _ in 0..65_534 {
        listpack.push_back(b"1");
    }
    assert_eq!(listpack.header_count(), 65_534);
    listpack.push_back(b"2");
    listpack.push_back(b"3");
    assert_eq!((listpack.header_count(), listpack.len()), (COUNT_UNKNOWN, 65_536));
    assert!(listpack.get_index(-1).unwrap().eq_bytes(b"3"));
    assert!(listpack.get_index(65_534).unwrap().eq_bytes(b"2"));
    assert_eq!(listpack.get_index(65_536), None);
    assert_eq!(listpack.remove_range(10, 65_000), 65_000);
    assert_eq!(listpack.len(), 536);
    assert!(validate(listpack.as_bytes()).is_ok());
}

#[test]
fn find_skips_values() {
    let listpack: Listpack = ["a", "b", "b", "c"].iter().collect();
    assert_eq!(listpack.find(b"b", 1), listpack.seek(2));
    assert_eq!(listpack.find(b"c", 1), None);
    assert_eq!(listpack.find(b"a", 1), listpack.seek(0));
}

#[test]
fn a_text_in_either_form_is_the_same_item() {
    // "7" as a string, which no writer makes but every reader takes.
    let bytes = [10, 0, 0, 0, 1, 0, 0x81, b'7', 2, 0xFF];
    let listpack = Listpack::from_bytes(bytes.to_vec()).unwrap();
    assert!(listpack.get_index(0).unwrap().eq_bytes(b"7"));
    assert_eq!(listpack.find(b"7", 0), listpack.first());
    assert_eq!(listpack, ["7"].iter().collect::<Listpack>());
}

#[test]
fn memory_goes_with_the_entries() {
    /// More than an eighth to grow and the classes of the allocator come to.
    fn is_spare(listpack: &Listpack) -> bool {
        listpack.heap_bytes() > (listpack.as_bytes().len() * 3).max(KEPT_BYTES)
    }
    let full = || {
        let mut listpack = Listpack::new();
        (0..1000).for_each(|at| listpack.push_back(format!("an element with the number {at}").as_bytes()));
        listpack
    };
    let mut popped = full();
    while let Some(last) = popped.last() {
        popped.remove(last, 1);
        assert!(!is_spare(&popped), "{} of {} bytes", popped.as_bytes().len(), popped.heap_bytes());
    }
    let mut cut = full();
    assert_eq!(cut.remove_range(2, 1000), 998);
    assert!(!is_spare(&cut), "{} of {} bytes", cut.as_bytes().len(), cut.heap_bytes());
    let mut replaced = Listpack::new();
    replaced.push_back(&[b'x'; 4000]);
    replaced.replace(replaced.first().expect("one"), b"x");
    assert!(!is_spare(&replaced), "{} bytes", replaced.heap_bytes());
}

#[test]
fn memory_moves_seldom_when_entries_go() {
    let mut listpack = Listpack::new();
    (0..1000).for_each(|at| listpack.push_back(format!("an element with the number {at}").as_bytes()));
    let (mut before, mut moves) = (listpack.heap_bytes(), 0);
    while let Some(first) = listpack.first() {
        listpack.remove(first, 1);
        moves += u32::from(listpack.heap_bytes() != before);
        before = listpack.heap_bytes();
    }
    assert!((1..=15).contains(&moves), "{moves} times");
}

#[test]
fn both_ends_have_room_for_more() {
    let text = [b'x'; 60];
    let mut listpack = Listpack::new();
    let mut shifts = 0;
    for at in 0..400 {
        let (start, block) = (listpack.start, listpack.heap_bytes());
        match at % 4 {
            0..=2 => listpack.push_front(&text),
            _ => listpack.push_back(&text),
        }
        let is_elsewhere = listpack.start != start && listpack.start + 62 != start;
        shifts += u32::from(is_elsewhere || listpack.heap_bytes() != block);
        assert!(validate(listpack.as_bytes()).is_ok(), "after {at}");
    }
    assert_eq!(listpack.len(), 400);
    assert!(shifts <= 150, "all bytes moved {shifts} times");
    // A queue: what goes at the front makes room for what comes at the back.
    let before = listpack.heap_bytes();
    let mut shifts = 0;
    for _ in 0..1000 {
        let first = listpack.first().expect("there are many");
        listpack.remove(first, 1);
        let start = listpack.start;
        listpack.push_back(&text);
        shifts += u32::from(listpack.start != start);
    }
    assert_eq!((listpack.len(), listpack.heap_bytes()), (400, before));
    assert!((1..=100).contains(&shifts), "all bytes moved {shifts} times");
}
