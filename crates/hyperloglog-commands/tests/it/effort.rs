//! What takes long where others wait, and what does not.

use command_tests::Session;
use commands::Effort;
use profile::Profile;

#[test]
fn what_many_arguments_make_long_is_refused() {
    let mut session = Session::new(Profile::Valkey80);
    for (words, n) in [("PFADD sketch", 2_000), ("PFCOUNT", 200), ("PFMERGE merged", 200), ("PFSELFTEST", 0)]
    {
        let more = (0..n).map(|number| format!("k{number}"));
        let argv: Vec<String> = words.split(' ').map(str::to_owned).chain(more).collect();
        session.effort = Effort::SHORT;
        assert!(session.call(&argv).starts_with(b"-TRYAGAIN"), "{words}");
        assert_eq!(session.line("EXISTS sketch merged"), "(integer) 0", "{words}");
        if n > 0 {
            assert!(!session.call(&argv[..argv.len() - n + 3]).starts_with(b"-"), "{words}");
        }
        session.effort = Effort::ANY;
        assert!(!session.call(&argv).starts_with(b"-"), "{words}");
        session.line("DEL sketch merged");
    }
}
