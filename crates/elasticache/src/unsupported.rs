//! Refusals of what is not built yet and depends on more than one parameter. A single parameter that is refused is a
//! [`aws_protocol::NotYet`].

use aws_protocol::{Fault, InputError, Wire};

/// Refuses a parameter whose value asks for what is not built.
pub(crate) fn refuse(name: &str, asks: bool) -> Result<(), Fault> {
    let error = || InputError::NotYet { at: name.to_owned(), value: None };
    if asks { Err(Wire::Query.input_fault(&error())) } else { Ok(()) }
}
