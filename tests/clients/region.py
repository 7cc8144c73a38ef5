"""A region of the test's own: `engram serve` on a directory and a port, and what its users use."""

import json
import os
import re
import signal
import subprocess
import time

import boto3
import botocore.config
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from conftest import STOP_TIMEOUT_S, binary, spawn

WAIT_S = 120


def wait_until(what, condition):
    """Waits until the condition gives something true, and gives that."""
    deadline = time.monotonic() + WAIT_S
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.02)


def is_alive(pid):
    """Whether a process runs; one that nobody has asked about since its end does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


class Region:
    def __init__(self, directory, *args):
        self.directory = directory
        self.args = list(args)
        self.process = None
        self.log = directory / "serve.log"
        self.data = directory / "data"
        # Members that the test has killed and that need not come back before the region stops: what they had is not saved by
        # them, and a stop says so.
        self.killed = set()

    def start(self):
        command = [binary(), "serve", "--data-dir", str(self.data), "--api", "127.0.0.1:0", *self.args]
        before = self.log.read_text() if self.log.exists() else ""
        self.process = spawn(command, self.log, start_new_session=True)
        text = lambda: self.log.read_text()[len(before) :]
        wait_until("a start", lambda: "describe-replication-groups" in text() or self.process.poll() is not None)
        assert self.process.poll() is None, text()
        return self

    def stop(self):
        """Ends it as Ctrl-C does, and makes sure that no node is left."""
        pids = [node["pid"] for node in self.nodes() if node["pid"]]
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(timeout=STOP_TIMEOUT_S)
        # The output of some regions goes elsewhere.
        log = self.log.read_text() if self.log.exists() else ""
        unsaved = re.findall(r"^  (\S+) \(.*data is saved", log.rsplit("Stopping:", 1)[-1], re.MULTILINE)
        assert status == (1 if unsaved else 0) and set(unsaved) <= self.killed, log
        for pid in pids:
            assert not is_alive(pid), f"node {pid} is left"

    def crash(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """At the end of a test, whatever has become of it."""
        if self.process is None:
            return
        if self.process.poll() is not None:
            self.start()
        self.stop()

    def environment(self):
        lines = subprocess.check_output([binary(), "env", "--data-dir", str(self.data)], text=True).splitlines()
        exports = [line.removeprefix("export ").split("=", 1) for line in lines if line.startswith("export ")]
        return {**os.environ, **dict(exports), "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": ""}

    def aws(self, service="elasticache", region="us-east-1", **changes):
        env = self.environment()
        options = {
            "endpoint_url": env["AWS_ENDPOINT_URL"],
            "aws_access_key_id": env["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": env["AWS_SECRET_ACCESS_KEY"],
            "config": botocore.config.Config(retries={"max_attempts": 0}, read_timeout=60),
            **changes,
        }
        return boto3.client(service, region_name=region, **options)

    def status(self):
        command = [binary(), "status", "--json", "--data-dir", str(self.data)]
        return json.loads(subprocess.check_output(command))

    def nodes(self, deployment=None):
        found = []
        for region in self.status():
            for one in region["deployments"]:
                if deployment in (None, one["id"]):
                    found.extend(one["nodes"])
        return found

    def node(self, member):
        return next(node for node in self.nodes() if node["member"] == member)

    def primary(self, deployment):
        return next(node for node in self.nodes(deployment) if node["role"] == "primary")

    def create(self, name, nodes=2, **options):
        client = self.aws()
        parameters = {
            "ReplicationGroupId": name,
            "ReplicationGroupDescription": "of a test",
            "Engine": "valkey",
            "CacheNodeType": "cache.t4g.micro",
            "NumCacheClusters": nodes,
            "AutomaticFailoverEnabled": nodes > 1,
            "MultiAZEnabled": nodes > 1,
            **options,
        }
        client.create_replication_group(**parameters)
        return self.available(name)

    def group(self, name):
        return self.aws().describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]

    def available(self, name):
        client = self.aws()
        describe = lambda: client.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]
        wait_until(f"{name} available", lambda: describe()["Status"] == "available")
        return describe()

    def messages(self, source=None):
        """What is told, the newest first."""
        events = self.aws().describe_events(Duration=600)["Events"]
        return [event["Message"] for event in events if source in (None, event["SourceIdentifier"])]


def connect(endpoint, **options):
    """A client of an endpoint as AWS describes it."""
    options.setdefault("retry", Retry(NoBackoff(), 0))
    options.setdefault("socket_timeout", 60)
    return redis.Redis(host=endpoint["Address"], port=endpoint["Port"], decode_responses=True, **options)


def primary_endpoint(group):
    return group["NodeGroups"][0]["PrimaryEndpoint"]


def reader_endpoint(group):
    return group["NodeGroups"][0]["ReaderEndpoint"]


def roles(group):
    return {m["CacheClusterId"]: m["CurrentRole"] for m in group["NodeGroups"][0]["NodeGroupMembers"]}


def ask(region, command, *args):
    return subprocess.run(
        [binary(), command, "--data-dir", str(region.data), *args], text=True, capture_output=True
    )


def series(region, metric, member, period=1):
    """The points of a series by the second; none if nothing was measured."""
    asked = ["--metric", metric, "--member", member, "--period", str(period), "--since", "1h", "--json"]
    found = ask(region, "metrics", *asked)
    assert found.returncode == 0, found.stderr
    answers = json.loads(found.stdout)
    assert len(answers) <= 1
    return dict(map(tuple, answers[0]["points"])) if answers else {}


def seconds(region, member):
    """The seconds in which a member has told what has grown."""
    return sorted(series(region, "ProcessedCommands", member))


def until_measured(region, member, behind=0):
    """Waits for a whole second that is measured behind another one."""
    return wait_until(f"{member} measured", lambda: [at for at in seconds(region, member) if at > behind])[-1]
