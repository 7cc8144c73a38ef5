//! What the disk holds, and when it fails.

use super::file::File;
use super::names::Names;
use super::{Choose, Survival};
use crate::disk::For;
use crate::error::Action;
use rustix::io::Errno;
use std::ffi::OsString;
use std::io;
use std::path::Path;

/// The number of the directory `/`.
const ROOT: usize = 0;

/// What a number stands for.
#[derive(Clone, Debug)]
enum Node {
    File(File),
    Directory,
}

#[derive(Debug)]
pub(super) struct State {
    /// Files and directories by their numbers. A number is given out once.
    nodes: Vec<Node>,
    names: Names,
    pub(super) calls: u64,
    pub(super) room: Option<u64>,
    pub(super) failing: Option<(Option<Action>, u64)>,
    pub(super) stops_in: Option<u64>,
    is_stopped: bool,
}

impl Default for State {
    fn default() -> State {
        State::with(vec![Node::Directory], Names::default())
    }
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Done,
    /// It fails and nothing is done, or half of it.
    Fails,
    /// It is begun, and then there is no power.
    Stops,
}

impl Fate {
    /// The result of a call, whose work is done by now as far as it is to be.
    fn result(self) -> io::Result<()> {
        if self == Fate::Done { Ok(()) } else { Err(Errno::IO.into()) }
    }
}

impl State {
    fn with(nodes: Vec<Node>, names: Names) -> State {
        State { nodes, names, calls: 0, room: None, failing: None, stops_in: None, is_stopped: false }
    }

    /// Counts a call that changes something. Without power it is not begun at all.
    fn begin(&mut self, action: Action) -> io::Result<Fate> {
        if self.is_stopped {
            return Err(Errno::IO.into());
        }
        self.calls += 1;
        if let Some(left) = &mut self.stops_in {
            if *left == 0 {
                self.is_stopped = true;
                return Ok(Fate::Stops);
            }
            *left -= 1;
        }
        if let Some((which, left)) = &mut self.failing
            && which.is_none_or(|which| which == action)
        {
            if *left == 0 {
                self.failing = None;
                return Ok(Fate::Fails);
            }
            *left -= 1;
        }
        Ok(Fate::Done)
    }

    fn has_power(&self) -> io::Result<()> {
        if self.is_stopped { Err(Errno::IO.into()) } else { Ok(()) }
    }

