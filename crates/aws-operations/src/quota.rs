//! Quotas: how many of something there may be.
//!
//! Each is a row of its service's table ([`Service::quotas`](crate::Service)): the name by which it is set, AWS's default, and the error of
//! what would exceed it. A region has its own limits for some of them ([`Quotas`]). They hold for what is asked for from then on: what is
//! there already stays.

use crate::{Cx, ErrorShape};
use aws_protocol::Fault;
use std::collections::BTreeMap;

/// What a limit can be: at least one, and few enough for every counter.
const LIMITS: std::ops::RangeInclusive<usize> = 1..=1_000_000;

/// A quota.
#[derive(Debug)]
pub struct Quota {
    /// What it is set by: `nodes-per-cluster`.
    pub name: &'static str,
    /// AWS's limit, where nothing else is set.
    pub default: usize,
    /// What is counted.
    pub counts: &'static str,
    /// What refuses more.
    pub error: &'static ErrorShape,
    /// Its text, with `{}` for the limit.
    pub text: &'static str,
}

impl Quota {
    /// The limit.
    pub fn limit(&'static self, cx: &Cx<'_>) -> usize {
        cx.quotas.limit(self)
    }

    /// Refuses more than the limit: so many there would be.
    ///
    /// # Errors
    /// The quota's own.
    pub fn check(&'static self, cx: &Cx<'_>, count: usize) -> Result<(), Fault> {
        match count > self.limit(cx) {
            true => Err(self.error.because(self.text(cx))),
            false => Ok(()),
        }
    }

    /// The text of the error.
    pub fn text(&'static self, cx: &Cx<'_>) -> String {
        self.text.replace("{}", &self.limit(cx).to_string())
    }
}

/// The limits of a region that are not AWS's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quotas(BTreeMap<&'static str, usize>);

impl Quotas {
    /// AWS's limits.
    pub const AWS: &'static Quotas = &Quotas(BTreeMap::new());

    /// The limit of a quota.
    pub fn limit(&self, quota: &Quota) -> usize {
        self.0.get(quota.name).copied().unwrap_or(quota.default)
    }

    /// Sets a limit; returns the one that was set before.
    pub fn set(&mut self, quota: &Quota, limit: usize) -> Option<usize> {
        self.0.insert(quota.name, limit)
    }

    /// Reads `nodes-per-cluster=500`, a quota of a table with its limit.
    ///
    /// # Errors
    /// What it must be, in a sentence.
    pub fn parse(
        table: impl Iterator<Item = &'static Quota> + Clone,
        text: &str,
    ) -> Result<(&'static Quota, usize), String> {
        let parsed = text.split_once('=').and_then(|(name, limit)| {
            let quota = table.clone().find(|quota| quota.name == name)?;
            // Rust's own would also take a plus sign.
            let is_plain = limit.bytes().all(|byte| byte.is_ascii_digit());
            Some((quota, limit.parse().ok().filter(|limit| is_plain && LIMITS.contains(limit))?))
        });
        parsed.ok_or_else(|| {
            let names: Vec<&str> = table.map(|quota| quota.name).collect();
            format!(
                "it must be NAME=LIMIT with a limit from {} to {} and one of the names {}",
                LIMITS.start(),
                LIMITS.end(),
                names.join(", ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    static ERROR: ErrorShape =
        ErrorShape { name: "FullFault", code: "Full", status: 400, kind: Kind::Sender };

    const fn quota(name: &'static str, default: usize) -> Quota {
        Quota { name, default, counts: "things", error: &ERROR, text: "You have {} things." }
    }

    static TABLE: [Quota; 2] = [quota("things", 3), quota("more-things", 4)];

    #[test]
    fn a_limit_is_the_default_until_it_is_set() {
        let fleet = fleet::Fleet::new(fleet::AddressPool::Loopback { block: 1, last: 0 });
        let mut quotas = Quotas::default();
        let check = |quotas: &Quotas, count| {
            let cx = Cx { fleet: &fleet, region: "r", account: "0", now_ms: 0, quotas };
            TABLE[0].check(&cx, count).map_err(|fault| fault.to_string())
        };
        assert_eq!(check(&quotas, 3), Ok(()));
        assert_eq!(check(&quotas, 4), Err("Full: You have 3 things.".to_owned()));
        assert_eq!((quotas.set(&TABLE[0], 5), quotas.set(&TABLE[0], 5)), (None, Some(5)));
        assert_eq!(check(&quotas, 5), Ok(()));
        assert_eq!(check(&quotas, 6), Err("Full: You have 5 things.".to_owned()));
        assert_eq!((quotas.limit(&TABLE[1]), Quotas::AWS.limit(&TABLE[0])), (4, 3));
    }

    #[test]
    fn a_quota_is_read_with_its_limit_or_refused_with_all_names() {
        let parse = |text| Quotas::parse(TABLE.iter(), text).map(|(quota, limit)| (quota.name, limit));
        assert_eq!(parse("things=1"), Ok(("things", 1)));
        assert_eq!(parse("more-things=1000000"), Ok(("more-things", 1_000_000)));
        for wrong in [
            "",
            "things",
            "things=",
            "things=0",
            "things=1000001",
            "things=-1",
            "things=+5",
            "things= 5",
            "things=many",
            "thing=1",
        ] {
            assert_eq!(
                parse(wrong).unwrap_err(),
                "it must be NAME=LIMIT with a limit from 1 to 1000000 and one of the names things, more-things",
                "{wrong}"
            );
        }
    }
}
