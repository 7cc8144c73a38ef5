//! The protocols that AWS's services speak, as far as a refusal needs them.
//!
//! A client understands an error in its service's protocol alone: one that expects JSON reads nothing in an XML document, and tries
//! again or falls over. So whoever calls a service that is not served is told so in the form in which the call came. What tells the
//! protocols apart stands in the request:
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

use crate::xml;
use crate::{Fault, Kind};
use serde::Serialize;

/// How a service speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Forms in, XML out.
    Query,
    /// Query with another document for errors.
    Ec2,
    /// JSON 1.0 or 1.1, by the content type.
    Json(&'static str),
    /// Smithy's RPC v2.
    Cbor,
    /// Paths and JSON.
    RestJson,
    /// Paths and XML.
    RestXml,
    /// S3's own.
    S3,
}

/// What of a request tells its protocol.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signs<'a> {
    /// The service of the credential's scope, if there is one.
    pub service: &'a str,
    /// `Content-Type`
    pub content_type: &'a str,
    /// There is an `X-Amz-Target`.
    pub has_target: bool,
    /// `smithy-protocol`
    pub smithy: &'a str,
    /// The path of the URL.
    pub path: &'a str,
    /// What is behind its `?`.
    pub query: &'a str,
}

/// A refusal, ready to be sent with the status of its fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `Content-Type`
    pub content_type: &'static str,
    /// Other headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

const JSON_1_0: &str = "application/x-amz-json-1.0";
const JSON_1_1: &str = "application/x-amz-json-1.1";

#[derive(Serialize)]
struct JsonError<'a> {
    #[serde(rename = "__type")]
    code: &'a str,
    message: &'a str,
}

impl Protocol {
    /// The protocol of a request.
    pub fn of(signs: &Signs<'_>) -> Protocol {
        let is_json = signs.content_type.starts_with("application/json");
        let is_form = signs.content_type.starts_with("application/x-www-form-urlencoded");
        let names_action = signs.query.split('&').any(|pair| pair.starts_with("Action="));
        match signs.service {
            _ if signs.smithy == "rpc-v2-cbor" => Protocol::Cbor,
            _ if signs.has_target && signs.content_type.starts_with(JSON_1_0) => Protocol::Json(JSON_1_0),
            _ if signs.has_target => Protocol::Json(JSON_1_1),
            "ec2" => Protocol::Ec2,
            "s3" | "s3express" | "s3-outposts" => Protocol::S3,
            _ if is_form || names_action => Protocol::Query,
            "route53" | "cloudfront" | "s3control" => Protocol::RestXml,
            _ if is_json || !matches!(signs.path, "" | "/") => Protocol::RestJson,
            _ => Protocol::Query,
        }
    }

    /// That a service is not there, as clients of this protocol know such an error.
    pub fn unknown_service(self, service: &str) -> Fault {
        let text = format!("The service {service} is not served by Engram.");
        match self {
            Protocol::Query | Protocol::Ec2 | Protocol::RestXml => Fault::sender("InvalidAction", 400, text),
            Protocol::Json(_) => Fault::sender("UnknownOperationException", 400, text),
            Protocol::Cbor | Protocol::RestJson => Fault::sender("UnknownOperationException", 404, text),
            Protocol::S3 => Fault { kind: Kind::Receiver, ..Fault::sender("NotImplemented", 501, text) },
        }
    }

    /// Prints a refusal. `namespace` is that of Query documents.
    pub fn refusal(self, fault: &Fault, namespace: &str, request_id: &str) -> Refusal {
        let (code, message) = (fault.code.as_ref(), fault.message.as_str());
        let plain = |content_type, body| Refusal { content_type, headers: Vec::new(), body };
        match self {
            Protocol::Query | Protocol::RestXml => {
                plain(xml::CONTENT_TYPE, xml::fault(fault, namespace, request_id).into_bytes())
            }
            Protocol::Ec2 => plain(xml::CONTENT_TYPE, xml::ec2_fault(fault, request_id).into_bytes()),
            Protocol::S3 => plain("application/xml", xml::s3_fault(fault, request_id).into_bytes()),
            Protocol::Json(content_type) => plain(content_type, json(code, message)),
            Protocol::RestJson => Refusal {
                content_type: "application/json",
                headers: vec![("x-amzn-errortype", code.to_owned())],
                body: json(code, message),
            },
            Protocol::Cbor => Refusal {
                content_type: "application/cbor",
                headers: vec![("smithy-protocol", "rpc-v2-cbor".to_owned())],
                body: cbor(&[("__type", code), ("message", message)]),
            },
        }
    }
}

fn json(code: &str, message: &str) -> Vec<u8> {
    serde_json::to_vec(&JsonError { code, message }).unwrap_or_default()
}

/// A map of texts: all of CBOR that an error needs (RFC 8949, definite lengths).
fn cbor(pairs: &[(&str, &str)]) -> Vec<u8> {
    const TEXT: u8 = 3 << 5;
    const MAP: u8 = 5 << 5;
    let mut out = Vec::new();
    cbor_head(&mut out, MAP, pairs.len());
    for text in pairs.iter().flat_map(|(name, value)| [name, value]) {
        cbor_head(&mut out, TEXT, text.len());
        out.extend(text.as_bytes());
    }
    out
}

fn cbor_head(out: &mut Vec<u8>, kind: u8, length: usize) {
    match u32::try_from(length).unwrap_or(u32::MAX) {
        short @ 0..24 => out.push(kind | short as u8),
        byte @ 24..0x100 => out.extend([kind | 24, byte as u8]),
        half @ 0x100..0x1_0000 => {
            out.push(kind | 25);
            out.extend((half as u16).to_be_bytes());
        }
        word => {
            out.push(kind | 26);
            out.extend(word.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(signs: Signs<'_>, protocol: Protocol, content_type: &str, body: &[u8]) {
        assert_eq!(Protocol::of(&signs), protocol, "{signs:?}");
        let refusal = protocol.refusal(&Fault::sender("Code", 400, "a <text>"), "urn:x", "id");
        assert_eq!((refusal.content_type, refusal.body.as_slice()), (content_type, body));
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
        check(Signs { service: "elasticache", ..form }, Protocol::Query, "text/xml", query);
        check(
            Signs { query: "Action=A&Version=1", path: "/", ..Signs::default() },
            Protocol::Query,
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
        for version in [JSON_1_0, JSON_1_1] {
            let signs = Signs { content_type: version, has_target: true, path: "/", ..Signs::default() };
            check(signs, Protocol::Json(version), version, json);
        }
        let rest = Signs { service: "lambda", path: "/2015-03-31/functions/", ..Signs::default() };
        check(rest, Protocol::RestJson, "application/json", json);
        let smithy = Signs {
            smithy: "rpc-v2-cbor",
            path: "/service/GraniteServiceVersion20100801/operation/ListMetrics",
            ..Signs::default()
        };
        check(smithy, Protocol::Cbor, "application/cbor", b"\xa2\x66__type\x64Code\x67message\x68a <text>");
    }

    #[test]
    fn lengths_in_cbor() {
        for (length, head) in
            [(23, vec![0x77]), (24, vec![0x78, 24]), (256, vec![0x79, 1, 0]), (65536, vec![0x7a, 0, 1, 0, 0])]
        {
            let mut out = Vec::new();
            cbor_head(&mut out, 3 << 5, length);
            assert_eq!(out, head);
        }
    }
}
