//! Outcomes as JSON, and the latencies read back for a picture.

use serde_json::{Value, json};

use super::QUANTILES;
use crate::plan::{Pace, Plan};
use crate::run::Outcome;
use crate::tally::Tally;

/// Of the form of the document.
const VERSION: u64 = 1;
/// Latencies that are kept between one factor of ten and the next: 0.9, 0.99, 0.999.
const STEPS: u32 = 20;

/// A line of a picture: shares of requests (0 to 1) with the latency that each stays within.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// How it is called.
    pub name: String,
    /// The shares, ascending, with latencies in nanoseconds.
    pub points: Vec<(f64, f64)>,
}

/// Everything that is known of loads, as one document.
pub fn document(loads: &[(Plan, Outcome)]) -> Value {
    json!({
        "engram_bench": VERSION,
        "loads": loads.iter().map(|(plan, outcome)| load(plan, outcome)).collect::<Vec<_>>(),
    })
}

fn load(plan: &Plan, outcome: &Outcome) -> Value {
    let pace = match plan.pace {
        Pace::Closed => json!({ "loop": "closed" }),
        Pace::Open { rate, arrivals } => json!({ "loop": "open", "rate": rate, "arrivals": arrivals.name() }),
    };
    let commands = outcome.commands.iter().zip(&plan.commands).map(|((name, tally), command)| {
        let mut value = answers(name, outcome, tally);
        value["command"] = json!(command.text);
        value["weight"] = json!(command.weight);
        value
    });
    json!({
        "name": outcome.name,
        "target": plan.target.to_string(),
        "protocol": format!("{:?}", plan.protocol).to_lowercase(),
        "pace": pace,
        "connections": plan.connections,
        "threads": plan.threads,
        "pipeline": plan.depth,
        "keys": plan.data.keys,
        "distribution": plan.data.distribution.to_string(),
        "value_bytes": plan.data.sizes.to_string(),
        "warm_up_s": plan.warm_up.as_secs_f64(),
        "seed": plan.seed,
        "elapsed_s": outcome.elapsed.as_secs_f64(),
        "commands": commands.collect::<Vec<_>>(),
        "total": answers("total", outcome, &outcome.total()),
        "unanswered": outcome.unanswered,
        "unsent": outcome.unsent,
        "lost_connections": outcome.lost_connections,
        "first_error": outcome.first_error,
        "complaint": outcome.complaint,
        "generator_woke_late_us": outcome.woke_late_ns as f64 / 1e3,
    })
}

fn answers(name: &str, outcome: &Outcome, tally: &Tally) -> Value {
    let us = |ns: f64| ns / 1e3;
    let mut latency = serde_json::Map::new();
    latency.insert("mean".to_owned(), json!(us(tally.mean_ns())));
    for (name, quantile) in QUANTILES {
        latency.insert(name.to_owned(), json!(us(tally.quantile_ns(quantile) as f64)));
    }
    latency.insert("max".to_owned(), json!(us(tally.max_ns() as f64)));
    json!({
        "name": name,
        "requests": tally.count(),
        "errors": tally.errors,
        "nils": tally.nils,
        "per_second": outcome.rate(tally.count()),
        "latency_us": latency,
        "quantiles_us": quantiles(tally).into_iter().map(|(share, ns)| [share, us(ns)]).collect::<Vec<_>>(),
    })
}

/// Shares that lie closer and closer to 1, up to the last request.
fn quantiles(tally: &Tally) -> Vec<(f64, f64)> {
    let last = (tally.count() as f64).log10().max(0.0);
    let steps = (last * f64::from(STEPS)).ceil() as u32;
    let share = |step: u32| 1.0 - 10f64.powf(-f64::from(step) / f64::from(STEPS));
    (0..=steps).map(|step| (share(step), tally.quantile_ns(share(step)) as f64)).collect()
}

/// The lines of a document: the total of each load. `name` is what they have in common.
pub fn series(name: &str, document: &Value) -> Result<Vec<Series>, String> {
    if document["engram_bench"] != VERSION {
        return Err(format!("{name} is no result of engram bench, or of another version"));
    }
    let loads = document["loads"].as_array().ok_or_else(|| format!("{name} has no loads"))?;
    let mut all = Vec::new();
    for load in loads {
        let point = |point: &Value| Some((point[0].as_f64()?, point[1].as_f64()? * 1e3));
        let points = load["total"]["quantiles_us"].as_array();
        let points: Option<Vec<(f64, f64)>> = points.and_then(|points| points.iter().map(point).collect());
        let points = points.ok_or_else(|| format!("{name} has a load without latencies"))?;
        let title = load["name"].as_str().unwrap_or_default();
        let name = if name.is_empty() { title.to_owned() } else { format!("{name}: {title}") };
        all.push(Series { name, points });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::outcome;
    use super::*;
    use crate::{Command, Target};

    #[test]
    fn a_document_has_all_figures_and_its_lines_are_read_back() {
        let commands = vec![Command::new("get {key}", 9), Command::new("SET {key} {value}", 1)];
        let plan = Plan::new(Target::Tcp("localhost".to_owned(), 6379), commands);
        let document = document(&[(plan, outcome())]);
        let load = &document["loads"][0];
        assert_eq!(load["commands"][0]["requests"], 1000);
        assert_eq!(load["commands"][0]["command"], "get {key}");
        assert_eq!(load["total"]["errors"], 1);
        assert_eq!(load["total"]["latency_us"]["max"].as_f64().map(f64::round), Some(150_077.0));
        let read: Value = serde_json::from_str(&document.to_string()).expect("JSON");
        let series = series("a", &read).expect("lines");
        assert_eq!((series.len(), series[0].name.as_str()), (1, "a: mixed"));
        let points = &series[0].points;
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1), "{points:?}");
        let (share, ns) = points[points.len() - 1];
        assert!(share > 0.998 && ns > 9e8 / 1e3, "{share} {ns}");
        assert!(super::series("x", &json!({})).is_err());
    }
}
