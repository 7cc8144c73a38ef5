//! The protocols of AWS's services, as far as errors need them. The protocols in which Engram serves calls are a [`Wire`].
//!
//! A client understands an error only in its service's protocol: one that expects JSON cannot read an XML document, and retries or
//! fails with a parse error. So a call to a service that is not served gets its error in the protocol of the call. The request
//! tells the protocol:
//!
//! ```text
//!   smithy-protocol: rpc-v2-cbor                                            Cbor      {"__type": …, "message": …} as CBOR
//!   X-Amz-Target, Content-Type: application/x-amz-json-1.0 or -1.1          Json      {"__type": …, "message": …}
//!   scope of ec2                                                            Ec2       <Response><Errors><Error>…
//!   scope of s3                                                             S3        <Error>…
//!   a form, or an Action in the query                                       Query     <ErrorResponse><Error>…
//!   scope of route53 or cloudfront                                          RestXml   as Query
//!   anything else with a path or a JSON body                                RestJson  x-amzn-errortype: …, {"message": …}
//! ```
//!
//! | | Query, XML | JSON, CBOR |
//! |---|---|---|
//! | a declared error | its code | its name in the model; behind the model's namespace in JSON 1.0 and CBOR |
//! | a common error | `ValidationError`, 403 for signatures | `ValidationException`, 400 for signatures too |
//! | of a service that spoke Query first | | and `x-amzn-query-error: <code in Query>;<Sender or Receiver>` |

use crate::document::{Value, json};
use crate::wire::{Names, Response, Wire};
use crate::{Fault, xml};

/// The protocol of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// One that is served.
    Wire(Wire),
    /// Query with another document for errors.
    Ec2,
    /// Paths and JSON.
    RestJson,
    /// Paths and XML.
    RestXml,
    /// S3's own.
    S3,
}

/// The parts of a request that tell its protocol.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signs<'a> {
    /// The service of the credential's scope, if there is one.
    pub service: &'a str,
    /// `Content-Type`
    pub content_type: &'a str,
    /// `X-Amz-Target`
    pub target: Option<&'a str>,
    /// `smithy-protocol`
    pub smithy: &'a str,
    /// The path of the URL.
    pub path: &'a str,
    /// What is behind its `?`.
    pub query: &'a str,
}

impl Protocol {
    /// The protocol of a request.
    pub fn of(signs: &Signs<'_>) -> Protocol {
        let is_json = signs.content_type.starts_with("application/json");
        let is_form = signs.content_type.starts_with("application/x-www-form-urlencoded");
        let names_action = signs.query.split('&').any(|pair| pair.starts_with("Action="));
        match signs.service {
            _ if signs.smithy == "rpc-v2-cbor" => Protocol::Wire(Wire::Cbor),
            _ if signs.target.is_some() => {
                let is_1_0 = signs.content_type.starts_with(Wire::Json10.content_type());
                Protocol::Wire(if is_1_0 { Wire::Json10 } else { Wire::Json11 })
            }
            "ec2" => Protocol::Ec2,
            "s3" | "s3express" | "s3-outposts" => Protocol::S3,
            _ if is_form || names_action => Protocol::Wire(Wire::Query),
            "route53" | "cloudfront" | "s3control" => Protocol::RestXml,
            _ if is_json || !matches!(signs.path, "" | "/") => Protocol::RestJson,
            _ => Protocol::Wire(Wire::Query),
        }
    }

    /// The error for a service that is not served, as clients of this protocol know it.
    pub fn unknown_service(self, service: &str) -> Fault {
        let text = format!("The service {service} is not served by Engram.");
        match self {
            Protocol::S3 => Fault::receiver("NotImplemented", 501, text),
            _ => Fault::sender("InvalidAction", 400, text),
        }
    }

    /// An error in place of an answer.
    pub fn fault(self, fault: &Fault, names: &Names, request_id: &str) -> Response {
        let xml = |content_type, body: String| Response {
            status: fault.status,
            content_type: Some(content_type),
            headers: Vec::new(),
            body: body.into_bytes(),
        };
        match self {
            Protocol::Wire(Wire::Query) | Protocol::RestXml => {
                xml(xml::CONTENT_TYPE, xml::fault(fault, names.xml, request_id))
            }
            Protocol::Ec2 => xml(xml::CONTENT_TYPE, xml::ec2_fault(fault, request_id)),
            Protocol::S3 => xml("application/xml", xml::s3_fault(fault, request_id)),
            Protocol::Wire(wire) => {
                let (name, status) = self.in_document(fault);
                let is_absolute = wire != Wire::Json11 && !names.shapes.is_empty();
                let code = if is_absolute { format!("{}#{name}", names.shapes) } else { name.to_owned() };
                let document = error_document(&code, &fault.message);
                let mut response = wire.respond(&document);
                response.status = status;
                if names.speaks_query {
                    let query_error = format!("{};{}", fault.code, fault.kind.as_str());
                    response.headers.push(("x-amzn-query-error", query_error));
                }
                response
            }
            Protocol::RestJson => {
                let (name, status) = self.in_document(fault);
                Response {
                    status,
                    content_type: Some("application/json"),
                    headers: vec![("x-amzn-errortype", name.to_owned())],
                    body: json::print(&error_document(name, &fault.message)),
                }
            }
        }
    }

