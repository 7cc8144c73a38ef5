"""activedefrag, seen from outside: memory of sparse pages goes back to the system, and no key changes by that."""

import random
import time

import pytest

TIMEOUT_S = 120
KEYS = 400_000
AT_ONCE = 1000
STAYS = 0.2


@pytest.fixture
def client(new_node):
    arguments = ["--save", "", "--enable-debug-command", "yes", "--active-defrag-ignore-bytes", "1mb"]
    node = new_node(*arguments, "--active-defrag-cycle-max", "75").start()
    with node.client(decode_responses=False, socket_timeout=TIMEOUT_S) as client:
        yield client


def fill(client):
    """Strings of many lengths, some of which expire, and small collections; then most of them go again."""
    chance = random.Random(1)
    for first in range(0, KEYS, AT_ONCE):
        pipeline = client.pipeline(transaction=False)
        for n in range(first, first + AT_ONCE):
            if n % 20 == 0:
                pipeline.hset(f"key:{n}", mapping={"a": n, "b": "x" * 10})
            elif n % 20 == 1:
                pipeline.rpush(f"key:{n}", n, "y")
            else:
                pipeline.set(f"key:{n}", "v" * (60 + n % 60), ex=100_000 if n % 3 == 0 else None)
        pipeline.execute()
    for first in range(0, KEYS, AT_ONCE):
        names = [f"key:{n}" for n in range(first, first + AT_ONCE) if chance.random() > STAYS]
        client.delete(*names)


def await_memory(client, is_there):
    deadline = time.monotonic() + TIMEOUT_S
    while not is_there(memory := client.info("memory")):
        assert time.monotonic() < deadline, memory
        # A command makes the node's own clock tick, by which free memory goes back.
        time.sleep(0.1)


def test_memory_of_sparse_pages_goes_back(client):
    fill(client)
    digest, volatile = client.execute_command("DEBUG", "DIGEST"), client.info("keyspace")["db0"]["expires"]
    before = client.info("memory")
    assert before["active_defrag_running"] == 0
    fragmented = before["used_memory_rss"] - before["used_memory"]
    assert fragmented > before["used_memory"], "nothing is sparse"
    client.config_set("activedefrag", "yes")
    await_memory(client, lambda now: now["used_memory_rss"] - now["used_memory"] < fragmented / 2)
    await_memory(client, lambda now: now["active_defrag_running"] == 0)
    assert client.execute_command("DEBUG", "DIGEST") == digest
    assert client.info("keyspace")["db0"]["expires"] == volatile
    stats = client.info("stats")
    assert stats["active_defrag_key_hits"] > KEYS * STAYS / 2
    assert stats["active_defrag_hits"] >= stats["active_defrag_key_hits"]
    assert stats["total_active_defrag_time"] > 0
    assert stats["current_active_defrag_time"] == 0


def test_keys_may_change_while_they_are_moved(client):
    fill(client)
    client.config_set("activedefrag", "yes", "active-defrag-cycle-min", "75")
    values = {}
    chance = random.Random(2)
    deadline = time.monotonic() + TIMEOUT_S
    while client.info("stats")["active_defrag_key_hits"] < KEYS * STAYS / 2:
        pipeline = client.pipeline(transaction=False)
        for _ in range(AT_ONCE):
            key = f"key:{chance.randrange(KEYS)}"
            if chance.random() < 0.2:
                values[key] = None
                pipeline.delete(key)
            else:
                values[key] = str(chance.randrange(10**chance.randrange(1, 80))).encode()
                pipeline.set(key, values[key])
        pipeline.execute()
        assert time.monotonic() < deadline
    keys = list(values)
    for first in range(0, len(keys), AT_ONCE):
        some = keys[first : first + AT_ONCE]
        assert client.mget(some) == [values[key] for key in some]
