"""MIGRATE, seen from outside, with servers that do not answer as they should."""

import socket
import threading

import pytest
import redis

# Far longer than any test waits.
TIMEOUT_MS = 600_000


@pytest.fixture
def silent():
    """The port of a server that takes connections and says nothing, and an event: somebody has connected and sent something."""
    has_received = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept():
            kept = []
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                kept.append(connection)
                if connection.recv(1):
                    has_received.set()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1], has_received
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture
def migrating(new_node, silent):
    """A node on which somebody waits for the silent server, and what comes of that."""
    port, has_received = silent
    node = new_node("--save", "").start()
    outcome = []

    def migrate():
        with node.client() as client:
            try:
                outcome.append(client.execute_command("MIGRATE", "127.0.0.1", port, "key", 0, TIMEOUT_MS))
            except redis.RedisError as error:
                outcome.append(error)

    with node.client() as client:
        client.set("key", "value")
    thread = threading.Thread(target=migrate)
    thread.start()
    assert has_received.wait(60)
    yield node, thread, outcome
    thread.join(60)
    assert not thread.is_alive()


def test_who_needs_all_slots_does_not_wait_for_a_silent_server(migrating):
    node, thread, outcome = migrating
    with node.client() as client:
        client.set("other", 1)
        assert client.get("other") == "1"
        client.bgsave()
        client.flushdb(asynchronous=True)
        assert client.get("key") is None
    thread.join(60)
    assert "reading to target instance" in str(outcome[0])


def test_a_node_ends_though_somebody_waits(migrating):
    node, thread, outcome = migrating
    with node.client() as client:
        client.shutdown(save=True)
    thread.join(60)
    assert isinstance(outcome[0], redis.RedisError)
