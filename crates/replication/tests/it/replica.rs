//! The replica's side of dialogues; what is sent equals what redis-server 7.0.15 sent.

use crate::dialogue::{bytes, check, text};
use replication::replica::{Action, Event, InfoLink, Settings, State};
use replication::{Replica, ReplicationId};

fn replica() -> Replica {
    Replica::new(Settings { port: 17813, timeout_ms: 60_000, ..Settings::default() })
}

fn event(replica: &mut Replica, line: &str, now_ms: u64) -> Vec<String> {
    let mut actions = Vec::new();
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let received = bytes(rest);
    let event = match verb {
        "replicaof" => Event::ReplicaOf { host: rest, port: 6379, resume: None },
        "replicaof-resume" => {
            let id = ReplicationId::from_random([0xcc; 20]);
            Event::ReplicaOf { host: rest, port: 6379, resume: Some((id, 14)) }
        }
        "promote" => Event::Promote,
        "connected" => Event::Connected,
        "get" => Event::Received(&received),
        "closed" => Event::Closed,
        "applied" => Event::Applied(rest.parse().unwrap()),
        "getack" => Event::GetAck,
        "drained" => Event::Drained(rest.parse().unwrap()),
        "loaded" => Event::Loaded(rest == "ok"),
        "aof" => Event::AofSynced(rest.parse().unwrap()),
        "tick" => Event::Tick,
        "info" | "role" => {
            let state = replica.shown_state(rest != "undone");
            if verb == "info" {
                return replica.info(state, now_ms).map_or_else(Vec::new, |link| show_info(&link));
            }
            return vec![format!("{} {}", state.role_name(), replica.role_offset(state))];
        }
        _ => panic!("no such event: {line}"),
    };
    replica.step(event, now_ms, &mut actions);
    actions.iter().map(|action| show(action, &received)).collect()
}

/// As INFO writes it.
fn show_info(link: &InfoLink) -> Vec<String> {
    let mut lines = vec![
        format!("master_host:{}", link.host),
        format!("master_port:{}", link.port),
        format!("master_link_status:{}", if link.is_up { "up" } else { "down" }),
        format!("master_last_io_seconds_ago:{}", link.last_io_seconds),
        format!("master_sync_in_progress:{}", u8::from(link.sync.is_some())),
        format!("slave_read_repl_offset:{}", link.received_offset),
        format!("slave_repl_offset:{}", link.applied_offset),
    ];
    if let Some(sync) = &link.sync {
        lines.extend([
            format!("master_sync_total_bytes:{}", sync.total_bytes),
            format!("master_sync_read_bytes:{}", sync.read_bytes),
            format!("master_sync_left_bytes:{}", sync.left_bytes()),
            format!("master_sync_perc:{:.2}", sync.percent()),
            format!("master_sync_last_io_seconds_ago:{}", sync.last_io_seconds),
        ]);
    }
    lines.extend(link.down_seconds.map(|seconds| format!("master_link_down_since_seconds:{seconds}")));
    lines
}

fn show(action: &Action, received: &[u8]) -> String {
    let part = |range: &std::ops::Range<usize>| text(&received[range.clone()].to_vec().into());
    match action {
        Action::Send(bytes) => format!("send {}", text(bytes)),
        Action::Connect { host, port } => format!("connect {host}:{port}"),
        Action::StateChanged(state) => format!("= {state:?}"),
        Action::LoadChunk(range) => format!("load {}", part(range)),
        Action::LoadHeld(bytes) => format!("load held {}", text(bytes)),
        Action::Apply { range, end_offset } => format!("apply {end_offset} {}", part(range)),
        other => format!("{other:?}"),
    }
}

fn run(mut replica: Replica, script: &str) {
    check(script, |line, now_ms| event(&mut replica, line, now_ms));
}

const TO_PSYNC: &str = r"
    > replicaof 127.0.0.1
    connect 127.0.0.1:6379
    = Connecting
    > connected
    send (PING)
    = Handshake
    > get +PONG\r\n
    send (REPLCONF listening-port 17813)
    send (REPLCONF capa eof capa psync2)
    > get +OK\r\n+OK\r\n
    send (PSYNC ? -1)
";

