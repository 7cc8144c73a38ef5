use super::*;
use proptest::prelude::*;

fn at(longitude: f64, latitude: f64) -> Position {
    Position { longitude, latitude }
}

/// Whether a position is what is searched, computed in full.
fn is_found(search: &Search, position: Position) -> Option<f64> {
    let distance = |a: Position, b: Position| a.distance_m(b, search.meridians);
    let is_inside = match &search.shape {
        Shape::Circle { radius } => distance(search.center, position) <= radius * search.unit_m,
        Shape::Box { width, height } => {
            let (width_m, height_m) = (width * search.unit_m, height * search.unit_m);
            let beside = at(search.center.longitude, position.latitude);
            Origin::new(search.center).latitude_distance_m(position.latitude) <= height_m / 2.0
                && distance(position, beside) <= width_m / 2.0
        }
        Shape::Polygon(vertices) => super::is_inside(position, vertices),
    };
    is_inside.then(|| distance(search.center, position))
}

/// The positions that a look at the areas finds, and those that a look at everything finds.
fn both(search: &Search, positions: &[Position]) -> (Vec<usize>, Vec<usize>) {
    let geohashes: Vec<Geohash> = positions.iter().map(|&position| Geohash::of(position)).collect();
    let mut by_areas: Vec<usize> = search
        .areas()
        .flat_map(|area| {
            let is_in = |at: &usize| (area.start..area.end).contains(&geohashes[*at].bits());
            (0..geohashes.len()).filter(is_in).collect::<Vec<_>>()
        })
        .filter(|&at| search.find(geohashes[at]).is_some())
        .collect();
    by_areas.sort_unstable();
    let all = (0..geohashes.len()).filter(|&at| is_found(search, geohashes[at].position()).is_some());
    (by_areas, all.collect())
}

fn circle(center: Position, radius: f64, unit_m: f64) -> Search {
    Search::new(center, Shape::Circle { radius }, unit_m, Meridians::Equal)
}

/// Positions, most of them about as far from the center as the search reaches.
fn positions(center: Position, reach_m: f64) -> impl Strategy<Value = Vec<Position>> {
    let degrees = reach_m / EARTH_RADIUS_M * 180.0 / std::f64::consts::PI;
    let near = (-1.5..1.5f64, -1.5..1.5f64).prop_map(move |(east, north)| {
        let latitude = (center.latitude + north * degrees).clamp(LATITUDES.min, LATITUDES.max);
        let wide = degrees / latitude.to_radians().cos();
        let longitude = center.longitude + east * wide;
        // On the other side of the antimeridian.
        at((longitude + 180.0).rem_euclid(360.0) - 180.0, latitude)
    });
    let anywhere =
        (-180.0..180.0f64, -85.0..85.0f64).prop_map(|(longitude, latitude)| at(longitude, latitude));
    prop::collection::vec(prop_oneof![4 => near, 1 => anywhere], 1..60)
}

/// A radius of any magnitude.
fn radii(most_m: f64) -> impl Strategy<Value = f64> {
    (0.0..1.0f64).prop_map(move |part| most_m.powf(part))
}

#[test]
fn areas_come_in_their_order_and_none_twice() {
    // Two steps each: four areas of half the earth, which are all beside each other.
    let everywhere: Vec<Area> = circle(at(1.0, 1.0), 30_000.0, 1_000.0).areas().collect();
    let half = 1u64 << 50;
    let area = |quarter: u64| Area { start: quarter * half, end: (quarter + 1) * half };
    assert_eq!(everywhere, [area(3), area(2), area(1), area(0)]);
    // A point needs one.
    assert_eq!(circle(at(1.0, 1.0), 0.0, 1.0).areas().count(), 1);
    // Not beyond the box: in the middle of its area, it has nothing around it.
    let middle = Geohash::with_steps(at(1.0, 1.0), 10).position();
    let within: Vec<Area> = circle(middle, 1_000.0, 1.0).areas().collect();
    assert!(within.len() < 9, "{within:?}");
}

#[test]
fn a_polygon_has_its_own_center() {
    let square = [at(10.0, -10.0), at(10.0, 10.0), at(-10.0, 10.0), at(-10.0, -10.0)];
    let search = Search::of_polygon(square.to_vec(), Meridians::Close);
    assert!(search.center.longitude.abs() < 1e-9 && search.center.latitude.abs() < 1e-9);
    let found = search.find(Geohash::of(at(9.0, 9.0))).expect("inside");
    assert!((found.distance_m - at(0.0, 0.0).distance_m(at(9.0, 9.0), Meridians::Close)).abs() < 1.0);
    assert_eq!(search.find(Geohash::of(at(11.0, 0.0))), None);
    // A side that turns inwards, and one that crosses another.
    let arrow =
        Search::of_polygon(vec![at(0.0, 0.0), at(10.0, 10.0), at(10.0, 0.0), at(8.0, 4.0)], Meridians::Close);
    assert!(arrow.find(Geohash::of(at(9.0, 8.0))).is_some());
    assert_eq!(arrow.find(Geohash::of(at(7.0, 2.0))), None);
    // Its center may be beyond the map: then everything is looked at.
    let corners = [at(-120.0, 84.9), at(120.0, 84.9), at(0.0, 85.05)];
    let search = Search::of_polygon(corners.to_vec(), Meridians::Close);
    assert!(search.center.latitude > LATITUDES.max);
    let places: Vec<Position> = (-14..15).map(|east| at(f64::from(10 * east), 84.91)).collect();
    let (by_areas, all) = both(&search, &places);
    assert_eq!(by_areas, all);
    assert!(all.len() > 20 && all.len() < places.len());
}

