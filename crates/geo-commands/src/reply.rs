//! How replies show distances and positions.

use geo::Position;
use number::LongDouble;
use resp::Writer;

/// Digits after the point of a distance, and what they multiply it by.
const DISTANCE_DIGITS: usize = 4;
const DISTANCE_SCALE: f64 = 10_000.0;

/// Writes a distance: a bulk string in both protocols.
pub(super) fn reply_distance(out: &mut Writer<'_>, distance: f64) {
    out.bulk(distance_text(distance).as_bytes());
}

/// Rounded half to even once it is multiplied, as the real servers do, which is not always what printing it would give.
fn distance_text(distance: f64) -> String {
    let scaled = (distance * DISTANCE_SCALE).round_ties_even() as u64;
    let (whole, part) = (scaled / DISTANCE_SCALE as u64, scaled % DISTANCE_SCALE as u64);
    format!("{whole}.{part:0DISTANCE_DIGITS$}")
}

/// Writes a position: two numbers, with the digits of a long double.
pub(super) fn reply_position(out: &mut Writer<'_>, position: Position) {
    out.array(2);
    for degrees in [position.longitude, position.latitude] {
        out.double_text(&LongDouble::from(degrees).to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_have_four_digits() {
        for (distance, text) in [
            (0.0, "0.0000"),
            (0.000_04, "0.0000"),
            (0.000_06, "0.0001"),
            (0.5, "0.5000"),
            (166_274.151_569_6, "166274.1516"),
            // Exactly between two once multiplied: to the even one.
            (0.000_25, "0.0002"),
            (0.000_35, "0.0004"),
            (20_020_741.5, "20020741.5000"),
        ] {
            assert_eq!(distance_text(distance), text);
        }
    }
}
