"""engram access: whether a user may run a command, and which rule decides."""

import subprocess

import pytest

from conftest import binary

SECRET = "a-secret-of-somebody"


def access(*arguments):
    """The exit status, what it printed, and what it complained of."""
    ended = subprocess.run([binary(), "access", *arguments], capture_output=True, text=True, timeout=60)
    return ended.returncode, ended.stdout, ended.stderr


@pytest.fixture
def ask(new_node):
    node = new_node("--save", "", "--engine", "valkey-9.1").start()
    with node.client() as admin:
        admin.execute_command(
            "ACL", "SETUSER", "alice", "on", f">{SECRET}", "~own:*", "%R~shared:*", "&news:*", "db=0,2",
            "+@all", "-@dangerous", "-ttl", "(~log:* +append)",
        )
        admin.execute_command("ACL", "SETUSER", "bob", "nopass", "+select|0")
        yield lambda user, *arguments: access("--port", str(node.port), "--user", user, *arguments)


ALLOWED = {
    "the command alone": (("--command", "GET"), ["+@all allows the command get"]),
    "a key": (("--command", "get", "--key", "own:1"), ["+@all allows the command get", "~own:* allows reading the key 'own:1'"]),
    "a key to read": (("--command", "get", "--key", "shared:1"), ["+@all allows the command get", "%R~shared:* allows reading the key 'shared:1'"]),
    "keys in their order": (
        ("--command", "copy", "--key", "shared:1", "--key", "own:1"),
        ["+@all allows the command copy", "%R~shared:* allows reading the key 'shared:1'", "~own:* allows writing the key 'own:1'"],
    ),
    "keys behind a number": (
        ("--command", "zunion", "--key", "own:1", "--key", "own:2"),
        ["+@all allows the command zunion", "~own:* allows reading the key 'own:1'", "~own:* allows reading the key 'own:2'"],
    ),
    "a selector": (
        ("--command", "append", "--key", "log:1"),
        ["+append allows the command append (selector 1)", "~log:* allows writing the key 'log:1' (selector 1)"],
    ),
    "all of a request": (("--command", 'set own:1 "a b" get'), ["+@all allows the command set", "~own:* allows reading and writing the key 'own:1'"]),
    "a channel": (("--command", "publish", "--channel", "news:1"), ["+@all allows the command publish", "&news:* allows the channel 'news:1'"]),
    "another database": (("--command", "get", "--key", "own:1", "--db", "2"), ["+@all allows the command get", "~own:* allows reading the key 'own:1'"]),
    "what everybody may": (("--command", "auth"), ["no rule is needed for the command auth"]),
}

DENIED = {
    "a command": (("--command", "ttl", "--key", "own:1"), ["-ttl denies the command ttl", "-@all denies the command ttl (selector 1)"]),
    "a category": (("--command", "config|get"), ["-@dangerous denies the command config|get", "-@all denies the command config|get (selector 1)"]),
    "a key": (("--command", "get", "--key", "other"), ["no rule allows reading the key 'other'", "-@all denies the command get (selector 1)"]),
    "a key to write": (("--command", "set", "--key", "shared:1"), ["no rule allows writing the key 'shared:1'", "-@all denies the command set (selector 1)"]),
    "one of some keys": (("--command", "mget", "--key", "own:1", "--key", "x"), ["no rule allows reading the key 'x'", "-@all denies the command mget (selector 1)"]),
    "a channel": (("--command", "subscribe", "--channel", "news:1", "--channel", "x"), ["no rule allows the channel 'x'", "-@all denies the command subscribe (selector 1)"]),
    "a pattern": (("--command", "psubscribe", "--channel", "news:1"), ["no rule allows the channel 'news:1'", "-@all denies the command psubscribe (selector 1)"]),
    "a database": (("--command", "get", "--db", "1"), ["db=0,2 denies the databases that get works in", "-@all denies the command get (selector 1)"]),
    "a database by its number": (("--command", "select 1"), ["db=0,2 denies the database 1", "-@all denies the command select (selector 1)"]),
}


def name_of(arguments):
    return arguments[1].split()[0].lower()


@pytest.mark.parametrize("arguments, reasons", ALLOWED.values(), ids=ALLOWED.keys())
def test_yes_comes_with_the_rules_that_allow(ask, arguments, reasons):
    status, printed, complaint = ask("alice", *arguments)
    assert (status, complaint) == (0, "")
    assert printed.splitlines() == [f"yes: alice may run {name_of(arguments)}", *(f"  {reason}" for reason in reasons)]


@pytest.mark.parametrize("arguments, reasons", DENIED.values(), ids=DENIED.keys())
def test_no_comes_with_what_each_selector_denies(ask, arguments, reasons):
    status, printed, complaint = ask("alice", *arguments)
    assert (status, complaint) == (1, "")
    assert printed.splitlines() == [f"no: alice may not run {name_of(arguments)}", *(f"  {reason}" for reason in reasons)]


