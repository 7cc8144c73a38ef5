//! Engine version profiles.
//!
//! A node speaks as one server and version. The profile decides which commands and options exist, what INFO says, which
//! RDB version is written and which encodings and names the file uses. Code that differs between versions asks the
//! profile; nothing compares version strings.

#![forbid(unsafe_code)]

use std::fmt;
use std::str::FromStr;

/// A version as an ordered triple.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u8, pub u8, pub u8);

impl Version {
    /// Reads `7.0.15`, `7.0` or `7`; `None` when it is not of that form.
    pub const fn parse(text: &str) -> Option<Version> {
        let bytes = text.as_bytes();
        let mut parts = [0u8; 3];
        let (mut part, mut i, mut digits) = (0, 0, 0);
        while i < bytes.len() {
            let b = bytes[i];
            if b == b'.' {
                if digits == 0 || part == 2 {
                    return None;
                }
                part += 1;
                digits = 0;
            } else if b.is_ascii_digit() {
                let (tens, over) = parts[part].overflowing_mul(10);
                let (sum, over2) = tens.overflowing_add(b - b'0');
                if over || over2 {
                    return None;
                }
                parts[part] = sum;
                digits += 1;
            } else {
                return None;
            }
            i += 1;
        }
        if digits == 0 { None } else { Some(Version(parts[0], parts[1], parts[2])) }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// Which server a node speaks as.
///
/// ```
/// use profile::Profile;
/// let profile: Profile = "redis-7.0".parse()?;
/// assert!(profile.has("7.0.0"));
/// // CLIENT SETINFO came with 7.2: this server does not know it.
/// assert!(!profile.has("7.2.0"));
/// assert_eq!(profile.rdb_version(), 10);
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Profile {
    /// Redis OSS 7.0 (as 7.0.15).
    Redis70,
    /// What ElastiCache calls Redis OSS 7.1: Redis OSS 7.0 by its commands.
    Redis71,
    /// Redis OSS 7.2 (as 7.2.4, the last of its licence).
    Redis72,
    /// Valkey 7.2 (as 7.2.6): Redis OSS 7.2 under another name.
    Valkey72,
    /// Valkey 8.0 (as 8.0.1).
    #[default]
    Valkey80,
    /// Valkey 8.1 (as 8.1.8).
    Valkey81,
    /// What ElastiCache calls Valkey 8.2: Valkey 8.1 by its commands.
    Valkey82,
    /// Valkey 9.0 (as 9.0.0).
    Valkey90,
    /// Valkey 9.1 (as 9.1.2).
    Valkey91,
}

impl Profile {
    /// Every profile, oldest first.
    pub const ALL: &[Profile] = &[
        Profile::Redis70,
        Profile::Redis71,
        Profile::Redis72,
        Profile::Valkey72,
        Profile::Valkey80,
        Profile::Valkey81,
        Profile::Valkey82,
        Profile::Valkey90,
        Profile::Valkey91,
    ];

    /// The name that `--engine` takes.
    pub const fn name(self) -> &'static str {
        match self {
            Profile::Redis70 => "redis-7.0",
            Profile::Redis71 => "redis-7.1",
            Profile::Redis72 => "redis-7.2",
            Profile::Valkey72 => "valkey-7.2",
            Profile::Valkey80 => "valkey-8.0",
            Profile::Valkey81 => "valkey-8.1",
            Profile::Valkey82 => "valkey-8.2",
            Profile::Valkey90 => "valkey-9.0",
            Profile::Valkey91 => "valkey-9.1",
        }
    }

    /// Whether the server is Valkey rather than Redis OSS.
    pub const fn is_valkey(self) -> bool {
        match self {
            Profile::Redis70 | Profile::Redis71 | Profile::Redis72 => false,
            Profile::Valkey72
            | Profile::Valkey80
            | Profile::Valkey81
            | Profile::Valkey82
            | Profile::Valkey90
            | Profile::Valkey91 => true,
        }
    }

    /// The version that decides which commands and options exist. Valkey's numbers continue Redis OSS's.
    pub const fn version(self) -> Version {
        match self {
            Profile::Redis70 => Version(7, 0, 15),
            Profile::Redis71 => Version(7, 1, 0),
            Profile::Redis72 => Version(7, 2, 4),
            Profile::Valkey72 => Version(7, 2, 6),
            Profile::Valkey80 => Version(8, 0, 1),
            Profile::Valkey81 => Version(8, 1, 8),
            Profile::Valkey82 => Version(8, 2, 0),
            Profile::Valkey90 => Version(9, 0, 0),
            Profile::Valkey91 => Version(9, 1, 2),
        }
    }

    /// What INFO and HELLO say in `redis_version`: Valkey reports the last Redis OSS version it is compatible with.
    pub const fn redis_version(self) -> &'static str {
        match self {
            Profile::Redis70 => "7.0.15",
            Profile::Redis71 => "7.1.0",
            Profile::Redis72
            | Profile::Valkey72
            | Profile::Valkey80
            | Profile::Valkey81
            | Profile::Valkey82
            | Profile::Valkey90
            | Profile::Valkey91 => "7.2.4",
        }
    }

