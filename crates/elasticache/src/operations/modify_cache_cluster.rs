//! `ModifyCacheCluster`: of a cluster alone everything, of a member of a group what a member has by itself.

use super::create_replication_group::resized;
use crate::deferral::Resize;
use crate::inputs::{ChangedNodes, Nodes, SingleZone};
use crate::lookup::Lookup;
use crate::shapes::{self, ClusterResult};
use crate::unsupported::refuse;
use crate::{Cx, Operation, catalogue, faults, parameter_groups};
use aws_protocol::{Empty, Fault, NotYet, With};
use fleet::{Changes, Command, DeploymentId};
use serde::Deserialize;

pub(crate) struct ModifyCacheCluster;

pub(crate) type Input = With<With<Own, ChangedNodes>, Nodes>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Own {
    cache_cluster_id: String,
    num_cache_nodes: Option<i32>,
    _cache_node_ids_to_remove: NotYet<Empty>,
    #[serde(rename = "AZMode")]
    _az_mode: NotYet<SingleZone>,
    _new_availability_zones: NotYet<Empty>,
    _scale_config: NotYet,
}

impl Operation for ModifyCacheCluster {
    const NAME: &'static str = "ModifyCacheCluster";
    type Input = Input;
    type Output = ClusterResult;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let (deployment, _, member) = cx.cluster(&input.cache_cluster_id)?;
        let nodes = &input.shared;
        let immediately = input.own.shared.apply_immediately == Some(true);
        let is_alone = matches!(deployment.id, DeploymentId::Cluster(_));
        let brings_what_waits = immediately && is_alone && deployment.deferred_size.is_some();
        if nodes.is_empty() && input.num_cache_nodes.is_none() && !brings_what_waits {
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
        if let Some(engine) = nodes.engine.as_deref() {
            refuse("Engine", shapes::engine(engine) != Some(deployment.engine))?;
        }
        if let Some(asked) = nodes.engine_version.as_deref() {
            let version = catalogue::find_version(deployment.engine, asked)?;
            refuse("EngineVersion", version.full != deployment.engine_version)?;
        }
        let parameters = parameter_groups::for_deployment(cx, deployment, nodes.parameter_group())?;
        let settings = nodes.given().changed(&deployment.settings)?;
        let size = nodes.cache_node_type.as_deref();
        let size = size.map(|name| resized(deployment, name)).transpose()?;
        let resize = match &deployment.id {
            DeploymentId::Group(group)
                if size.as_ref().is_some_and(|size| size.node_type != deployment.size.node_type) =>
            {
                return Err(faults::combination(format!(
                    "The node type of a member of replication group {group} is changed by ModifyReplicationGroup."
                )));
            }
            DeploymentId::Group(_) => Resize::default(),
            DeploymentId::Cluster(_) => Resize::of(deployment, size, immediately),
        };
        let changes = Changes {
            size: resize.now,
            settings: Some(settings),
            parameters: parameters.map(|group| group.node_parameters()),
            ..Changes::default()
        };
        let mut commands = vec![Command::Modify { id: deployment.id.clone(), changes: Box::new(changes) }];
        commands.extend(resize.later);
        Ok(commands)
    }

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<ClusterResult, Fault> {
        ClusterResult::of(cx, &input.cache_cluster_id)
    }
}
