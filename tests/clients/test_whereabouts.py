"""Where a region is: the place of its sockets, the block of its addresses, and what is said when nobody answers."""

import json
import os
import shutil
import signal
import subprocess

import pytest

from conftest import binary
from region import connect, is_alive, primary_endpoint


def ask(region, **environment):
    command = [binary(), "status", "--json", "--data-dir", str(region.data)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=60)


def block_of(region):
    snapshot = json.loads((region.data / "control" / "fleet.json").read_text())
    return snapshot["body"]["fleet"]["hosts"]["1"]["addresses"]["Loopback"]["block"]


@pytest.fixture
def runtime_directories(tmp_path):
    found = [tmp_path / "session-1", tmp_path / "session-2"]
    for directory in found:
        directory.mkdir(mode=0o700)
    return [str(directory) for directory in found]


def test_nodes_are_found_by_whoever_starts_restarts_or_asks_from_another_session(new_region, runtime_directories, monkeypatch):
    first, second = runtime_directories
    monkeypatch.setenv("XDG_RUNTIME_DIR", first)
    region = new_region("--no-default-cache").start()
    group = region.create("web", 1)
    connect(primary_endpoint(group)).set("kept", 1)
    pid = region.node("web-001")["pid"]
    monkeypatch.setenv("XDG_RUNTIME_DIR", second)
    assert region.node("web-001")["pid"] == pid
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert region.node("web-001")["pid"] == pid
    region.crash()
    monkeypatch.setenv("XDG_RUNTIME_DIR", second)
    region.start()
    assert region.node("web-001")["pid"] == pid
    region.stop()
    assert not is_alive(pid)
    monkeypatch.setenv("XDG_RUNTIME_DIR", first)
    region.start()
    assert connect(primary_endpoint(region.available("web"))).get("kept") == "1"


def test_each_silence_is_told_apart(new_region):
    region = new_region("--no-default-cache")
    assert "there is no region in" in ask(region).stderr
    region.start()
    region.create("web", 1)
    region.process.send_signal(signal.SIGSTOP)
    try:
        answer = ask(region)
        assert answer.returncode == 1 and "runs but does not answer" in answer.stderr, answer
    finally:
        region.process.send_signal(signal.SIGCONT)
    region.crash()
    answer = ask(region)
    assert answer.returncode == 1
    assert f"no region runs on {region.data}, though one of its nodes does; start one with engram serve" in answer.stderr
    region.start()
    region.stop()
    assert f"no region runs on {region.data}; start one with engram serve" in ask(region).stderr


def test_two_regions_never_have_the_same_addresses(new_region):
    one, two = new_region("--no-default-cache").start(), new_region("--no-default-cache").start()
    assert block_of(one) != block_of(two)
    two.stop()
    # What an earlier program may have drawn: both have the same.
    third = new_region("--no-default-cache")
    shutil.copytree(one.data / "control", third.data / "control")
    command = [binary(), "serve", "--data-dir", str(third.data), "--api", "127.0.0.1:0"]
    for _ in range(2):
        refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
        text = f"the addresses 127.{block_of(one)}.x.y of this region belong to the region in {one.data}"
        assert refused.returncode == 1 and text in refused.stderr, refused
        if one.process.poll() is None:
            one.stop()
    # Once that one is gone for good its block can be had.
    block = block_of(one)
    shutil.rmtree(one.data)
    third.start()
    assert block_of(third) == block
    one.process = None
    third.create("web", 1)
