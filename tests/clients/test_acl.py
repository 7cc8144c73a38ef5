"""Users: who may do what, as a client sees it, and what stays over a restart."""

import pytest
import redis

from conftest import binary, spawn
from region import wait_until

SECRET = "a-secret-of-somebody"


@pytest.fixture
def users(new_node):
    """A running node of the test's own, since users stay."""
    return new_node("--save", "").start()


def as_user(node, name, password=SECRET, **options):
    return node.client(username=name, password=password, **options)


def refused(call, *args, **kwargs):
    with pytest.raises(redis.exceptions.NoPermissionError) as caught:
        call(*args, **kwargs)
    return str(caught.value)


@pytest.mark.parametrize("protocol", [2, 3], ids=["RESP2", "RESP3"])
def test_rules_of_each_kind_are_kept(users, protocol):
    with users.client(protocol=protocol) as admin:
        assert admin.acl_setuser(
            "alice", enabled=True, passwords=[f"+{SECRET}"], keys=["own:*"], channels=["news:*"],
            categories=["+@all", "-@dangerous"], commands=["-ttl"], selectors=[("+get", "%R~shared:*")],
        )
        told = admin.acl_getuser("alice")
        assert told["enabled"] and "on" in told["flags"]
        assert [dict(told)["keys"], told["channels"]] == [["~own:*"], ["&news:*"]]
        with as_user(users, "alice", protocol=protocol) as alice:
            assert alice.acl_whoami() == "alice"
            assert alice.set("own:1", "v") and alice.get("own:1") == "v"
            assert alice.get("shared:1") is None
            assert "ttl" in refused(alice.ttl, "own:1")
            refused(alice.set, "shared:1", "v")
            refused(alice.get, "other")
            refused(alice.mget, "own:1", "other")
            refused(alice.flushall)
            refused(alice.publish, "other", "m")
            assert alice.publish("news:1", "m") == 0
            admin.acl_setuser("alice", enabled=True, commands=["+ttl"], keys=["other"], reset_keys=True)
            # The connection has the new rules at once.
            assert alice.ttl("other") == -2
            refused(alice.get, "own:1")
        assert admin.acl_deluser("alice") == 1
        assert admin.acl_getuser("alice") is None


def test_a_transaction_is_checked_when_it_is_queued_and_when_it_runs(users):
    with users.client() as admin:
        admin.execute_command("ACL", "SETUSER", "bob", "on", f">{SECRET}", "~b*", "+@all")
        with as_user(users, "bob") as bob:
            with pytest.raises(redis.exceptions.NoPermissionError):
                with bob.pipeline() as pipe:
                    pipe.set("b", "1").set("x", "1").execute()
            assert admin.exists("b", "x") == 0
            connection = bob.connection_pool.get_connection()
            try:
                for words in [("MULTI",), ("SET", "b", "1"), ("GET", "b")]:
                    connection.send_command(*words)
                    connection.read_response()
                admin.execute_command("ACL", "SETUSER", "bob", "-get")
                connection.send_command("EXEC")
                done, denied = connection.read_response()
                assert done == "OK"
                assert isinstance(denied, redis.exceptions.NoPermissionError)
                assert "rules changed" in str(denied)
            finally:
                bob.connection_pool.release(connection)
        log = admin.acl_log()
        assert [(entry["context"], entry["object"], entry["username"]) for entry in log] == [("multi", "get", "bob"), ("multi", "x", "bob")]


def test_connections_of_a_deleted_user_end(users):
    with users.client() as admin:
        admin.execute_command("ACL", "SETUSER", "carol", "on", f">{SECRET}", "allkeys", "allcommands", "allchannels")
        idle, blocked, listening = (as_user(users, "carol", retry=None) for _ in range(3))
        held = [one.connection_pool.get_connection() for one in (idle, blocked, listening)]
        held[0].send_command("PING")
        assert held[0].read_response() == "PONG"
        held[1].send_command("BLPOP", "l", 0)
        held[2].send_command("SUBSCRIBE", "c")
        assert held[2].read_response() == ["subscribe", "c", 1]
        wait_until("a client waits", lambda: admin.info("clients")["blocked_clients"] == 1)
        assert sum(client["user"] == "carol" for client in admin.client_list()) == 3
        assert admin.acl_deluser("carol") == 1
        # They are shown no more when the reply is there.
        assert not any(client["user"] == "carol" for client in admin.client_list())
        for connection in held:
            with pytest.raises(redis.exceptions.ConnectionError):
                connection.read_response()
            connection.disconnect()
        assert admin.info("clients")["blocked_clients"] == 0
        with pytest.raises(redis.exceptions.AuthenticationError):
            as_user(users, "carol").ping()


