//! `ModifyCacheCluster`: of a cluster alone everything, of a member of a group what a member has by itself.

use super::create_replication_group::{LogDelivery, node_type_named};
use crate::lookup::Lookup;
use crate::settings::Given;
use crate::shapes::{self, CacheCluster};
use crate::unsupported::{refuse, refuse_items, refuse_other};
use crate::{Cx, Operation, catalogue, faults};
use aws_protocol::Fault;
use fleet::{Changes, Command, DeploymentId};
use serde::{Deserialize, Serialize};

pub(crate) struct ModifyCacheCluster;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    cache_cluster_id: String,
    num_cache_nodes: Option<i32>,
    cache_node_ids_to_remove: Option<Vec<String>>,
    #[serde(rename = "AZMode")]
    az_mode: Option<String>,
    new_availability_zones: Option<Vec<String>>,
    cache_security_group_names: Option<Vec<String>>,
    security_group_ids: Option<Vec<String>>,
    preferred_maintenance_window: Option<String>,
    notification_topic_arn: Option<String>,
    cache_parameter_group_name: Option<String>,
    notification_topic_status: Option<String>,
    apply_immediately: Option<bool>,
    engine: Option<String>,
    engine_version: Option<String>,
    auto_minor_version_upgrade: Option<bool>,
    snapshot_retention_limit: Option<i32>,
    snapshot_window: Option<String>,
    cache_node_type: Option<String>,
    auth_token: Option<String>,
    auth_token_update_strategy: Option<String>,
    log_delivery_configurations: Option<Vec<LogDelivery>>,
    ip_discovery: Option<String>,
    scale_config: Option<ScaleConfig>,
}

/// Refused whatever is in it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ScaleConfig {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    cache_cluster: CacheCluster,
}

impl Operation for ModifyCacheCluster {
    const NAME: &'static str = "ModifyCacheCluster";
    type Input = Input;
    type Output = Output;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let (deployment, _, member) = cx.cluster(&input.cache_cluster_id)?;
        refuse_what_is_not_built(input)?;
        let given = given(input);
        let asks = !given.is_empty()
            || input.num_cache_nodes.is_some()
            || input.engine.is_some()
            || input.engine_version.is_some()
            || input.cache_node_type.is_some();
        if !asks {
            return Err(faults::combination("No modifications were requested"));
        }
        if deployment.status() != "available" {
            return Err(faults::invalid_cluster_state(format!(
                "Cache cluster {} is not in available state, it is in {} state.",
                member.name,
                member.status(deployment)
            )));
        }
        if input.num_cache_nodes.is_some_and(|nodes| nodes != 1) {
            let text = format!("NumCacheNodes should be 1 if engine is {}", deployment.engine);
            return Err(faults::value(text));
        }
        if let Some(engine) = input.engine.as_deref() {
            refuse("Engine", shapes::engine(engine) != Some(deployment.engine))?;
        }
        if let Some(asked) = input.engine_version.as_deref() {
            let version = catalogue::find_version(deployment.engine, asked)?;
            refuse("EngineVersion", version.full != deployment.engine_version)?;
        }
        let settings = given.changed(&deployment.settings)?;
        let size = input.cache_node_type.as_deref().map(node_type_named).transpose()?.map(|one| one.size());
        let size = size.filter(|size| *size != deployment.size);
        if size.is_some() {
            if let DeploymentId::Group(group) = &deployment.id {
                return Err(faults::combination(format!(
                    "The node type of a member of replication group {group} is changed by ModifyReplicationGroup."
                )));
            }
            if input.apply_immediately != Some(true) {
                return Err(faults::combination(
                    "A new CacheNodeType needs ApplyImmediately: changes in the maintenance window are not supported \
                     by Engram yet.",
                ));
            }
        }
        let changes = Changes { size, settings: Some(settings), ..Changes::default() };
        Ok(vec![Command::Modify { id: deployment.id.clone(), changes: Box::new(changes) }])
    }

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        let (deployment, _, member) = cx.cluster(&input.cache_cluster_id)?;
        Ok(Output { cache_cluster: shapes::cache_cluster(cx, deployment, member, false) })
    }
}

fn given(input: &Input) -> Given<'_> {
    Given {
        maintenance_window: input.preferred_maintenance_window.as_deref(),
        snapshot_window: input.snapshot_window.as_deref(),
        snapshot_retention: input.snapshot_retention_limit,
        auto_minor_version_upgrade: input.auto_minor_version_upgrade,
        parameter_group: input.cache_parameter_group_name.as_deref(),
        subnet_group: None,
        snapshotting_cluster: None,
    }
}

fn refuse_what_is_not_built(input: &Input) -> Result<(), Fault> {
    refuse_items("CacheNodeIdsToRemove", input.cache_node_ids_to_remove.as_ref())?;
    refuse_other("AZMode", input.az_mode.as_ref(), &["single-az"])?;
    refuse_items("NewAvailabilityZones", input.new_availability_zones.as_ref())?;
    refuse_items("CacheSecurityGroupNames", input.cache_security_group_names.as_ref())?;
    refuse_items("SecurityGroupIds", input.security_group_ids.as_ref())?;
    refuse("NotificationTopicArn", input.notification_topic_arn.is_some())?;
    refuse("NotificationTopicStatus", input.notification_topic_status.is_some())?;
    refuse("AuthToken", input.auth_token.is_some())?;
    refuse("AuthTokenUpdateStrategy", input.auth_token_update_strategy.is_some())?;
    refuse_items("LogDeliveryConfigurations", input.log_delivery_configurations.as_ref())?;
    refuse_other("IpDiscovery", input.ip_discovery.as_ref(), &["ipv4"])?;
    refuse("ScaleConfig", input.scale_config.is_some())
}
