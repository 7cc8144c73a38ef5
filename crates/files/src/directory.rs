//! A directory: every access to a file begins here.

use crate::disk::{Disk, For, Handle};
use crate::draft::{Draft, Permission};
use crate::error::{Action, failed};
use crate::{Appender, Scratch};
use std::ffi::OsStr;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// A directory of a disk. It is a name: nothing is opened, and it need not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    disk: Disk,
    path: PathBuf,
}

impl Directory {
    /// A directory of the system. The empty path is the working directory.
    pub fn at(path: impl Into<PathBuf>) -> Directory {
        Directory::on(Disk::System, path.into())
    }

    pub(crate) fn on(disk: Disk, path: PathBuf) -> Directory {
        let path = if path.as_os_str().is_empty() { PathBuf::from(".") } else { path };
        Directory { disk, path }
    }

    /// The directory that a file of the system is in.
    pub fn of(file: &Path) -> Directory {
        Directory::at(file.parent().unwrap_or(Path::new("/")))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A directory in this one.
    pub fn within(&self, name: impl AsRef<Path>) -> Directory {
        Directory { disk: self.disk.clone(), path: self.path.join(name) }
    }

    /// A directory that is in the same one as this.
    pub fn beside(&self, name: impl AsRef<OsStr>) -> Directory {
        Directory { disk: self.disk.clone(), path: self.path.with_file_name(name) }
    }

    fn parent(&self) -> Option<Directory> {
        let path = self.path.parent()?.to_owned();
        Some(Directory::on(self.disk.clone(), path))
    }

    /// Whether it is there.
    pub fn exists(&self) -> bool {
        self.disk.is_directory(&self.path)
    }

    /// Makes it, and those that it is in, unless it is there. On return it stays, whatever comes.
    ///
    /// # Errors
    /// When it can't be made, or the disk fails to keep its name.
    pub fn make(&self) -> io::Result<()> {
        let Some(parent) = self.parent() else { return Ok(()) };
        if self.exists() {
            // Who made it may have ended before its name was kept. Whose parent cannot be read was not made by us.
            return match parent.sync() {
                Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
                synced => synced,
            };
        }
        parent.make()?;
        match self.disk.make_directory(&self.path) {
            // Somebody else was quicker.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && self.exists() => {}
            // Something else has the name.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(failed(Action::Make, &self.path)(rustix::io::Errno::NOTDIR.into()));
            }
            made => made.map_err(failed(Action::Make, &self.path))?,
        }
        parent.sync().inspect_err(|_| {
            // It is there, and no later sync could keep it: better it is made anew.
            let _ = self.disk.remove_directory(&self.path);
        })
    }

    /// Keeps the names in it: those that were made, changed and removed.
    ///
    /// # Errors
    /// When the disk fails. What becomes of the names after a crash is not known then, and a later sync says nothing of them.
    pub fn sync(&self) -> io::Result<()> {
        self.disk.sync_directory(&self.path).map_err(failed(Action::SyncDirectory, &self.path))
    }

    /// All of a file; `None` if it is not there.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn read(&self, name: impl AsRef<Path>) -> io::Result<Option<Vec<u8>>> {
        let Some(mut reader) = self.open(name)? else { return Ok(None) };
        let mut bytes = Vec::with_capacity(reader.length()? as usize);
        reader.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Opens a file to read it; `None` if it is not there.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn open(&self, name: impl AsRef<Path>) -> io::Result<Option<Reader>> {
        let path = self.path.join(name);
        match self.disk.open(&path, For::Reading) {
            Ok(handle) => Ok(Some(Reader { handle, path })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(Action::Open, &path)(error)),
        }
    }