def test_a_user_of_the_same_name_is_another(users):
    with users.client() as admin:
        make = ("ACL", "SETUSER", "dave", "on", f">{SECRET}", "+@all", "~*")
        admin.execute_command(*make)
        with as_user(users, "dave", retry=None) as dave:
            connection = dave.connection_pool.get_connection()
            connection.send_command("PING")
            assert connection.read_response() == "PONG"
            admin.execute_command("ACL", "DELUSER", "dave")
            admin.execute_command(*make)
            with pytest.raises(redis.exceptions.ConnectionError):
                connection.read_response()
            connection.disconnect()
        with as_user(users, "dave") as dave:
            assert dave.ping()


def test_the_acl_file_is_loaded_saved_and_there_after_a_restart(new_node, tmp_path):
    file = tmp_path / "users.acl"
    file.write_text(f"user erin on >{SECRET} ~e* +@all\nuser default on nopass ~* &* +@all\n")
    node = new_node("--save", "", "--aclfile", str(file)).start()
    with node.client() as admin:
        assert admin.acl_users() == ["default", "erin"]
        with as_user(node, "erin") as erin:
            assert erin.set("e", "1")
        admin.execute_command("ACL", "SETUSER", "frank", "on", f">{SECRET}", "+ping")
        assert admin.acl_save()
        saved = file.read_text()
        assert SECRET not in saved and saved.count("\n") == 3
        # What is wrong is told by its line, and changes nothing.
        file.write_text(saved + "user wrong +nothing\nusr\n")
        with pytest.raises(redis.ResponseError) as caught:
            admin.acl_load()
        assert ":4: Error in applying operation '+nothing'" in str(caught.value) and ":5 should start with user keyword" in str(caught.value)
        assert admin.acl_users() == ["default", "erin", "frank"]
        file.write_text(saved.replace("user frank", "user grace"))
        assert admin.acl_load()
        assert admin.acl_users() == ["default", "erin", "grace"]
        with pytest.raises(redis.ResponseError, match="without a config file"):
            admin.config_rewrite()
    assert node.stop() == 0
    node.start()
    with node.client() as admin:
        assert admin.acl_users() == ["default", "erin", "grace"]
        with as_user(node, "grace") as grace:
            assert grace.ping()
            refused(grace.get, "k")
    assert node.stop() == 0
    file.write_text("user default on nopass ~* &* +@all\nuser wrong (\n")
    process = spawn(node.command(), node.log)
    assert process.wait(timeout=60) == 1
    assert "users.acl:2: Unmatched parenthesis in selector definition" in node.log.read_text()


def started_from(node, file):
    node.command = lambda: [binary(), "node", str(file), "--port", str(node.port), "--dir", str(node.directory)]
    return node.start()


def test_config_rewrite_keeps_users(new_node, tmp_path):
    file = tmp_path / "redis.conf"
    file.write_text(f'save ""\nuser heidi on >{SECRET} ~h* -@all +get\nuser default on nopass ~* &* +@all -shutdown\n')
    node = started_from(new_node(), file)
    with node.client() as admin:
        assert "no permissions" in refused(admin.execute_command, "SHUTDOWN", "NOSAVE")
        admin.execute_command("ACL", "SETUSER", "ivan", "on", f">{SECRET}", "+@all", "~*", "(~s +get)")
        before = admin.acl_list()
        assert admin.config_rewrite()
    text = file.read_text()
    assert SECRET not in text and "user ivan on" in text
    assert node.stop() == 0
    node.start()
    with node.client() as admin:
        assert admin.acl_list() == before
        with as_user(node, "heidi") as heidi:
            assert heidi.get("h") is None
            refused(heidi.set, "h", "1")


def waiting_for(node, key):
    """A connection of the user pia, which waits for a key."""
    connection = as_user(node, "pia", retry=None).connection_pool.get_connection()
    connection.send_command("BLPOP", key, 0)
    return connection


