//! Values, points and what is asked of them.

/// A value, in thousandths. Sums of it are exact, whatever their order, and small differences take few bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value(i64);

const THOUSAND: i64 = 1000;

impl Value {
    /// The nearest value; `None` of what is no number, or too large.
    pub fn of(number: f64) -> Option<Value> {
        let thousandths = (number * THOUSAND as f64).round();
        // The bounds are powers of two, so they are exact.
        (thousandths >= i64::MIN as f64 && thousandths < i64::MAX as f64).then_some(Value(thousandths as i64))
    }

    /// A value by its thousandths.
    pub const fn from_thousandths(thousandths: i64) -> Value {
        Value(thousandths)
    }

    /// In thousandths.
    pub const fn thousandths(self) -> i64 {
        self.0
    }

    /// As a number.
    pub fn number(self) -> f64 {
        self.0 as f64 / THOUSAND as f64
    }
}

/// A count; one beyond 9·10^15 is that.
impl From<u64> for Value {
    fn from(count: u64) -> Value {
        Value(i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(THOUSAND))
    }
}

/// What was measured from `start` on, for one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Unix time in seconds, a multiple of the period.
    pub start: u64,
    /// The sum of all values. It ends at the largest value that there is.
    pub sum: Value,
    /// How many there were, never 0.
    pub count: u64,
    /// The smallest.
    pub min: Value,
    /// The largest.
    pub max: Value,
}

impl Point {
    /// Of one value.
    pub const fn single(start: u64, value: Value) -> Point {
        Point { start, sum: value, count: 1, min: value, max: value }
    }

    /// Whether it is of one value.
    pub(crate) fn is_single(&self) -> bool {
        self.count == 1 && self.min == self.sum && self.max == self.sum
    }

    pub(crate) fn add(&mut self, other: &Point) {
        self.sum = Value(self.sum.0.saturating_add(other.sum.0));
        self.count = self.count.saturating_add(other.count);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// What is asked of it.
    pub fn statistic(&self, statistic: Statistic) -> f64 {
        match statistic {
            Statistic::Average => self.sum.number() / self.count as f64,
            Statistic::Sum => self.sum.number(),
            Statistic::Minimum => self.min.number(),
            Statistic::Maximum => self.max.number(),
            Statistic::SampleCount => self.count as f64,
        }
    }
}

/// Puts a point behind others, or into the last if that has the same period. Points come in the order of time.
pub(crate) fn fold(points: &mut Vec<Point>, point: &Point, period: u64) {
    let start = point.start - point.start % period;
    match points.last_mut() {
        Some(last) if last.start == start => last.add(point),
        _ => points.push(Point { start, ..*point }),
    }
}

/// What is told of the values of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// Their mean.
    Average,
    /// Their sum.
    Sum,
    /// The smallest.
    Minimum,
    /// The largest.
    Maximum,
    /// How many there are.
    SampleCount,
}
