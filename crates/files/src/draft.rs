//! A file that takes another's place when it is complete.

use crate::directory::Directory;
use crate::disk::{For, Handle, USUAL};
use crate::error::{Action, Trust, failed};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Who may read a file that is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Whom the umask lets.
    Usual,
    /// Its owner alone.
    Owner,
    /// Whoever might read the file that it replaces; without one, whom the umask lets.
    AsBefore,
}

/// The temporary files of this process, by the numbers of their drafts.
static TEMPORARIES: Mutex<Temporaries> = Mutex::new(Temporaries { next: 0, files: BTreeMap::new() });

#[derive(Debug)]
struct Temporaries {
    next: u64,
    files: BTreeMap<u64, (Directory, PathBuf)>,
}

impl Temporaries {
    fn lock() -> MutexGuard<'static, Temporaries> {
        TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the temporary files of all drafts, for a process that ends without dropping them. From here on whoever begins
/// a draft or ends one waits for the end of the process, so none is left behind.
pub fn abandon_drafts() {
    let temporaries = Temporaries::lock();
    for (directory, temporary) in temporaries.files.values() {
        // One that was published just now has this name no more.
        let _ = directory.disk().remove(temporary);
    }
    std::mem::forget(temporaries);
}

/// A file on its way to its name. Dropped before it is published, it removes itself.
///
/// ```text
///   write … write ─▶ sync ─▶ rename ─▶ sync of the directory
///   └── a crash leaves the old file, and beside it a part of the new one ──┘ then the new one
/// ```
#[derive(Debug)]
pub struct Draft {
    number: u64,
    directory: Directory,
    handle: Handle,
    temporary: PathBuf,
    target: PathBuf,
    trust: Trust,
    has_name: bool,
}

impl Draft {
    pub(crate) fn create(
        directory: Directory,
        name: &OsStr,
        temporary: &OsStr,
        permission: Permission,
    ) -> io::Result<Draft> {
        let (temporary, target) = (directory.path().join(temporary), directory.path().join(name));
        let mode = if permission == Permission::Owner { 0o600 } else { USUAL };
        let mut temporaries = Temporaries::lock();
        let handle = directory.disk().open(&temporary, For::Writing(mode));
        let handle = handle.map_err(failed(Action::Create, &temporary))?;
        let number = temporaries.next;
        temporaries.next += 1;
        temporaries.files.insert(number, (directory.clone(), temporary.clone()));
        drop(temporaries);
        let (trust, has_name) = (Trust::default(), false);
        let draft = Draft { number, directory, handle, temporary, target, trust, has_name };
        if permission == Permission::AsBefore
            && let Ok(mode) = draft.directory.disk().mode(&draft.target)
        {
            draft.handle.set_mode(mode).map_err(failed(Action::Permit, &draft.temporary))?;
        }
        Ok(draft)
    }

    /// Writes the next bytes.
    ///
    /// # Errors
    /// When the disk does not take them; the draft is useless then.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Draft { handle, temporary, trust, .. } = self;
        trust.step(Action::Write, temporary, || handle.write(bytes))
    }

    /// Keeps what was written so far, so that the last sync has less to wait for.
    ///
    /// # Errors
    /// When the disk fails; the draft is useless then.
    pub fn sync(&mut self) -> io::Result<()> {
        let Draft { handle, temporary, trust, .. } = self;
        trust.step(Action::Sync, temporary, || handle.sync_data())
    }

    /// Puts it in the place of its target. Whoever reads the target sees the old file or this one as a whole, a crash
    /// included, and after the return this one, whatever comes.
    ///
    /// # Errors
    /// When the disk fails. The old file is in its place then; but if it was the last step that failed (the sync of the
    /// directory), the new one is, and which of the two a crash leaves is not known.
    pub fn publish(mut self) -> io::Result<()> {
        let Draft { directory, handle, temporary, target, trust, has_name, .. } = &mut self;
        trust.step(Action::Sync, temporary, || handle.sync_all())?;
        directory.disk().rename(temporary, target).map_err(failed(Action::Rename, temporary))?;
        *has_name = true;
        directory.sync()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.has_name {
            // Nobody needs half a file, and whoever dropped it has an error to tell already.
            let _ = self.directory.disk().remove(&self.temporary);
        }
        Temporaries::lock().files.remove(&self.number);
    }
}
