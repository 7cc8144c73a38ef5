//! Positions and the distance between two of them.

use std::f64::consts::PI;

/// The radius of the earth that distances are computed with, in meters.
pub const EARTH_RADIUS_M: f64 = 6_372_797.560_856;

/// The longitudes that have a geohash.
pub(crate) const LONGITUDES: Span = Span { min: -180.0, max: 180.0 };
/// The latitudes that have a geohash: those of a square map in Mercator's projection.
pub(crate) const LATITUDES: Span = Span { min: -85.051_128_78, max: 85.051_128_78 };

const RADIANS_A_DEGREE: f64 = PI / 180.0;

/// Between these sines of half a difference of longitudes, newer versions take two meridians for one: about 6 nm.
const CLOSE: f64 = 1e-15;

/// Values from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Span {
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Span {
    pub(crate) fn contains(self, value: f64) -> bool {
        (self.min..=self.max).contains(&value)
    }
}

/// When two positions count as being on one meridian, where their distance is that of their latitudes. Elsewhere it comes from a
/// formula that is less exact for positions far apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meridians {
    /// When their longitudes are so close that the formula does not tell them apart.
    Equal,
    /// When their longitudes differ by some nanometers at most: since Valkey 9.0.
    Close,
}

impl Meridians {
    /// `sine`: of half the difference of two longitudes.
    fn is_one(self, sine: f64) -> bool {
        match self {
            Meridians::Equal => sine == 0.0,
            Meridians::Close => sine.abs() <= CLOSE,
        }
    }
}

/// A place on the earth, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// East is positive.
    pub longitude: f64,
    /// North is positive.
    pub latitude: f64,
}

impl Position {
    /// A position that has a geohash: the longitude within 180 degrees, the latitude within 85.05112878.
    pub fn new(longitude: f64, latitude: f64) -> Option<Position> {
        let is_known = LONGITUDES.contains(longitude) && LATITUDES.contains(latitude);
        is_known.then_some(Position { longitude, latitude })
    }

    /// The distance to another position along the surface, in meters, by the haversine formula.
    pub fn distance_m(self, other: Position, meridians: Meridians) -> f64 {
        Origin::new(self).distance_m(other, meridians)
    }
}

pub(crate) fn radians(degrees: f64) -> f64 {
    degrees * RADIANS_A_DEGREE
}

pub(crate) fn degrees(radians: f64) -> f64 {
    radians / RADIANS_A_DEGREE
}

/// Where many distances begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) longitude: f64,
    pub(crate) latitude: f64,
    /// Of the latitude.
    pub(crate) cosine: f64,
}

impl Origin {
    pub(crate) fn new(position: Position) -> Origin {
        let latitude = radians(position.latitude);
        Origin { longitude: radians(position.longitude), latitude, cosine: latitude.cos() }
    }

    /// The distance that the latitudes alone make.
    pub(crate) fn latitude_distance_m(&self, latitude: f64) -> f64 {
        EARTH_RADIUS_M * (radians(latitude) - self.latitude).abs()
    }

    /// See [`Position::distance_m`].
    pub(crate) fn distance_m(&self, to: Position, meridians: Meridians) -> f64 {
        self.haversine(to, meridians).map_or_else(|| self.latitude_distance_m(to.latitude), arc_m)
    }

    /// The square of the sine of half the angle between the two; `None` on one meridian.
    pub(crate) fn haversine(&self, to: Position, meridians: Meridians) -> Option<f64> {
        let v = ((radians(to.longitude) - self.longitude) / 2.0).sin();
        if meridians.is_one(v) {
            return None;
        }
        let latitude = radians(to.latitude);
        let u = ((latitude - self.latitude) / 2.0).sin();
        Some(u * u + self.cosine * latitude.cos() * v * v)
    }
}

/// The distance that a haversine stands for. Of opposite positions it may come to a little more than 1.
pub(crate) fn arc_m(haversine: f64) -> f64 {
    2.0 * EARTH_RADIUS_M * haversine.min(1.0).sqrt().asin()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLE_TO_POLE_M: f64 = PI * EARTH_RADIUS_M;

    fn at(longitude: f64, latitude: f64) -> Position {
        Position::new(longitude, latitude).expect("a position with a geohash")
    }

    #[test]
    fn positions_end_where_the_map_does() {
        for (longitude, latitude) in [(180.0, 85.051_128_78), (-180.0, -85.051_128_78), (0.0, -0.0)] {
            assert!(Position::new(longitude, latitude).is_some());
        }
        for (longitude, latitude) in [
            (180.000_000_1, 0.0),
            (0.0, 85.051_128_79),
            (f64::NAN, 0.0),
            (0.0, f64::NAN),
            (f64::INFINITY, 0.0),
            (0.0, f64::NEG_INFINITY),
        ] {
            assert_eq!(Position::new(longitude, latitude), None, "{longitude} {latitude}");
        }
    }

    #[test]
    fn distances_of_known_places() {
        let distance = |a: Position, b: Position| a.distance_m(b, Meridians::Equal);
        // A quarter of the equator, and a degree of a meridian.
        assert!((distance(at(0.0, 0.0), at(90.0, 0.0)) - POLE_TO_POLE_M / 2.0).abs() < 1e-6);
        assert!((distance(at(7.0, 10.0), at(7.0, 11.0)) - POLE_TO_POLE_M / 180.0).abs() < 1e-6);
        assert_eq!(distance(at(7.0, 10.0), at(7.0, 10.0)), 0.0);
        // Opposite places, where rounding goes beyond what an arc sine takes.
        for latitude in 0..85 {
            let latitude = f64::from(latitude);
            let far = distance(at(-40.0, latitude), at(140.0, -latitude));
            assert!((far - POLE_TO_POLE_M).abs() < 1.0, "{latitude}: {far}");
        }
    }

    #[test]
    fn close_meridians_are_one_where_the_version_says_so() {
        let (from, to) = (at(1e-14, -84.5), at(0.0, 84.25));
        let (equal, close) = (from.distance_m(to, Meridians::Equal), from.distance_m(to, Meridians::Close));
        assert_eq!(close, at(0.0, -84.5).distance_m(to, Meridians::Equal));
        assert_ne!(equal, close);
        assert!((equal - close).abs() < 1.0);
    }

    proptest! {
        #[test]
        fn a_distance_is_one_of_a_sphere(
            a in (-180.0..=180.0f64, -85.0..=85.0f64),
            b in (-180.0..=180.0f64, -85.0..=85.0f64),
            c in (-180.0..=180.0f64, -85.0..=85.0f64),
        ) {
            let distance = |a: (f64, f64), b: (f64, f64)| at(a.0, a.1).distance_m(at(b.0, b.1), Meridians::Equal);
            prop_assert!((0.0..=POLE_TO_POLE_M * (1.0 + 1e-12)).contains(&distance(a, b)));
            prop_assert!((distance(a, b) - distance(b, a)).abs() < 1.0);
            prop_assert!(distance(a, c) <= distance(a, b) + distance(b, c) + 1.0);
            prop_assert!(Origin::new(at(a.0, a.1)).latitude_distance_m(b.1) <= distance(a, b) + 1.0);
        }
    }
}
