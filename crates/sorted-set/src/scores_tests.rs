//! Packed scores against a vector.

use super::*;
use proptest::prelude::*;

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (0i32..20).prop_map(f64::from),
        2 => (-40_000i32..40_000).prop_map(f64::from),
        2 => any::<i32>().prop_map(f64::from),
        1 => (0i64..20).prop_map(|value| (value + (1 << 40)) as f64),
        1 => any::<f64>().prop_filter("a score", |value| !value.is_nan()),
        1 => prop::sample::select(vec![
            0.0, -0.0, 0.5, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 2f64.powi(62), -(2f64.powi(62)),
        ]),
    ]
}

fn check(scores: &Scores, model: &[f64]) {
    assert_eq!(scores.len(), model.len());
    for (index, value) in model.iter().enumerate() {
        assert_eq!(scores.get(index).get().to_bits(), value.to_bits());
    }
    assert_eq!(scores.bytes.len(), model.len() * usize::from(scores.width));
}

proptest! {
    #[test]
    fn behaves_like_a_vector(
        values in prop::collection::vec((value(), any::<u8>(), 0u8..10), 1..100),
        kinds in 1usize..4,
    ) {
        let mut scores = Scores::default();
        let mut model: Vec<f64> = Vec::new();
        for (value, at, change) in values {
            let at = usize::from(at) % (model.len() + 1);
            match change {
                0 => {
                    let end = (at + kinds).min(model.len());
                    scores.remove(at..end);
                    model.drain(at..end);
                }
                1 => {
                    let tail = scores.split_off(at);
                    check(&scores, &model[..at]);
                    check(&tail, &model[at..]);
                    scores.append(&tail);
                }
                2 if at < model.len() => {
                    // Between its neighbours, which a score is that keeps its place.
                    let low = at.checked_sub(1).map_or(f64::NEG_INFINITY, |before| model[before]);
                    let high = model.get(at + 1).copied().unwrap_or(f64::INFINITY);
                    let value = value.clamp(low, high);
                    scores.set(at, Score::new(value).unwrap());
                    model[at] = value;
                }
                _ if model.len() < 64 => {
                    let score = Score::new(value).unwrap();
                    let at = scores.partition_point(|other| other < score);
                    prop_assert_eq!(at, model.partition_point(|other| *other < value));
                    scores.insert(at, score);
                    model.insert(at, value);
                }
                _ => {}
            }
            check(&scores, &model);
        }
    }
}

#[test]
fn neighbours_take_few_bytes() {
    let width = |values: &[f64]| {
        let mut scores = Scores::default();
        for (index, value) in values.iter().enumerate() {
            scores.insert(index, Score::new(*value).unwrap());
        }
        check(&scores, values);
        scores.width
    };
    assert_eq!(width(&[7.0; 9]), 0);
    assert_eq!(width(&[1e15, 1e15 + 255.0]), 1);
    assert_eq!(width(&[-300.0, 300.0]), 2);
    assert_eq!(width(&[-2e9, 2e9]), 4);
    assert_eq!(width(&[-4e9, 4e9]), RAW);
    assert_eq!(width(&[0.5]), RAW);
    assert_eq!(width(&[-0.0, 0.0]), RAW, "the sign of a zero is kept");
    assert_eq!(width(&[0.0, f64::INFINITY]), RAW);
}