    /// Opens a file that is there to write behind what it has.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn append(&self, name: impl AsRef<Path>) -> io::Result<Appender> {
        let path = self.path.join(name);
        let handle = self.disk.open(&path, For::Appending).map_err(failed(Action::Open, &path))?;
        Ok(Appender::new(handle, path))
    }

    /// Puts bytes in a file's place as a whole, by way of `<name>.tmp`: see [`Draft::publish`].
    ///
    /// # Errors
    /// See [`Draft::publish`]. The temporary file is removed.
    pub fn publish(&self, name: impl AsRef<OsStr>, permission: Permission, bytes: &[u8]) -> io::Result<()> {
        let mut temporary = name.as_ref().to_owned();
        temporary.push(".tmp");
        let mut draft = self.draft(name, temporary, permission)?;
        draft.write(bytes)?;
        draft.publish()
    }

    /// Begins a file that takes the place of `name` once it is complete, and is called `temporary` until then.
    ///
    /// # Errors
    /// When it can't be created.
    pub fn draft(
        &self,
        name: impl AsRef<OsStr>,
        temporary: impl AsRef<OsStr>,
        permission: Permission,
    ) -> io::Result<Draft> {
        Draft::create(self.clone(), name.as_ref(), temporary.as_ref(), permission)
    }

    /// Opens a file without a name. The given one is needed for an instant only.
    ///
    /// # Errors
    /// When the directory takes no file.
    pub fn scratch(&self, name: impl AsRef<Path>) -> io::Result<Scratch> {
        let path = self.path.join(name);
        let handle = self.disk.open(&path, For::WritingAndReading).map_err(failed(Action::Create, &path))?;
        self.disk.remove(&path).map_err(failed(Action::Remove, &path))?;
        Ok(Scratch::new(handle, path))
    }

    /// Removes a file, and says whether it was there. Until [`Directory::sync`] a crash may bring it back.
    ///
    /// # Errors
    /// When it can't be removed.
    pub fn remove(&self, name: impl AsRef<Path>) -> io::Result<bool> {
        let path = self.path.join(name);
        is_there(self.disk.remove(&path)).map_err(failed(Action::Remove, &path))
    }

    /// The names in it, in order.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn names(&self) -> io::Result<Vec<String>> {
        self.disk.names(&self.path).map_err(failed(Action::Read, &self.path))
    }

    /// Removes this directory with all that is in it, and says whether it was there. A crash may leave a part of it.
    ///
    /// # Errors
    /// When something can't be removed.
    pub fn remove_tree(&self) -> io::Result<bool> {
        is_there(self.disk.remove_tree(&self.path)).map_err(failed(Action::Remove, &self.path))
    }

    /// Gives this directory another place on its disk, and says whether it was there. On return it stays there, whatever comes.
    ///
    /// # Errors
    /// When it can't be renamed, or the disk fails to keep the names.
    pub fn move_to(&self, to: &Directory) -> io::Result<bool> {
        if !is_there(self.disk.rename(&self.path, &to.path)).map_err(failed(Action::Rename, &self.path))? {
            return Ok(false);
        }
        // The new name first: a crash between the two must not leave it without one.
        let (from, to) = (self.parent(), to.parent());
        if let Some(to) = &to {
            to.sync()?;
        }
        from.filter(|from| to.as_ref() != Some(from)).map_or(Ok(true), |from| from.sync().map(|()| true))
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.disk
    }
}

fn is_there(result: io::Result<()>) -> io::Result<bool> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        other => other.map(|()| true),
    }
}

/// A file that is read: from its beginning to its end, or at places.
#[derive(Debug)]
pub struct Reader {
    handle: Handle,
    path: PathBuf,
}

impl Reader {
    /// The length of the file.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn length(&self) -> io::Result<u64> {
        self.handle.length().map_err(failed(Action::Read, &self.path))
    }

    /// Fills all of `bytes` from a place of the file, which changes nothing for who reads it in order.
    ///
    /// # Errors
    /// When there are fewer bytes, or they can't be read.
    pub fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.handle.read_at(bytes, offset).map_err(failed(Action::Read, &self.path))
    }
}

impl Read for Reader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.handle.read(bytes) {
            // Whoever reads all of it tries again.
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
            read => read.map_err(failed(Action::Read, &self.path)),
        }
    }
}
