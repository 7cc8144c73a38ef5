//! Subnet groups: the default one of a region, and what is told of them.

use crate::apply::ApplyError;
use crate::event::{Happening, Source};
use crate::model::{Region, SubnetGroup};
use crate::placement;
use std::collections::BTreeMap;

impl SubnetGroup {
    /// The name of the group that is always there.
    pub const DEFAULT: &str = "default";

    /// That group, as long as nobody has changed it: a subnet in each zone of the region.
    pub fn default_of(region: &str) -> SubnetGroup {
        let zones = placement::zones(region).len();
        SubnetGroup {
            name: SubnetGroup::DEFAULT.to_owned(),
            description: "Default CacheSubnetGroup".to_owned(),
            subnets: (0..zones).map(|number| format!("subnet-{number:08}")).collect(),
            tags: BTreeMap::new(),
        }
    }
}

impl Region {
    /// Puts a group in place of what it was. Other tags alone are no event.
    pub(crate) fn set_subnet_group(&mut self, at_ms: u64, region: &str, group: &SubnetGroup) {
        let before = self.subnet_groups.insert(group.name.clone(), group.clone());
        let is_default = group.name == SubnetGroup::DEFAULT;
        let before = before.or_else(|| is_default.then(|| SubnetGroup::default_of(region)));
        let name = group.name.as_str();
        let what = match before {
            None => Happening::SubnetGroupCreated { group: name },
            Some(before) if before.description == group.description && before.subnets == group.subnets => {
                return;
            }
            Some(_) => Happening::SubnetGroupModified { group: name },
        };
        self.tell(at_ms, Source::CacheSubnetGroup, name, what);
    }

    pub(crate) fn delete_subnet_group(&mut self, at_ms: u64, name: &str) -> Result<(), ApplyError> {
        let removed = self.subnet_groups.remove(name);
        removed.ok_or_else(|| ApplyError::Missing(format!("subnet group {name}")))?;
        self.tell(at_ms, Source::CacheSubnetGroup, name, Happening::SubnetGroupDeleted { group: name });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_told_of_when_they_are_made_changed_and_deleted() {
        let mut region = Region::default();
        let told = |region: &Region| {
            region.events.iter().map(|one| format!("{}: {}", one.source_id, one.message)).collect::<Vec<_>>()
        };
        let mut default = SubnetGroup::default_of("r");
        default.tags.insert("team".into(), "cache".into());
        region.set_subnet_group(1, "r", &default);
        assert!(told(&region).is_empty(), "tags are no event, those of the default group neither");
        default.description = "ours".into();
        region.set_subnet_group(2, "r", &default);
        let mut nets = SubnetGroup { name: "nets".into(), ..default.clone() };
        region.set_subnet_group(3, "r", &nets);
        nets.tags.clear();
        region.set_subnet_group(4, "r", &nets);
        nets.subnets.pop();
        region.set_subnet_group(5, "r", &nets);
        region.delete_subnet_group(6, "nets").unwrap();
        assert!(region.delete_subnet_group(7, "nets").is_err());
        assert_eq!(
            told(&region),
            [
                "default: Cache subnet group default modified",
                "nets: Cache subnet group nets created",
                "nets: Cache subnet group nets modified",
                "nets: Cache subnet group nets deleted",
            ]
        );
    }
}
