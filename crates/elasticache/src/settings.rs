//! The settings of a deployment, from the parameters that groups and clusters share.

use crate::names;
use aws_protocol::Fault;
use fleet::Settings;

/// Maintenance windows that are given out where none is asked for: the first that leaves the snapshot window alone.
const MAINTENANCE: [&str; 2] = ["sun:05:00-sun:06:00", "mon:09:00-mon:10:00"];

/// Snapshot windows that are given out where none is asked for.
const SNAPSHOT: [&str; 3] = ["03:00-04:00", "07:00-08:00", "11:00-12:00"];

/// The parameters, as they came.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Given<'a> {
    pub(crate) maintenance_window: Option<&'a str>,
    pub(crate) snapshot_window: Option<&'a str>,
    pub(crate) snapshot_retention: Option<i32>,
    pub(crate) snapshotting_cluster: Option<&'a str>,
    pub(crate) auto_minor_version_upgrade: Option<bool>,
    pub(crate) parameter_group: Option<&'a str>,
    pub(crate) subnet_group: Option<&'a str>,
}

impl Given<'_> {
    /// Whether there are any.
    pub(crate) fn is_empty(&self) -> bool {
        self.maintenance_window.is_none()
            && self.snapshot_window.is_none()
            && self.snapshot_retention.is_none()
            && self.snapshotting_cluster.is_none()
            && self.auto_minor_version_upgrade.is_none()
            && self.parameter_group.is_none()
            && self.subnet_group.is_none()
    }

    /// The settings of something new.
    pub(crate) fn of_new(&self) -> Result<Settings, Fault> {
        let maintenance = self.maintenance_window.map(names::maintenance_window).transpose()?;
        let snapshot = self.snapshot_window.map(names::snapshot_window).transpose()?;
        let (maintenance, snapshot) = match (maintenance, snapshot) {
            (Some(maintenance), Some(snapshot)) => (maintenance, snapshot),
            (Some(maintenance), None) => {
                let free = SNAPSHOT.iter().find(|window| names::apart(&maintenance, window).is_ok());
                (maintenance, free.unwrap_or(&SNAPSHOT[0]).to_string())
            }
            (None, Some(snapshot)) => {
                let free = MAINTENANCE.iter().find(|window| names::apart(window, &snapshot).is_ok());
                (free.unwrap_or(&MAINTENANCE[0]).to_string(), snapshot)
            }
            (None, None) => (MAINTENANCE[0].to_owned(), SNAPSHOT[0].to_owned()),
        };
        let settings = Settings {
            subnet_group: "default".to_owned(),
            maintenance_window: maintenance,
            snapshot_window: snapshot,
            auto_minor_version_upgrade: true,
            ..Settings::default()
        };
        self.changed(&settings)
    }

    /// The settings with what was given in them.
    pub(crate) fn changed(&self, before: &Settings) -> Result<Settings, Fault> {
        let mut settings = before.clone();
        if let Some(window) = self.maintenance_window {
            settings.maintenance_window = names::maintenance_window(window)?;
        }
        if let Some(window) = self.snapshot_window {
            settings.snapshot_window = names::snapshot_window(window)?;
        }
        names::apart(&settings.maintenance_window, &settings.snapshot_window)?;
        if let Some(days) = self.snapshot_retention {
            settings.snapshot_retention_days = names::retention(days)?;
        }
        if let Some(cluster) = self.snapshotting_cluster {
            settings.snapshotting_cluster = Some(names::identifier("SnapshottingClusterId", cluster, 50)?);
        }
        if let Some(on) = self.auto_minor_version_upgrade {
            settings.auto_minor_version_upgrade = on;
        }
        if let Some(name) = self.parameter_group {
            settings.parameter_group = name.to_ascii_lowercase();
        }
        if let Some(name) = self.subnet_group {
            settings.subnet_group = name.to_ascii_lowercase();
        }
        Ok(settings)
    }
}
