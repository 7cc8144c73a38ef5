//! Positions, lengths and units as arguments.

use command_spec::Arg;
use commands::Error;
use commands::args::{double, is};
use geo::Position;
use profile::Profile;

/// The units of lengths, with their lengths in meters.
const UNITS: [(&str, f64); 4] = [("m", 1.0), ("km", 1000.0), ("ft", 0.3048), ("mi", 1609.34)];

/// A unit in a spec.
pub(super) const UNIT: Arg = Arg::one_of(
    "unit",
    &[Arg::word("m", "M"), Arg::word("km", "KM"), Arg::word("ft", "FT"), Arg::word("mi", "MI")],
);

/// The meters of a unit.
pub(super) fn unit_m(text: &[u8]) -> Result<f64, Error> {
    let unit = UNITS.iter().find(|(name, _)| is(text, name));
    let unsupported = Error::text("ERR unsupported unit provided. please use M, KM, FT, MI");
    unit.map(|(_, meters)| *meters).ok_or(unsupported)
}

/// A position.
pub(super) fn position(longitude: &[u8], latitude: &[u8], profile: Profile) -> Result<Position, Error> {
    let degrees = |text| double(text, profile).ok_or(Error::NotFloat);
    let (longitude, latitude) = (degrees(longitude)?, degrees(latitude)?);
    Position::new(longitude, latitude).ok_or_else(|| {
        Error::Other(format!("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}").into())
    })
}

/// A radius.
pub(super) fn radius(text: &[u8], profile: Profile) -> Result<f64, Error> {
    let radius = double(text, profile).ok_or(Error::text("ERR need numeric radius"))?;
    if radius < 0.0 { Err(Error::text("ERR radius cannot be negative")) } else { Ok(radius) }
}

/// The width and the height of a box.
pub(super) fn sides(width: &[u8], height: &[u8], profile: Profile) -> Result<(f64, f64), Error> {
    let width = double(width, profile).ok_or(Error::text("ERR need numeric width"))?;
    let height = double(height, profile).ok_or(Error::text("ERR need numeric height"))?;
    let is_negative = width < 0.0 || height < 0.0;
    if is_negative { Err(Error::text("ERR height or width cannot be negative")) } else { Ok((width, height)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_map_is_shown_as_c_prints_it() {
        let text = |longitude: &str, latitude: &str| {
            position(longitude.as_bytes(), latitude.as_bytes(), Profile::Valkey80)
                .map_err(|error| error.to_string())
        };
        let message = |pair| Err(format!("ERR invalid longitude,latitude pair {pair}"));
        assert_eq!(text("181", "-0.0"), message("181.000000,-0.000000"));
        assert_eq!(text("-inf", "1e3"), message("-inf,1000.000000"));
        assert_eq!(text("1", "85.0511287801"), message("1.000000,85.051129"));
        assert_eq!(text("x", "181"), Err("ERR value is not a valid float".to_owned()));
        assert_eq!(text("181", "x"), Err("ERR value is not a valid float".to_owned()));
    }
}
