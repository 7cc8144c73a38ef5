//! What GEOSEARCH and its relatives ask for. The sorted set is looked at meanwhile, for it may have the center; the first fault in
//! the arguments is what is answered.

use super::meridians;
use super::unit::{position, radius, sides, unit_m};
use commands::Error;
use commands::args::{int, is};
use geo::{Geohash, Position, Search, Shape};
use profile::Profile;
use structures::SortedSet;

/// By which distances hits are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Nearest,
    Farthest,
}

/// Where hits are stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) key: &'a [u8],
    /// Distances become the scores, not geohashes.
    pub(super) has_distances: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Query<'a> {
    /// What is searched; `None` if there is no sorted set.
    pub(super) search: Option<Search>,
    pub(super) target: Option<Target<'a>>,
    pub(super) with_distance: bool,
    pub(super) with_hash: bool,
    pub(super) with_position: bool,
    /// The order that was asked for.
    order: Option<Order>,
    pub(super) count: Option<usize>,
    /// Any hits will do, as long as they are as many as the count.
    pub(super) any: bool,
}

/// What a command's arguments are read with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'k> {
    /// The sorted set, if there is one.
    pub(super) set: Option<&'k SortedSet>,
    pub(super) profile: Profile,
}

/// Arguments that are still to be read.
type Rest<'b, 'a> = &'b [&'a [u8]];

impl Context<'_> {
    /// The position of a member, which must be there; `None` if there is no sorted set.
    fn member(self, member: &[u8]) -> Result<Option<Position>, Error> {
        let Some(set) = self.set else { return Ok(None) };
        let Some(score) = set.score(member) else { return Err(self.no_such(member)) };
        Ok(Some(Geohash::of_score(score.get()).position()))
    }

    fn no_such(self, member: &[u8]) -> Error {
        if !self.profile.has("9.0.0") {
            return Error::text("ERR could not decode requested zset member");
        }
        // As C prints a string: up to a zero byte.
        let member = member.split(|&byte| byte == 0).next().unwrap_or_default();
        Error::Bytes([b"ERR member ", member, b" does not exist"].concat().into())
    }

    fn search(self, center: Option<Position>, shape: Shape, unit_m: f64) -> Option<Search> {
        center.map(|center| Search::new(center, shape, unit_m, meridians(self.profile)))
    }
}

