//! The primary's side of dialogues; replies and their order as redis-server 7.0.15 gave them.

use crate::dialogue::{bytes, check, text};
use replication::primary::{Action, Event, InfoHistory, InfoReplica, Settings, SnapshotForm, Upstream};
use replication::{History, Primary, ReplicationId};

pub(crate) fn primary(settings: Settings) -> Primary {
    let mut next = 0xa0;
    let random = move || {
        next += 1;
        [next; 20]
    };
    Primary::new(settings, History::new(ReplicationId::from_random([0xa0; 20])), 0, 0, Box::new(random))
}

fn event(primary: &mut Primary, line: &str, now_ms: u64) -> Vec<String> {
    let mut actions = Vec::new();
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let (link, words) = rest.split_once(' ').unwrap_or((rest, ""));
    let id = link.parse().unwrap_or(0);
    let args: Vec<&[u8]> = words.split(' ').filter(|word| !word.is_empty()).map(str::as_bytes).collect();
    let sync = |psync| Event::Sync { link: id, peer_ip: "127.0.0.1", psync, pending_output: false };
    let event = match verb {
        "REPLCONF" => Event::Replconf { link: id, args: &args },
        "PSYNC" => sync(Some((args[0], args[1]))),
        "SYNC" => sync(None),
        "newline" => Event::Newline { link: id },
        "closed" => Event::Closed { link: id },
        "sent" => Event::Sent { link: id, bytes: words.parse().unwrap() },
        "started" => Event::SnapshotStarted,
        "ready" => Event::SnapshotReady { length: id },
        "failed" => Event::SnapshotFailed,
        "snapshot-sent" => Event::SnapshotSent { link: id },
        "blocked" => Event::SnapshotBlocked { link: id, blocked: true },
        "tick" => Event::Tick,
        "feed" => {
            primary.feed(&bytes(rest));
            return vec![];
        }
        "fill" => {
            primary.feed(&vec![b'x'; id as usize]);
            return vec![];
        }
        "upstream" => {
            primary.set_upstream(if rest == "down" { Upstream::Down } else { Upstream::Connected });
            return vec![];
        }
        "promote" => {
            primary.promote(now_ms, &mut actions);
            return actions.iter().map(show).collect();
        }
        "name" => return primary.link_name(id).into_iter().collect(),
        "good" => return vec![primary.good_replicas(now_ms).to_string()],
        "replicas" => {
            return show_replicas(primary, now_ms);
        }
        "history" => return show_history(&primary.info_history()),
        "unsent" => {
            let reader = primary.reader(id).expect("the link has a reader");
            let backlog = primary.backlog().expect("there is a backlog");
            let unsent: Vec<u8> = backlog.slice_from(backlog.position(reader)).flatten().copied().collect();
            return vec![text(&unsent.into())];
        }
        _ => panic!("no such event: {line}"),
    };
    primary.step(event, now_ms, &mut actions);
    actions.iter().map(show).collect()
}

/// As INFO writes them.
fn show_replicas(primary: &Primary, now_ms: u64) -> Vec<String> {
    let mut lines = vec![format!("connected_slaves:{}", primary.connected_replicas())];
    for (number, replica) in primary.info_replicas(now_ms).iter().enumerate() {
        let InfoReplica { ip, port, state, offset, lag_seconds } = replica;
        lines.push(format!(
            "slave{number}:ip={ip},port={port},state={state},offset={offset},lag={lag_seconds}"
        ));
    }
    lines
}

fn show_history(history: &InfoHistory) -> Vec<String> {
    let (first, length) = history.backlog.unwrap_or_default();
    vec![
        format!("master_replid:{}", history.id),
        format!("master_replid2:{}", history.second_id),
        format!("master_repl_offset:{}", history.offset),
        format!("second_repl_offset:{}", history.second_offset),
        format!("repl_backlog_active:{}", u8::from(history.backlog.is_some())),
        format!("repl_backlog_size:{}", history.backlog_bytes),
        format!("repl_backlog_first_byte_offset:{first}"),
        format!("repl_backlog_histlen:{length}"),
    ]
}

