//! Delta debugging: leaves out steps while the servers still differ.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Divergence, Pair};
use crate::program::Step;

/// Time for shrinking one finding; what is left then is reported as it is.
const SHRINK_TIME: Duration = Duration::from_secs(60);

/// Makes the program as short as time permits. Any difference counts, not only the first one found.
pub(super) fn shrink(
    pair: &mut Pair,
    program: Vec<Step>,
    found: Divergence,
) -> Result<(Vec<Step>, Divergence)> {
    let deadline = Instant::now() + SHRINK_TIME;
    let mut best = (cut_behind(program, &found), found);
    let mut piece = best.0.len().div_ceil(2);
    while piece > 0 && Instant::now() < deadline {
        let mut removed_any = false;
        let mut start = 0;
        while start < best.0.len() && Instant::now() < deadline {
            let end = (start + piece).min(best.0.len());
            let candidate: Vec<Step> = [&best.0[..start], &best.0[end..]].concat();
            match pair.run(&candidate)? {
                Some(divergence) => {
                    best = (cut_behind(candidate, &divergence), divergence);
                    removed_any = true;
                }
                None => start = end,
            }
        }
        // At single steps another round helps only if the last one removed something.
        piece = if piece > 1 { piece / 2 } else { usize::from(removed_any) };
    }
    Ok(best)
}

/// Nothing after the step that differs matters.
fn cut_behind(mut program: Vec<Step>, divergence: &Divergence) -> Vec<Step> {
    if let Some(at) = divergence.step {
        program.truncate(at + 1);
    }
    program
}
