//! The sockets by which the agent and other nodes find the node stay in their places.
//!
//! The place of sockets may be emptied while the node runs: by whoever tidies /tmp, or by hand. The node lives on with its
//! data, and nobody reaches it. So it looks each second whether its sockets are there, and listens anew in the place of one
//! that is not. Connections by the lost socket go on.
//!
//! **Invariant:** what is there is never replaced. The lock of the node's directory says whose a socket is that is missing, and
//! nothing about one that somebody else has put there.
//!
//! The directory itself is made by the agent's side, and used only if nobody but the node's user can write in it.

use super::private_socket::State;
use super::{Managed, identity, serving};
use config::Loglevel;
use server::Server;
use std::ffi::OsStr;
use std::fmt::Display;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

/// Between looks: a control plane that comes back finds its nodes within a second or two.
pub(crate) const PERIOD: Duration = Duration::from_secs(1);

/// Listens anew in the places of sockets that are lost.
pub(crate) fn keep(server: &Server, managed: &Managed) {
    let settings = server.settings();
    let private = Path::new(OsStr::from_bytes(&settings.private_socket));
    let data = Path::new(OsStr::from_bytes(&settings.unixsocket));
    let mut state = managed.private_socket.state();
    let State { accepting: Some((acceptor, listener)), told } = &mut *state else { return };
    let mut refused = None;
    if is_lost(private) {
        match identity::listen_anew(private) {
            Ok(anew) => match acceptor.add(anew, serving::NUMBER) {
                Ok(anew) => {
                    acceptor.remove(std::mem::replace(listener, anew));
                    log_renewed(server, private);
                }
                Err(error) => refused = Some(error.to_string()),
            },
            Err(error) => refused = Some(error.to_string()),
        }
    }
    if !settings.unixsocket.is_empty() && is_lost(data) {
        match server.listening.renew_unix(&settings) {
            Ok(true) => log_renewed(server, data),
            Ok(false) => {}
            Err(error) => refused = Some(error.to_string()),
        }
    }
    let refused = refused.unwrap_or_default();
    if refused != *told && !refused.is_empty() {
        server.log(Loglevel::Warning, format_args!("A lost socket cannot be listened on anew: {refused}"));
    }
    *told = refused;
}

/// Nothing is there, and the node may put something there.
fn is_lost(socket: &Path) -> bool {
    let gone = std::fs::symlink_metadata(socket).is_err_and(|error| error.kind() == ErrorKind::NotFound);
    gone && socket.parent().is_some_and(is_private)
}

/// The directory is the node's user's, and nobody else writes in it.
fn is_private(directory: &Path) -> bool {
    std::fs::symlink_metadata(directory).is_ok_and(|found| {
        let is_ours = found.uid() == rustix::process::getuid().as_raw();
        found.is_dir() && is_ours && found.mode() & 0o022 == 0
    })
}

fn log_renewed(server: &Server, socket: &Path) {
    let socket: &dyn Display = &socket.display();
    server.log(Loglevel::Warning, format_args!("The socket {socket} was gone and is listened on anew"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{DirBuilder, Permissions, set_permissions};
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

    #[test]
    fn a_socket_is_lost_where_nothing_is_and_nobody_else_writes() {
        let directory = tempfile::tempdir().expect("a directory");
        let place = directory.path().join("run");
        let socket = place.join("private");
        assert!(!is_lost(&socket), "without its directory there is no place for it");
        DirBuilder::new().mode(0o700).create(&place).expect("made");
        assert!(is_lost(&socket));
        for mode in [0o770, 0o702] {
            set_permissions(&place, Permissions::from_mode(mode)).expect("ours");
            assert!(!is_lost(&socket), "{mode:o}");
        }
        set_permissions(&place, Permissions::from_mode(0o755)).expect("ours");
        assert!(is_lost(&socket));
        std::os::unix::fs::symlink("nowhere", &socket).expect("made");
        assert!(!is_lost(&socket), "somebody has put something there");
    }
}
