//! What the system tells of the process: its processors, its memory, its control groups.
//!
//! A process may get what the machine has available, and no more than each control group that it is in still has; pages of files
//! that a group has not used lately are given up first, so they count as available. The kernel tells by files, on Linux alone: without
//! them there is no value.

use std::path::Path;

/// Processors that the process may use, by its affinity and its control groups.
pub(crate) fn processors() -> f64 {
    std::thread::available_parallelism().map_or(1, usize::from) as f64
}

/// Memory that the process could still get.
pub(crate) fn freeable_bytes() -> Option<u64> {
    let available = kilobytes(&read(Path::new("/proc/meminfo"))?, "MemAvailable:")?;
    let groups = read(Path::new("/proc/self/cgroup")).unwrap_or_default();
    Some(left_in_groups(Path::new("/sys/fs/cgroup"), &groups).map_or(available, |left| left.min(available)))
}

/// Memory of the process that is swapped out.
pub(crate) fn swapped_bytes() -> Option<u64> {
    kilobytes(&read(Path::new("/proc/self/status"))?, "VmSwap:")
}

fn read(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let number = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = number.trim().strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}

/// The files of a version of control groups.
struct Files {
    most: &'static str,
    used: &'static str,
    /// In `memory.stat`: pages of files that are given up first.
    spare: &'static str,
}

const VERSION_1: Files =
    Files { most: "memory.limit_in_bytes", used: "memory.usage_in_bytes", spare: "total_inactive_file " };
const VERSION_2: Files = Files { most: "memory.max", used: "memory.current", spare: "inactive_file " };

/// What is left in the group that has the least, of those that the process is in; `None` where no group has a limit. `groups` is the
/// text of `/proc/self/cgroup`: `number:controllers:path` a line, of version 2 without controllers.
fn left_in_groups(root: &Path, groups: &str) -> Option<u64> {
    let lines = groups.lines().filter_map(|line| {
        let (_, line) = line.split_once(':')?;
        let (controllers, path) = line.split_once(':')?;
        match controllers {
            "" => Some((root.to_owned(), &VERSION_2, path)),
            _ if controllers.split(',').any(|one| one == "memory") => {
                Some((root.join("memory"), &VERSION_1, path))
            }
            _ => None,
        }
    });
    let of_line = lines.filter_map(|(mount, files, path)| {
        // Within a container the path may be the host's, and the group itself is what is mounted.
        let within = mount.join(path.trim_start_matches('/'));
        let place = if within.is_dir() { within } else { mount.clone() };
        place
            .ancestors()
            .take_while(|group| group.starts_with(&mount))
            .filter_map(|group| left(group, files))
            .min()
    });
    of_line.min()
}

fn left(group: &Path, files: &Files) -> Option<u64> {
    let number = |text: String| text.trim().parse::<u64>().ok();
    // Without a limit there is the word max, or no file; version 1 says a number beyond all memory, which is no limit either.
    let most = read(&group.join(files.most)).and_then(number)?;
    let used = read(&group.join(files.used)).and_then(number)?;
    let stat = read(&group.join("memory.stat")).unwrap_or_default();
    let spare = stat.lines().find_map(|line| line.strip_prefix(files.spare)?.trim().parse::<u64>().ok());
    Some(most.saturating_sub(used.saturating_sub(spare.unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_system_tells_of_memory() {
        assert!(freeable_bytes().is_some_and(|bytes| bytes > 1_000_000));
        assert!(swapped_bytes().is_some());
        assert_eq!(kilobytes("MemFree: 5 kB\n", "MemAvailable:"), None);
        assert_eq!(kilobytes("A: 1 kB\nMemAvailable:   12 kB\n", "MemAvailable:"), Some(12 << 10));
    }

    #[test]
    fn the_tightest_group_counts() {
        let root = tempfile::tempdir().unwrap();
        let write = |group: &str, most: &str, used: u64, spare: u64| {
            let group = root.path().join(group);
            std::fs::create_dir_all(&group).unwrap();
            std::fs::write(group.join("memory.max"), format!("{most}\n")).unwrap();
            std::fs::write(group.join("memory.current"), format!("{used}\n")).unwrap();
            std::fs::write(group.join("memory.stat"), format!("anon 9\ninactive_file {spare}\nfile 7\n"))
                .unwrap();
        };
        let left = |groups| left_in_groups(root.path(), groups);
        assert_eq!(left("0::/a/b\n"), None, "no files");
        write("a/b", "max", 500, 0);
        assert_eq!(left("0::/a/b\n"), None, "no limit");
        write("a", "1000", 700, 100);
        assert_eq!(left("0::/a/b\n"), Some(400), "that of the group above");
        write("a/b", "600", 500, 0);
        assert_eq!(left("3:cpu:/a\n0::/a/b\n"), Some(100));
        write("a/b", "400", 500, 0);
        assert_eq!(left("0::/a/b\n"), Some(0));
        let first = root.path().join("memory/c");
        std::fs::create_dir_all(&first).unwrap();
        std::fs::write(first.join("memory.limit_in_bytes"), "50\n").unwrap();
        std::fs::write(first.join("memory.usage_in_bytes"), "20\n").unwrap();
        assert_eq!(left("4:cpu,memory:/c\n"), Some(30), "the first version");
        assert_eq!(left("4:cpu,memory:/elsewhere\n"), None);
    }
}
