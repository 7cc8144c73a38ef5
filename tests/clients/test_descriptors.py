"""What a control plane that is short of descriptors still does, and that it keeps none."""

import os
import resource
import signal
import socket
import subprocess
from urllib.parse import urlparse

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from conftest import binary
from region import connect, primary_endpoint, roles, wait_until

# A region's limit, and more connections than that.
LIMIT = 256
MANY = 280

HALVES = [
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Le",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nAction=",
    b"",
]


@pytest.fixture(autouse=True)
def descriptors_of_the_test():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def start_with_limit(region, soft, hard):
    """Starts it as a shell with these limits does, and gives this process its own back."""
    own = resource.getrlimit(resource.RLIMIT_NOFILE)
    command = [binary(), "serve", "--data-dir", str(region.data), "--api", "127.0.0.1:0", *region.args]
    region.command = ["prlimit", f"--nofile={soft}:{hard}", *command]
    with open(region.log, "ab") as output:
        region.process = subprocess.Popen(
            region.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    wait_until("a start", lambda: "describe-replication-groups" in region.log.read_text())
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == own


def test_the_soft_limit_is_raised(new_region):
    region = new_region("--no-default-cache")
    start_with_limit(region, 128, 512)
    assert resource.prlimit(region.process.pid, resource.RLIMIT_NOFILE) == (512, 512)


def test_half_sent_requests_stop_neither_failovers_nor_the_status_nor_for_long_the_api(new_region):
    region = new_region("--no-default-cache")
    start_with_limit(region, LIMIT, LIMIT)
    client = connect(primary_endpoint(region.create("web", 2)))
    client.set("kept", 1)
    assert client.wait(1, 60_000) == 1
    endpoint = urlparse(region.environment()["AWS_ENDPOINT_URL"])
    halves = []
    for number in range(MANY):
        half = socket.create_connection((endpoint.hostname, endpoint.port))
        half.sendall(HALVES[number % len(HALVES)])
        halves.append(half)
    for lost, next_one in [("web-001", "web-002"), ("web-002", "web-001")]:
        os.kill(region.node(lost)["pid"], signal.SIGKILL)
        wait_until("a new primary", lambda: region.primary("web")["member"] == next_one)
        settled = lambda: all(node["status"] == "available" and node["process"] == "running" for node in region.nodes("web"))
        wait_until("both nodes", settled)
    # Nobody closes the halves, and the API comes back all the same.
    def answers():
        try:
            return roles(region.group("web"))
        except (ConnectTimeoutError, ReadTimeoutError):
            return None

    assert wait_until("an answer", answers)["web-001"] == "primary"
    assert connect(primary_endpoint(region.group("web"))).get("kept") == "1"
    for half in halves:
        half.close()


def test_more_nodes_than_descriptors_leave_the_present_ones_a_failover(new_region):
    region = new_region("--no-default-cache")
    start_with_limit(region, 96, 96)
    region.create("web", 2)
    aws = region.aws()
    for number in range(12):
        aws.create_replication_group(
            ReplicationGroupId=f"more-{number}", ReplicationGroupDescription="x", Engine="valkey", CacheNodeType="cache.t4g.micro"
        )
    wait_until("a refusal", lambda: "files are open" in region.log.read_text())
    os.kill(region.primary("web")["pid"], signal.SIGKILL)
    # There are no descriptors to start it again.
    region.killed.add("web-001")
    wait_until("a new primary", lambda: region.primary("web")["member"] == "web-002")
    wait_until("its service", lambda: connect(primary_endpoint(region.group("web"))).set("a", 1))


def test_groups_that_are_gone_leave_nothing(new_region):
    """A thousand by ENGRAM_GROUPS=1000."""
    groups = int(os.environ.get("ENGRAM_GROUPS", 20))
    region = new_region("--no-default-cache").start()
    aws = region.aws()
    gone = lambda name: name not in [group["ReplicationGroupId"] for group in aws.describe_replication_groups()["ReplicationGroups"]]
    kept = lambda what: len(os.listdir(f"/proc/{region.process.pid}/{what}"))

    def make_and_delete(name):
        region.create(name, 2 if name.endswith("0") else 1)
        aws.delete_replication_group(ReplicationGroupId=name)
        wait_until(f"the end of {name}", lambda: gone(name))

    make_and_delete("first-0")
    # Connections of the API are closed after a while; this one is open before and after.
    before = {what: wait_until("rest", lambda what=what: kept(what)) for what in ["fd", "task"]}
    for number in range(groups):
        make_and_delete(f"group-{number}")
    for what, count in before.items():
        wait_until(f"as few {what} as before ({count})", lambda what=what, count=count: kept(what) <= count)
    assert os.listdir(region.data / "nodes") == []
