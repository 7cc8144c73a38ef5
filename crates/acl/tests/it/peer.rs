//! Random rules and requests, to this crate and to real servers: the same replies, descriptions and decisions.
//!
//! redis-server 7.0 is the one on the PATH. Of Valkey's there are those that `ENGRAM_VALKEY` names:
//! `valkey-8.1=/path/to/valkey-server,valkey-9.1=…`. `ENGRAM_ACL_ROUNDS` asks for more rounds, `ENGRAM_SEED` for others.

use crate::random::{self, Known};
use crate::table::Commands;
use acl::log::{Denial, Log, Origin, Reason};
use acl::{Catalogue, Context, Entry, Request, Users};
use command_spec::{Categories, KeyFlags};
use conformance::connection::Connection;
use conformance::peer::{Launch, Peer, not_run};
use conformance::reply::Reply;
use conformance::rng::Rng;
use profile::Profile;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

const ROUNDS: usize = 300;

/// Databases of a server as it starts.
const DATABASES: usize = 16;

/// A real server with the catalogue of its commands.
struct Real {
    peer: Peer,
    connection: Connection,
    file: PathBuf,
    commands: Commands,
    catalogue: Catalogue,
    known: Known,
}

/// Names that a reply lists.
fn names(reply: &Reply) -> Vec<String> {
    reply.elements().unwrap_or_default().iter().map(Reply::to_text).collect()
}

/// What COMMAND says of one, and of its subcommands.
#[derive(Debug)]
struct Told {
    name: String,
    arity: i64,
    categories: Categories,
    no_auth: bool,
    has_keys: bool,
    is_container: bool,
}

fn told(entries: &[Reply], into: &mut Vec<Told>) {
    for entry in entries {
        let fields = entry.elements().expect("a command is an array");
        let Reply::Integer(arity) = fields[1] else { panic!("arity is a number") };
        let categories = names(&fields[6])
            .iter()
            .map(|name| Categories::from_name_of(&name.as_bytes()[1..]).expect("known"))
            .collect();
        let specs = fields[8].elements().expect("key specs are an array");
        let is_key = |spec: &Reply| {
            let fields = spec.elements().expect("pairs");
            let at = fields.iter().position(|field| field.text() == Some(b"flags")).expect("flags");
            !names(&fields[at + 1]).contains(&"not_key".to_owned())
        };
        let subcommands = fields[9].elements().expect("subcommands are an array");
        into.push(Told {
            name: fields[0].to_text(),
            arity,
            categories,
            no_auth: names(&fields[2]).contains(&"no_auth".to_owned()),
            has_keys: specs.iter().any(is_key),
            is_container: !subcommands.is_empty(),
        });
        told(subcommands, into);
    }
}

impl Real {
    fn start(launch: &Launch, profile: Profile) -> Real {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let file = std::env::temp_dir().join(format!("engram-acl-{}-{count}", std::process::id()));
        std::fs::write(&file, "").expect("the temporary directory is writable");
        let launch = launch.clone().with(&["--aclfile", file.to_str().expect("a path of text")]);
        let peer = Peer::start(&launch).expect("the server starts");
        let mut connection = peer.connect().expect("a connection");
        let mut all = Vec::new();
        let reply = connection.call(&["COMMAND"]).expect("a reply");
        told(reply.elements().expect("an array"), &mut all);
        let commands = Commands::of(profile);
        let entries = all.iter().enumerate().map(|(id, told)| {
            let (channels, reach) = commands.touched(&told.name);
            Entry {
                id,
                full_name: &told.name,
                categories: told.categories,
                no_auth: told.no_auth,
                has_keys: told.has_keys,
                channels,
                reach,
            }
        });
        let catalogue = Catalogue::new(profile, entries);
        let known = all
            .iter()
            .filter(|told| !told.is_container)
            .map(|told| (told.name.clone(), told.arity))
            .collect();
        Real { peer, connection, file, commands, catalogue, known }
    }

    fn call(&mut self, words: &[impl AsRef<[u8]>]) -> Reply {
        self.connection.call(words).expect("a reply")
    }

    fn list(&mut self) -> Vec<String> {
        names(&self.call(&["ACL", "LIST"]))
    }

