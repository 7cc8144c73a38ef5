//! How Redis 7.0 describes which commands may run. It does not keep the rules that it was given: it looks for few rules that come to the
//! same bits.
//!
//! It begins with `+@all` or `-@all`. Then it takes the category that fits best, again and again: one that changes more bits the right
//! way than the wrong way, of those the one with the fewest wrong, then with the most right. What is wrong in the end is put right
//! command by command, first arguments last.
//!
//! Redis goes through single commands in the order of a table with a random seed; here it is that of the command table.

use crate::catalogue::Catalogue;
use crate::permissions::Permissions;
use command_spec::Categories;

pub(crate) fn rules(catalogue: &Catalogue, wanted: &Permissions, rules: &mut Vec<Vec<u8>>) {
    let adds = !wanted.bits().has_future();
    let mut described = Permissions::none();
    described.set_all(!adds);
    // What is left to describe.
    let mut left = wanted.clone();
    let mut applied = Categories::empty();
    while let Some(best) = best_category(catalogue, &left, adds, applied) {
        let name = best.names().next().expect("it is one category");
        rules.push(format!("{}@{name}", sign(adds)).into_bytes());
        described.set_category(catalogue, best, adds);
        left.set_category(catalogue, best, !adds);
        applied |= best;
    }
    for command in catalogue.iter() {
        let allowed = wanted.bits().has(command.id);
        if allowed != described.bits().has(command.id) {
            rules.push(format!("{}{}", sign(allowed), command.full_name).into_bytes());
            described.set(catalogue, command, allowed);
        }
        if !allowed {
            let name = command.full_name.as_bytes();
            let arguments = wanted.first_arguments(command.id).iter();
            rules.extend(arguments.map(|argument| [b"+", name, b"|", argument].concat()));
        }
    }
    debug_assert_eq!(described.bits(), wanted.bits());
}

fn sign(allowed: bool) -> char {
    if allowed { '+' } else { '-' }
}

fn best_category(
    catalogue: &Catalogue,
    left: &Permissions,
    adds: bool,
    applied: Categories,
) -> Option<Categories> {
    let mut best = None;
    let (mut fewest_wrong, mut most_right) = (usize::MAX, 0);
    for category in Categories::all().iter().filter(|category| !applied.contains(*category)) {
        let of_category = catalogue.iter().filter(|command| command.categories.intersects(category));
        let (right, wrong): (Vec<_>, Vec<_>) =
            of_category.partition(|command| left.bits().has(command.id) == adds);
        let (right, wrong) = (right.len(), wrong.len());
        if right > wrong && (wrong < fewest_wrong || (wrong == fewest_wrong && right > most_right)) {
            best = Some(category);
            (fewest_wrong, most_right) = (wrong, right);
        }
    }
    best
}
