//! The same random program on two servers, step by step.
//!
//! ```text
//!            ┌─▶ oracle  ─┐
//!   step ────┤            ├──▶ compare ──▶ next step … ──▶ compare the final state of all databases
//!            └─▶ subject ─┘
//! ```
//!
//! A difference is shrunk by leaving out steps for as long as any difference remains, and what is left is printed as a
//! transcript. A server that exits or stops answering is a difference like any other, and is started again.

mod compare;
mod lockstep;
mod shrink;
mod state;

use std::fmt;

use anyhow::{Context, Result};
use profile::Profile;

pub use lockstep::Pair;
pub use state::{State, describe, difference, digest};

use crate::peer::Launch;
use crate::program::{FAMILIES, Family, Generator, Step};

/// What to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The seed of the first program; the next ones count up from it.
    pub seed: u64,
    /// How many programs.
    pub programs: usize,
    /// Steps of each.
    pub commands: usize,
    /// From which families.
    pub families: Vec<&'static Family>,
    /// What both servers speak as.
    pub profile: Profile,
}

impl Default for Options {
    fn default() -> Options {
        let (families, profile) = (FAMILIES.to_vec(), Profile::Redis70);
        Options { seed: 1, programs: 10, commands: 400, families, profile }
    }
}

/// Where and how two servers differ.
#[derive(Debug, Clone)]
pub struct Divergence {
    /// The index of the step; `None` for the state after the last.
    pub step: Option<usize>,
    /// The two outcomes.
    pub what: String,
}

/// A program on which two servers differ, shrunk.
#[derive(Debug)]
pub struct Finding {
    /// The seed of the whole program.
    pub seed: u64,
    /// What is left of it.
    pub program: Vec<Step>,
    /// How the servers differ on what is left.
    pub divergence: Divergence,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: the servers differ", self.seed)?;
        for (at, step) in self.program.iter().enumerate() {
            writeln!(f, "{step}")?;
            if self.divergence.step == Some(at) {
                break;
            }
        }
        if self.divergence.step.is_none() {
            writeln!(f, "# the state after the last command differs")?;
        }
        write!(f, "{}", self.divergence.what)
    }
}

/// Runs all programs and stops at the first difference. An error is a failure of the harness, not of a server.
pub fn run(oracle: &Launch, subject: &Launch, options: &Options) -> Result<Option<Finding>> {
    let mut pair = Pair::start(oracle, subject, options.profile)?;
    for seed in (options.seed..).take(options.programs) {
        let mut generator = Generator::new(seed, options.profile, &options.families)?;
        let program = generator.program(options.commands);
        if let Some(divergence) = pair.run(&program).with_context(|| format!("seed {seed}"))? {
            let (program, divergence) = shrink::shrink(&mut pair, program, divergence)?;
            return Ok(Some(Finding { seed, program, divergence }));
        }
    }
    Ok(None)
}