    /// The keys among the arguments: as Engram's table has them, or as the server says where that lacks the command.
    fn keys(&mut self, argv: &[&[u8]]) -> Vec<(usize, KeyFlags)> {
        if self.commands.table.resolve(argv).is_ok() {
            return self.commands.keys(argv);
        }
        let asked = [&[&b"COMMAND"[..], b"GETKEYSANDFLAGS"], argv].concat();
        let reply = self.call(&asked);
        let mut keys = Vec::new();
        for pair in reply.elements().unwrap_or_default() {
            let pair = pair.elements().expect("a pair");
            let key = pair[0].text().expect("a key");
            let after = keys.last().map_or(1, |(at, _)| at + 1);
            let found = (after..argv.len()).find(|at| argv[*at] == key);
            let at =
                found.or_else(|| (1..argv.len()).find(|at| argv[*at] == key)).expect("among the arguments");
            let flags = names(&pair[1]).iter().fold(KeyFlags::empty(), |flags, name| {
                flags
                    | match name.as_str() {
                        "access" => KeyFlags::ACCESS,
                        "update" => KeyFlags::UPDATE,
                        "insert" => KeyFlags::INSERT,
                        "delete" => KeyFlags::DELETE,
                        _ => KeyFlags::empty(),
                    }
            });
            keys.push((at, flags));
        }
        keys
    }

    /// What ACL DRYRUN answers when the arguments are enough.
    fn dry_run(&mut self, users: &Users, name: &str, database: usize, argv: &[String]) -> String {
        let argv: Vec<&[u8]> = argv.iter().map(String::as_bytes).collect();
        let full_name = [[argv[0], argv.get(1).copied().unwrap_or_default()].join(&b'|'), argv[0].to_vec()];
        let command = full_name.iter().find_map(|name| self.catalogue.id(name)).expect("a command");
        let keys = self.keys(&argv);
        let request =
            Request { command, argv: &argv, keys: keys.iter().copied(), database, databases: DATABASES };
        let user = users.get(name.as_bytes()).expect("it is there");
        let outcome = user.check(&self.catalogue, &request);
        let explanation = user.explain(&self.catalogue, &request);
        assert_eq!(explanation.outcome, outcome, "{argv:?}");
        assert!(explanation.reasons.iter().all(|reason| reason.allows == outcome.is_ok()), "{explanation:?}");
        let context =
            Context { user: name.as_bytes(), command: self.catalogue.full_name(command), argv: &argv };
        match outcome {
            Ok(()) => "OK".to_owned(),
            Err(denied) => {
                String::from_utf8_lossy(&denied.dry_run(self.catalogue.profile(), context)).into_owned()
            }
        }
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.file));
    }
}

/// The servers that there are.
fn servers() -> Vec<Real> {
    let mut servers = Vec::new();
    match Launch::redis_server() {
        Some(launch) => servers.push(Real::start(&launch, Profile::Redis70)),
        None => not_run("there is no redis-server on the PATH"),
    }
    let named = std::env::var("ENGRAM_VALKEY").unwrap_or_default();
    for server in named.split(',').filter(|server| !server.is_empty()) {
        let (profile, path) = server.split_once('=').expect("ENGRAM_VALKEY is profile=path,…");
        let launch = Launch::like_redis_server(path, profile);
        servers.push(Real::start(&launch, profile.parse().expect("a profile")));
    }
    servers
}

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Redis 7.0 lists single commands in a random order, so they are compared as a set.
fn in_order(profile: Profile, line: &str) -> String {
    if profile.has("7.2.0") {
        return line.to_owned();
    }
    let is_single = |word: &&str| word.starts_with(['+', '-']) && !word[1..].starts_with('@');
    let spaced = line.replace(')', " )");
    let words: Vec<&str> = spaced.split(' ').collect();
    let mut sorted: Vec<&str> = Vec::new();
    for run in words.chunk_by(|a, b| is_single(a) == is_single(b)) {
        let mut run = run.to_vec();
        if is_single(&run[0]) {
            run.sort_unstable();
        }
        sorted.extend(run);
    }
    sorted.join(" ")
}

/// Servers repeat what they refuse; here passwords are not repeated. What is quoted is left out where that makes the difference.
#[track_caller]
fn same_reply(ours: &str, theirs: &str, about: &str) {
    let quoted = |line: &str| match (line.find('\''), line.rfind('\'')) {
        (Some(from), Some(to)) if ours.contains("(redacted)") => format!("{}…{}", &line[..from], &line[to..]),
        _ => line.to_owned(),
    };
    assert_eq!(quoted(ours), quoted(theirs), "{about}");
}

/// Whether the servers find other keys than Engram: none in a PFMERGE without sources and in a store of no keys, which fails; ones that are
/// written in a BITFIELD with words that it doesn't have, which fails too; and others in a MIGRATE with the word KEYS twice.
/// Valkey 9.0 forgot that HGETEX changes its key.
fn finds_other_keys(profile: Profile, argv: &[String]) -> bool {
    match argv[0].as_str() {
        "pfmerge" => argv.len() == 2,
        "zunionstore" | "zinterstore" | "zdiffstore" => argv[2] == "0",
        "bitfield" => argv.len() > 2,
        "migrate" => argv.iter().filter(|word| word.eq_ignore_ascii_case("keys")).count() > 1,
        "hgetex" => profile == Profile::Valkey90,
        _ => false,
    }
}

