//! The one list of the AWS services that are served.

use aws_operations::{Quota, Service};
use aws_protocol::wire::Names;

/// All of them.
pub static SERVICES: [&Service; 2] = [&elasticache::SERVICE, &sts::SERVICE];

/// What differs between what services have written down and what they say now, with the names of regions: another version of this
/// program may have written it.
pub(crate) fn outdated(fleet: &fleet::Fleet) -> Vec<(String, fleet::Command)> {
    elasticache::outdated(fleet)
}

/// The quotas of all.
pub fn quotas() -> impl Iterator<Item = &'static Quota> + Clone {
    SERVICES.into_iter().flat_map(|service| service.quotas.iter().copied())
}

/// By what the scope of a credential says.
pub(crate) fn named(scope: &str) -> Option<&'static Service> {
    SERVICES.into_iter().find(|service| service.scope == scope)
}

/// What a service is called on its wires. One that is not served gets errors in the namespace of the first.
pub(crate) fn names(scope: &str) -> Names {
    named(scope).unwrap_or(SERVICES[0]).names
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_service_is_one_by_its_scope_and_has_what_it_builds() {
        let scopes: BTreeSet<&str> = SERVICES.iter().map(|service| service.scope).collect();
        assert_eq!(scopes.len(), SERVICES.len());
        let names: BTreeSet<&str> = quotas().map(|quota| quota.name).collect();
        assert_eq!(names.len(), quotas().count(), "a name sets one quota");
        for service in SERVICES {
            let names: BTreeSet<&str> = service.operations.iter().map(|entry| entry.name()).collect();
            assert_eq!(names.len(), service.operations.len(), "{service:?} lists an operation twice");
            for name in names {
                assert!(service.model.operation(name).is_some(), "{name} is no operation of {service:?}");
            }
        }
    }
}
