//! A client and its node in one process: a keyspace, a clock that stands where it is put, and what the node does
//! around a command (finding it, arity, locks).

use command_spec::{KeyFlags, Need, Table, keys};
use commands::{Cx, Effort, Error, Flow, Handler, Lost, Options, Peer, Peers, Piece, Progress, Random, run};
use config::{Asker, Config, Settings};
use keyspace::{EventClass, Expiry, ITSELF, Keys, KeysContext, Keyspace, Scratch, Standing};
use profile::Profile;
use resp::{Proto, Writer};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use topology::Slot;

/// Any time will do; this one is in November 2023.
pub const NOON_MS: u64 = 1_700_000_000_000;
/// Rests of replies come in pieces as small as this.
const PIECE_BYTES: usize = 100;
/// The only thread.
const THREAD: usize = 0;

/// Nowhere is there another server.
#[derive(Debug)]
struct Alone;

impl Peers for Alone {
    fn connect<'p>(&'p self, _: &[u8], _: &[u8], _: Duration) -> Result<Box<dyn Peer + 'p>, Lost> {
        Err(Lost::Closed)
    }
}

/// One client of a node of its own.
#[derive(Debug)]
pub struct Session {
    space: Arc<Keyspace>,
    table: Table<Handler>,
    scratch: Scratch,
    random: Random,
    db: u16,
    config: Config,
    /// The parameters.
    pub settings: Settings,
    options: Options,
    /// How replies are written.
    pub proto: Proto,
    /// How long commands may take.
    pub effort: Effort,
    /// The clock, Unix time in ms.
    pub now_ms: u64,
    /// What becomes of expired keys: who the node is.
    pub expiry: Expiry,
    /// Whether the client leaves access clocks alone.
    pub no_touch: bool,
    /// Other servers.
    pub peers: Box<dyn Peers + Send>,
    /// Who cuts replies off, if anybody.
    pub meter: Option<crate::endless::Strict>,
}

impl Session {
    /// An empty node of this profile, whose effects are all asked for.
    pub fn new(profile: Profile) -> Session {
        let config = Config::new(profile);
        let mut scratch = Scratch::default();
        scratch.effects.replicating = true;
        scratch.effects.wanted = EventClass::all();
        Session {
            space: Arc::new(Keyspace::new(16, 1)),
            table: Table::new(data_commands::all()),
            scratch,
            random: Random::new(0x5eed),
            db: 0,
            options: Options::new(profile, config.settings()),
            settings: Settings::clone(config.settings()),
            config,
            effort: Effort::ANY,
            proto: Proto::Resp2,
            now_ms: NOON_MS,
            expiry: Expiry::Delete,
            no_touch: false,
            peers: Box::new(Alone),
            meter: None,
        }
    }

    /// What the last command did.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// Its keyspace, between commands.
    pub fn space(&self) -> &Keyspace {
        &self.space
    }

    /// The same for other threads.
    pub fn share_space(&self) -> Arc<Keyspace> {
        self.space.clone()
    }

