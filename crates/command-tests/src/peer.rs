//! A real redis-server beside the session, where one is installed.

use resp::{Decoder, Frame, encode_command};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The server, stopped when this is dropped.
#[derive(Debug)]
pub struct Peer {
    process: Child,
    directory: TempDir,
    client: Client,
}

/// A connection to it.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    decoder: Decoder,
}

impl Peer {
    /// Starts one that writes an append-only file at once; `None`, with a note, where there is no redis-server. With
    /// `ENGRAM_REQUIRE_PEERS=1` that is a failure.
    pub fn start() -> Option<Peer> {
        let directory = tempfile::tempdir().expect("a directory for the server");
        let process = Command::new("redis-server")
            .current_dir(directory.path())
            .args(["--port", "0", "--unixsocket", "socket", "--save", "", "--daemonize", "no"])
            .args(["--enable-debug-command", "yes"])
            .args(["--appendonly", "yes", "--appendfsync", "always", "--notify-keyspace-events", "KEAmn"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        let mut process = match process {
            Ok(process) => process,
            Err(error) => {
                assert_ne!(
                    std::env::var("ENGRAM_REQUIRE_PEERS").as_deref(),
                    Ok("1"),
                    "redis-server: {error}"
                );
                println!("not run: redis-server: {error}");
                return None;
            }
        };
        let log = BufReader::new(process.stdout.take().expect("piped"));
        let mut lines = log.lines().map_while(Result::ok);
        assert!(
            lines.any(|line| line.contains("ready to accept connections")),
            "redis-server does not start"
        );
        // What it says from now on is read away, so that its pipe never fills.
        std::thread::spawn(move || lines.for_each(drop));
        let client = Client::connect(directory.path());
        Some(Peer { process, directory, client })
    }

    /// Runs a command and returns its reply.
    pub fn call<A: AsRef<[u8]>>(&mut self, argv: &[A]) -> Frame {
        self.client.call(argv)
    }

    /// Another connection.
    pub fn connect(&self) -> Client {
        Client::connect(self.directory.path())
    }

    /// A number of INFO.
    pub fn info(&mut self, field: &str) -> u64 {
        let text = match self.call(&["INFO", "everything"]) {
            Frame::Bulk(text) | Frame::Verbatim { text, .. } => text,
            other => panic!("{other:?} from INFO"),
        };
        let text = String::from_utf8_lossy(&text).into_owned();
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        lines.next().and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("INFO has no {field}"))
    }

    /// The append-only file so far.
    pub fn stream(&self) -> Vec<u8> {
        std::fs::read(self.directory.path().join("appendonlydir/appendonly.aof.1.incr.aof"))
            .expect("an append-only file")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Client {
    fn connect(directory: &Path) -> Client {
        let stream = UnixStream::connect(directory.join("socket")).expect("the server's socket");
        // A server that does not answer is a failure, not a test that never ends.
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        Client { stream, decoder: Decoder::new() }
    }

    /// Runs a command and returns its reply.
    pub fn call<A: AsRef<[u8]>>(&mut self, argv: &[A]) -> Frame {
        let mut request = Vec::new();
        encode_command(&mut request, argv);
        self.stream.write_all(&request).expect("the server reads");
        self.receive()
    }

    /// Waits for a reply or a message.
    pub fn receive(&mut self) -> Frame {
        let mut chunk = [0; 1 << 14];
        loop {
            if let Some(frame) = self.decoder.next_frame().expect("a well-formed reply") {
                return frame;
            }
            let read = self.stream.read(&mut chunk).expect("the server answers");
            assert_ne!(read, 0, "the server hung up");
            self.decoder.feed(&chunk[..read]);
        }
    }
}
