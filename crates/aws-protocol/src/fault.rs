//! An error as a client of an AWS API sees it: a code to match on, an HTTP status, whose fault it was, a text.
//!
//! Codes and statuses of the errors common to all Query services are those of the page "Common Errors" in the API
//! references of ElastiCache and RDS. Texts are those that real services were seen to answer; where the only witness is
//! another service than ElastiCache, the constructor says so.

use std::borrow::Cow;
use std::fmt;

use crate::input::brief;

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// The request was wrong; the same request fails again.
    Sender,
    /// The service failed; clients try again.
    Receiver,
}

impl Kind {
    /// As it stands in an error document.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Sender => "Sender",
            Kind::Receiver => "Receiver",
        }
    }
}

/// An error that the model of a service declares. Its name in the model and its code on the wire are two things:
/// `CacheClusterNotFoundFault` is `CacheClusterNotFound`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ErrorShape {
    /// Its name in the model: what JSON and CBOR call it.
    pub name: &'static str,
    /// What Query calls it.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Whose fault it is.
    pub kind: Kind,
}

impl ErrorShape {
    /// The error, with a text for people.
    pub fn because(&'static self, message: impl Into<String>) -> Fault {
        let (code, message) = (Cow::Borrowed(self.code), message.into());
        Fault { code, status: self.status, kind: self.kind, message, shape: Some(self) }
    }
}

/// What a client gets in place of a result.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// What clients match on, as it stands on the wire (`ReplicationGroupNotFoundFault`).
    pub code: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
    /// Whose fault it is.
    pub kind: Kind,
    /// For people.
    pub message: String,
    /// What it is in the service's model. None for the errors that all services have in common.
    pub shape: Option<&'static ErrorShape>,
}

impl Fault {
    /// The request's fault, with any status.
    pub fn sender(code: impl Into<Cow<'static, str>>, status: u16, message: impl Into<String>) -> Fault {
        Fault { code: code.into(), status, kind: Kind::Sender, message: message.into(), shape: None }
    }

    /// The service's fault, with any status.
    pub fn receiver(code: impl Into<Cow<'static, str>>, status: u16, message: impl Into<String>) -> Fault {
        Fault { code: code.into(), status, kind: Kind::Receiver, message: message.into(), shape: None }
    }

    /// There is no such operation in this version of the API. Without a `Version` there is none in any.
    /// Text: seen from CloudWatch, RDS and ElastiCache; `NO_VERSION_SPECIFIED` from IAM.
    pub fn invalid_action(action: &str, version: Option<&str>) -> Fault {
        let version = version.unwrap_or("NO_VERSION_SPECIFIED");
        Fault::sender(
            "InvalidAction",
            400,
            format!("Could not find operation {action} for version {version}"),
        )
    }

    /// There is no such operation, where requests have no version. JSON and CBOR say `UnknownOperationException`.
    pub fn unknown_operation(named: &str) -> Fault {
        Fault::sender("InvalidAction", 400, format!("There is no operation {}.", brief(named)))
    }

    /// No protocol has its calls at this path.
    pub fn unknown_path(path: &str) -> Fault {
        Fault::sender("InvalidAction", 404, format!("There is no operation at the path {}.", brief(path)))
    }

    /// The request names no operation.
    pub fn missing_action() -> Fault {
        Fault::sender("MissingAction", 400, "The request must contain the parameter Action")
    }

    /// A parameter is needed, in the words of EC2 and SQS. ElastiCache says [`Fault::parameter_is_null`].
    pub fn missing_parameter(name: &str) -> Fault {
        Fault::sender("MissingParameter", 400, format!("The request must contain the parameter {name}"))
    }

    /// A required parameter is absent. Code and text: seen from ElastiCache, for `CacheNodeType` and `Engine`.
    pub fn parameter_is_null(name: &str) -> Fault {
        Fault::invalid_parameter_value(format!("The parameter {name} must be provided and must not be null."))
    }

    /// A required text is absent or empty. Code and text: seen from ElastiCache, for `CacheParameterGroupName`.
    pub fn parameter_is_blank(name: &str) -> Fault {
        Fault::invalid_parameter_value(format!(
            "The parameter {name} must be provided and must not be blank."
        ))
    }

    /// No operation has such a parameter. Code and text: seen from EC2; no answer of ElastiCache is on record.
    pub fn unknown_parameter(name: &str) -> Fault {
        Fault::sender("UnknownParameter", 400, format!("The parameter {name} is not recognized"))
    }