fn our_list(users: &Users, catalogue: &Catalogue) -> Vec<String> {
    users.lines(catalogue).map(|line| String::from_utf8_lossy(&line).into_owned()).collect()
}

/// GETUSER's fields in a line.
fn theirs(reply: &Reply, profile: Profile) -> String {
    let mut all = Vec::new();
    for field in reply.elements().expect("an array") {
        match field.elements() {
            None => {
                let text = field.to_text();
                let is_commands = text.starts_with("+@all") || text.starts_with("-@all");
                all.push(if is_commands { in_order(profile, &text) } else { text });
            }
            Some(inner) if inner.iter().any(|one| one.elements().is_some()) => {
                all.push(format!(
                    "{{{}}}",
                    inner.iter().map(|one| theirs(one, profile)).collect::<Vec<_>>().join(" ")
                ));
            }
            Some(inner) => {
                all.push(format!("[{}]", inner.iter().map(Reply::to_text).collect::<Vec<_>>().join(" ")))
            }
        }
    }
    all.join(";")
}

fn ours(users: &Users, catalogue: &Catalogue, name: &str) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let details = users.get(name.as_bytes()).expect("it is there").details(catalogue);
    let selector = |selector: &acl::SelectorDetails| {
        let mut all = vec![
            "commands".to_owned(),
            in_order(catalogue.profile(), &text(&selector.commands)),
            "keys".to_owned(),
            text(&selector.keys),
            "channels".to_owned(),
            text(&selector.channels),
        ];
        all.extend(selector.databases.iter().flat_map(|list| ["databases".to_owned(), list.clone()]));
        all.join(";")
    };
    let selectors: Vec<String> = details.selectors.iter().map(selector).collect();
    let selectors = match selectors.as_slice() {
        [] => "[]".to_owned(),
        some => format!("{{{}}}", some.join(" ")),
    };
    format!(
        "flags;[{}];passwords;[{}];{};selectors;{selectors}",
        details.flags.join(" "),
        details.passwords.join(" "),
        selector(&details.root),
    )
}

#[test]
fn rules_and_requests() {
    let rounds = number("ENGRAM_ACL_ROUNDS", ROUNDS);
    for mut real in servers() {
        let profile = real.catalogue.profile();
        let mut rng = Rng::new(number("ENGRAM_SEED", 1) as u64);
        let mut users = Users::new(&real.catalogue, false);
        let (mut taken, mut denied, mut allowed) = (0, 0, 0);
        for round in 0..rounds {
            if rng.percent(2) {
                let all = rng.percent(50);
                real.call(&[
                    "CONFIG",
                    "SET",
                    "acl-pubsub-default",
                    if all { "allchannels" } else { "resetchannels" },
                ]);
                users.set_all_channels(all);
            }
            let name = *rng.pick(&["u0", "u1", "u2", "u3"]);
            let rules = random::rules(&mut rng, &real.known);
            let asked: Vec<&str> =
                ["ACL", "SETUSER", name].into_iter().chain(rules.iter().map(String::as_str)).collect();
            let about = format!("{profile}, round {round}: {asked:?}");
            let reply = real.call(&asked);
            let outcome = users.set(&real.catalogue, name.as_bytes(), &rules);
            taken += usize::from(outcome.is_ok());
            let outcome = outcome.map_or_else(|error| error.to_string(), |()| "OK".to_owned());
            same_reply(&outcome, &reply.to_text(), &about);
            let list: Vec<String> = real.list().iter().map(|line| in_order(profile, line)).collect();
            let our: Vec<String> =
                our_list(&users, &real.catalogue).iter().map(|line| in_order(profile, line)).collect();
            assert_eq!(our, list, "{about}");
            if users.get(name.as_bytes()).is_none() {
                continue;
            }
            let reply = real.call(&["ACL", "GETUSER", name]);
            assert_eq!(ours(&users, &real.catalogue, name), theirs(&reply, profile), "{about}");
            let database = *rng.pick(&[0, 0, 1, 5]);
            real.call(&["SELECT", &database.to_string()]);
            for _ in 0..6 {
                let argv = random::request(&mut rng, &real.known);
                if finds_other_keys(profile, &argv) {
                    continue;
                }
                let asked: Vec<&str> =
                    ["ACL", "DRYRUN", name].into_iter().chain(argv.iter().map(String::as_str)).collect();
                let reply = real.call(&asked).to_text();
                if reply.starts_with("ERR") {
                    continue;
                }
                let our = real.dry_run(&users, name, database, &argv);
                let user = &our_list(&users, &real.catalogue);
                assert_eq!(our, reply, "{about} {asked:?} in {database} {user:?}");
                if our == "OK" { allowed += 1 } else { denied += 1 }
            }
        }
        println!("{profile}: {rounds} rounds, {taken} taken, {allowed} requests allowed, {denied} denied");
        assert!(taken * 4 > rounds && denied > rounds / 2 && allowed > rounds / 2, "the rules are too odd");
    }
}

