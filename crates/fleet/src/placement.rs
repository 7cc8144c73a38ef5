//! Which availability zones members go to.

/// The zones of a region, as AWS names them: `us-east-1a`, `us-east-1b`, `us-east-1c`.
pub fn zones(region: &str) -> Vec<String> {
    ["a", "b", "c"].iter().map(|letter| format!("{region}{letter}")).collect()
}

/// The zones of `count` new members beside those that are there, of the zones that they may be in: each goes where the fewest are,
/// the earlier zone first. Without `spread` they all go to the zone of the first member.
pub fn place(zones: &[String], present: &[&str], count: usize, spread: bool) -> Vec<String> {
    let mut used: Vec<usize> =
        zones.iter().map(|zone| present.iter().filter(|other| *other == zone).count()).collect();
    let home = present.first().copied().unwrap_or(&zones[0]);
    let mut placed = Vec::with_capacity(count);
    for _ in 0..count {
        if !spread {
            placed.push(home.to_owned());
            continue;
        }
        let fewest = (0..zones.len()).min_by_key(|zone| used[*zone]).unwrap_or_default();
        used[fewest] += 1;
        placed.push(zones[fewest].clone());
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_spread_over_zones_from_where_the_fewest_are() {
        assert_eq!(
            place(&zones("eu-west-1"), &[], 4, true),
            ["eu-west-1a", "eu-west-1b", "eu-west-1c", "eu-west-1a"]
        );
        assert_eq!(place(&zones("r"), &["rb", "ra"], 2, true), ["rc", "ra"]);
        assert_eq!(place(&zones("r"), &["rb"], 2, false), ["rb", "rb"]);
    }
}
