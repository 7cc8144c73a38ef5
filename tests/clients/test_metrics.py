"""What the region measures of its nodes, compared with what a client knows that it did."""

import json
import os
import signal
import subprocess

import pytest

from conftest import binary
from region import ask, connect, primary_endpoint, seconds, series, until_measured, wait_until

MANY = 3_000


@pytest.fixture
def measured(new_region):
    return new_region("--no-default-cache").start()


def total(region, metric, member):
    return sum(series(region, metric, member).values())


def test_what_a_client_did_is_what_was_measured(measured):
    group = measured.create("counted", 2)
    server = connect(primary_endpoint(group))
    member = measured.primary("counted")["member"]
    until_measured(measured, member)
    metrics = ["SetTypeCmds", "GetTypeCmds", "StringBasedCmds", "HashBasedCmds", "CacheHits", "CacheMisses"]
    before = {metric: total(measured, metric, member) for metric in metrics}
    pipeline = server.pipeline(transaction=False)
    for number in range(MANY):
        pipeline.set(f"k{number}", "value")
    for number in range(MANY):
        pipeline.get(f"k{2 * number}")
    pipeline.hset("h", "field", "value")
    pipeline.execute()
    known = {
        "SetTypeCmds": MANY + 1,
        "GetTypeCmds": MANY,
        "StringBasedCmds": 2 * MANY,
        "HashBasedCmds": 1,
        "CacheHits": MANY // 2,
        "CacheMisses": MANY // 2,
    }
    grown = lambda: {metric: total(measured, metric, member) - before[metric] for metric in metrics}
    wait_until("all of it measured", lambda: sum(grown().values()) >= sum(known.values()))
    assert grown() == known
    assert list(series(measured, "CurrItems", member).values())[-1] == MANY + 1
    rates = series(measured, "CacheHitRate", member)
    assert rates and all(0 <= rate <= 100 for rate in rates.values())
    latencies = series(measured, "SetTypeCmdsLatency", member)
    assert latencies and all(0 < latency < 60_000_000 for latency in latencies.values())
    minutes = series(measured, "SetTypeCmds", member, 60)
    assert all(at % 60 == 0 for at in minutes) and sum(minutes.values()) - before["SetTypeCmds"] == MANY + 1


def test_a_crash_of_the_control_plane_is_a_gap(measured):
    group = measured.create("kept", 1)
    server = connect(primary_endpoint(group))
    member = measured.primary("kept")["member"]
    until_measured(measured, member)
    server.set("key", 1)
    wait_until("the write measured", lambda: total(measured, "SetTypeCmds", member) == 1)
    before = series(measured, "SetTypeCmds", member)
    measured.crash()
    server.set("key", 2)
    measured.start()
    until_measured(measured, member, max(before))
    after = series(measured, "SetTypeCmds", member)
    assert before.items() <= after.items(), "what was measured stays"
    new = sorted(set(after) - set(before))
    assert new[0] - max(before) > 1, "nobody was asked meanwhile"
    assert sum(after.values()) == 1, "what was counted meanwhile is of no second"
    server.set("key", 3)
    wait_until("a write behind the start", lambda: total(measured, "SetTypeCmds", member) == 2)


def test_a_member_whose_node_is_replaced_goes_on_behind_a_gap(measured):
    measured.create("lasting", 1)
    node = measured.primary("lasting")
    member = node["member"]
    last = until_measured(measured, member)
    measured.killed.add(member)
    os.kill(node["pid"], signal.SIGKILL)
    new = lambda: measured.node(member)["pid"] not in (None, node["pid"])
    wait_until("another process", new)
    until_measured(measured, member, last + 1)
    counted = seconds(measured, member)
    gaps = [(one, next) for one, next in zip(counted, counted[1:]) if next - one > 1]
    assert gaps, "a second without a node has no value"
    assert all(value >= 0 for value in series(measured, "ProcessedCommands", member).values())
    assert all(value > 0 for value in series(measured, "BytesUsedForCache", member).values()), "a gap, not a zero"


