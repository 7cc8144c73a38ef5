//! Who may do what: the users, the commands as their rules see them, and what was denied.
//!
//! ```text
//!   change_users ─▶ Users, generation + 1 ─┬▶ clients of users that are gone: closed
//!                                          └▶ each worker: clients that may no longer listen to something: closed
//!   a client's next command: its generation differs ─▶ it follows its user
//! ```
//! Each client has the rules of its user at hand, so a command takes no lock: it compares a number, and asks whether its user is
//! restricted at all.

use crate::cx::Host;
use crate::engine::Engine;
use crate::exec::Local;
use crate::stats::Counter;
use acl::log::{Denial, Log, Origin};
use acl::{Catalogue, CommandId, Context, CurrentUser, DEFAULT, Denied, Entry, Followed, User, Users};
use command_spec::KeyFlags;
use command_table::{Command, CommandTable, Key, Resolved};
use config::{AclPubsubDefault, Settings};
use keyspace::{Rank, RankedMutex, Ticket};
use profile::Profile;
use session::{Client, ClientShared, Message};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// See the module's essay.
#[derive(Debug)]
pub struct Access {
    /// The commands as rules see them.
    pub catalogue: Catalogue,
    users: RankedMutex<Users>,
    generation: AtomicU64,
    log: Mutex<Log>,
}

impl Access {
    /// The user `default` alone, with the password that the settings name.
    pub fn new(profile: Profile, commands: &CommandTable, settings: &Settings) -> Access {
        let catalogue = catalogue(profile, commands);
        let all_channels = settings.acl_pubsub_default == AclPubsubDefault::Allchannels;
        let mut users = Users::new(&catalogue, all_channels);
        users.set_requirepass(&catalogue, &settings.requirepass);
        let generation = AtomicU64::new(users.generation());
        Access { catalogue, users: RankedMutex::new(Rank::Users, users), generation, log: Mutex::default() }
    }

    /// The users. [`Engine::change_users`] changes them.
    pub fn users(&self) -> impl std::ops::Deref<Target = Users> {
        self.users.lock()
    }

    /// What was denied.
    pub fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who a connection is that has not said so, and whether it is that without a password.
    pub fn newcomer(&self) -> (CurrentUser, bool) {
        let user = self.users().current(DEFAULT).expect("the user default is always there");
        let authenticated = is_open(user.user());
        (user, authenticated)
    }

    /// Whether a connection that has not authenticated may run nothing.
    pub fn asks_for_password(&self) -> bool {
        !is_open(self.users().default_user())
    }

    /// Whether the user default needs no password: what protected mode guards.
    pub fn is_default_without_password(&self) -> bool {
        self.users().default_user().needs_no_password()
    }

    /// Makes a client the user of this name if the password is right; whether it was.
    pub fn authenticate(&self, client: &mut Client, name: &[u8], password: &[u8]) -> bool {
        let users = self.users();
        match users.authenticate(&self.catalogue, name, password) {
            Some(user) => {
                client.become_user(user, true);
                true
            }
            None => false,
        }
    }

    /// Whether a client's user has not changed since it was looked at last.
    #[inline]
    pub fn is_current(&self, client: &Client) -> bool {
        client.user.generation() == self.generation.load(Ordering::Acquire)
    }

    /// Brings a client's user up to date; `false` when the connection must end, because its user is gone or may no longer
    /// listen to something.
    #[cold]
    pub fn follow(&self, client: &mut Client) -> bool {
        let followed = self.users().follow(&mut client.user);
        match followed {
            Followed::Unchanged => true,
            Followed::Deleted => false,
            Followed::Changed => may_stay_subscribed(client),
        }
    }
}

/// The commands of a version as rules see them.
pub fn catalogue(profile: Profile, commands: &CommandTable) -> Catalogue {
    let entry = |command: &&'static Command| Entry::of(command.run.id, command.run.full_name, command.spec);
    Catalogue::new(profile, commands.by_id().iter().map(entry))
}

/// Whether clients need no password to be this user.
fn is_open(user: &User) -> bool {
    user.is_enabled() && user.needs_no_password()
}

fn may_stay_subscribed(client: &Client) -> bool {
    let user = client.user.user();
    client.subscriptions.as_ref().is_none_or(|subs| {
        subs.channels.iter().all(|channel| user.may_stay_subscribed(channel, false))
            && subs.patterns.iter().all(|pattern| user.may_stay_subscribed(pattern, true))
    })
}

impl Engine {
    /// Changes the users, and has connections follow: those of users that are gone are closed, but for `own`'s, which is to end
    /// by itself when the second answer is `true`.
    pub fn change_users<R>(
        &self,
        own: Option<u64>,
        change: impl FnOnce(&mut Users, &Catalogue) -> R,
    ) -> (R, bool) {
        let mut users = self.access.users.lock();
        let before = users.generation();
        let outcome = change(&mut users, &self.access.catalogue);
        if users.generation() == before {
            return (outcome, false);
        }
        self.access.generation.store(users.generation(), Ordering::Release);
        let mut own_ends = false;
        // Whoever becomes a user does so under this lock, so none of its clients is missed.
        for client in self.clients.all() {
            let Some(mut user) = client.names().user.clone() else { continue };
            if users.follow(&mut user) != Followed::Deleted {
                continue;
            }
            if Some(client.id) == own {
                own_ends = true;
            } else if !client.killed.swap(true, Ordering::Relaxed) {
                self.mailboxes[client.worker()].post(Message::Kill(client.id));
            }
        }
        self.mailboxes.iter().for_each(|mailbox| mailbox.post(Message::UsersChanged));
        (outcome, own_ends)
    }

