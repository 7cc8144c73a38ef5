//! The two files, and what a crash of the machine leaves of them: what was synced or replaced, and of what was appended since then
//! anything between nothing and all.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Which of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Snapshot,
    Log,
}

impl Part {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Part::Snapshot => "fleet.json",
            Part::Log => "fleet.log",
        }
    }
}

/// Where the files are.
pub(crate) trait Disk: fmt::Debug + Send {
    /// All of a file; `None` if it is not there.
    fn read(&mut self, part: Part) -> io::Result<Option<Vec<u8>>>;
    /// Puts bytes in a file's place: after a crash there is the old one or the new one, and after the return the new one.
    fn replace(&mut self, part: Part, bytes: &[u8]) -> io::Result<()>;
    /// Puts bytes behind those of the log.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Everything that was appended stays, whatever comes.
    fn sync(&mut self) -> io::Result<()>;
    /// Shortens the log.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

/// Files of a directory.
#[derive(Debug)]
pub(crate) struct Files {
    directory: PathBuf,
    /// Open once there is something to append.
    log: Option<File>,
}

impl Files {
    pub(crate) fn open(directory: &Path) -> io::Result<Files> {
        std::fs::create_dir_all(directory)?;
        Ok(Files { directory: directory.to_owned(), log: None })
    }

    fn log(&mut self) -> io::Result<&mut File> {
        if self.log.is_none() {
            let path = self.directory.join(Part::Log.name());
            self.log = Some(OpenOptions::new().append(true).open(path)?);
        }
        Ok(self.log.as_mut().expect("it was opened"))
    }
}

impl Disk for Files {
    fn read(&mut self, part: Part) -> io::Result<Option<Vec<u8>>> {
        match std::fs::read(self.directory.join(part.name())) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn replace(&mut self, part: Part, bytes: &[u8]) -> io::Result<()> {
        if part == Part::Log {
            self.log = None;
        }
        replace(&self.directory, part.name(), bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.log()?.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.log()?.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.log()?.set_len(length)
    }
}

/// Replaces a file as a whole: after a crash there is the old one or the new one.
pub(crate) fn replace(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let (temporary, path) = (directory.join(format!("{name}.tmp")), directory.join(name));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, &path)?;
    File::open(directory)?.sync_all()
}
