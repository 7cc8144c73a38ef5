//! The series that there are: names, dimensions, ids.

use crate::frames;
use files::{Appender, Directory, Permission};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::io;

const FILE: &str = "series";
const HEAD: &[u8] = b"engram series 1";

/// What is measured of what.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Series {
    /// The metric.
    pub name: String,
    /// Names and values that tell it from others of the same metric, in their order.
    pub dimensions: Vec<(String, String)>,
}

/// A series of a store, for as long as that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(pub(crate) u32);

/// All series. An id is the place in the list, and is known to the disk before a value is recorded under it. The place of a series that
/// nothing is kept of is free for another one.
#[derive(Debug)]
pub(crate) struct Catalogue {
    directory: Directory,
    /// `None` when it is not known what the file holds: it is written anew.
    file: Option<Appender>,
    all: Vec<Option<Series>>,
    ids: HashMap<Series, SeriesId>,
    /// The file had something behind its last whole frame.
    is_torn: bool,
}

impl Catalogue {
    /// Reads the file, and writes nothing: see [`Catalogue::accept`].
    pub(crate) fn open(directory: Directory) -> io::Result<Catalogue> {
        let bytes = directory.read(FILE)?.unwrap_or_default();
        let mut catalogue =
            Catalogue { directory, file: None, all: Vec::new(), ids: HashMap::new(), is_torn: false };
        let mut whole = if bytes.is_empty() { 0 } else { frames::frame(HEAD).len() };
        for body in frames::behind_head(&bytes, HEAD, FILE)? {
            whole += frames::frame(body).len();
            let series: Option<Series> = serde_json::from_slice(body)?;
            let id = SeriesId(catalogue.all.len() as u32);
            catalogue.ids.extend(series.clone().map(|series| (series, id)));
            catalogue.all.push(series);
        }
        catalogue.is_torn = whole < bytes.len();
        Ok(catalogue)
    }

    /// Begins to write, if these are the ids in use; `are_all` says whether everything that uses ids could be read.
    ///
    /// A frame that a crash has torn was never used: its id is on the disk before a value is. So an id in use that is not here was lost with
    /// a damaged frame, and with it the names of all behind it. To go on would give them to others.
    ///
    /// # Errors
    /// When one is not here, and when the disk fails. Nothing was written in the first case.
    pub(crate) fn accept(&mut self, used: &HashSet<SeriesId>, are_all: bool) -> io::Result<()> {
        let is_known = |id: &SeriesId| self.all.get(id.0 as usize).is_some_and(Option::is_some);
        let unknown = used.iter().filter(|id| !is_known(id)).count();
        let why = match (unknown, self.is_torn && !are_all) {
            (0, false) => return self.write_anew(),
            (0, true) => "its end is not whole, and a segment cannot be read".to_owned(),
            (unknown, _) => format!("{unknown} series that have points are not in it"),
        };
        Err(io::Error::new(io::ErrorKind::InvalidData, format!("{FILE} is damaged: {why}")))
    }

    /// A start may have read what no disk holds.
    fn write_anew(&mut self) -> io::Result<()> {
        self.file = None;
        let mut bytes = frames::frame(HEAD);
        for series in &self.all {
            bytes.extend(frames::frame(&serde_json::to_vec(series)?));
        }
        self.directory.publish(FILE, Permission::Owner, &bytes)?;
        self.file = Some(self.directory.append(FILE)?);
        Ok(())
    }

    /// Forgets the series that are not used; their ids are those of others from then on.
    pub(crate) fn keep(&mut self, used: &HashSet<SeriesId>) -> io::Result<()> {
        let known = self.ids.len();
        self.ids.retain(|_, id| used.contains(id));
        if self.ids.len() == known {
            return Ok(());
        }
        for (at, series) in self.all.iter_mut().enumerate() {
            series.take_if(|_| !used.contains(&SeriesId(at as u32)));
        }
        while self.all.pop_if(|last| last.is_none()).is_some() {}
        self.write_anew()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (SeriesId, &Series)> {
        let all = self.all.iter().enumerate();
        all.filter_map(|(at, series)| Some((SeriesId(at as u32), series.as_ref()?)))
    }

    pub(crate) fn id(&self, series: &Series) -> Option<SeriesId> {
        self.ids.get(series).copied()
    }

    /// The ids of these series, in their order. New ones are on the disk when it returns.
    pub(crate) fn ids(&mut self, wanted: &[Series]) -> io::Result<Vec<SeriesId>> {
        let known = self.all.len();
        let mut free = (0..known).filter(|at| self.all[*at].is_none()).collect::<Vec<_>>().into_iter();
        let (mut ids, mut new) = (Vec::with_capacity(wanted.len()), Vec::new());
        for series in wanted {
            ids.push(self.id(series).unwrap_or_else(|| {
                let at = free.next().unwrap_or(self.all.len());
                let id = SeriesId(at as u32);
                match self.all.get_mut(at) {
                    Some(place) => *place = Some(series.clone()),
                    None => self.all.push(Some(series.clone())),
                }
                self.ids.insert(series.clone(), id);
                new.push(at);
                id
            }));
        }
        let fills = new.first().is_some_and(|first| *first < known);
        let written = if fills || self.file.is_none() { self.write_anew() } else { self.append(known) };
        if written.is_err() {
            self.file = None;
            for series in new.iter().filter_map(|at| self.all[*at].take()) {
                self.ids.remove(&series);
            }
            self.all.truncate(known);
        }
        written.map(|()| ids)
    }

    fn append(&mut self, known: usize) -> io::Result<()> {
        let Some(file) = self.file.as_mut().filter(|_| known < self.all.len()) else { return Ok(()) };
        for series in &self.all[known..] {
            file.append(&frames::frame(&serde_json::to_vec(series)?))?;
        }
        file.sync()
    }
}
