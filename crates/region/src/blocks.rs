//! Which of the blocks 127.1.x.y to 127.254.x.y is a region's: its endpoints have addresses in it.
//!
//! ```text
//!   /run/lock/engram-blocks/127.78     locked by the control plane that runs; holds the data directory that it belongs to
//! ```
//! Two regions with the same block would give out the same addresses. So a region takes its block under the block's lock. From then on
//! the block belongs to its data directory, whether a control plane runs there or not, until that directory is gone. A block in which
//! some process already listens is not taken.
//!
//! All users of the host share this directory. Another user's file may be locked, but is never written.

use fleet::{AddressPool, Fleet, HostId};
use rustix::fs::{Mode, OFlags};
use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tracing::warn;

/// Where locks of all users may lie, the better one first: files in /tmp are cleaned up after some days.
const PLACES: [&str; 2] = ["/run/lock", "/tmp"];

/// Another region has the block.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the addresses 127.{block}.x.y of this region belong to {}; stop that region, or move its data directory away",
    .owner.as_ref().map_or("another user's region".into(), |owner| format!("the region in {}", owner.display()))
)]
pub struct BlockTaken {
    /// Its second byte.
    pub block: u8,
    /// The other region's data directory, if it can be told.
    pub owner: Option<PathBuf>,
}

/// The blocks of this host.
#[derive(Debug)]
pub struct Blocks {
    place: Option<PathBuf>,
    held: Option<(u8, File)>,
}

enum Claim {
    Held(File),
    Taken(Option<PathBuf>),
}

impl Blocks {
    /// Of this host.
    pub fn of_host() -> Blocks {
        let shared = |place: &&&str| {
            // Everybody may write there, and only to what is theirs.
            fs::metadata(place).is_ok_and(|found| found.is_dir() && found.mode() & 0o1777 == 0o1777)
        };
        let place = PLACES.iter().find(shared).map(|place| Path::new(place).join("engram-blocks"));
        Blocks { place, held: None }
    }

    /// Draws a block for the region of a data directory, and holds it. `first` is where the search begins, any number will do.
    /// `None` if there is none left.
    pub fn draw(&mut self, data: &Path, first: u8) -> Option<AddressPool> {
        let blocks = (0..254_u16).map(|step| ((u16::from(first) + step) % 254 + 1) as u8);
        let in_use = listening_blocks();
        for block in blocks.filter(|block| !in_use.contains(block)) {
            match self.claim(data, block) {
                Ok(Claim::Held(file)) => self.held = Some((block, file)),
                Ok(Claim::Taken(_)) => continue,
                Err(why) => warn_of(&why),
            }
            return Some(AddressPool::Loopback { block, last: 0 });
        }
        None
    }

    /// Holds the block that a fleet has, for as long as this lives.
    ///
    /// # Errors
    /// [`BlockTaken`].
    pub fn hold(&mut self, fleet: &Fleet, data: &Path) -> Result<(), BlockTaken> {
        let addresses = fleet.hosts.get(&HostId::LOCAL).map(|host| &host.addresses);
        let Some(AddressPool::Loopback { block, .. }) = addresses else { return Ok(()) };
        if self.held.as_ref().is_some_and(|(held, _)| held == block) {
            return Ok(());
        }
        match self.claim(data, *block) {
            Ok(Claim::Held(file)) => self.held = Some((*block, file)),
            Ok(Claim::Taken(owner)) => return Err(BlockTaken { block: *block, owner }),
            Err(why) => warn_of(&why),
        }
        Ok(())
    }

    fn claim(&self, data: &Path, block: u8) -> io::Result<Claim> {
        let none = || io::Error::new(io::ErrorKind::NotFound, "no place for locks");
        let place = self.place.as_ref().ok_or_else(none)?;
        match DirBuilder::new().mode(0o1777).create(place) {
            // Not as the umask has it.
            Ok(()) => fs::set_permissions(place, Permissions::from_mode(0o1777))?,
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Err(_) => {}
        }
        let path = place.join(format!("127.{block}"));
        let mut file = open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Claim::Taken(owner(&mut file)?)),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let owned_by = owner(&mut file)?;
        if let Some(other) = &owned_by
            && other != data
            && is_there(other)
        {
            return Ok(Claim::Taken(owned_by));
        }
        if owned_by.as_deref() != Some(data) {
            if file.metadata()?.uid() != rustix::process::getuid().as_raw() {
                return Ok(Claim::Taken(None));
            }
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(data.as_os_str().as_bytes())?;
        }
        Ok(Claim::Held(file))
    }
}

