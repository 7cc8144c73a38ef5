"""Client-side caching as clients use it: redis-py's cache, and what a node keeps for clients that keep copies."""

import pytest
import redis
from redis.cache import CacheConfig
from redis.connection import CacheProxyConnection

from region import wait_until


@pytest.fixture(autouse=True)
def any_server(monkeypatch):
    """redis-py asks for Redis 7.4 by name, though it needs no more than Redis 6 and all Valkeys have."""
    monkeypatch.setattr(CacheProxyConnection, "DEFAULT_SERVER_NAME", "valkey")
    monkeypatch.setattr(CacheProxyConnection, "MIN_ALLOWED_VERSION", "6.0.0")


def caching(node, **options):
    return node.client(protocol=3, cache_config=CacheConfig(max_size=1000), **options)


def info(client, *names):
    told = client.info()
    return [told[name] for name in names]


def test_redis_pys_cache_has_what_the_server_has(new_node):
    node = new_node("--io-threads", "2").start()
    with caching(node) as reader, node.client() as writer:
        writer.mset({f"k{n}": n for n in range(20)})
        assert [reader.get(f"k{n}") for n in range(20)] == [str(n) for n in range(20)]
        calls = writer.info("commandstats")["cmdstat_get"]["calls"]
        assert [reader.get(f"k{n}") for n in range(20)] == [str(n) for n in range(20)]
        assert writer.info("commandstats")["cmdstat_get"]["calls"] == calls, "they come from the cache"
        assert info(writer, "tracking_clients", "tracking_total_keys", "tracking_total_items") == [1, 20, 20]
        for n in range(20):
            writer.set(f"k{n}", -n)
            assert reader.get(f"k{n}") == str(-n)
        writer.flushall()
        assert [reader.get(f"k{n}") for n in range(20)] == [None] * 20
        writer.set("k1", "back")
        assert reader.get("k1") == "back"
        writer.set("k2", "short", px=1)
        wait_until("the key has expired for the cache too", lambda: reader.get("k2") is None)


def test_many_readers_and_writers_never_keep_what_is_old(new_node):
    node = new_node("--io-threads", "2").start()
    with node.client() as writer:
        readers = [caching(node) for _ in range(8)]
        for turn in range(50):
            writer.set("k", turn)
            assert [reader.get("k") for reader in readers] == [str(turn)] * 8
        for reader in readers:
            reader.close()
        # Those that have gone are forgotten, their keys when these change.
        wait_until("the readers have gone", lambda: info(writer, "tracking_clients") == [0])
        writer.set("k", "last")
        assert info(writer, "tracking_total_keys", "tracking_total_items") == [0, 0]


def test_keys_beyond_the_limit_are_forgotten_and_their_readers_told(new_node):
    node = new_node("--tracking-table-max-keys", "100").start()
    with node.client(protocol=3) as reader, node.client() as other:
        told = []
        connection = reader.connection_pool.get_connection()
        connection.send_command("CLIENT", "TRACKING", "ON")
        assert connection.read_response() == "OK"
        connection._parser.set_invalidation_push_handler(lambda message: told.extend(message[1]))
        for n in range(300):
            connection.send_command("GET", f"k{n}")
            assert connection.read_response() is None
        assert info(other, "tracking_total_keys") == [100]
        other.config_set("tracking-table-max-keys", "10")
        connection.send_command("GET", "k300")
        assert connection.read_response() is None
        connection.send_command("PING")
        connection.read_response()
        assert info(other, "tracking_total_keys") == [10]
        assert len(told) == len(set(told)) == 301 - 10
        reader.connection_pool.release(connection)


def test_a_client_that_never_reads_is_bounded(new_node):
    node = new_node("--client-output-buffer-limit", "normal", "4mb", "4mb", "0").start()
    with node.client() as writer:
        silent = node.client(protocol=3).connection_pool.get_connection()
        silent.send_command("CLIENT", "TRACKING", "ON", "BCAST")
        assert silent.read_response() == "OK"
        key = "k" * 4000
        sent = 0
        while info(writer, "tracking_clients") == [1]:
            with writer.pipeline(transaction=False) as pipeline:
                for n in range(200):
                    pipeline.set(f"{key}{n}", "v")
                pipeline.execute()
            sent += 200
            assert sent < 100_000, "its messages are many times the limit"
            assert info(writer, "mem_clients_normal")[0] < 32 << 20
        assert writer.ping()
        try:
            silent.disconnect()
        except redis.exceptions.ConnectionError:
            pass
