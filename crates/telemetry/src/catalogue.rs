//! The series that there are: names, dimensions, ids.

use crate::frames;
use files::{Appender, Directory, Permission};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
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

/// A series of one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(pub(crate) u32);

/// All series. An id is the place in the list, and is known to the disk before a value is recorded under it.
#[derive(Debug)]
pub(crate) struct Catalogue {
    directory: Directory,
    /// `None` when it is not known what the file holds: it is written anew.
    file: Option<Appender>,
    all: Vec<Series>,
    ids: HashMap<Series, SeriesId>,
}

impl Catalogue {
    pub(crate) fn open(directory: Directory) -> io::Result<Catalogue> {
        let bytes = directory.read(FILE)?.unwrap_or_default();
        let mut catalogue = Catalogue { directory, file: None, all: Vec::new(), ids: HashMap::new() };
        for body in frames::behind_head(&bytes, HEAD, FILE)? {
            catalogue.push(serde_json::from_slice(body)?);
        }
        catalogue.write_anew()?;
        Ok(catalogue)
    }

    fn push(&mut self, series: Series) -> SeriesId {
        let id = SeriesId(self.all.len() as u32);
        self.ids.insert(series.clone(), id);
        self.all.push(series);
        id
    }

    /// A start may have read what no disk holds.
    fn write_anew(&mut self) -> io::Result<()> {
        let mut bytes = frames::frame(HEAD);
        for series in &self.all {
            bytes.extend(frames::frame(&serde_json::to_vec(series)?));
        }
        self.directory.publish(FILE, Permission::Owner, &bytes)?;
        self.file = Some(self.directory.append(FILE)?);
        Ok(())
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (SeriesId, &Series)> {
        self.all.iter().enumerate().map(|(at, series)| (SeriesId(at as u32), series))
    }

    pub(crate) fn id(&self, series: &Series) -> Option<SeriesId> {
        self.ids.get(series).copied()
    }

    /// The ids of these series, in their order. New ones are on the disk when it returns.
    pub(crate) fn ids(&mut self, wanted: &[Series]) -> io::Result<Vec<SeriesId>> {
        if self.file.is_none() {
            self.write_anew()?;
        }
        let known = self.all.len();
        let mut ids = Vec::with_capacity(wanted.len());
        for series in wanted {
            ids.push(match self.id(series) {
                Some(id) => id,
                None => self.push(series.clone()),
            });
        }
        let written = self.append(known);
        if written.is_err() {
            self.file = None;
            for series in self.all.drain(known..) {
                self.ids.remove(&series);
            }
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
