"""What large values and long replies take, and what they leave behind once they are gone."""

import socket
import threading
import time

import pytest
import redis

MB = 1 << 20
TIMEOUT_S = 60


def used(client):
    return int(client.info("memory")["used_memory"])


def until(what):
    deadline = time.monotonic() + TIMEOUT_S
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def until_used_is_below(client, limit):
    lowest = used(client)
    deadline = time.monotonic() + TIMEOUT_S
    while lowest > limit:
        assert time.monotonic() < deadline, f"{lowest} bytes are used, not {limit}"
        time.sleep(0.02)
        lowest = min(lowest, used(client))


def test_memory_of_a_large_write_comes_back(new_node):
    options = ["--save", "", "--repl-diskless-sync-delay", "0", "--repl-backlog-size", "1mb", "--workers", "2"]
    primary, replica = new_node(*options).start(), new_node(*options).start()
    with primary.client() as client, replica.client() as other:
        other.replicaof("127.0.0.1", primary.port)
        until(lambda: other.info("replication")["master_link_status"] == "up")
        client.set("small", "x" * 1000)
        assert client.wait(1, 0) == 1
        # The stream flows, buffers have their usual sizes.
        before = used(client), used(other)
        value = "x" * (100 * MB)
        for _ in range(2):
            client.set("large", value)
            # Commands whose replies and arguments are as large.
            client.append("large", "y")
            assert client.strlen("large") == 100 * MB + 1
            client.rpush("list", value)
            assert client.wait(1, 0) == 1
            assert len(client.getrange("large", 0, -1)) == 100 * MB + 1
            client.delete("large", "list")
            assert client.wait(1, 0) == 1
        for node, was in ((client, before[0]), (other, before[1])):
            # A quarter of one value: what threads keep for the next one has a bound, but not the same in each run.
            until_used_is_below(node, was + 25 * MB)


def test_replies_without_a_limit_share_what_maxmemory_is(new_node):
    node = new_node("--save", "", "--maxmemory", "100mb", "--maxmemory-policy", "noeviction", "--workers", "1").start()
    with node.client() as client:
        client.hset("h", mapping={"a": 1, "b": 2})
        for count in (-(2**63 - 1), -20_000_000):
            with node.client(socket_timeout=TIMEOUT_S) as reader, pytest.raises(redis.ConnectionError):
                reader.execute_command("HRANDFIELD", "h", count)
        # What is within the limit comes.
        assert len(client.execute_command("HRANDFIELD", "h", -1_500_000)) == 1_500_000


def test_a_slow_replica_costs_no_keys(new_node):
    options = ["--save", "", "--repl-diskless-sync-delay", "0", "--repl-backlog-size", "1mb", "--maxmemory-policy", "allkeys-lru"]
    primary = new_node(*options).start()
    with primary.client() as client, socket.create_connection(("127.0.0.1", primary.port)) as replica:
        client.mset({f"key:{i}": "x" * 1000 for i in range(1000)})
        replica.sendall(b"PSYNC ? -1\r\n")
        until(lambda: client.info("replication")["connected_slaves"] == 1)
        client.config_set("maxmemory", used(client) + 8 * MB)
        # It reads nothing: what is written is kept for it.
        for _ in range(1000):
            client.set("large", "x" * 50_000)
        memory = client.info("memory")
        assert memory["mem_not_counted_for_evict"] > 20 * MB
        assert memory["mem_clients_slaves"] > 20 * MB
        assert memory["mem_total_replication_buffers"] >= memory["mem_replication_backlog"] + memory["mem_clients_slaves"]
        assert client.info("stats")["evicted_keys"] == 0
        # What is its is of no account either once it is gone.
        replica.close()
        until(lambda: client.info("memory")["mem_not_counted_for_evict"] < MB)
        assert client.dbsize() == 1001


def unread(client, name):
    """What a client has not read, in bytes; none while it has not said its name."""
    return sum(int(line["omem"]) for line in client.client_list() if line["name"] == name)


