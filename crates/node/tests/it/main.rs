//! One test binary: a node in this process, asked over its Unix socket, beside a real redis-server.
//!
//! What needs a redis-server that is not there says "not run", or fails when servers are required.

#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods)] // a test starts servers

mod clients;
mod command_table;
mod connections;
mod gate;
mod large_values;
mod lifetime;
mod managed;
mod metrics;
mod outbox;
mod redirection;
mod removals;
mod replication;
mod replies;
mod server;
mod settings;
mod truths;
mod waits;
mod waits_beside;
mod walks;

use config::{Config, NoDirectives};
use conformance::connection::Connection;
use conformance::peer::{Launch, Peer, not_run};
use conformance::reply::Reply;
use node::{Node, Options, StartError};
use profile::Profile;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

// What counts against maxmemory.
#[global_allocator]
static ALLOCATOR: memory::CountingAllocator = memory::CountingAllocator;

/// A node that ends with its test.
struct TestNode {
    node: Node,
    dir: PathBuf,
}

impl TestNode {
    fn start(profile: Profile, more: &str) -> TestNode {
        TestNode::try_start(profile, more).expect("the node starts")
    }

    fn try_start(profile: Profile, more: &str) -> Result<TestNode, StartError> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("node-it-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a directory for the socket");
        let at = dir.display();
        let text = format!(
            "engine {profile}\nport 0\nsave \"\"\ndir {at}\nunixsocket {at}/s\nlogfile log\nworkers 2\n{more}"
        );
        let config =
            Config::load(profile, text.as_bytes(), &mut NoDirectives).expect("a valid configuration");
        let options = Options { config, config_file: None, executable: PathBuf::new() };
        Ok(TestNode { node: Node::start(options)?, dir })
    }

    fn connect(&self) -> Connection {
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
fn oracle() -> Option<Peer> {
    let Some(launch) = Launch::redis_server() else {
        not_run("no redis-server on PATH");
        return None;
    };
    Some(Peer::start(&launch).expect("redis-server starts"))
}

/// Sends a line of words and returns the reply.
fn ask(connection: &mut Connection, line: &str) -> Reply {
    let words: Vec<&str> = line.split(' ').collect();
    connection.call(&words).expect("a reply")
}
