//! Parameters whose effect is not built yet. They are refused by name: a cache that was asked to encrypt and does not would be a lie.

use aws_protocol::Fault;

/// Refuses a parameter that was given.
pub(crate) fn refuse(name: &str, given: bool) -> Result<(), Fault> {
    match given {
        true => Err(Fault::invalid_parameter_value(format!(
            "The parameter {name} is not supported by Engram yet."
        ))),
        false => Ok(()),
    }
}

/// Refuses a switch that was turned on.
pub(crate) fn refuse_on(name: &str, value: Option<bool>) -> Result<(), Fault> {
    refuse(name, value == Some(true))
}

/// Refuses a list that has items.
pub(crate) fn refuse_items<T>(name: &str, items: Option<&Vec<T>>) -> Result<(), Fault> {
    refuse(name, items.is_some_and(|items| !items.is_empty()))
}

/// Refuses a word other than those that change nothing.
pub(crate) fn refuse_other(name: &str, value: Option<&String>, harmless: &[&str]) -> Result<(), Fault> {
    match value {
        Some(value) if !harmless.contains(&value.to_lowercase().as_str()) => {
            let text = format!("The value {value} of the parameter {name} is not supported by Engram yet.");
            Err(Fault::invalid_parameter_value(text))
        }
        _ => Ok(()),
    }
}
