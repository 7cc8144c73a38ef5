//! MIGRATE to another session: what it sends, what it believes, and what is gone afterwards.

use command_tests::Session;
use commands::{Effort, Error, Flow, Lost, Peer, Peers, Progress};
use profile::Profile;
use resp::{Args, Limits, Parsed, Parser};
use std::collections::VecDeque;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What becomes of a connection.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// It takes nothing.
    Write(Lost),
    /// It ends after so many lines.
    Read(usize, Lost),
}

#[derive(Debug, Default)]
struct State {
    /// What becomes of the next connections.
    faults: VecDeque<Fault>,
    /// How many connections were asked for.
    connects: usize,
    /// How a connection was kept.
    kept: Option<Option<i64>>,
    requests: Vec<String>,
    /// What it answers, whatever it is asked.
    says: Option<Vec<u8>>,
}

type Job = Box<dyn FnOnce(&mut Session) + Send>;

/// Another server, which knows the user `u` with the password `p`. It has a thread of its own, since MIGRATE holds locks here while
/// it waits for the locks there.
#[derive(Clone)]
struct Other {
    jobs: Sender<Job>,
    state: Arc<Mutex<State>>,
}

impl std::fmt::Debug for Other {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Other").finish_non_exhaustive()
    }
}

struct Connection {
    other: Other,
    fault: Option<Fault>,
    db: Option<i64>,
    sent: Vec<u8>,
    lines: VecDeque<Vec<u8>>,
    read: usize,
}

impl Peers for Other {
    fn connect<'p>(
        &'p self,
        host: &[u8],
        port: &[u8],
        timeout: Duration,
    ) -> Result<Box<dyn Peer + 'p>, Lost> {
        assert_eq!((host, port), (b"there".as_slice(), b"6379".as_slice()));
        assert_eq!(timeout, Duration::from_millis(500));
        let mut state = self.state.lock().unwrap();
        state.connects += 1;
        let (fault, db) = (state.faults.pop_front(), state.kept.take().flatten());
        let (sent, lines) = (Vec::new(), VecDeque::new());
        Ok(Box::new(Connection { other: self.clone(), fault, db, sent, lines, read: 0 }))
    }
}

impl Peer for Connection {
    fn db(&self) -> Option<i64> {
        self.db
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Lost> {
        if let Some(Fault::Write(lost)) = self.fault {
            return Err(lost);
        }
        self.sent.extend_from_slice(bytes);
        let (mut args, mut parser) = (Args::new(), Parser::new());
        let limits = Limits { authenticated: true, ..Limits::default() };
        while let Ok(Parsed::Request(request)) = parser.parse(&self.sent, &limits, &mut args) {
            let argv: Vec<Vec<u8>> = args.iter(&request, &self.sent).map(<[u8]>::to_vec).collect();
            let words: Vec<String> = argv.iter().map(|word| word.escape_ascii().to_string()).collect();
            let shown = words.iter().enumerate().filter(|(at, _)| words[0] != "RESTORE" || *at != 3);
            let shown: Vec<&str> = shown.map(|(_, word)| word.as_str()).collect();
            self.other.state.lock().unwrap().requests.push(shown.join(" "));
            let reply = match words[0].as_str() {
                "AUTH" if words[1..] == ["p"] || words[1..] == ["u", "p"] => b"+OK\r\n".to_vec(),
                "AUTH" => b"-WRONGPASS invalid\r\n".to_vec(),
                _ => self.other.with(move |session| session.call(&argv)),
            };
            self.lines.push_back(reply[..reply.len() - 2].to_vec());
            self.sent.drain(..request.consumed);
            args.clear();
        }
        Ok(())
    }

    fn line(&mut self) -> Result<Vec<u8>, Lost> {
        if let Some(Fault::Read(after, lost)) = self.fault
            && self.read >= after
        {
            return Err(lost);
        }
        self.read += 1;
        let line = self.lines.pop_front().ok_or(Lost::TimedOut)?;
        Ok(self.other.state.lock().unwrap().says.clone().unwrap_or(line))
    }

    fn keep(self: Box<Self>, db: Option<i64>) {
        self.other.state.lock().unwrap().kept = Some(db);
    }
}

fn sessions() -> (Session, Other) {
    let (jobs, received) = channel::<Job>();
    std::thread::spawn(move || {
        let mut session = Session::new(Profile::Valkey80);
        received.into_iter().for_each(|job| job(&mut session));
    });
    let other = Other { jobs, state: Arc::default() };
    let mut here = Session::new(Profile::Valkey80);
    here.peers = Box::new(other.clone());
    (here, other)
}

impl Other {
    fn line(&self, line: &str) -> String {
        let line = line.to_owned();
        self.with(move |session| session.line(&line))
    }

