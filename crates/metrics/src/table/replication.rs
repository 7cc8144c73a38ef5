//! Section Replication.

use crate::facts::Facts;
use crate::metric::{
    Item, Kind, Metric, Unit, Value, counter, each, gauge, gauge_if, none_of, text, text_if,
};
use replication::replica::{InfoLink, InfoSync};

const ONE_CHANNEL: &str = "A synchronisation has one channel.";

pub(crate) const METRICS: &[Metric] = &[
    gauge("role", Unit::Flag, "Whether it is a primary.", |f| Value::State {
        is: !f.replication().is_replica,
        yes: "master",
        no: "slave",
    })
    .cloudwatch("IsMaster"),
    text_if("master_host", "The address of the primary.", |f| link(f, |link| link.host.clone().into())),
    text_if("master_port", "The port of the primary.", |f| link(f, |link| link.port.into())),
    gauge_if("master_link_status", Unit::Flag, "Whether the link to the primary is up.", |f| {
        link(f, |link| Value::State { is: link.is_up, yes: "up", no: "down" })
    })
    .cloudwatch("MasterLinkHealthStatus"),
    gauge_if("master_last_io_seconds_ago", Unit::Seconds, "When the primary was heard of last.", |f| {
        link(f, |link| link.last_io_seconds.into())
    }),
    gauge_if("master_sync_in_progress", Unit::Flag, "Whether the data of the primary is on its way.", |f| {
        link(f, |link| link.sync.is_some().into())
    }),
    gauge_if("slave_read_repl_offset", Unit::Bytes, "The stream as far as it was received.", |f| {
        link(f, |link| link.received_offset.into())
    }),
    gauge_if("slave_repl_offset", Unit::Bytes, "The stream as far as it was applied.", |f| {
        link(f, |link| link.applied_offset.into())
    }),
    none_of("replicas_repl_buffer_size", Unit::Bytes, ONE_CHANNEL).when(has_link).since(8, 0),
    none_of("replicas_repl_buffer_peak", Unit::Bytes, ONE_CHANNEL).when(has_link).since(8, 0),
    gauge_if(
        "master_sync_total_bytes",
        Unit::Bytes,
        "Bytes of the snapshot, as far as that is known.",
        |f| sync(f, |sync| sync.total_bytes.into()),
    ),
    gauge_if("master_sync_read_bytes", Unit::Bytes, "Bytes of the snapshot that have come.", |f| {
        sync(f, |sync| sync.read_bytes.into())
    }),
    gauge_if("master_sync_left_bytes", Unit::Bytes, "Bytes of the snapshot that have yet to come.", |f| {
        sync(f, |sync| sync.left_bytes().into())
    }),
    gauge_if("master_sync_perc", Unit::Percent, "How much of the snapshot has come.", |f| {
        sync(f, |sync| Value::two_digits(sync.percent()))
    }),
    gauge_if("master_sync_last_io_seconds_ago", Unit::Seconds, "When something came last.", |f| {
        sync(f, |sync| sync.last_io_seconds.into())
    }),
    gauge_if("master_link_down_since_seconds", Unit::Seconds, "For how long the link has been down.", |f| {
        f.replication().link.as_ref().and_then(|link| link.down_seconds).map(Value::from)
    }),
    gauge_if("slave_priority", Unit::Count, "The parameter replica-priority.", |f| {
        of_replica(f, |f| f.settings().replica_priority.into())
    }),
    gauge_if("slave_read_only", Unit::Flag, "The parameter replica-read-only.", |f| {
        of_replica(f, |f| f.settings().replica_read_only.into())
    }),
    gauge_if("replica_announced", Unit::Flag, "The parameter replica-announced.", |f| {
        of_replica(f, |f| f.settings().replica_announced.into())
    }),
    gauge("connected_slaves", Unit::Count, "Replicas behind the handshake.", |f| {
        f.replication().connected.into()
    }),
    gauge_if("min_slaves_good_slaves", Unit::Count, "Replicas that acknowledge in time.", |f| {
        let settings = f.settings();
        let is_wanted = settings.min_replicas_to_write > 0 && settings.min_replicas_max_lag_seconds > 0;
        is_wanted.then(|| f.replication().good.into())
    }),
    each(
        "slave",
        Kind::Gauge,
        "A replica: its address, state, acknowledged offset and lag in seconds.",
        replicas,
    ),
    none_of("replicas_waiting_psync", Unit::Count, ONE_CHANNEL).since(8, 0),
    text("master_failover_state", "Whether the role is being handed over to a replica.", |f| {
        if f.server.pauses.hands_over() { "waiting-for-sync" } else { "no-failover" }.into()
    }),
    text("master_replid", "The name of the stream's history.", |f| {
        f.replication().history.id.to_string().into()
    }),
    text("master_replid2", "The name of the history before it.", |f| {
        f.replication().history.second_id.to_string().into()
    }),
    counter("master_repl_offset", Unit::Bytes, "The end of the stream.", |f| {
        f.replication().history.offset.into()
    })
    .cloudwatch("ReplicationBytes"),
    gauge(
        "second_repl_offset",
        Unit::Bytes,
        "Where the history before it ended; -1 when there is none.",
        |f| f.replication().history.second_offset.into(),
    ),
    gauge("repl_backlog_active", Unit::Flag, "Whether there is a backlog.", |f| {
        f.replication().history.backlog.is_some().into()
    }),
    gauge("repl_backlog_size", Unit::Bytes, "The parameter repl-backlog-size.", |f| {
        f.replication().history.backlog_bytes.into()
    }),
    gauge("repl_backlog_first_byte_offset", Unit::Bytes, "Where the backlog begins.", |f| {
        f.replication().history.backlog.map_or(0, |(first, _)| first).into()
    }),
    gauge("repl_backlog_histlen", Unit::Bytes, "What the backlog holds.", |f| {
        f.replication().history.backlog.map_or(0, |(_, length)| length).into()
    }),
];

fn has_link(facts: &Facts<'_>) -> bool {
    facts.replication().link.is_some()
}

fn link(facts: &Facts<'_>, read: fn(&InfoLink) -> Value) -> Option<Value> {
    facts.replication().link.as_ref().map(read)
}

fn sync(facts: &Facts<'_>, read: fn(&InfoSync) -> Value) -> Option<Value> {
    facts.replication().link.as_ref()?.sync.as_ref().map(read)
}

fn of_replica(facts: &Facts<'_>, read: fn(&Facts<'_>) -> Value) -> Option<Value> {
    facts.replication().is_replica.then(|| read(facts))
}

fn replicas(facts: &Facts<'_>) -> Vec<Item> {
    let item = |(number, replica): (usize, &replication::primary::InfoReplica)| {
        let mut item = Item::new(
            number,
            [
                ("ip", replica.ip.clone().into()),
                ("port", replica.port.into()),
                ("state", replica.state.into()),
                ("offset", replica.offset.into()),
                ("lag", replica.lag_seconds.into()),
            ],
        );
        if facts.has("8.0.0") {
            item.parts.push(("type".into(), "replica".into()));
        }
        item
    };
    facts.replication().replicas.iter().enumerate().map(item).collect()
}