def test_who_is_off_cannot_log_in(ask):
    assert ask("bob", "--command", "select 0") == (0, "yes: bob may run select\n  +select|0 allows the command select\n  bob is off, so nobody can log in as it\n", "")
    assert ask("bob", "--command", "select 1")[0] == 1


def test_the_answer_is_the_server_s(ask, new_node):
    """Beside ACL DRYRUN."""
    node = new_node("--save", "", "--engine", "redis-7.0").start()
    with node.client() as admin:
        admin.execute_command("ACL", "SETUSER", "carol", "on", "nopass", "+@read", "+set", "-mget", "%R~r*", "~k*")
        for request in ["get r1", "get x", "set r1 v", "set k1 v", "set k1 v get", "mget k1", "strlen k1", "flushall", "copy r1 k1", "ping"]:
            status, printed, _ = access("--port", str(node.port), "--user", "carol", "--command", request)
            may = admin.execute_command("ACL", "DRYRUN", "carol", *request.split()) == "OK"
            assert (status == 0, printed.startswith("yes: ")) == (may, may), request


def test_a_file_and_a_socket_tell_the_same(new_node, tmp_path):
    file = tmp_path / "users.acl"
    file.write_text("user default on nopass ~* &* +@all\nuser erin on >other ~e* +get\n")
    node = new_node("--save", "", "--aclfile", str(file), "--unixsocket", str(tmp_path / "s")).start()
    with node.client() as admin:
        admin.execute_command("ACL", "SETUSER", "default", f">{SECRET}")
    asked = ("--user", "erin", "--command", "get", "--key", "e1")
    answer = (0, "yes: erin may run get\n  +get allows the command get\n  ~e* allows reading the key 'e1'\n", "")
    assert access("--aclfile", str(file), *asked) == answer
    assert access("-s", str(tmp_path / "s"), "-a", SECRET, *asked) == answer
    assert access("-p", str(node.port), "--login", "default", "--password", SECRET, *asked) == answer
    status, printed, complaint = access("-s", str(tmp_path / "s"), *asked)
    assert (status, printed) == (1, "") and "NOAUTH Authentication required." in complaint
    status, printed, complaint = access("-p", str(node.port), "--login", "erin", "-a", "other", *asked)
    assert (status, printed) == (1, "") and "NOPERM" in complaint
    file.write_text("user erin on +nothing\n")
    status, printed, complaint = access("--aclfile", str(file), *asked)
    assert (status, printed) == (1, "") and "users.acl:1: Error in applying operation '+nothing'" in complaint
    # Databases came with 9.1.
    file.write_text("user erin on +get ~e* db=0\n")
    assert access("--aclfile", str(file), "--engine", "valkey-9.1", *asked)[0] == 0
    assert access("--aclfile", str(file), "--engine", "valkey-9.0", *asked)[0] == 1


WRONG = {
    "a user": (("--user", "nobody", "--command", "get"), "there is no user nobody; there are: alice, bob, default"),
    "a command": (("--user", "alice", "--command", "nothing"), "valkey-9.1 has no command nothing"),
    "a subcommand": (("--user", "alice", "--command", "config|nothing"), "valkey-9.1 has no command config nothing"),
    "a container": (("--user", "alice", "--command", "config"), "config has subcommands; name one of them, as config|help"),
    "too many keys": (("--user", "alice", "--command", "get", "--key", "a", "--key", "b"), "get does not take 2 keys"),
    "a key of none": (("--user", "alice", "--command", "ping", "--key", "a"), "ping does not take one key"),
    "a channel of none": (("--user", "alice", "--command", "get", "--channel", "a"), "get does not take one channel"),
    "arguments twice": (("--user", "alice", "--command", "get own:1", "--key", "a"), "--command has arguments already"),
    "too few arguments": (("--user", "alice", "--command", "set own:1"), "wrong number of arguments for set"),
    "an open quote": (("--user", "alice", "--command", "'get"), "--command has a quote that is not closed"),
    "no command": (("--user", "alice", "--command", ""), "--command names no command"),
}


@pytest.mark.parametrize("arguments, why", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_question_is_told(ask, arguments, why):
    _, user, *rest = arguments
    status, printed, complaint = ask(user, *rest)
    assert (status, printed) == (1, "")
    assert complaint.startswith("engram: ") and why in complaint, complaint


def test_who_does_not_answer_is_named(new_node):
    node = new_node()
    status, printed, complaint = access("--port", str(node.port), "--user", "a", "--command", "get")
    assert (status, printed) == (1, "")
    assert f"cannot reach a node at 127.0.0.1:{node.port}" in complaint