fn show(action: &Action) -> String {
    match action {
        Action::Send { link, bytes } => format!("{link} {}", text(bytes)),
        Action::StartSnapshot { form, filter } => {
            let form = if *form == SnapshotForm::Diskless { "diskless" } else { "spool" };
            let filtered = if filter.filters() { " filtered" } else { "" };
            let own = if filter.reads_valkey { " valkey" } else { "" };
            format!("start {form}{filtered}{own}")
        }
        Action::Feed(bytes) => format!("feed {}", text(&bytes::Bytes::from_static(bytes))),
        Action::Attached { link } => format!("{link} attached"),
        Action::SendSnapshot { link } => format!("{link} snapshot"),
        Action::StartStream { link } => format!("{link} stream"),
        Action::Close { link, reason } => format!("{link} close {reason:?}"),
        other => format!("{other:?}"),
    }
}

fn run(settings: Settings, script: &str) {
    let mut primary = primary(settings);
    check(script, |line, now_ms| event(&mut primary, line, now_ms));
}

fn immediate() -> Settings {
    Settings { diskless_delay_ms: 0, ..Settings::default() }
}

#[test]
fn a_replica_is_called_by_where_it_listens() {
    run(
        immediate(),
        r"
        > PSYNC 1 ? -1
        1 attached
        start spool
        > name 1
        127.0.0.1:<unknown-replica-port>
        > REPLCONF 2 listening-port 17813
        2 +OK\r\n
        > PSYNC 2 ? -1
        2 attached
        > name 2
        127.0.0.1:17813
        > REPLCONF 3 listening-port 17814 ip-address 10.0.0.7
        3 +OK\r\n
        > PSYNC 3 ? -1
        3 attached
        > name 3
        10.0.0.7:17814
        ",
    );
}

/// Recorded with `repl-diskless-sync-delay 1`: newlines while it waits, FULLRESYNC, the marked snapshot, and the
/// stream only behind the first ACK.
#[test]
fn diskless_full_resync() {
    run(
        Settings { diskless_delay_ms: 1000, ping_period_ms: 2000, ..Settings::default() },
        r"
        @500
        > REPLCONF 1 listening-port 17813
        1 +OK\r\n
        > REPLCONF 1 capa eof capa psync2
        1 +OK\r\n
        > PSYNC 1 ? -1
        1 attached
        @1000
        > tick
        1 \n
        > replicas
        connected_slaves:1
        slave0:ip=127.0.0.1,port=17813,state=wait_bgsave,offset=0,lag=0
        > feed (ping)
        @2000
        > tick
        feed (ping)
        1 \n
        start diskless
        > started
        1 +FULLRESYNC a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 14\r\n
        1 $EOF:a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2\r\n
        1 snapshot
        ForgetDb
        > feed (SET a 1)
        > ready 0
        1 a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2
        > REPLCONF 1 ACK 14
        Acknowledged
        1 stream
        > unsent 1
        (SET a 1)
        > sent 1 27
        > REPLCONF 1 ACK 41
        Acknowledged
        @3500
        > replicas
        connected_slaves:1
        slave0:ip=127.0.0.1,port=17813,state=online,offset=41,lag=1
        > history
        master_replid:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
        master_replid2:0000000000000000000000000000000000000000
        master_repl_offset:41
        second_repl_offset:-1
        repl_backlog_active:1
        repl_backlog_size:1048576
        repl_backlog_first_byte_offset:1
        repl_backlog_histlen:41
        ",
    );
}

/// Recorded with `repl-diskless-sync no`; a second replica joins while the file is written.
#[test]
fn spooled_full_resync_is_shared() {
    run(
        Settings { diskless: false, ..Settings::default() },
        r"
        > REPLCONF 1 capa eof capa psync2
        1 +OK\r\n
        > PSYNC 1 060b299f14df43594f21969269fb0477d80f9f57 15
        1 attached
        start spool
        > started
        1 +FULLRESYNC a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 0\r\n
        ForgetDb
        > feed (SET a 1)
        > REPLCONF 2 capa eof capa psync2
        2 +OK\r\n
        > PSYNC 2 ? -1
        2 attached
        2 +FULLRESYNC a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 0\r\n
        ForgetDb
        @1000
        > tick
        1 \n
        2 \n
        > ready 192
        1 $192\r\n
        1 snapshot
        2 $192\r\n
        2 snapshot
        > replicas
        connected_slaves:2
        slave0:ip=127.0.0.1,port=0,state=send_bulk,offset=0,lag=0
        slave1:ip=127.0.0.1,port=0,state=send_bulk,offset=0,lag=0
        > snapshot-sent 2
        2 stream
        > unsent 2
        (SET a 1)
        > REPLCONF 2 capa eof
        2 close WouldReply
        ",
    );
}