const TO_ONLINE: &str = r"
    > get +FULLRESYNC 060b299f14df43594f21969269fb0477d80f9f57 14\r\n$3\r\nRDB
    LoadBegin { length: Some(3) }
    load RDB
    LoadEnd
    = Loading
    > loaded ok
    AdoptSnapshot { id: 060b299f14df43594f21969269fb0477d80f9f57, offset: 14 }
    = Connected
";

fn script(parts: &[&str]) -> String {
    parts.concat()
}

#[test]
fn diskless_full_resync_then_continue() {
    let rest = r"
        > get \n
        @1000
        > get \n+FULLRESYNC 060b299f14df43594f21969269fb0477d80f9f57 14\r\n
        = Transfer
        > get $EOF:3af416544bd51b65a6a86732802a454664bceca3\r\nREDIS3af4
        LoadBegin { length: None }
        load REDIS
        > info
        master_host:127.0.0.1
        master_port:6379
        master_link_status:down
        master_last_io_seconds_ago:-1
        master_sync_in_progress:1
        slave_read_repl_offset:0
        slave_repl_offset:0
        master_sync_total_bytes:0
        master_sync_read_bytes:9
        master_sync_left_bytes:-9
        master_sync_perc:0.00
        master_sync_last_io_seconds_ago:0
        master_link_down_since_seconds:1
        > get xx3af4165
        load held 3af4
        load xx
        > get 44bd51b65a6a86732802a454664bceca3
        LoadEnd
        = Loading
        @2000
        > tick
        send \n
        > role
        sync -1
        > loaded ok
        AdoptSnapshot { id: 060b299f14df43594f21969269fb0477d80f9f57, offset: 14 }
        send (REPLCONF ACK 14)
        = Connected
        > role undone
        sync -1
        > role
        connected 14
        > get (ping)
        apply 28 (ping)
        @3000
        > tick
        send (REPLCONF ACK 14)
        > applied 28
        > getack
        send (REPLCONF ACK 28)
        > get \n\n
        > get (ping)
        apply 42 (ping)
        > applied 42
        > role
        connected 42
        > info
        master_host:127.0.0.1
        master_port:6379
        master_link_status:up
        master_last_io_seconds_ago:0
        master_sync_in_progress:0
        slave_read_repl_offset:42
        slave_repl_offset:42
        > closed
        Drain
        = Connect
        > drained 42
        connect 127.0.0.1:6379
        = Connecting
        > connected
        send (PING)
        = Handshake
        > get +PONG\r\n+OK\r\n+OK\r\n
        send (REPLCONF listening-port 17813)
        send (REPLCONF capa eof capa psync2)
        send (PSYNC 060b299f14df43594f21969269fb0477d80f9f57 43)
        > get +CONTINUE bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n*1\r\n$4\r\nping\r\n
        AdoptId(bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb)
        apply 56 (ping)
        = Connected
        > aof 42
        @4000
        > tick
        send (REPLCONF ACK 42 FACK 42)
        > promote
        Close(Reconfigured)
        Drain
        = None
        > drained 56
        Promoted
    ";
    run(replica(), &script(&[TO_PSYNC, rest]));
}

/// Behind a snapshot with a length the stream may follow at once; it waits for the load.
#[test]
fn the_stream_may_follow_the_snapshot_at_once() {
    let rest = r"
        > get +FULLRESYNC 060b299f14df43594f21969269fb0477d80f9f57 0\r\n$3\r\nR
        LoadBegin { length: Some(3) }
        load R
        = Transfer
        > get DB\n*1\r\n$4\r\nping\r\n
        load DB
        LoadEnd
        apply 14 (ping)
        = Loading
        > loaded ok
        AdoptSnapshot { id: 060b299f14df43594f21969269fb0477d80f9f57, offset: 0 }
        = Connected
    ";
    run(replica(), &script(&[TO_PSYNC, rest]));
}

#[test]
fn a_busy_primary_is_asked_again_a_second_later() {
    let rest = r#"
        > get -NOMASTERLINK Can't SYNC while not connected with my master\r\n
        Close(TryLater("-NOMASTERLINK Can't SYNC while not connected with my master"))
        ScheduleReconnect { at_ms: 1000 }
        = Connect
        @999
        > tick
        @1000
        > tick
        connect 127.0.0.1:6379
        = Connecting
        > closed
        ScheduleReconnect { at_ms: 2000 }
        = Connect
        > role
        connect -1
    "#;
    run(replica(), &script(&[TO_PSYNC, rest]));
}

