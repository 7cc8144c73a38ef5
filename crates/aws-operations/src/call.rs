//! A call that is understood and not yet decided.

use crate::operation::Run;
use crate::{Cx, Declared, Service};
use aws_protocol::wire::Response;
use aws_protocol::{Fault, Wire};
use fleet::Command;
use std::fmt;

/// A decoded call. Whatever fault leaves it is one that its operation declares, or a common one.
pub struct Call {
    pub(crate) service: &'static Service,
    pub(crate) wire: Wire,
    pub(crate) operation: &'static Declared,
    pub(crate) request_id: String,
    pub(crate) run: Box<dyn Run>,
}

impl Call {
    /// Whether it may change anything. AWS names those that do not by their verbs.
    pub fn modifies(&self) -> bool {
        !["Describe", "List", "Get"].iter().any(|verb| self.operation.name.starts_with(verb))
    }

    /// What is to happen.
    ///
    /// # Errors
    /// With AWS's code, when it cannot.
    pub fn decide(&self, cx: &Cx<'_>) -> Result<Vec<Command>, Fault> {
        self.checked(self.run.decide(cx))
    }

    /// The whole answer, in the protocol of the call.
    ///
    /// # Errors
    /// When the state does not allow one.
    pub fn answer(&self, cx: &Cx<'_>) -> Result<Response, Fault> {
        self.checked(self.run.answer(cx, self.wire, &self.service.names, &self.request_id))
    }

    fn checked<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &result {
            let name = self.operation.name;
            debug_assert!(self.operation.permits(fault), "{name} does not declare {fault}");
        }
        result
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("operation", &self.operation.name).field("wire", &self.wire).finish()
    }
}
