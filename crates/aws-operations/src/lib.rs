//! What the services of AWS have in common: a service is a list of operations, the wires it speaks, and its model.
//!
//! ```text
//!   scope, target, path, content type ─▶ Service, Wire
//!   request ─ Wire::decode, Input::decode ─▶ Call ─ decide(present state) ─▶ commands   the caller writes and applies them
//!                                              └─── answer(state behind them) ─▶ Response ─ or a Fault ─ Wire::fault ─▶ Response
//! ```
//! An operation is defined once, apart from any wire: its name, its typed input, what it decides, its typed answer
//! ([`Operation`]). What it may refuse with is a fact of AWS and stands in the service's [`Model`], with all the operations that
//! the service has; those that are not in the service's list are refused as not built, in the protocol of the call.
//!
//! **Invariant:** an operation lets no error leave that it does not declare, but for those that all operations have in common.
//! Debug builds, so all tests, check each fault on its way out ([`Call`]).
#![forbid(unsafe_code)]

mod call;
mod model;
mod operation;
mod quota;
mod service;

pub use aws_protocol::ErrorShape;
pub use call::Call;
pub use model::{COMMON, Declared, Model};
pub use operation::{Cx, Entry, Operation};
pub use quota::{Quota, Quotas};
pub use service::Service;

#[doc(hidden)]
pub use aws_protocol::Kind;
