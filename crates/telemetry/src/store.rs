//! The store: what is open in memory, what is sealed on the disk, and questions about both.

use crate::block::Columns;
use crate::catalogue::{Catalogue, Series, SeriesId};
use crate::point::{Point, Statistic, Value, fold};
use crate::samples::{self, Log, Sample};
use crate::segment::{self, Segment};
use crate::tier::{TIERS, Tier};
use files::Directory;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;
use std::ops::Range;

/// The log is synced after so many seconds: what a crash of the machine may lose.
pub const SYNC_SECONDS: u64 = 10;

/// Spans of seconds that wait for a disk that takes no segment. Beyond it the oldest is given up: memory is bounded.
const MOST_WAITING: usize = 4;

type Points = BTreeMap<SeriesId, Vec<Point>>;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Query {
    /// Unix time in seconds. The beginning is rounded down to the period.
    pub range: Range<u64>,
    /// Seconds of a point of the answer.
    pub period: u64,
    /// What is told of the values.
    pub statistic: Statistic,
}

/// Series and their values, in a directory of its own.
#[derive(Debug)]
pub struct Store {
    directory: Directory,
    catalogue: Catalogue,
    /// Seconds of the spans that are not sealed, by the start of the span.
    seconds: BTreeMap<u64, Vec<Sample>>,
    /// Points of the coarser tiers' spans that are not sealed.
    open: [BTreeMap<u64, Points>; 2],
    /// The starts of the segments of each tier.
    sealed: [BTreeSet<u64>; 3],
    /// `None` when it is not known what the file holds: it is begun anew.
    log: Option<Log>,
    unsynced: u64,
    last_at: u64,
}

impl Store {
    /// Opens the store in a directory, which is made if it is not there, and removes what is too old at the time `now`.
    ///
    /// # Errors
    /// When the disk fails, or files are not what was written.
    pub fn open(directory: Directory, now: u64) -> io::Result<Store> {
        directory.make()?;
        let mut sealed: [BTreeSet<u64>; 3] = Default::default();
        for name in directory.names()? {
            match Tier::of_file(&name) {
                Some((tier, start)) => drop(sealed[tier].insert(start)),
                // A draft that a crash broke off.
                None if name.ends_with(".tmp") => drop(directory.remove(&name)?),
                None => {}
            }
        }
        let catalogue = Catalogue::open(directory.clone())?;
        let mut store = Store {
            catalogue,
            seconds: BTreeMap::new(),
            open: Default::default(),
            sealed,
            log: None,
            unsynced: 0,
            last_at: 0,
            directory,
        };
        store.restore_open_spans()?;
        for (at, values) in samples::read(&store.directory)? {
            let span = TIERS[0].span_of(at);
            if !store.sealed[0].contains(&span) {
                store.seconds.entry(span).or_default().push((at, values));
                store.last_at = at;
            }
        }
        let (used, are_all) = store.used();
        store.catalogue.accept(&used, are_all)?;
        let behind_sealed = store.sealed[0].last().map_or(0, |start| start + TIERS[0].span - 1);
        store.last_at = store.last_at.max(behind_sealed);
        store.seal(TIERS[0].span_of(store.last_at))?;
        store.begin_log()?;
        store.expire(now)?;
        store.forget_unused()?;
        Ok(store)
    }

    /// Forgets the series of which there are no points any more. Nobody knows their ids at a start.
    fn forget_unused(&mut self) -> io::Result<()> {
        match self.used() {
            (used, true) => self.catalogue.keep(&used),
            // Whose points are in a segment that cannot be read is not known, so all are kept.
            (_, false) => Ok(()),
        }
    }

    /// The series that have points, and whether that is known of all.
    fn used(&self) -> (HashSet<SeriesId>, bool) {
        let values = self.seconds.values().flatten().flat_map(|(_, values)| values);
        let mut used: HashSet<SeriesId> = values.map(|(id, _)| *id).collect();
        let mut are_all = true;
        for (tier, sealed) in TIERS.iter().zip(&self.sealed) {
            for start in sealed {
                match Segment::open(&self.directory, tier, *start) {
                    Ok(segment) => used.extend(segment.series()),
                    Err(_) => are_all = false,
                }
            }
        }
        (used, are_all)
    }

