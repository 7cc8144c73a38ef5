//! Searches: what is asked for, which areas may have it, and whether a position is it.
//!
//! ```text
//!   ┌────┬────┬────┐
//!   │ 6  │ 1  │ 5  │     0 is the area of the center. Its size follows from the radius: a circle reaches into the areas around it,
//!   ├────┼────┼────┤     but not beyond. The numbers are the order in which the areas are looked at, which is the order of what
//!   │ 4  │ 0 ◯│ 3  │     is found. Areas on a side where 0 goes beyond the box around the shape have nothing of it.
//!   ├────┼────┼────┤
//!   │ 8  │ 2  │ 7  │
//!   └────┴────┴────┘
//! ```

use crate::geohash::{Geohash, MOST_STEPS};
use crate::position::{
    EARTH_RADIUS_M, LATITUDES, LONGITUDES, Meridians, Origin, Position, Span, arc_m, degrees, radians,
};
use std::f64::consts::{FRAC_PI_2, TAU};

/// Half of the earth in Mercator's projection, in meters: a radius from which on one step is enough.
const MERCATOR_MAX_M: f64 = 20_037_726.37;
/// Latitudes from which on areas are so narrow that one step less is taken, and another one.
const NARROW_FROM: f64 = 66.0;
const NARROWEST_FROM: f64 = 80.0;

/// The areas in their order: steps to the east and to the north.
const ORDER: [(i32, i32); 9] = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];

/// What is searched. Lengths are in the unit of the [`Search`].
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Up to a distance from the center.
    Circle {
        /// The distance.
        radius: f64,
    },
    /// Up to distances to the east or west, measured along the position's latitude, and to the north or south.
    Box {
        /// From west to east.
        width: f64,
        /// From south to north.
        height: f64,
    },
    /// Inside straight lines on the map between these vertices, the last of which is joined with the first.
    Polygon(Vec<Position>),
}

/// A range of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// The first number.
    pub start: u64,
    /// Behind the last number.
    pub end: u64,
}

/// A position that a search has found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Where it is.
    pub position: Position,
    /// How far from the center.
    pub distance_m: f64,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Search {
    center: Position,
    origin: Origin,
    shape: Shape,
    unit_m: f64,
    meridians: Meridians,
    reach: Reach,
}

/// The box around a shape, in degrees.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    longitude: Span,
    latitude: Span,
}

impl Search {
    /// A search around a position. `unit_m` is the unit of the shape's lengths, in meters. The center of a polygon is its own.
    pub fn new(center: Position, shape: Shape, unit_m: f64, meridians: Meridians) -> Search {
        let center = match &shape {
            Shape::Circle { .. } | Shape::Box { .. } => center,
            Shape::Polygon(vertices) => middle(vertices),
        };
        let origin = Origin::new(center);
        let reach = match shape {
            Shape::Circle { radius } => Reach::new(&origin, radius * unit_m),
            Shape::Box { .. } | Shape::Polygon(_) => Reach::ANY,
        };
        Search { center, origin, shape, unit_m, meridians, reach }
    }

    /// A search inside a polygon.
    pub fn of_polygon(vertices: Vec<Position>, meridians: Meridians) -> Search {
        let anywhere = Position { longitude: 0.0, latitude: 0.0 };
        Search::new(anywhere, Shape::Polygon(vertices), 1.0, meridians)
    }

    /// The unit of the shape's lengths, in meters.
    pub fn unit_m(&self) -> f64 {
        self.unit_m
    }

    /// The sides of a polygon, each of which is looked at for each position; 0 for other shapes.
    pub fn sides(&self) -> usize {
        match &self.shape {
            Shape::Circle { .. } | Shape::Box { .. } => 0,
            Shape::Polygon(vertices) => vertices.len(),
        }
    }

    /// The position of this geohash, if it is what is searched.
    #[inline]
    pub fn find(&self, geohash: Geohash) -> Option<Found> {
        let position = geohash.position();
        let distance_m = match &self.shape {
            Shape::Circle { radius } => self.within_circle(position, radius * self.unit_m)?,
            Shape::Box { width, height } => {
                self.within_box(position, width * self.unit_m, height * self.unit_m)?
            }
            Shape::Polygon(vertices) => {
                is_inside(position, vertices).then(|| self.origin.distance_m(position, self.meridians))?
            }
        };
        Some(Found { position, distance_m })
    }

