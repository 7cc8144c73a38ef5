//! `TestFailover`: the primary of a shard is killed, and a replica takes over as after any failure.

use crate::lookup::{Lookup, shard};
use crate::shapes::GroupResult;
use crate::{Cx, Operation, faults, quotas};
use aws_protocol::Fault;
use fleet::Command;
use serde::Deserialize;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

pub(crate) struct TestFailover;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    replication_group_id: String,
    node_group_id: String,
}

impl Operation for TestFailover {
    const NAME: &'static str = "TestFailover";
    type Input = Input;
    type Output = GroupResult;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let group = cx.group(&input.replication_group_id)?;
        let id = &input.node_group_id;
        let is_number = (1..=4).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number {
            return Err(faults::value(format!("The node group id {id} is not valid: it has 1 to 4 digits.")));
        }
        let shard = shard(group)?;
        if id.parse::<u16>() != shard.id.parse() {
            return Err(faults::node_group_not_found(id, group.id.name()));
        }
        let group = cx.available_group(&input.replication_group_id)?;
        if !group.automatic_failover {
            return Err(faults::test_failover_not_available(format!(
                "Test Failover is not available for replication group {}: automatic failover is not enabled.",
                group.id.name()
            )));
        }
        let tested = |event: &&fleet::Event| event.is_failover_test() && event.at_ms + DAY_MS > cx.now_ms;
        let count = cx.here().map_or(0, |region| region.events.iter().filter(tested).count());
        quotas::FAILOVER_TESTS.check(cx, count + 1)?;
        Ok(vec![Command::TestFailover { id: group.id.clone(), shard: shard.id.clone() }])
    }

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<GroupResult, Fault> {
        GroupResult::of(cx, &input.replication_group_id)
    }
}
