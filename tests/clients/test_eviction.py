"""maxmemory-policy, seen from outside: which keys may go, which go first, and when there is nothing left to evict."""

import bisect
import itertools
import random
import time

import pytest
import redis

TIMEOUT_S = 60
# What the client's own requests take while they are looked at.
SLACK_BYTES = 64 << 10
KEYS = 4000
VALUE = "v" * 1000
# How large a part of the keys has to go.
PART = 0.4
POLICIES = [f"{keys}-{order}" for keys in ("allkeys", "volatile") for order in ("lru", "lfu", "random")] + ["volatile-ttl"]


@pytest.fixture
def node(new_node):
    return new_node("--save", "", "--workers", "1", "--enable-debug-command", "yes").start()


@pytest.fixture
def client(node):
    with node.client(decode_responses=False) as client:
        yield client


def fill(client, key, restore=None, expiring=lambda n: False):
    """Sets keys: restore(n) says more about the past of key n."""
    client.set("sample", VALUE)
    payload = client.dump("sample")
    client.delete("sample")
    pipeline = client.pipeline(transaction=False)
    for n in range(KEYS):
        ttl_ms = 1_000_000 + n * 1000 if expiring(n) else 0
        pipeline.execute_command("RESTORE", key(n), ttl_ms, payload, *(restore(n) if restore else ()))
    pipeline.execute()


def evict(client, policy, bytes_too_many):
    """Sets the policy and a limit until what is used is within it, or nothing more can go; says which."""
    client.config_set("maxmemory-policy", policy)
    limit = used(client) - int(bytes_too_many)
    client.config_set("maxmemory", limit)
    deadline = time.monotonic() + TIMEOUT_S
    outcome = None
    while not outcome:
        try:
            # Asks for memory, and adds nothing.
            client.lpushx("absent", "x")
            outcome = "room" if used(client) <= limit + SLACK_BYTES else None
        except redis.exceptions.OutOfMemoryError:
            outcome = "OOM"
        assert time.monotonic() < deadline
    client.config_set("maxmemory", 0)
    return outcome


def used(client):
    return client.info("memory")["used_memory"]


def left(client, prefix):
    """The numbers of the keys that are there."""
    return sorted(int(key.split(b":")[1]) for key in client.scan_iter(match=prefix + "*", count=1000))


@pytest.mark.parametrize("policy", POLICIES)
def test_what_may_go(client, policy):
    fill(client, lambda n: f"stays:{n}" if n % 2 else f"expires:{n}", expiring=lambda n: n % 2 == 0)
    client.config_set("maxmemory-policy", policy)
    assert client.info("memory")["maxmemory_policy"] == policy
    assert evict(client, policy, PART / 2 * KEYS * len(VALUE)) == "room"
    stays, expires = left(client, "stays:"), left(client, "expires:")
    assert len(expires) < KEYS / 2
    assert (len(stays) < KEYS / 2) == policy.startswith("allkeys-")
    gone = KEYS - len(stays) - len(expires)
    assert client.info("stats")["evicted_keys"] == gone
    # No more than was asked for, and a little.
    assert gone < PART * KEYS
    # What is there reads as before.
    assert client.get(f"stays:{stays[0]}") == VALUE.encode()


@pytest.mark.parametrize("policy", [policy for policy in POLICIES if policy.startswith("volatile-")])
def test_without_keys_that_expire_there_is_nothing_to_evict(client, policy):
    fill(client, "stays:{}".format)
    assert evict(client, policy, KEYS * len(VALUE) / 2) == "OOM"
    assert client.dbsize() == KEYS
    # Keys that expire go all of them before writes are refused.
    fill(client, "expires:{}".format, expiring=lambda n: True)
    assert evict(client, policy, KEYS * len(VALUE) * 1.5) == "OOM"
    assert (client.dbsize(), len(left(client, "stays:"))) == (KEYS, KEYS)
    assert client.info("stats")["evicted_keys"] == KEYS


def test_noeviction_evicts_nothing(client):
    fill(client, "expires:{}".format, expiring=lambda n: True)
    assert evict(client, "noeviction", KEYS * len(VALUE) / 2) == "OOM"
    assert (client.dbsize(), client.info("stats")["evicted_keys"]) == (KEYS, 0)
    assert client.get("expires:1") == VALUE.encode(), "reads are answered"
    assert client.delete("expires:1") == 1, "and deletions too"


