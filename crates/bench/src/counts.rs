//! Instructions that the node runs per request, counted by callgrind and kept in a file.
//!
//! A count does not depend on how busy the machine is, so that a change which makes requests more expensive fails a test
//! instead of hiding in noise. It does not include cache misses, system calls or waiting: `cargo xtask bench` measures
//! those.
//!
//! A node runs under callgrind with one worker over epoll (valgrind knows no io_uring). One connection sends 64 requests at a
//! time, whose keys and values follow from a seed, so its turns are the same in each run. Each command warms up first. Only
//! the worker's thread is counted, between two commands to valgrind, so timers of other threads do not matter. On a busy
//! machine another thread may run more for one command, so the worker's thread is the one that runs most for most commands.
//!
//! Counts depend on the compiler: they are compared only if the file was written with the same one.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ::load::{Data, Distribution, Plan, Sizes, Target};
use anyhow::{Context, Result, bail};
use conformance::peer::{Launch, Peer, on_path};

/// The tolerated increase in percent: what a few instructions in a loop of the allocator may cause.
const TOLERANCE: f64 = 3.0;
/// Requests of a command, and keys, each of which has one.
const REQUESTS: u64 = 6400;
/// Many, so that it matters little whether a worker's turn began after sleeping or after one more poll.
const DEPTH: usize = 64;
/// Of a command's functions.
const SHOWN_FUNCTIONS: usize = 40;
const FILE: &str = "crates/bench/counts.txt";

const SET: &str = "SET {key} {value}";
const LPUSH: &str = "LPUSH list {value}";
const LPOP: &str = "LPOP list";
const HSET: &str = "HSET hash {field} {value}";
const MSET: &str = "MSET {key} {value} {key} {value} {key} {value} {key} {value} {key} {value} \
                    {key} {value} {key} {value} {key} {value} {key} {value} {key} {value}";
const EXPIRE: &str = "EXPIRE {key} 1000";

/// What is counted.
struct Case {
    name: &'static str,
    /// Commands for each of the requests that are not counted: what has to be there, and a warm-up.
    before: &'static [&'static str],
    command: &'static str,
}

const fn case(name: &'static str, before: &'static [&'static str], command: &'static str) -> Case {
    Case { name, before, command }
}

const CASES: &[Case] = &[
    case("GET", &[SET, "GET {key}"], "GET {key}"),
    case("SET", &[SET], SET),
    case("INCR", &["INCR counter:{key}"], "INCR counter:{key}"),
    case("LPUSH", &[LPUSH], LPUSH),
    case("LPOP", &[LPUSH, LPUSH, LPOP], LPOP),
    case("HSET", &[HSET], HSET),
    case("LRANGE of 100", &["LRANGE list 0 99"], "LRANGE list 0 99"),
    case("MSET of 10", &[MSET], MSET),
    case("EXPIRE", &[EXPIRE], EXPIRE),
    case("DEL", &[SET, "DEL {key}", SET], "DEL {key}"),
];

/// Instructions a request, by command.
type Counts = BTreeMap<String, f64>;

/// Counts and compares with the file, or writes it.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let (mut is_update, mut functions_of) = (false, None);
    let mut engram = PathBuf::from("target/ci/engram");
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--update" => is_update = true,
            "--engram" => engram = args.next().context("--engram needs a path")?.into(),
            "--functions" => functions_of = Some(args.next().context("--functions needs a command")?),
            other => bail!("{other}? usage: cargo xtask bench counts [--update | --functions COMMAND]"),
        }
    }
    if let Some(name) = functions_of {
        return print_functions(&engram, name);
    }
    let toolchain = toolchain()?;
    let kept = match fs::read_to_string(FILE) {
        Ok(text) => Some(Kept::parse(&text).with_context(|| FILE.to_owned())?),
        Err(_) if is_update => None,
        Err(error) => return Err(error).with_context(|| FILE.to_owned()),
    };
    if let Some(kept) = kept.as_ref().filter(|kept| !is_update && kept.toolchain != toolchain) {
        println!("not run: counts are of {}, and this is {toolchain}", kept.toolchain);
        return Ok(());
    }
    let dumps = count(&engram, CASES)?;
    let counts =
        dumps.iter().map(|(name, dump)| ((*name).to_owned(), per_request(dump.instructions))).collect();
    if is_update {
        fs::write(FILE, Kept { toolchain, counts }.text()).with_context(|| FILE.to_owned())?;
        println!("{FILE} is written");
        return Ok(());
    }
    let (table, dearer) = compare(&kept.context("there are counts")?.counts, &counts);
    print!("{table}");
    if !dearer.is_empty() {
        bail!(
            "dearer by more than {TOLERANCE} %: {}; if that is meant: cargo xtask bench counts --update",
            dearer.join(", ")
        );
    }
    Ok(())
}

