"""What the program says, and to whom."""

import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request

import redis

from conftest import STOP_TIMEOUT_S, binary, free_port
from region import wait_until


class Program:
    """A region whose two outputs are kept apart."""

    def __init__(self, directory, *args, program=None):
        self.data = directory / "data"
        self.out, self.err = directory / "out", directory / "err"
        command = [program or binary(), "--data-dir", str(self.data), *args]
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True)

    def wait_for(self, text):
        wait_until(text, lambda: text in self.out.read_text() or self.process.poll() is not None)
        assert text in self.out.read_text(), self.err.read_text()

    def status(self):
        return subprocess.check_output([binary(), "--data-dir", str(self.data), "status"], text=True)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=STOP_TIMEOUT_S)


def test_a_region_is_quiet_and_options_may_stand_before_the_subcommand(tmp_path):
    program = Program(tmp_path, "--port", str(free_port()), "--api", "127.0.0.1:0")
    try:
        program.wait_for("describe-replication-groups")
        assert "default-001" in program.status()
        env = subprocess.check_output([binary(), "--data-dir", str(program.data), "env"], text=True)
        assert "AWS_ENDPOINT_URL" in env
        wrong = subprocess.run([binary(), "--port", "1", "status"], capture_output=True, text=True)
        assert wrong.returncode == 2 and "--port before status" in wrong.stderr, wrong.stderr
        for subcommand in ["status", "env"]:
            wrong = subprocess.run([binary(), "--verbose", subcommand], capture_output=True, text=True)
            assert wrong.returncode == 2 and f"--verbose before {subcommand} means nothing" in wrong.stderr, wrong.stderr
    finally:
        assert program.stop() == 0
    assert program.err.read_text() == ""


def test_there_is_nothing_to_tell_a_shell_where_no_region_was_started(tmp_path):
    def ask(directory):
        refused = subprocess.run([binary(), "env", "--data-dir", str(directory)], capture_output=True, text=True)
        assert refused.returncode == 1 and refused.stdout == "", refused
        return refused.stderr

    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    for name in ["nothing", "empty", "file", "file/within"]:
        directory = tmp_path / name
        assert ask(directory) == f"engram: there is no region in {directory}; start one with engram serve\n"
    (tmp_path / "empty" / "control").mkdir()
    (tmp_path / "empty" / "control" / "credentials.json").write_text("{")
    assert "os error" not in ask(tmp_path / "empty")


def test_verbose_tells_what_is_done(tmp_path):
    program = Program(tmp_path, "--port", str(free_port()), "--api", "127.0.0.1:0", "--verbose")
    try:
        program.wait_for("describe-replication-groups")
    finally:
        assert program.stop() == 0
    said = program.err.read_text()
    assert "default-001 (n1): start" in said and "{" not in said, said


def test_a_cache_that_cannot_come_up_is_one_sentence(tmp_path):
    # No directory takes the place of a file.
    nodes = tmp_path / "data" / "nodes"
    nodes.mkdir(parents=True)
    (nodes / "n1").write_text("")
    program = Program(tmp_path, "--port", str(free_port()), "--api", "127.0.0.1:0")
    try:
        program.wait_for("describe-replication-groups")
        out = program.out.read_text()
        assert "The cache named default does not come up: the node cannot be started: " in out, out
        assert "default-001 (n1): the node cannot be started: " in program.status()
    finally:
        assert program.stop() == 0


def test_a_node_that_does_not_start_names_the_program(new_region, tmp_path):
    program = tmp_path / "engram"
    shutil.copy(binary(), program)
    region = new_region("--no-default-cache")
    command = [program, "serve", "--data-dir", region.data, "--api", "127.0.0.1:0", *region.args]
    with open(region.log, "wb") as output:
        region.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
    wait_until("a start", lambda: "describe-replication-groups" in region.log.read_text())
    program.unlink()
    region.aws().create_replication_group(
        ReplicationGroupId="web", ReplicationGroupDescription="x", Engine="valkey", CacheNodeType="cache.t4g.micro"
    )
    why = f"the node cannot be started: cannot execute {program}: No such file or directory"
    status = lambda: subprocess.check_output([binary(), "--data-dir", str(region.data), "status"], text=True)
    wait_until("the reason", lambda: why in status())
    assert f"{why} (" in region.log.read_text()


def test_a_group_that_cannot_be_made_says_what_to_do(new_region):
    region = new_region("--no-default-cache").start()
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        region.aws().create_replication_group(
            ReplicationGroupId="web", ReplicationGroupDescription="x", Engine="valkey", CacheNodeType="cache.t4g.micro", Port=port
        )
        wait_until("a failure", lambda: region.group("web")["Status"] == "create-failed")
        table = subprocess.check_output([binary(), "--data-dir", str(region.data), "status"], text=True)
        assert f":{port} is already in use" in table and "create it again" in table, table


def test_other_hosts_reach_it_only_when_the_user_says_so(tmp_path):
    api, port = free_port(), free_port()
    arguments = ["--port", str(port), "--api", f"0.0.0.0:{api}"]
    refused = subprocess.run([binary(), "--data-dir", str(tmp_path / "data"), *arguments], capture_output=True, text=True)
    assert refused.returncode == 1 and "--insecure-listen" in refused.stderr, refused.stderr
    assert refused.stderr.count("\n") == 1
    program = Program(tmp_path, *arguments, "--insecure-listen")
    try:
        program.wait_for("describe-replication-groups")
        assert program.out.read_text().count("nothing encrypts") == 1
        url = f"http://127.0.0.1:{api}"
        assert f"serves the AWS APIs at {url}, and at every other address of this host\n" in program.out.read_text()
        env = subprocess.check_output([binary(), "env", "--data-dir", str(program.data)], text=True)
        for text in [program.out.read_text(), env]:
            assert f"export AWS_ENDPOINT_URL={url}\n" in text and "0.0.0.0" not in text, text
        assert redis.Redis(host="127.0.0.1", port=port).ping()
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{api}/?Action=DescribeReplicationGroups&Version=2015-02-02")
            raise AssertionError("an unsigned request was answered")
        except urllib.error.HTTPError as error:
            assert error.code == 403
    finally:
        assert program.stop() == 0
