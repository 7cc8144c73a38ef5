//! Tables and lines for a terminal: numbers with their units, columns, spark lines.

/// Bytes as people read them.
pub(crate) fn size(bytes: f64) -> String {
    let units = [(f64::from(1 << 30), "GiB"), (f64::from(1 << 20), "MiB"), (f64::from(1 << 10), "KiB")];
    match units.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", bytes / unit),
        None => format!("{bytes:.0} B"),
    }
}

/// A count: whole below a thousand if it is whole, shortened beyond a hundred thousand.
pub(crate) fn count(number: f64) -> String {
    let units = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    match units.iter().find(|(unit, _)| number.abs() >= *unit && number.abs() >= 1e5) {
        Some((unit, name)) => format!("{:.1}{name}", number / unit),
        None if number.fract().abs() < 0.005 => format!("{number:.0}"),
        None => format!("{number:.2}"),
    }
}

/// A value in a unit of CloudWatch.
pub(crate) fn value(number: f64, unit: &str) -> String {
    match unit {
        "Bytes" => size(number),
        "Percent" => format!("{number:.1} %"),
        "Seconds" => format!("{number:.2} s"),
        "Milliseconds" => format!("{} ms", count(number)),
        "Microseconds" => format!("{} µs", count(number)),
        _ => count(number),
    }
}

/// Columns as wide as their widest cell; the first `left` of them stand on the left, the others on the right.
pub(crate) fn table(rows: &[Vec<String>], left: usize) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let length = |cell: &str| cell.chars().count();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| length(cell)).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column < left { format!("{cell:width$}") } else { format!("{cell:>width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// A line of so many columns over a time. A column without a point is empty; a series that never changes lies at the bottom.
pub(crate) fn spark(points: &[(u64, f64)], from: u64, to: u64, columns: usize) -> String {
    const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let mut sums = vec![(0.0, 0_u32); columns];
    let span = to.saturating_sub(from).max(1) as f64;
    for (at, value) in points.iter().filter(|(at, _)| (from..to).contains(at)) {
        let column = ((at - from) as f64 / span * columns as f64) as usize;
        if let Some((sum, count)) = sums.get_mut(column) {
            *sum += value;
            *count += 1;
        }
    }
    let means = || sums.iter().filter(|(_, count)| *count > 0).map(|(sum, count)| sum / f64::from(*count));
    let (low, high) = (means().fold(f64::INFINITY, f64::min), means().fold(f64::NEG_INFINITY, f64::max));
    let step = |(sum, count): &(f64, u32)| match *count {
        0 => ' ',
        count if high > low => {
            let share = (sum / f64::from(count) - low) / (high - low);
            STEPS[((share * STEPS.len() as f64) as usize).min(STEPS.len() - 1)]
        }
        _ => STEPS[0],
    };
    sums.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_units() {
        let cases = [
            (1536.0, "Bytes", "1.5 KiB"),
            (7.0, "Bytes", "7 B"),
            (99.96, "Percent", "100.0 %"),
            (0.0, "Count", "0"),
            (0.25, "Count", "0.25"),
            (99_999.0, "Count", "99999"),
            (123_456.0, "Count", "123.5k"),
            (2.5e9, "Count", "2.5G"),
            (3.0, "Microseconds", "3 µs"),
            (0.5, "Seconds", "0.50 s"),
        ];
        for (number, unit, text) in cases {
            assert_eq!(value(number, unit), text);
        }
    }

    #[test]
    fn a_spark_line_shows_gaps_and_extremes() {
        let points: Vec<(u64, f64)> = vec![(100, 0.0), (101, 10.0), (104, 70.0), (107, 35.0), (200, 999.0)];
        assert_eq!(spark(&points, 100, 108, 8), "▁▂  █  ▅");
        assert_eq!(spark(&points, 100, 108, 4), "▁ █▄", "the mean of two");
        assert_eq!(spark(&[(100, 5.0), (102, 5.0)], 100, 103, 3), "▁ ▁");
        assert_eq!(spark(&[], 100, 103, 3), "   ");
    }

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [["A", "LONG", "É"], ["member", "1", "22"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows, 1), ["A       LONG   É", "member     1  22"]);
    }
}
