//! Whether replies have the [`Shape`] that their commands' specs declare.
//!
//! A [`Judge`] follows one connection, since what a reply should be depends on the protocol that HELLO chose, on whether the
//! command was queued, and on what EXEC runs. It judges redis-server and Engram alike: the shapes are those of the real
//! server.

use std::sync::OnceLock;

use command_spec::{Behaviour, Shape};
use command_table::{Command, CommandTable};
use profile::Profile;

use crate::reply::Reply;

/// The commands that a profile has.
pub fn commands(profile: Profile) -> &'static CommandTable {
    static TABLES: [OnceLock<CommandTable>; Profile::ALL.len()] =
        [const { OnceLock::new() }; Profile::ALL.len()];
    let at = Profile::ALL.iter().position(|one| *one == profile).expect("ALL has every profile");
    TABLES[at].get_or_init(|| server_commands::command_table(profile))
}

/// The command that arguments name, its subcommand if it is a container.
fn command_of(profile: Profile, args: &[impl AsRef<[u8]>]) -> Option<&'static Command> {
    let argv: Vec<&[u8]> = args.iter().map(AsRef::as_ref).collect();
    if argv.is_empty() { None } else { commands(profile).resolve(&argv).ok() }
}

/// Whether what came after a request is no reply to it but a message that was pushed before the reply.
pub fn is_message(args: &[Vec<u8>], reply: &Reply) -> bool {
    let is_pushing = || {
        let command = command_of(Profile::default(), args);
        command.is_some_and(|command| matches!(command.spec.reply, Shape::Push(_)))
    };
    matches!(reply, Reply::Push(_)) && !is_pushing()
}

/// The protocol of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// What every connection begins with.
    #[default]
    Resp2,
    /// What HELLO 3 chooses.
    Resp3,
}

/// Whether a reply has a shape. An error has every one.
pub fn fits(shape: &Shape, reply: &Reply, protocol: Protocol) -> bool {
    let is_resp3 = protocol == Protocol::Resp3;
    let all = |elements: &[Reply], shape: &Shape| elements.iter().all(|one| fits(shape, one, protocol));
    let each = |elements: &[Reply], shapes: &[Shape]| {
        elements.len() == shapes.len()
            && elements.iter().zip(shapes).all(|(one, shape)| fits(shape, one, protocol))
    };
    let pairs = |elements: &[Reply], first: &Shape, second: &Shape| {
        let (chunks, rest) = elements.as_chunks::<2>();
        rest.is_empty() && chunks.iter().all(|[a, b]| fits(first, a, protocol) && fits(second, b, protocol))
    };
    match (shape, reply) {
        (_, Reply::Error(_)) | (Shape::Any, _) => true,
        (Shape::OneOf(shapes), reply) => shapes.iter().any(|shape| fits(shape, reply, protocol)),
        (Shape::Simple(text), Reply::Simple(status)) => text.as_bytes() == status,
        (Shape::Status, Reply::Simple(_)) | (Shape::Integer, Reply::Integer(_)) => true,
        (Shape::AtLeast(least), Reply::Integer(number)) => number >= least,
        (Shape::Among(numbers), Reply::Integer(number)) => numbers.contains(number),
        (Shape::Bulk, Reply::Bulk(_)) => true,
        (Shape::Double, Reply::Bulk(text)) => !is_resp3 && number::parse_f64(text).is_some(),
        (Shape::Double, Reply::Double(text)) => is_resp3 && number::parse_f64(text).is_some(),
        (Shape::Verbatim, Reply::Bulk(_)) | (Shape::Null, Reply::NullBulk) => !is_resp3,
        (Shape::NullArray, Reply::NullArray) => !is_resp3,
        (Shape::Verbatim, Reply::Verbatim(..)) | (Shape::Null | Shape::NullArray, Reply::Null) => is_resp3,
        (Shape::Array(shape), Reply::Array(elements)) => all(elements, shape),
        (Shape::Tuple(shapes), Reply::Array(elements)) => each(elements, shapes),
        (Shape::Set(shape), Reply::Set(elements)) => is_resp3 && all(elements, shape),
        (Shape::Set(shape), Reply::Array(elements)) => !is_resp3 && all(elements, shape),
        (Shape::Map(key, value), Reply::Map(entries)) => {
            is_resp3 && entries.iter().all(|(a, b)| fits(key, a, protocol) && fits(value, b, protocol))
        }
        (Shape::Map(key, value), Reply::Array(elements)) => !is_resp3 && pairs(elements, key, value),
        (Shape::Pairs(first, second), Reply::Array(elements)) => {
            let is_pair = |one: &Reply| matches!(one, Reply::Array(pair) if pair.len() == 2 && pairs(pair, first, second));
            if is_resp3 { elements.iter().all(is_pair) } else { pairs(elements, first, second) }
        }
        (Shape::Push(shapes), Reply::Push(elements)) => is_resp3 && each(elements, shapes),
        (Shape::Push(shapes), Reply::Array(elements)) => !is_resp3 && each(elements, shapes),
        _ => false,
    }
}

