"""Large values that a snapshot has not captured yet: what is asked of them waits, and nothing else does."""

import os
import socket

import pytest


def idle_replica(port):
    """A replica of a diskless sync that reads nothing of its snapshot: the walk stands still until it does."""
    connection = socket.create_connection(("127.0.0.1", port))
    answers = connection.makefile("rb", buffering=0)
    connection.sendall(b"REPLCONF capa eof capa psync2\r\n")
    assert answers.readline().strip() == b"+OK"
    connection.sendall(b"PSYNC ? -1\r\n")
    answer = b""
    while not answer.strip():
        answer = answers.readline()
        assert answer, "the connection stays"
    assert answer.startswith(b"+FULLRESYNC ")
    return connection


@pytest.mark.parametrize("lazy", ["no", "yes"])
def test_what_can_be_evicted_only_later_is_no_want_of_memory(new_node, lazy):
    args = ("--save", "", "--workers", "1", "--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0")
    node = new_node(*args, "--lazyfree-lazy-eviction", lazy).start()
    client, writer = node.client(), node.client(socket_timeout=60)
    fields, value_bytes = 800, 60_000
    for n in range(fields):
        client.hset("large", f"f{n}", os.urandom(value_bytes))
    replica = idle_replica(node.port)
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.config_set("maxmemory", client.info("memory")["used_memory"] - fields * value_bytes // 2)
    # Sent by hand, since its reply does not come yet.
    connection = writer.connection_pool.get_connection()
    connection.send_command("CLIENT", "ID")
    own_id = connection.read_response()
    connection.send_command("SET", "small", "1")
    while not any(other["cmd"] == "set" for other in client.client_list(client_id=[own_id])):
        pass
    # What needs no memory need not wait.
    assert client.hlen("large") == fields
    # The walk fails, and the value may go.
    replica.close()
    assert connection.read_response() == "OK"
    assert client.exists("large") == 0
    assert client.info("stats")["evicted_keys"] == 1


@pytest.mark.parametrize("lazy", ["no", "yes"])
def test_no_more_is_evicted_than_what_is_too_much(new_node, lazy):
    node = new_node("--save", "", "--workers", "1", "--lazyfree-lazy-eviction", lazy).start()
    client = node.client()
    keys, fields, value_bytes = 60, 100, 3000
    for key in range(keys):
        client.hset(f"h{key}", mapping={f"f{n}": os.urandom(value_bytes) for n in range(fields)})
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.config_set("maxmemory", client.info("memory")["used_memory"] - fields * value_bytes * 3 // 2)
    for n in range(100):
        client.set(f"small{n}", "x")
    # Two are too much; a third may follow for what the small ones and the statistics take.
    assert 2 <= client.info("stats")["evicted_keys"] <= 6