    /// Notes a denial in the log.
    pub fn note_denial(&self, local: &Local, client: &ClientShared, argv: &[&[u8]], denial: Denial<'_>) {
        let mut line = Vec::new();
        crate::client_line::write(self, local.now_ms, Some(argv), client, &mut line);
        let denial = Denial { client: line.trim_ascii_end(), ..denial };
        self.access.log().add(&denial, local.now_ms, local.settings.acllog_max_len as usize);
    }
}

/// Gives a request to a function, as rules see it.
fn ask<R>(
    engine: &Engine,
    user: &User,
    db: u16,
    request: &Resolved<'_>,
    question: impl FnOnce(
        &User,
        &Catalogue,
        &acl::Request<'_, std::iter::Map<std::slice::Iter<'_, Key>, &dyn Fn(&Key) -> (usize, KeyFlags)>>,
    ) -> R,
) -> R {
    let spec = request.command.spec;
    let keys = request.keys();
    let touched = |key: &Key| (key.at, spec.actual_flags(request.argv, key.flags));
    let asked = acl::Request {
        command: CommandId::new(request.command.run.id),
        argv: request.argv,
        keys: keys.iter().map(&touched as &dyn Fn(&Key) -> (usize, KeyFlags)),
        database: db.into(),
        databases: engine.keyspace.databases(),
    };
    question(user, &engine.access.catalogue, &asked)
}

/// Asks whether the user of a client may run a request. A denial is counted and noted in the log.
#[inline(never)]
pub fn permit<H: Host>(
    host: &H,
    local: &Local,
    client: &Client,
    request: &Resolved<'_>,
    origin: Origin,
) -> Result<(), Denied> {
    check(host, local, (&client.shared, &client.user, client.db), request, origin)
}

/// [`permit`] for a client with this user and database.
fn check(
    engine: &Engine,
    local: &Local,
    (client, user, db): (&ClientShared, &CurrentUser, u16),
    request: &Resolved<'_>,
    origin: Origin,
) -> Result<(), Denied> {
    let asked = ask(engine, user.user(), db, request, |user, catalogue, asked| user.check(catalogue, asked));
    asked.inspect_err(|&denied| {
        let counter = match denied {
            Denied::Command => Counter::DeniedCommands,
            Denied::Key(_) => Counter::DeniedKeys,
            Denied::Channel(_) => Counter::DeniedChannels,
            Denied::Database(_) => Counter::DeniedDatabases,
        };
        engine.stats.add(local.thread, counter, 1);
        let object = denied.object(context(user, request));
        let (reason, user) = (denied.into(), user.name());
        engine.note_denial(local, client, request.argv, Denial { reason, origin, object, user, client: b"" });
    })
}

/// What the text of a denial tells beside it.
pub fn context<'a>(user: &'a CurrentUser, request: &Resolved<'a>) -> Context<'a> {
    Context { user: user.name(), command: request.command.run.full_name, argv: request.argv }
}

/// What a client that waits for a key may do by now.
pub(crate) enum Standing {
    /// What it waits for.
    Permitted,
    /// Its user was changed, and may not: the error's line.
    Denied(Vec<u8>),
    /// Nothing: it is gone or about to be, perhaps because its user is.
    Gone,
}

/// Asks what a client that waits may do when it is to be served. Before 7.2 it is served whatever its user has become.
pub(crate) fn standing(engine: &Engine, local: &Local, ticket: &Ticket, request: &Resolved<'_>) -> Standing {
    let Some(client) = engine.clients.get(ticket.client) else { return Standing::Gone };
    if client.killed.load(Ordering::Relaxed) {
        return Standing::Gone;
    }
    let Some(mut user) = client.names().user.clone() else { return Standing::Permitted };
    if user.generation() == engine.access.generation.load(Ordering::Acquire) {
        return Standing::Permitted;
    }
    if engine.access.users().follow(&mut user) == Followed::Deleted {
        return Standing::Gone;
    }
    if !engine.since_7_2 || user.user().is_unrestricted() {
        return Standing::Permitted;
    }
    match check(engine, local, (&client, &user, ticket.db), request, Origin::TopLevel) {
        Ok(()) => Standing::Permitted,
        Err(denied) => Standing::Denied(denied.line(engine.profile, context(&user, request))),
    }
}

/// Whether a request may read keys that only values name: SORT follows patterns to them.
#[inline]
pub fn may_read_all_keys(engine: &Engine, client: &Client, request: &Resolved<'_>) -> bool {
    request.command.spec.world_words.is_empty()
        || client.user.user().is_unrestricted()
        || ask(engine, client.user.user(), client.db, request, |user, catalogue, asked| {
            user.may_read_all_keys(catalogue, asked)
        })
}
