//! What an operation is, and how the list of all of them forgets their types.

use crate::{Cx, Service};
use aws_protocol::query::{self, Params};
use aws_protocol::{Fault, xml};
use fleet::Command;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

/// An operation. `decide` and `answer` see the same input, and nothing happens between them but the commands.
pub trait Operation {
    /// `CreateReplicationGroup`
    const NAME: &'static str;
    /// Whose it is.
    const SERVICE: Service = Service::ElastiCache;
    /// Its parameters.
    type Input: DeserializeOwned + Send + 'static;
    /// What is in its result element.
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

/// An operation in the list.
pub trait Listed: Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// Whose it is.
    fn service(&self) -> Service;
    /// A call of it.
    ///
    /// # Errors
    /// With AWS's code, when a parameter is wrong, missing or unknown.
    fn decode(&self, params: &Params, request_id: &str) -> Result<Box<dyn Call>, Fault>;
}

/// Puts an operation into the list.
pub(crate) struct Of<O>(PhantomData<fn() -> O>);

impl<O> Of<O> {
    pub(crate) const fn new() -> Of<O> {
        Of(PhantomData)
    }
}

impl<O: Operation + 'static> Listed for Of<O> {
    fn name(&self) -> &'static str {
        O::NAME
    }

    fn service(&self) -> Service {
        O::SERVICE
    }

    fn decode(&self, params: &Params, request_id: &str) -> Result<Box<dyn Call>, Fault> {
        let input = query::decode(params).map_err(|error| error.in_query())?;
        Ok(Box::new(Decoded::<O> { input, request_id: request_id.to_owned() }))
    }
}

struct Decoded<O: Operation> {
    input: O::Input,
    request_id: String,
}

impl<O: Operation> Call for Decoded<O> {
    fn decide(&self, cx: &Cx<'_>) -> Result<Vec<Command>, Fault> {
        O::decide(cx, &self.input)
    }

    fn answer(&self, cx: &Cx<'_>) -> Result<String, Fault> {
        let output = O::answer(cx, &self.input)?;
        xml::reply(O::NAME, O::SERVICE.namespace(), &output, &self.request_id)
    }
}
