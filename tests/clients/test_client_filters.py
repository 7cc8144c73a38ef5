"""Which clients CLIENT LIST and CLIENT KILL mean, by version, as Redis 7.0.15 and Valkey 8.1.8, 9.0.0 and 9.1.2 have it."""

import pytest
import redis

from region import wait_until

VERSIONS = ["redis-7.0", "valkey-8.1", "valkey-9.0", "valkey-9.1"]


class Clients:
    """One with a library, one of a user that listens in database 2, one in a transaction that can be redirected, and who asks."""

    def __init__(self, node, engine):
        self.node, self.engine, self.held = node, engine, {}
        with node.client() as admin:
            admin.execute_command("ACL", "SETUSER", "u", "on", "nopass", "~*", "&*", "+@all")
        valkey = engine != "redis-7.0"
        self.open("a", *([("CLIENT", "SETINFO", "lib-name", "lib"), ("CLIENT", "SETINFO", "lib-ver", "1")] if valkey else []))
        self.open("b", ("AUTH", "u", "x"), ("SELECT", 2), ("SUBSCRIBE", "c"))
        self.open("c", *([("CLIENT", "CAPA", "redirect")] if valkey else []), ("MULTI",))
        self.open("me")
        self.shown = {name: self.fields(name) for name in "abc"}

    def open(self, name, *calls):
        pool = redis.ConnectionPool(host="127.0.0.1", port=self.node.port, decode_responses=True, lib_name=None, lib_version=None)
        connection = pool.get_connection()
        for call in (("CLIENT", "SETNAME", name), *calls):
            connection.send_command(*call)
            connection.read_response()
        self.held[name] = connection

    def ask(self, *call):
        self.held["me"].send_command(*call)
        try:
            return self.held["me"].read_response()
        except redis.ResponseError as error:
            return str(error)

    def lines(self):
        return [dict(part.split("=", 1) for part in line.split(" ")) for line in self.ask("CLIENT", "LIST").splitlines()]

    def fields(self, name):
        return next(line for line in self.lines() if line["name"] == name)

    def words(self, line):
        of = {f"{what}_{name}": self.shown[name][what] for name in "abc" for what in ("id", "addr", "laddr")}
        return [word.format(**of) if word != '""' else "" for word in line.split()]

    def listed(self, line):
        """Names, or the error."""
        reply = self.ask("CLIENT", "LIST", *self.words(line))
        if "id=" not in reply and reply:
            return reply
        return " ".join(dict(part.split("=", 1) for part in one.split(" "))["name"] for one in reply.splitlines())


@pytest.fixture(scope="module", params=VERSIONS)
def clients(request, tmp_path_factory):
    from conftest import Node

    node = Node(tmp_path_factory.mktemp("node"), ["--save", "", "--engine", request.param])
    try:
        yield Clients(node.start(), request.param)
    finally:
        node.kill()


