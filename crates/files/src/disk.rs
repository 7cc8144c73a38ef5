//! The calls of a disk: the system's, or those of a simulated one. In the product there is one variant of each enum, so
//! telling them apart costs nothing.

#[cfg(any(test, feature = "simulation"))]
use crate::simulation::{OpenFile, Simulation};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Which disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Disk {
    System,
    #[cfg(any(test, feature = "simulation"))]
    Simulated(Simulation),
}

/// For what a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    Reading,
    /// At its end; it has to be there.
    Appending,
    /// From its beginning: it is made, or emptied. With these permissions if it is made.
    Writing(u32),
    /// The same, and it is read back.
    WritingAndReading,
}

/// What everybody may do whom the umask lets: the permissions of a file that says nothing about them.
pub(crate) const USUAL: u32 = 0o666;

impl Disk {
    pub(crate) fn open(&self, path: &Path, purpose: For) -> io::Result<Handle> {
        match self {
            Disk::System => {
                let mut options = OpenOptions::new();
                match purpose {
                    For::Reading => options.read(true),
                    For::Appending => options.append(true),
                    For::Writing(mode) => options.write(true).create(true).truncate(true).mode(mode),
                    For::WritingAndReading => {
                        options.read(true).write(true).create(true).truncate(true).mode(USUAL)
                    }
                };
                options.open(path).map(Handle::System)
            }
            #[cfg(any(test, feature = "simulation"))]
            Disk::Simulated(disk) => disk.open(path, purpose).map(Handle::Simulated),
        }
    }

    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        match self {
            Disk::System => fs::rename(from, to),
            #[cfg(any(test, feature = "simulation"))]
            Disk::Simulated(disk) => disk.rename(from, to),
        }
    }

    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        match self {
            Disk::System => fs::remove_file(path),
            #[cfg(any(test, feature = "simulation"))]
            Disk::Simulated(disk) => disk.remove(path),
        }
    }

    pub(crate) fn remove_tree(&self, path: &Path) -> io::Result<()> {
        match self {
            Disk::System => fs::remove_dir_all(path),
            #[cfg(any(test, feature = "simulation"))]
            Disk::Simulated(disk) => disk.remove_tree(path),
        }
    }

    pub(crate) fn make_directory(&self, path: &Path) -> io::Result<()> {
        match self {
            Disk::System => DirBuilder::new().create(path),
            #[cfg(any(test, feature = "simulation"))]
            Disk::Simulated(disk) => disk.make_directory(path),
        }
    }

    /// Removes a directory with nothing in it.
    pub(crate) fn remove_directory(&self, path: &Path) -> io::Result<()> {
        match self {
            Disk::System => fs::remove_dir(path),
            #[cfg(any(test, feature = "simulation"))]
            Disk::Simulated(disk) => disk.remove(path),
        }
    }

    pub(crate) fn is_directory(&self, path: &Path) -> bool {
        match self {
            Disk::System => path.is_dir(),
            #[cfg(any(test, feature = "simulation"))]
            Disk::Simulated(disk) => disk.is_directory(path),
        }
    }

    /// The names in a directory, in order.
    pub(crate) fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        match self {
            Disk::System => {
                let entries = fs::read_dir(path)?;
                let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
                let mut names: Vec<String> = names.collect::<io::Result<_>>()?;
                names.sort_unstable();
                Ok(names)
            }
            #[cfg(any(test, feature = "simulation"))]
            Disk::Simulated(disk) => Ok(disk.names(path)),
        }
    }

    /// The permissions of a file that is there.
    pub(crate) fn mode(&self, path: &Path) -> io::Result<u32> {
        match self {
            Disk::System => Ok(fs::metadata(path)?.permissions().mode()),
            #[cfg(any(test, feature = "simulation"))]
            Disk::Simulated(disk) => disk.mode(path),
        }
    }

    pub(crate) fn sync_directory(&self, path: &Path) -> io::Result<()> {
        match self {
            Disk::System => File::open(path)?.sync_all(),
            #[cfg(any(test, feature = "simulation"))]
            Disk::Simulated(disk) => disk.sync_directory(path),
        }
    }
}

/// An open file.
#[derive(Debug)]
pub(crate) enum Handle {
    System(File),
    #[cfg(any(test, feature = "simulation"))]
    Simulated(OpenFile),
}

impl Handle {
    /// Writes all of it.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Handle::System(file) => file.write_all(bytes),
            #[cfg(any(test, feature = "simulation"))]
            Handle::Simulated(file) => file.write(bytes),
        }
    }

    pub(crate) fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Handle::System(file) => file.read(bytes),
            #[cfg(any(test, feature = "simulation"))]
            Handle::Simulated(file) => file.read(bytes),
        }
    }

    /// Fills all of it, from a place of the file.
    pub(crate) fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        match self {
            Handle::System(file) => file.read_exact_at(bytes, offset),
            #[cfg(any(test, feature = "simulation"))]
            Handle::Simulated(file) => file.read_at(bytes, offset),
        }
    }

    pub(crate) fn rewind(&mut self) -> io::Result<()> {
        match self {
            Handle::System(file) => file.rewind(),
            #[cfg(any(test, feature = "simulation"))]
            Handle::Simulated(file) => {
                file.rewind();
                Ok(())
            }
        }
    }

    pub(crate) fn length(&self) -> io::Result<u64> {
        match self {
            Handle::System(file) => Ok(file.metadata()?.len()),
            #[cfg(any(test, feature = "simulation"))]
            Handle::Simulated(file) => Ok(file.length()),
        }
    }

    /// Keeps the bytes, and of what is known about the file what is needed to read them.
    pub(crate) fn sync_data(&self) -> io::Result<()> {
        match self {
            Handle::System(file) => file.sync_data(),
            #[cfg(any(test, feature = "simulation"))]
            Handle::Simulated(file) => file.sync(),
        }
    }

    /// Keeps the bytes and everything that is known about the file.
    pub(crate) fn sync_all(&self) -> io::Result<()> {
        match self {
            Handle::System(file) => file.sync_all(),
            #[cfg(any(test, feature = "simulation"))]
            Handle::Simulated(file) => file.sync(),
        }
    }

    pub(crate) fn set_mode(&self, mode: u32) -> io::Result<()> {
        match self {
            Handle::System(file) => file.set_permissions(Permissions::from_mode(mode)),
            #[cfg(any(test, feature = "simulation"))]
            Handle::Simulated(file) => file.set_mode(mode),
        }
    }
}
