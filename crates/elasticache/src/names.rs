//! The rules for names, and the forms of windows and zones.

use crate::faults::value;
use aws_protocol::Fault;
use fleet::MaintenanceWindow;

/// An identifier, in lower case as it is stored. Rule and text: CreateReplicationGroup, CreateCacheCluster.
pub(crate) fn identifier(parameter: &str, name: &str, longest: usize) -> Result<String, Fault> {
    if name.is_empty() {
        return Err(Fault::parameter_is_blank(parameter));
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let well_formed = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(is_word)
        && !name.ends_with('-')
        && !name.contains("--");
    if !well_formed {
        return Err(value(format!(
            "The parameter {parameter} is not a valid identifier. Identifiers must begin with a letter; must contain \
             only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens."
        )));
    }
    if name.len() > longest {
        return Err(value(format!(
            "The parameter {parameter} must not be longer than {longest} characters."
        )));
    }
    Ok(name.to_ascii_lowercase())
}

/// `ReplicationGroupId`: 1 to 40 characters.
pub(crate) fn replication_group(name: &str) -> Result<String, Fault> {
    identifier("ReplicationGroupId", name, 40)
}

/// `CacheClusterId`, which the service's errors call by a longer name: 1 to 50 characters.
pub(crate) fn cache_cluster(name: &str) -> Result<String, Fault> {
    identifier("CacheClusterIdentifier", name, 50)
}

/// `CacheSubnetGroupName`: 1 to 255 characters.
pub(crate) fn subnet_group(name: &str) -> Result<String, Fault> {
    identifier("CacheSubnetGroupName", name, 255)
}

/// `CacheParameterGroupName`: 1 to 255 characters.
pub(crate) fn parameter_group(name: &str) -> Result<String, Fault> {
    identifier("CacheParameterGroupName", name, 255)
}

/// A description of something: 1 to 255 characters, not of spaces alone.
pub(crate) fn description(parameter: &str, text: &str) -> Result<String, Fault> {
    if text.trim().is_empty() {
        return Err(Fault::parameter_is_blank(parameter));
    }
    // No answer could show it.
    let is_shown =
        |c: char| !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}');
    if !text.chars().all(is_shown) {
        return Err(value(format!("The parameter {parameter} must not contain control characters.")));
    }
    if text.chars().count() > 255 {
        return Err(value(format!("The parameter {parameter} must not be longer than 255 characters.")));
    }
    Ok(text.to_owned())
}

/// A zone, of those of a subnet group.
pub(crate) fn zone(zones: &[String], zone: &str) -> Result<String, Fault> {
    match zones.iter().find(|other| *other == zone) {
        Some(zone) => Ok(zone.clone()),
        None => Err(value(format!("{zone} is not a valid availability zone."))),
    }
}

/// A TCP port that endpoints can have.
pub(crate) fn port(port: i32) -> Result<u16, Fault> {
    match u16::try_from(port) {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(value(format!("The port {port} is not valid. It must be between 1 and 65535."))),
    }
}

/// `SnapshotRetentionLimit`: 0 to 35 days.
pub(crate) fn retention(days: i32) -> Result<u32, Fault> {
    match u32::try_from(days) {
        Ok(days) if days <= 35 => Ok(days),
        _ => Err(value(format!(
            "The snapshot retention limit {days} is not valid. It must be between 0 and 35."
        ))),
    }
}

const DAY_MINUTES: u32 = 24 * 60;
const WEEK_MINUTES: u32 = 7 * DAY_MINUTES;

/// `ddd:hh24:mi-ddd:hh24:mi`, at least 60 minutes, in lower case.
pub(crate) fn maintenance_window(window: &str) -> Result<String, Fault> {
    let window = window.to_ascii_lowercase();
    let Some(parsed) = MaintenanceWindow::parse(&window) else {
        return Err(value(format!(
            "Invalid maintenance window format: {window}. Should be specified as a range ddd:hh24:mi-ddd:hh24:mi \
             (24H Clock UTC). Example: Sun:23:00-Mon:01:30."
        )));
    };
    at_least_an_hour("maintenance", parsed.minutes())?;
    Ok(window)
}

