"""The end of a region whose nodes cannot save: nothing is lost, and it says so."""

import os
import resource
import signal
import subprocess

import pytest

from conftest import STOP_TIMEOUT_S
from region import connect, is_alive, primary_endpoint, until_measured, wait_until


def interrupt(region, times=1):
    """Ends it by a signal or several at once: its exit code, and what it said about it."""
    before = len(region.log.read_text())
    for _ in range(times):
        region.process.send_signal(signal.SIGINT)
    code = region.process.wait(timeout=STOP_TIMEOUT_S)
    return code, region.log.read_text()[before:]


def make_unsaveable(region, member):
    """No file takes the place of a directory."""
    node = region.node(member)
    directory = region.data / "nodes" / node["node"] / "dump.rdb"
    directory.mkdir()
    return node["pid"], directory


@pytest.fixture
def region(new_region):
    region = new_region("--no-default-cache").start()
    for name in ["first", "second"]:
        connect(primary_endpoint(region.create(name, 1))).set("kept", name)
    return region


def value(region, name):
    return connect(primary_endpoint(region.available(name))).get("kept")


def test_a_node_that_cannot_save_is_left_running_and_named(region):
    pid, directory = make_unsaveable(region, "first-001")
    other = region.node("second-001")["pid"]
    code, said = interrupt(region)
    assert code == 1 and "Stopped." not in said, said
    for text in ["first-001", str(directory.parent), "directory", "it runs on", "--discard-unsaved"]:
        assert text in said, said
    assert "second-001" not in said
    assert is_alive(pid) and not is_alive(other)
    region.start()
    assert region.node("first-001")["pid"] == pid
    directory.rmdir()
    assert value(region, "first") == "first" and value(region, "second") == "second"
    code, said = interrupt(region)
    assert code == 0 and "Stopped." in said, said
    assert not is_alive(pid)
    region.start()
    assert value(region, "first") == "first" and value(region, "second") == "second"


def test_a_node_that_cannot_save_is_ended_when_the_user_insists(region):
    region.stop()
    region.args.append("--discard-unsaved")
    region.start()
    assert value(region, "first") == "first"
    pid, directory = make_unsaveable(region, "first-001")
    code, said = interrupt(region)
    assert code == 1 and "first-001" in said and "it was ended without" in said, said
    assert not is_alive(pid)
    directory.rmdir()
    region.start()
    assert value(region, "first") is None and value(region, "second") == "second"


def test_a_node_that_dies_instead_of_saving_is_named(region):
    node = region.node("first-001")
    os.kill(node["pid"], signal.SIGSTOP)
    before = len(region.log.read_text())
    region.process.send_signal(signal.SIGINT)
    said = lambda: region.log.read_text()[before:]
    wait_until("words about it", lambda: "first-001" in said())
    os.kill(node["pid"], signal.SIGKILL)
    assert region.process.wait(timeout=STOP_TIMEOUT_S) == 1, said()
    end = said().split("not all nodes have saved their data:")[1]
    assert "first-001" in end and "it ended by signal 9" in end and "runs on" not in end, end
    assert "second-001" not in end and "Stopped." not in said(), said()
    region.start()
    assert value(region, "first") is None and value(region, "second") == "second"


def test_a_replica_with_a_file_leads_the_start_if_the_primary_has_none(new_region):
    region = new_region("--no-default-cache").start()
    client = connect(primary_endpoint(region.create("web", 3)))
    client.set("kept", "web")
    assert client.wait(2, 60_000) == 2
    primary = region.primary("web")
    region.stop()
    (region.data / "nodes" / primary["node"] / "dump.rdb").unlink()
    region.start()
    assert value(region, "web") == "web"
    assert region.primary("web")["node"] != primary["node"]


def test_two_signals_at_once_are_one(region):
    code, said = interrupt(region, times=2)
    assert code == 0 and "Stopped." in said, said
    region.start()
    assert value(region, "first") == "first" and value(region, "second") == "second"


def test_a_second_signal_ends_what_does_not_end(region):
    node = region.node("first-001")
    os.kill(node["pid"], signal.SIGSTOP)
    before = len(region.log.read_text())
    region.process.send_signal(signal.SIGINT)

    def ended():
        # The first ones come too soon to count.
        region.process.send_signal(signal.SIGINT)
        return region.process.poll() is not None

    wait_until("its end", ended)
    said = region.log.read_text()[before:]
    assert region.process.returncode == 1 and "first-001" in said and "it was ended without" in said, said
    assert not is_alive(node["pid"])


def test_a_node_that_hangs_is_named_while_it_is_waited_for(region):
    node = region.node("first-001")
    os.kill(node["pid"], signal.SIGSTOP)
    before = len(region.log.read_text())
    region.process.send_signal(signal.SIGINT)
    said = lambda: region.log.read_text()[before:]
    name = f"first-001 ({node['node']}, process {node['pid']})"
    try:
        wait_until("words about it", lambda: f"{name} hangs: none of its threads moves" in said())
        assert "It takes at most" in said() and "Another signal (Ctrl-C) ends them at once" in said(), said()
        assert region.process.poll() is None and "Stopped." not in said()
    finally:
        os.kill(node["pid"], signal.SIGCONT)
    assert region.process.wait(timeout=STOP_TIMEOUT_S) == 0 and "Stopped." in said(), said()
    assert not is_alive(node["pid"])
    region.start()
    assert value(region, "first") == "first" and value(region, "second") == "second"


def starve(pid, left):
    """Leaves a process so many descriptors."""
    taken = {int(number) for number in os.listdir(f"/proc/{pid}/fd")}
    limit = 0
    while left > 0 or limit in taken:
        left -= limit not in taken
        limit += 1
    hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, hard))


def test_a_node_without_descriptors_says_so_and_keeps_its_data(region):
    pid = region.node("first-001")["pid"]
    # It has all connections by then that the region keeps.
    until_measured(region, "first-001")
    # The request to end takes two, and nothing is left for the file.
    starve(pid, 2)
    code, said = interrupt(region)
    assert code == 1 and "first-001" in said and "Too many open files" in said, said
    assert is_alive(pid)
    hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
    region.start()
    assert value(region, "first") == "first" and value(region, "second") == "second"


def test_a_control_plane_without_descriptors_says_so_and_leaves_its_nodes(region):
    pid = region.node("first-001")["pid"]
    starve(region.process.pid, 0)
    code, said = interrupt(region)
    assert code == 1 and "first-001" in said and "Too many open files" in said, said
    assert is_alive(pid)
    region.start()
    assert value(region, "first") == "first" and value(region, "second") == "second"


def test_a_node_that_is_being_started_is_stopped_too(new_region):
    region = new_region("--no-default-cache").start()
    region.create("web", 3)
    for node in region.nodes():
        os.kill(node["pid"], signal.SIGKILL)
    # Whichever of them is on its way back at this moment.
    code, said = interrupt(region)
    # One that has not come back by then has ended without saving.
    assert code == (1 if "it ended by signal 9" in said else 0), said
    for lock in region.data.glob("nodes/*/lock"):
        assert subprocess.run(["flock", "--nonblock", lock, "true"]).returncode == 0, lock
