//! Latencies by percentile as SVG: both axes logarithmic, the horizontal one in the distance from 100 percent, so that the
//! slowest of a million requests have as much room as half of all.

use super::Series;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 520.0;
/// Around the field of the lines: left, top, right, bottom.
const MARGIN: [f64; 4] = [80.0, 40.0, 30.0, 60.0];
/// Under the picture, for each line's name.
const LEGEND_LINE: f64 = 20.0;
/// Told apart by people who see few colours, and beside that by their dashes.
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#000000"];
const DASHES: [&str; 3] = ["none", "8 4", "2 3"];

/// Draws the lines.
pub fn svg(title: &str, all: &[Series]) -> String {
    let scale = Scale::of(all);
    let height = HEIGHT + LEGEND_LINE * all.len() as f64;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{}\" y=\"24\" font-size=\"16\">{}</text>\n",
        MARGIN[0],
        escaped(title)
    );
    let (left, right) = (MARGIN[0], WIDTH - MARGIN[2]);
    let (top, bottom) = (MARGIN[1], HEIGHT - MARGIN[3]);
    for power in scale.low..=scale.high {
        let y = scale.y(10f64.powi(power));
        text += &line((left, y), (right, y));
        text += &label((left - 8.0, y + 4.0), "end", &time(power));
    }
    for nines in 0..=scale.nines {
        let x = scale.x(1.0 - 10f64.powi(-nines));
        text += &line((x, top), (x, bottom));
        text += &label((x, bottom + 18.0), "middle", &percentile(nines));
    }
    text += &label(((left + right) / 2.0, bottom + 42.0), "middle", "percentile of requests");
    for (place, series) in all.iter().enumerate() {
        let (colour, dashes) = (COLOURS[place % COLOURS.len()], DASHES[place / COLOURS.len() % DASHES.len()]);
        let style =
            format!("fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\"");
        let points =
            series.points.iter().map(|&(share, ns)| format!("{:.1},{:.1}", scale.x(share), scale.y(ns)));
        text += &format!("<polyline {style} points=\"{}\"/>\n", points.collect::<Vec<_>>().join(" "));
        let y = HEIGHT + LEGEND_LINE * place as f64;
        text += &format!("<line x1=\"{left}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\" {style}/>\n", left + 40.0);
        text += &label((left + 50.0, y + 4.0), "start", &series.name);
    }
    text + "</svg>\n"
}

/// From latencies and shares to places.
struct Scale {
    /// Powers of ten nanoseconds.
    low: i32,
    high: i32,
    /// Digits of the last percentile.
    nines: i32,
}

impl Scale {
    fn of(all: &[Series]) -> Scale {
        let points = || all.iter().flat_map(|series| &series.points);
        let lowest = points().map(|(_, ns)| *ns).filter(|ns| *ns > 0.0).fold(f64::INFINITY, f64::min);
        let highest = points().map(|(_, ns)| *ns).fold(1.0, f64::max);
        let last = points().map(|(share, _)| *share).filter(|share| *share < 1.0).fold(0.9, f64::max);
        let low = if lowest.is_finite() { lowest.log10().floor() as i32 } else { 0 };
        let high = (highest.log10().ceil() as i32).max(low + 1);
        Scale { low, high, nines: ((-(1.0 - last).log10()).ceil() as i32).clamp(1, 12) }
    }

    fn x(&self, share: f64) -> f64 {
        let nines = (-(1.0 - share).max(f64::MIN_POSITIVE).log10()).min(f64::from(self.nines));
        MARGIN[0] + (WIDTH - MARGIN[0] - MARGIN[2]) * nines / f64::from(self.nines)
    }

    fn y(&self, ns: f64) -> f64 {
        let place = (ns.max(1.0).log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        HEIGHT - MARGIN[3] - (HEIGHT - MARGIN[1] - MARGIN[3]) * place.clamp(0.0, 1.0)
    }
}

/// 10 to a power of nanoseconds.
fn time(power: i32) -> String {
    let (unit, below) = match power {
        ..=2 => ("ns", 0),
        3..=5 => ("us", 3),
        6..=8 => ("ms", 6),
        _ => ("s", 9),
    };
    format!("{} {unit}", 10f64.powi(power - below))
}

/// 0, 90, 99, 99.9…
fn percentile(nines: i32) -> String {
    match nines {
        0 => "0".to_owned(),
        1 => "90".to_owned(),
        2 => "99".to_owned(),
        _ => format!("99.{}", "9".repeat(nines as usize - 2)),
    }
}

fn line(from: (f64, f64), to: (f64, f64)) -> String {
    format!(
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#dddddd\"/>\n",
        from.0, from.1, to.0, to.1
    )
}

fn label(at: (f64, f64), anchor: &str, text: &str) -> String {
    format!("<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>\n", at.0, at.1, escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_a_line_each_and_escapes_names() {
        let series = |name: &str, ns: f64| Series {
            name: name.to_owned(),
            points: vec![(0.0, ns), (0.9, 2.0 * ns), (0.999, 50.0 * ns)],
        };
        let text = svg("a <b>", &[series("x & y", 100_000.0), series("z", 300_000.0)]);
        assert_eq!(text.matches("<polyline").count(), 2);
        assert!(text.contains("a &lt;b&gt;") && text.contains("x &amp; y"), "{text}");
        for label in [">100 us<", ">100 ms<", ">90<", ">99.9<"] {
            assert!(text.contains(label), "{label}");
        }
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }

    #[test]
    fn places_grow_with_what_they_stand_for() {
        let all = [Series { name: String::new(), points: vec![(0.0, 1e4), (0.9998, 1e7)] }];
        let scale = Scale::of(&all);
        assert_eq!((scale.low, scale.high, scale.nines), (4, 7, 4));
        assert!((scale.x(0.9) - scale.x(0.0) - (scale.x(0.99) - scale.x(0.9))).abs() < 0.01);
        assert!((scale.y(1e4) - scale.y(1e5) - (scale.y(1e5) - scale.y(1e6))).abs() < 0.01);
        assert!(svg("nothing", &[]).ends_with("</svg>\n"));
    }
}
