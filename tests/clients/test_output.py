"""What reads the output of a region leaves, stops reading, or has a full disk: failovers go on."""

import os
import signal
import subprocess

import pytest

from conftest import binary
from region import connect, primary_endpoint, roles, wait_until


class Gone:
    """A reader that ends in the middle, as `tee` does at Ctrl-C."""

    def __init__(self, directory):
        self.reader = subprocess.Popen(["tee", str(directory / "copy")], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.output = self.reader.stdin

    def fail(self):
        self.reader.kill()
        self.reader.wait()


class Stuck:
    """A reader that never reads, as a pager does: the pipe is full from the start."""

    def __init__(self, directory):
        self.reader, writer = os.pipe()
        self.output = os.fdopen(writer, "wb", buffering=0)
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"x")
        except BlockingIOError:
            pass
        os.set_blocking(writer, True)

    def fail(self):
        pass


class Full:
    """A disk without room."""

    def __init__(self, directory):
        self.output = open("/dev/full", "wb", buffering=0)

    def fail(self):
        pass


@pytest.mark.parametrize("kind", [Gone, Stuck, Full])
def test_a_failover_happens_whoever_reads_the_output(new_region, tmp_path, kind):
    region = new_region("--no-default-cache")
    reader = kind(tmp_path)
    command = [binary(), "serve", "--data-dir", str(region.data), "--api", "127.0.0.1:0", "--no-default-cache"]
    region.process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=reader.output, stderr=reader.output, start_new_session=True
    )
    answers = lambda: subprocess.run([binary(), "status", "--data-dir", str(region.data)], capture_output=True).returncode == 0
    wait_until("an answer", answers)
    group = region.create("web", 2)
    connect(primary_endpoint(group)).set("kept", 1)
    assert connect(primary_endpoint(group)).wait(1, 60_000) == 1
    reader.fail()
    for lost, next_one in [("web-001", "web-002"), ("web-002", "web-001")]:
        os.kill(region.node(lost)["pid"], signal.SIGKILL)
        wait_until("a new primary", lambda: roles(region.group("web"))[next_one] == "primary")
        group = region.available("web")
        assert connect(primary_endpoint(group)).get("kept") == "1"
