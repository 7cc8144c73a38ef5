//! Answers of the Query protocol: XML documents of one shape, made from serde types.
//!
//! ```text
//!   <CreateReplicationGroupResponse xmlns="http://elasticache.amazonaws.com/doc/2015-02-02/">
//!     <CreateReplicationGroupResult>…</CreateReplicationGroupResult>          left out for an operation without a result
//!     <ResponseMetadata><RequestId>…</RequestId></ResponseMetadata>
//!   </CreateReplicationGroupResponse>
//!
//!   <ErrorResponse xmlns="…"><Error><Type>Sender</Type><Code>…</Code><Message>…</Message></Error><RequestId>…</RequestId>
//!   </ErrorResponse>
//! ```
//!
//! A field is an element of its name, an absent option is no element, a list is an element around its items
//! ([`crate::Members`] names them; `member` otherwise). The serializer is our own since this is all of XML that AWS uses,
//! while general ones print an element for `None`, know no names of items, and let through characters that no XML document
//! may carry. Those become U+FFFD here, so any text gives a document that parses.

mod ser;

use serde::Serialize;

use crate::Fault;

/// Of every document here. The request id also goes into the header `x-amzn-RequestId`.
pub const CONTENT_TYPE: &str = "text/xml";

/// The answer to an operation that went well. `()` has no result element.
/// The error, [`Fault::internal_failure`], means that the type has no form in XML (an enum with fields, a bare list).
pub fn reply<T: Serialize + ?Sized>(
    action: &str,
    namespace: &str,
    result: &T,
    request_id: &str,
) -> Result<String, Fault> {
    let mut out = String::with_capacity(1024);
    open(&mut out, &format!("{action}Response"), namespace);
    let wrapper = format!("{action}Result");
    let written = ser::write_element(&mut out, &wrapper, result);
    written.map_err(|_| Fault::internal_failure())?;
    out.push_str("<ResponseMetadata>");
    leaf(&mut out, "RequestId", request_id);
    out.push_str("</ResponseMetadata></");
    out.push_str(action);
    out.push_str("Response>");
    Ok(out)
}

/// The answer to an operation that didn't. Its HTTP status is [`Fault::status`].
pub fn fault(fault: &Fault, namespace: &str, request_id: &str) -> String {
    let mut out = String::with_capacity(512);
    open(&mut out, "ErrorResponse", namespace);
    out.push_str("<Error>");
    leaf(&mut out, "Type", fault.kind.as_str());
    leaf(&mut out, "Code", &fault.code);
    leaf(&mut out, "Message", &fault.message);
    out.push_str("</Error>");
    leaf(&mut out, "RequestId", request_id);
    out.push_str("</ErrorResponse>");
    out
}

/// EC2's document for an error.
pub(crate) fn ec2_fault(fault: &Fault, request_id: &str) -> String {
    let mut out = String::from("<Response><Errors><Error>");
    leaf(&mut out, "Code", &fault.code);
    leaf(&mut out, "Message", &fault.message);
    out.push_str("</Error></Errors>");
    leaf(&mut out, "RequestID", request_id);
    out.push_str("</Response>");
    out
}

/// S3's document for an error.
pub(crate) fn s3_fault(fault: &Fault, request_id: &str) -> String {
    let mut out = String::from("<Error>");
    leaf(&mut out, "Code", &fault.code);
    leaf(&mut out, "Message", &fault.message);
    leaf(&mut out, "RequestId", request_id);
    out.push_str("</Error>");
    out
}

/// The outermost element.
fn open(out: &mut String, name: &str, namespace: &str) {
    out.push('<');
    out.push_str(name);
    out.push_str(" xmlns=\"");
    escape_into(out, namespace);
    out.push_str("\">");
}

/// An element with a text in it.
fn leaf(out: &mut String, name: &str, text: &str) {
    out.push('<');
    out.push_str(name);
    out.push('>');
    escape_into(out, text);
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Text as it may stand in an element or in an attribute. A carriage return would be read as a line feed if it were not
/// escaped; what is no character of XML 1.0 is replaced.
fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(c),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            _ => out.push(c),
        }
    }
}
