//! The protocols by which calls are served: which operation a request names and with what, how its result and its errors leave.
//!
//! | | Query | JSON 1.0 and 1.1 | CBOR (Smithy's RPC v2) |
//! |---|---|---|---|
//! | its path | `/` | `/` | as below |
//! | the operation | `Action=…&Version=…` | `X-Amz-Target: <target>.<operation>` | `/service/<target>/operation/<operation>` |
//! | its input | a form | a JSON document | a CBOR document |
//! | its result | XML | a JSON document | a CBOR document, and `smithy-protocol: rpc-v2-cbor` |
//! | no result | a document without one | `{}` | no body |
//!
//! An operation does not depend on any of this. The server takes the wire from the request, [`Names`] from the service, and the
//! operation from what [`Wire::decode`] returns. A call at another path is refused: what a client means by it is not known.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::document::{self, Form, Value, cbor, json};
use crate::protocol::{Protocol, Signs};
use crate::query::{self, Limits, Params};
use crate::{Fault, InputError, xml};

/// A protocol in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Forms in, XML out.
    Query,
    /// JSON 1.0.
    Json10,
    /// JSON 1.1: its errors have plain names.
    Json11,
    /// CBOR, by Smithy's RPC v2.
    Cbor,
}

/// The names of a service on its wires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The namespace of its XML documents.
    pub xml: &'static str,
    /// What stands before the operation in `X-Amz-Target` and in paths.
    pub target: &'static str,
    /// The namespace of its model, which stands before the names of errors; empty where there is none.
    pub shapes: &'static str,
    /// It spoke Query before it spoke JSON or CBOR, so that errors carry the code there that they have in Query.
    pub speaks_query: bool,
}

/// A request taken apart.
#[derive(Clone, Debug)]
pub struct Request {
    /// The operation's name.
    pub operation: String,
    /// The version of the API, if the request gives one.
    pub version: Option<String>,
    /// Its parameters.
    pub input: Input,
}

/// The parameters of a request, as yet without types.
#[derive(Clone, Debug)]
pub enum Input {
    /// Of a query.
    Params(Params),
    /// Of JSON or CBOR.
    Document(Value, Form),
}

/// What goes back. The request id also belongs into the header `x-amzn-RequestId`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Type`; none without a body.
    pub content_type: Option<&'static str>,
    /// Other headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Input {
    /// The input of an operation.
    ///
    /// # Errors
    /// When the parameters are not of its type.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, InputError> {
        match self {
            Input::Params(params) => query::decode(params),
            Input::Document(value, form) => document::decode(value, *form),
        }
    }
}