#[test]
fn partial_resync_within_the_backlog_only() {
    let settings = Settings { backlog_bytes: 100_000, ..immediate() };
    run(
        settings,
        r"
        > REPLCONF 1 capa eof
        1 +OK\r\n
        > PSYNC 1 ? -1
        1 attached
        start diskless
        > started
        1 +FULLRESYNC a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 0\r\n
        1 $EOF:a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2\r\n
        1 snapshot
        ForgetDb
        > closed 1
        AbortSnapshot
        > feed (SET a 1)
        > REPLCONF 2 capa eof capa psync2
        2 +OK\r\n
        > PSYNC 2 A1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 1
        2 attached
        2 +CONTINUE a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1\r\n
        2 stream
        > unsent 2
        (SET a 1)
        > PSYNC 3 a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 28
        3 attached
        3 +CONTINUE\r\n
        3 stream
        > PSYNC 4 a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 29
        4 attached
        start spool
        > closed 2
        > closed 3
        > fill 200000
        > fill 200000
        > PSYNC 5 a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 28
        5 attached
        > PSYNC 6 a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 x
        6 -ERR value is not an integer or out of range\r\n
        ",
    );
}

#[test]
fn a_promoted_node_continues_its_siblings() {
    run(
        immediate(),
        r"
        > upstream connected
        > PSYNC 1 ? -1
        1 attached
        start spool
        > started
        1 +FULLRESYNC a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 0\r\n
        ForgetDb
        > ready 9
        1 $9\r\n
        1 snapshot
        > snapshot-sent 1
        1 stream
        > fill 350
        > promote
        1 close HistoryChanged
        ForgetDb
        > fill 10
        > history
        master_replid:a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3
        master_replid2:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
        master_repl_offset:360
        second_repl_offset:351
        repl_backlog_active:1
        repl_backlog_size:1048576
        repl_backlog_first_byte_offset:1
        repl_backlog_histlen:360
        > REPLCONF 2 capa psync2
        2 +OK\r\n
        > PSYNC 2 a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 351
        2 attached
        2 +CONTINUE a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3\r\n
        2 stream
        > PSYNC 3 a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 352
        3 attached
        start spool
        ",
    );
}

/// Error texts as redis-server 7.0.15 words them.
#[test]
fn replconf_replies() {
    run(
        immediate(),
        r"
        > REPLCONF 1 listening-port
        1 -ERR syntax error\r\n
        > REPLCONF 1 listening-port x
        1 -ERR value is not an integer or out of range\r\n
        > REPLCONF 1 capa dual-channel capa EOF
        1 +OK\r\n
        > REPLCONF 1 version 8.0.1
        1 +OK\r\n
        > REPLCONF 1 version 8.0
        1 -ERR Unrecognized version format: 8.0\r\n
        > REPLCONF 1 version 8.0.256
        1 -ERR Unrecognized version format: 8.0.256\r\n
        > REPLCONF 1 nonsense 1
        1 -ERR Unrecognized REPLCONF option: nonsense\r\n
        > REPLCONF 1 rdb-only 2
        1 -ERR value is out of range, value must between 0 and 1\r\n
        > REPLCONF 1 rdb-filter-only functions
        1 +OK\r\n
        > REPLCONF 1 rdb-filter-only keys
        1 -ERR Unsupported rdb-filter-only option: keys\r\n
        > REPLCONF 1 ACK 5
        > REPLCONF 1 GETACK *
        > REPLCONF 2 rdb-filter-only functions
        2 +OK\r\n
        > PSYNC 2 ? -1
        2 -ERR Filtered replica requires EOF capability\r\n
        > upstream down
        > PSYNC 3 ? -1
        3 -NOMASTERLINK Can't SYNC while not connected with my master\r\n
        > upstream connected
        > REPLCONF 3 GETACK *
        AcknowledgeUpstream
        ",
    );
}

#[test]
fn rdb_only_gets_no_stream() {
    run(
        immediate(),
        r"
        > REPLCONF 1 capa eof rdb-only 1
        1 +OK\r\n
        > SYNC 1
        1 attached
        start diskless
        > started
        1 $EOF:a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2\r\n
        1 snapshot
        ForgetDb
        > ready 0
        1 a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2
        1 close SnapshotOnly
        ",
    );
}

