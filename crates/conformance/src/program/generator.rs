//! From grammar lines to programs.

use anyhow::Result;
use profile::Profile;

use super::derived::with_derived;
use super::grammar::{Item, Line, parse};
use super::words::Words;
use super::{CLIENTS, Compare, Family, Step};
use crate::rng::Rng;

/// Makes endless steps from some families.
#[derive(Debug)]
pub struct Generator {
    rng: Rng,
    families: Vec<(&'static str, Vec<Line>)>,
    names: Vec<&'static str>,
    /// Which clients are probably inside MULTI.
    in_multi: [bool; CLIENTS],
}

impl Generator {
    /// A generator for a seed and a profile's commands. An error means that a family's grammar is wrong.
    pub fn new(seed: u64, profile: Profile, families: &[&'static Family]) -> Result<Generator> {
        let parsed = families
            .iter()
            .map(|family| Ok((family.name, with_derived(family, profile, parse(family.grammar)?))));
        Ok(Generator {
            rng: Rng::new(seed),
            families: parsed.collect::<Result<_>>()?,
            names: families.iter().map(|family| family.name).collect(),
            in_multi: [false; CLIENTS],
        })
    }

    /// A program of so many steps. Each client first chooses its protocol.
    pub fn program(&mut self, commands: usize) -> Vec<Step> {
        self.in_multi = [false; CLIENTS];
        let mut steps = Vec::with_capacity(commands + CLIENTS);
        for client in 0..CLIENTS {
            if self.rng.percent(50) {
                let args = vec![b"HELLO".to_vec(), b"3".to_vec()];
                steps.push(Step { client, args, compare: Compare::Hello });
            }
        }
        steps.extend((0..commands).map(|_| self.step()));
        steps
    }

    /// The next step.
    pub fn step(&mut self) -> Step {
        // Client 0 does most, the others interfere.
        let client = if self.rng.percent(60) { 0 } else { self.rng.below(CLIENTS) };
        if self.in_multi[client] && self.rng.percent(25) {
            self.in_multi[client] = false;
            let name = if self.rng.percent(85) { "EXEC" } else { "DISCARD" };
            return Step { client, args: vec![name.into()], compare: Compare::Exact };
        }
        let at = self.rng.below(self.families.len());
        let (family, lines) = &self.families[at];
        let total: usize = lines.iter().map(|line| line.weight).sum();
        let mut drawn = self.rng.below(total);
        let line = lines.iter().find(|line| {
            let here = drawn < line.weight;
            drawn = drawn.saturating_sub(line.weight);
            here
        });
        let line = line.expect("the weights add up to their sum");
        let mut args = Vec::new();
        let mut words = Words { rng: &mut self.rng, family, families: &self.names };
        expand(&line.items, &mut words, &mut args);
        let mut step = Step { client, args, compare: line.compare };
        self.spoil(&mut step);
        match step.command().as_str() {
            "MULTI" if step.args.len() == 1 => self.in_multi[client] = true,
            "EXEC" | "DISCARD" | "RESET" => self.in_multi[client] = false,
            _ => {}
        }
        step
    }

    /// Sometimes takes or adds an argument, or changes the case of the name.
    fn spoil(&mut self, step: &mut Step) {
        match self.rng.below(100) {
            0 if step.args.len() > 1 => drop(step.args.pop()),
            1 => step.args.push(b"extra".to_vec()),
            2..=9 => step.args[0].make_ascii_lowercase(),
            _ => {}
        }
    }
}

/// Panics on a word that does not exist; a test walks all families, so that none ships.
fn expand(items: &[Item], words: &mut Words<'_>, args: &mut Vec<Vec<u8>>) {
    for item in items {
        match item {
            Item::Literal(text) if words.rng.percent(10) => args.push(text.to_lowercase().into_bytes()),
            Item::Literal(text) => args.push(text.clone().into_bytes()),
            Item::Word(name) => {
                let word = words.draw(name);
                args.push(word.unwrap_or_else(|| panic!("the grammar has no word {name:?}")));
            }
            Item::Choice { alternatives, optional } => {
                if !*optional || words.rng.percent(40) {
                    let chosen = words.rng.below(alternatives.len());
                    expand(&alternatives[chosen], words, args);
                }
            }
            Item::Repeated(item) => {
                let times = match words.rng.below(100) {
                    0..=1 => 100 + words.rng.below(400),
                    2..=9 => 4 + words.rng.below(12),
                    _ => 1 + words.rng.below(3),
                };
                for _ in 0..times {
                    expand(std::slice::from_ref(item), words, args);
                }
            }
            Item::Counted(item) => {
                let times = 1 + words.rng.below(4);
                let wrong = words.rng.percent(5).then(|| words.draw("count")).flatten();
                args.push(wrong.unwrap_or_else(|| times.to_string().into_bytes()));
                for _ in 0..times {
                    expand(std::slice::from_ref(item), words, args);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::FAMILIES;
    use super::*;

    #[test]
    fn every_family_parses_and_all_its_words_exist() {
        for family in FAMILIES {
            for line in with_derived(family, Profile::Valkey91, parse(family.grammar).unwrap()) {
                for seed in 0..200 {
                    let mut rng = Rng::new(seed);
                    let mut words = Words { rng: &mut rng, family: family.name, families: &[family.name] };
                    let mut args = Vec::new();
                    expand(&line.items, &mut words, &mut args);
                    assert!(!args.is_empty());
                }
            }
        }
    }

    #[test]
    fn a_seed_always_gives_the_same_program() {
        let program = |seed| Generator::new(seed, Profile::default(), FAMILIES).unwrap().program(300);
        assert_eq!(program(7), program(7));
        assert_ne!(program(7), program(8));
    }
}