SYNTAX = "syntax error"
NO_ID = "client-id should be greater than 0"
# What is asked, and what 7.0, 8.1 and 9.0 and later answer.
ASKED = [
    ("", *["a b c me"] * 3),
    ("TYPE pubsub", *["b"] * 3),
    ("TYPE normal", *["a c me"] * 3),
    ("type NORMAL", *["a c me"] * 3),
    ("TYPE nothing", *["Unknown client type 'nothing'"] * 3),
    ("TYPE primary", "Unknown client type 'primary'", "", ""),
    ("TYPE", *[SYNTAX] * 3),
    ("TYPE normal TYPE pubsub", SYNTAX, "b", "b"),
    ("ID {id_a} {id_b}", *["a b"] * 3),
    ("ID {id_b} {id_a} {id_a}", "b a a", "a b", "a b"),
    ("ID {id_a} ID {id_b}", "Invalid client ID", "a b", "a b"),
    ("ID {id_a} {id_b} TYPE pubsub", "Invalid client ID", "b", "b"),
    ("TYPE pubsub ID {id_a} {id_b}", SYNTAX, "b", "b"),
    ("ID {id_a} NAME a", "Invalid client ID", SYNTAX, "a"),
    ("ID {id_a} x NAME a", "Invalid client ID", SYNTAX, SYNTAX),
    ("ID 0", "", NO_ID, NO_ID),
    ("ID {id_a} -1", "a", NO_ID, NO_ID),
    ("ID x", "Invalid client ID", SYNTAX, SYNTAX),
    ("ID", *[SYNTAX] * 3),
    ("USER u", SYNTAX, "b", "b"),
    ("USER default", SYNTAX, "a c me", "a c me"),
    ("USER nobody", SYNTAX, "No such user 'nobody'", "No such user 'nobody'"),
    ("ADDR {addr_a}", SYNTAX, "a", "a"),
    ("LADDR {laddr_a}", SYNTAX, "a b c me", "a b c me"),
    ("LADDR x", SYNTAX, "", ""),
    ("SKIPME yes", SYNTAX, "a b c", "a b c"),
    ("SKIPME no", SYNTAX, "a b c me", "a b c me"),
    ("SKIPME x", *[SYNTAX] * 3),
    ("MAXAGE 0", SYNTAX, "maxage should be greater than 0", "maxage should be greater than 0"),
    ("MAXAGE x", SYNTAX, "maxage is not an integer or out of range", "maxage is not an integer or out of range"),
    ("MAXAGE 100000", SYNTAX, "", ""),
    ("NAME a", SYNTAX, SYNTAX, "a"),
    ('NAME ""', SYNTAX, SYNTAX, ""),
    ("NAME a NAME b", SYNTAX, SYNTAX, "b"),
    ("NAME a NOT-NAME a", SYNTAX, SYNTAX, ""),
    ("IDLE 0", SYNTAX, SYNTAX, "idle should be greater than 0"),
    ("IDLE x", SYNTAX, SYNTAX, "idle is not an integer or out of range"),
    ("IDLE 100000", SYNTAX, SYNTAX, ""),
    ("FLAGS N", SYNTAX, SYNTAX, "a me"),
    ("FLAGS x", SYNTAX, SYNTAX, "c"),
    ("FLAGS xP", SYNTAX, SYNTAX, ""),
    ('FLAGS ""', SYNTAX, SYNTAX, "a b c me"),
    ("FLAGS PZx", SYNTAX, SYNTAX, "Unknown flags found in the provided filter: PZx"),
    ("LIB-NAME lib", SYNTAX, SYNTAX, "a"),
    ('LIB-NAME ""', SYNTAX, SYNTAX, ""),
    ("LIB-VER 1", SYNTAX, SYNTAX, "a"),
    ("DB 2", SYNTAX, SYNTAX, "b"),
    ("DB 16", SYNTAX, SYNTAX, "DB number should be between 0 and 15"),
    ("DB x", SYNTAX, SYNTAX, "DB is not an integer or out of range"),
    ("CAPA r", SYNTAX, SYNTAX, "c"),
    ('CAPA ""', SYNTAX, SYNTAX, "a b c me"),
    ("CAPA redirect", SYNTAX, SYNTAX, "Unknown capa found in the provided filter: redirect"),
    ("IP 127.0.0.1", SYNTAX, SYNTAX, "a b c me"),
    ("IP 127.0.0.1:1", SYNTAX, SYNTAX, ""),
    ("NOT-ID {id_a} {id_b}", SYNTAX, SYNTAX, "c me"),
    ("NOT-ID 0", SYNTAX, SYNTAX, NO_ID),
    ("ID {id_a} {id_b} NOT-ID {id_b} NOT-TYPE pubsub", "Invalid client ID", SYNTAX, "a"),
    ("NOT-TYPE pubsub", SYNTAX, SYNTAX, "a c me"),
    ("NOT-USER u", SYNTAX, SYNTAX, "a c me"),
    ("NOT-USER nobody", SYNTAX, SYNTAX, "No such user 'nobody'"),
    ("NOT-ADDR {addr_a}", SYNTAX, SYNTAX, "b c me"),
    ("NOT-LADDR {laddr_a}", SYNTAX, SYNTAX, ""),
    ("NOT-NAME a", SYNTAX, SYNTAX, "b c me"),
    ("NOT-FLAGS P", SYNTAX, SYNTAX, "a c me"),
    ("NOT-FLAGS xP", SYNTAX, SYNTAX, "a b c me"),
    ("NOT-FLAGS Z", SYNTAX, SYNTAX, "Unknown flags found in the NOT-FLAGS filter: Z"),
    ("NOT-LIB-NAME lib", SYNTAX, SYNTAX, "b c me"),
    ("NOT-LIB-VER 1", SYNTAX, SYNTAX, "b c me"),
    ("NOT-DB 0", SYNTAX, SYNTAX, "b"),
    ("NOT-DB 16", SYNTAX, SYNTAX, "NOT-DB number should be between 0 and 15"),
    ("NOT-DB x", SYNTAX, SYNTAX, "NOT-DB is not an integer or out of range"),
    ("NOT-CAPA r", SYNTAX, SYNTAX, "a b me"),
    ("NOT-CAPA q", SYNTAX, SYNTAX, "Unknown capa found in the NOT-CAPA filter: q"),
    ("NOT-IP 127.0.0.1", SYNTAX, SYNTAX, ""),
    ("NOT-SKIPME yes", *[SYNTAX] * 3),
    ("NOT-MAXAGE 1", *[SYNTAX] * 3),
    ("NOT-IDLE 1", *[SYNTAX] * 3),
    ("NOTHING x", *[SYNTAX] * 3),
    ("USER default NOT-USER u SKIPME yes DB 0", SYNTAX, SYNTAX, "a c"),
]