/// `hh24:mi-hh24:mi`, at least 60 minutes.
pub(crate) fn snapshot_window(window: &str) -> Result<String, Fault> {
    let Some(minutes) = snapshot_minutes(window) else {
        return Err(value(format!(
            "Invalid snapshot window format: {window}. Should be specified as a range hh24:mi-hh24:mi (24H Clock UTC). \
             Example: 05:00-09:00."
        )));
    };
    at_least_an_hour("snapshot", (minutes.1 + DAY_MINUTES - minutes.0) % DAY_MINUTES)?;
    Ok(window.to_owned())
}

/// The two windows may not overlap on any day.
pub(crate) fn apart(maintenance: &str, snapshot: &str) -> Result<(), Fault> {
    let (Some(maintenance), Some((begin, end))) =
        (MaintenanceWindow::parse(maintenance), snapshot_minutes(snapshot))
    else {
        return Ok(());
    };
    let (from, maintenance_len) = (maintenance.from_minute(), maintenance.minutes());
    let snapshot_len = (end + DAY_MINUTES - begin) % DAY_MINUTES;
    let overlaps = (0..7).any(|day| {
        let begin = day * DAY_MINUTES + begin;
        // Either begins within the other.
        (begin + WEEK_MINUTES - from) % WEEK_MINUTES < maintenance_len
            || (from + WEEK_MINUTES - begin) % WEEK_MINUTES < snapshot_len
    });
    match overlaps {
        true => Err(value("The snapshot window and maintenance window must not overlap.")),
        false => Ok(()),
    }
}

fn at_least_an_hour(what: &str, minutes: u32) -> Result<(), Fault> {
    match minutes {
        0..60 => Err(value(format!("The {what} window must be at least 60 minutes."))),
        _ => Ok(()),
    }
}

fn snapshot_minutes(window: &str) -> Option<(u32, u32)> {
    let (from, to) = window.split_once('-')?;
    Some((fleet::minute_of_day(from)?, fleet::minute_of_day(to)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        for good in ["a", "web-1", "Web"] {
            assert_eq!(replication_group(good).unwrap(), good.to_lowercase());
        }
        for bad in ["", " a", "a\n", "1a", "-a", "a-", "a--b", "a_b", "ä", &"a".repeat(41)] {
            assert_eq!(replication_group(bad).unwrap_err().code, "InvalidParameterValue", "{bad}");
        }
    }

    #[test]
    fn descriptions() {
        for good in ["x", " x ", "a\tb\r\nc", "値", &"値".repeat(255)] {
            assert_eq!(description("Description", good).unwrap(), good);
        }
        for (bad, text) in [
            ("", "The parameter Description must be provided and must not be blank."),
            (" \n", "The parameter Description must be provided and must not be blank."),
            ("a\0", "The parameter Description must not contain control characters."),
            ("\x1b[1m", "The parameter Description must not contain control characters."),
            (&"a".repeat(256), "The parameter Description must not be longer than 255 characters."),
        ] {
            assert_eq!(description("Description", bad).unwrap_err().message, text);
        }
    }

    #[test]
    fn windows() {
        assert_eq!(maintenance_window("Sun:23:00-Mon:01:30").unwrap(), "sun:23:00-mon:01:30");
        for bad in [
            "sun:5:00-sun:06:00",
            "sun:05:00",
            "xyz:05:00-sun:06:00",
            "sun:05:00-sun:05:59",
            "sun:24:00-mon:01:00",
        ] {
            assert!(maintenance_window(bad).is_err(), "{bad}");
        }
        assert!(snapshot_window("23:30-00:30").is_ok() && snapshot_window("05:00-05:30").is_err());
        assert!(apart("sun:23:00-mon:01:30", "01:00-02:00").is_err());
        assert!(apart("sun:23:00-mon:01:30", "01:30-02:30").is_ok());
        assert!(apart("sun:05:00-sun:06:00", "04:30-07:00").is_err());
    }
}