#[test]
fn a_primary_without_psync_gets_sync() {
    let rest = r"
        > get -ERR unknown command\r\n
        send SYNC\r\n
        = Transfer
        > get $3\r\nRDB
        LoadBegin { length: Some(3) }
        load RDB
        LoadEnd
        = Loading
        > loaded ok
        AdoptSnapshot { id: 0000000000000000000000000000000000000000, offset: 0 }
        = Connected
        @5000
        > tick
        > closed
        Drain
        = Connect
    ";
    run(replica(), &script(&[TO_PSYNC, rest]));
}

#[test]
fn silence_breaks_the_link_but_not_the_history() {
    let rest = r"
        @60001
        > tick
        Close(TimedOut)
        Drain
        ScheduleReconnect { at_ms: 61001 }
        = Connect
        > drained 14
        @61001
        > tick
        connect 127.0.0.1:6379
        = Connecting
        > connected
        send (PING)
        = Handshake
        > get +PONG\r\n+OK\r\n+OK\r\n
        send (REPLCONF listening-port 17813)
        send (REPLCONF capa eof capa psync2)
        send (PSYNC 060b299f14df43594f21969269fb0477d80f9f57 15)
    ";
    run(replica(), &script(&[TO_PSYNC, TO_ONLINE, rest]));
}

#[test]
fn a_corrupt_stream_gives_the_history_up() {
    let rest = r#"
        > get PING\r\n
        Close(Protocol("the stream is corrupt"))
        Drain
        ScheduleReconnect { at_ms: 1000 }
        = Connect
        > drained 14
        @1000
        > tick
        connect 127.0.0.1:6379
        = Connecting
        > connected
        send (PING)
        = Handshake
        > get +PONG\r\n+OK\r\n+OK\r\n
        send (REPLCONF listening-port 17813)
        send (REPLCONF capa eof capa psync2)
        send (PSYNC ? -1)
    "#;
    run(replica(), &script(&[TO_PSYNC, TO_ONLINE, rest]));
}

#[test]
fn a_failed_load_starts_over() {
    let rest = r"
        > get +FULLRESYNC 060b299f14df43594f21969269fb0477d80f9f57 14\r\n$3\r\nRDB
        LoadBegin { length: Some(3) }
        load RDB
        LoadEnd
        = Loading
        > loaded no
        Close(LoadFailed)
        LoadAborted
        ScheduleReconnect { at_ms: 1000 }
        = Connect
    ";
    run(replica(), &script(&[TO_PSYNC, rest]));
}

/// A former primary offers its own history, and Valkey's handshake tells a version; a password goes first.
#[test]
fn a_former_primary_offers_its_history() {
    let settings = Settings {
        port: 7000,
        announce_ip: Some("10.0.0.1".to_owned()),
        auth_user: Some(b"repl".to_vec()),
        auth_password: b"secret".to_vec(),
        version: Some("8.0.1".to_owned()),
        timeout_ms: 60_000,
    };
    run(
        Replica::new(settings),
        r#"
        > replicaof-resume primary
        connect primary:6379
        = Connecting
        > connected
        send (PING)
        = Handshake
        > get -NOAUTH Authentication required.\r\n
        send (AUTH repl secret)
        send (REPLCONF listening-port 7000)
        send (REPLCONF ip-address 10.0.0.1)
        send (REPLCONF capa eof capa psync2)
        send (REPLCONF version 8.0.1)
        > get +OK\r\n+OK\r\n-ERR Unrecognized REPLCONF option: ip-address\r\n+OK\r\n+OK\r\n
        send (PSYNC cccccccccccccccccccccccccccccccccccccccc 15)
        > get +CONTINUE\r\n
        AdoptId(cccccccccccccccccccccccccccccccccccccccc)
        = Connected
        > replicaof other
        Close(Reconfigured)
        Drain
        = Connect
        > drained 14
        connect other:6379
        = Connecting
        > connected
        send (PING)
        = Handshake
        > get +PONG\r\n-ERR invalid password\r\n
        send (AUTH repl secret)
        send (REPLCONF listening-port 7000)
        send (REPLCONF ip-address 10.0.0.1)
        send (REPLCONF capa eof capa psync2)
        send (REPLCONF version 8.0.1)
        Close(Refused("-ERR invalid password"))
        ScheduleReconnect { at_ms: 1000 }
        = Connect
        "#,
    );
    assert_eq!(replica().state(), State::None);
}
