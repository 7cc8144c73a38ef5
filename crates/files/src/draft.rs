//! A file that takes another's place when it is complete.

use crate::directory::Directory;
use crate::disk::{For, Handle, USUAL};
use crate::error::{Action, Trust, failed};
use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;

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

/// A file on its way to its name. Dropped before it is published, it removes itself.
///
/// ```text
///   write … write ─▶ sync ─▶ rename ─▶ sync of the directory
///   └── a crash leaves the old file, and beside it a part of the new one ──┘ then the new one
/// ```
#[derive(Debug)]
pub struct Draft {
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
        let handle = directory.disk().open(&temporary, For::Writing(mode));
        let handle = handle.map_err(failed(Action::Create, &temporary))?;
        let draft = Draft { directory, handle, temporary, target, trust: Trust::default(), has_name: false };
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
        let Draft { directory, handle, temporary, target, trust, has_name } = &mut self;
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
    }
}
