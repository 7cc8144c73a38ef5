use super::*;
use proptest::prelude::*;

fn at(longitude: f64, latitude: f64) -> Position {
    Position::new(longitude, latitude).expect("a position with a geohash")
}

fn text(longitude: f64, latitude: f64) -> String {
    String::from_utf8(Geohash::of(at(longitude, latitude)).text().to_vec()).expect("letters")
}

#[test]
fn numbers_of_known_places() {
    // As Redis's documentation has them.
    let palermo = Geohash::of(at(13.361_389, 38.115_556));
    assert_eq!(palermo.bits(), 3_479_099_956_230_698);
    assert_eq!(&palermo.text(), b"sqc8b49rny0");
    let catania = Geohash::of(at(15.087_269, 37.502_669));
    assert_eq!(catania.bits(), 3_479_447_370_796_909);
    assert_eq!(&catania.text(), b"sqdtr74hyu0");
}

#[test]
fn texts_are_those_of_other_software() {
    for (longitude, latitude, begins) in [
        (-5.603, 42.605, "ezs42"),
        (10.407_439_693_808_556, 57.649_110_630_300_02, "u4pruydqq"),
        (-49.265_506, -25.382_708, "6gkzwgjzn8"),
        (0.0, 0.0, "s0000"),
        (-180.0, -85.0, "00"),
    ] {
        let text = text(longitude, latitude);
        assert!(text.starts_with(begins), "{text}");
        assert!(text.ends_with('0'), "{text}");
    }
}

#[test]
fn edges_of_the_map_have_numbers() {
    assert_eq!(Geohash::of(at(-180.0, -85.051_128_78)).bits(), 0);
    // One index beyond the last.
    assert_eq!(Geohash::of(at(180.0, -85.051_128_78)).bits(), 1 << 53);
    assert_eq!(Geohash::of(at(-180.0, 85.051_128_78)).bits(), 1 << 52);
    assert_eq!(
        Geohash::of_score((1u64 << 53) as f64).position(),
        at(180.0, Geohash::of_score(0.0).position().latitude)
    );
}

#[test]
fn any_score_is_a_position() {
    for (score, bits) in [
        (0.5, 0),
        (-0.5, 0),
        (3.99, 3),
        (-5.0, u64::MAX - 4),
        (9.3e18, 9_300_000_000_000_000_000),
        (-9.3e18, 1 << 63),
        (1.9e19, 0),
        (1e300, 0),
        (-1e300, 1 << 63),
        (f64::INFINITY, 0),
        (f64::NEG_INFINITY, 1 << 63),
    ] {
        let geohash = Geohash::of_score(score);
        assert_eq!(geohash.bits(), bits, "{score}");
        let Position { longitude, latitude } = geohash.position();
        assert!(Position::new(longitude, latitude).is_some(), "{score}");
    }
}

#[test]
fn behind_the_last_area_comes_the_first() {
    let corner = Geohash::with_steps(at(179.0, 84.0), 4);
    assert_eq!(corner.moved(1, 0), Geohash::with_steps(at(-179.0, 84.0), 4));
    assert_eq!(corner.moved(0, 1), Geohash::with_steps(at(179.0, -84.0), 4));
    assert_eq!(corner.moved(1, 1), Geohash::with_steps(at(-179.0, -84.0), 4));
    let corner = Geohash::with_steps(at(-179.0, -84.0), 4);
    assert_eq!(corner.moved(-1, -1), Geohash::with_steps(at(179.0, 84.0), 4));
}

proptest! {
    #[test]
    fn bits_are_interleaved_and_back(even: u32, odd: u32) {
        let bits = interleave(even, odd);
        prop_assert_eq!(deinterleave(bits), (even, odd));
        for bit in 0..32 {
            prop_assert_eq!(bits >> (2 * bit) & 1, u64::from(even >> bit & 1));
            prop_assert_eq!(bits >> (2 * bit + 1) & 1, u64::from(odd >> bit & 1));
        }
    }

    #[test]
    fn a_position_lies_in_its_areas(
        longitude in -180.0..180.0f64,
        latitude in -85.05..85.05f64,
        steps in 1..=MOST_STEPS,
    ) {
        let position = at(longitude, latitude);
        let area = Geohash::with_steps(position, steps);
        let edges = area.edges();
        // An edge is computed anew, which may round it to the other side.
        let close = |value: f64, edges: Span| (edges.min - 1e-9..=edges.max + 1e-9).contains(&value);
        prop_assert!(close(longitude, edges.longitude) && close(latitude, edges.latitude));
        let number = Geohash::of(position).bits();
        prop_assert!((area.area().start..area.area().end).contains(&number));
        let middle = Geohash::of(position).position();
        prop_assert!((middle.longitude - longitude).abs() <= 360.0 / (1 << 27) as f64 + 1e-9);
        prop_assert!((middle.latitude - latitude).abs() <= 180.0 / (1 << 27) as f64);
        prop_assert_eq!(Geohash::of(middle).bits(), number);
    }

    #[test]
    fn areas_beside_each_other_have_an_edge_in_common(
        longitude in -180.0..180.0f64,
        latitude in -85.05..85.05f64,
        steps in 2..=MOST_STEPS,
    ) {
        let area = Geohash::with_steps(at(longitude, latitude), steps);
        for (east, north) in [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)] {
            let beside = area.moved(east, north);
            prop_assert_eq!(beside.moved(-east, -north), area);
            let (here, there) = (area.edges(), beside.edges());
            let wraps = |by: i32, here: Span, there: Span| by as f64 * (there.min - here.min) < 0.0;
            let meets = |by: i32, here: Span, there: Span| match by {
                0 => here == there,
                1 => here.max == there.min,
                _ => here.min == there.max,
            };
            prop_assert!(wraps(east, here.longitude, there.longitude) || meets(east, here.longitude, there.longitude));
            prop_assert!(wraps(north, here.latitude, there.latitude) || meets(north, here.latitude, there.latitude));
        }
    }
}