@pytest.mark.parametrize(
    ("engine", "is_checked"), [("redis-7.0", False), ("valkey-8.1", True), ("valkey-9.1", True)],
)
@pytest.mark.parametrize(
    ("rules", "why"),
    [(["-blpop"], "User pia has no permissions to run the 'blpop' command"), (["resetkeys", "~o"], "No permissions to access a key")],
    ids=["command", "key"],
)
def test_who_waits_is_checked_when_served_since_7_2(new_node, engine, is_checked, rules, why):
    node = new_node("--save", "", "--engine", engine).start()
    with node.client() as admin:
        admin.execute_command("ACL", "SETUSER", "pia", "on", f">{SECRET}", "~*", "+@all")
        connection = waiting_for(node, "l")
        wait_until("a client waits", lambda: admin.info("clients")["blocked_clients"] == 1)
        admin.execute_command("ACL", "SETUSER", "pia", *rules)
        admin.execute_command("CONFIG", "RESETSTAT")
        assert admin.rpush("l", "v") == 1
        if not is_checked:
            assert connection.read_response() == ["l", "v"]
            assert admin.llen("l") == 0
        else:
            with pytest.raises(redis.exceptions.NoPermissionError, match=why):
                connection.read_response()
            assert admin.llen("l") == 1
            assert [(entry["context"], entry["username"]) for entry in admin.acl_log()] == [("toplevel", "pia")]
            counted = admin.info("commandstats")["cmdstat_blpop"]
            assert (counted["calls"], counted["rejected_calls"], counted["failed_calls"]) == (0, 1, 0)
            assert admin.info("errorstats")["errorstat_NOPERM"] == {"count": 1}
        connection.disconnect()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("user judy on >secret +nothing", "Error in user declaration '+nothing': Unknown command or category name in ACL"),
        ("user judy on >secret nothing", "Error in user declaration"),
        ("user judy on\nuser judy off", "Duplicate user found"),
    ],
    ids=["command", "rule", "twice"],
)
def test_a_wrong_user_in_the_configuration_is_told_without_its_password(new_node, tmp_path, line, why):
    file = tmp_path / "redis.conf"
    file.write_text(f"# a comment\n{line}\n")
    node = new_node()
    process = spawn([binary(), "node", str(file), "--port", str(node.port), "--dir", str(node.directory)], node.log)
    assert process.wait(timeout=60) == 1
    text = node.log.read_text()
    assert "FATAL CONFIG FILE ERROR" in text and "at line " in text and why in text, text
    assert "secret" not in text


def test_users_are_in_one_place(new_node, tmp_path):
    users, file = tmp_path / "users.acl", tmp_path / "redis.conf"
    users.write_text("")
    file.write_text(f"aclfile {users}\nuser kim on\n")
    node = new_node()
    process = spawn([binary(), "node", str(file), "--port", str(node.port), "--dir", str(node.directory)], node.log)
    assert process.wait(timeout=60) == 1
    assert "one of the two" in node.log.read_text()


def test_requirepass_is_the_password_of_the_user_default(users):
    with users.client() as admin:
        assert admin.config_set("requirepass", SECRET)
        # Who came before stays.
        assert admin.ping()
        with pytest.raises(redis.exceptions.AuthenticationError):
            users.client().ping()
        with users.client(password=SECRET) as other:
            assert other.acl_whoami() == "default"
        assert admin.acl_getuser("default")["passwords"] and "nopass" not in admin.acl_getuser("default")["flags"]
        assert admin.config_set("requirepass", "")
    with users.client() as anybody:
        assert anybody.ping()


def test_no_secret_is_in_a_log(users):
    with users.client() as admin:
        admin.config_set("slowlog-log-slower-than", 0)
        for words in [
            ("ACL", "SETUSER", "lea", "on", f">{SECRET}", "+@all"),
            ("ACL", "SETUSER", "lea", f"<{SECRET}"),
            ("ACL", "SETUSER", "lea", f">{SECRET}"),
            ("AUTH", "lea", SECRET),
            ("HELLO", "2", "AUTH", "lea", SECRET),
            ("CONFIG", "SET", "requirepass", SECRET, "masterauth", SECRET),
            ("CONFIG", "SET", "requirepass", "", "masterauth", ""),
        ]:
            assert admin.execute_command(*words)
        for words in [
            ("ACL", "SETUSER", "mia", f"({SECRET}", ">"),
            ("ACL", "SETUSER", "mia", f"#{SECRET}"),
            ("ACL", "SETUSER", "lea", f"<x{SECRET}"),
            ("AUTH", "lea", f"x{SECRET}"),
            ("AUTH", f"x{SECRET}"),
        ]:
            with pytest.raises((redis.ResponseError, redis.exceptions.AuthenticationError)) as caught:
                admin.execute_command(*words)
            if not words[3:4] == (f"({SECRET}",):
                assert SECRET not in str(caught.value), words
        admin.execute_command("MIGRATE", "127.0.0.1", "1", "no-key", "0", "1", "AUTH2", "lea", SECRET)
        seen = repr(admin.slowlog_get(128)) + repr(admin.acl_log())
        assert "(redacted)" in seen
        assert SECRET not in seen
        assert SECRET not in repr(admin.client_list())
    assert SECRET not in users.log.read_text()