/// Valkey 9 reads a form that earlier versions refuse.
#[test]
fn replicas_get_the_form_that_their_version_reads() {
    run(
        Settings { diskless_delay_ms: 5000, ..Settings::default() },
        r"
        > REPLCONF 1 capa eof version 9.0.0
        1 +OK\r\n
        > REPLCONF 2 capa eof version 8.1.8
        2 +OK\r\n
        > PSYNC 1 ? -1
        1 attached
        > PSYNC 2 ? -1
        2 attached
        @6000
        > tick
        1 \n
        2 \n
        start diskless valkey
        > started
        1 +FULLRESYNC a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 0\r\n
        1 $EOF:a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2\r\n
        1 snapshot
        ForgetDb
        > ready 0
        1 a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2
        start diskless
        ",
    );
}

/// Nobody joins a running diskless snapshot; those who come meanwhile share the next.
#[test]
fn late_replicas_wait_for_the_next_diskless_snapshot() {
    run(
        Settings { diskless_delay_ms: 5000, diskless_max_replicas: 2, ..Settings::default() },
        r"
        > REPLCONF 1 capa eof
        1 +OK\r\n
        > REPLCONF 2 capa eof
        2 +OK\r\n
        > REPLCONF 3 capa eof
        3 +OK\r\n
        > PSYNC 1 ? -1
        1 attached
        > PSYNC 2 ? -1
        2 attached
        start diskless
        > started
        1 +FULLRESYNC a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 0\r\n
        1 $EOF:a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2\r\n
        1 snapshot
        2 +FULLRESYNC a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 0\r\n
        2 $EOF:a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2\r\n
        2 snapshot
        ForgetDb
        > PSYNC 3 ? -1
        3 attached
        @6000
        > tick
        3 \n
        > closed 1
        > ready 0
        2 a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2
        start diskless
        > failed
        3 -ERR BGSAVE failed, replication can't continue\r\n
        3 close SnapshotFailed
        ",
    );
}

#[test]
fn silence_and_slowness_are_disconnected() {
    let settings = Settings {
        backlog_bytes: 1000,
        output_hard_bytes: 20_000,
        output_soft_bytes: 5_000,
        output_soft_ms: 3_000,
        timeout_ms: 10_000,
        ping_period_ms: 100_000,
        backlog_ttl_ms: 20_000,
        ..Settings::default()
    };
    run(
        Settings { diskless: false, ..settings },
        r"
        > PSYNC 1 ? -1
        1 attached
        start spool
        > PSYNC 2 ? -1
        2 attached
        > PSYNC 3 ? -1
        3 attached
        > started
        1 +FULLRESYNC a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 0\r\n
        2 +FULLRESYNC a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 0\r\n
        3 +FULLRESYNC a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 0\r\n
        ForgetDb
        > ready 1
        1 $1\r\n
        1 snapshot
        2 $1\r\n
        2 snapshot
        3 $1\r\n
        3 snapshot
        > snapshot-sent 1
        1 stream
        > snapshot-sent 2
        2 stream
        > snapshot-sent 3
        3 stream
        > fill 6000
        > sent 1 6000
        > sent 2 6000
        @1000
        > tick
        @4000
        > tick
        @4001
        > tick
        3 close OutputLimit
        > good
        2
        > fill 20001
        > sent 1 20001
        > tick
        2 close OutputLimit
        @9000
        > newline 1
        @10001
        > tick
        > good
        1
        @19000
        > tick
        @20000
        > tick
        1 close TimedOut
        > good
        0
        @40001
        > tick
        BacklogReleased
        > history
        master_replid:a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3
        master_replid2:0000000000000000000000000000000000000000
        master_repl_offset:26001
        second_repl_offset:-1
        repl_backlog_active:0
        repl_backlog_size:1000
        repl_backlog_first_byte_offset:0
        repl_backlog_histlen:0
        ",
    );
}

/// A replica that lost its own primary keeps its sub-replicas with newlines and puts no ping into their stream.
#[test]
fn sub_replicas_are_kept_without_changing_the_stream() {
    run(
        Settings { ping_period_ms: 1000, ..immediate() },
        r"
        > upstream connected
        > PSYNC 1 ? -1
        1 attached
        start spool
        > started
        1 +FULLRESYNC a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 0\r\n
        ForgetDb
        > ready 1
        1 $1\r\n
        1 snapshot
        > snapshot-sent 1
        1 stream
        @1000
        > tick
        > upstream down
        @2000
        > tick
        1 \n
        ",
    );
}