    /// Does something alone in the world.
    pub fn in_world<R>(&self, act: impl FnOnce(&Keyspace, &mut keyspace::Guard<'_>) -> R) -> R {
        let mut standing = Standing::new(THREAD);
        assert!(standing.claim(&*self.space, ITSELF, 0), "nobody else is there");
        let mut guard = standing.world(&self.space);
        let result = act(&self.space, &mut guard);
        drop(guard);
        standing.release(&*self.space);
        result
    }

    /// Forgets all keys, and what sections of transcripts have set.
    pub fn reset(&mut self) {
        let profile = self.options.profile;
        *self = Session { now_ms: self.now_ms, ..Session::new(profile) };
    }

    /// Runs a line, quoted as in redis-cli; the reply as redis-cli prints it.
    ///
    /// # Panics
    /// No data command has this name.
    pub fn line(&mut self, line: &str) -> String {
        let words = resp::split_quoted(line.as_bytes()).expect("balanced quotes");
        crate::printed::lines(&self.call(&words)).join("\n")
    }

    /// Runs a command; the reply as bytes.
    ///
    /// # Panics
    /// No data command has this name.
    pub fn call<A: AsRef<[u8]>>(&mut self, argv: &[A]) -> Vec<u8> {
        let argv: Vec<&[u8]> = argv.iter().map(AsRef::as_ref).collect();
        let mut reply = Vec::new();
        self.scratch.effects.take();
        if self.session_command(&argv) {
            Writer::new(&mut reply, self.proto).ok();
            return reply;
        }
        if let Err(error) | Ok(Flow::Failed(error)) = self.execute(&argv, &mut reply, None) {
            assert!(reply.is_empty(), "{argv:?} answered and failed");
            Writer::new(&mut reply, self.proto).error_value(&error);
        }
        reply
    }

    /// The few commands of the node itself that transcripts need.
    fn session_command(&mut self, argv: &[&[u8]]) -> bool {
        let words: Vec<String> =
            argv.iter().map(|word| String::from_utf8_lossy(word).to_ascii_lowercase()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            ["select", db] => self.db = db.parse().expect("a database"),
            ["config", "set", parameter, value] => self.set(parameter, value),
            ["hello", version] => self.proto = if version == "3" { Proto::Resp3 } else { Proto::Resp2 },
            _ => return false,
        }
        true
    }

    /// CONFIG SET.
    fn set(&mut self, parameter: &str, value: &str) {
        self.config
            .set(&[(parameter, value)], Asker::default())
            .expect("a parameter and a value that it takes");
        self.settings = Settings::clone(self.config.settings());
        self.options = Options::new(self.options.profile, &self.settings);
    }

    /// Runs the next piece of a command that goes through the keyspace, as short as one can be.
    ///
    /// # Errors
    /// The command's.
    pub fn piece(&mut self, line: &str, progress: &mut Progress, reply: &mut Vec<u8>) -> Result<Flow, Error> {
        let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        self.scratch.effects.take();
        self.execute(&argv, reply, Some(progress))
    }

    fn execute(
        &mut self,
        argv: &[&[u8]],
        reply: &mut Vec<u8>,
        progress: Option<&mut Progress>,
    ) -> Result<Flow, Error> {
        let unknown = || panic!("no data command {}", argv[0].escape_ascii());
        let mut command = self.table.get(argv[0]).unwrap_or_else(unknown);
        let mut name = command.spec.name.to_owned();
        if argv.len() > 1
            && let Some(sub) = command.subcommand(argv[1])
        {
            command = sub;
            name = format!("{name}|{}", sub.spec.name);
        }
        if !command.spec.arity_fits(argv.len()) {
            return Err(Error::Arity(name.into()));
        }
        let mut slots = BTreeSet::new();
        keys::positions(command.spec, argv, |at, flags| {
            if !flags.contains(KeyFlags::NOT_KEY) {
                slots.insert(Slot::of(argv[at]));
            }
        });
        let slots: Vec<Slot> = slots.into_iter().collect();
        let mut standing = Standing::new(THREAD);
        let mut guard = match command.spec.actual_need(argv) {
            Need::World => {
                assert!(standing.claim(&*self.space, ITSELF, 0), "nobody else is there");
                standing.world(&self.space)
            }
            Need::SlotBySlot => self.space.walk_slots(),
            Need::Keys | Need::None => self.space.lock_many(&slots)?,
        };
        let context = KeysContext {
            thread: THREAD,
            db: self.db,
            now_ms: self.now_ms,
            expiry: self.expiry,
            lazy_expire: self.settings.lazyfree_lazy_expire,
            no_touch: self.no_touch,
            clock: self.options.clock,
        };
        let mut cx = Cx {
            keys: Keys::new(&self.space, &mut guard, &mut self.scratch, context),
            out: match &self.meter {
                Some(meter) => Writer::new(reply, self.proto).metered(meter),
                None => Writer::new(reply, self.proto),
            },
            settings: &self.settings,
            options: &self.options,
            random: &mut self.random,
            effort: self.effort,
            peers: &*self.peers,
            may_block: false,
            may_read_all_keys: true,
            piece: progress.map(|progress| Piece::new(progress, &|| true)),
            ready: None,
        };
        let mut result = run(command, &mut cx, argv);
        if let Ok(Flow::Rest(rest)) = &mut result {
            while rest.write(&mut cx.out, PIECE_BYTES) {}
        }
        drop(guard);
        standing.release(&*self.space);
        result
    }
}
