//! The points of one series in one segment.
//!
//! ```text
//!   count · runs · (gap · length)… · one value each? · sums [· counts · minima · (maximum - minimum)]
//! ```
//! Times are counted in periods from the segment's start; a run is of points without a gap. What is in brackets is there unless
//! every point is of one value.

use crate::column::{self, Input, put_varint};
use crate::point::{Point, Value};

/// Packs points that follow each other. There is one at least.
pub(crate) fn encode(out: &mut Vec<u8>, points: &[Point], span_start: u64, period: u64) {
    put_varint(out, points.len() as u64);
    let mut runs: Vec<(u64, u64)> = Vec::new();
    let mut next = 0;
    for point in points {
        let at = (point.start - span_start) / period;
        match runs.last_mut() {
            Some((_, length)) if at == next => *length += 1,
            _ => runs.push((at - next, 1)),
        }
        next = at + 1;
    }
    put_varint(out, runs.len() as u64);
    for (gap, length) in runs {
        put_varint(out, gap);
        put_varint(out, length);
    }
    let mut put = |of: fn(&Point) -> i64| {
        let numbers: Vec<i64> = points.iter().map(of).collect();
        column::encode(out, &numbers);
    };
    let are_single = points.iter().all(Point::is_single);
    if are_single {
        put(|_| 1);
        return put(|point| point.sum.thousandths());
    }
    put(|_| 0);
    put(|point| point.sum.thousandths());
    put(|point| point.count as i64);
    put(|point| point.min.thousandths());
    put(|point| point.max.thousandths().wrapping_sub(point.min.thousandths()));
}

/// What was encoded; at most so many points. `None` when it is not what was written.
pub(crate) fn decode(bytes: &[u8], span_start: u64, period: u64, most: u64) -> Option<Vec<Point>> {
    let mut input = Input(bytes);
    let count = input.varint().filter(|count| (1..=most).contains(count))? as usize;
    let runs = input.varint().filter(|runs| *runs <= count as u64)?;
    let mut starts = Vec::with_capacity(count);
    let mut next = 0_u64;
    for _ in 0..runs {
        let (gap, length) = (input.varint()?, input.varint()?);
        let first = next.checked_add(gap)?;
        next = first.checked_add(length).filter(|next| *next <= most)?;
        starts.extend((first..next).map(|at| span_start + at * period));
    }
    if starts.len() != count {
        return None;
    }
    let are_single = column::decode(&mut input, count)?[0] == 1;
    let sums = column::decode(&mut input, count)?;
    let values = starts.into_iter().zip(sums);
    let points: Vec<Point> = if are_single {
        values.map(|(start, sum)| Point::single(start, Value::from_thousandths(sum))).collect()
    } else {
        let counts = column::decode(&mut input, count)?;
        let minima = column::decode(&mut input, count)?;
        let ranges = column::decode(&mut input, count)?;
        let rest = counts.into_iter().zip(minima.into_iter().zip(ranges));
        let point = |((start, sum), (count, (min, range))): ((u64, i64), (i64, (i64, i64)))| Point {
            start,
            sum: Value::from_thousandths(sum),
            count: count as u64,
            min: Value::from_thousandths(min),
            max: Value::from_thousandths(min.wrapping_add(range)),
        };
        values.zip(rest).map(point).collect()
    };
    input.0.is_empty().then_some(points)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn points() -> impl Strategy<Value = Vec<Point>> {
        let point = (1_u64..4, any::<i64>(), 1_u64..5, any::<i64>(), any::<i64>());
        prop::collection::vec(point, 1..60).prop_map(|rows| {
            let mut start = 600;
            let row = |(gap, sum, count, min, max): (u64, i64, u64, i64, i64)| {
                start += gap * 60;
                let [sum, min, max] = [sum, min, max].map(Value::from_thousandths);
                if count == 1 { Point::single(start, sum) } else { Point { start, sum, count, min, max } }
            };
            rows.into_iter().map(row).collect()
        })
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_back(points in points()) {
            let mut bytes = Vec::new();
            encode(&mut bytes, &points, 600, 60);
            prop_assert_eq!(decode(&bytes, 600, 60, 1_000), Some(points));
            prop_assert_eq!(decode(&bytes[..bytes.len() - 1], 600, 60, 1_000), None);
        }

        #[test]
        fn other_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Some(points) = decode(&bytes, 0, 1, 300) {
                prop_assert!(points.len() <= 300);
            }
        }
    }
}
