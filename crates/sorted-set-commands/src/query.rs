//! What ZRANGE and its relatives ask for: which members, from which side, how many of them.

use super::bounds::{lex_range, score_range};
use commands::Error;
use commands::args::{index_range, int, is};
use profile::Profile;
use std::ops::Range;
use structures::sorted_set::{LexRange, ScoreRange};
use structures::{Direction, SortedSet};

/// By what the members of a range are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Rank,
    Score,
    Lex,
}

/// What a command's own name says already; the rest is up to its options.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fixed {
    pub(super) by: Option<By>,
    pub(super) direction: Option<Direction>,
    /// WITHSCORES is no option of commands that store the result.
    pub(super) stores: bool,
}

/// Which members are asked for.
#[derive(Debug, Clone, Copy)]
enum Wanted<'a> {
    /// Both included, negative ones counting from the end.
    Ranks(i64, i64),
    Scores(ScoreRange),
    Lex(LexRange<'a>),
}

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(super) struct Query<'a> {
    wanted: Wanted<'a>,
    pub(super) direction: Direction,
    offset: i64,
    /// How many at most; all if it is negative.
    limit: i64,
    pub(super) with_scores: bool,
}

impl<'a> Query<'a> {
    /// `start stop [option …]`
    pub(super) fn parse(args: &[&'a [u8]], fixed: Fixed, profile: Profile) -> Result<Query<'a>, Error> {
        let Fixed { mut by, mut direction, stores } = fixed;
        let (mut offset, mut limit, mut with_scores) = (0, -1, false);
        let mut rest = &args[2..];
        loop {
            rest = match *rest {
                [] => break,
                [word, ref rest @ ..] if !stores && is(word, "WITHSCORES") => {
                    with_scores = true;
                    rest
                }
                [word, first, count, ref rest @ ..] if is(word, "LIMIT") => {
                    (offset, limit) = (int(first)?, int(count)?);
                    rest
                }
                [word, ref rest @ ..] if direction.is_none() && is(word, "REV") => {
                    direction = Some(Direction::Backward);
                    rest
                }
                [word, ref rest @ ..] if by.is_none() && is(word, "BYLEX") => {
                    by = Some(By::Lex);
                    rest
                }
                [word, ref rest @ ..] if by.is_none() && is(word, "BYSCORE") => {
                    by = Some(By::Score);
                    rest
                }
                _ => return Err(Error::Syntax),
            };
        }
        let (by, direction) = (by.unwrap_or(By::Rank), direction.unwrap_or(Direction::Forward));
        if limit != -1 && by == By::Rank {
            return Err(Error::text(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ));
        }
        if with_scores && by == By::Lex {
            return Err(Error::text("ERR syntax error, WITHSCORES not supported in combination with BYLEX"));
        }
        // The end that is asked for first is the upper one if members come backwards.
        let (min, max) = match direction {
            Direction::Forward => (args[0], args[1]),
            Direction::Backward => (args[1], args[0]),
        };
        let wanted = match by {
            By::Rank => Wanted::Ranks(int(args[0])?, int(args[1])?),
            By::Score => Wanted::Scores(score_range(min, max, profile)?),
            By::Lex => Wanted::Lex(lex_range(min, max)?),
        };
        Ok(Query { wanted, direction, offset, limit, with_scores })
    }

    /// Whether ranks are asked for, which tell how many members there are.
    pub(super) fn is_by_rank(&self) -> bool {
        matches!(self.wanted, Wanted::Ranks(..))
    }

    /// The ranks of the members that are asked for.
    pub(super) fn ranks(&self, set: &SortedSet, profile: Profile) -> Range<usize> {
        let ranks = match &self.wanted {
            Wanted::Ranks(start, stop) => {
                let places = index_range(*start, *stop, set.len());
                return match self.direction {
                    Direction::Forward => places,
                    Direction::Backward => set.len() - places.end..set.len() - places.start,
                };
            }
            Wanted::Scores(range) => set.ranks_by_score(range),
            Wanted::Lex(range) => set.ranks_by_lex(range, self.direction),
        };
        let Some(skipped) = self.skipped(ranks.len(), set, profile) else { return 0..0 };
        let taken = usize::try_from(self.limit).unwrap_or(usize::MAX).min(ranks.len() - skipped);
        match self.direction {
            Direction::Forward => ranks.start + skipped..ranks.start + skipped + taken,
            Direction::Backward => ranks.end - skipped - taken..ranks.end - skipped,
        }
    }

    /// How many members of a range are left out in front; `None` for all. Since 8.0 a negative offset counts from the end of the
    /// range, though not in a listpack.
    fn skipped(&self, len: usize, set: &SortedSet, profile: Profile) -> Option<usize> {
        let offset = usize::try_from(self.offset.unsigned_abs()).unwrap_or(usize::MAX);
        match self.offset {
            0.. => Some(offset.min(len)),
            _ if profile.has("8.0.0") && set.as_listpack().is_none() => len.checked_sub(offset),
            _ => None,
        }
    }
}
