//! HyperLogLogs beside a real redis-server: the same commands leave the same bytes, run by run.

use command_tests::{Peer, Session};
use commands::Random;
use profile::Profile;
use resp::{Decoder, Frame};

const ROUNDS: usize = 400;
const SEED: u64 = 0x5ce7_c4e5;
/// A limit at which few of them are dense, so that runs are split and joined thousands of times.
const SPARSE_MAX_BYTES: &str = "12000";

struct Both {
    peer: Peer,
    session: Session,
}

impl Both {
    /// Runs a command on both; the reply, which must be the same.
    fn call(&mut self, argv: &[Vec<u8>]) -> Frame {
        let mut decoder = Decoder::new();
        decoder.feed(&self.session.call(argv));
        let ours = decoder.next_frame().expect("a reply").expect("a whole one");
        let theirs = self.peer.call(argv);
        let shown = argv.iter().map(|arg| arg.escape_ascii().to_string());
        assert_eq!(ours, theirs, "{}", shown.collect::<Vec<_>>().join(" "));
        theirs
    }

    fn line(&mut self, line: &str) -> Frame {
        self.call(&line.split(' ').map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>())
    }
}

#[test]
fn bytes_are_those_of_redis_server() {
    let Some(peer) = Peer::start() else { return };
    let mut both = Both { peer, session: Session::new(Profile::Redis70) };
    let mut random = Random::new(SEED);
    both.line(&format!("CONFIG SET hll-sparse-max-bytes {SPARSE_MAX_BYTES}"));
    for round in 0..ROUNDS {
        let key = format!("k{}", random.below(4));
        match random.below(10) {
            0..6 => {
                let mut argv = vec![b"PFADD".to_vec(), key.clone().into_bytes()];
                let n = 1 << random.below(10);
                argv.extend((0..n).map(|_| random.below(20_000).to_string().into_bytes()));
                both.call(&argv);
            }
            6 => drop(both.line(&format!("PFMERGE {key} k{} k{}", random.below(4), random.below(4)))),
            7 => drop(both.line(&format!("PFCOUNT k0 k1 {key}"))),
            8 => drop(both.line(&format!("PFCOUNT {key}"))),
            _ if round % 3 == 0 => drop(both.line(&format!("DEL {key}"))),
            _ => damage(&mut both, &mut random, &key),
        }
        both.line(&format!("GET {key}"));
    }
}

/// Overwrites a byte behind the header, and looks how that is taken. A call of one element leaves nothing behind when it fails.
fn damage(both: &mut Both, random: &mut Random, key: &str) {
    let Frame::Integer(len) = both.line(&format!("STRLEN {key}")) else { panic!("a length") };
    if len <= 16 {
        return;
    }
    let at = (16 + random.below(len as u64 - 16)).to_string();
    let byte = vec![random.below(256) as u8];
    both.call(&[b"SETRANGE".to_vec(), key.into(), at.into_bytes(), byte]);
    both.line(&format!("PFADD {key} {}", random.below(20_000)));
    both.line(&format!("PFCOUNT {key} none"));
    both.line(&format!("GET {key}"));
    both.line(&format!("DEL {key}"));
}
