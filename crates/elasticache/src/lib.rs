//! The operations of ElastiCache (and what its users need of STS), as decisions about the fleet.
//!
//! A call is decoded before it is decided ([`call`]), decided on the present state ([`Call::decide`]), and answered from the state
//! behind its commands ([`Call::answer`]). The caller writes the commands down and applies them in between, with nothing
//! else happening meanwhile.
#![forbid(unsafe_code)]

use aws_protocol::Fault;
use aws_protocol::query::Request;
use fleet::{Command, Fleet};

/// The version of the ElastiCache API.
pub const VERSION: &str = "2015-02-02";

/// What a call is decided on.
#[derive(Clone, Copy, Debug)]
pub struct Cx<'a> {
    /// The present state.
    pub fleet: &'a Fleet,
    /// The region that the caller's credentials are scoped to.
    pub region: &'a str,
    /// The account.
    pub account: &'a str,
    /// Unix ms.
    pub now_ms: u64,
}

/// A decoded call.
pub trait Call: Send {
    /// What is to happen.
    ///
    /// # Errors
    /// With AWS's code, when it cannot.
    fn decide(&self, cx: &Cx<'_>) -> Result<Vec<Command>, Fault>;

    /// The whole answer as a document of the service's protocol.
    ///
    /// # Errors
    /// When the state does not allow one.
    fn answer(&self, cx: &Cx<'_>) -> Result<String, Fault>;
}

/// The XML namespace of a service's answers and errors, by its signing name. Of one that is not known, ElastiCache's.
pub fn namespace(_service: &str) -> &'static str {
    "http://elasticache.amazonaws.com/doc/2015-02-02/"
}

/// Decodes a call to a service, by its signing name.
///
/// # Errors
/// With AWS's code, when there is no such operation or its parameters are wrong.
pub fn call(_service: &str, request: Request, _request_id: &str) -> Result<Box<dyn Call>, Fault> {
    Err(Fault::invalid_action(&request.action, request.version.as_deref()))
}