    /// What HELLO says in `server`, unless `extended-redis-compatibility` has it say `redis`.
    pub const fn server_name(self) -> &'static str {
        if self.is_valkey() { "valkey" } else { "redis" }
    }

    /// The version in the header of RDB files and the footer of DUMP payloads. From 80 on the header is Valkey's own.
    pub const fn rdb_version(self) -> u16 {
        match self {
            Profile::Redis70 | Profile::Redis71 => 10,
            Profile::Redis72
            | Profile::Valkey72
            | Profile::Valkey80
            | Profile::Valkey81
            | Profile::Valkey82 => 11,
            Profile::Valkey90 | Profile::Valkey91 => 80,
        }
    }

    /// Whether something added in `since` exists here.
    pub fn has(self, since: &str) -> bool {
        Version::parse(since).is_some_and(|since| since <= self.version())
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Profile::ALL.iter().copied().find(|profile| profile.name() == text).ok_or_else(|| {
            let names: Vec<_> = Profile::ALL.iter().map(|profile| profile.name()).collect();
            format!("unknown engine '{text}'; known are {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_parse_and_order() {
        assert_eq!(Version::parse("7.0.15"), Some(Version(7, 0, 15)));
        assert_eq!(Version::parse("7"), Some(Version(7, 0, 0)));
        for wrong in ["", ".", "7.", "7..1", "7.0.0.1", "x", "300"] {
            assert_eq!(Version::parse(wrong), None, "{wrong}");
        }
        assert!(
            Profile::Valkey80.has("7.2.0") && !Profile::Redis70.has("7.2.0") && Profile::Redis70.has("7.0.0")
        );
    }

    #[test]
    fn later_ones_have_all_that_earlier_ones_have() {
        assert!(Profile::ALL.is_sorted_by_key(|profile| profile.version()));
        assert!(Profile::ALL.is_sorted_by_key(|profile| profile.rdb_version()));
        for profile in Profile::ALL {
            let Version(major, minor, _) = profile.version();
            assert!(profile.name().ends_with(&format!("-{major}.{minor}")), "{profile}");
            assert_eq!(profile.is_valkey(), profile.name().starts_with("valkey"), "{profile}");
        }
    }

    #[test]
    fn names_round_trip() {
        for &profile in Profile::ALL {
            assert_eq!(profile.name().parse(), Ok(profile));
        }
        assert_eq!(
            "redis-9".parse::<Profile>(),
            Err("unknown engine 'redis-9'; known are redis-7.0, redis-7.1, redis-7.2, valkey-7.2, valkey-8.0, valkey-8.1, \
                 valkey-8.2, valkey-9.0, valkey-9.1"
                .into())
        );
    }
}
