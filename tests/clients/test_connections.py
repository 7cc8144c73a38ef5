"""Pipelines, transactions, pub/sub, blocking commands, and many connections."""

import threading
import time

import pytest
import redis


def test_pipeline_keeps_order_and_reports_errors_in_place(client):
    pipeline = client.pipeline(transaction=False)
    for n in range(5000):
        pipeline.rpush("l", n)
    pipeline.get("l")
    pipeline.llen("l")
    replies = pipeline.execute(raise_on_error=False)
    assert replies[:5000] == list(range(1, 5001))
    assert isinstance(replies[5000], redis.ResponseError)
    assert replies[5001] == 5000


def test_transaction(client):
    pipeline = client.pipeline()
    pipeline.set("a", 1).incr("a").get("a")
    assert pipeline.execute() == [True, 2, "2"]


def test_watch_fails_a_transaction_when_another_client_writes(node, client):
    client.set("a", 1)
    with node.client() as other, client.pipeline() as pipeline:
        pipeline.watch("a")
        other.incr("a")
        pipeline.multi()
        pipeline.set("a", 100)
        with pytest.raises(redis.WatchError):
            pipeline.execute()
    assert client.get("a") == "2"


def test_optimistic_increments_from_threads_lose_nothing(node):
    client = node.client()

    def increment(_pipeline):
        value = int(_pipeline.get("counter") or 0)
        _pipeline.multi()
        _pipeline.set("counter", value + 1)

    run_in_threads(4, lambda _: [client.transaction(increment, "counter") for _ in range(50)])
    assert client.get("counter") == "200"
    client.close()


def test_pubsub(node, client):
    subscriber = client.pubsub(ignore_subscribe_messages=True)
    subscriber.subscribe("news")
    subscriber.psubscribe("n?ws")
    # Two confirmations, then what is published.
    for _ in range(2):
        assert subscriber.get_message(timeout=60) is None
    with node.client() as publisher:
        assert publisher.publish("news", "hello") == 2
        assert publisher.pubsub_numsub("news") == [("news", 1)]
    received = [subscriber.get_message(timeout=60) for _ in range(2)]
    assert [(message["type"], message["data"]) for message in received] == [("message", "hello"), ("pmessage", "hello")]
    subscriber.unsubscribe()
    subscriber.punsubscribe()
    subscriber.close()


def test_a_blocked_pop_gets_what_another_client_pushes(node, client):
    popped = []
    waiter = threading.Thread(target=lambda: popped.append(client.blpop(["l", "m"], timeout=60)))
    waiter.start()
    with node.client() as other:
        wait_for_blocked(other, 1)
        other.rpush("m", "x")
        waiter.join(timeout=60)
        assert popped == [("m", "x")] or popped == [["m", "x"]]
        assert other.exists("m") == 0


def test_blocked_pops_are_served_in_order(node):
    popped = []
    threads = []
    with node.client() as other:
        for n in range(3):
            def pop(n=n):
                with node.client() as mine:
                    popped.append((n, mine.blpop("l", timeout=60)[1]))

            threads.append(threading.Thread(target=pop))
            threads[-1].start()
            wait_for_blocked(other, n + 1)
        other.rpush("l", "a", "b", "c")
        for thread in threads:
            thread.join(timeout=60)
    assert sorted(popped) == [(0, "a"), (1, "b"), (2, "c")]


def test_a_blocked_pop_times_out(client):
    assert client.blpop("none", timeout=0.05) is None


def test_a_queue_between_threads_loses_nothing(node):
    received = []

    def consume(_):
        with node.client() as mine:
            while (item := mine.brpop("queue", timeout=60)[1]) != "end":
                received.append(item)

    def produce(n):
        with node.client() as mine:
            for m in range(200):
                mine.lpush("queue", f"{n}:{m}")

    consumers = [threading.Thread(target=consume, args=(n,)) for n in range(4)]
    for thread in consumers:
        thread.start()
    run_in_threads(4, produce)
    with node.client() as client:
        client.lpush("queue", *["end"] * 4)
    for thread in consumers:
        thread.join(timeout=60)
    assert sorted(received) == sorted(f"{n}:{m}" for n in range(4) for m in range(200))


def test_connections_come_and_go(node):
    with node.client() as steady:
        before = steady.info("clients")["connected_clients"]

        def churn(n):
            for m in range(50):
                with node.client(protocol=2 + m % 2, client_name=f"churn-{n}") as mine:
                    assert mine.incr(f"churned:{n}") == m + 1
                    assert mine.client_getname() == f"churn-{n}"

        run_in_threads(8, churn)
        assert [steady.get(f"churned:{n}") for n in range(8)] == ["50"] * 8
        # Closing is noticed when the server's loop gets to it; each INFO is one more turn of it.
        deadline = time.monotonic() + 60
        while steady.info("clients")["connected_clients"] != before:
            assert time.monotonic() < deadline


def test_a_pool_shared_by_threads(node):
    pool = redis.ConnectionPool(host="127.0.0.1", port=node.port, max_connections=32, decode_responses=True)

    def work(n):
        client = redis.Redis(connection_pool=pool)
        for m in range(100):
            client.set(f"{n}:{m}", m)
            assert client.get(f"{n}:{m}") == str(m)

    run_in_threads(16, work)
    pool.disconnect()


def test_a_client_can_kill_another(node):
    with node.client(client_name="victim") as victim, node.client() as other:
        victim_id = victim.client_id()
        assert other.client_kill_filter(_id=str(victim_id)) == 1
        # The pool opens a new connection for the retry.
        assert victim.ping()
        assert victim.client_id() != victim_id


def wait_for_blocked(client, count):
    deadline = time.monotonic() + 60
    while client.info("clients")["blocked_clients"] != count:
        assert time.monotonic() < deadline, f"there never were {count} blocked clients"


def run_in_threads(count, work):
    """Runs work(0), work(1)… at once; the first exception fails the test."""
    failures = []

    def guarded(n):
        try:
            work(n)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    if failures:
        raise failures[0]
