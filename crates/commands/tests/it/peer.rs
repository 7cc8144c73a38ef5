//! A real redis-server beside the session, where one is installed.

use resp::{Decoder, Frame, encode_command};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The server, stopped when this is dropped.
pub(crate) struct Peer {
    process: Child,
    directory: PathBuf,
    client: Client,
}

/// A connection to it.
pub(crate) struct Client {
    stream: UnixStream,
    decoder: Decoder,
}

impl Peer {
    /// Starts one that writes an append-only file at once; `None`, with a note, where there is no redis-server. With
    /// `ENGRAM_REQUIRE_PEERS=1` that is a failure.
    pub(crate) fn start(name: &str) -> Option<Peer> {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("commands-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory for the server");
        let process = Command::new("redis-server")
            .current_dir(&directory)
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
        let client = Client::connect(&directory);
        Some(Peer { process, directory, client })
    }

    pub(crate) fn call<A: AsRef<[u8]>>(&mut self, argv: &[A]) -> Frame {
        self.client.call(argv)
    }

    /// Another connection.
    pub(crate) fn connect(&self) -> Client {
        Client::connect(&self.directory)
    }

    /// A number of INFO.
    pub(crate) fn info(&mut self, field: &str) -> u64 {
        let text = match self.call(&["INFO", "everything"]) {
            Frame::Bulk(text) | Frame::Verbatim { text, .. } => text,
            other => panic!("{other:?} from INFO"),
        };
        let text = String::from_utf8_lossy(&text).into_owned();
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        lines.next().and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("INFO has no {field}"))
    }

    /// The append-only file so far.
    pub(crate) fn stream(&self) -> Vec<u8> {
        std::fs::read(self.directory.join("appendonlydir/appendonly.aof.1.incr.aof"))
            .expect("an append-only file")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

impl Client {
    fn connect(directory: &std::path::Path) -> Client {
        let stream = UnixStream::connect(directory.join("socket")).expect("the server's socket");
        // A server that does not answer is a failure, not a test that never ends.
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        Client { stream, decoder: Decoder::new() }
    }

    pub(crate) fn call<A: AsRef<[u8]>>(&mut self, argv: &[A]) -> Frame {
        let mut request = Vec::new();
        encode_command(&mut request, argv);
        self.stream.write_all(&request).expect("the server reads");
        self.receive()
    }

    pub(crate) fn receive(&mut self) -> Frame {
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