    /// The distance of a position, if it is at most this.
    #[inline]
    fn within_circle(&self, position: Position, radius_m: f64) -> Option<f64> {
        if !self.reach.may_include(&self.origin, position) {
            return None;
        }
        let distance_m = match self.origin.haversine(position, self.meridians) {
            None => self.origin.latitude_distance_m(position.latitude),
            Some(haversine) if haversine > self.reach.haversine => return None,
            Some(haversine) => arc_m(haversine),
        };
        (distance_m <= radius_m).then_some(distance_m)
    }

    fn within_box(&self, position: Position, width_m: f64, height_m: f64) -> Option<f64> {
        if self.origin.latitude_distance_m(position.latitude) > height_m / 2.0 {
            return None;
        }
        let beside = Position { latitude: position.latitude, ..self.center };
        if position.distance_m(beside, self.meridians) > width_m / 2.0 {
            return None;
        }
        Some(self.origin.distance_m(position, self.meridians))
    }

    /// The areas that may have what is searched, in the order in which they are looked at. None of them overlap.
    pub fn areas(&self) -> impl Iterator<Item = Area> + use<> {
        let bounds = self.bounds();
        let (center, mut steps) = match Position::new(self.center.longitude, self.center.latitude) {
            Some(center) => (center, steps(self.radius_m(&bounds), center.latitude)),
            // The middle of a polygon around a pole is beyond the map: everything is looked at.
            None => (Position { longitude: 0.0, latitude: 0.0 }, 1),
        };
        let mut middle = Geohash::with_steps(center, steps);
        if steps > 1 && !covers(middle, &bounds) {
            steps -= 1;
            middle = Geohash::with_steps(center, steps);
        }
        let edges = middle.edges();
        let is_empty = move |(east, north): (i32, i32)| {
            steps > 1
                && ((north < 0 && edges.latitude.min < bounds.latitude.min)
                    || (north > 0 && edges.latitude.max > bounds.latitude.max)
                    || (east < 0 && edges.longitude.min < bounds.longitude.min)
                    || (east > 0 && edges.longitude.max > bounds.longitude.max))
        };
        // With two areas side by side, the one to the east is the one to the west: they come one after the other.
        let mut last = None;
        ORDER.into_iter().filter(move |&at| !is_empty(at)).filter_map(move |(east, north)| {
            let area = middle.moved(east, north).area();
            let is_new = last.replace(area) != Some(area);
            is_new.then_some(area)
        })
    }

    /// The box around what is searched: its width is that of its narrower end, in degrees.
    fn bounds(&self) -> Bounds {
        let (width_m, height_m) = match &self.shape {
            Shape::Circle { radius } => (self.unit_m * radius, self.unit_m * radius),
            Shape::Box { width, height } => (self.unit_m * (width / 2.0), self.unit_m * (height / 2.0)),
            Shape::Polygon(vertices) => return bounds_of(vertices),
        };
        let Position { longitude, latitude } = self.center;
        let up = degrees(height_m / EARTH_RADIUS_M);
        let narrower = if latitude < 0.0 { latitude - up } else { latitude + up };
        let aside = degrees(width_m / EARTH_RADIUS_M / radians(narrower).cos());
        Bounds {
            longitude: Span { min: longitude - aside, max: longitude + aside },
            latitude: Span { min: latitude - up, max: latitude + up },
        }
    }

    /// How far from the center the shape reaches.
    fn radius_m(&self, bounds: &Bounds) -> f64 {
        match &self.shape {
            Shape::Circle { radius } => radius * self.unit_m,
            Shape::Box { width, height } => {
                ((width / 2.0) * (width / 2.0) + (height / 2.0) * (height / 2.0)).sqrt() * self.unit_m
            }
            Shape::Polygon(_) => {
                let Bounds { longitude, latitude } = *bounds;
                let corners = [longitude.min, longitude.max].into_iter().flat_map(|longitude| {
                    [latitude.min, latitude.max].map(|latitude| Position { longitude, latitude })
                });
                let distances = corners.map(|corner| self.origin.distance_m(corner, self.meridians));
                distances.fold(0.0, f64::max)
            }
        }
    }
}

