//! TLS, which listens only when `tls-port` says so.

use crate::choices::lists;
use crate::parameter::{INT_MAX, Parameter};

const NO_TLS: &str = "TLS isn't available; leave tls-port at 0.";
const NO_TLS_LINKS: &str = "TLS isn't available for links to other nodes.";
const TLS: &str = "It tunes TLS, which is off.";

pub(super) const ROWS: &[Parameter] = &[
    Parameter::integer("tls-port", 0, 65535, "0").refused(NO_TLS),
    Parameter::yes_no("tls-replication", "no").refused(NO_TLS_LINKS),
    Parameter::yes_no("tls-cluster", "no").refused(NO_TLS_LINKS),
    Parameter::choice("tls-auth-clients", lists::TLS_AUTH_CLIENTS, "yes").accepted(TLS),
    Parameter::choice("tls-auth-clients-user", lists::TLS_AUTH_CLIENTS_USER, "off")
        .since("9.0.0")
        .accepted(TLS),
    Parameter::integer("tls-auto-reload-interval", 0, INT_MAX, "0").since("9.1.0").accepted(TLS),
    Parameter::text("tls-cert-file").accepted(TLS),
    Parameter::text("tls-key-file").accepted(TLS),
    Parameter::text("tls-key-file-pass").sensitive().accepted(TLS),
    Parameter::text("tls-client-cert-file").accepted(TLS),
    Parameter::text("tls-client-key-file").accepted(TLS),
    Parameter::text("tls-client-key-file-pass").sensitive().accepted(TLS),
    Parameter::text("tls-dh-params-file").accepted(TLS),
    Parameter::text("tls-ca-cert-file").accepted(TLS),
    Parameter::text("tls-ca-cert-dir").accepted(TLS),
    Parameter::text("tls-protocols").accepted(TLS),
    Parameter::text("tls-ciphers").accepted(TLS),
    Parameter::text("tls-ciphersuites").accepted(TLS),
    Parameter::yes_no("tls-prefer-server-ciphers", "no").accepted(TLS),
    Parameter::yes_no("tls-session-caching", "yes").accepted(TLS),
    Parameter::integer("tls-session-cache-size", 0, INT_MAX, "20480").accepted(TLS),
    Parameter::integer("tls-session-cache-timeout", 0, INT_MAX, "300").accepted(TLS),
];
