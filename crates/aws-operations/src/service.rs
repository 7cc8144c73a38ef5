//! A service, as data.

use crate::{Call, Entry, Model, Quota};
use aws_protocol::protocol::Signs;
use aws_protocol::query::Limits;
use aws_protocol::wire::{Names, Request};
use aws_protocol::{Fault, InputError, Wire};
use std::fmt;

/// A service whose calls are understood.
pub struct Service {
    /// What the scopes of its callers' credentials say: `elasticache`, and `monitoring` for CloudWatch.
    pub scope: &'static str,
    /// The protocols it speaks.
    pub wires: &'static [Wire],
    /// The version of its API, which Query requests name.
    pub version: &'static str,
    /// What it is called on its wires.
    pub names: Names,
    /// What it has.
    pub model: &'static Model,
    /// What of that is built.
    pub operations: &'static [Entry],
    /// How many of its things there may be.
    pub quotas: &'static [&'static Quota],
    /// What it says to a wrong input. [`Wire::input_fault`] is usual.
    pub input_fault: fn(Wire, &InputError) -> Fault,
}

impl Service {
    /// Understands a request by one of its protocols.
    ///
    /// # Errors
    /// With AWS's code, when there is no such operation or its parameters are wrong.
    pub fn decode(
        &'static self,
        wire: Wire,
        signs: &Signs<'_>,
        body: &[u8],
        limits: &Limits,
        request_id: &str,
    ) -> Result<Call, Fault> {
        if !self.wires.contains(&wire) {
            return Err(Fault::unknown_operation(signs.target.unwrap_or(signs.path)));
        }
        self.call(wire, &wire.decode(signs, body, &self.names, limits)?, request_id)
    }

    /// The call that a request makes.
    ///
    /// # Errors
    /// As [`Service::decode`].
    pub fn call(&'static self, wire: Wire, request: &Request, request_id: &str) -> Result<Call, Fault> {
        let name = request.operation.as_str();
        let unknown = || match wire {
            Wire::Query => Fault::invalid_action(name, request.version.as_deref()),
            Wire::Json10 | Wire::Json11 | Wire::Cbor => Fault::unknown_operation(name),
        };
        let operation = self.model.operation(name).ok_or_else(unknown)?;
        let entry = self.operations.iter().find(|entry| entry.name == name);
        let entry = entry.ok_or_else(|| {
            let text = format!("The operation {name} is not supported by Engram yet.");
            Fault::receiver("NotImplemented", 501, text)
        })?;
        if wire == Wire::Query && request.version.as_deref() != Some(self.version) {
            return Err(unknown());
        }
        let run = (entry.decode)(&request.input).map_err(|error| (self.input_fault)(wire, &error))?;
        Ok(Call { service: self, wire, operation, request_id: request_id.to_owned(), run })
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Service").field(&self.scope).finish()
    }
}