def test_denials_are_counted(new_node):
    node = new_node("--save", "", "--engine", "valkey-8.1").start()
    with node.client() as admin:
        admin.execute_command("ACL", "SETUSER", "nia", "on", "nopass", "+@all", "-get", "~n*", "resetchannels")
        with as_user(node, "nia") as nia:
            assert "User nia has no permissions to run the 'get' command" in refused(nia.get, "n")
            refused(nia.set, "x", "1")
            refused(nia.set, "x", "2")
            refused(nia.publish, "c", "m")
        with pytest.raises(redis.exceptions.AuthenticationError):
            as_user(node, "nobody").ping()
        stats = admin.info("stats")
        assert [stats[f"acl_access_denied_{what}"] for what in ("auth", "cmd", "key", "channel")] == [1, 1, 2, 1]
        errors = admin.info("errorstats")
        assert errors["errorstat_NOPERM"]["count"] == 4
        entries = {entry["reason"]: entry for entry in admin.acl_log()}
        assert entries["key"]["count"] == 2 and entries["key"]["object"] == "x"
        assert entries["auth"]["username"] == "nobody" and entries["auth"]["object"].upper() in ("AUTH", "HELLO")
        assert admin.acl_log_reset() and admin.acl_log() == []


LONG_NAME = "b840fc02d524045429941cc15f59e41cb7be6c52"


def test_renamed_commands_have_their_new_name_alone(new_node, tmp_path):
    file = tmp_path / "redis.conf"
    file.write_text(f'save ""\nrename-command CONFIG {LONG_NAME}\nrename-command AUTH enter\nrename-command FLUSHALL ""\n')
    node = started_from(new_node(), file)
    with node.client() as client:
        for gone in [("CONFIG", "GET", "port"), ("FLUSHALL",)]:
            with pytest.raises(redis.ResponseError, match=f"unknown command '{gone[0]}'"):
                client.execute_command(*gone)
        assert client.execute_command(LONG_NAME.upper(), "GET", "databases")
        # Rules have the names that commands had before.
        client.execute_command("ACL", "SETUSER", "olga", "on", f">{SECRET}", "-@all", "+config|get", "+acl|whoami")
        client.execute_command(LONG_NAME, "SET", "slowlog-log-slower-than", "0")
        assert client.execute_command("enter", "olga", SECRET)
        assert client.execute_command(LONG_NAME, "GET", "databases")
        assert "'config|set'" in refused(client.execute_command, LONG_NAME, "SET", "timeout", "0")
    with node.client() as client:
        assert SECRET not in repr(client.slowlog_get(128))


def test_a_replica_knows_what_the_stream_says_by_old_names_and_new(new_node, tmp_path):
    renames = 'rename-command SET put\nrename-command DEL ""\n'
    primary, replica = (new_node() for _ in range(2))
    for node in (primary, replica):
        file = tmp_path / f"{node.port}.conf"
        file.write_text(f'save ""\n{renames}')
        started_from(node, file)
    with primary.client() as client, replica.client() as other:
        other.replicaof("127.0.0.1", primary.port)
        wait_until("the replica is there", lambda: other.info("replication")["master_link_status"] == "up")
        assert client.execute_command("put", "k", "v")
        # Its time is over at once: the stream has it as deleted, by a name that clients do not have.
        assert client.execute_command("put", "gone", "v") and client.expire("gone", -1)
        assert client.execute_command("put", "last", "v")
        wait_until("the replica has all", lambda: other.get("last") == "v")
        assert other.get("k") == "v" and other.dbsize() == 2


@pytest.mark.parametrize(
    ("line", "why"),
    [("NOTHING x", "No such command in rename-command"), ("GET SET", "Target command name already exists")],
    ids=["unknown", "taken"],
)
def test_a_wrong_new_name_is_told_by_its_line(new_node, tmp_path, line, why):
    file = tmp_path / "redis.conf"
    file.write_text(f"\nrename-command {line}\n")
    node = new_node()
    process = spawn([binary(), "node", str(file), "--port", str(node.port), "--dir", str(node.directory)], node.log)
    assert process.wait(timeout=60) == 1
    text = node.log.read_text()
    assert "at line 2" in text and f">>> 'rename-command {line}'\n{why}" in text, text