#[test]
fn files() {
    let rounds = number("ENGRAM_ACL_ROUNDS", ROUNDS);
    for mut real in servers() {
        let profile = real.catalogue.profile();
        let mut rng = Rng::new(number("ENGRAM_SEED", 1) as u64);
        let mut users = Users::new(&real.catalogue, false);
        let path = real.file.to_str().expect("a path of text").to_owned();
        let mut loaded = 0;
        for round in 0..rounds {
            let mut lines = vec!["user default on nopass ~* &* +@all".to_owned()];
            for _ in 0..rng.below(4) {
                let mut rules = random::rules(&mut rng, &real.known);
                // Half of the files are to be right.
                if rng.percent(50) {
                    rules.retain(|rule| {
                        users.clone().set(&real.catalogue, b"u", &[rule]).is_ok() && !rule.starts_with('(')
                    });
                }
                // What is not closed ends a real server.
                if acl_is_open(&rules) {
                    continue;
                }
                let start = *rng.pick(&[
                    "user u1",
                    "user u2",
                    "user u3",
                    "user u4",
                    "user u5",
                    "  user u6",
                    "user",
                    "usr u1",
                    "user\tu",
                    "USER u1",
                ]);
                lines.push(format!("{start} {}", rules.join(" ")));
            }
            if rng.percent(30) {
                let blank = (*rng.pick(&["", "  ", "\t\r"])).to_owned();
                lines.insert(rng.below(lines.len() + 1), blank);
            }
            let end = *rng.pick(&["\n", "", "\r\n"]);
            let text = lines.join(if end == "\r\n" { end } else { "\n" }) + end;
            std::fs::write(&real.file, &text).expect("it is written");
            let reply = real.call(&["ACL", "LOAD"]).to_text();
            let outcome = users.load(&real.catalogue, &path, text.as_bytes());
            loaded += usize::from(outcome.is_ok());
            let outcome = outcome
                .map_or_else(|error| format!("ERR {}", String::from_utf8_lossy(&error)), |()| "OK".into());
            // The servers' replies end where spaces and newlines do.
            assert_eq!(outcome.trim_end(), reply.trim_end(), "{profile}, round {round}: {text:?}");
            let list: Vec<String> = real.list().iter().map(|line| in_order(profile, line)).collect();
            let our: Vec<String> =
                our_list(&users, &real.catalogue).iter().map(|line| in_order(profile, line)).collect();
            assert_eq!(our, list, "{profile}, round {round}: {text:?}");
            if round % 16 == 0 {
                assert_eq!(real.call(&["ACL", "SAVE"]), Reply::Simple(b"OK".to_vec()));
                let saved = std::fs::read_to_string(&real.file).expect("it is read");
                let saved: Vec<String> = saved.lines().map(|line| in_order(profile, line)).collect();
                assert_eq!(saved, our);
            }
        }
        println!("{profile}: {rounds} files, {loaded} loaded");
        assert!(loaded * 4 > rounds, "the files are too odd");
    }
}

/// Whether a selector is not closed.
fn acl_is_open(rules: &[String]) -> bool {
    let words: Vec<&str> = rules.iter().flat_map(|rule| rule.split(' ')).collect();
    let mut open = false;
    for word in words {
        open = (open || word.starts_with('(')) && !word.ends_with(')');
    }
    open
}

