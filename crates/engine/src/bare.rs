//! An engine without a node around it, for tests: it has the data commands alone, and no threads.

use crate::cx::{Flow, Host, OwnCx};
use crate::engine::Engine;
use crate::log::Log;
use command_table::{Command, CommandTable, OwnRun};
use commands::Error;
use config::{Config, Loglevel, NoDirectives};
use profile::Profile;
use session::Client;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct Bare(pub(crate) Arc<Engine>);

impl Bare {
    /// With one worker; it writes to a log file, if any.
    pub(crate) fn new(log: Option<PathBuf>) -> Bare {
        Bare::speaking(Profile::Redis70, log)
    }

    /// The same, as another version.
    pub(crate) fn speaking(profile: Profile, log: Option<PathBuf>) -> Bare {
        let config = Config::load(profile, b"save \"\"", &mut NoDirectives).expect("valid");
        let (commands, _) = CommandTable::new::<()>(profile, std::iter::empty());
        let log = Log::open(log, Loglevel::Notice).expect("a log");
        Bare(Arc::new(Engine::new(config, commands, 1, log)))
    }
}

impl Deref for Bare {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.0
    }
}

impl Host for Bare {
    fn run_own(&self, run: OwnRun, _: OwnCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
        unreachable!("{run:?} of a table without own commands")
    }

    fn elsewhere(&self, _: &Client, _: &'static Command, _: bool) -> Option<Error> {
        None
    }
}
