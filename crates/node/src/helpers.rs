//! Threads that run what takes long, so that no worker does while its clients wait.
//!
//! ```text
//!   worker: a command would take long ─▶ client, with its request ─▶ queue ─▶ helper: frames and runs it as a worker would
//!   worker: next turn ◀── client, and what became of the command ◀── returned ◀──┘
//! ```
//! A client is lent as a whole: with its replies so far, its database and its account, so a helper does with it what its worker
//! would have done, by the same function ([`engine::exec::process`]): it is admitted, takes its locks, leaves effects, is
//! counted and noted. Nobody else touches the client meanwhile, so that its own commands stay in order. A helper waits for
//! nothing but a next client: what cannot run now goes back to the worker, who knows when to try again.
//!
//! Helpers are threads of the keyspace like workers, with numbers and [`Local`]s of their own. There are as many as workers, up
//! to [`engine::HELPERS`], each started when there is more to do than those that are there can take.

use crate::limits;
use command_table::Resolved;
use engine::exec::{self, Local, Next};
use engine::lazyfree::LazyFree;
use engine::{HELPERS, Moment, unix_ms};
use resp::{Args, Parsed, Parser};
use server::Server;
use session::{Client, Source};
use std::collections::VecDeque;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often a helper tries again to serve clients whose slots are busy.
const RETRY: Duration = Duration::from_millis(1);

/// A client that comes back, and what became of its command.
pub(crate) type Returned = (Box<Client>, Next);

/// See the module's essay.
pub(crate) struct Helpers {
    server: Arc<Server>,
    lazyfree: LazyFree,
    state: Mutex<State>,
    /// There is something to do, or nothing any more.
    changed: Condvar,
    /// By worker.
    returned: Box<[Mutex<Vec<Returned>>]>,
}

#[derive(Default)]
struct State {
    /// Clients, with the worker of each.
    queue: VecDeque<(Box<Client>, usize)>,
    /// Threads that wait for one.
    idle: usize,
    threads: Vec<JoinHandle<()>>,
    is_over: bool,
}

impl fmt::Debug for Helpers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Helpers").finish_non_exhaustive()
    }
}

impl Helpers {
    pub(crate) fn new(server: &Arc<Server>, lazyfree: LazyFree) -> Arc<Helpers> {
        Arc::new(Helpers {
            server: server.clone(),
            lazyfree,
            state: Mutex::default(),
            changed: Condvar::new(),
            returned: (0..server.workers()).map(|_| Mutex::default()).collect(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the next command of a worker's client run. The client comes back at once when there is no thread for it.
    pub(crate) fn lend(self: &Arc<Self>, client: Box<Client>, worker: usize) -> Result<(), Box<Client>> {
        let mut state = self.state();
        let most = self.server.workers().min(HELPERS);
        if state.queue.len() >= state.idle && state.threads.len() < most {
            let number = state.threads.len();
            // Those that are there have to do then.
            if let Ok(thread) = self.start(number) {
                state.threads.push(thread);
            }
        }
        if state.threads.is_empty() || state.is_over {
            return Err(client);
        }
        state.queue.push_back((client, worker));
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    fn start(self: &Arc<Self>, number: usize) -> std::io::Result<JoinHandle<()>> {
        let helpers = self.clone();
        let run = move || {
            let guarded = std::panic::catch_unwind(AssertUnwindSafe(|| helpers.run(number)));
            if let Err(panic) = guarded {
                engine::panics::abort_after(&helpers.server, &format!("helper-{number}"), panic.as_ref());
            }
        };
        std::thread::Builder::new().name(format!("helper-{number}")).spawn(run)
    }

    /// Takes what has come back to a worker.
    pub(crate) fn take_back(&self, worker: usize) -> Vec<Returned> {
        std::mem::take(&mut *self.returned[worker].lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends all threads, each when its command is over.
    pub(crate) fn stop(&self) {
        let mut state = self.state();
        state.is_over = true;
        state.queue.clear();
        let threads = std::mem::take(&mut state.threads);
        drop(state);
        self.changed.notify_all();
        for thread in threads {
            // A panic has ended the process.
            let _ = thread.join();
        }
    }

    fn next(&self) -> Option<(Box<Client>, usize)> {
        let mut state = self.state();
        state.idle += 1;
        while !state.is_over && state.queue.is_empty() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.idle -= 1;
        if state.is_over { None } else { state.queue.pop_front() }
    }

    fn run(&self, number: usize) {
        let server = &self.server;
        let thread = server.thread_of_helper(number);
        let mut local = Local::new(&server.engine, thread, self.lazyfree.clone());
        let mut args = Args::new();
        while let Some((mut client, worker)) = self.next() {
            local.clock = Moment::now();
            local.now_ms = unix_ms();
            local.yielded = None;
            local.refresh(server);
            server.stats.begin_turn(thread, local.now_ms);
            let next = run_next(server, &mut local, &mut client, &mut args);
            local.leave(server);
            server.stats.end_turn(thread);
            self.returned[worker].lock().unwrap_or_else(PoisonError::into_inner).push((client, next));
            server.mailboxes[worker].wake();
            self.serve_unserved(&mut local);
        }
    }

    /// Serves clients that wait for what the command has pushed, when it did not hold their locks.
    fn serve_unserved(&self, local: &mut Local) {
        while !local.unserved.is_empty() && !self.state().is_over {
            exec::serve_unserved(&self.server, local);
            local.leave(&self.server);
            if !local.unserved.is_empty() {
                std::thread::park_timeout(RETRY);
            }
        }
    }
}

/// Runs the request at the front of what a client has sent.
fn run_next(server: &Server, local: &mut Local, client: &mut Client, args: &mut Args) -> Next {
    args.clear();
    let limits = resp::Limits {
        max_bulk_len: local.settings.proto_max_bulk_len_bytes as i64,
        authenticated: client.authenticated,
        ..resp::Limits::default()
    };
    let own = std::mem::take(&mut client.inbuf);
    let (mut start, mut parser) = (client.skip, Parser::new());
    let request = loop {
        match parser.parse(&own[start..], &limits, args) {
            Ok(Parsed::Skip { consumed }) => start += consumed,
            Ok(Parsed::Request(request)) => break request,
            // Its worker, which has framed it before, does so again.
            Ok(Parsed::Incomplete { .. }) | Err(_) => {
                client.inbuf = own;
                return Next::Continue;
            }
        }
    };
    let argv: Vec<&[u8]> = args.iter(&request, &own[start..]).collect();
    let next = match server.commands.resolve(&argv) {
        Ok(command) => {
            let request = Resolved::new(command, &argv, &[]);
            exec::process(server, local, client, Ok(&request), &argv)
        }
        Err(unknown) => exec::process(server, local, client, Err(unknown), &argv),
    };
    drop(argv);
    client.inbuf = own;
    if !matches!(next, Next::Stall(_)) {
        client.consumed = start + request.consumed;
        client.source = Source::Own;
        limits::consume(client);
        client.source = Source::None;
        (client.consumed, client.parsed) = (0, 0);
    }
    next
}