#[test]
fn sizes_without_end_come_to_an_end() {
    for radius in [0.0, 1e-300, 1e-9, 1e300, f64::INFINITY] {
        let search = circle(at(7.0, 50.0), radius, 1_609.34);
        let is_all = search.areas().map(|area| area.end - area.start).sum::<u64>() == 1 << 52;
        assert_eq!(is_all, radius > 1.0, "{radius}");
        assert_eq!(search.find(Geohash::of(at(-100.0, -50.0))).is_some(), radius > 1.0, "{radius}");
        let shape = Shape::Box { width: radius, height: radius };
        let search = Search::new(at(7.0, 50.0), shape, 1_000.0, Meridians::Equal);
        assert!(search.areas().count() > 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Also where areas miss something: what a circle finds is what its distances say.
    #[test]
    fn a_circle_finds_by_distance(
        (search, positions) in (-180.0..180.0f64, -85.0..85.0f64, radii(2.2e7)).prop_flat_map(|(longitude, latitude, radius_m)| {
            let center = at(longitude, latitude);
            positions(center, radius_m).prop_map(move |positions| (circle(center, radius_m, 1.0), positions))
        })
    ) {
        for position in positions {
            let geohash = Geohash::of(position);
            let found = search.find(geohash).map(|found| found.distance_m);
            prop_assert_eq!(found, is_found(&search, geohash.position()));
        }
    }

    #[test]
    fn areas_have_all_of_a_circle(
        (search, positions) in (-160.0..160.0f64, -60.0..60.0f64, radii(1e6)).prop_flat_map(|(longitude, latitude, radius_m)| {
            let center = at(longitude, latitude);
            positions(center, radius_m).prop_map(move |positions| (circle(center, radius_m, 1.0), positions))
        })
    ) {
        let (by_areas, all) = both(&search, &positions);
        prop_assert_eq!(by_areas, all);
    }

    #[test]
    fn areas_have_all_of_a_box(
        (search, positions) in (-160.0..160.0f64, -60.0..60.0f64, radii(1e6), 0.01..1.0f64, any::<bool>()).prop_flat_map(
            |(longitude, latitude, long, part, is_wide)| {
                let center = at(longitude, latitude);
                let (width, height) = if is_wide { (long, long * part) } else { (long * part, long) };
                let search = Search::new(center, Shape::Box { width, height }, 1.0, Meridians::Close);
                positions(center, long / 2.0).prop_map(move |positions| (search.clone(), positions))
            }
        )
    ) {
        let (by_areas, all) = both(&search, &positions);
        prop_assert_eq!(by_areas, all);
    }

    #[test]
    fn areas_have_all_of_a_polygon(
        (search, positions) in (-150.0..150.0f64, -50.0..50.0f64, radii(1e6)).prop_flat_map(|(longitude, latitude, reach_m)| {
            let center = at(longitude, latitude);
            (positions(center, reach_m / 2.0), positions(center, reach_m)).prop_map(move |(corners, positions)| {
                let is_near = |corner: &Position| center.distance_m(*corner, Meridians::Close) < 1e6;
                let corners = corners.into_iter().filter(is_near).collect();
                (Search::of_polygon(corners, Meridians::Close), positions)
            })
        })
    ) {
        if let Shape::Polygon(corners) = &search.shape && corners.len() < 3 {
            return Ok(());
        }
        let (by_areas, all) = both(&search, &positions);
        prop_assert_eq!(by_areas, all);
    }

    /// Anywhere, and of any size: no area overlaps another, so nothing is found twice, and nothing is found that is not there.
    #[test]
    fn areas_never_overlap(longitude in -180.0..=180.0f64, latitude in -85.05..=85.05f64, radius_m in radii(1e8)) {
        let mut areas: Vec<Area> = circle(at(longitude, latitude), radius_m, 1.0).areas().collect();
        areas.sort_unstable_by_key(|area| area.start);
        prop_assert!(areas.windows(2).all(|pair| pair[0].end <= pair[1].start));
        prop_assert!(!areas.is_empty() && areas.len() <= 9);
    }
}
