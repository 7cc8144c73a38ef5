//! The parts that the threads of a node share, put together.

use crate::board::Board;
use crate::cx::{RunServer, ServerCommand, ServerCx};
use crate::ending::Ending;
use crate::gauges::Gauges;
use crate::listening::Listening;
use acl::CurrentUser;
use command_table::{Command, CommandTable, OwnRun};
use commands::Error;
use config::{Config, LoadError};
use engine::cx::{Flow, Host, OwnCx};
use engine::log::Log;
use engine::{Engine, random_u64};
use persistence::Persistence;
use replica_threads::{OwnAddress, Replicas};
use session::Client;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use supervision::Endpoint;

/// The engine, and what stands around it.
pub struct Server {
    /// Data, clients, and the commands that run.
    pub engine: Arc<Engine>,
    /// What runs the commands that are about the server, by [`OwnRun`].
    own_runs: Vec<RunServer>,
    /// Where connections are dealt.
    pub board: Arc<Board>,
    /// Rates and peaks.
    pub gauges: Gauges,
    /// What clients connect to.
    pub listening: Listening,
    /// When data is written to a file.
    pub persistence: Arc<Persistence>,
    /// Whom it feeds, and whom it follows.
    pub replicas: Arc<Replicas>,
    /// Facts of the start.
    pub start: Start,
    /// Somebody's wish that the node ends.
    pub end: Ending,
}

/// Facts of the start.
#[derive(Debug)]
pub struct Start {
    /// When it was.
    pub instant: Instant,
    /// Memory in use before any data, in bytes.
    pub used_bytes: u64,
    /// 40 hexadecimal digits, new at every start.
    pub run_id: String,
    /// The program.
    pub executable: PathBuf,
    /// The file that the configuration came from.
    pub config_file: Option<PathBuf>,
    /// An agent started the node and decides its role.
    pub is_managed: bool,
    /// `io_uring`, `epoll` or `poll`.
    pub backend: std::sync::OnceLock<&'static str>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl Deref for Server {
    type Target = Engine;

    #[inline]
    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl Host for Server {
    #[inline]
    fn run_own(&self, run: OwnRun, cx: OwnCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
        let OwnCx { local, client, command, guard, in_exec } = cx;
        self.own_runs[run.0](&mut ServerCx { server: self, local, client, command, guard, in_exec }, argv)
    }

    #[inline]
    fn elsewhere(&self, client: &Client, command: &'static Command, is_write: bool) -> Option<Error> {
        crate::redirection::elsewhere(self, client, command, is_write)
    }
}

/// What is needed to make a [`Server`].
pub struct Ingredients {
    /// Its configuration.
    pub config: Config,
    /// How many threads serve clients.
    pub workers: usize,
    /// Where it says what happens.
    pub log: Log,
    /// The program.
    pub executable: PathBuf,
    /// The file that the configuration came from.
    pub config_file: Option<PathBuf>,
    /// An agent started the node and decides its role.
    pub is_managed: bool,
}

impl Server {
    /// A server with these commands besides those about data, as the configuration renames them; it serves nobody yet.
    ///
    /// # Errors
    /// When a command can't be renamed.
    pub fn new(
        ingredients: Ingredients,
        commands: impl IntoIterator<Item = &'static ServerCommand>,
    ) -> Result<Server, LoadError> {
        let Ingredients { config, workers, log, executable, config_file, is_managed } = ingredients;
        let (mut commands, own_runs) = CommandTable::new(config.profile(), commands.into_iter());
        for line in config.renames() {
            let [_, from, to] = line.arguments.as_slice() else {
                unreachable!("such a line has three words")
            };
            let renamed = commands.rename(from, to);
            renamed.map_err(|error| config.wrong(line, line.text.clone(), error.to_string()))?;
        }
        let run_id = (0..5).map(|_| format!("{:016x}", random_u64())).collect::<String>()[..40].to_owned();
        let gathers = config.settings().gather_connections;
        let engine = Arc::new(Engine::new(config, commands, workers, log));
        let persistence = Arc::new(Persistence::new(engine.clone(), is_managed));
        let own_address = Arc::new(OwnAddress::default());
        let replicas = Arc::new(Replicas::new(persistence.clone(), engine.clone(), own_address.clone()));
        Ok(Server {
            engine,
            own_runs,
            board: Arc::new(Board::new(workers, gathers)),
            gauges: Gauges::default(),
            listening: Listening::new(own_address),
            persistence,
            replicas,
            start: Start {
                instant: Instant::now(),
                used_bytes: memory::used_bytes(),
                run_id,
                executable,
                config_file,
                is_managed,
                backend: std::sync::OnceLock::new(),
            },
            end: Ending::default(),
        })
    }

    /// Who a connection is that has not said so, and whether it is that without a password. The own listeners of a managed node are
    /// its agent's and its replicas', whatever its users may do.
    pub fn newcomer(&self, endpoint: Option<Endpoint>) -> (CurrentUser, bool) {
        match self.start.is_managed && endpoint.is_none() {
            true => (CurrentUser::trusted(&self.access.catalogue), true),
            false => self.access.newcomer(),
        }
    }

    /// Makes the configuration's settings those of the node.
    pub fn publish_settings(&self, config: &Config) {
        self.replicas.publish_settings(config);
    }
}