/// How a request is denied: at once, in a transaction whose user has changed meanwhile, or in a script.
#[test]
fn denials() {
    const ROUNDS: &[(&str, &str)] = &[
        ("+@all -set ~* &*", "set k v"),
        ("+@all -config|get ~* &*", "config get x"),
        ("+@all ~k &*", "get x"),
        ("+@all ~k &*", "mget k x k"),
        ("+@all ~* &c", "publish x m"),
        ("+@all ~* &c", "psubscribe c*"),
        ("+@all ~* &c", "ssubscribe c x"),
        ("+@all ~* &* db=1", "get k"),
        ("+@all ~* &* db=0", "select 1"),
    ];
    for mut real in servers() {
        let profile = real.catalogue.profile();
        let mut log = Log::default();
        for (rules, line) in ROUNDS.iter().filter(|(rules, _)| !rules.contains("db=") || profile.has("9.1.0"))
        {
            let rules: Vec<&str> = rules.split(' ').collect();
            let mut users = Users::new(&real.catalogue, false);
            users.set(&real.catalogue, b"u", &rules).expect("rules");
            let user = users.get(b"u").expect("it is there").clone();
            let set = |real: &mut Real, rules: &[&str]| {
                let reply = real.call(&[&["ACL", "SETUSER", "u", "reset", "on", "nopass"], rules].concat());
                assert_eq!(reply.to_text(), "OK");
            };
            set(&mut real, &rules);
            let mut client = real.peer.connect().expect("a connection");
            let call =
                |client: &mut Connection, words: &[&[u8]]| client.call(words).expect("a reply").to_text();
            assert_eq!(call(&mut client, &[b"AUTH", b"u", b"x"]), "OK");
            let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            let keys = real.keys(&argv);
            let command = real.catalogue.id(&argv[..2].join(&b'|')).or_else(|| real.catalogue.id(argv[0]));
            let command = command.expect("a command");
            let request = Request {
                command,
                argv: &argv,
                keys: keys.iter().copied(),
                database: 0,
                databases: DATABASES,
            };
            let denied = user.check(&real.catalogue, &request).expect_err("it is denied");
            let full_name = real.catalogue.full_name(command).to_owned();
            let context = Context { user: b"u", command: &full_name, argv: &argv };
            let text = |line: Vec<u8>| String::from_utf8(line).expect("text");
            let mut note = |origin| {
                let object = denied.object(context);
                log.add(&Denial { reason: denied.into(), origin, object, user: b"u", client: b"" }, 0, 128);
            };
            assert_eq!(call(&mut client, &argv), text(denied.line(profile, context)), "{profile}: {line}");
            note(Origin::TopLevel);
            set(&mut real, &["allkeys", "allchannels", "+@all"]);
            // SUBSCRIBE is for no transaction of a RESP2 client, and CONFIG for no script.
            if !line.contains("subscribe") {
                assert_eq!(call(&mut client, &[b"MULTI"]), "OK");
                assert_eq!(call(&mut client, &argv), "QUEUED");
                set(&mut real, &rules);
                let reply = client.call(&["EXEC"]).expect("a reply");
                let [reply] = reply.elements().expect("an array") else { panic!("one reply") };
                assert_eq!(reply.to_text(), denied.line_in_exec(), "{profile}: {line}");
                note(Origin::Multi);
            }
            set(&mut real, &rules);
            if !line.contains("subscribe") && !line.contains("config") && *line != "get k" {
                let script = format!("return redis.pcall('{}')", line.replace(' ', "','"));
                let reply = call(&mut client, &[b"EVAL", script.as_bytes(), b"0"]);
                assert_eq!(reply, text(denied.line_in_script(profile, context)), "{profile}: {line}");
                note(Origin::Lua);
            }
        }
        let mut client = real.peer.connect().expect("a connection");
        let reply = client.call(&["AUTH", "nobody", "x"]).expect("a reply").to_text();
        assert_eq!(reply, acl::WRONG_PASSWORD);
        log.add(
            &Denial {
                reason: Reason::Auth,
                origin: Origin::TopLevel,
                object: b"AUTH",
                user: b"nobody",
                client: b"",
            },
            0,
            128,
        );
        let reply = real.call(&["ACL", "LOG", "100"]);
        let entries = reply.elements().expect("an array").iter().map(|entry| {
            let fields = entry.elements().expect("pairs");
            let field = |name: &str| {
                let at = fields.iter().position(|field| field.to_text() == name);
                at.map_or_else(String::new, |at| match &fields[at + 1] {
                    Reply::Integer(number) => number.to_string(),
                    other => other.to_text(),
                })
            };
            ["count", "reason", "context", "object", "username", "entry-id"].map(field).join(" ")
        });
        let ours = log.entries().map(|entry| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let id = if profile.has("7.2.0") { entry.id.to_string() } else { String::new() };
            let (reason, origin) = (entry.reason.name().to_owned(), entry.origin.name().to_owned());
            [entry.count.to_string(), reason, origin, text(&entry.object), text(&entry.user), id].join(" ")
        });
        assert_eq!(ours.collect::<Vec<_>>(), entries.collect::<Vec<_>>(), "{profile}");
    }
}