/// The steps to an area so large that a radius reaches at most into those around it.
fn steps(radius_m: f64, latitude: f64) -> u32 {
    if radius_m == 0.0 {
        return MOST_STEPS;
    }
    let mut steps = 1i32;
    let mut reach_m = radius_m;
    while reach_m < MERCATOR_MAX_M {
        reach_m *= 2.0;
        steps += 1;
    }
    steps -= 2;
    let narrow = [NARROW_FROM, NARROWEST_FROM].into_iter().filter(|from| latitude.abs() > *from).count();
    (steps - narrow as i32).clamp(1, MOST_STEPS as i32) as u32
}

/// Whether the areas around one reach as far as the box.
fn covers(middle: Geohash, bounds: &Bounds) -> bool {
    let edges = |east, north| middle.moved(east, north).edges();
    let is_short = edges(0, 1).latitude.max < bounds.latitude.max
        || edges(0, -1).latitude.min > bounds.latitude.min
        || edges(1, 0).longitude.max < bounds.longitude.max
        || edges(-1, 0).longitude.min > bounds.longitude.min;
    !is_short
}

fn bounds_of(vertices: &[Position]) -> Bounds {
    let around = |all: Span, value: fn(&Position) -> f64| Span {
        min: vertices.iter().map(value).fold(all.max, f64::min),
        max: vertices.iter().map(value).fold(all.min, f64::max),
    };
    Bounds {
        longitude: around(LONGITUDES, |vertex| vertex.longitude),
        latitude: around(LATITUDES, |vertex| vertex.latitude),
    }
}

/// Where the sum of the vertices, as directions from the center of the earth, points to.
fn middle(vertices: &[Position]) -> Position {
    let (mut x, mut y, mut z) = (0.0, 0.0, 0.0);
    for vertex in vertices {
        let (longitude, latitude) = (radians(vertex.longitude), radians(vertex.latitude));
        x += latitude.cos() * longitude.cos();
        y += latitude.cos() * longitude.sin();
        z += latitude.sin();
    }
    Position {
        longitude: degrees(f64::atan2(y, x)),
        latitude: degrees(f64::atan2(z, (x * x + y * y).sqrt())),
    }
}

/// Whether a line from a position to the east crosses the sides of a polygon an odd number of times.
fn is_inside(position: Position, vertices: &[Position]) -> bool {
    let Position { longitude, latitude } = position;
    let before = vertices.iter().skip(vertices.len().saturating_sub(1)).chain(vertices);
    let crossed = vertices.iter().zip(before).filter(|(a, b)| {
        (a.latitude > latitude) != (b.latitude > latitude)
            && longitude
                < (b.longitude - a.longitude) * (latitude - a.latitude) / (b.latitude - a.latitude)
                    + a.longitude
    });
    crossed.count() % 2 == 1
}

/// What tells most positions outside of a circle without computing their distance. It errs on the side of looking closer.
#[derive(Debug, Clone, Copy)]
struct Reach {
    /// The largest difference of latitudes, in radians.
    latitude: f64,
    /// The largest difference of longitudes, in radians.
    longitude: f64,
    /// The largest haversine.
    haversine: f64,
}

impl Reach {
    const ANY: Reach = Reach { latitude: f64::INFINITY, longitude: f64::INFINITY, haversine: f64::INFINITY };
    /// Far more than what rounding makes of a value, relative and absolute (6 cm on the earth).
    const ROUNDING: f64 = 1.0 + 1e-6;
    const ROUNDING_RADIANS: f64 = 1e-8;

    fn new(origin: &Origin, radius_m: f64) -> Reach {
        let rounded = |value: f64| value * Self::ROUNDING + Self::ROUNDING_RADIANS;
        let angle = radius_m / EARTH_RADIUS_M;
        if angle >= FRAC_PI_2 {
            return Reach::ANY;
        }
        let has_pole = origin.latitude.abs() + rounded(angle) >= FRAC_PI_2;
        let longitude = if has_pole { f64::INFINITY } else { rounded((angle.sin() / origin.cosine).asin()) };
        let sine = (angle / 2.0).sin();
        Reach { latitude: rounded(angle), longitude, haversine: sine * sine * Self::ROUNDING }
    }

    #[inline]
    fn may_include(&self, origin: &Origin, position: Position) -> bool {
        let aside = (radians(position.longitude) - origin.longitude).abs();
        (radians(position.latitude) - origin.latitude).abs() <= self.latitude
            && (aside <= self.longitude || TAU - aside <= self.longitude)
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
