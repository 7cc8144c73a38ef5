"""The AWS CLI, typed as its users type it."""

import json
import os
import subprocess
import sys

import pytest

from conftest import binary
from region import connect


@pytest.fixture(scope="module")
def aws(region):
    def run(*words, fails=False):
        command = [os.path.join(os.path.dirname(sys.executable), "aws"), *words]
        done = subprocess.run(command, env=region.environment(), capture_output=True, text=True)
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else json.loads(done.stdout or "null")

    return run


def test_a_group_from_its_making_to_its_end(aws):
    made = aws(
        "elasticache", "create-replication-group", "--replication-group-id", "cli", "--replication-group-description", "x",
        "--engine", "valkey", "--cache-node-type", "cache.t4g.micro", "--num-cache-clusters", "3",
        "--automatic-failover-enabled", "--multi-az-enabled",
    )  # fmt: skip
    assert made["ReplicationGroup"]["Status"] == "creating"
    aws("elasticache", "wait", "replication-group-available", "--replication-group-id", "cli")
    (group,) = aws("elasticache", "describe-replication-groups", "--replication-group-id", "cli")["ReplicationGroups"]
    assert group["Status"] == "available"
    assert connect(group["NodeGroups"][0]["PrimaryEndpoint"]).set("a", 1)
    modified = aws(
        "elasticache", "modify-replication-group", "--replication-group-id", "cli", "--replication-group-description", "y",
        "--apply-immediately",
    )  # fmt: skip
    assert modified["ReplicationGroup"]["Description"] == "y"
    aws("elasticache", "test-failover", "--replication-group-id", "cli", "--node-group-id", "0001")
    assert aws("elasticache", "describe-events", "--source-type", "replication-group", "--source-identifier", "cli")["Events"]
    refused = aws("elasticache", "describe-replication-groups", "--replication-group-id", "none", fails=True)
    assert "(ReplicationGroupNotFoundFault)" in refused and "ReplicationGroup none not found." in refused
    aws("elasticache", "wait", "replication-group-available", "--replication-group-id", "cli")
    assert aws("elasticache", "delete-replication-group", "--replication-group-id", "cli")["ReplicationGroup"]["Status"] == "deleting"


def test_who_am_i(aws):
    assert aws("sts", "get-caller-identity")["Account"] == "000000000000"


def test_the_exports_of_engram_env_are_all_that_a_shell_needs(region):
    script = f'eval "$({binary()} env --data-dir {region.data})" && "$0" elasticache describe-cache-engine-versions --output text'
    cli = os.path.join(os.path.dirname(sys.executable), "aws")
    done = subprocess.run(["sh", "-c", script, cli], capture_output=True, text=True)
    assert done.returncode == 0 and "valkey8" in done.stdout, done.stderr
