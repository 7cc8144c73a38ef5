//! Inputs that several operations share. The input of one operation is in its own file.

use crate::names;
use crate::settings::Given;
use crate::shapes::Tag;
use aws_protocol::{Empty, Fault, NotYet, Words};
use serde::Deserialize;

/// `NetworkType` and `IpDiscovery`: there is nothing else.
pub(crate) enum Ipv4 {}

impl Words for Ipv4 {
    const WORDS: &'static [&'static str] = &["ipv4"];
}

/// `ClusterMode`
pub(crate) enum Disabled {}

impl Words for Disabled {
    const WORDS: &'static [&'static str] = &["disabled"];
}

/// `Durability`
pub(crate) enum NotDurable {}

impl Words for NotDurable {
    const WORDS: &'static [&'static str] = &["default", "disabled"];
}

/// `AZMode`
pub(crate) enum SingleZone {}

impl Words for SingleZone {
    const WORDS: &'static [&'static str] = &["single-az"];
}

/// What nodes are made of and described by, of groups and of clusters, when they are made and when they are changed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Nodes {
    pub(crate) cache_node_type: Option<String>,
    pub(crate) engine: Option<String>,
    pub(crate) engine_version: Option<String>,
    cache_parameter_group_name: Option<String>,
    pub(crate) preferred_maintenance_window: Option<String>,
    pub(crate) auto_minor_version_upgrade: Option<bool>,
    pub(crate) snapshot_retention_limit: Option<i32>,
    pub(crate) snapshot_window: Option<String>,
    _cache_security_group_names: NotYet<Empty>,
    _security_group_ids: NotYet<Empty>,
    _notification_topic_arn: NotYet,
    _auth_token: NotYet,
    _log_delivery_configurations: NotYet<Empty>,
    _ip_discovery: NotYet<Ipv4>,
}

impl Nodes {
    /// The parameter group that is named. An empty name names none.
    pub(crate) fn parameter_group(&self) -> Option<&str> {
        self.cache_parameter_group_name.as_deref().filter(|name| !name.is_empty())
    }

    /// What of it describes a deployment.
    pub(crate) fn given(&self) -> Given<'_> {
        Given {
            maintenance_window: self.preferred_maintenance_window.as_deref(),
            snapshot_window: self.snapshot_window.as_deref(),
            snapshot_retention: self.snapshot_retention_limit,
            auto_minor_version_upgrade: self.auto_minor_version_upgrade,
            parameter_group: self.parameter_group(),
            subnet_group: None,
            snapshotting_cluster: None,
        }
    }

    /// Whether it asks for anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.given().is_empty()
            && self.cache_node_type.is_none()
            && self.engine.is_none()
            && self.engine_version.is_none()
    }
}

/// What else nodes have when they are made.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct NewNodes {
    pub(crate) cache_subnet_group_name: Option<String>,
    pub(crate) tags: Option<Vec<Tag>>,
    pub(crate) port: Option<i32>,
    _snapshot_arns: NotYet<Empty>,
    _snapshot_name: NotYet,
    _network_type: NotYet<Ipv4>,
}

impl NewNodes {
    /// The port, or the usual one.
    pub(crate) fn port(&self) -> Result<u16, Fault> {
        names::port(self.port.unwrap_or(6379))
    }
}

/// What else is said when nodes are changed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct ChangedNodes {
    pub(crate) apply_immediately: Option<bool>,
    _notification_topic_status: NotYet,
    _auth_token_update_strategy: NotYet,
}
