//! The load generator: one thread, many connections, a closed loop.
//!
//! Each connection has one batch of `depth` requests under way and sends the next when the last reply of it has come.
//! It must be cheaper per request than the server, so requests are copied from a template that needs only the digits of
//! its key; replies are counted, not kept. Every reply counts exactly once, an error reply ends the load.
//!
//! Latency is that of the batch: from before its one write to after the read that brought its last reply.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::event::Timespec;
use rustix::event::epoll;

use crate::histogram::Histogram;
use crate::replies::Replies;

/// `key:` and twelve digits.
pub(crate) const KEY_BYTES: usize = 16;
const KEY_DIGITS: usize = 12;
/// A batch is written in one blocking call while replies wait to be read; it has to fit in the sockets' buffers.
const MAX_BATCH_BYTES: usize = 128 * 1024;
/// A server that answers nothing for so long has hung.
const SILENCE_S: i64 = 60;
const READ_BYTES: usize = 64 * 1024;

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// `PING`
    Ping,
    /// `GET key`
    Get,
    /// `SET key value`
    Set,
    /// `SET` in so many of a hundred requests, else `GET`.
    Mixed {
        /// Percent of SETs.
        set_percent: u8,
    },
}

/// Which keys, all of the keyspace `0..n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    /// Each equally likely.
    Random(u64),
    /// One after the other, which loads each of `n` once in `n` requests.
    Sequential(u64),
}

/// A load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    /// Requests of a connection that are sent ahead.
    pub(crate) depth: usize,
    pub(crate) command: Command,
    pub(crate) keys: Keys,
    pub(crate) value_bytes: usize,
    /// Ends after so many, rounded up to a batch on each connection.
    pub(crate) requests: u64,
    /// Ends after this at the latest; what is under way is still awaited.
    pub(crate) time_limit: Duration,
}

impl Load {
    /// 50 connections with a keyspace, to be bounded by requests alone.
    pub(crate) fn new(command: Command, depth: usize, keys: Keys, value_bytes: usize, requests: u64) -> Load {
        let time_limit = Duration::from_secs(600);
        Load { connections: 50, depth, command, keys, value_bytes, requests, time_limit }
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Requests that were answered.
    pub(crate) requests: u64,
    /// Replies that were nil.
    pub(crate) misses: u64,
    pub(crate) elapsed: Duration,
    /// Of batches.
    pub(crate) latency: Histogram,
}

/// Puts the load on a port of 127.0.0.1 until it is done, or until `goes_on`, asked about once a turn, says no.
pub(crate) fn run(port: u16, load: &Load, mut goes_on: impl FnMut() -> bool) -> Result<Outcome> {
    let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let mut requests = Requests::new(load);
    let mut clients = Vec::with_capacity(load.connections);
    for index in 0..load.connections {
        let stream = TcpStream::connect(("127.0.0.1", port)).context("connect a client")?;
        stream.set_nodelay(true)?;
        epoll::add(&poll, &stream, epoll::EventData::new_u64(index as u64), epoll::EventFlags::IN)?;
        clients.push(Client { stream, replies: Replies::default(), awaited: 0, sent_at: Instant::now() });
    }

    let started = Instant::now();
    let mut latency = Histogram::new();
    let (mut sent, mut answered) = (0, 0);
    let mut events = Vec::with_capacity(load.connections);
    let mut buffer = vec![0; READ_BYTES];
    for client in &mut clients {
        if sent < load.requests {
            sent += client.send(requests.next_batch())?;
        }
    }
    while answered < sent {
        events.clear();
        let timeout = Timespec { tv_sec: SILENCE_S, tv_nsec: 0 };
        epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), Some(&timeout))?;
        if events.is_empty() {
            bail!("the server was silent for {SILENCE_S} s with {} requests under way", sent - answered);
        }
        let is_over = sent >= load.requests || started.elapsed() >= load.time_limit || !goes_on();
        for event in &events {
            let client = &mut clients[event.data.u64() as usize];
            answered += client.receive(&mut buffer)?;
            if client.awaited == 0 {
                latency.record(client.sent_at.elapsed().as_nanos() as u64);
                if !is_over {
                    sent += client.send(requests.next_batch())?;
                }
            }
        }
    }
    let misses = clients.iter().map(|client| client.replies.misses).sum();
    Ok(Outcome { requests: answered, misses, elapsed: started.elapsed(), latency })
}

struct Client {
    stream: TcpStream,
    replies: Replies,
    /// Replies of the batch under way.
    awaited: u64,
    sent_at: Instant,
}