/// The compiler and the machine that code is made for.
fn toolchain() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("ask rustc for its version")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let release = field("release").context("rustc says no release")?;
    Ok(format!("rustc {release} for {}", field("host").context("rustc says no host")?))
}

/// The file's contents.
#[derive(Debug, PartialEq)]
struct Kept {
    toolchain: String,
    counts: Counts,
}

const HEAD: &str = "\
# Instructions that a worker runs for a request, 64 at a time (cargo xtask bench counts).
# Written by cargo xtask bench counts --update.
";

impl Kept {
    fn parse(text: &str) -> Result<Kept> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let toolchain = lines.next().context("there is no toolchain")?.to_owned();
        let mut counts = Counts::new();
        for line in lines {
            let (name, count) = line.rsplit_once(' ').with_context(|| format!("{line:?}"))?;
            counts.insert(name.trim_end().to_owned(), count.parse().with_context(|| format!("{line:?}"))?);
        }
        Ok(Kept { toolchain, counts })
    }

    fn text(&self) -> String {
        let mut text = format!("{HEAD}{}\n", self.toolchain);
        for (name, count) in &self.counts {
            text += &format!("{name:<16} {count:.0}\n");
        }
        text
    }
}

/// A table, and the commands whose increase is beyond the tolerance.
fn compare(kept: &Counts, counts: &Counts) -> (String, Vec<String>) {
    let mut table = format!("{:<16} {:>8} {:>8} {:>8}\n", "instructions", "kept", "now", "percent");
    let mut dearer = Vec::new();
    for (name, now) in counts {
        let Some(before) = kept.get(name) else {
            table += &format!("{name:<16} {:>8} {now:>8.0}\n", "–");
            dearer.push(format!("{name} is not in {FILE}"));
            continue;
        };
        let percent = (now / before - 1.0) * 100.0;
        table += &format!("{name:<16} {before:>8.0} {now:>8.0} {percent:>+8.1}\n");
        if percent > TOLERANCE {
            dearer.push(name.clone());
        } else if percent < -TOLERANCE {
            table += &format!("  {name} is cheaper: cargo xtask bench counts --update keeps it so\n");
        }
    }
    (table, dearer)
}

/// The instructions of a command by function, most expensive first.
fn print_functions(engram: &Path, name: &str) -> Result<()> {
    let place = CASES.iter().position(|case| case.name.eq_ignore_ascii_case(name));
    let names = || CASES.iter().map(|case| case.name).collect::<Vec<_>>().join(", ");
    let place = place.with_context(|| format!("no command {name}; there are {}", names()))?;
    // With those before it: the list that LRANGE reads is theirs.
    if let Some((name, dump)) = count(engram, &CASES[..=place])?.pop() {
        println!(
            "{name}: {:.0} instructions, each function without those that it calls",
            per_request(dump.instructions)
        );
        for (function, instructions) in dump.functions.iter().take(SHOWN_FUNCTIONS) {
            println!("{:>8.1}  {function}", per_request(*instructions));
        }
    }
    Ok(())
}

fn per_request(instructions: u64) -> f64 {
    instructions as f64 / REQUESTS as f64
}

/// Counts commands on a node of its own.
fn count(engram: &Path, cases: &'static [Case]) -> Result<Vec<(&'static str, Dump)>> {
    let valgrind = on_path("valgrind").context("no valgrind on PATH")?;
    let out = std::env::temp_dir().join(format!("engram-counts-{}", std::process::id()));
    fs::create_dir_all(&out).with_context(|| format!("create {}", out.display()))?;
    let counted = count_into(&out, &valgrind, engram, cases);
    drop(fs::remove_dir_all(&out));
    counted
}

