//! `DescribeCacheClusters`: clusters alone and members of groups.

use crate::lookup::Lookup;
use crate::shapes::{self, CacheCluster};
use crate::{Cx, Operation, paging};
use aws_protocol::{Fault, Members};
use fleet::{Deployment, DeploymentId, Member};
use serde::{Deserialize, Serialize};

pub(crate) struct DescribeCacheClusters;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    cache_cluster_id: Option<String>,
    max_records: Option<i32>,
    marker: Option<String>,
    show_cache_node_info: Option<bool>,
    show_cache_clusters_not_in_replication_groups: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    marker: Option<String>,
    cache_clusters: Members<CacheCluster>,
}

impl Operation for DescribeCacheClusters {
    const NAME: &'static str = "DescribeCacheClusters";
    type Input = Input;
    type Output = Output;

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        let alone_only = input.show_cache_clusters_not_in_replication_groups == Some(true);
        let is_shown =
            |deployment: &Deployment| !alone_only || matches!(deployment.id, DeploymentId::Cluster(_));
        let clusters: Vec<(&Deployment, &Member)> =
            match input.cache_cluster_id.as_deref().filter(|id| !id.is_empty()) {
                Some(id) => {
                    let (deployment, _, member) = cx.cluster(id)?;
                    vec![(deployment, member)]
                }
                None => {
                    let all = cx.here().map(fleet::Region::cache_clusters).unwrap_or_default();
                    let all = all.into_values().map(|(deployment, _, member)| (deployment, member));
                    all.filter(|(deployment, _)| is_shown(deployment)).collect()
                }
            };
        let (page, marker) = paging::page(
            Self::NAME,
            clusters,
            |(_, member)| member.name.clone(),
            input.marker.as_deref(),
            input.max_records,
        )?;
        let show_nodes = input.show_cache_node_info == Some(true);
        let cluster = |(deployment, member)| shapes::cache_cluster(cx, deployment, member, show_nodes);
        Ok(Output { marker, cache_clusters: page.into_iter().map(cluster).collect() })
    }
}
