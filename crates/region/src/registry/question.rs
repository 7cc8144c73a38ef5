//! What may be asked about measurements, and the answers, as the control socket carries them.

use super::sampler::DIMENSIONS;
use super::{Registry, lock};
use crate::clock::system_ms;
use metrics::cloudwatch::{Form, Row, rows};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use telemetry::{Query, Series, SeriesId, Statistic, Store};

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
    /// Before which second, Unix time; without one, up to now. The parts of an answer are of one time.
    #[serde(default)]
    pub until_s: Option<u64>,
    /// The series behind this one in the order of answers.
    #[serde(default)]
    pub after: Option<SeriesKey>,
}

/// The place of a series in the order of answers: region, deployment, member and metric.
pub type SeriesKey = [String; 4];

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

impl SeriesView {
    /// Where it stands.
    pub fn key(&self) -> SeriesKey {
        [&self.region, &self.deployment, &self.member, &self.metric].map(Clone::clone)
    }
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

/// Points in an answer: a socket carries them within its time. One that would have more ends with a whole series, and is asked for anew
/// from there.
const MOST_POINTS: u64 = 100_000;

const STATISTICS: [(&str, Statistic); 5] = [
    ("Average", Statistic::Average),
    ("Sum", Statistic::Sum),
    ("Minimum", Statistic::Minimum),
    ("Maximum", Statistic::Maximum),
    ("SampleCount", Statistic::SampleCount),
];

impl Registry {
    /// Answers a question about the past: the first series of the answer, or none if there is none (any more). It reads the disk, so it
    /// is for a thread that may wait.
    ///
    /// # Errors
    /// Why there is no answer, in a sentence without its end.
    pub fn ask(&self, question: &Question) -> Result<Vec<SeriesView>, String> {
        self.ask_for_part(question, MOST_POINTS)
    }

