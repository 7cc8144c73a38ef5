//! What an operation is, and how a list of all of them forgets their types.

use crate::Quotas;
use aws_protocol::wire::{Input, Names, Response};
use aws_protocol::{Fault, InputError, Wire};
use fleet::{Command, Fleet};
use serde::Serialize;
use serde::de::DeserializeOwned;

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
    /// How much there may be.
    pub quotas: &'a Quotas,
}

/// An operation. `decide` and `answer` see the same input, and nothing happens between them but the commands.
pub trait Operation: 'static {
    /// `CreateReplicationGroup`
    const NAME: &'static str;
    /// Its parameters.
    type Input: DeserializeOwned + Send + 'static;
    /// Its result; `()` if it has none.
    type Output: Serialize;

    /// What is to happen; nothing for an operation that describes.
    ///
    /// # Errors
    /// With AWS's code, when it cannot.
    fn decide(_cx: &Cx<'_>, _input: &Self::Input) -> Result<Vec<Command>, Fault> {
        Ok(Vec::new())
    }

    /// The answer, from the state behind what was decided.
    ///
    /// # Errors
    /// When the state does not allow one: an operation that describes refuses here.
    fn answer(cx: &Cx<'_>, input: &Self::Input) -> Result<Self::Output, Fault>;
}

/// An operation in the list of its service.
#[derive(Clone, Copy)]
pub struct Entry {
    pub(crate) name: &'static str,
    pub(crate) decode: fn(&Input) -> Result<Box<dyn Run>, InputError>,
}

impl Entry {
    /// The entry of an operation.
    pub const fn of<O: Operation>() -> Entry {
        Entry { name: O::NAME, decode: decode::<O> }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

fn decode<O: Operation>(input: &Input) -> Result<Box<dyn Run>, InputError> {
    Ok(Box::new(Decoded::<O>(input.decode()?)))
}

/// An operation with its input.
pub(crate) trait Run: Send {
    fn decide(&self, cx: &Cx<'_>) -> Result<Vec<Command>, Fault>;

    fn answer(&self, cx: &Cx<'_>, wire: Wire, names: &Names, request_id: &str) -> Result<Response, Fault>;
}

struct Decoded<O: Operation>(O::Input);

impl<O: Operation> Run for Decoded<O> {
    fn decide(&self, cx: &Cx<'_>) -> Result<Vec<Command>, Fault> {
        O::decide(cx, &self.0)
    }

    fn answer(&self, cx: &Cx<'_>, wire: Wire, names: &Names, request_id: &str) -> Result<Response, Fault> {
        wire.encode(O::NAME, &O::answer(cx, &self.0)?, names, request_id)
    }
}
