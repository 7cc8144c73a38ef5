//! Operations of AWS: those that are built beside those that the services have, with the parameters that are refused.

use crate::{code, list, wrapped};
use aws_operations::{Declared, Service};
use aws_protocol::Wire;
use aws_protocol::protocol::Signs;
use aws_protocol::query::Limits;
use std::fmt::Write;

pub(crate) fn section() -> String {
    let mut text = HEAD.to_owned();
    for service in region::SERVICES {
        text += &of(service);
    }
    text
}

const HEAD: &str = "
## Operations of AWS

An operation that is not there yet answers `NotImplemented`, with status 501. A name that the service does not have is an
`InvalidAction`. A parameter of an operation has an effect or is refused by its name: \"The parameter AuthToken is not supported by
Engram yet.\" Refused ones pass where they ask for what is the case anyway, such as `TransitEncryptionEnabled=false`. Only what
merely describes (a description, a snapshot window) is kept and shown without an effect. Of some others a few values are refused, such as
more than one node group.
";

fn of(service: &'static Service) -> String {
    let all = service.model.operations;
    let (built, missing): (Vec<&Declared>, Vec<&Declared>) =
        all.iter().partition(|declared| is_built(service, declared));
    let mut text = format!(
        "\n### {}\n\nVersion {}. Of {} operations {} are there.\n\n| operation | parameters that are refused |\n|---|---|\n",
        service.scope,
        service.version,
        all.len(),
        built.len()
    );
    for declared in built {
        let (name, refused) = (code(declared.name), list(refused(service, declared)));
        writeln!(text, "| {name} | {refused} |").expect("a String takes everything");
    }
    let missing = missing.into_iter().map(|declared| declared.name.to_owned());
    text.replace(crate::KEPT, " ") + &wrapped(&format!("\nNot yet: {}.", list(missing)))
}

fn is_built(service: &Service, declared: &Declared) -> bool {
    service.operations.iter().any(|entry| entry.name() == declared.name)
}

/// The forms that a parameter may have, by its type.
fn forms(name: &str) -> [String; 5] {
    ["=a", "=true", ".member.1=a", ".member.1.Key=a", ".member.1.ParameterName=a"]
        .map(|value| format!("&{name}{value}"))
}

/// The parameters of an operation that are refused by name, as its callers see it: each is asked for in all forms, beside what the
/// operation cannot do without.
fn refused(service: &'static Service, declared: &Declared) -> Vec<String> {
    let least = least(service, declared).unwrap_or_else(|| panic!("no call of {}", declared.name));
    let asks = |name: &str| {
        let text = format!("parameter {name} is not supported by Engram yet");
        forms(name).iter().any(|form| {
            let refusal = refusal(service, declared, &format!("{least}{form}"));
            refusal.is_some_and(|why| why.contains(&text))
        })
    };
    declared.optional.iter().filter(|name| asks(name)).map(|name| (*name).to_owned()).collect()
}

/// The required parameters of an operation, each in the form that its type takes.
fn least(service: &'static Service, declared: &Declared) -> Option<String> {
    let mut all = vec![String::new()];
    for name in declared.required {
        all = all.iter().flat_map(|before| forms(name).map(|form| format!("{before}{form}"))).collect();
    }
    all.into_iter().find(|parameters| refusal(service, declared, parameters).is_none())
}

/// Why a call is not understood.
fn refusal(service: &'static Service, declared: &Declared, parameters: &str) -> Option<String> {
    let form = format!("Action={}&Version={}{parameters}", declared.name, service.version);
    let (signs, limits) = (Signs::default(), Limits::default());
    let call = service.decode(Wire::Query, &signs, form.as_bytes(), &limits, "id");
    call.err().map(|fault| fault.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused_by(operation: &str) -> Vec<String> {
        let service = &elasticache::SERVICE;
        refused(service, service.model.operation(operation).expect("an operation"))
    }

    /// One of each kind: a text, a switch, a list, a word of several.
    #[test]
    fn what_is_refused_is_found_out_by_asking() {
        let refused = refused_by("CreateReplicationGroup");
        for name in
            ["AuthToken", "TransitEncryptionEnabled", "SecurityGroupIds", "NetworkType", "ClusterMode"]
        {
            assert!(refused.iter().any(|one| one == name), "{name} in {refused:?}");
        }
        for name in ["Port", "Tags", "MultiAZEnabled", "PreferredCacheClusterAZs"] {
            assert!(!refused.iter().any(|one| one == name), "{name} in {refused:?}");
        }
        assert!(refused_by("DescribeEvents").is_empty());
    }
}
