"""The AWS CLI, typed as its users type it. What is typed, and what comes of it, is in `cli_cases`."""

import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

import jmespath
import pytest

from cli_cases import ARN, RIGHT, WRONG
from conftest import binary
from region import connect, primary_endpoint, wait_until

CLI = os.path.join(os.path.dirname(sys.executable), "aws")
DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "compatibility.md"

# What this version of the CLI exits with when a service has refused a call, and when it has given up by itself.
REFUSED = GAVE_UP = 255


@pytest.fixture(scope="module")
def run(region):
    """Runs the CLI with what is typed after `aws`, as one string or in words."""
    # The output is UTF-8 whatever the machine's locale is.
    environment = {**region.environment(), "PYTHONIOENCODING": "utf-8", "LC_ALL": "C.UTF-8"}

    def run(typed, **variables):
        words = shlex.split(typed) if isinstance(typed, str) else typed
        return subprocess.run([CLI, *words], env={**environment, **variables}, capture_output=True, encoding="utf-8")

    return run


@pytest.fixture(scope="module")
def aws(run):
    """What the CLI answers to something that succeeds; nothing if it prints nothing."""

    def aws(typed):
        done = run(typed)
        assert (done.returncode, done.stderr) == (0, ""), (typed, done.stderr)
        return json.loads(done.stdout) if done.stdout else None

    return aws


@pytest.fixture
def refused(run):
    """The code and the text of a refusal."""

    def refused(typed, **variables):
        done = run(typed, **variables)
        found = re.fullmatch(r"\nAn error occurred \((\w+)\) when calling the (\w+) operation: (.*)\n", done.stderr, re.DOTALL)
        assert found and done.returncode == REFUSED and not done.stdout, (typed, done)
        words = shlex.split(typed) if isinstance(typed, str) else typed
        assert found[2] == operation(words[1])
        return found[1], found[3]

    return refused


def operation(subcommand):
    return "".join(word.capitalize() for word in subcommand.split("-"))