    /// Makes the points of open spans from the segments of the tier before.
    fn restore_open_spans(&mut self) -> io::Result<()> {
        for (coarse, tier) in TIERS.iter().enumerate().skip(1) {
            let fine = coarse - 1;
            let is_open = |start: &&u64| !self.sealed[coarse].contains(&tier.span_of(**start));
            for start in self.sealed[fine].iter().filter(is_open) {
                let segment = Segment::open(&self.directory, &TIERS[fine], *start)?;
                let ids = segment.series();
                let open = self.open[fine].entry(tier.span_of(*start)).or_default();
                segment.read(&ids, |at, columns| fold_all(open, ids[at], columns.points(), tier))?;
            }
        }
        // The points of minutes that are in no segment are behind those that are.
        let (minutes, fives) = self.open.split_at_mut(1);
        for points in minutes[0].values() {
            for (id, points) in points {
                let Some(first) = points.first() else { continue };
                let span = TIERS[2].span_of(first.start);
                if !self.sealed[2].contains(&span) {
                    fold_all(fives[0].entry(span).or_default(), *id, points.iter().copied(), &TIERS[2]);
                }
            }
        }
        Ok(())
    }

    /// The ids of series, in their order; who is new joins the catalogue.
    ///
    /// # Errors
    /// When the disk fails. None of the new ones has joined then.
    pub fn register(&mut self, series: &[Series]) -> io::Result<Vec<SeriesId>> {
        self.catalogue.ids(series)
    }

    /// A series that has joined.
    pub fn id(&self, series: &Series) -> Option<SeriesId> {
        self.catalogue.id(series)
    }

    /// All series, in the order in which they joined.
    pub fn series(&self) -> impl Iterator<Item = (SeriesId, &Series)> {
        self.catalogue.all()
    }

    /// Takes the values of a second, and says whether it did: it must be later than the last one. Of two values of a series the later one counts.
    ///
    /// # Errors
    /// When the disk fails. The values are in memory all the same, and the next second writes them again.
    pub fn record(&mut self, at: u64, values: &[(SeriesId, Value)]) -> io::Result<bool> {
        if at <= self.last_at {
            return Ok(false);
        }
        let values: BTreeMap<SeriesId, Value> = values.iter().copied().collect();
        let values: Vec<(SeriesId, Value)> = values.into_iter().collect();
        let is_new_span = TIERS[0].span_of(at) != TIERS[0].span_of(self.last_at);
        self.last_at = at;
        let span = TIERS[0].span_of(at);
        let is_waiting = self.seconds.range(..span).next().is_some();
        self.seconds.entry(span).or_default().push((at, values));
        if is_new_span || is_waiting {
            // Should the disk fail before the log begins anew, this second is not in it.
            self.log = None;
            self.seal(span)?;
            self.begin_log()?;
            self.expire(at)?;
            return Ok(true);
        }
        self.append_last()?;
        Ok(true)
    }

    fn append_last(&mut self) -> io::Result<()> {
        let last = self.seconds.last_key_value().and_then(|(_, samples)| samples.last());
        let Some((log, (at, values))) = self.log.as_mut().zip(last) else { return self.begin_log() };
        let is_due = self.unsynced + 1 >= SYNC_SECONDS;
        let written = log.append(*at, values).and_then(|()| if is_due { log.sync() } else { Ok(()) });
        self.unsynced = if is_due { 0 } else { self.unsynced + 1 };
        if written.is_err() {
            // What the file holds is not known any more.
            self.log = None;
        }
        written
    }

    /// Begins the log with what is in no segment.
    fn begin_log(&mut self) -> io::Result<()> {
        self.log = None;
        let samples: Vec<Sample> = self.seconds.values().flatten().cloned().collect();
        self.log = Some(Log::begin(&self.directory, &samples)?);
        self.unsynced = 0;
        Ok(())
    }

    /// Seals the spans that are over when a span of seconds begins.
    fn seal(&mut self, current: u64) -> io::Result<()> {
        while let Some((&start, samples)) = self.seconds.range(..current).next() {
            let points = points_of(samples);
            if let Err(error) = segment::write(&self.directory, &TIERS[0], start, &points) {
                if self.seconds.len() > MOST_WAITING {
                    self.seconds.pop_first();
                }
                return Err(error);
            }
            self.seconds.remove(&start);
            self.sealed[0].insert(start);
            for (tier, open) in TIERS[1..].iter().zip(&mut self.open) {
                let open = open.entry(tier.span_of(start)).or_default();
                for (id, points) in &points {
                    fold_all(open, *id, points.iter().copied(), tier);
                }
            }
        }
        for (at, tier) in TIERS.iter().enumerate().skip(1) {
            while let Some((&start, points)) = self.open[at - 1].range(..tier.span_of(current)).next() {
                segment::write(&self.directory, tier, start, points)?;
                self.open[at - 1].remove(&start);
                self.sealed[at].insert(start);
            }
        }
        Ok(())
    }

