//! The operations of ElastiCache (and what its users need of STS), as decisions about the fleet.
//!
//! ```text
//!   parameters ─ decode ─▶ Input ─ decide(present state) ─▶ commands    the caller writes them down and applies them
//!                            └──── answer(state behind them) ─▶ Output ─ encode ─▶ XML
//! ```
//! An operation is one file in `operations`: its typed input, its checks, the commands that it decides, its typed answer.
//! [`OPERATIONS`] lists them; what else the service has is refused as not built (`unbuilt`), and everything that it has not is an
//! `InvalidAction`. What is a fact of AWS and not of an operation
//! stands beside: `catalogue` (node types, versions, parameter groups), `shapes` (what several operations answer with), `names`
//! (what may be called how), `faults` (codes and statuses), `paging`.
//!
//! **A parameter has an effect or is refused by name** (`unsupported`). Only what merely describes (a description, a window) is
//! stored and shown without one.
//!
//! Codes and statuses are those of the service model (botocore, elasticache 2015-02-02). Texts are those that the service was
//! seen to answer where a witness is known, and written in its manner where none is.
#![forbid(unsafe_code)]

pub mod catalogue;
mod faults;
mod lookup;
mod names;
mod operation;
mod operations;
mod paging;
mod settings;
mod shapes;
mod unbuilt;
mod unsupported;

pub use operation::{Call, Operation};
pub use operations::OPERATIONS;

use aws_protocol::Fault;
use aws_protocol::query::Request;
use fleet::Fleet;

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

/// A service whose calls are understood here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// `elasticache`
    ElastiCache,
    /// `sts`, of which GetCallerIdentity alone: tools ask it who they are.
    Sts,
}

impl Service {
    /// By its signing name.
    pub fn named(name: &str) -> Option<Service> {
        match name {
            "elasticache" => Some(Service::ElastiCache),
            "sts" => Some(Service::Sts),
            _ => None,
        }
    }

    /// Of its answers and errors.
    pub fn namespace(self) -> &'static str {
        match self {
            Service::ElastiCache => "http://elasticache.amazonaws.com/doc/2015-02-02/",
            Service::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        }
    }

    /// The version of its API.
    pub fn version(self) -> &'static str {
        match self {
            Service::ElastiCache => VERSION,
            Service::Sts => "2011-06-15",
        }
    }
}

/// The XML namespace of a service's answers and errors, by its signing name. Of one that is not known, ElastiCache's.
pub fn namespace(service: &str) -> &'static str {
    Service::named(service).unwrap_or(Service::ElastiCache).namespace()
}

/// Decodes a call to a service, by its signing name.
///
/// # Errors
/// With AWS's code, when there is no such operation or its parameters are wrong.
pub fn call(service: &str, request: Request, request_id: &str) -> Result<Box<dyn Call>, Fault> {
    let none = || Fault::invalid_action(&request.action, request.version.as_deref());
    let service = Service::named(service).ok_or_else(none)?;
    let not_built = || unbuilt::refusal(service, &request.action, request.version.as_deref());
    let operation = OPERATIONS
        .iter()
        .find(|operation| operation.service() == service && operation.name() == request.action)
        .ok_or_else(not_built)?;
    request.require_version(service.version())?;
    operation.decode(&request.params, request_id)
}