fn count_into(
    out: &Path,
    valgrind: &Path,
    engram: &Path,
    cases: &'static [Case],
) -> Result<Vec<(&'static str, Dump)>> {
    let file = out.join("callgrind");
    let under = [
        "--tool=callgrind".to_owned(),
        "--separate-threads=yes".to_owned(),
        format!("--callgrind-out-file={}", file.display()),
        engram.display().to_string(),
    ];
    let launch = Launch::engram(engram, "valkey-8.0").under(valgrind, &under);
    let peer = Peer::start(&launch.with(&["--workers", "1", "--io-backend", "epoll"]))?;
    let mut threads = Vec::new();
    for (place, case) in cases.iter().enumerate() {
        for (seed, command) in case.before.iter().enumerate() {
            send(&peer, command, seed as u64 + 10)?;
        }
        order(&peer, "zero")?;
        send(&peer, case.command, 1)?;
        order(&peer, "dump")?;
        threads.push(dumps(&file, place + 1)?);
    }
    let worker = busiest(&threads).context("callgrind wrote no dump")?;
    let dump = |(case, mut threads): (&Case, Threads)| match threads.remove(&worker) {
        Some(dump) => Ok((case.name, dump)),
        None => bail!("{}: callgrind wrote no dump of thread {worker}", case.name),
    };
    cases.iter().zip(threads).map(dump).collect()
}

/// Sends a command for each key.
fn send(peer: &Peer, command: &str, seed: u64) -> Result<()> {
    let data = Data {
        keys: REQUESTS,
        distribution: Distribution::Sequential,
        sizes: Sizes::Fixed(64),
        ..Data::default()
    };
    let plan = Plan {
        connections: 1,
        depth: DEPTH,
        data,
        requests: Some(REQUESTS),
        time: std::time::Duration::from_secs(300),
        seed,
        ..Plan::new(Target::Unix(peer.unix_socket()), vec![::load::Command::new(command, 1)])
    };
    let outcome = ::load::run(&plan, false, |_| true)?;
    if let Some(failure) = outcome.first_error.as_ref().or(outcome.complaint.as_ref()) {
        bail!("{command}: {failure}");
    }
    if outcome.total().nils > 0 {
        bail!("{command}: {} answers were nil", outcome.total().nils);
    }
    Ok(())
}

