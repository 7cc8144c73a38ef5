//! What a test needs: a node in this process, asked over its Unix socket, and a real redis-server beside it.

use config::{Config, NoDirectives};
use conformance::connection::Connection;
use conformance::peer::{Launch, Peer, not_run};
use conformance::reply::Reply;
use node::{Node, Options, StartError};
use profile::Profile;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// A node that ends with its test.
pub(crate) struct TestNode {
    pub(crate) node: Node,
    pub(crate) dir: PathBuf,
}

impl TestNode {
    pub(crate) fn start(profile: Profile, more: &str) -> TestNode {
        TestNode::try_start(profile, more).expect("the node starts")
    }

    pub(crate) fn try_start(profile: Profile, more: &str) -> Result<TestNode, StartError> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("node-it-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a directory for the socket");
        let at = dir.display();
        let text = format!(
            "engine {profile}\nport 0\nsave \"\"\ndir {at}\nunixsocket {at}/s\nlogfile log\nworkers 2\n\
             gather-connections no\n{more}"
        );
        let config =
            Config::load(profile, text.as_bytes(), &mut NoDirectives).expect("a valid configuration");
        let options = Options { config, config_file: None, executable: PathBuf::new() };
        Ok(TestNode { node: Node::start(options)?, dir })
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::unix(&self.dir.join("s")).expect("the node listens")
    }
}

impl Drop for TestNode {
    fn drop(&mut self) {
        self.node.end();
        drop(std::fs::remove_dir_all(&self.dir));
    }
}

/// A real redis-server, or a note that the test does nothing.
pub(crate) fn oracle() -> Option<Peer> {
    let Some(launch) = Launch::redis_server() else {
        not_run("no redis-server on PATH");
        return None;
    };
    Some(Peer::start(&launch).expect("redis-server starts"))
}

/// Sends a line of words and returns the reply.
pub(crate) fn ask(connection: &mut Connection, line: &str) -> Reply {
    let words: Vec<&str> = line.split(' ').collect();
    connection.call(&words).expect("a reply")
}
