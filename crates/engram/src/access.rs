//! `engram access`: whether a user may run a command, and which rule decides.
//!
//! A node tells its version and its users, without their passwords; the decision is made here, by the code that makes it in nodes. So
//! any server is asked that has ACL LIST, and nothing is asked of it that it would have to run.

use crate::console;
use acl::{Catalogue, CommandId, Explanation, Request, User, Users};
use anyhow::{Context, Result, anyhow, bail, ensure};
use command_spec::{KeyFlags, keys::positions};
use command_table::{Command, CommandTable};
use profile::{Profile, Version};
use resp::{Decoder, Frame};
use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Tell whether a user may run a command, and which rule decides
///
/// The rules are those of a node that runs, or of an ACL file. Ends with 0 if the answer is yes, and with 1 if it is no.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Print help
    #[arg(long, action = clap::ArgAction::HelpLong)]
    help: Option<bool>,
    /// The user
    #[arg(long, value_name = "NAME")]
    user: OsString,
    /// The command: its name, as get or config|get, or all of a request, as 'set k v get'
    #[arg(long, value_name = "COMMAND")]
    command: OsString,
    /// A key of the command; several are its keys in their order. Without, the question is about the command alone
    #[arg(long, value_name = "KEY")]
    key: Vec<OsString>,
    /// A channel of the command, or a pattern
    #[arg(long, value_name = "CHANNEL")]
    channel: Vec<OsString>,
    /// The database that is selected
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    db: usize,
    /// The node's host
    #[arg(short = 'h', long, default_value = "127.0.0.1")]
    host: String,
    /// The node's port
    #[arg(short = 'p', long, default_value_t = 6379)]
    port: u16,
    /// The node's Unix socket, instead of host and port
    #[arg(short = 's', long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// A user to log in as, who may run ACL LIST
    #[arg(long, value_name = "NAME", requires = "password")]
    login: Option<String>,
    /// The password of --login, or of the user default
    #[arg(short = 'a', long)]
    password: Option<String>,
    /// An ACL file, instead of a node
    #[arg(long, value_name = "PATH", conflicts_with_all = ["host", "port", "socket", "login", "password"])]
    aclfile: Option<PathBuf>,
    /// The version that an ACL file is for, as valkey-9.1
    #[arg(long, value_name = "ENGINE", requires = "aclfile", default_value_t)]
    engine: Profile,
}

/// The exit status of a no.
const NO: i32 = 1;

/// How long a node may take for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Answers yes or no.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let (profile, source, lines) = match &arguments.aclfile {
        Some(path) => {
            let source = path.display().to_string();
            (
                arguments.engine,
                source.clone(),
                std::fs::read(path).with_context(|| format!("cannot read {source}"))?,
            )
        }
        None => tell(arguments)?,
    };
    let table = server_commands::command_table(profile);
    let catalogue = engine::access::catalogue(profile, &table);
    let mut users = Users::new(&catalogue, false);
    let loaded = users.load(&catalogue, &source, &lines);
    loaded.map_err(|errors| anyhow!("{}", String::from_utf8_lossy(&errors)))?;
    let name = arguments.user.as_bytes();
    let user = users.get(name).ok_or_else(|| no_such_user(&users, name))?;
    let question = Question::new(profile, &table, arguments)?;
    let explained = question.decide(&catalogue, user, arguments.db);
    console::print(&answer(name, user, question.command, &explained))?;
    match explained.outcome {
        Ok(()) => Ok(()),
        Err(_) => console::end(NO),
    }
}

fn no_such_user(users: &Users, name: &[u8]) -> anyhow::Error {
    let names: Vec<String> = users.iter().map(|(name, _)| name.escape_ascii().to_string()).collect();
    anyhow!("there is no user {}; there are: {}", name.escape_ascii(), names.join(", "))
}

/// The answer, and the rules that decided.
fn answer(name: &[u8], user: &User, command: &Command, explained: &Explanation) -> String {
    let (name, command) = (name.escape_ascii(), command.run.full_name);
    let mut text = match explained.outcome {
        Ok(()) => format!("yes: {name} may run {command}\n"),
        Err(_) => format!("no: {name} may not run {command}\n"),
    };
    explained.reasons.iter().for_each(|reason| text += &format!("  {reason}\n"));
    if !user.is_enabled() {
        text += &format!("  {name} is off, so nobody can log in as it\n");
    }
    text
}

/// What is asked about: a request of a command, or the command alone.
struct Question {
    command: &'static Command,
    /// Of a command alone, its name.
    argv: Vec<Vec<u8>>,
}

