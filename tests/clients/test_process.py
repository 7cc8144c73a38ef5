"""The process itself: stopping and starting again, and what it says when it can't start."""

import os
import signal
import subprocess

import pytest

from conftest import binary, free_port, spawn, wait_until_answers
from region import wait_until


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_data_is_back_after_a_clean_stop(new_node, with_signal):
    node = new_node("--save", "3600 1").start()
    with node.client() as client:
        client.set("s", "x" * 100_000)
        client.set("e", "1", ex=1000)
        client.hset("h", mapping={f"f{n}": n for n in range(1000)})
        client.rpush("l", *range(1000))
    assert node.stop(with_signal) == 0
    node.start()
    with node.client() as client:
        assert client.get("s") == "x" * 100_000
        assert 900 < client.ttl("e") <= 1000
        assert client.hlen("h") == 1000
        assert client.lrange("l", 0, -1) == [str(n) for n in range(1000)]


def test_shutdown_saves_or_not_as_asked(new_node):
    node = new_node("--save", "3600 1").start()
    with node.client() as client:
        client.set("a", "1")
        client.shutdown(save=True)
    assert node.process.wait(timeout=60) == 0
    node.start()
    with node.client() as client:
        assert client.get("a") == "1"
        client.set("a", "2")
        client.shutdown(nosave=True)
    assert node.process.wait(timeout=60) == 0
    node.start()
    with node.client() as client:
        assert client.get("a") == "1"


def test_a_configuration_file_and_arguments(new_node, tmp_path):
    file = tmp_path / "redis.conf"
    file.write_text('# a comment\nsave ""\nmaxmemory 100mb\ndatabases 4\nrequirepass "a secret"\n')
    node = new_node("--maxmemory", "50mb")
    node.command = lambda: [binary(), "node", str(file), "--port", str(node.port), "--dir", str(node.directory), *node.args]
    process = spawn(node.command(), node.log)
    node.process = process
    with node.client(password="a secret") as client:
        wait_for_authenticated(client, process)
        assert client.config_get("maxmemory") == {"maxmemory": str(50 * 1024 * 1024)}
        assert client.config_get("databases") == {"databases": "4"}


def test_a_taken_port_is_one_clear_sentence(new_node, node):
    second = new_node("--save", "", port=node.port)
    process = spawn(second.command(), second.log)
    assert process.wait(timeout=60) != 0
    text = second.log.read_text()
    assert str(node.port) in text and "in use" in text.lower(), text
    assert "panicked" not in text, text


def test_a_directory_that_can_not_be_used_is_one_clear_sentence(new_node, tmp_path):
    file = tmp_path / "no-directory"
    file.write_text("")
    node = new_node("--save", "")
    command = [str(file) if argument == str(node.directory) else argument for argument in node.command()]
    process = spawn(command, node.log)
    assert process.wait(timeout=60) != 0
    text = node.log.read_text()
    assert str(file) in text and "panicked" not in text, text


def test_the_default_run_starts_one_node_and_says_what_to_try(tmp_path):
    port = free_port()
    data = tmp_path / "data"
    log = tmp_path / "log"
    command = [binary(), "--data-dir", str(data), "--port", str(port), "--api", "127.0.0.1:0"]
    for start in range(2):
        process = spawn(command, log)
        try:
            wait_until_answers(process, port, log)
            wait_until("what to try", lambda: f":{port}. Try:\n  redis-cli" in log.read_text())
            cli = ["redis-cli", "-p", str(port)]
            if start == 0:
                assert subprocess.check_output([*cli, "set", "a", "1"]) == b"OK\n"
            assert subprocess.check_output([*cli, "get", "a"]) == b"1\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 0
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    assert os.listdir(data)


def wait_for_authenticated(client, process):
    import redis

    for _ in range(6000):
        try:
            client.ping()
            return
        except redis.ConnectionError:
            assert process.poll() is None
            process_is_starting(process)
    pytest.fail("no answer")


def process_is_starting(process):
    try:
        process.wait(timeout=0.01)
    except subprocess.TimeoutExpired:
        pass
