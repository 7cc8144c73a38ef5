use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// More than a dense one takes: only large counts make it dense.
const UNLIMITED: usize = 1 << 20;

fn added(elements: impl IntoIterator<Item = u32>, sparse_max_bytes: usize) -> Vec<u8> {
    let mut bytes = new();
    for element in elements {
        add(&mut bytes, element.to_string().as_bytes(), sparse_max_bytes).expect("not corrupted");
    }
    bytes
}

fn raise(bytes: &mut Vec<u8>, index: usize, count: u8, sparse_max_bytes: usize) -> Result<bool, Corrupted> {
    super::raise(bytes, index, count, sparse_max_bytes, &mut Place::begin())
}

fn registers(bytes: &[u8]) -> Registers {
    let mut registers = Registers::new();
    registers.merge(bytes).expect("not corrupted");
    registers
}

#[test]
fn an_empty_one_is_as_servers_make_it() {
    assert_eq!(new(), b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff");
    assert_eq!((estimate(&new()), cached_estimate(&new())), (Ok(0), Some(0)));
    assert_eq!(describe_runs(&new()), Ok("Z:16384".to_owned()));
}

#[test]
fn estimates_are_within_their_error() {
    let mut bytes = new();
    for n in 1..=200_000u32 {
        add(&mut bytes, &n.to_le_bytes(), 3000).expect("not corrupted");
        if n.is_power_of_two() || n == 200_000 {
            let estimate = estimate(&bytes).expect("not corrupted") as f64;
            let error = (estimate - f64::from(n)).abs() / f64::from(n);
            assert!(error < 4.0 * 0.0081 || n < 100 && error < 0.1, "{estimate} of {n}");
        }
    }
    assert_eq!(encoding(&bytes), Encoding::Dense);
}

#[test]
fn a_kept_estimate_lasts_until_it_is_forgotten() {
    let mut bytes = new();
    cache_estimate(&mut bytes, 12_345);
    assert_eq!(cached_estimate(&bytes), Some(12_345));
    forget_estimate(&mut bytes);
    assert_eq!(cached_estimate(&bytes), None);
    assert!(is_valid(&bytes));
}

#[test]
fn headers_are_checked() {
    let sparse = new();
    let mut dense = sparse.clone();
    make_dense(&mut dense).expect("not corrupted");
    assert!(is_valid(&sparse) && is_valid(&dense) && dense.len() == 12_304);
    assert!(is_valid(&sparse[..16]), "that it has no runs is found on the way");
    for wrong in [&sparse[..15], &dense[..12_303], b"", b"HYLL", b"HYLM\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff"] {
        assert!(!is_valid(wrong));
    }
    let mut other = sparse;
    other[ENCODING_AT] = 2;
    assert!(!is_valid(&other));
}

#[test]
fn corrupted_runs_are_found_and_nothing_changes() {
    for runs in [&b""[..], b"\x7f\xfe", b"\x7f\xff\x00", b"\x00\x00", b"\x7f\xff\x7f\xff", b"\x80"] {
        let mut bytes = [&new()[..HEADER_BYTES], runs].concat();
        let before = bytes.clone();
        assert_eq!(estimate(&bytes), Err(Corrupted), "{runs:?}");
        assert_eq!(Registers::new().merge(&bytes), Err(Corrupted), "{runs:?}");
        assert_eq!(make_dense(&mut bytes), Err(Corrupted), "{runs:?}");
        assert_eq!(raise(&mut bytes, 0, 40, UNLIMITED), Err(Corrupted), "{runs:?}");
        assert_eq!(bytes, before);
    }
    let mut short = [&new()[..HEADER_BYTES], b"\x00\x00"].concat();
    assert_eq!(raise(&mut short, 7, 3, UNLIMITED), Err(Corrupted));
}

#[test]
fn it_becomes_dense_at_its_limit_and_by_a_large_count() {
    let sparse = added(0..200, 3000);
    assert_eq!(encoding(&sparse), Encoding::Sparse);
    let dense = added(0..200, sparse.len() - 1);
    assert_eq!(encoding(&dense), Encoding::Dense);
    assert_eq!(registers(&sparse), registers(&dense));
    let mut large = new();
    assert_eq!(raise(&mut large, 5, 33, 3000), Ok(true));
    assert_eq!(encoding(&large), Encoding::Dense);
    assert_eq!(registers(&large).counts()[5], 33);
}

proptest! {
    /// Both encodings hold what was put in, however runs are split and joined.
    #[test]
    fn registers_are_the_largest_counts(
        raised in proptest::collection::vec((prop_oneof![0..40usize, 0..REGISTERS], 1..=32u8), 0..300),
        dense: bool,
    ) {
        let (mut bytes, mut model) = (new(), BTreeMap::new());
        if dense {
            make_dense(&mut bytes).unwrap();
        }
        for (index, count) in raised {
            let before = model.get(&index).copied().unwrap_or(0);
            prop_assert_eq!(raise(&mut bytes, index, count, UNLIMITED), Ok(count > before));
            model.insert(index, before.max(count));
        }
        let found = registers(&bytes);
        for (index, &count) in found.counts().iter().enumerate() {
            prop_assert_eq!(count, model.get(&index).copied().unwrap_or(0));
        }
        prop_assert_eq!(estimate(&bytes).unwrap(), found.estimate());
        let mut stored = new();
        found.store(&mut stored, UNLIMITED).unwrap();
        prop_assert_eq!(&registers(&stored), &found);
        let mut one_by_one = new();
        for (&index, &count) in &model {
            raise(&mut one_by_one, index, count, UNLIMITED).unwrap();
        }
        prop_assert_eq!(stored, one_by_one);
        make_dense(&mut bytes).unwrap();
        prop_assert_eq!(bytes.len(), DENSE_BYTES);
    }

    /// Hostile runs neither panic nor are taken for registers that are not there.
    #[test]
    fn any_runs_are_read_or_refused(
        runs in proptest::collection::vec(any::<u8>(), 0..200),
        index in 0..REGISTERS,
        count in 1..=51u8,
    ) {
        let mut bytes = [&new()[..HEADER_BYTES], &runs].concat();
        let is_whole = estimate(&bytes).is_ok();
        prop_assert_eq!(Registers::new().merge(&bytes).is_ok(), is_whole);
        let _ = describe_runs(&bytes);
        let raised = raise(&mut bytes, index, count, 3000);
        prop_assert!(raised.is_ok() || !is_whole);
        prop_assert_eq!(make_dense(&mut bytes).is_ok(), is_whole || encoding(&bytes) == Encoding::Dense);
    }
}