impl Client {
    fn send(&mut self, (batch, requests): (&[u8], u64)) -> Result<u64> {
        self.sent_at = Instant::now();
        self.stream.write_all(batch).context("send to the server")?;
        self.awaited = requests;
        Ok(requests)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<u64> {
        let length = self.stream.read(buffer).context("receive from the server")?;
        if length == 0 {
            bail!("the server closed a connection");
        }
        let complete = self.replies.feed(&buffer[..length])?;
        let Some(awaited) = self.awaited.checked_sub(complete) else {
            bail!("{} replies for {} requests", complete, self.awaited);
        };
        self.awaited = awaited;
        Ok(complete)
    }
}

/// Makes batches.
struct Requests {
    load: Load,
    get: Vec<u8>,
    set: Vec<u8>,
    batch: Vec<u8>,
    random: u64,
    next: u64,
}

impl Requests {
    fn new(load: &Load) -> Requests {
        let key = "k".repeat(KEY_BYTES);
        let value = "v".repeat(load.value_bytes);
        let get = format!("*2\r\n$3\r\nGET\r\n${KEY_BYTES}\r\n{key}\r\n").into_bytes();
        let set = format!("*3\r\n$3\r\nSET\r\n${KEY_BYTES}\r\n{key}\r\n${}\r\n{value}\r\n", value.len());
        let set = set.into_bytes();
        assert!(set.len() * load.depth <= MAX_BATCH_BYTES, "a batch has to fit in the sockets' buffers");
        Requests { load: *load, get, set, batch: Vec::new(), random: 0x9E37_79B9_7F4A_7C15, next: 0 }
    }

    fn next_batch(&mut self) -> (&[u8], u64) {
        self.batch.clear();
        for _ in 0..self.load.depth {
            let is_set = match self.load.command {
                Command::Ping => {
                    self.batch.extend_from_slice(b"*1\r\n$4\r\nPING\r\n");
                    continue;
                }
                Command::Get => false,
                Command::Set => true,
                Command::Mixed { set_percent } => self.random() % 100 < u64::from(set_percent),
            };
            let key = self.next_key();
            let start = self.batch.len();
            let template = if is_set { &self.set } else { &self.get };
            self.batch.extend_from_slice(template);
            // Both templates have the same length up to the key: `*n`, `$3`, three letters, `$16`.
            let place = start + "*2\r\n$3\r\nGET\r\n$16\r\n".len();
            write_key(&mut self.batch[place..place + KEY_BYTES], key);
        }
        (&self.batch, self.load.depth as u64)
    }

    fn next_key(&mut self) -> u64 {
        match self.load.keys {
            Keys::Random(count) => self.random() % count,
            Keys::Sequential(count) => {
                self.next += 1;
                (self.next - 1) % count
            }
        }
    }

    /// xorshift64*: good enough to spread keys, and nothing beside a system call.
    fn random(&mut self) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }
}

fn write_key(place: &mut [u8], mut key: u64) {
    let (prefix, digits) = place.split_at_mut(KEY_BYTES - KEY_DIGITS);
    prefix.copy_from_slice(b"key:");
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (key % 10) as u8;
        key /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(command: Command, keys: Keys, depth: usize) -> String {
        let load = Load::new(command, depth, keys, 3, 1);
        String::from_utf8(Requests::new(&load).next_batch().0.to_vec()).expect("text")
    }

    #[test]
    fn batches_are_whole_requests() {
        let set = |key: &str| format!("*3\r\n$3\r\nSET\r\n$16\r\n{key}\r\n$3\r\nvvv\r\n");
        let both = set("key:000000000000") + &set("key:000000000001");
        assert_eq!(batch(Command::Set, Keys::Sequential(9), 2), both);
        assert_eq!(batch(Command::Get, Keys::Random(1), 1), "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000000\r\n");
        assert_eq!(batch(Command::Ping, Keys::Random(1), 2), "*1\r\n$4\r\nPING\r\n".repeat(2));
    }

    #[test]
    fn a_mix_keeps_its_ratio_and_random_keys_cover_the_keyspace() {
        let mixed = batch(Command::Mixed { set_percent: 20 }, Keys::Random(10), 1000);
        let sets = mixed.matches("SET").count();
        assert!((150..250).contains(&sets), "{sets} of 1000");
        for key in 0..10 {
            assert!(mixed.contains(&format!("key:{key:012}")), "{key}");
        }
    }
}