    /// A value that is wrong by the operation's own rules.
    pub fn invalid_parameter_value(message: impl Into<String>) -> Fault {
        Fault::sender("InvalidParameterValue", 400, message)
    }

    /// Values that cannot be combined.
    pub fn invalid_parameter_combination(message: impl Into<String>) -> Fault {
        Fault::sender("InvalidParameterCombination", 400, message)
    }

    /// A value outside what the API's model allows: a length, a pattern, a set of words.
    pub fn validation_error(message: impl Into<String>) -> Fault {
        Fault::sender("ValidationError", 400, message)
    }

    /// A value that is not of its type, or a structure in place of a value.
    pub fn malformed_input(message: impl Into<String>) -> Fault {
        Fault::sender("MalformedInput", 400, message)
    }

    /// A body that is not a document, or a value in it that is not of its type. Services with JSON and CBOR answer
    /// this.
    pub fn serialization(message: impl Into<String>) -> Fault {
        Fault::sender("SerializationException", 400, message)
    }

    /// The query string or form cannot be parsed. The references give this error status 404.
    pub fn malformed_query_string(message: impl Into<String>) -> Fault {
        Fault::sender("MalformedQueryString", 404, message)
    }

    /// The request is larger than this service takes.
    pub fn request_too_large(message: impl Into<String>) -> Fault {
        Fault::sender("RequestEntityTooLarge", 413, message)
    }

    /// The request did not arrive as a whole.
    pub fn request_timeout(message: impl Into<String>) -> Fault {
        Fault::sender("RequestTimeout", 400, message)
    }

    /// The signature lacks something, or its parts are malformed.
    pub fn incomplete_signature(message: impl Into<String>) -> Fault {
        Fault::sender("IncompleteSignature", 400, message)
    }

    /// Nobody has this access key.
    pub fn invalid_client_token_id() -> Fault {
        Fault::sender("InvalidClientTokenId", 403, "The security token included in the request is invalid.")
    }

    /// The request is not signed.
    pub fn missing_authentication_token() -> Fault {
        Fault::sender("MissingAuthenticationToken", 403, "Request is missing Authentication Token")
    }

    /// The signature is not that of the request, is too old, or from the future.
    pub fn signature_does_not_match(message: impl Into<String>) -> Fault {
        Fault::sender("SignatureDoesNotMatch", 403, message)
    }

    /// The request came too late.
    pub fn request_expired() -> Fault {
        Fault::sender("RequestExpired", 400, "Request has expired.")
    }

    /// The caller is not allowed to do this. `message` says who, what and on which resource.
    pub fn access_denied(message: impl Into<String>) -> Fault {
        Fault::sender("AccessDenied", 403, message)
    }

    /// Too many requests in a short time.
    pub fn throttling() -> Fault {
        Fault::sender("Throttling", 400, "Rate exceeded")
    }

    /// An internal error. The details are in the log, not here.
    pub fn internal_failure() -> Fault {
        Fault::receiver(
            "InternalFailure",
            500,
            "An internal error has occurred. Please try your query again at a later time.",
        )
    }

    /// The service cannot answer now.
    pub fn service_unavailable(message: impl Into<String>) -> Fault {
        Fault::receiver("ServiceUnavailable", 503, message)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_to_the_byte() {
        let check = |fault: Fault, status: u16, text: &str| {
            assert_eq!((fault.status, fault.to_string().as_str()), (status, text));
        };
        check(
            Fault::invalid_action("Fly", Some("2015-02-02")),
            400,
            "InvalidAction: Could not find operation Fly for version 2015-02-02",
        );
        check(
            Fault::invalid_action("Fly", None),
            400,
            "InvalidAction: Could not find operation Fly for version NO_VERSION_SPECIFIED",
        );
        check(
            Fault::parameter_is_null("Engine"),
            400,
            "InvalidParameterValue: The parameter Engine must be provided and must not be null.",
        );
        check(
            Fault::invalid_client_token_id(),
            403,
            "InvalidClientTokenId: The security token included in the request is invalid.",
        );
        check(
            Fault::missing_authentication_token(),
            403,
            "MissingAuthenticationToken: Request is missing Authentication Token",
        );
        assert_eq!(Fault::internal_failure().kind, Kind::Receiver);
    }
}