@pytest.mark.parametrize("policy, past, worst_first", [
    ("allkeys-lru", lambda n: ("IDLETIME", n * 10), False),
    ("volatile-lru", lambda n: ("IDLETIME", n * 10), False),
    ("allkeys-lfu", lambda n: ("FREQ", n * 250 // KEYS), True),
    ("volatile-lfu", lambda n: ("FREQ", n * 250 // KEYS), True),
    ("volatile-ttl", lambda n: (), True),
])
def test_what_goes_first(client, policy, past, worst_first):
    """Samples are not exact; but of what is worst little stays, and of what is best little goes."""
    client.config_set("maxmemory-policy", policy)
    client.config_set("lfu-decay-time", 0)
    # Chance has less to say with ten samples than with five.
    client.config_set("maxmemory-samples", 10)
    fill(client, "k:{}".format, past, expiring=lambda n: True)
    assert evict(client, policy, PART * KEYS * len(VALUE)) == "room"
    ranks = [n if worst_first else KEYS - 1 - n for n in left(client, "k:")]
    tenth = KEYS // 10
    worst, best = sum(n < tenth for n in ranks), sum(n >= KEYS - 3 * tenth for n in ranks)
    assert worst < tenth * 0.2, f"{worst} of the worst {tenth} are left"
    assert best > 3 * tenth * 0.95, f"{best} of the best {3 * tenth} are left"


@pytest.mark.parametrize("prefix", ["k", "{slot}"], ids=["all slots", "one slot"])
@pytest.mark.parametrize("policy", [policy for policy in POLICIES if policy.startswith("volatile-")])
def test_few_keys_that_expire_are_found_among_many(client, policy, prefix):
    many, few = 100_000, 10
    client.execute_command("DEBUG", "POPULATE", many, prefix)
    for n in range(few):
        client.set(f"{prefix}:expires:{n}", VALUE, ex=1000)
    # Their memory is not enough.
    assert evict(client, policy, 1 << 20) == "OOM"
    assert (client.dbsize(), client.info("stats")["evicted_keys"]) == (many, few)
    for n in range(few):
        client.set(f"{prefix}:expires:{n}", VALUE * 100, ex=1000)
    assert evict(client, policy, 3.5 * 100 * len(VALUE)) == "room"
    # What makes room goes, and no more than that.
    assert many + few - 6 < client.dbsize() < many + few


def test_keys_of_all_databases_may_go(node):
    clients = [node.client(db=db, decode_responses=False) for db in (0, 3, 7)]
    for db, client in enumerate(clients):
        fill(client, "k:{}".format, expiring=lambda n: True)
    for policy in ("volatile-random", "allkeys-random", "volatile-random"):
        before = [client.dbsize() for client in clients]
        assert evict(clients[0], policy, PART * KEYS * len(VALUE) / 2) == "room"
        assert all(client.dbsize() < count for client, count in zip(clients, before)), policy


def zipf(count, seed):
    """Which of KEYS keys is asked for, each time: the n-th most popular with a probability in proportion to 1 / n."""
    weights = list(itertools.accumulate(1 / n for n in range(1, KEYS + 1)))
    numbers = random.Random(seed)
    return [bisect.bisect(weights, numbers.random() * weights[-1]) for _ in range(count)]


def hits(client, policy, expire):
    """Uses the node as a cache of a quarter of the keys, and counts how often it has what it is asked for."""
    client.flushall()
    client.config_set("maxmemory-policy", policy)
    client.config_set("maxmemory", used(client) + KEYS * len(VALUE) // 4)
    found, asked = 0, zipf(30_000, 1)
    for at in range(0, len(asked), 20):
        batch = asked[at:at + 20]
        pipeline = client.pipeline(transaction=False)
        for n in batch:
            pipeline.get(f"k:{n}")
        values = pipeline.execute()
        pipeline = client.pipeline(transaction=False)
        for n, value in zip(batch, values):
            if value is None:
                pipeline.set(f"k:{n}", VALUE, ex=expire)
        pipeline.execute()
        if at >= len(asked) / 3:
            found += sum(value is not None for value in values)
    client.config_set("maxmemory", 0)
    return found / (len(asked) * 2 / 3)


@pytest.mark.parametrize("keys, expire", [("allkeys", None), ("volatile", 1000)])
def test_what_is_asked_for_often_stays(client, keys, expire):
    by_chance, by_use = hits(client, f"{keys}-random", expire), hits(client, f"{keys}-lfu", expire)
    # An exact order would have about 0.84 of them.
    assert by_use > by_chance + 0.03 and by_use > 0.77, (by_use, by_chance)


def test_counters_survive_a_restart(new_node):
    node = new_node("--save", "", "--maxmemory-policy", "allkeys-lfu", "--lfu-decay-time", "0").start()
    with node.client(decode_responses=False) as client:
        client.set("k", "v")
        client.restore("k", 0, client.dump("k"), replace=True, frequency=200)
        client.save()
        assert client.object("freq", "k") == 200
    node.stop()
    node.start()
    with node.client() as client:
        assert client.object("freq", "k") == 200


def test_the_policy_may_change_while_it_runs(client):
    """What was noted under the old one is read as the new one's, until keys are used again."""
    fill(client, "k:{}".format)
    for policy in ("allkeys-lfu", "allkeys-random", "allkeys-lru"):
        before = client.dbsize()
        assert evict(client, policy, PART / 4 * KEYS * len(VALUE)) == "room"
        assert client.dbsize() < before, policy
    client.config_set("maxmemory-policy", "allkeys-lfu")
    client.set("new", "v")
    assert client.object("freq", "new") == 5
    with pytest.raises(redis.ResponseError, match="An LFU maxmemory policy is selected"):
        client.object("idletime", "new")
    client.config_set("maxmemory-policy", "volatile-lru")
    client.get("new")
    assert client.object("idletime", "new") <= 1
    with pytest.raises(redis.ResponseError, match="An LFU maxmemory policy is not selected"):
        client.object("freq", "new")