    /// The directory of a path and the last name in it.
    fn parent(&self, path: &Path) -> io::Result<(usize, OsString)> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Errno::INVAL.into());
        };
        let number = self.find(parent)?;
        match self.nodes[number] {
            Node::Directory => Ok((number, name.to_owned())),
            Node::File(_) => Err(Errno::NOTDIR.into()),
        }
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        assert!(path.has_root(), "{}: paths of a simulated disk are absolute", path.display());
        if path.parent().is_none() {
            return Ok(ROOT);
        }
        let (parent, name) = self.parent(path)?;
        self.names.seen(parent, &name).ok_or_else(|| Errno::NOENT.into())
    }

    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    pub(super) fn file(&mut self, number: usize) -> &mut File {
        match &mut self.nodes[number] {
            Node::File(file) => file,
            Node::Directory => unreachable!("files alone are opened"),
        }
    }

    pub(super) fn open(&mut self, path: &Path, purpose: For) -> io::Result<usize> {
        self.has_power()?;
        let (parent, name) = self.parent(path)?;
        let found = self.names.seen(parent, &name);
        if found.is_some_and(|number| matches!(self.nodes[number], Node::Directory)) {
            return Err(Errno::ISDIR.into());
        }
        let mode = match purpose {
            For::Reading | For::Appending => return found.ok_or_else(|| Errno::NOENT.into()),
            For::Writing(mode) => mode,
            For::WritingAndReading => crate::disk::USUAL,
        };
        let fate = self.begin(Action::Create)?;
        if fate == Fate::Fails {
            fate.result()?;
        }
        let number = match found {
            Some(number) => {
                self.file(number).empty();
                number
            }
            None => {
                let number = self.add(Node::File(File::new(mode)));
                self.names.change(vec![(parent, name, Some(number))]);
                number
            }
        };
        fate.result().map(|()| number)
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.has_power()?;
        let ((from, from_name), (to, to_name)) = (self.parent(from)?, self.parent(to)?);
        let Some(number) = self.names.seen(from, &from_name) else { return Err(Errno::NOENT.into()) };
        if let Some(there) = self.names.seen(to, &to_name) {
            match (&self.nodes[number], &self.nodes[there]) {
                (Node::File(_), Node::Directory) => return Err(Errno::ISDIR.into()),
                (Node::Directory, Node::File(_)) => return Err(Errno::NOTDIR.into()),
                (Node::Directory, Node::Directory) if !self.names.is_empty(there) => {
                    return Err(Errno::NOTEMPTY.into());
                }
                _ => {}
            }
        }
        let fate = self.begin(Action::Rename)?;
        if fate != Fate::Fails {
            self.names.change(vec![(from, from_name, None), (to, to_name, Some(number))]);
        }
        fate.result()
    }

    /// Removes a file, or a directory with nothing in it.
    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.has_power()?;
        let (parent, name) = self.parent(path)?;
        let Some(number) = self.names.seen(parent, &name) else { return Err(Errno::NOENT.into()) };
        if !self.names.is_empty(number) {
            return Err(Errno::NOTEMPTY.into());
        }
        let fate = self.begin(Action::Remove)?;
        if fate != Fate::Fails {
            self.names.change(vec![(parent, name, None)]);
        }
        fate.result()
    }

    pub(super) fn make_directory(&mut self, path: &Path) -> io::Result<()> {
        self.has_power()?;
        if path.parent().is_none() {
            return Err(Errno::EXIST.into());
        }
        let (parent, name) = self.parent(path)?;
        if self.names.seen(parent, &name).is_some() {
            return Err(Errno::EXIST.into());
        }
        let fate = self.begin(Action::Make)?;
        if fate != Fate::Fails {
            let number = self.add(Node::Directory);
            self.names.change(vec![(parent, name, Some(number))]);
        }
        fate.result()
    }

    pub(super) fn is_directory(&self, path: &Path) -> bool {
        self.find(path).is_ok_and(|number| matches!(self.nodes[number], Node::Directory))
    }

    pub(super) fn mode(&self, path: &Path) -> io::Result<u32> {
        match &self.nodes[self.find(path)?] {
            Node::File(file) => Ok(file.mode),
            Node::Directory => Ok(0o755),
        }
    }

    pub(super) fn names(&self, path: &Path) -> Vec<String> {
        let names = self.find(path).map(|number| self.names.of(number)).unwrap_or_default();
        names.into_iter().map(|name| name.to_string_lossy().into_owned()).collect()
    }

    pub(super) fn sync_directory(&mut self, path: &Path) -> io::Result<()> {
        self.has_power()?;
        let number = self.find(path)?;
        let fate = self.begin(Action::SyncDirectory)?;
        self.names.sync(number, fate == Fate::Done);
        fate.result()
    }

    pub(super) fn write(&mut self, number: usize, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let fate = self.begin(Action::Write)?;
        let room = self.room.unwrap_or(u64::MAX).min(bytes.len() as u64) as usize;
        let written = if fate == Fate::Fails { room / 2 } else { room };
        if let Some(left) = &mut self.room {
            *left -= written as u64;
        }
        self.file(number).write(offset, &bytes[..written]);
        fate.result()?;
        if written < bytes.len() { Err(Errno::NOSPC.into()) } else { Ok(()) }
    }

    pub(super) fn sync(&mut self, number: usize) -> io::Result<()> {
        let fate = self.begin(Action::Sync)?;
        self.file(number).sync(fate == Fate::Done);
        fate.result()
    }

    pub(super) fn set_mode(&mut self, number: usize, mode: u32) -> io::Result<()> {
        let fate = self.begin(Action::Permit)?;
        if fate != Fate::Fails {
            self.file(number).mode = mode;
        }
        fate.result()
    }

    pub(super) fn read(&mut self, number: usize) -> io::Result<&[u8]> {
        self.has_power()?;
        Ok(self.file(number).seen())
    }

    pub(super) fn crash(&self, survival: Survival, choose: Choose<'_>) -> State {
        let names = self.names.crash(choose);
        let reachable = names.reachable(ROOT);
        let left = self.nodes.iter().enumerate().map(|(number, node)| match node {
            // Of what nobody finds it need not be asked what it holds.
            Node::File(file) if reachable.contains(&number) => Node::File(file.crash(survival, choose)),
            other => other.clone(),
        });
        State::with(left.collect(), names)
    }
}
