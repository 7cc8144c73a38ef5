//! The node: the engine, and what stands around it.

use crate::cx::{NodeCx, RunNode};
use crate::gauges::Gauges;
use crate::listening::Listening;
use crate::managed::Managed;
use crate::wishes::Ending;
use command_table::{Command, CommandTable, OwnRun};
use commands::Error;
use config::Config;
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

/// The node.
pub(crate) struct Shared {
    pub(crate) engine: Arc<Engine>,
    /// What runs the node's own commands, by [`OwnRun`].
    own_runs: Vec<RunNode>,
    pub(crate) gauges: Gauges,
    pub(crate) listening: Listening,
    pub(crate) persistence: Arc<Persistence>,
    /// What a managed node has beyond others.
    pub(crate) managed: Option<Managed>,
    pub(crate) replicas: Arc<Replicas>,
    pub(crate) start: Start,
    /// Somebody's wish that the node ends.
    pub(crate) end: Ending,
}

/// Facts of the start.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) instant: Instant,
    /// Memory in use before any data, in bytes.
    pub(crate) used_bytes: u64,
    /// 40 hexadecimal digits, new at every start.
    pub(crate) run_id: String,
    pub(crate) executable: PathBuf,
    pub(crate) config_file: Option<PathBuf>,
    /// `io_uring`, `epoll` or `poll`.
    pub(crate) backend: std::sync::OnceLock<&'static str>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl Deref for Shared {
    type Target = Engine;

    #[inline]
    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl Host for Shared {
    #[inline]
    fn run_own(&self, run: OwnRun, cx: OwnCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
        let OwnCx { local, client, command, guard, in_exec } = cx;
        self.own_runs[run.0](&mut NodeCx { shared: self, local, client, command, guard, in_exec }, argv)
    }

    fn elsewhere(&self, client: &Client, command: &'static Command, is_write: bool) -> Option<Error> {
        crate::commands::elsewhere(self, client, command, is_write)
    }
}

/// What is needed to make a [`Shared`].
pub(crate) struct Ingredients {
    pub(crate) config: Config,
    pub(crate) workers: usize,
    pub(crate) log: Log,
    pub(crate) executable: PathBuf,
    pub(crate) config_file: Option<PathBuf>,
    pub(crate) managed: Option<Managed>,
}

impl Shared {
    pub(crate) fn new(ingredients: Ingredients) -> Shared {
        let Ingredients { config, workers, log, executable, config_file, managed } = ingredients;
        let (commands, own_runs) = CommandTable::new(config.profile(), crate::commands::all());
        let run_id = (0..5).map(|_| format!("{:016x}", random_u64())).collect::<String>()[..40].to_owned();
        let engine = Arc::new(Engine::new(config, commands, workers, log));
        let persistence = Arc::new(Persistence::new(engine.clone(), managed.is_some()));
        let own_address = Arc::new(OwnAddress::default());
        let replicas = Arc::new(Replicas::new(persistence.clone(), engine.clone(), own_address.clone()));
        Shared {
            engine,
            own_runs,
            gauges: Gauges::default(),
            listening: Listening::new(own_address),
            persistence,
            managed,
            replicas,
            start: Start {
                instant: Instant::now(),
                used_bytes: memory::used_bytes(),
                run_id,
                executable,
                config_file,
                backend: std::sync::OnceLock::new(),
            },
            end: Ending::default(),
        }
    }

    /// Makes the configuration's settings those of the node.
    pub(crate) fn publish_settings(&self, config: &Config) {
        self.replicas.publish_settings(config);
    }
}