def slow_reader(node, name, count):
    """A connection that asks for a megabyte so many times and reads nothing."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(("127.0.0.1", node.port))
    reader.sendall(f"CLIENT SETNAME {name}\r\n".encode() + b"GET large\r\n" * count)
    return reader


def test_slow_readers_cost_others_nothing(new_node):
    options = ["--save", "", "--maxmemory", "100mb", "--maxmemory-clients", "10%", "--maxmemory-policy", "noeviction"]
    node = new_node(*options).start()
    with node.client() as client:
        client.set("large", "x" * MB)
        readers = [slow_reader(node, f"slow-{n}", 50) for n in range(30)]
        until(lambda: client.info("stats")["evicted_clients"] > 0)
        for n in range(200):
            assert client.set(f"key:{n}", "value")
        until(lambda: client.info("memory")["mem_clients_normal"] < 10 * MB)
        assert "Evicting client: id=" in node.log.read_text()
        for reader in readers:
            reader.close()


def test_the_largest_client_goes_first_and_one_that_may_not_stays(new_node):
    node = new_node("--save", "", "--maxmemory-clients", "40mb", "--workers", "1").start()
    with node.client() as client:
        client.set("large", "x" * MB)
        with slow_reader(node, "small", 4), slow_reader(node, "spared", 0) as spared:
            spared.sendall(b"CLIENT NO-EVICT ON\r\n" + b"GET large\r\n" * 12)
            until(lambda: unread(client, "spared") > 6 * MB)
            until(lambda: 0 < unread(client, "small") < 5 * MB)
            with node.client() as multi, pytest.raises(redis.ConnectionError):
                # What is queued is held as well.
                multi.client_setname("multi")
                connection = multi.connection_pool.get_connection()
                connection.send_command("MULTI")
                assert connection.read_response() == "OK"
                for n in range(100):
                    connection.send_command("SET", "key", "x" * MB)
                    assert connection.read_response() == "QUEUED"
                    if n == 3:
                        queued = next(line for line in client.client_list() if line["multi"] == "4")
                        assert int(queued["multi-mem"]) >= 4 * MB
                        assert int(queued["tot-mem"]) >= 4 * MB
            names = {line["name"] for line in client.client_list()}
            assert {"small", "spared"} <= names and "multi" not in names
            assert client.info("stats")["evicted_clients"] == 1


def test_a_queue_that_is_too_long_ends_its_client(new_node):
    node = new_node("--save", "", "--client-query-buffer-limit", "1mb").start()
    with node.client() as client:
        connection = client.connection_pool.get_connection()
        connection.send_command("MULTI")
        assert connection.read_response() == "OK"
        with pytest.raises(redis.ConnectionError):
            for _ in range(100):
                connection.send_command("SET", "key", "x" * 100_000)
                assert connection.read_response() == "QUEUED"
        assert client.exists("key") == 0
        assert client.info("stats")["client_query_buffer_limit_disconnections"] == 1


def test_a_slow_replica_costs_no_keys_that_are_overwritten(new_node):
    options = ["--save", "", "--repl-diskless-sync-delay", "0", "--repl-backlog-size", "1mb", "--maxmemory-policy", "allkeys-lru"]
    primary = new_node(*options).start()
    with primary.client() as client, socket.create_connection(("127.0.0.1", primary.port)) as replica:
        keys = {f"key:{i}": "x" * 1000 for i in range(5000)}
        client.mset(keys)
        replica.sendall(b"PSYNC ? -1\r\n")
        until(lambda: client.info("replication")["connected_slaves"] == 1)
        client.config_set("maxmemory", used(client) + 4 * MB)
        # Small writes share blocks, which have room besides.
        for _ in range(8):
            pipeline = client.pipeline(transaction=False)
            for key, value in keys.items():
                pipeline.set(key, value)
            pipeline.execute()
        assert client.info("memory")["mem_not_counted_for_evict"] > 20 * MB
        assert (client.info("stats")["evicted_keys"], client.dbsize()) == (0, 5000)


def silent_subscriber(node):
    subscriber = socket.socket()
    subscriber.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    subscriber.connect(("127.0.0.1", node.port))
    subscriber.sendall(b"SUBSCRIBE ch\r\n")
    return subscriber


def test_who_keeps_within_its_own_limit_costs_others_no_replies(new_node):
    node = new_node("--save", "", "--client-output-buffer-limit", "pubsub 64mb 0 0").start()
    with node.client() as client:
        client.set("some", "x" * 100_000)
        subscribers = [silent_subscriber(node) for _ in range(3)]
        until(lambda: client.pubsub_numsub("ch") == [("ch", 3)])
        for _ in range(30):
            assert client.publish("ch", "x" * MB) == 3
        client.config_set("maxmemory", 40 * MB)
        # More than its socket takes at once.
        for _ in range(20):
            with node.client() as other:
                assert other.mget(["some"] * 10) == ["x" * 100_000] * 10
        assert client.pubsub_numsub("ch") == [("ch", 3)]
        for subscriber in subscribers:
            subscriber.close()


def test_the_largest_reader_goes_when_all_have_too_much(new_node):
    node = new_node("--save", "").start()
    with node.client() as client:
        client.set("large", "x" * MB)
        client.set("some", "x" * 100_000)
        with slow_reader(node, "hog", 80):
            until(lambda: unread(client, "hog") > 60 * MB)
            client.config_set("maxmemory", 40 * MB)
            until(lambda: unread(client, "hog") == 0)
            for _ in range(20):
                with node.client() as other:
                    assert other.mget(["some"] * 10) == ["x" * 100_000] * 10
        assert "name=hog" in node.log.read_text() and "overcoming of output buffer limits" in node.log.read_text()


def test_a_limit_that_is_too_small_can_be_set_right(new_node):
    node = new_node("--save", "").start()
    with node.client() as client:
        client.config_set("maxmemory-clients", 1)
        with node.client() as other:
            assert other.ping() and other.config_set("maxmemory-clients", 0)


def test_watched_keys_and_subscriptions_are_held_too(new_node):
    node = new_node("--save", "", "--maxmemory-clients", "4mb").start()
    with node.client() as client:
        with node.client() as other, pytest.raises(redis.ConnectionError):
            connection = other.connection_pool.get_connection()
            for n in range(1000):
                connection.send_command("WATCH", *(f"key:{n}:{i}" for i in range(100)))
                assert connection.read_response() == "OK"
        assert client.info("stats")["evicted_clients"] == 1
        with node.client() as other:
            connection = other.connection_pool.get_connection()
            connection.send_command("SUBSCRIBE", *(f"channel:{i}" for i in range(1000)))
            for _ in range(1000):
                connection.read_response()
            listening = next(line for line in client.client_list() if line["sub"] == "1000")
            assert int(listening["tot-mem"]) > 100_000
            connection.send_command("UNSUBSCRIBE")
            for _ in range(1000):
                connection.read_response()
            assert all(int(line["tot-mem"]) < 100_000 for line in client.client_list())


@pytest.mark.parametrize("backend", ["io_uring", "epoll"])
def test_what_one_turn_makes_of_small_requests_is_bounded(new_node, backend):
    options = ["--save", "", "--workers", "1", "--io-backend", backend, "--maxmemory-clients", "50mb"]
    node = new_node(*options, "--enable-debug-command", "yes").start()
    with node.client() as client, node.client() as other:
        client.set("large", "x" * 100_000)
        sockets = [socket.create_connection(("127.0.0.1", node.port)) for _ in range(20)]
        # All of it is there when the worker comes back: 500 MB for a few kilobytes.
        request = b"*2\r\n$3\r\nGET\r\n$5\r\nlarge\r\n" * 250
        sleeper = threading.Thread(target=other.execute_command, args=("DEBUG", "SLEEP", "0.3"))
        sleeper.start()
        for asker in sockets:
            asker.sendall(request)
        sleeper.join()
        until(lambda: int(client.info("stats")["evicted_clients"]) > 0)
        assert int(client.info("memory")["used_memory_peak"]) < 150 * MB
        for asker in sockets:
            asker.close()
