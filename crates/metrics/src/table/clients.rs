//! Section Clients.

use crate::metric::{Metric, Unit, gauge, none_of};

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
    none_of("tracking_clients", Unit::Count, "There is no client-side caching."),
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
];
