//! Section Clients.

use crate::metric::{Metric, Unit, gauge, none_of, text};

pub(crate) const METRICS: &[Metric] = &[
    gauge("connected_clients", Unit::Count, "Clients, without replicas.", |f| f.clients().connected.into())
        .cloudwatch("CurrConnections"),
    none_of("cluster_connections", Unit::Count, "There is no cluster mode."),
    gauge("maxclients", Unit::Count, "The parameter maxclients.", |f| f.settings().maxclients.into()),
    gauge("client_recent_max_input_buffer", Unit::Bytes, "The longest input buffer of a client.", |f| {
        f.clients().longest_input_bytes.into()
    }),
    gauge("client_recent_max_output_buffer", Unit::Bytes, "The longest output buffer of a client.", |f| {
        f.clients().longest_output_bytes.into()
    }),
    gauge(
        "blocked_clients",
        Unit::Count,
        "Clients that wait: for a key, another thread, or the end of a pause.",
        |f| (f.server.clients.blocked() + f.clients().paused).into(),
    )
    .cloudwatch("BlockedConnections"),
    gauge(
        "tracking_clients",
        Unit::Count,
        "Clients that keep copies and are told when these are old.",
        |f| f.server.tracking.clients().into(),
    ),
    gauge("pubsub_clients", Unit::Count, "Clients that listen to channels or patterns.", |f| {
        f.clients().listening.into()
    })
    .since(8, 0),
    gauge("watching_clients", Unit::Count, "Clients that watch keys.", |f| f.clients().watching.into())
        .since(8, 0),
    gauge("clients_in_timeout_table", Unit::Count, "Clients that wait for a key or another thread.", |f| {
        f.server.clients.blocked().into()
    }),
    gauge(
        "total_watched_keys",
        Unit::Count,
        "Keys that clients watch, each as often as it is watched.",
        |f| f.clients().watched_keys.into(),
    )
    .since(8, 0),
    gauge("total_blocking_keys", Unit::Count, "Keys that some client waits for.", |f| {
        f.clients().awaited_keys.into()
    })
    .since(7, 2),
    none_of("total_blocking_keys_on_nokey", Unit::Count, "No command waits for a key to go away.")
        .since(7, 2),
    text("paused_reason", "Why commands wait: who asked for the pause.", |f| {
        let pauses = &f.server.pauses;
        match (pauses.is_of_clients(f.now_ms()), pauses.hands_over()) {
            (true, _) => "client_pause".into(),
            (false, true) => "failover_in_progress".into(),
            (false, false) => "none".into(),
        }
    })
    .since(8, 1),
    text("paused_actions", "Which commands wait: all, or writes.", |f| {
        let (pauses, now_ms) = (&f.server.pauses, f.now_ms());
        match (pauses.holds(false, now_ms), pauses.holds(true, now_ms)) {
            (true, _) => "all".into(),
            (false, true) => "write".into(),
            (false, false) => "none".into(),
        }
    })
    .since(8, 1),
    gauge("paused_timeout_milliseconds", Unit::Milliseconds, "How long the pause goes on.", |f| {
        let now_ms = f.now_ms();
        f.server.pauses.until_ms(now_ms).map_or(0, |until_ms| until_ms - now_ms).into()
    })
    .since(8, 1),
];