def test_a_replica_that_is_stopped_lags(measured):
    group = measured.create("behind", 2)
    replica = next(node for node in measured.nodes("behind") if node["role"] == "replica")
    lags = lambda: series(measured, "ReplicationLag", replica["member"])
    wait_until("a lag of nothing", lambda: 0 in lags().values())
    assert connect(primary_endpoint(group)).ping()
    assert series(measured, "ReplicationLag", measured.primary("behind")["member"]) == {}, "a primary has none"
    link = series(measured, "MasterLinkHealthStatus", replica["member"])
    assert list(link.values())[-1] == 1


def test_the_table_and_its_frame(measured):
    assert ask(measured, "top", "--once").stdout == "There is no member yet.\n"
    measured.create("shown", 2)
    frame = lambda: ask(measured, "top", "--once").stdout
    both = lambda: sum(line.split()[1:2] in (["primary"], ["replica"]) for line in frame().splitlines()) == 2
    wait_until("both members", both)
    shown = frame()
    assert "\x1b" not in shown
    assert shown.startswith("2 members, 0 without an answer; "), shown
    assert {"shown-001", "shown-002"} <= {line.split()[0] for line in shown.splitlines()}, shown
    until_measured(measured, "shown-001")
    text = ask(measured, "metrics", "--deployment", "shown", "--since", "5m", "--period", "1").stdout
    lines = [line.split() for line in text.splitlines()]
    assert ["shown-001", "CurrItems", "Count", "Average", "0", "0", "0"] in [line[:7] for line in lines], text
    for asked, why in [
        (["--metric", "Nonsense"], "there is no metric Nonsense; docs/metrics.md lists them"),
        (["--statistic", "Median"], "there is no statistic Median; there are Average, Sum, Minimum, Maximum, SampleCount"),
    ]:
        refused = ask(measured, "metrics", *asked)
        assert refused.returncode == 1 and refused.stderr == f"engram: {why}\n"
    assert ask(measured, "metrics", "--metric", "curritems", "--json").stdout.startswith('[{"region":"us-east-1"')


def test_any_time_and_period_is_answered_whoever_was_there_before(measured):
    for name in ["first", "second"]:
        measured.create(name, 1)
        until_measured(measured, f"{name}-001")
    measured.aws().delete_replication_group(ReplicationGroupId="first")
    gone = lambda: not measured.nodes("first")
    wait_until("first gone", gone)
    for asked in [["--period", "1"], ["--since", "7d"], ["--since", "450d", "--period", "1"], ["--since", "450d", "--period", "300"]]:
        table, document = ask(measured, "metrics", *asked), ask(measured, "metrics", *asked, "--json")
        assert (table.returncode, document.returncode) == (0, 0), table.stderr + document.stderr
        found = {(one["member"], one["metric"]) for one in json.loads(document.stdout)}
        assert {("first-001", "CurrItems"), ("second-001", "CurrItems")} <= found
        shown = {tuple(line.split()[:2]) for line in table.stdout.splitlines()}
        assert found <= shown, "the table has what the document has"


def test_top_redraws_and_leaves_the_terminal(measured):
    measured.create("drawn", 1)
    master, slave = os.openpty()
    command = [binary(), "top", "--data-dir", str(measured.data)]
    # As a terminal starts it, also where these tests run in the background and were told to ignore Ctrl-C.
    heeds = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    top = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave, preexec_fn=heeds)
    os.close(slave)
    seen = b""
    try:
        while seen.count(b"members, ") < 3:
            seen += os.read(master, 4096)
    finally:
        top.send_signal(signal.SIGINT)
        assert top.wait(timeout=60) == -signal.SIGINT
        os.close(master)
    escapes = set(part.split(b"m")[0][:2] for part in seen.split(b"\x1b")[1:])
    assert escapes and all(escape.startswith(b"[") for escape in escapes)
    for lasting in (b"\x1b[?", b"\x1bc", b"\x1b[r"):
        assert lasting not in seen, "nothing that would have to be put back"
