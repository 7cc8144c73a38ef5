//! Replies that are written in pieces.

use command_tests::Session;
use profile::Profile;
use resp::{Decoder, Frame, Proto};
use std::collections::BTreeSet;

#[test]
fn a_rest_in_pieces_is_one_reply() {
    const DRAWN: usize = 5000;
    let mut session = Session::new(Profile::Redis70);
    session.line("HSET h a 1 b 22 c x");
    for (proto, values, elements) in [
        (Proto::Resp2, "", DRAWN),
        (Proto::Resp2, " WITHVALUES", 2 * DRAWN),
        (Proto::Resp3, " WITHVALUES", DRAWN),
    ] {
        session.proto = proto;
        let words = format!("HRANDFIELD h -{DRAWN}{values}");
        let reply = session.call(&words.split(' ').collect::<Vec<_>>());
        let mut decoder = Decoder::new();
        decoder.feed(&reply);
        let Ok(Some(Frame::Array(drawn))) = decoder.next_frame() else { panic!("{words}: not an array") };
        assert_eq!((drawn.len(), decoder.rest().len()), (elements, 0), "{words}");
        let different: BTreeSet<String> = drawn.iter().map(|element| format!("{element:?}")).collect();
        // Three fields, with their values behind them or beside.
        assert_eq!(different.len(), if elements == DRAWN { 3 } else { 6 }, "{words}: {different:?}");
    }
}