impl Question {
    fn new(profile: Profile, table: &CommandTable, arguments: &Arguments) -> Result<Question> {
        let written = resp::split_quoted(arguments.command.as_bytes());
        let written = written.context("--command has a quote that is not closed")?;
        let [name, rest @ ..] = written.as_slice() else { bail!("--command names no command") };
        let name = name.split(|byte| *byte == b'|').map(<[u8]>::to_vec);
        let argv: Vec<Vec<u8>> = name.chain(rest.iter().cloned()).collect();
        let command = table.resolve(&argv.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let command =
            command.map_err(|_| anyhow!("{profile} has no command {}", argv.join(&b' ').escape_ascii()))?;
        let (spec, name) = (command.spec, command.run.full_name);
        ensure!(command.subcommands.is_empty(), "{name} has subcommands; name one of them, as {name}|help");
        let is_alone = argv.len() == name.split('|').count();
        let asks_more = !arguments.key.is_empty() || !arguments.channel.is_empty();
        ensure!(
            is_alone || !asks_more,
            "--command has arguments already; have keys and channels there, or give its name alone"
        );
        ensure!(is_alone || spec.arity_fits(argv.len()), "wrong number of arguments for {name}");
        match asks_more {
            true => Question::filled(command, &bytes(&arguments.key), &bytes(&arguments.channel)),
            false => Ok(Question { command, argv }),
        }
    }

    /// The shortest request with these keys and channels, which nobody runs. All its other arguments say how many keys there are, which is what a number
    /// before keys must be.
    fn filled(command: &'static Command, keys: &[&[u8]], channels: &[&[u8]]) -> Result<Question> {
        let (spec, name) = (command.spec, command.run.full_name);
        let fewest = spec.arity.unsigned_abs() as usize;
        let lengths = fewest..=fewest + 2 * keys.len() + channels.len();
        for length in lengths.filter(|&length| spec.arity_fits(length)) {
            let mut argv: Vec<Vec<u8>> = name.split('|').map(|word| word.as_bytes().to_vec()).collect();
            argv.resize(length, keys.len().to_string().into_bytes());
            let mut key_places = Vec::new();
            let fits = positions(spec, &argv, |at, flags| {
                key_places.extend((!flags.contains(KeyFlags::NOT_KEY)).then_some(at));
            });
            let channel_places = (1..length).take(spec.channels.at_most());
            let takes_keys = keys.is_empty() || (fits && key_places.len() == keys.len());
            let takes_channels = channels.is_empty() || channel_places.clone().count() == channels.len();
            if takes_keys && takes_channels {
                let places = key_places.into_iter().zip(keys).chain(channel_places.zip(channels));
                places.for_each(|(at, word)| argv[at] = word.to_vec());
                return Ok(Question { command, argv });
            }
        }
        let counted = |count, what| match count {
            0 => None,
            1 => Some(format!("one {what}")),
            count => Some(format!("{count} {what}s")),
        };
        let given: Vec<String> =
            [counted(keys.len(), "key"), counted(channels.len(), "channel")].into_iter().flatten().collect();
        bail!("{name} does not take {}", given.join(" and "))
    }

    fn decide(&self, catalogue: &Catalogue, user: &User, database: usize) -> Explanation {
        let argv: Vec<&[u8]> = self.argv.iter().map(Vec::as_slice).collect();
        let spec = self.command.spec;
        let mut keys = Vec::new();
        positions(spec, &argv, |at, flags| keys.push((at, spec.actual_flags(&argv, flags))));
        let (command, keys) = (CommandId::new(self.command.run.id), keys.iter().copied());
        // How many databases there are is not known; one beyond them is as forbidden.
        let request = Request { command, argv: &argv, keys, database, databases: usize::MAX };
        user.explain(catalogue, &request)
    }
}

fn bytes(words: &[OsString]) -> Vec<&[u8]> {
    words.iter().map(|word| word.as_bytes()).collect()
}

/// What a node tells: its version, how it is called, and its users as the lines of an ACL file.
fn tell(arguments: &Arguments) -> Result<(Profile, String, Vec<u8>)> {
    let mut node = Node::connect(arguments)?;
    if let Some(password) = &arguments.password {
        let login = arguments.login.as_deref().unwrap_or("default");
        node.call(&["AUTH", login, password])?;
    }
    let info = text(node.call(&["INFO", "server"])?).context("the node does not tell its version")?;
    let profile = profile_of(&String::from_utf8_lossy(&info)).context("the node's version is not known")?;
    let Frame::Array(lines) = node.call(&["ACL", "LIST"])? else {
        bail!("{} does not list its users", node.name)
    };
    let lines: Vec<Vec<u8>> = lines.into_iter().filter_map(text).collect();
    Ok((profile, node.name, lines.join(&b'\n')))
}

fn text(frame: Frame) -> Option<Vec<u8>> {
    match frame {
        Frame::Bulk(text) | Frame::Simple(text) | Frame::Verbatim { text, .. } => Some(text),
        _ => None,
    }
}

/// The newest version that is not newer than the server that INFO tells of.
fn profile_of(info: &str) -> Option<Profile> {
    let field = |name: &str| {
        info.lines().find_map(|line| Version::parse(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
    };
    let (version, is_valkey) = match field("valkey_version") {
        Some(version) => (version, true),
        None => (field("redis_version")?, false),
    };
    let release = |Version(major, minor, _)| (major, minor);
    Profile::ALL
        .iter()
        .copied()
        .rfind(|profile| profile.is_valkey() == is_valkey && release(profile.version()) <= release(version))
}

/// A connection to a node.
struct Node {
    name: String,
    stream: Box<dyn Stream>,
    decoder: Decoder,
}

trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

impl Node {
    fn connect(arguments: &Arguments) -> Result<Node> {
        let (name, stream) = match &arguments.socket {
            Some(path) => (path.display().to_string(), Node::unix(path)),
            None => {
                let (host, port) = (arguments.host.as_str(), arguments.port);
                (format!("{host}:{port}"), Node::tcp(host, port))
            }
        };
        let stream = stream.with_context(|| format!("cannot reach a node at {name}"))?;
        Ok(Node { name, stream, decoder: Decoder::new() })
    }

    fn unix(path: &Path) -> std::io::Result<Box<dyn Stream>> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Box::new(stream))
    }

    fn tcp(host: &str, port: u16) -> std::io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect((host, port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Box::new(stream))
    }

    /// Sends a command and awaits its reply.
    fn call(&mut self, argv: &[&str]) -> Result<Frame> {
        let mut request = Vec::new();
        resp::encode_command(&mut request, argv);
        let name = self.name.clone();
        self.stream.write_all(&request).with_context(|| format!("{name} takes no request"))?;
        let mut received = [0; 16 << 10];
        loop {
            match self.decoder.next_frame().with_context(|| format!("{name} is no node"))? {
                Some(Frame::Error(line)) => {
                    bail!("{name} says to {}: {}", argv[0], String::from_utf8_lossy(&line))
                }
                Some(frame) => return Ok(frame),
                None => {}
            }
            let read = self.stream.read(&mut received).with_context(|| format!("{name} does not answer"))?;
            ensure!(read > 0, "{name} has closed the connection");
            self.decoder.feed(&received[..read]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_asked_as_the_version_that_it_is_of() {
        let of = |info: &str| profile_of(info).map(Profile::name);
        assert_eq!(of("redis_version:7.0.15\r\n"), Some("redis-7.0"));
        assert_eq!(
            of("# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n"),
            Some("valkey-9.1")
        );
        assert_eq!(of("redis_version:7.2.4\r\nvalkey_version:8.1.8\r\n"), Some("valkey-8.1"));
        assert_eq!(of("redis_version:7.2.4\r\nvalkey_version:10.0.0\r\n"), Some("valkey-9.1"));
        assert_eq!(of("redis_version:6.2.14\r\n"), None);
        assert_eq!(of("nothing"), None);
    }

    #[test]
    fn a_request_has_the_keys_and_channels_that_are_asked_about() {
        let table = server_commands::command_table(Profile::Valkey91);
        let filled = |name: &str, keys: &[&[u8]], channels: &[&[u8]]| {
            let words: Vec<&[u8]> = name.split('|').map(str::as_bytes).collect();
            let command = table.resolve(&words).expect("a command");
            let question = Question::filled(command, keys, channels).map_err(|error| error.to_string())?;
            Ok::<_, String>(String::from_utf8(question.argv.join(&b' ')).expect("text"))
        };
        assert_eq!(filled("get", &[b"a"], &[]).as_deref(), Ok("get a"));
        assert_eq!(filled("mset", &[b"a", b"b"], &[]).as_deref(), Ok("mset a 2 b"));
        assert_eq!(filled("zunion", &[b"a", b"b", b"c"], &[]).as_deref(), Ok("zunion 3 a b c"));
        assert_eq!(filled("object|freq", &[b"a"], &[]).as_deref(), Ok("object freq a"));
        assert_eq!(filled("subscribe", &[], &[b"a", b"b"]).as_deref(), Ok("subscribe a b"));
        assert_eq!(filled("publish", &[], &[b"a"]).as_deref(), Ok("publish a 0"));
        assert_eq!(filled("get", &[b"a", b"b"], &[]), Err("get does not take 2 keys".to_owned()));
        assert_eq!(
            filled("ping", &[b"a"], &[b"b"]),
            Err("ping does not take one key and one channel".to_owned())
        );
    }
}
