"""Nodes that die, hang and come back, under writes."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
import redis

from region import connect, is_alive, primary_endpoint, roles, wait_until

SEED = int(os.environ.get("ENGRAM_SEED", random.randrange(1 << 32)))


class Writer(threading.Thread):
    """Writes numbers, every tenth confirmed by a replica, and connects again whenever it must."""

    def __init__(self, endpoint):
        super().__init__(daemon=True)
        self.endpoint = endpoint
        self.acknowledged = []
        self.confirmed = []
        self.is_over = threading.Event()
        self.refusals = []

    def run(self):
        client = connect(self.endpoint)
        number = 0
        while not self.is_over.is_set():
            number += 1
            try:
                client.set(f"w{number}", number)
                self.acknowledged.append(number)
                if number % 10 == 0 and client.wait(1, 1000) >= 1:
                    self.confirmed.append(number)
            except (redis.ConnectionError, redis.TimeoutError) as error:
                self.refusals.append(str(error))
                client.close()
            except redis.ResponseError as error:
                self.refusals.append(str(error))

    def more(self, count=50):
        """Waits until it has written so many more."""
        before = len(self.acknowledged)
        wait_until("more writes", lambda: len(self.acknowledged) >= before + count)

    def end(self):
        self.is_over.set()
        self.join(60)


@pytest.fixture
def writer(region):
    writers = []

    def begin(group):
        writers.append(Writer(primary_endpoint(group)))
        writers[-1].start()
        writers[-1].more()
        return writers[-1]

    yield begin
    for one in writers:
        one.end()


def is_closed(connection):
    try:
        return connection.recv(100) == b""
    except ConnectionError:
        return True


def missing(endpoint, numbers):
    client = connect(endpoint)
    values = client.mget([f"w{number}" for number in numbers]) if numbers else []
    return [number for number, value in zip(numbers, values) if value != str(number)]


def test_a_killed_primary_is_replaced_and_comes_back_as_a_replica(region, writer):
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    group = region.create("kill", 3)
    writing = writer(group)
    for _ in range(3):
        primary = region.primary("kill")
        endpoint = primary_endpoint(group)
        old = socket.create_connection((endpoint["Address"], endpoint["Port"]), timeout=60)
        old.sendall(b"PING\r\n")
        assert old.recv(100) == b"+PONG\r\n"
        writing.more(chance.randrange(20, 200))
        os.kill(primary["pid"], signal.SIGKILL)
        # A connect meanwhile waits, and is answered by the new primary.
        new = connect(primary_endpoint(group))
        assert new.set("through", 1)
        assert is_closed(old)
        writing.more()
        group = wait_until(
            "roles", lambda: (g := region.available("kill")) and roles(g)[primary["member"]] == "replica" and g
        )
        assert sorted(roles(group).values()) == ["primary", "replica", "replica"]
        after = region.primary("kill")["member"]
        assert f"Failover from primary node {primary['member']} to replica node {after} completed" in region.messages("kill")
        told = region.messages(primary["member"])
        assert "Recovering cache nodes 0001" in told and "Finished recovery for cache nodes 0001" in told
    writing.end()
    assert missing(primary_endpoint(group), writing.confirmed) == []
    lost = missing(primary_endpoint(group), writing.acknowledged)
    # Asynchronous replication may lose the tail before each failure, never more.
    assert len(lost) < len(writing.acknowledged) / 10, lost
    assert not any("READONLY" in text for text in writing.refusals), writing.refusals


def test_a_hung_primary_is_replaced_and_never_a_second_one(region, writer):
    group = region.create("hang", 2)
    writing = writer(group)
    primary = region.primary("hang")
    os.kill(primary["pid"], signal.SIGSTOP)
    assert connect(primary_endpoint(group)).set("through", 1)
    # It was killed before anybody took its place, so it cannot go on.
    wait_until("its end", lambda: not is_alive(primary["pid"]))
    writing.more()
    group = region.available("hang")
    assert roles(group)[primary["member"]] == "replica"
    writing.end()
    assert missing(primary_endpoint(group), writing.confirmed) == []


def test_a_stop_for_a_moment_changes_nothing(region):
    group = region.create("moment", 2)
    primary = region.primary("moment")
    for _ in range(20):
        stopped = time.monotonic()
        os.kill(primary["pid"], signal.SIGSTOP)
        try:
            # It hangs for longer than a heartbeat, and for less than is allowed.
            with pytest.raises(redis.TimeoutError):
                connect(primary_endpoint(group), socket_timeout=0.3).ping()
        finally:
            os.kill(primary["pid"], signal.SIGCONT)
        if time.monotonic() - stopped < 1.2:
            break
        # This process was itself kept from running: the node may have been stopped for long enough to be replaced.
        region.available("moment")
        primary = region.primary("moment")
    else:
        pytest.fail("the machine is too busy to stop a process for a moment")
    before = len(region.messages("moment"))
    connect(primary_endpoint(group)).set("a", 1)
    assert region.primary("moment")["pid"] == primary["pid"]
    assert len(region.messages("moment")) == before


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
def test_a_lost_replica_comes_back_and_nobody_notices(region, writer, how):
    name = f"replica-{how.name.lower()}"
    group = region.create(name, 3)
    writing = writer(group)
    replica = next(node for node in region.nodes(name) if node["role"] == "replica")
    os.kill(replica["pid"], how)
    wait_until("another process", lambda: region.node(replica["member"])["pid"] not in (None, replica["pid"]))
    group = region.available(name)
    writing.end()
    assert writing.refusals == []
    assert roles(group)[replica["member"]] == "replica"
    assert not any("Failover" in message for message in region.messages(name))


def test_a_busy_machine_is_no_failure(region, writer):
    name = "busy"
    group = region.create(name, 2)
    pids = [node["pid"] for node in region.nodes(name)]
    burn = "import time\nend = time.monotonic() + 6\nwhile time.monotonic() < end: pass"
    burners = [subprocess.Popen([sys.executable, "-c", burn]) for _ in range(4 * os.cpu_count())]
    try:
        writing = writer(group)
        for burner in burners:
            burner.wait(60)
        writing.more()
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    assert [node["pid"] for node in region.nodes(name)] == pids
    assert not any("Recovering" in message or "Failover" in message for message in region.messages() if name in message)
    assert writing.refusals == []


def test_a_node_alone_comes_back_empty(region):
    group = region.create("lonely", 1)
    connect(primary_endpoint(group)).set("a", 1)
    os.kill(region.primary("lonely")["pid"], signal.SIGKILL)
    # The connect waits for the node.
    assert connect(primary_endpoint(group)).dbsize() == 0
    region.available("lonely")


def test_a_tested_failover_is_told_in_order(region, writer):
    group = region.create("tested", 2)
    writing = writer(group)
    region.aws().test_failover(ReplicationGroupId="tested", NodeGroupId="0001")
    group = wait_until("the failover", lambda: (g := region.available("tested")) and roles(g)["tested-002"] == "primary" and g)
    writing.more()
    newest_first = region.aws().describe_events(Duration=60)["Events"]
    events = [e["Message"] for e in reversed(newest_first) if e["SourceIdentifier"].startswith("tested")]
    story = [
        "Test Failover API called for node group 0001",
        "Failover from primary node tested-001 to replica node tested-002 completed",
        "Recovering cache nodes 0001",
        "Finished recovery for cache nodes 0001",
    ]
    assert [message for message in dict.fromkeys(events) if message in story] == story


def test_a_planned_change_of_the_primary_loses_nothing(region, writer):
    group = region.create("planned", 2)
    writing = writer(group)
    client = region.aws()
    client.modify_replication_group(ReplicationGroupId="planned", CacheNodeType="cache.m7g.large", ApplyImmediately=True)
    group = region.available("planned")
    assert group["CacheNodeType"] == "cache.m7g.large"
    writing.more()
    client.modify_replication_group(
        ReplicationGroupId="planned", AutomaticFailoverEnabled=False, MultiAZEnabled=False, PrimaryClusterId="planned-002"
    )
    group = wait_until("the promotion", lambda: (g := region.available("planned")) and roles(g)["planned-002"] == "primary" and g)
    writing.more()
    client.modify_replication_group(ReplicationGroupId="planned", CacheNodeType="cache.t4g.micro", ApplyImmediately=True)
    group = region.available("planned")
    assert group["CacheNodeType"] == "cache.t4g.micro" and roles(group)["planned-002"] == "primary"
    writing.more()
    writing.end()
    assert missing(primary_endpoint(group), writing.acknowledged) == []
    assert not any("READONLY" in text for text in writing.refusals), writing.refusals


def test_without_automatic_failover_the_same_member_is_the_primary_again(region):
    group = region.create("manual", 2, AutomaticFailoverEnabled=False, MultiAZEnabled=False)
    client = connect(primary_endpoint(group))
    client.set("kept", 1)
    assert client.wait(1, 10_000) == 1
    os.kill(region.primary("manual")["pid"], signal.SIGKILL)
    assert connect(primary_endpoint(group)).get("kept") == "1"
    assert roles(region.available("manual")) == {"manual-001": "primary", "manual-002": "replica"}
    assert not any("Failover" in message for message in region.messages("manual"))