impl Wire {
    /// Of requests and answers.
    pub fn content_type(self) -> &'static str {
        match self {
            Wire::Query => xml::CONTENT_TYPE,
            Wire::Json10 => "application/x-amz-json-1.0",
            Wire::Json11 => "application/x-amz-json-1.1",
            Wire::Cbor => "application/cbor",
        }
    }

    /// Takes a request to a service apart.
    ///
    /// # Errors
    /// When it names no operation of the service, or its body does not fit this protocol.
    pub fn decode(
        self,
        signs: &Signs<'_>,
        body: &[u8],
        names: &Names,
        limits: &Limits,
    ) -> Result<Request, Fault> {
        // A path is empty only where a request has none.
        if self != Wire::Cbor && !matches!(signs.path, "" | "/") {
            return Err(Fault::unknown_path(signs.path));
        }
        if self == Wire::Query {
            let request = query::Request::parse(signs.query.as_bytes(), body, limits)?;
            let (operation, version) = (request.action, request.version);
            return Ok(Request { operation, version, input: Input::Params(request.params) });
        }
        if body.len() > limits.max_bytes {
            return Err(Fault::request_too_large("The request is too large."));
        }
        let (target, operation) = self.target_of(signs).unwrap_or_default();
        if target != names.target || operation.is_empty() {
            return Err(Fault::unknown_operation(signs.target.unwrap_or(signs.path)));
        }
        let document = match self {
            Wire::Cbor => cbor::parse(body).map(|value| Input::Document(value, Form::Cbor)),
            _ => json::parse(body).map(|value| Input::Document(value, Form::Json)),
        };
        let input = document.ok_or_else(|| Fault::serialization("The body of the request is malformed."))?;
        Ok(Request { operation: operation.to_owned(), version: None, input })
    }

    /// The service and the operation that a request names outside its body.
    fn target_of<'a>(self, signs: &Signs<'a>) -> Option<(&'a str, &'a str)> {
        match self {
            Wire::Query => None,
            Wire::Json10 | Wire::Json11 => signs.target?.rsplit_once('.'),
            Wire::Cbor => {
                let mut parts = signs.path.rsplit('/');
                let [operation, second, service, first] = std::array::from_fn(|_| parts.next());
                let is_path = (parts.next(), parts.next(), first, second)
                    == (Some(""), None, Some("service"), Some("operation"));
                if is_path { service.zip(operation) } else { None }
            }
        }
    }

    /// The answer to an operation that succeeded; for `()`, the one without a result.
    ///
    /// # Errors
    /// [`Fault::internal_failure`]: the type has no form on this wire.
    pub fn encode<T: Serialize + ?Sized>(
        self,
        operation: &str,
        result: &T,
        names: &Names,
        request_id: &str,
    ) -> Result<Response, Fault> {
        if self != Wire::Query {
            return Ok(self.respond(&document::encode(result)?));
        }
        let body = xml::reply(operation, names.xml, result, request_id)?.into_bytes();
        Ok(Response { status: 200, content_type: Some(self.content_type()), headers: Vec::new(), body })
    }

    /// The answer to an operation that failed.
    pub fn fault(self, fault: &Fault, names: &Names, request_id: &str) -> Response {
        Protocol::Wire(self).fault(fault, names, request_id)
    }

    /// What is wrong with an input, in the words that are usual on this wire.
    pub fn input_fault(self, error: &InputError) -> Fault {
        match self {
            Wire::Query => error.in_query(),
            Wire::Json10 | Wire::Json11 | Wire::Cbor => error.in_document(),
        }
    }

    /// A document as the body of a response.
    pub(crate) fn respond(self, document: &Value) -> Response {
        let (headers, body) = match self {
            Wire::Cbor => (vec![("smithy-protocol", "rpc-v2-cbor".to_owned())], cbor::print(document)),
            _ => (Vec::new(), json::print(document)),
        };
        let content_type = (!body.is_empty()).then_some(self.content_type());
        Response { status: 200, content_type, headers, body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names = Names { xml: "urn:x", target: "Granite", shapes: "com.example", speaks_query: true };

    #[track_caller]
    fn check(wire: Wire, signs: Signs<'_>, body: &[u8], expected: Result<&str, &str>) {
        let request = wire.decode(&signs, body, &NAMES, &Limits::default());
        let found = request.map(|request| {
            let input: std::collections::BTreeMap<String, String> = match &request.input {
                Input::Params(params) => params
                    .names()
                    .map(|name| (name.to_owned(), params.get(name).unwrap_or_default().to_owned()))
                    .collect(),
                input => input.decode().expect("texts"),
            };
            format!("{} {input:?}", request.operation)
        });
        let found = found.map_err(|fault| fault.code.into_owned());
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{signs:?}");
    }

    #[test]
    fn an_operation_is_named_as_its_protocol_names_it() {
        let expected = Ok("List {\"A\": \"b\"}");
        check(Wire::Query, Signs::default(), b"Action=List&Version=1&A=b", expected);
        check(Wire::Query, Signs { query: "Action=List", ..Signs::default() }, b"A=b", expected);
        check(Wire::Query, Signs::default(), b"A=b", Err("MissingAction"));
        let target = |target| Signs { target: Some(target), path: "/", ..Signs::default() };
        check(Wire::Json11, target("Granite.List"), b"{\"A\":\"b\"}", expected);
        check(Wire::Json10, target("Granite.List"), b"", Ok("List {}"));
        check(Wire::Json10, target("Granite.List"), b"{", Err("SerializationException"));
        for wrong in ["Other.List", "Granite.", "List", ""] {
            check(Wire::Json10, target(wrong), b"{}", Err("InvalidAction"));
        }
        let path = |path| Signs { path, ..Signs::default() };
        check(Wire::Cbor, path("/service/Granite/operation/List"), b"\xa1\x61A\x61b", expected);
        check(Wire::Cbor, path("/service/Granite/operation/List"), b"", Ok("List {}"));
        check(Wire::Cbor, path("/service/Granite/operation/List"), b"\xa1", Err("SerializationException"));
        for wrong in [
            "/",
            "/service/Other/operation/List",
            "/service/Granite/operation/",
            "/Granite/List",
            "/prefix/service/Granite/operation/List",
            "//service/Granite/operation/List",
            "service/Granite/operation/List",
        ] {
            check(Wire::Cbor, path(wrong), b"", Err("InvalidAction"));
        }
        for wrong in ["/x", "//", "/dry%2Drun", "/x/"] {
            check(Wire::Query, path(wrong), b"Action=List&Version=1&A=b", Err("InvalidAction"));
            let json = Signs { target: Some("Granite.List"), path: wrong, ..Signs::default() };
            check(Wire::Json11, json, b"{}", Err("InvalidAction"));
        }
        let large = vec![b' '; Limits::default().max_bytes + 1];
        check(Wire::Json10, target("Granite.List"), &large, Err("RequestEntityTooLarge"));
    }

    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Output {
        at: crate::Timestamp,
        absent: Option<String>,
        empty: Vec<String>,
    }

    #[test]
    fn a_result_leaves_as_its_protocol_has_it() {
        let output = Output { at: crate::Timestamp::from_unix_ms(1500), absent: None, empty: Vec::new() };
        let of = |wire: Wire| wire.encode("List", &output, &NAMES, "id").expect("an answer");
        let xml = "<ListResponse xmlns=\"urn:x\"><ListResult><At>1970-01-01T00:00:01.500Z</At><Empty></Empty>\
                   </ListResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></ListResponse>";
        assert_eq!(
            (of(Wire::Query).content_type, of(Wire::Query).body.as_slice()),
            (Some("text/xml"), xml.as_bytes())
        );
        let json = of(Wire::Json10);
        assert_eq!(json.content_type, Some("application/x-amz-json-1.0"));
        assert_eq!(json.body, b"{\"At\":1.5,\"Empty\":[]}");
        let cbor = of(Wire::Cbor);
        assert_eq!(cbor.content_type, Some("application/cbor"));
        assert_eq!(cbor.headers, [("smithy-protocol", "rpc-v2-cbor".to_owned())]);
        assert_eq!(cbor.body, b"\xa2\x62At\xc1\xfb\x3f\xf8\x00\x00\x00\x00\x00\x00\x65Empty\x80");
    }

    #[test]
    fn no_result_is_no_body_in_cbor_alone() {
        let of = |wire: Wire| wire.encode("List", &(), &NAMES, "id").expect("an answer");
        assert_eq!(
            (of(Wire::Cbor).content_type, of(Wire::Cbor).body.len(), of(Wire::Cbor).headers.len()),
            (None, 0, 1)
        );
        assert_eq!(of(Wire::Json11).body, b"{}");
    }
}
