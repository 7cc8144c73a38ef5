//! What may be asked about measurements, and the answers, as the control socket carries them.

use super::sampler::DIMENSIONS;
use super::{Registry, lock};
use crate::clock::system_ms;
use metrics::cloudwatch::{Form, Row, rows};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use telemetry::{Query, Series, SeriesId, Statistic};

/// A question about the past. What is `None` is not chosen by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Of one deployment.
    #[serde(default)]
    pub deployment: Option<String>,
    /// Of one member.
    #[serde(default)]
    pub member: Option<String>,
    /// Of one metric, in any case of its letters.
    #[serde(default)]
    pub metric: Option<String>,
    /// The statistic; without one counters are summed up and all else is averaged.
    #[serde(default)]
    pub statistic: Option<String>,
    /// How many seconds back.
    pub since_s: u64,
    /// Seconds of a point.
    pub period_s: u64,
}

/// A series of the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesView {
    /// `us-east-1`
    pub region: String,
    /// `web`
    pub deployment: String,
    /// `web-001`
    pub member: String,
    /// `CacheHits`
    pub metric: String,
    /// CloudWatch's.
    pub unit: String,
    /// `Sum`
    pub statistic: String,
    /// Unix time in seconds of the beginning of each period that has a value, with the value.
    pub points: Vec<(u64, f64)>,
}

/// All members now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Now {
    /// Unix time in seconds; 0 before the first second.
    pub at: u64,
    /// In the order of `engram status`.
    pub members: Vec<MemberNow>,
}

/// A member now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberNow {
    /// `us-east-1`
    pub region: String,
    /// `web`
    pub deployment: String,
    /// `web-001`
    pub member: String,
    /// `n17`
    pub node: String,
    /// Its node has answered in this second; if not, it has no values.
    pub answers: bool,
    /// Seconds between its last two answers, of which the values are; 0 for one that has answered once.
    pub seconds: f64,
    /// By CloudWatch's names.
    pub values: BTreeMap<String, f64>,
}

/// Points in an answer. A socket carries them within its time.
const MOST_POINTS: u64 = 500_000;

const STATISTICS: [(&str, Statistic); 5] = [
    ("Average", Statistic::Average),
    ("Sum", Statistic::Sum),
    ("Minimum", Statistic::Minimum),
    ("Maximum", Statistic::Maximum),
    ("SampleCount", Statistic::SampleCount),
];

impl Registry {
    /// Answers a question about the past. It reads the disk, so it is for a thread that may wait.
    ///
    /// # Errors
    /// Why there is no answer, in a sentence without its end.
    pub fn ask(&self, question: &Question) -> Result<Vec<SeriesView>, String> {
        let rows = rows();
        let named = |name: &String| rows.iter().find(|row| row.name.eq_ignore_ascii_case(name));
        let metric = match &question.metric {
            None => None,
            Some(name) => Some(
                named(name)
                    .ok_or_else(|| format!("there is no metric {name}; docs/metrics.md lists them"))?,
            ),
        };
        let statistic = match &question.statistic {
            None => None,
            Some(name) => {
                let known = STATISTICS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
                Some(*known.ok_or_else(|| {
                    format!(
                        "there is no statistic {name}; there are {}",
                        STATISTICS.map(|(name, _)| name).join(", ")
                    )
                })?)
            }
        };
        let by_name: HashMap<&str, &Row> = rows.iter().map(|row| (&*row.name, row)).collect();
        let statistic_of =
            |row: &Row| statistic.unwrap_or(STATISTICS[usize::from(row.form == Form::Counter)]);
        let mut store = lock(&self.0.store);
        let store = store.as_mut().map_err(|why| why.clone())?;
        let mut chosen: Vec<(SeriesId, &Series, &Row)> = store
            .series()
            .filter_map(|(id, series)| {
                let row = by_name.get(&*series.name)?;
                let is_meant = metric.is_none_or(|metric| metric.name == row.name)
                    && question.deployment.as_ref().is_none_or(|name| dimension(series, 1) == name)
                    && question.member.as_ref().is_none_or(|name| dimension(series, 2) == name);
                is_meant.then_some((id, series, *row))
            })
            .collect();
        let key = |series: &Series| {
            [dimension(series, 0), dimension(series, 1), dimension(series, 2)].map(str::to_owned)
        };
        chosen.sort_by_cached_key(|(_, series, row)| (key(series), row.name.clone()));
        let period = question.period_s.max(1);
        let each = question.since_s.div_ceil(period);
        if (chosen.len() as u64).saturating_mul(each) > MOST_POINTS {
            return Err(format!(
                "{} series of {each} points are more than one answer has; ask for one member or one metric, or for a longer period",
                chosen.len()
            ));
        }
        let end = system_ms() / 1000 + 1;
        let range = end.saturating_sub(question.since_s)..end;
        let mut answers: Vec<Option<SeriesView>> = vec![None; chosen.len()];
        for (name, statistic) in STATISTICS {
            let (places, ids): (Vec<usize>, Vec<SeriesId>) = chosen
                .iter()
                .enumerate()
                .filter(|(_, (_, _, row))| statistic_of(row).0 == name)
                .map(|(place, (id, ..))| (place, *id))
                .unzip();
            if ids.is_empty() {
                continue;
            }
            let query = Query { range: range.clone(), period, statistic };
            let found = store.query(&ids, &query).map_err(|why| why.to_string())?;
            for (place, points) in places.into_iter().zip(found).filter(|(_, points)| !points.is_empty()) {
                let (_, series, row) = chosen[place];
                let [region, deployment, member] = key(series);
                let (metric, unit) = (row.name.to_string(), row.unit.to_owned());
                let statistic = name.to_owned();
                answers[place] =
                    Some(SeriesView { region, deployment, member, metric, unit, statistic, points });
            }
        }
        Ok(answers.into_iter().flatten().collect())
    }

    /// All members now.
    pub fn now(&self) -> Now {
        let latest = self.latest();
        let members = latest.heard.iter().map(|heard| {
            let between = heard.answer.as_ref().and_then(|answer| {
                Some(answer.now.at_us.saturating_sub(answer.before.as_ref()?.at_us) as f64 / 1e6)
            });
            MemberNow {
                region: heard.place.region.clone(),
                deployment: heard.place.deployment.clone(),
                member: heard.place.member.clone(),
                node: heard.place.node.to_string(),
                answers: heard.answer.is_some(),
                seconds: between.unwrap_or(0.0),
                values: heard.values().map(|(name, value)| (name.to_owned(), value)).collect(),
            }
        });
        Now { at: latest.at, members: members.collect() }
    }
}

/// A dimension of a series by its place in [`DIMENSIONS`].
fn dimension(series: &Series, place: usize) -> &str {
    let found = series.dimensions.get(place).filter(|(name, _)| name == DIMENSIONS[place]);
    found.map_or("", |(_, value)| value.as_str())
}