/// Gives valgrind a command, which it has carried out when this returns.
fn order(peer: &Peer, what: &str) -> Result<()> {
    let output = Command::new("vgdb").arg(format!("--pid={}", peer.pid())).arg(what).output();
    let output = output.context("start vgdb, which comes with valgrind")?;
    if !output.status.success() {
        bail!("vgdb {what}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// The dumps of a number, by their threads: `<file>.<number>-<thread>`.
fn dumps(file: &Path, number: usize) -> Result<Threads> {
    let prefix = format!("{}.{number}-", file.file_name().unwrap_or_default().to_string_lossy());
    let mut threads = Threads::new();
    for entry in fs::read_dir(file.parent().context("a file in a folder")?)? {
        let entry = entry?;
        if let Some(thread) = entry.file_name().to_string_lossy().strip_prefix(&prefix) {
            let thread = thread.parse().with_context(|| format!("the thread of {:?}", entry.path()))?;
            threads.insert(thread, Dump::parse(&fs::read_to_string(entry.path())?));
        }
    }
    Ok(threads)
}

/// The thread that ran most for most commands.
fn busiest(commands: &[Threads]) -> Option<u32> {
    let mut wins = BTreeMap::<u32, usize>::new();
    for threads in commands {
        let most = threads.iter().max_by_key(|(_, dump)| dump.instructions);
        if let Some((&thread, _)) = most {
            *wins.entry(thread).or_default() += 1;
        }
    }
    wins.into_iter().max_by_key(|&(_, wins)| wins).map(|(thread, _)| thread)
}

/// What each thread ran.
type Threads = BTreeMap<u32, Dump>;

/// What a thread ran.
#[derive(Debug, Default)]
struct Dump {
    instructions: u64,
    /// By function, without its callees, most expensive first.
    functions: Vec<(String, u64)>,
}

impl Dump {
    /// Reads callgrind's format as far as it is needed: `fn=(number) name` begins a function, and has its name the first
    /// time; a line `place cost` is its own cost, but the one behind `calls=` is that of a call.
    fn parse(text: &str) -> Dump {
        let mut names: HashMap<&str, &str> = HashMap::new();
        let mut costs: HashMap<&str, u64> = HashMap::new();
        let (mut function, mut is_call, mut instructions) = ("", false, 0);
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("fn=").or_else(|| line.strip_prefix("cfn=")) {
                let (number, name) = rest.split_once(' ').unwrap_or((rest, ""));
                if !name.is_empty() {
                    names.insert(number, name);
                }
                if line.starts_with("fn=") {
                    function = number;
                }
            } else if line.starts_with("calls=") {
                is_call = true;
            } else if let Some(totals) = line.strip_prefix("totals: ") {
                instructions = totals.trim().parse().unwrap_or(0);
            } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
                let cost = line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok()).unwrap_or(0);
                if !std::mem::take(&mut is_call) {
                    *costs.entry(function).or_default() += cost;
                }
            }
        }
        let name = |number: &str| names.get(number).copied().unwrap_or("code without a name").to_owned();
        let mut functions: Vec<(String, u64)> =
            costs.into_iter().map(|(number, cost)| (name(number), cost)).collect();
        functions.sort_by_key(|(name, cost)| (std::cmp::Reverse(*cost), name.clone()));
        Dump { instructions, functions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(pairs: &[(&str, f64)]) -> Counts {
        pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn what_is_dearer_fails_and_what_is_cheaper_is_told() {
        let kept = counts(&[("GET", 1000.0), ("SET", 1000.0), ("DEL", 1000.0)]);
        let now = counts(&[("GET", 1029.0), ("SET", 1031.0), ("DEL", 900.0), ("NEW", 5.0)]);
        let (table, dearer) = compare(&kept, &now);
        assert_eq!(dearer, [format!("NEW is not in {FILE}"), "SET".to_owned()]);
        assert!(table.contains("DEL is cheaper") && table.contains("+3.1"), "{table}");
    }

    #[test]
    fn the_file_is_read_as_it_is_written() {
        let kept = Kept {
            toolchain: "rustc 1.2.3 for x".to_owned(),
            counts: counts(&[("LRANGE of 100", 5.0), ("GET", 1234.0)]),
        };
        assert_eq!(Kept::parse(&kept.text()).expect("fine"), kept);
        assert!(Kept::parse("x\nGET\n").is_err());
    }

    #[test]
    fn a_dump_tells_functions_from_their_calls() {
        let text = "events: Ir\nfn=(1) run\n16 10\n+3 5\ncfn=(2) call\ncalls=1 0\n* 100\n\nfn=(2)\n0 60\n\
                    cfn=(3)\ncalls=2 7\n+1 40\nfn=(3) leaf\n7 40\nfn=(1)\n20 2\n\ntotals: 117\n";
        let dump = Dump::parse(text);
        assert_eq!(dump.instructions, 117);
        let functions: Vec<(&str, u64)> =
            dump.functions.iter().map(|(name, cost)| (name.as_str(), *cost)).collect();
        assert_eq!(functions, [("call", 60), ("leaf", 40), ("run", 17)]);
    }

    #[test]
    fn a_thread_that_is_busy_for_one_command_is_not_the_worker() {
        let ran = |counts: [u64; 3]| -> Threads {
            let dump = |(thread, instructions)| (thread, Dump { instructions, ..Dump::default() });
            (1..).zip(counts).map(dump).collect()
        };
        assert_eq!(busiest(&[ran([0, 50, 1]), ran([900, 60, 2]), ran([3, 40, 39])]), Some(2));
        assert_eq!(busiest(&[]), None);
    }

    #[test]
    fn every_case_is_in_the_file() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("counts.txt");
        let kept = Kept::parse(&fs::read_to_string(file).expect("it is there")).expect("fine");
        let mut names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
        names.sort_unstable();
        assert!(kept.counts.keys().eq(names), "cargo xtask bench counts --update");
    }
}
