//! Requests arrive in whatever pieces the network makes: the same bytes must be the same requests, or the same error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use resp::{Args, Limits, Parsed, Parser, ProtocolError};

/// The arguments of each request, and what ended them.
type Outcome = (Vec<Vec<Vec<u8>>>, Option<ProtocolError>);

/// Frames what comes in pieces that end at `ends`, as a connection does with its own buffer.
fn frame(bytes: &[u8], ends: &[usize], limits: &Limits) -> Outcome {
    let (mut parser, mut args) = (Parser::new(), Args::new());
    let (mut requests, mut begin) = (Vec::new(), 0);
    for &end in ends {
        loop {
            match parser.parse(&bytes[begin..end], limits, &mut args) {
                Ok(Parsed::Request(request)) => {
                    let arguments: Vec<_> = args.iter(&request, &bytes[begin..end]).map(<[u8]>::to_vec).collect();
                    assert_eq!(arguments.len(), request.count);
                    assert!(request.consumed > 0 && request.count > 0);
                    requests.push(arguments);
                    begin += request.consumed;
                }
                Ok(Parsed::Skip { consumed }) => {
                    assert!(consumed > 0);
                    begin += consumed;
                }
                Ok(Parsed::Incomplete { needed }) => {
                    assert!(needed > 0);
                    break;
                }
                Err(error) => return (requests, Some(error)),
            }
        }
        args.clear();
    }
    (requests, None)
}

// The first two bytes say how to cut, and whether the client has authenticated.
fuzz_target!(|data: &[u8]| {
    let [step, who, bytes @ ..] = data else { return };
    let step = usize::from(*step) + 1;
    let limits = Limits { authenticated: who % 2 == 0, max_bulk_len: 1 << 16, ..Limits::default() };
    let ends: Vec<usize> = (step..bytes.len()).step_by(step).chain([bytes.len()]).collect();
    assert_eq!(frame(bytes, &ends, &limits), frame(bytes, &[bytes.len()], &limits));
});
