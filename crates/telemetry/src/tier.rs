//! The resolutions that points are kept in.

/// A resolution.
#[derive(Debug)]
pub(crate) struct Tier {
    /// What its files' names begin with.
    name: &'static str,
    /// Seconds of a point.
    pub(crate) period: u64,
    /// Seconds of a segment.
    pub(crate) span: u64,
    /// For how many seconds they are kept.
    pub(crate) kept: u64,
}

const DAY: u64 = 86_400;

/// From the finest on. A span is a part of the next one and shorter than what the tier before it keeps, since a start makes the points of
/// spans that are not yet complete from the segments of the tier before.
pub(crate) const TIERS: [Tier; 3] = [
    Tier { name: "1s", period: 1, span: 300, kept: 3 * 3600 },
    Tier { name: "1m", period: 60, span: 2 * 3600, kept: 15 * DAY },
    Tier { name: "5m", period: 300, span: 12 * 3600, kept: 456 * DAY },
];

const _: () = {
    let mut at = 1;
    while at < TIERS.len() {
        let (fine, coarse) = (&TIERS[at - 1], &TIERS[at]);
        assert!(coarse.span.is_multiple_of(fine.span) && coarse.span < fine.kept);
        assert!(coarse.period.is_multiple_of(fine.period) && TIERS[0].span.is_multiple_of(coarse.period));
        at += 1;
    }
};

impl Tier {
    /// The file of the segment that starts then.
    pub(crate) fn file(&self, start: u64) -> String {
        format!("{}-{start}", self.name)
    }

    /// Whose file it is, and when it starts.
    pub(crate) fn of_file(name: &str) -> Option<(usize, u64)> {
        let (tier, start) = name.split_once('-')?;
        let tier = TIERS.iter().position(|known| known.name == tier)?;
        let start: u64 = start.parse().ok().filter(|start: &u64| start.is_multiple_of(TIERS[tier].span))?;
        Some((tier, start))
    }

    /// The start of the span that a moment is in.
    pub(crate) fn span_of(&self, at: u64) -> u64 {
        at - at % self.span
    }
}