    fn with<R: Send + 'static>(&self, act: impl FnOnce(&mut Session) -> R + Send + 'static) -> R {
        let (answer, answered) = channel();
        let job = move |session: &mut Session| drop(answer.send(act(session)));
        self.jobs.send(Box::new(job)).expect("its thread lives as long as this");
        answered.recv().expect("it does not panic")
    }

    fn fault(&self, fault: Fault) {
        self.state.lock().unwrap().faults.push_back(fault);
    }

    /// What was sent since the last time, without payloads.
    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }

    fn connects(&self) -> usize {
        std::mem::take(&mut self.state.lock().unwrap().connects)
    }
}

fn replicated(session: &Session) -> Vec<String> {
    let commands = command_tests::effects::commands(session.scratch().effects.bytes());
    commands.iter().map(|words| words.join(" ")).collect()
}

#[test]
fn a_key_goes_with_its_value_and_its_time() {
    let (mut here, other) = sessions();
    here.line("RPUSH l a b");
    here.line("PEXPIRE l 7000");
    assert_eq!(here.line("MIGRATE there 6379 l 0 500"), "OK");
    assert_eq!(replicated(&here), ["DEL l"]);
    assert_eq!(here.line("EXISTS l"), "(integer) 0");
    assert_eq!(other.line("LRANGE l 0 -1"), "1) \"a\"\n2) \"b\"");
    assert_eq!(other.line("PTTL l"), "(integer) 7000");
    assert_eq!(other.requests(), ["SELECT 0", "RESTORE l 7000"]);
}

#[test]
fn a_copy_stays_and_a_replacement_replaces() {
    let (mut here, other) = sessions();
    here.line("SET a here");
    other.line("SET a there");
    let busy = "(error) ERR Target instance replied with error: BUSYKEY Target key name already exists.";
    assert_eq!(here.line("MIGRATE there 6379 a 0 500"), busy);
    assert_eq!(here.line("GET a"), "\"here\"");
    assert_eq!(here.line("MIGRATE there 6379 a 0 500 COPY REPLACE"), "OK");
    assert_eq!(replicated(&here), Vec::<String>::new());
    assert_eq!(here.line("GET a"), "\"here\"");
    assert_eq!(other.line("GET a"), "\"here\"");
}

#[test]
fn of_several_keys_those_go_that_the_other_side_takes() {
    let (mut here, other) = sessions();
    here.line("MSET {k}a 1 {k}b 2 {k}c 3");
    other.line("SET {k}b there");
    let busy = "(error) ERR Target instance replied with error: BUSYKEY Target key name already exists.";
    let line = "MIGRATE there 6379 \"\" 0 500 KEYS {k}a {k}b {k}none {k}c {k}a";
    // A key that is named twice is there when it comes again.
    assert_eq!(here.line(line), busy);
    assert_eq!(replicated(&here), ["DEL {k}a {k}c"]);
    assert_eq!(here.line("EXISTS {k}a {k}b {k}c"), "(integer) 1");
    assert_eq!(other.line("MGET {k}a {k}b {k}c"), "1) \"1\"\n2) \"there\"\n3) \"3\"");
    assert_eq!(here.line("MIGRATE there 6379 \"\" 0 500 REPLACE KEYS {k}b {k}b"), "OK");
    assert_eq!(replicated(&here), ["DEL {k}b"]);
    assert_eq!(here.line("MIGRATE there 6379 \"\" 0 500 KEYS {k}a {k}b"), "NOKEY");
    // The effects of the command behind a half failure are its own.
    here.line("MSET {k}a 1 {k}b 2");
    assert_eq!(replicated(&here), ["MSET {k}a 1 {k}b 2"]);
}

