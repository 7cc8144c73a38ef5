//! A user comes back from its description as it was, and allows what it allowed.

use crate::random::{self, Known};
use crate::table::Commands;
use acl::Users;
use conformance::rng::Rng;
use profile::Profile;

fn known(commands: &Commands) -> Known {
    let all = commands.table.by_id().iter().filter(|command| command.subcommands.is_empty());
    all.map(|command| (command.run.full_name.to_owned(), command.spec.arity.into())).collect()
}

#[test]
fn descriptions_are_read_back() {
    for &profile in Profile::ALL {
        let commands = Commands::of(profile);
        let known = known(&commands);
        let mut rng = Rng::new(7);
        let mut users = Users::new(&commands.catalogue, false);
        let mut sizes = 0;
        for _ in 0..400 {
            let mut rules = random::rules(&mut rng, &known);
            // Words that need quotes in selectors.
            if rng.percent(10) {
                rules.push(
                    (*rng.pick(&[
                        "(~a) +get)",
                        "(\"~'a'\" +get)",
                        "(~\"a\\\"b\" %R~b)",
                        "(\"~(a)\")",
                        "(+get|')",
                    ]))
                    .to_owned(),
                );
            }
            let _ = users.set(&commands.catalogue, b"u", &rules);
            let mut again = Users::new(&commands.catalogue, false);
            let saved = users.save(&commands.catalogue);
            again.load(&commands.catalogue, "f", &saved).unwrap_or_else(|error| {
                panic!("{profile}: {} {}", String::from_utf8_lossy(&error), String::from_utf8_lossy(&saved))
            });
            assert_eq!(
                String::from_utf8_lossy(&again.save(&commands.catalogue)),
                String::from_utf8_lossy(&saved),
                "{profile}"
            );
            let Some((user, read)) = users.get(b"u").zip(again.get(b"u")) else { continue };
            if profile.has("7.2.0") && !profile.has("9.1.0") {
                assert_eq!(user, read, "{profile}: {}", String::from_utf8_lossy(&saved));
            }
            sizes += saved.len();
            for _ in 0..10 {
                let argv = random::request(&mut rng, &known).join(" ");
                if commands.table.resolve(&[argv.split(' ').next().expect("a name").as_bytes()]).is_err() {
                    continue;
                }
                let (before, after) = (commands.check(user, &argv, 0), commands.check(read, &argv, 0));
                assert_eq!(before, after, "{profile}: {argv} {}", String::from_utf8_lossy(&saved));
            }
        }
        assert!(sizes > 20_000, "{sizes}: the users are too simple");
    }
}