/// Follows a connection and judges its replies.
#[derive(Debug, Default)]
pub struct Judge {
    /// What the server speaks as.
    profile: Profile,
    protocol: Protocol,
    /// What MULTI has queued; `None` outside of a transaction.
    queue: Option<Vec<&'static Command>>,
    /// The arguments of HELLOs that are queued, in order: they change the protocol within EXEC.
    queued_hellos: Vec<Vec<Vec<u8>>>,
    /// Bytes were sent that the judge has not seen: nothing is known about the connection any more.
    is_lost: bool,
}

impl Judge {
    /// One for a new connection to a server that speaks as a profile.
    pub fn new(profile: Profile) -> Judge {
        Judge { profile, ..Judge::default() }
    }

    /// One that cannot follow the connection any more.
    pub fn lose(&mut self) {
        self.is_lost = true;
    }

    /// What is wrong with the reply to a request.
    pub fn judge(&mut self, args: &[Vec<u8>], reply: &Reply) -> Option<String> {
        let command = command_of(self.profile, args)?;
        if self.is_lost {
            return None;
        }
        let behaviour = command.spec.behaviour;
        let is_error = reply.is_error();
        if behaviour.contains(Behaviour::RUNS_QUEUE) {
            let queue = self.queue.take();
            let hellos = std::mem::take(&mut self.queued_hellos);
            return match (queue, reply) {
                (Some(queue), Reply::Array(replies)) => self.judge_all(&queue, hellos, replies),
                _ => self.complain(command, reply),
            };
        }
        if let Some(queue) = &mut self.queue
            && !behaviour.contains(Behaviour::RUNS_IN_MULTI)
        {
            let is_queued = matches!(reply, Reply::Simple(text) if text == b"QUEUED");
            if is_queued {
                queue.push(command);
                if command.run.full_name == "hello" {
                    self.queued_hellos.push(args.to_vec());
                }
            }
            let fits = is_queued || is_error;
            return (!fits).then(|| format!("{} was to be queued: {reply:?}", command.run.full_name));
        }
        if !is_error {
            self.follow(command, args);
        }
        self.complain(command, reply)
    }