@pytest.mark.parametrize("line, redis_7_0, valkey_8_1, valkey_9", ASKED, ids=[line or "all" for line, *_ in ASKED])
def test_those_are_listed_that_fit(clients, line, redis_7_0, valkey_8_1, valkey_9):
    expected = {"redis-7.0": redis_7_0, "valkey-8.1": valkey_8_1}.get(clients.engine, valkey_9)
    assert clients.listed(line) == expected


def test_the_capabilities_are_shown_since_8_1(clients):
    assert clients.shown["c"].get("capa") == (None if clients.engine == "redis-7.0" else "r")
    assert clients.shown["a"].get("capa") == (None if clients.engine == "redis-7.0" else "")


KILLED = [
    ("redis-7.0", "ID {id_a} ID {id_b}", "b"),
    ("redis-7.0", "ID {id_a} {id_b}", SYNTAX),
    ("redis-7.0", "ID x", NO_ID),
    ("redis-7.0", "MAXAGE 1", SYNTAX),
    ("redis-7.0", "SKIPME yes", "a b c"),
    ("redis-7.0", "USER u", "b"),
    ("valkey-8.1", "ID {id_a} {id_b}", "a b"),
    ("valkey-8.1", "ID x", SYNTAX),
    ("valkey-8.1", "MAXAGE 0", "maxage should be greater than 0"),
    ("valkey-8.1", "NAME a", SYNTAX),
    ("valkey-9.1", "FLAGS x", "c"),
    ("valkey-9.1", "NOT-FLAGS x", "a b"),
    ("valkey-9.1", "NOT-ID {id_a}", "b c"),
    ("valkey-9.1", "DB 2 NAME b", "b"),
    ("valkey-9.1", "DB 2 NAME a", ""),
    ("valkey-9.1", "CAPA r SKIPME no", "c"),
    ("valkey-9.1", "NOT-DB 16", "NOT-DB number should be between 0 and 15"),
]


@pytest.mark.parametrize("engine, line, expected", KILLED, ids=[f"{engine} {line}" for engine, line, _ in KILLED])
def test_those_are_killed_that_fit(new_node, engine, line, expected):
    node = new_node("--save", "", "--engine", engine).start()
    clients = Clients(node, engine)
    reply = clients.ask("CLIENT", "KILL", *clients.words(line))
    if isinstance(reply, str):
        assert reply == expected
        expected = ""
    gone = expected.split()
    if gone or isinstance(reply, int):
        assert reply == len(gone)
    wait_until("they are gone", lambda: {line["name"] for line in clients.lines()} & set("abc") == set("abc") - set(gone))
    for name in gone:
        with pytest.raises(redis.exceptions.ConnectionError):
            clients.held[name].read_response()
