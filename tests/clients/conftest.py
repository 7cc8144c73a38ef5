"""Starts the binary that ENGRAM_BIN names, each node on a directory and port of its own."""

import os
import signal
import socket
import subprocess
import time

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60


class Node:
    """One process. It can be stopped and started again on the same directory."""

    def __init__(self, directory, args=(), port=None):
        self.directory = directory
        self.args = list(args)
        self.port = port or free_port()
        self.process = None
        self.log = directory / "log"

    def command(self):
        return [binary(), "node", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory), *self.args]

    def start(self):
        self.process = spawn(self.command(), self.log)
        wait_until_answers(self.process, self.port, self.log)
        return self

    def stop(self, with_signal=signal.SIGTERM):
        """Ends the process by a signal and returns its exit code."""
        self.process.send_signal(with_signal)
        return self.process.wait(timeout=STOP_TIMEOUT_S)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def client(self, **options):
        options.setdefault("decode_responses", True)
        # A lost connection is opened again once; the library's own ten attempts would hide what they cost.
        options.setdefault("retry", Retry(NoBackoff(), 1))
        return redis.Redis(host="127.0.0.1", port=self.port, **options)


def binary():
    path = os.environ.get("ENGRAM_BIN")
    if not path:
        pytest.exit("ENGRAM_BIN names no binary", returncode=1)
    return path


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def spawn(command, log, **options):
    with open(log, "ab") as output:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options)


def wait_until_answers(process, port, log):
    deadline = time.monotonic() + START_TIMEOUT_S
    client = redis.Redis(host="127.0.0.1", port=port)
    while True:
        if process.poll() is not None:
            pytest.fail(f"the process ended with {process.returncode}; it printed:\n{log.read_text()}")
        try:
            client.ping()
            client.close()
            return
        except (redis.ConnectionError, redis.exceptions.BusyLoadingError):
            if time.monotonic() > deadline:
                process.kill()
                pytest.fail(f"no answer on port {port}; it printed:\n{log.read_text()}")
            time.sleep(0.02)


@pytest.fixture(scope="session")
def shared_node(tmp_path_factory):
    node = Node(tmp_path_factory.mktemp("node"), ["--save", ""])
    try:
        yield node.start()
    finally:
        node.kill()


@pytest.fixture
def node(shared_node):
    """A running node with empty databases."""
    with shared_node.client() as client:
        client.flushall()
    return shared_node


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def client(node, request):
    """A client of each protocol version."""
    with node.client(protocol=request.param) as client:
        yield client


@pytest.fixture
def new_node(tmp_path):
    """Makes nodes of the test's own: new_node("--save", "") is not yet started."""
    nodes = []

    def make(*args, port=None, directory=None):
        place = directory or tmp_path / f"node-{len(nodes)}"
        place.mkdir(exist_ok=True)
        nodes.append(Node(place, args, port))
        return nodes[-1]

    yield make
    for node in nodes:
        node.kill()


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    """A region without a default cache, for the tests of a module."""
    from region import Region

    region = Region(tmp_path_factory.mktemp("region"), "--no-default-cache")
    try:
        yield region.start()
    finally:
        region.end()


@pytest.fixture
def new_region(tmp_path):
    """Makes regions of the test's own: new_region("--port", "7000") is not yet started."""
    from region import Region

    regions = []

    def make(*args):
        place = tmp_path / f"region-{len(regions)}"
        place.mkdir()
        regions.append(Region(place, *args))
        return regions[-1]

    yield make
    for region in regions:
        region.end()
