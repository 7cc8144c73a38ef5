//! The thread that asks all nodes, each second.
//!
//! A second that the store cannot take at once, because somebody asks it for much, is written with the next one.

use super::lag::Track;
use super::{Heard, Inner, Place, Second, lock};
use crate::clock::system_ms;
use agent::{Answer, Measuring};
use fleet::NodeId;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use supervision::Reading;
use telemetry::{Series, SeriesId, Store, Value};
use tracing::warn;

/// How long a second's answers are waited for. A node answers within a ms; a starved machine needs more.
const ANSWERS: Duration = Duration::from_millis(600);

/// Seconds that may wait for the store before it is waited for.
const MOST_WAITING: usize = 10;

struct Sampler {
    registry: Weak<Inner>,
    measuring: Measuring,
    began: Instant,
    /// Of each shard, by region, deployment and its id.
    tracks: HashMap<[String; 3], Track>,
    /// The series of each member, by region, deployment and its name.
    ids: HashMap<[String; 3], HashMap<String, SeriesId>>,
    waiting: Vec<Arc<Second>>,
    /// The last failure of the disk: the same again is no news.
    told: String,
}

/// Starts it; it ends when the registry is gone.
pub(super) fn begin(registry: Weak<Inner>, measuring: Measuring) -> io::Result<()> {
    let mut sampler = Sampler {
        registry,
        measuring,
        began: Instant::now(),
        tracks: HashMap::new(),
        ids: HashMap::new(),
        waiting: Vec::new(),
        told: String::new(),
    };
    std::thread::Builder::new().name("sampler".into()).spawn(move || sampler.run()).map(drop)
}

impl Sampler {
    fn run(&mut self) {
        loop {
            std::thread::sleep(Duration::from_millis(1000 - system_ms() % 1000));
            let Some(registry) = self.registry.upgrade() else { return };
            let at = system_ms() / 1000;
            let roster = lock(&registry.roster).clone();
            let second = Arc::new(self.ask(at, &roster));
            *lock(&registry.latest) = second.clone();
            self.waiting.push(second);
            let store = match registry.try_store() {
                Some(store) => Some(store),
                None if self.waiting.len() >= MOST_WAITING => Some(lock(&registry.store)),
                None => None,
            };
            if let Some(mut store) = store {
                let waiting = std::mem::take(&mut self.waiting);
                if let Ok(store) = &mut *store {
                    waiting.iter().for_each(|second| self.record(store, second));
                }
            }
        }
    }

    fn ask(&mut self, at: u64, roster: &[Place]) -> Second {
        let nodes: Vec<NodeId> = roster.iter().map(|place| place.node).collect();
        let answers = self.measuring.round(&nodes, ANSWERS);
        let mut answers: HashMap<NodeId, Answer> =
            answers.into_iter().map(|answer| (answer.node, answer)).collect();
        let heard = roster.iter().map(|place| {
            let answer = answers.remove(&place.node);
            Heard { place: place.clone(), answer, lag: None }
        });
        let mut heard: Vec<Heard> = heard.collect();
        self.find_lags(&mut heard);
        Second { at, heard }
    }

    fn find_lags(&mut self, heard: &mut [Heard]) {
        let now = self.began.elapsed().as_secs_f64();
        self.tracks.retain(|shard, _| heard.iter().any(|one| shard_of(&one.place) == *shard));
        for one in heard.iter().filter(|one| is_primary(one) == Some(true)) {
            if let Some(offset) = offset(one) {
                self.tracks.entry(shard_of(&one.place)).or_default().note(&one.place.member, now, offset);
            }
        }
        for one in heard.iter_mut().filter(|one| is_primary(one) == Some(false)) {
            let track = self.tracks.get(&shard_of(&one.place));
            one.lag = track.zip(offset(one)).and_then(|(track, offset)| track.lag(now, offset));
        }
    }

    fn record(&mut self, store: &mut Store, second: &Second) {
        let key = |place: &Place| [place.region.clone(), place.deployment.clone(), place.member.clone()];
        if self.ids.len() > second.heard.len() {
            self.ids.retain(|member, _| second.heard.iter().any(|one| key(&one.place) == *member));
        }
        let mut values: Vec<(SeriesId, Value)> = Vec::new();
        let mut new: Vec<(Series, Value)> = Vec::new();
        for one in second.heard.iter().filter(|one| one.answer.is_some()) {
            let ids = self.ids.entry(key(&one.place)).or_default();
            for (name, value) in one.values().filter_map(|(name, value)| Some((name, Value::of(value)?))) {
                match ids.get(name) {
                    Some(id) => values.push((*id, value)),
                    None => new.push((series(&one.place, name), value)),
                }
            }
        }
        let written = self.register(store, new).and_then(|new| {
            values.extend(new);
            if values.is_empty() { Ok(true) } else { store.record(second.at, &values) }
        });
        match written {
            Ok(_) => self.told.clear(),
            Err(why) if why.to_string() != self.told => {
                self.told = why.to_string();
                warn!("what was measured cannot be written ({why}); it is tried again each second");
            }
            Err(_) => {}
        }
    }

    fn register(
        &mut self,
        store: &mut Store,
        new: Vec<(Series, Value)>,
    ) -> io::Result<Vec<(SeriesId, Value)>> {
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let (series, values): (Vec<Series>, Vec<Value>) = new.into_iter().unzip();
        let ids = store.register(&series)?;
        for (series, id) in series.iter().zip(&ids) {
            let [region, deployment, member] = &series.dimensions[..] else { continue };
            let key = [region.1.clone(), deployment.1.clone(), member.1.clone()];
            self.ids.entry(key).or_default().insert(series.name.clone(), *id);
        }
        Ok(ids.into_iter().zip(values).collect())
    }
}

/// The names of a series' dimensions, in their order.
pub(super) const DIMENSIONS: [&str; 3] = ["Region", "Deployment", "Member"];

fn series(place: &Place, name: &str) -> Series {
    let values = [&place.region, &place.deployment, &place.member];
    let dimensions = DIMENSIONS.iter().zip(values).map(|(name, value)| ((*name).to_owned(), value.clone()));
    Series { name: name.to_owned(), dimensions: dimensions.collect() }
}

fn shard_of(place: &Place) -> [String; 3] {
    [place.region.clone(), place.deployment.clone(), place.shard.clone()]
}

/// `None` when it has not answered.
fn is_primary(one: &Heard) -> Option<bool> {
    match one.measured()?.get("IsMaster")? {
        Reading::Now(is) => Some(*is > 0.0),
        _ => None,
    }
}

/// Its place in the stream of writes.
fn offset(one: &Heard) -> Option<f64> {
    match one.measured()?.get("ReplicationBytes")? {
        Reading::Grown(offset) => Some(*offset),
        _ => None,
    }
}