/// Opens a file of this user to write, and one of another to read: a lock needs no more.
fn open(path: &Path) -> io::Result<File> {
    let mode = Mode::from_raw_mode(0o644);
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    for _ in 0..3 {
        match rustix::fs::open(path, flags | OFlags::RDWR, mode) {
            Ok(fd) => return Ok(fd.into()),
            Err(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM) => {
                return Ok(rustix::fs::open(path, flags | OFlags::RDONLY, mode)?.into());
            }
            Err(rustix::io::Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        match rustix::fs::open(path, flags | OFlags::RDWR | OFlags::CREATE | OFlags::EXCL, mode) {
            Ok(fd) => return Ok(fd.into()),
            // Somebody else was quicker.
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::Error::other("it comes and goes"))
}

/// The data directory that is written in a block's file.
fn owner(file: &mut File) -> io::Result<Option<PathBuf>> {
    const LONGEST_PATH: u64 = 4096;
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(LONGEST_PATH).read_to_end(&mut bytes)?;
    Ok((!bytes.is_empty()).then(|| PathBuf::from(std::ffi::OsString::from_vec(bytes))))
}

/// Whether a region's data is there, or may be: of what cannot be looked into nobody knows.
fn is_there(data: &Path) -> bool {
    let found = fs::symlink_metadata(data.join("control").join("fleet.json"));
    !matches!(found, Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory))
}

/// Blocks in which somebody listens: nodes whose control plane is gone, or programs that know nothing of blocks.
fn listening_blocks() -> Vec<u8> {
    let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    table.lines().filter_map(listening_block).collect()
}

/// Of a line of /proc/net/tcp: `  0: 0100007F:1F90 00000000:0000 0A …`, the address as the machine has it in memory.
fn listening_block(line: &str) -> Option<u8> {
    const LISTENS: &str = "0A";
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (address, _) = fields.next()?.split_once(':')?;
    let listens = fields.nth(1)? == LISTENS;
    let [first, block, ..] = u32::from_str_radix(address, 16).ok()?.to_ne_bytes();
    (listens && first == 127).then_some(block)
}

/// A host without a place for locks still has 254 blocks.
fn warn_of(why: &io::Error) {
    warn!(%why, "the block of addresses is not locked; another region on this host may have the same");
}

#[cfg(test)]
mod tests {
    use super::*;

    struct HostOf(tempfile::TempDir);

    impl HostOf {
        fn new() -> HostOf {
            HostOf(tempfile::tempdir().unwrap())
        }

        fn blocks(&self) -> Blocks {
            Blocks { place: Some(self.0.path().join("blocks")), held: None }
        }

        fn data(&self, name: &str) -> PathBuf {
            let data = self.0.path().join(name);
            fs::create_dir_all(data.join("control")).unwrap();
            fs::write(data.join("control/fleet.json"), "{}").unwrap();
            data
        }
    }

    fn fleet(block: u8) -> Fleet {
        Fleet::new(AddressPool::Loopback { block, last: 0 })
    }

    fn block(pool: Option<AddressPool>) -> u8 {
        match pool {
            Some(AddressPool::Loopback { block, .. }) => block,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn two_regions_never_draw_the_same() {
        let host = HostOf::new();
        let (mut one, mut two) = (host.blocks(), host.blocks());
        let (first, second) = (host.data("one"), host.data("two"));
        let drawn = block(one.draw(&first, 7));
        assert_ne!(block(two.draw(&second, 7)), drawn);
        // It stays the first's when its control plane is gone, and is free when its data is.
        drop(one);
        assert_ne!(block(host.blocks().draw(&host.data("three"), 7)), drawn);
        assert!(host.blocks().hold(&fleet(drawn), &first).is_ok());
        fs::remove_dir_all(&first).unwrap();
        assert_eq!(block(host.blocks().draw(&host.data("four"), 7)), drawn);
    }

    #[test]
    fn a_region_whose_block_is_another_s_says_whose() {
        let host = HostOf::new();
        let (one, two) = (host.data("one"), host.data("two"));
        let mut held = host.blocks();
        held.hold(&fleet(9), &one).unwrap();
        held.hold(&fleet(9), &one).unwrap();
        let is_refused = || {
            let taken = host.blocks().hold(&fleet(9), &two).unwrap_err();
            assert_eq!(taken, BlockTaken { block: 9, owner: Some(one.clone()) });
            let text = "the addresses 127.9.x.y of this region belong to the region in /";
            assert!(taken.to_string().starts_with(text), "{taken}");
        };
        is_refused();
        drop(held);
        is_refused();
        host.blocks().hold(&fleet(9), &one).unwrap();
    }

    #[test]
    fn listeners_are_read_from_the_kernel_s_table() {
        let line = |address: [u8; 4], state: &str| {
            let word = u32::from_ne_bytes(address);
            format!(
                "   0: {word:08X}:1F90 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 0 0 1"
            )
        };
        assert_eq!(listening_block(&line([127, 78, 0, 1], "0A")), Some(78));
        assert_eq!(listening_block(&line([127, 78, 0, 1], "01")), None);
        assert_eq!(listening_block(&line([10, 78, 0, 1], "0A")), None);
        assert_eq!(listening_block("  sl  local_address rem_address   st tx_queue"), None);
    }
}