#[test]
fn a_connection_that_is_kept_has_its_database_selected() {
    let (mut here, other) = sessions();
    here.line("MSET {k}a 1 {k}b 2 {k}c 3");
    assert_eq!(here.line("MIGRATE there 6379 {k}a 5 500"), "OK");
    assert_eq!(here.line("MIGRATE there 6379 {k}b 5 500"), "OK");
    assert_eq!(other.requests(), ["SELECT 5", "RESTORE {k}a 0", "RESTORE {k}b 0"]);
    let wrong = "(error) ERR Target instance replied with error: WRONGPASS invalid";
    assert_eq!(here.line("MIGRATE there 6379 {k}c 0 500 AUTH2 u wrong"), wrong);
    assert_eq!(here.line("EXISTS {k}c"), "(integer) 1");
    assert_eq!(other.requests(), ["AUTH u wrong", "SELECT 0", "RESTORE {k}c 0"]);
    assert_eq!(other.state.lock().unwrap().kept, Some(None), "its database is not known any more");
    other.line("DEL {k}c");
    assert_eq!(here.line("MIGRATE there 6379 {k}c 0 500 AUTH2 u p REPLACE"), "OK");
    assert_eq!(other.requests(), ["AUTH u p", "SELECT 0", "RESTORE {k}c 0 REPLACE"]);
}

#[test]
fn a_connection_that_ends_is_tried_once_more() {
    let (mut here, other) = sessions();
    let reading = "(error) IOERR error or timeout reading to target instance";
    let writing = "(error) IOERR error or timeout writing to target instance";
    let mut check = |faults: &[Fault], reply: &str, connects: usize| {
        other.line("DEL {k}a {k}b");
        here.line("MSET {k}a 1 {k}b 2");
        faults.iter().for_each(|&fault| other.fault(fault));
        assert_eq!(here.line("MIGRATE there 6379 \"\" 0 500 REPLACE KEYS {k}a {k}b"), reply, "{faults:?}");
        assert_eq!(other.connects(), connects, "{faults:?}");
        other.state.lock().unwrap().kept = None;
        here.line("MGET {k}a {k}b")
    };
    let (gone, there, half) = ("1) (nil)\n2) (nil)", "1) \"1\"\n2) \"2\"", "1) (nil)\n2) \"2\"");
    let (closed, late) = (Lost::Closed, Lost::TimedOut);
    assert_eq!(check(&[Fault::Write(closed)], "OK", 2), gone);
    assert_eq!(check(&[Fault::Write(closed), Fault::Write(closed)], writing, 2), there);
    assert_eq!(check(&[Fault::Write(late)], writing, 1), there);
    assert_eq!(check(&[Fault::Read(0, closed)], "OK", 2), gone);
    assert_eq!(check(&[Fault::Read(1, closed)], "OK", 2), gone);
    assert_eq!(check(&[Fault::Read(1, late)], reading, 1), there);
    // One key was confirmed: it is there, and the other one may be.
    assert_eq!(check(&[Fault::Read(2, closed)], reading, 1), half);
    assert_eq!(check(&[Fault::Read(2, late)], reading, 1), half);
}

#[test]
fn only_consent_moves_a_key() {
    let (mut here, other) = sessions();
    here.line("SET a 1");
    other.state.lock().unwrap().says = Some(b"HTTP/1.1 400 Bad Request".to_vec());
    let odd = "(error) ERR Target instance replied with error: HTTP/1.1 400 Bad Request";
    assert_eq!(here.line("MIGRATE there 6379 a 0 500"), odd);
    assert_eq!(here.line("GET a"), "\"1\"");
}

#[test]
fn it_is_not_run_where_others_wait() {
    let (mut here, other) = sessions();
    here.line("SET a 1");
    here.effort = Effort::SHORT;
    let mut run = |line| here.piece(line, &mut Progress::default(), &mut Vec::new());
    assert_eq!(run("MIGRATE there 6379 a 0 500").unwrap_err(), Error::Lengthy);
    assert!(matches!(run("MIGRATE there 6379 none 0 500"), Ok(Flow::Done)));
    assert_eq!(other.connects(), 0);
}

#[test]
fn large_values_are_sent_in_pieces() {
    let (mut here, other) = sessions();
    let value = "x".repeat(100_000);
    here.line("CONFIG SET rdbcompression no");
    for key in ["{k}a", "{k}b", "{k}c"] {
        here.call(&["SET", key, &value]);
    }
    assert_eq!(here.line("MIGRATE there 6379 \"\" 0 500 KEYS {k}a {k}b {k}c"), "OK");
    assert_eq!(other.line("STRLEN {k}c"), "(integer) 100000");
}