    /// What JSON and CBOR call an error, and with which status it comes there.
    fn in_document(self, fault: &Fault) -> (&str, u16) {
        if let Some(shape) = fault.shape {
            return (shape.name, shape.status);
        }
        let by_path = matches!(self, Protocol::RestJson | Protocol::Wire(Wire::Cbor));
        match fault.code.as_ref() {
            "InvalidAction" => ("UnknownOperationException", if by_path { 404 } else { fault.status }),
            "ValidationError" => ("ValidationException", 400),
            "IncompleteSignature" => ("IncompleteSignatureException", 400),
            "InvalidClientTokenId" => ("UnrecognizedClientException", 400),
            "MissingAuthenticationToken" => ("MissingAuthenticationTokenException", 400),
            "SignatureDoesNotMatch" => ("InvalidSignatureException", 400),
            "AccessDenied" => ("AccessDeniedException", 400),
            "Throttling" => ("ThrottlingException", 400),
            code => (code, fault.status),
        }
    }
}

fn error_document(code: &str, message: &str) -> Value {
    let member = |name: &str, text: &str| (name.to_owned(), Value::Text(text.to_owned()));
    Value::Map(vec![member("__type", code), member("message", message)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::cbor;
    use crate::{ErrorShape, Kind};

    #[track_caller]
    fn check(signs: Signs<'_>, protocol: Protocol, content_type: &str, body: &[u8]) {
        assert_eq!(Protocol::of(&signs), protocol, "{signs:?}");
        let names = Names { xml: "urn:x", ..Names::default() };
        let refusal = protocol.fault(&Fault::sender("Code", 400, "a <text>"), &names, "id");
        assert_eq!((refusal.content_type, refusal.body.as_slice()), (Some(content_type), body));
    }

    #[test]
    fn each_protocol_has_its_signs_and_its_words() {
        let form = Signs {
            content_type: "application/x-www-form-urlencoded; charset=utf-8",
            path: "/",
            ..Signs::default()
        };
        let query: &[u8] = b"<ErrorResponse xmlns=\"urn:x\"><Error><Type>Sender</Type><Code>Code</Code>\
            <Message>a &lt;text&gt;</Message></Error><RequestId>id</RequestId></ErrorResponse>";
        check(Signs { service: "elasticache", ..form }, Protocol::Wire(Wire::Query), "text/xml", query);
        check(
            Signs { query: "Action=A&Version=1", path: "/", ..Signs::default() },
            Protocol::Wire(Wire::Query),
            "text/xml",
            query,
        );
        check(
            Signs { service: "route53", path: "/2013-04-01/hostedzone", ..Signs::default() },
            Protocol::RestXml,
            "text/xml",
            query,
        );
        let ec2: &[u8] =
            b"<Response><Errors><Error><Code>Code</Code><Message>a &lt;text&gt;</Message></Error></Errors>\
            <RequestID>id</RequestID></Response>";
        check(Signs { service: "ec2", ..form }, Protocol::Ec2, "text/xml", ec2);
        let s3: &[u8] =
            b"<Error><Code>Code</Code><Message>a &lt;text&gt;</Message><RequestId>id</RequestId></Error>";
        check(Signs { service: "s3", path: "/", ..Signs::default() }, Protocol::S3, "application/xml", s3);
        let json: &[u8] = br#"{"__type":"Code","message":"a <text>"}"#;
        for wire in [Wire::Json10, Wire::Json11] {
            let content_type = wire.content_type();
            let signs = Signs { content_type, target: Some("A.B"), path: "/", ..Signs::default() };
            check(signs, Protocol::Wire(wire), content_type, json);
        }
        let rest = Signs { service: "lambda", path: "/2015-03-31/functions/", ..Signs::default() };
        check(rest, Protocol::RestJson, "application/json", json);
        let smithy = Signs {
            smithy: "rpc-v2-cbor",
            path: "/service/GraniteServiceVersion20100801/operation/ListMetrics",
            ..Signs::default()
        };
        check(
            smithy,
            Protocol::Wire(Wire::Cbor),
            "application/cbor",
            b"\xa2\x66__type\x64Code\x67message\x68a <text>",
        );
    }

    static NOT_FOUND: ErrorShape =
        ErrorShape { name: "NotFoundException", code: "NotFound", status: 404, kind: Kind::Sender };

    #[test]
    fn an_error_has_a_name_and_a_code() {
        let monitoring = Names { shapes: "com.example", speaks_query: true, ..Names::default() };
        let check =
            |wire: Wire, names: &Names, fault: Fault, status: u16, code: &str, query: Option<&str>| {
                let response = Protocol::Wire(wire).fault(&fault, names, "id");
                let body = match wire {
                    Wire::Cbor => cbor::parse(&response.body),
                    _ => json::parse(&response.body),
                };
                assert_eq!((response.status, body), (status, Some(error_document(code, &fault.message))));
                let header = response.headers.iter().find(|(name, _)| *name == "x-amzn-query-error");
                assert_eq!(header.map(|(_, value)| value.as_str()), query);
            };
        let plain = Names::default();
        let declared = || NOT_FOUND.because("gone");
        check(Wire::Json11, &plain, declared(), 404, "NotFoundException", None);
        check(
            Wire::Json10,
            &monitoring,
            declared(),
            404,
            "com.example#NotFoundException",
            Some("NotFound;Sender"),
        );
        check(
            Wire::Cbor,
            &monitoring,
            declared(),
            404,
            "com.example#NotFoundException",
            Some("NotFound;Sender"),
        );
        let unsigned = Fault::missing_authentication_token();
        assert_eq!(unsigned.status, 403);
        check(Wire::Json11, &plain, unsigned, 400, "MissingAuthenticationTokenException", None);
        let broken = Fault::internal_failure();
        check(
            Wire::Cbor,
            &monitoring,
            broken,
            500,
            "com.example#InternalFailure",
            Some("InternalFailure;Receiver"),
        );
        let unknown = || Protocol::Wire(Wire::Cbor).unknown_service("x");
        check(Wire::Cbor, &plain, unknown(), 404, "UnknownOperationException", None);
        check(Wire::Json10, &plain, unknown(), 400, "UnknownOperationException", None);
    }
}