impl<'a> Query<'a> {
    /// `longitude latitude radius unit [option …]`
    pub(super) fn around_position(
        args: &[&'a [u8]],
        cx: Context<'_>,
        may_store: bool,
    ) -> Result<Self, Error> {
        let center = position(args[0], args[1], cx.profile)?;
        let shape = Shape::Circle { radius: radius(args[2], cx.profile)? };
        let search = cx.search(cx.set.map(|_| center), shape, unit_m(args[3])?);
        Query { search, ..Query::default() }.with_options(&args[4..], may_store)
    }

    /// `member radius unit [option …]`
    pub(super) fn around_member(args: &[&'a [u8]], cx: Context<'_>, may_store: bool) -> Result<Self, Error> {
        let search = match cx.member(args[0])? {
            // Without a sorted set the radius is not even read.
            None => None,
            center => {
                let shape = Shape::Circle { radius: radius(args[1], cx.profile)? };
                cx.search(center, shape, unit_m(args[2])?)
            }
        };
        Query { search, ..Query::default() }.with_options(&args[3..], may_store)
    }

    /// The options of the older commands.
    fn with_options(mut self, args: &[&'a [u8]], may_store: bool) -> Result<Self, Error> {
        let mut rest = args;
        while !rest.is_empty() {
            rest = match *rest {
                [word, key, ref rest @ ..] if may_store && (is(word, "STORE") || is(word, "STOREDIST")) => {
                    self.target = Some(Target { key, has_distances: is(word, "STOREDIST") });
                    rest
                }
                _ => self.option(rest)?,
            };
        }
        self.check_stored("STORE option in GEORADIUS")?;
        self.checked()
    }

    /// `[option …]` of the newer commands, behind their keys. `name` is what the client calls the command.
    pub(super) fn parse(
        args: &[&'a [u8]],
        cx: Context<'_>,
        name: &[u8],
        destination: Option<&'a [u8]>,
    ) -> Result<Self, Error> {
        let target = destination.map(|key| Target { key, has_distances: false });
        let mut query = Query { target, ..Query::default() };
        let (mut place, mut shape) = (Place::default(), None);
        let mut rest = args;
        while !rest.is_empty() {
            rest = match *rest {
                [word, ref rest @ ..] if is(word, "STOREDIST") && destination.is_some() => {
                    query.target = destination.map(|key| Target { key, has_distances: true });
                    rest
                }
                _ => match place.take(rest, cx, &shape)? {
                    Some(rest) => rest,
                    None => match take_shape(rest, cx, &place, &mut shape)? {
                        Some(rest) => rest,
                        None => query.option(rest)?,
                    },
                },
            };
        }
        query.check_stored("GEOSEARCHSTORE")?;
        let of = |what: &str| {
            let name = String::from_utf8_lossy(name);
            Error::Other(format!("ERR exactly one of {what} can be specified for {name}").into())
        };
        let has_polygons = cx.profile.has("9.0.0");
        query.search = match shape {
            Some((Shape::Polygon(vertices), _)) => {
                cx.set.map(|_| Search::of_polygon(vertices, meridians(cx.profile)))
            }
            _ if !place.is_told() => return Err(of("FROMMEMBER or FROMLONLAT")),
            Some((shape, unit_m)) => cx.search(place.position.filter(|_| cx.set.is_some()), shape, unit_m),
            None if has_polygons => return Err(of("BYRADIUS, BYBOX and BYPOLYGON")),
            None => return Err(of("BYRADIUS and BYBOX")),
        };
        query.checked()
    }

    /// An option that all commands have.
    fn option<'b>(&mut self, args: Rest<'b, 'a>) -> Result<Rest<'b, 'a>, Error> {
        match args {
            [word, count, rest @ ..] if is(word, "COUNT") => {
                let count = usize::try_from(int(count)?).ok().filter(|&count| count > 0);
                self.count = Some(count.ok_or(Error::text("ERR COUNT must be > 0"))?);
                Ok(rest)
            }
            [word, rest @ ..] => {
                match word {
                    _ if is(word, "WITHDIST") => self.with_distance = true,
                    _ if is(word, "WITHHASH") => self.with_hash = true,
                    _ if is(word, "WITHCOORD") => self.with_position = true,
                    _ if is(word, "ANY") => self.any = true,
                    _ if is(word, "ASC") => self.order = Some(Order::Nearest),
                    _ if is(word, "DESC") => self.order = Some(Order::Farthest),
                    _ => return Err(Error::Syntax),
                }
                Ok(rest)
            }
            [] => Ok(args),
        }
    }

    /// What is stored has no room for more than a score.
    fn check_stored(&self, what: &str) -> Result<(), Error> {
        if self.target.is_none() || self.extras() == 0 {
            return Ok(());
        }
        let text = format!("ERR {what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
        Err(Error::Other(text.into()))
    }

    fn checked(self) -> Result<Self, Error> {
        if self.any && self.count.is_none() {
            return Err(Error::text("ERR the ANY argument requires COUNT argument"));
        }
        Ok(self)
    }

    /// How many things stand beside each member.
    pub(super) fn extras(&self) -> usize {
        [self.with_distance, self.with_hash, self.with_position].into_iter().filter(|&with| with).count()
    }

    /// The order of the hits; `None` if they stay as they are found. A count means the nearest ones, unless any will do.
    pub(super) fn order(&self) -> Option<Order> {
        let implied = (self.count.is_some() && !self.any).then_some(Order::Nearest);
        self.order.or(implied)
    }
}

/// Where the center is, as far as it was told.
#[derive(Debug, Default)]
struct Place {
    /// FROMMEMBER came.
    is_member: bool,
    /// FROMLONLAT came.
    is_position: bool,
    /// Where it is: unknown if it is that of a member and there is no sorted set.
    position: Option<Position>,
}

impl Place {
    fn is_told(&self) -> bool {
        self.is_member || self.is_position
    }

    /// FROMMEMBER or FROMLONLAT, if it comes next and may: only one of the two, and none with a polygon.
    fn take<'b, 'a>(
        &mut self,
        args: Rest<'b, 'a>,
        cx: Context<'_>,
        shape: &Option<(Shape, f64)>,
    ) -> Result<Option<Rest<'b, 'a>>, Error> {
        if matches!(shape, Some((Shape::Polygon(_), _))) {
            return Ok(None);
        }
        Ok(match args {
            [word, member, rest @ ..] if is(word, "FROMMEMBER") && !self.is_position => {
                self.position = cx.member(member)?;
                self.is_member = true;
                Some(rest)
            }
            [word, longitude, latitude, rest @ ..] if is(word, "FROMLONLAT") && !self.is_member => {
                self.position = Some(position(longitude, latitude, cx.profile)?);
                self.is_position = true;
                Some(rest)
            }
            _ => None,
        })
    }
}

/// BYRADIUS, BYBOX or BYPOLYGON, if it comes next and may: not beside another of them. The last one of a kind counts.
fn take_shape<'b, 'a>(
    args: Rest<'b, 'a>,
    cx: Context<'_>,
    place: &Place,
    shape: &mut Option<(Shape, f64)>,
) -> Result<Option<Rest<'b, 'a>>, Error> {
    let (told, rest) = match args {
        [word, length, unit, rest @ ..]
            if is(word, "BYRADIUS") && matches!(shape, None | Some((Shape::Circle { .. }, _))) =>
        {
            let radius = radius(length, cx.profile)?;
            ((Shape::Circle { radius }, unit_m(unit)?), rest)
        }
        [word, width, height, unit, rest @ ..]
            if is(word, "BYBOX") && matches!(shape, None | Some((Shape::Box { .. }, _))) =>
        {
            let (width, height) = sides(width, height, cx.profile)?;
            ((Shape::Box { width, height }, unit_m(unit)?), rest)
        }
        [word, count, rest @ ..]
            if is(word, "BYPOLYGON")
                && cx.profile.has("9.0.0")
                && !rest.is_empty()
                && !place.is_told()
                && matches!(shape, None | Some((Shape::Polygon(_), _))) =>
        {
            let (vertices, rest) = vertices(count, rest, cx.profile)?;
            ((Shape::Polygon(vertices), 1.0), rest)
        }
        _ => return Ok(None),
    };
    *shape = Some(told);
    Ok(Some(rest))
}

/// The vertices of a polygon, and what follows them.
fn vertices<'b, 'a>(
    count: &[u8],
    args: Rest<'b, 'a>,
    profile: Profile,
) -> Result<(Vec<Position>, Rest<'b, 'a>), Error> {
    let count = int(count).ok().and_then(|count| i32::try_from(count).ok());
    let count = count.ok_or(Error::text("ERR invalid number of vertices"))?;
    let split = usize::try_from(count).ok().filter(|&count| count >= 3);
    let split = split.and_then(|count| args.split_at_checked(count.checked_mul(2)?));
    let (args, rest) = split.ok_or(Error::text("ERR GEOSEARCH BYPOLYGON must have at least 3 vertices"))?;
    let (pairs, _) = args.as_chunks::<2>();
    let vertices: Result<Vec<_>, _> = pairs.iter().map(|[lon, lat]| position(lon, lat, profile)).collect();
    Ok((vertices?, rest))
}
