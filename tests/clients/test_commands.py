"""What an application does with redis-py, in both protocol versions."""

import pytest
import redis


def test_strings(client):
    assert client.set("a", "1")
    assert client.get("a") == "1"
    assert client.get("none") is None
    assert client.incrby("a", 41) == 42
    assert client.incrbyfloat("f", 0.1) == pytest.approx(0.1)
    assert client.set("a", "2", nx=True) is None
    assert client.set("a", "2", xx=True, get=True) == "42"
    assert client.mset({"b": "3", "c": "4"})
    assert client.mget("a", "b", "none", "c") == ["2", "3", None, "4"]
    assert client.append("b", "45") == 3
    assert client.getrange("b", 1, -1) == "45"
    assert client.strlen("b") == 3
    assert client.getdel("b") == "345"
    assert client.exists("b") == 0


def test_expiry(client):
    client.set("a", "1", ex=100)
    assert 40 <= client.ttl("a") <= 100
    assert client.expire("a", 50, gt=True) == 0
    assert client.expire("a", 500, gt=True) == 1
    assert client.persist("a")
    assert client.ttl("a") == -1
    assert client.ttl("none") == -2
    client.expireat("a", 1)
    assert client.get("a") is None


def test_hashes(client):
    assert client.hset("h", mapping={"f": "1", "g": "2"}) == 2
    assert client.hgetall("h") == {"f": "1", "g": "2"}
    assert client.hmget("h", "f", "none") == ["1", None]
    assert client.hincrby("h", "f", 9) == 10
    assert client.hdel("h", "f", "none") == 1
    assert client.hlen("h") == 1
    assert client.hrandfield("h", 1, withvalues=True) in (["g", "2"], [["g", "2"]])


def test_lists(client):
    assert client.rpush("l", *range(10)) == 10
    assert client.lrange("l", 0, 2) == ["0", "1", "2"]
    assert client.lpop("l", 2) == ["0", "1"]
    assert client.lmove("l", "m", "RIGHT", "LEFT") == "9"
    assert client.lpos("l", "5") == 3
    assert client.linsert("l", "before", "5", "x") == 8
    assert client.lrem("l", 0, "x") == 1
    assert client.ltrim("l", 0, 1)
    assert client.lrange("l", 0, -1) == ["2", "3"]


def test_positions(client):
    assert client.geoadd("g", (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania")) == 2
    assert client.geodist("g", "Palermo", "Catania", "km") == pytest.approx(166.2742)
    assert client.geohash("g", "Palermo", "none") == ["sqc8b49rny0", None]
    assert client.geopos("g", "Catania", "none") == [pytest.approx((15.087267, 37.502668)), None]
    assert client.geosearch("g", longitude=15, latitude=37, radius=200, unit="km", sort="ASC") == ["Catania", "Palermo"]
    found = client.geosearch("g", member="Palermo", width=400, height=400, unit="km", withdist=True, count=1)
    assert found == [["Palermo", 0.0]]
    assert client.geosearchstore("d", "g", longitude=15, latitude=37, radius=100, unit="km", storedist=True) == 1
    assert client.zscore("d", "Catania") == pytest.approx(56.4413, abs=1e-4)
    with pytest.raises(redis.ResponseError, match="invalid longitude,latitude pair 15.000000,90.000000"):
        client.geoadd("g", (15, 90, "a"))


def test_binary_and_big_values(node):
    with node.client(decode_responses=False) as client:
        value = bytes(range(256)) * 64 * 1024
        assert client.set(b"\x00\xff\r\n", value)
        assert client.get(b"\x00\xff\r\n") == value
        assert client.strlen(b"\x00\xff\r\n") == 16 * 1024 * 1024
        client.hset("h", "f", value)
        assert client.hgetall("h") == {b"f": value}


def test_wrong_types_and_arguments(client):
    client.rpush("l", 1)
    with pytest.raises(redis.ResponseError, match="^WRONGTYPE Operation against a key holding the wrong kind of value$"):
        client.get("l")
    client.set("s", "text")
    with pytest.raises(redis.ResponseError, match="^value is not an integer or out of range$"):
        client.incr("s")
    with pytest.raises(redis.ResponseError, match="^unknown command 'NOSUCH', with args beginning with: 'a' "):
        client.execute_command("NOSUCH", "a")
    with pytest.raises(redis.ResponseError, match="^wrong number of arguments for 'get' command$"):
        client.execute_command("GET")
    with pytest.raises(redis.exceptions.AuthenticationError):
        client.execute_command("AUTH", "no", "password")


def test_scan_meets_every_key_that_stays(client):
    keys = {f"key:{n}" for n in range(3000)}
    client.mset({key: "1" for key in keys})
    found = set()
    cursor, rounds = 0, 0
    while True:
        cursor, page = client.scan(cursor, match="key:*", count=50)
        found.update(page)
        # The table grows and shrinks meanwhile.
        client.mset({f"other:{rounds}:{n}": "1" for n in range(100)})
        if rounds > 0:
            client.delete(*[f"other:{rounds - 1}:{n}" for n in range(100)])
        rounds += 1
        if cursor == 0:
            break
    assert found == keys
    assert set(client.scan_iter("key:1?", count=1000)) == {f"key:1{n}" for n in range(10)}


def test_scan_of_a_large_hash(client):
    fields = {f"f{n}": str(n) for n in range(2000)}
    client.hset("h", mapping=fields)
    assert dict(client.hscan_iter("h", count=10)) == fields


def test_databases(node):
    with node.client(db=0) as zero, node.client(db=9) as nine:
        zero.set("a", "zero")
        nine.set("a", "nine")
        assert zero.get("a") == "zero"
        assert zero.move("b", 9) == 0
        zero.swapdb(0, 9)
        assert (zero.get("a"), nine.get("a")) == ("nine", "zero")
        nine.flushdb()
        assert (zero.dbsize(), nine.dbsize()) == (1, 0)


def test_dump_and_restore(node):
    with node.client(decode_responses=False) as client:
        client.rpush("l", *range(500))
        payload = client.dump("l")
        client.restore("m", 0, payload)
        assert client.lrange("m", 0, -1) == client.lrange("l", 0, -1)
        with pytest.raises(redis.ResponseError, match="BUSYKEY"):
            client.restore("m", 0, payload)
        with pytest.raises(redis.ResponseError, match="DUMP payload version or checksum are wrong"):
            client.restore("n", 0, payload[:-1] + b"x")


def test_info_and_config(client):
    info = client.info()
    # The default profile is a Valkey, which names the mode so.
    assert info["server_mode"] == "standalone"
    assert info["role"] == "master"
    assert info["connected_clients"] >= 1
    before = client.config_get("maxmemory-policy")
    assert list(before) == ["maxmemory-policy"]
    client.config_set("maxmemory-policy", "allkeys-lru")
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
    client.config_set("maxmemory-policy", before["maxmemory-policy"])
    assert client.command_count() > 100
    assert client.command_getkeys("MSET", "a", "1", "b", "2") == ["a", "b"]
