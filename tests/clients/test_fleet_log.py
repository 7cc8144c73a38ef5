"""The log of the fleet from outside: an older one that is put back, a damaged one, and what is on the disk when a call is answered."""

import ctypes
import os
import shutil
import signal
import subprocess

import pytest

from conftest import binary
from region import connect, is_alive, primary_endpoint, wait_until


def test_a_new_group_never_gets_the_data_of_another_log_s_group(new_region, tmp_path):
    region = new_region("--no-default-cache").start()
    region.create("kept", nodes=1)
    region.stop()
    shutil.copytree(region.data / "control", tmp_path / "older")
    region.start()
    group = region.create("lost", nodes=1)
    connect(primary_endpoint(group)).set("secret", "of lost")
    lost = region.primary("lost")["node"]
    region.stop()
    assert (region.data / "nodes" / lost / "dump.rdb").exists()
    for name in ("fleet.json", "fleet.log"):
        shutil.copy(tmp_path / "older" / name, region.data / "control" / name)
    region.start()
    group = region.create("new", nodes=1)
    assert connect(primary_endpoint(group)).dbsize() == 0
    assert region.primary("new")["node"] != lost
    assert (region.data / "strangers" / lost / "dump.rdb").exists()
    messages = region.messages("lost-001")
    assert any("belongs to no deployment and was moved to" in message for message in messages), messages
    assert region.available("kept")


def test_a_process_of_another_log_is_named_until_it_has_ended(new_region, tmp_path):
    region = new_region("--no-default-cache").start()
    region.create("kept", nodes=1)
    region.stop()
    shutil.copytree(region.data / "control", tmp_path / "older")
    region.start()
    connect(primary_endpoint(region.create("lost", nodes=1))).set("kept", 1)
    lost = region.primary("lost")
    region.crash()
    for name in ("fleet.json", "fleet.log"):
        shutil.copy(tmp_path / "older" / name, region.data / "control" / name)
    region.start()
    directory = region.data / "nodes" / lost["node"]
    [stranger] = [stranger for one in region.status() for stranger in one["strangers"]]
    assert (stranger["node"], stranger["pid"], stranger["directory"]) == (lost["node"], lost["pid"], str(directory)), stranger
    assert "lost-001" in stranger["origin"]
    words = f"the process {lost['pid']} holds the lock of {directory}"
    advice = f"end it with kill {lost['pid']}"
    table = subprocess.check_output([binary(), "status", "--data-dir", str(region.data)], text=True)
    assert words in table and advice in table, table
    before = len(region.log.read_text())
    region.stop()
    said = region.log.read_text()[before:]
    assert words in said and advice in said, said
    assert is_alive(lost["pid"])
    # The advice is followed: its data is in its file, and the next start moves that aside.
    os.kill(lost["pid"], signal.SIGTERM)
    wait_until("its end", lambda: not is_alive(lost["pid"]))
    region.start()
    assert (region.data / "strangers" / lost["node"] / "dump.rdb").exists()
    assert [one["strangers"] for one in region.status()] == [[]]


def test_a_damaged_last_line_is_a_refusal(new_region):
    region = new_region("--no-default-cache").start()
    region.create("web", nodes=1)
    region.stop()
    log = region.data / "control" / "fleet.log"
    whole = log.read_bytes()
    log.write_bytes(whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:])
    command = [binary(), "serve", "--data-dir", str(region.data), "--api", "127.0.0.1:0"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1 and "fleet.log is damaged" in refused.stderr, refused
    log.write_bytes(whole)
    region.start()


class _Range(ctypes.Structure):
    _fields_ = [("off", ctypes.c_uint64), ("len", ctypes.c_uint64)]


class _CacheStat(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("cache", "dirty", "writeback", "evicted", "recently_evicted")]


def unwritten_pages(path):
    """Pages of a file that the disk does not have yet, by cachestat(2); None where the kernel does not tell."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(path, "rb") as file:
        found = _CacheStat()
        whole = _Range(0, os.fstat(file.fileno()).st_size)
        # The number is the same on every architecture.
        if libc.syscall(451, file.fileno(), ctypes.byref(whole), ctypes.byref(found), 0) != 0:
            return None
        return found.dirty + found.writeback


def test_what_a_call_was_answered_is_on_the_disk(new_region, tmp_path):
    probe = tmp_path / "probe"
    probe.write_bytes(b"x")
    if not unwritten_pages(probe):
        pytest.skip("the kernel or the file system does not tell what is not on the disk yet")
    region = new_region("--no-default-cache").start()
    group = region.create("web", nodes=1)
    client = region.aws()
    log = region.data / "control" / "fleet.log"
    for number in range(5):
        before = log.stat().st_size
        client.add_tags_to_resource(ResourceName=group["ARN"], Tags=[{"Key": "n", "Value": str(number)}])
        assert log.stat().st_size > before
        assert unwritten_pages(log) == 0
