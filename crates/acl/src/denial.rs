//! How a denial is told: to the client, in a dry run, in EXEC, in a script, in the log.
//!
//! The texts are those of redis-server 7.0.15 and, for all later versions, of valkey-server 8.1.8 and 9.1.2.

use crate::check::Denied;
use profile::Profile;

/// What a text tells beside the denial.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The user's name.
    pub user: &'a [u8],
    /// The full name of the command.
    pub command: &'a str,
    /// The request, its name first.
    pub argv: &'a [&'a [u8]],
}

impl Denied {
    /// The error's line for a client, without its dash.
    pub fn line(self, profile: Profile, context: Context<'_>) -> Vec<u8> {
        let text = match self {
            _ if later(profile) => self.short(context),
            Denied::Command => command(b"this user", context),
            Denied::Key(_) => {
                b"this user has no permissions to access one of the keys used as arguments".to_vec()
            }
            Denied::Channel(_) => {
                b"this user has no permissions to access one of the channels used as arguments".to_vec()
            }
            Denied::Database(_) => self.short(context),
        };
        [b"NOPERM ", &*text].concat()
    }

    /// What `ACL DRYRUN` answers: a text, not an error.
    pub fn dry_run(self, profile: Profile, context: Context<'_>) -> Vec<u8> {
        let user = if later(profile) { named(context) } else { b"This user".to_vec() };
        let object = self.object(context);
        let (before, behind): (&[u8], &[u8]) = match self {
            Denied::Command => return command(&user, context),
            Denied::Database(_) => (b"database ", b""),
            Denied::Key(_) => (b"the '", b"' key"),
            Denied::Channel(_) => (b"the '", b"' channel"),
        };
        [&*user, b" has no permissions to access ", before, object, behind].concat()
    }

    /// The error's line in the reply of EXEC for a command that was allowed when it was queued.
    pub fn line_in_exec(self) -> String {
        let reason = match self {
            Denied::Command => "no permission to execute the command or subcommand",
            Denied::Key(_) => "no permission to touch the specified keys",
            Denied::Channel(_) => "no permission to access one of the channels used as arguments",
            Denied::Database(_) => "no permission",
        };
        format!(
            "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no \
             longer allowed for the following reason: {reason}"
        )
    }

    /// The error's line for a script that calls the command, without its dash.
    pub fn line_in_script(self, profile: Profile, context: Context<'_>) -> Vec<u8> {
        let text: &[u8] = match self {
            _ if later(profile) => &[b"ACL failure in script: ", &*self.short(context)].concat(),
            Denied::Command => b"The user executing the script can't run this command or subcommand",
            Denied::Key(_) => {
                b"The user executing the script can't access at least one of the keys mentioned in the command arguments"
            }
            Denied::Channel(_) => b"The user executing the script can't publish to the channel mentioned in the command",
            Denied::Database(_) => &self.short(context),
        };
        [b"ERR ", text].concat()
    }

    /// What the log calls it.
    pub fn object<'a>(self, context: Context<'a>) -> &'a [u8] {
        match self {
            Denied::Command => context.command.as_bytes(),
            _ => context.argv[self.argument()],
        }
    }

    /// What is told since 7.2, which names the user but no key.
    fn short(self, context: Context<'_>) -> Vec<u8> {
        match self {
            Denied::Command => command(&named(context), context),
            Denied::Key(_) => b"No permissions to access a key".to_vec(),
            Denied::Channel(_) => b"No permissions to access a channel".to_vec(),
            Denied::Database(_) => b"No permissions to access database".to_vec(),
        }
    }
}

fn later(profile: Profile) -> bool {
    profile.has("7.2.0")
}

fn named(context: Context<'_>) -> Vec<u8> {
    [b"User ", context.user].concat()
}

fn command(user: &[u8], context: Context<'_>) -> Vec<u8> {
    [user, b" has no permissions to run the '", context.command.as_bytes(), b"' command"].concat()
}