    /// Removes the segments of which nothing is to be kept any more.
    fn expire(&mut self, now: u64) -> io::Result<()> {
        for (at, (tier, sealed)) in TIERS.iter().zip(&mut self.sealed).enumerate() {
            let too_old = |start: u64| start + tier.span + tier.kept <= now;
            while let Some(&start) = sealed.first().filter(|start| too_old(**start)) {
                // What the next tier still wants of it.
                if self.open.get(at).is_some_and(|open| open.contains_key(&TIERS[at + 1].span_of(start))) {
                    break;
                }
                self.directory.remove(tier.file(start))?;
                sealed.remove(&start);
            }
        }
        Ok(())
    }

    /// The points of series, each from the beginning of its period: an answer a series, in their order. Periods without a value have no point.
    /// The coarsest points are read that make up the period.
    ///
    /// # Errors
    /// When a segment can't be read.
    pub fn query(&self, ids: &[SeriesId], query: &Query) -> io::Result<Vec<Vec<(u64, f64)>>> {
        let Reach { period, range, at, spans } = Reach::of(query);
        let tier = &TIERS[at];
        let mut order: Vec<usize> = (0..ids.len()).collect();
        order.sort_by_key(|at| ids[*at]);
        let sorted: Vec<SeriesId> = order.iter().map(|at| ids[*at]).collect();
        let mut answers: Vec<Folding> =
            ids.iter().map(|_| Folding::new(query.statistic, period, tier.period)).collect();
        let mut add = |asked: usize, found: Found<'_>| {
            let answer = &mut answers[order[asked]];
            match found {
                Found::Sealed(columns) => answer.add_columns(columns, &range),
                Found::Open(points) => {
                    points.iter().filter(|point| range.contains(&point.start)).for_each(|p| answer.add(p));
                }
            }
        };
        if !spans.is_empty() {
            self.read(at, &sorted, spans, &range, &mut add)?;
        }
        Ok(answers.into_iter().map(Folding::end).collect())
    }

    /// How many points the answer has about each series that has any, at most. No point is read for it, only which series are where.
    ///
    /// # Errors
    /// When a segment can't be read.
    pub fn most_points(&self, query: &Query) -> io::Result<HashMap<SeriesId, u64>> {
        let Reach { period, range, at, spans } = Reach::of(query);
        let (mut most, tier) = (HashMap::new(), &TIERS[at]);
        if spans.is_empty() {
            return Ok(most);
        }
        for start in self.sealed[at].range(spans.clone()) {
            let (first, end) = ((*start).max(range.start), (start + tier.span).min(range.end));
            if first < end {
                let points = (end - 1) / period - first / period + 1;
                for id in Segment::open(&self.directory, tier, *start)?.series() {
                    *most.entry(id).or_default() += points;
                }
            }
        }
        if let Some(open) = at.checked_sub(1).map(|finer| &self.open[finer]) {
            for (id, points) in open.range(spans).flat_map(|(_, points)| points) {
                let starts = points.iter().map(|point| point.start).filter(|start| range.contains(start));
                let points = count_periods(starts, period);
                if points > 0 {
                    *most.entry(*id).or_default() += points;
                }
            }
        }
        let mut last: HashMap<SeriesId, u64> = HashMap::new();
        for (second, values) in self.seconds.values().flatten() {
            let start = second - second % tier.period;
            for (id, _) in values.iter().filter(|_| range.contains(&start)) {
                if last.insert(*id, start / period) != Some(start / period) {
                    *most.entry(*id).or_default() += 1;
                }
            }
        }
        Ok(most)
    }

    /// Hands out the points of a tier in the order of time, each with the place of its series in `sorted`.
    fn read(
        &self,
        at: usize,
        sorted: &[SeriesId],
        spans: Range<u64>,
        range: &Range<u64>,
        add: &mut impl FnMut(usize, Found<'_>),
    ) -> io::Result<()> {
        let tier = &TIERS[at];
        for start in self.sealed[at].range(spans.clone()) {
            let segment = Segment::open(&self.directory, tier, *start)?;
            segment.read(sorted, |asked, columns| add(asked, Found::Sealed(columns)))?;
        }
        if at > 0 {
            for points in self.open[at - 1].range(spans).map(|(_, points)| points) {
                for (asked, id) in sorted.iter().enumerate() {
                    add(asked, Found::Open(points.get(id).map_or(&[], Vec::as_slice)));
                }
            }
        }
        for samples in self.seconds.values() {
            let samples = samples.iter().filter(|(second, _)| {
                let start = second - second % tier.period;
                range.contains(&start)
            });
            for (second, values) in samples {
                for (asked, id) in sorted.iter().enumerate() {
                    if let Ok(found) = values.binary_search_by_key(id, |(id, _)| *id) {
                        let start = second - second % tier.period;
                        add(asked, Found::Open(&[Point::single(start, values[found].1)]));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Points of a series, in the order of time.
enum Found<'p> {
    /// In a segment.
    Sealed(&'p Columns),
    /// In memory.
    Open(&'p [Point]),
}

/// What a query has to look at.
struct Reach {
    period: u64,
    range: Range<u64>,
    /// The tier.
    at: usize,
    /// From the span in which the range begins; empty with it.
    spans: Range<u64>,
}

impl Reach {
    fn of(query: &Query) -> Reach {
        let period = query.period.max(1);
        let range = query.range.start - query.range.start % period..query.range.end;
        let at = TIERS.iter().rposition(|tier| period.is_multiple_of(tier.period)).unwrap_or(0);
        let spans = TIERS[at].span_of(range.start)..range.end.max(range.start);
        Reach { period, range, at, spans }
    }
}

fn count_periods(starts: impl Iterator<Item = u64>, period: u64) -> u64 {
    let (mut count, mut last) = (0, None);
    for of in starts.map(|start| start / period) {
        count += u64::from(last.replace(of) != Some(of));
    }
    count
}

/// The answer about one series while it is made. Only the point of the last period is held as a point: an answer may have millions.
struct Folding {
    statistic: Statistic,
    period: u64,
    /// The points that come are of this very period, so none is folded into another.
    is_finest: bool,
    open: Option<Point>,
    done: Vec<(u64, f64)>,
}

impl Folding {
    fn new(statistic: Statistic, period: u64, tier_period: u64) -> Folding {
        let is_finest = period == tier_period;
        Folding { statistic, period, is_finest, open: None, done: Vec::new() }
    }

    fn add(&mut self, point: &Point) {
        match &mut self.open {
            Some(open) if point.start - open.start < self.period => open.add(point),
            open => {
                let start =
                    if self.is_finest { point.start } else { point.start - point.start % self.period };
                if let Some(done) = open.replace(Point { start, ..*point }) {
                    self.done.push((done.start, done.statistic(self.statistic)));
                }
            }
        }
    }

    /// Adds those of a block that lie in the range. Where each of them is the answer's own point, only the last one becomes a [`Point`].
    fn add_columns(&mut self, columns: &Columns, range: &Range<u64>) {
        let starts = columns.starts();
        let first = starts.partition_point(|start| *start < range.start);
        let end = starts.partition_point(|start| *start < range.end);
        let Some(last) = end.checked_sub(1).filter(|last| first <= *last) else { return };
        // Room for all that may come, so that nothing is moved: memory that is not written costs nothing.
        self.done.reserve_exact((range.end.saturating_sub(starts[first]) / self.period) as usize + 1);
        let Some(singles) = columns.singles().filter(|_| self.statistic != Statistic::SampleCount) else {
            return (first..end).for_each(|at| self.add(&columns.point(at)));
        };
        if !self.is_finest {
            let values = singles[first..end].iter().map(|thousandths| Value::from_thousandths(*thousandths));
            let points = starts[first..end].iter().copied().zip(values);
            return points.for_each(|(start, value)| self.add(&Point::single(start, value)));
        }
        self.add(&columns.point(first));
        if first < last {
            let open = self.open.replace(columns.point(last));
            self.done.extend(open.map(|open| (open.start, open.statistic(self.statistic))));
            let number = |thousandths: &i64| Value::from_thousandths(*thousandths).number();
            let between = first + 1..last;
            let points = starts[between.clone()].iter().copied().zip(singles[between].iter().map(number));
            self.done.extend(points);
        }
    }

    fn end(mut self) -> Vec<(u64, f64)> {
        self.done.extend(self.open.map(|last| (last.start, last.statistic(self.statistic))));
        self.done
    }
}

fn fold_all(open: &mut Points, id: SeriesId, points: impl Iterator<Item = Point>, tier: &Tier) {
    let of_series = open.entry(id).or_default();
    for point in points {
        fold(of_series, &point, tier.period);
    }
}

fn points_of(samples: &[Sample]) -> Points {
    let mut series = Points::new();
    for (at, values) in samples {
        for (id, value) in values {
            series.entry(*id).or_default().push(Point::single(*at, *value));
        }
    }
    series
}
