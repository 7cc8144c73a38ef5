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

/// The points of a block, column by column. One is for many blocks, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    starts: Vec<u64>,
    sums: Vec<i64>,
    /// What else there is, unless every point is of one value.
    counts: Vec<i64>,
    minima: Vec<i64>,
    ranges: Vec<i64>,
    are_single: bool,
}

impl Columns {
    /// Takes what was encoded; at most so many points. `None` when it is not what was written; then it holds nothing of use.
    pub(crate) fn decode(&mut self, bytes: &[u8], span_start: u64, period: u64, most: u64) -> Option<()> {
        let mut input = Input(bytes);
        let count = input.varint().filter(|count| (1..=most).contains(count))? as usize;
        let runs = input.varint().filter(|runs| *runs <= count as u64)?;
        self.starts.clear();
        let mut next = 0_u64;
        for _ in 0..runs {
            let (gap, length) = (input.varint()?, input.varint()?);
            let first = next.checked_add(gap)?;
            next = first.checked_add(length).filter(|next| *next <= most)?;
            self.starts.extend((first..next).map(|at| span_start + at * period));
        }
        if self.starts.len() != count {
            return None;
        }
        column::decode(&mut input, count, &mut self.sums)?;
        self.are_single = self.sums[0] == 1;
        column::decode(&mut input, count, &mut self.sums)?;
        if !self.are_single {
            for column in [&mut self.counts, &mut self.minima, &mut self.ranges] {
                column::decode(&mut input, count, column)?;
            }
        }
        input.0.is_empty().then_some(())
    }

    /// The starts of the points, in the order of time.
    pub(crate) fn starts(&self) -> &[u64] {
        &self.starts
    }

    /// The values in thousandths, if every point is of one.
    pub(crate) fn singles(&self) -> Option<&[i64]> {
        self.are_single.then_some(&self.sums)
    }

    /// One of the points.
    pub(crate) fn point(&self, at: usize) -> Point {
        let (start, sum) = (self.starts[at], Value::from_thousandths(self.sums[at]));
        if self.are_single {
            return Point::single(start, sum);
        }
        Point {
            start,
            sum,
            count: self.counts[at] as u64,
            min: Value::from_thousandths(self.minima[at]),
            max: Value::from_thousandths(self.minima[at].wrapping_add(self.ranges[at])),
        }
    }

    /// All of them.
    pub(crate) fn points(&self) -> impl Iterator<Item = Point> {
        (0..self.starts.len()).map(|at| self.point(at))
    }
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
            let mut columns = Columns::default();
            prop_assert_eq!(columns.decode(&bytes[..bytes.len() - 1], 600, 60, 1_000), None);
            prop_assert_eq!(columns.decode(&bytes, 600, 60, 1_000), Some(()));
            prop_assert_eq!(columns.points().collect::<Vec<_>>(), points);
        }

        #[test]
        fn other_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut columns = Columns::default();
            if columns.decode(&bytes, 0, 1, 300).is_some() {
                prop_assert!(columns.points().count() <= 300);
            }
        }
    }
}