    fn judge_all(
        &mut self,
        queue: &[&'static Command],
        hellos: Vec<Vec<Vec<u8>>>,
        replies: &[Reply],
    ) -> Option<String> {
        if queue.len() != replies.len() {
            return Some(format!("EXEC of {} commands has {} replies", queue.len(), replies.len()));
        }
        let mut hellos = hellos.into_iter();
        for (command, reply) in queue.iter().zip(replies) {
            if command.run.full_name == "hello"
                && let Some(args) = hellos.next()
                && !reply.is_error()
            {
                self.follow(command, &args);
            }
            if let Some(complaint) = self.complain(command, reply) {
                return Some(complaint);
            }
        }
        None
    }

    /// Notes what a command that succeeded means for later commands.
    fn follow(&mut self, command: &Command, args: &[Vec<u8>]) {
        match command.run.full_name {
            "hello" => match args.get(1).map(Vec::as_slice) {
                Some(b"2") => self.protocol = Protocol::Resp2,
                Some(b"3") => self.protocol = Protocol::Resp3,
                _ => {}
            },
            "multi" => self.queue = Some(Vec::new()),
            "discard" => self.queue = None,
            "reset" => *self = Judge::new(self.profile),
            _ => {}
        }
    }

    fn complain(&self, command: &Command, reply: &Reply) -> Option<String> {
        let shape = &command.spec.reply;
        (!fits(shape, reply, self.protocol))
            .then(|| format!("{} in {:?} is no {shape:?}: {reply:?}", command.run.full_name, self.protocol))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulks(texts: &[&str]) -> Vec<Reply> {
        texts.iter().map(Reply::bulk).collect()
    }

    fn args(line: &str) -> Vec<Vec<u8>> {
        line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
    }

    #[test]
    fn the_protocols_differ() {
        let map = Shape::Map(&Shape::Bulk, &Shape::Bulk);
        let pairs = Shape::Pairs(&Shape::Bulk, &Shape::Bulk);
        let flat = Reply::Array(bulks(&["a", "1"]));
        let nested = Reply::Array(vec![flat.clone()]);
        let typed = Reply::Map(vec![(Reply::bulk("a"), Reply::bulk("1"))]);
        for (shape, resp2, resp3) in [(&map, &flat, &typed), (&pairs, &flat, &nested)] {
            assert!(fits(shape, resp2, Protocol::Resp2) && !fits(shape, resp2, Protocol::Resp3));
            assert!(fits(shape, resp3, Protocol::Resp3) && !fits(shape, resp3, Protocol::Resp2));
        }
        assert!(!fits(&map, &Reply::Array(bulks(&["a"])), Protocol::Resp2), "a key without its value");
        assert!(fits(&Shape::Null, &Reply::NullBulk, Protocol::Resp2));
        assert!(!fits(&Shape::Null, &Reply::NullArray, Protocol::Resp2));
        assert!(!fits(&Shape::Null, &Reply::NullBulk, Protocol::Resp3));
        assert!(!fits(&Shape::Never, &Reply::Integer(1), Protocol::Resp2));
        assert!(fits(&Shape::Never, &Reply::Error(b"ERR".to_vec()), Protocol::Resp2));
    }

    #[test]
    fn a_wrong_reply_is_told() {
        let mut judge = Judge::default();
        assert_eq!(judge.judge(&args("GET a"), &Reply::NullBulk), None);
        assert!(judge.judge(&args("GET a"), &Reply::Null).is_some(), "RESP3's null");
        assert!(judge.judge(&args("llen a"), &Reply::Integer(-1)).is_some());
        assert!(judge.judge(&args("SETNX a 1"), &Reply::Integer(2)).is_some());
        assert_eq!(judge.judge(&args("nonsense"), &Reply::Error(b"ERR".to_vec())), None);
    }

    #[test]
    fn a_transaction_is_followed() {
        let simple = |text: &str| Reply::Simple(text.as_bytes().to_vec());
        let mut judge = Judge::default();
        assert_eq!(judge.judge(&args("MULTI"), &simple("OK")), None);
        assert!(judge.judge(&args("GET a"), &Reply::bulk("1")).is_some(), "it was to be queued");
        for line in ["GET a", "HELLO 3", "GET a"] {
            assert_eq!(judge.judge(&args(line), &simple("QUEUED")), None);
        }
        let exec = Reply::Array(vec![Reply::NullBulk, Reply::Map(Vec::new()), Reply::Null]);
        assert_eq!(judge.judge(&args("EXEC"), &exec), None);
        assert_eq!(judge.judge(&args("GET a"), &Reply::Null), None);
        assert_eq!(judge.judge(&args("MULTI"), &simple("OK")), None);
        assert_eq!(judge.judge(&args("GET a"), &simple("QUEUED")), None);
        assert!(judge.judge(&args("EXEC"), &Reply::Array(Vec::new())).is_some(), "a reply is missing");
    }
}
