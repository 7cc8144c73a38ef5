//! What AWS says about a service: its operations, their parameters, the errors that they may answer with.
//!
//! A model is data, written by the `model!` macro in a file of its service, from the service's model in botocore. It has everything
//! that the service has, built or not, so that a name that is not built is told from one that is wrong. The code, the status and
//! the blame of an error stand there and nowhere else.

use aws_protocol::{ErrorShape, Fault};

/// The operations of a service.
#[derive(Debug)]
pub struct Model {
    /// All of them, by name.
    pub operations: &'static [Declared],
}

/// What a model says about an operation.
#[derive(Debug)]
pub struct Declared {
    /// `CreateReplicationGroup`
    pub name: &'static str,
    /// The parameters that a call cannot do without.
    pub required: &'static [&'static str],
    /// The other ones.
    pub optional: &'static [&'static str],
    /// What it may answer with, beside what all operations may.
    pub errors: &'static [&'static ErrorShape],
}

/// Codes that any operation may answer with once it is decoded: those of the pages on common errors.
pub const COMMON: [&str; 8] = [
    "AccessDenied",
    "InternalFailure",
    "InvalidParameterCombination",
    "InvalidParameterValue",
    "NotImplemented",
    "ServiceUnavailable",
    "Throttling",
    "ValidationError",
];

impl Model {
    /// An operation by its name.
    pub fn operation(&self, name: &str) -> Option<&'static Declared> {
        self.operations.iter().find(|operation| operation.name == name)
    }
}

impl Declared {
    /// Whether the operation may answer with it.
    pub fn permits(&self, fault: &Fault) -> bool {
        let is_declared = fault.shape.is_some_and(|shape| self.errors.contains(&shape));
        is_declared || COMMON.contains(&fault.code.as_ref())
    }
}

/// Declares the errors of a service, each a static of its name, and its `MODEL`.
///
/// ```text
///   errors { NotFoundFault = "NotFound", 404, Sender; … }
///   operations { DescribeThings(Required; Optional Other) NotFoundFault …; … }
/// ```
#[macro_export]
macro_rules! model {
    (
        errors { $($shape:ident = $code:literal, $status:literal, $kind:ident;)* }
        operations { $($operation:ident($($required:ident)*; $($optional:ident)*) $($error:ident)*;)* }
    ) => {
        $(
            #[allow(non_upper_case_globals, reason = "the model's own name")]
            pub(crate) static $shape: $crate::ErrorShape = $crate::ErrorShape {
                name: stringify!($shape),
                code: $code,
                status: $status,
                kind: $crate::Kind::$kind,
            };
        )*

        pub(crate) static MODEL: $crate::Model = $crate::Model {
            operations: &[$($crate::Declared {
                name: stringify!($operation),
                required: &[$(stringify!($required)),*],
                optional: &[$(stringify!($optional)),*],
                errors: &[$(&$error),*],
            }),*],
        };
    };
}
