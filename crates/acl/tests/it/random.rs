//! Random rules and requests.

use conformance::rng::Rng;

const WORDS: &[&str] = &[
    "on",
    "off",
    "ON",
    "nopass",
    "resetpass",
    "reset",
    "allkeys",
    "~*",
    "resetkeys",
    "allchannels",
    "&*",
    "resetchannels",
    "allcommands",
    "+@all",
    "+@ALL",
    "nocommands",
    "-@all",
    "clearselectors",
    "sanitize-payload",
    "skip-sanitize-payload",
    ">p1",
    ">p2",
    "<p1",
    "<p2",
    ">",
    "<",
    "#",
    "!12",
    "",
    "foo",
    ")",
    "(",
    "()",
    "%",
    "%R",
    "~",
    "&",
    "+",
    "-",
    "+@",
    "+|",
    "+config|",
    "+config|get|x",
    "+get|a|b",
    "-get|a",
    "+nosuch|a",
    "+@nosuch",
    "-nosuch",
    "+config|nosuch",
    "-config|nosuch",
    "alldbs",
    "resetdbs",
    "db=",
    "db=0",
    "db=1,0,1",
    "db=5",
    "db=-1",
    "db=x",
    "DB=0,2",
    "db=0,",
    "db=+1",
    "db=99999999999",
    "db= 1",
    "#2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
    "!2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
    "#2BB80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
];

/// Those that widen what a user may do; without them most requests fail for their commands.
const GRANTS: &[&str] = &[
    "on",
    "+@all",
    "allkeys",
    "allchannels",
    "+@read",
    "+@write",
    "~k*",
    "&c*",
    "+@pubsub",
    "resetkeys",
    "resetchannels",
];

const CATEGORIES: &[&str] = &[
    "keyspace",
    "read",
    "write",
    "set",
    "sortedset",
    "list",
    "hash",
    "string",
    "bitmap",
    "hyperloglog",
    "geo",
    "stream",
    "pubsub",
    "admin",
    "fast",
    "slow",
    "blocking",
    "dangerous",
    "connection",
    "transaction",
    "scripting",
    "READ",
];

const PATTERNS: &[&str] = &[
    "k*", "k1", "r*", "w?", "*", "[kr]1", "k\\*", "", "x", "*1", "**", "k[^1]", "a b", "a\tb", "K*", "c1",
    "c*",
];

/// Names, keys, channels and options that requests are made of.
const ARGUMENTS: &[&str] = &[
    "k1", "k2", "r1", "r2", "w1", "x", "c1", "c2", "c*", "", "0", "1", "2", "5", "-1", "15", "16", "STORE",
    "get", "GET", "DB", "REPLACE", "STREAMS", "KEYS", "LEFT", "BY", "COUNT", "set", "u8",
];

/// Commands with their subcommands, and how many arguments they want.
pub(crate) type Known = Vec<(String, i64)>;

pub(crate) fn rule(rng: &mut Rng, known: &Known, depth: usize) -> String {
    let pattern = |rng: &mut Rng| *rng.pick(PATTERNS);
    match rng.below(20) {
        0..=3 => (*rng.pick(WORDS)).to_owned(),
        4..=5 => (*rng.pick(GRANTS)).to_owned(),
        6..=8 => format!("{}{}", sign(rng), name(rng, known)),
        9 => format!("+{}|{}", name(rng, known), rng.pick(&["k1", "0", "a", "A", "get"])),
        10..=12 => format!("{}@{}", sign(rng), rng.pick(CATEGORIES)),
        13..=14 => format!("~{}", pattern(rng)),
        15 => format!("%{}~{}", rng.pick(&["R", "W", "RW", "wr", "r", "RR", "X", ""]), pattern(rng)),
        16..=17 => format!("&{}", pattern(rng)),
        _ if depth == 0 => {
            let many = rng.below(5);
            let rules: Vec<String> =
                (0..many).map(|_| rule(rng, known, 1)).filter(|rule| !rule.is_empty()).collect();
            let (open, close) =
                *rng.pick(&[("(", ")"), ("(", ")"), ("(", ")"), ("( ", " )"), ("((", "))"), ("(", "")]);
            format!("{open}{}{close}", rules.join(*rng.pick(&[" ", " ", "  ", "\t"])))
        }
        _ => "+get".to_owned(),
    }
}

/// The arguments of an ACL SETUSER; some selectors are spread over several.
pub(crate) fn rules(rng: &mut Rng, known: &Known) -> Vec<String> {
    let mut rules = Vec::new();
    if rng.percent(25) {
        rules.push("reset".to_owned());
    }
    for _ in 0..1 + rng.below(6) {
        let rule = rule(rng, known, 0);
        if rule.starts_with('(') && rng.percent(50) {
            rules.extend(rule.split(' ').map(str::to_owned));
        } else {
            rules.push(rule);
        }
    }
    rules
}

fn sign(rng: &mut Rng) -> char {
    *rng.pick(&['+', '+', '-'])
}

fn name(rng: &mut Rng, known: &Known) -> String {
    let name = &rng.pick(known).0;
    if rng.percent(10) { name.to_uppercase() } else { name.clone() }
}

/// A request with at least as many arguments as its command wants, mostly.
pub(crate) fn request(rng: &mut Rng, known: &Known) -> Vec<String> {
    let (name, arity) = rng.pick(known);
    let mut argv: Vec<String> = name.split('|').map(str::to_owned).collect();
    let wanted = arity.unsigned_abs() as usize + if *arity < 0 { rng.below(4) } else { 0 };
    while argv.len() < wanted {
        argv.push((*rng.pick(ARGUMENTS)).to_owned());
    }
    argv
}