    fn ask_for_part(&self, question: &Question, most_points: u64) -> Result<Vec<SeriesView>, String> {
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
        let store = lock(&self.0.store);
        let store = store.as_ref().map_err(|why| why.clone())?;
        let mut chosen: Vec<Chosen<'_>> = store
            .series()
            .filter_map(|(id, series)| {
                let row = by_name.get(&*series.name)?;
                let is_meant = metric.is_none_or(|metric| metric.name == row.name)
                    && question.deployment.as_ref().is_none_or(|name| dimension(series, 1) == name)
                    && question.member.as_ref().is_none_or(|name| dimension(series, 2) == name);
                is_meant.then_some((id, series, *row))
            })
            .collect();
        let period = question.period_s.max(1);
        let end = question.until_s.unwrap_or_else(|| system_ms() / 1000 + 1);
        let range = end.saturating_sub(question.since_s)..end;
        // The statistic makes no difference to how many points there are.
        let any = Query { range: range.clone(), period, statistic: Statistic::Sum };
        let most = store.most_points(&any).map_err(|why| why.to_string())?;
        chosen.retain(|(id, series, row)| {
            most.contains_key(id) && question.after.as_ref().is_none_or(|after| key(series, row) > *after)
        });
        chosen.sort_by_cached_key(|(_, series, row)| key(series, row));
        let mut rest = &chosen[..];
        while !rest.is_empty() {
            let mut points = 0;
            let fits = rest.iter().take_while(|(id, ..)| {
                let is_first = points == 0;
                points += most[id];
                is_first || points <= most_points
            });
            let (part, behind) = rest.split_at(fits.count());
            rest = behind;
            let found = read(store, part, statistic_of, (range.clone(), period))?;
            // A series may be in a segment and have no point in the range: nothing is told by that.
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
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

/// A series that is asked for, and its metric.
type Chosen<'a> = (SeriesId, &'a Series, &'a Row);

/// Reads what is kept of series.
fn read(
    store: &Store,
    part: &[Chosen<'_>],
    statistic_of: impl Fn(&Row) -> (&'static str, Statistic),
    (range, period): (Range<u64>, u64),
) -> Result<Vec<SeriesView>, String> {
    let mut answers: Vec<Option<SeriesView>> = vec![None; part.len()];
    for (name, statistic) in STATISTICS {
        let (places, ids): (Vec<usize>, Vec<SeriesId>) = part
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
            let (_, series, row) = part[place];
            let [region, deployment, member, metric] = key(series, row);
            let (unit, statistic) = (row.unit.to_owned(), name.to_owned());
            answers[place] = Some(SeriesView { region, deployment, member, metric, unit, statistic, points });
        }
    }
    Ok(answers.into_iter().flatten().collect())
}

fn key(series: &Series, row: &Row) -> SeriesKey {
    [dimension(series, 0), dimension(series, 1), dimension(series, 2), &row.name].map(str::to_owned)
}

/// A dimension of a series by its place in [`DIMENSIONS`].
fn dimension(series: &Series, place: usize) -> &str {
    let found = series.dimensions.get(place).filter(|(name, _)| name == DIMENSIONS[place]);
    found.map_or("", |(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use files::Directory;
    use telemetry::Value;

    /// Members with two metrics each: `old` was measured an hour before the others.
    fn measured(directory: &std::path::Path, now: u64) -> Registry {
        let registry = Registry::open(Directory::at(directory));
        let mut store = lock(&registry.0.store);
        let mut record = |members: &[&str], seconds: std::ops::Range<u64>| {
            let store = store.as_mut().unwrap();
            let all: Vec<Series> = (members.iter())
                .flat_map(|member| ["CurrItems", "CacheHits"].map(|metric| (*member, metric)))
                .map(|(member, metric)| {
                    let values = ["us-east-1", "web", member];
                    let dimensions =
                        DIMENSIONS.iter().zip(values).map(|(name, value)| ((*name).into(), value.into()));
                    Series { name: metric.into(), dimensions: dimensions.collect() }
                })
                .collect();
            let ids = store.register(&all).unwrap();
            for second in seconds {
                let values: Vec<_> = ids.iter().map(|id| (*id, Value::from(second))).collect();
                store.record(second, &values).unwrap();
            }
        };
        record(&["old"], now - 3600..now - 3590);
        record(&["a", "b", "c"], now - 10..now);
        drop(store);
        registry
    }

    #[test]
    fn an_answer_comes_in_parts_of_whole_series() {
        let (directory, now) = (tempfile::tempdir().unwrap(), 2_000_000_000);
        let registry = measured(directory.path(), now);
        let question = Question { since_s: 7200, period_s: 1, until_s: Some(now), ..Question::default() };
        let all = registry.ask(&question).unwrap();
        let keys: Vec<String> =
            all.iter().map(|series| format!("{} {}", series.member, series.metric)).collect();
        let expected = ["a", "b", "c", "old"]
            .map(|member| [format!("{member} CacheHits"), format!("{member} CurrItems")]);
        assert_eq!(keys, expected.concat());
        assert!(all.iter().all(|series| series.points.len() == 10), "{all:?}");
        // How many points the segment of `old` has is not known before it is read: at most 300.
        for (most_points, parts) in [(1, 8), (20, 5), (25, 5), (30, 4), (1000, 1)] {
            let (mut found, mut count, mut question) = (Vec::new(), 0, question.clone());
            loop {
                let part = registry.ask_for_part(&question, most_points).unwrap();
                let Some(last) = part.last() else { break };
                question.after = Some(last.key());
                found.extend(part);
                count += 1;
            }
            assert_eq!((&found, count), (&all, parts), "at most {most_points} points");
        }
    }

    #[test]
    fn a_member_that_was_measured_earlier_is_no_part_of_the_answer() {
        let (directory, now) = (tempfile::tempdir().unwrap(), 2_000_000_000);
        let registry = measured(directory.path(), now);
        for since_s in [60, 3600 - 10] {
            let question = Question { since_s, period_s: 1, until_s: Some(now), ..Question::default() };
            let found = registry.ask(&question).unwrap();
            assert!(found.iter().all(|series| series.member != "old") && found.len() == 6, "{found:?}");
            let one = Question { metric: Some("curritems".into()), member: Some("b".into()), ..question };
            assert_eq!(registry.ask_for_part(&one, 1).unwrap().len(), 1, "a series is told as a whole");
        }
    }
}