def in_parallel(call, items):
    """The answers to all; to start the CLI is what takes the time."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(call, items))


def settled(client):
    """Whether nothing in the region is on its way to something else."""
    groups = [one["Status"] for one in client.describe_replication_groups()["ReplicationGroups"]]
    clusters = client.describe_cache_clusters()["CacheClusters"]
    statuses = groups + [one["CacheClusterStatus"] for one in clusters]
    return set(statuses) <= {"available"} and {one["CacheParameterGroup"]["ParameterApplyStatus"] for one in clusters} <= {"in-sync"}


@pytest.mark.timeout(400)
def test_what_is_right_is_done_and_answered(region, aws):
    def live(steps):
        client = region.aws()
        for typed, expected in steps:
            # The waiters of the CLI too find what they wait for: else they would sleep for 15 seconds.
            wait_until("rest", lambda: settled(client))
            answer = aws(typed)
            found = {path: jmespath.search(path, answer) for path in expected}
            assert found == expected, typed
            assert expected or answer is None, (typed, answer)

    in_parallel(live, RIGHT.values())


@pytest.fixture(scope="module")
def furnished(region, aws):
    """The region that the wrong cases are made in."""
    client = region.aws()
    client.create_cache_parameter_group(CacheParameterGroupName="own", CacheParameterGroupFamily="valkey8", Description="x")
    client.create_cache_subnet_group(
        CacheSubnetGroupName="nets", CacheSubnetGroupDescription="x", SubnetIds=["subnet-00000001", "subnet-00000002"]
    )
    client.create_cache_cluster(
        CacheClusterId="lone", Engine="redis", CacheNodeType="cache.t4g.micro", NumCacheNodes=1, CacheSubnetGroupName="nets"
    )
    region.create("web", 2, CacheParameterGroupName="own", Tags=[{"Key": "team", "Value": "cache"}], MultiAZEnabled=False)
    region.create("single", 1)
    wait_until("rest", lambda: settled(client))
    return region


def everything(region):
    """All that can be described of the region."""
    client = region.aws()
    described = [
        client.describe_replication_groups(),
        client.describe_cache_clusters(ShowCacheNodeInfo=True),
        client.describe_cache_subnet_groups(),
        client.describe_cache_parameter_groups(),
        client.describe_cache_parameters(CacheParameterGroupName="own", Source="user"),
        client.describe_events(Duration=20160),
        client.list_tags_for_resource(ResourceName=f"{ARN}:replicationgroup:web"),
        client.list_tags_for_resource(ResourceName=f"{ARN}:cluster:lone"),
    ]
    return [{name: value for name, value in one.items() if name != "ResponseMetadata"} for one in described]


@pytest.mark.parametrize("subject", WRONG)
def test_what_is_wrong_is_refused_and_leaves_everything_as_it_was(furnished, refused, subject):
    before = everything(furnished)
    found = in_parallel(lambda case: refused(f"elasticache {case[0]}"), WRONG[subject])
    assert found == [(code, text) for _, code, text in WRONG[subject]]
    assert everything(furnished) == before


def test_every_operation_is_typed_rightly_and_wrongly():
    """By the page that lists what the program has."""
    listed = set()
    for section in DOCUMENT.read_text().split("\n### ")[1:]:
        name, _, text = section.partition("\n")
        if "\nVersion 20" in text:
            listed |= {(name, one) for one in re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)}
    assert len(listed) > 29
    lives = [typed.split()[:2] for steps in RIGHT.values() for typed, _ in steps]
    rightly = {(service, operation(subcommand)) for service, subcommand in lives}
    refusals = [typed.split()[0] for cases in WRONG.values() for typed, _, _ in cases]
    # Nothing can be said to it wrongly; a test below has the wrong callers.
    wrongly = {("elasticache", operation(subcommand)) for subcommand in refusals} | {("sts", "GetCallerIdentity")}
    assert listed - rightly == set() and listed - wrongly == set()


def test_who_is_nobody_and_who_signs_wrongly_is_refused(refused):
    nobody = refused("sts get-caller-identity", AWS_ACCESS_KEY_ID="AKIANOBODY0000000000")
    assert nobody == ("InvalidClientTokenId", "The security token included in the request is invalid.")
    code, text = refused("sts get-caller-identity", AWS_SECRET_ACCESS_KEY="wrong")
    assert code == "SignatureDoesNotMatch"
    assert text.startswith("The request signature we calculated does not match the signature you provided.")


def test_answers_are_text_tables_and_parts(run):
    versions = "elasticache describe-cache-engine-versions --engine valkey --query 'CacheEngineVersions[].[Engine, EngineVersion]' --output"
    text = run(f"{versions} text").stdout
    assert text.splitlines() == ["valkey\t7.2", "valkey\t8.0", "valkey\t8.1"]
    table = run(f"{versions} table").stdout
    rows = [[cell.strip() for cell in row.split("|") if cell.strip()] for row in table.splitlines() if row.startswith("|  valkey")]
    assert rows == [["valkey", "7.2"], ["valkey", "8.0"], ["valkey", "8.1"]], table


def test_lists_come_in_pages_and_go_on_where_they_ended(aws, refused):
    describe = "elasticache describe-cache-parameters --cache-parameter-group-name default.valkey8"
    names = lambda answer: [one["ParameterName"] for one in answer["Parameters"]]
    whole = names(aws(describe))
    assert len(whole) > 60 and whole == sorted(whole)
    assert names(aws(f"{describe} --page-size 20")) == whole
    first = aws(f"{describe} --max-items 30 --page-size 20")
    rest = aws([*shlex.split(describe), "--starting-token", first["NextToken"]])
    assert names(first) + names(rest) == whole and "NextToken" not in rest
    # The pages of the service itself.
    page = aws(f"{describe} --max-records 20")
    more = aws([*shlex.split(describe), "--max-records", "100", "--marker", page["Marker"]])
    assert names(page) + names(more) == whole and "Marker" not in more
    for typed in [
        ["elasticache", "describe-engine-default-parameters", "--cache-parameter-group-family", "valkey8", "--marker", page["Marker"]],
        ["elasticache", "describe-events", "--marker", page["Marker"]],
        [*shlex.split(describe), "--marker", "值"],
    ]:
        assert refused(typed) == ("InvalidParameterValue", "Invalid value for Marker.")


def test_waiters_see_what_there_is(furnished, run, aws):
    aws("elasticache wait replication-group-available --replication-group-id web")
    aws("elasticache wait cache-cluster-deleted --cache-cluster-id never-made")
    for waiter, option, name in [
        ("replication-group-deleted", "--replication-group-id", "web"),
        ("cache-cluster-deleted", "--cache-cluster-id", "lone"),
    ]:
        done = run(["elasticache", "wait", waiter, option, name])
        assert done.returncode == GAVE_UP and '"available" at least once' in done.stderr, done


def test_a_group_that_the_cli_found_serves(furnished, aws):
    (group,) = aws("elasticache describe-replication-groups --replication-group-id web")["ReplicationGroups"]
    assert connect(primary_endpoint(group)).set("a", 1)


def test_the_exports_of_engram_env_are_all_that_a_shell_needs(region):
    script = f'eval "$({binary()} env --data-dir {region.data})" && "$0" elasticache describe-cache-engine-versions --output text'
    done = subprocess.run(["sh", "-c", script, CLI], capture_output=True, text=True)
    assert done.returncode == 0 and "valkey8" in done.stdout, done.stderr
