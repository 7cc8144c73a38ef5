"""The place of the sockets is emptied: nodes and control plane find each other again, and where they do not it is told."""

import os
import shutil
import signal
import subprocess
import sys
import time

from conftest import binary
from region import connect, is_alive, primary_endpoint, roles, wait_until


def runtime(region):
    """The place of the sockets: within the data directory if they fit there."""
    return region.data / (region.data / "control" / "runtime").read_text().strip()


def lose_sockets(region):
    shutil.rmtree(runtime(region))


def table(region):
    return subprocess.check_output([binary(), "status", "--data-dir", str(region.data)], text=True)


def test_nodes_whose_sockets_were_lost_with_the_control_plane_are_adopted(new_region):
    region = new_region("--no-default-cache").start()
    group = region.create("web", 2)
    client = connect(primary_endpoint(group))
    client.set("kept", 1)
    assert client.wait(1, 10_000) == 1
    pids = {node["member"]: node["pid"] for node in region.nodes()}
    region.crash()
    lose_sockets(region)
    region.start()
    # Told at once, by whichever of the two states it finds them in.
    assert all(node["process"] == "running" or str(pids[node["member"]]) in node["reason"] for node in region.nodes())
    wait_until("their adoption", lambda: all(node["process"] == "running" for node in region.nodes()))
    assert {node["member"]: node["pid"] for node in region.nodes()} == pids
    # Such a primary has a failover, and its endpoint goes to the next one.
    os.kill(pids["web-001"], signal.SIGKILL)
    wait_until("a new primary", lambda: roles(region.group("web"))["web-002"] == "primary")
    assert connect(primary_endpoint(group)).get("kept") == "1"
    # It is followed by the other of its sockets.
    region.available("web")
    assert connect(primary_endpoint(group)).wait(1, 60_000) == 1


def test_a_region_whose_sockets_are_lost_is_asked_and_changed_again(new_region):
    region = new_region("--no-default-cache").start()
    group = region.create("web", 1)
    connect(primary_endpoint(group)).set("kept", 1)
    pid = region.node("web-001")["pid"]
    lose_sockets(region)
    ask = [binary(), "status", "--data-dir", str(region.data)]
    wait_until("an answer", lambda: subprocess.run(ask, capture_output=True).returncode == 0)
    assert region.node("web-001")["pid"] == pid
    wait_until("the node's sockets", lambda: len(list(runtime(region).glob("n*"))) == 2)
    region.aws().increase_replica_count(ReplicationGroupId="web", NewReplicaCount=1, ApplyImmediately=True)
    wait_until("a replica", lambda: [node["process"] for node in region.nodes("web")] == ["running"] * 2)
    assert len(roles(region.available("web"))) == 2
    region.stop()
    region.start()
    assert connect(primary_endpoint(region.available("web"))).get("kept") == "1"


def test_a_node_that_is_not_reached_is_told_with_what_helps(new_region):
    region = new_region("--no-default-cache").start()
    group = region.create("web", 1)
    connect(primary_endpoint(group)).set("kept", 1)
    node = region.node("web-001")
    region.crash()
    lose_sockets(region)
    # Something that is no socket stands where its socket was, so it cannot listen there.
    runtime(region).mkdir(mode=0o700)
    (runtime(region) / f"{node['node']}.private").touch()
    region.start()
    seen = region.node("web-001")
    assert seen["process"] == "starting" and seen["pid"] == node["pid"], seen
    for text in [f"its process {node['pid']} runs from an earlier start", f"/{node['node']}.private", f"kill {node['pid']}"]:
        assert text in seen["reason"] and text in table(region), seen
    assert connect(primary_endpoint(group)).get("kept") == "1", "it serves on"
    # What it says is true: nothing is lost by it.
    os.kill(node["pid"], signal.SIGTERM)
    wait_until("its end", lambda: not is_alive(node["pid"]))
    assert connect(primary_endpoint(region.available("web"))).get("kept") == "1"
    assert region.node("web-001")["reason"] is None


def test_a_process_that_merely_holds_a_nodes_lock_is_not_touched(new_region):
    region = new_region("--no-default-cache").start()
    region.create("web", 1)
    name = next(path.name for path in (region.data / "nodes").iterdir())
    region.stop()
    hold = "import fcntl, sys, time; lock = open(sys.argv[1]); fcntl.flock(lock, fcntl.LOCK_EX); print('held', flush=True); time.sleep(300)"
    lock = region.data / "nodes" / name / "lock"
    holder = subprocess.Popen([sys.executable, "-c", hold, str(lock)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        region.start()
        wait_until("a reason", lambda: region.node("web-001")["reason"])
        # Nor does an end that is insisted on.
        region.process.send_signal(signal.SIGINT)
        # What comes sooner is the same wish, heard twice.
        time.sleep(0.6)
        region.process.send_signal(signal.SIGINT)
        region.process.wait(timeout=60)
        assert holder.poll() is None
    finally:
        holder.kill()
        holder.wait()
