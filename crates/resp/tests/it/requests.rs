//! Framing of requests. The expected errors are what redis-server 7.0.15 answers to the same bytes.

use proptest::prelude::*;
use resp::{Args, Limits, Parsed, Parser, ProtocolError, encode_command};

type Outcome = (Vec<Vec<Vec<u8>>>, Option<ProtocolError>);

/// Feeds `pieces` as a connection would: the buffer starts at the first unconsumed byte.
fn feed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limits: &Limits) -> Outcome {
    let (mut parser, mut args) = (Parser::new(), Args::new());
    let (mut buffer, mut requests) = (Vec::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        let mut start = 0;
        let mut batch = Vec::new();
        args.clear();
        loop {
            match parser.parse(&buffer[start..], limits, &mut args) {
                Ok(Parsed::Request(request)) => {
                    assert!(request.count > 0 && request.consumed <= buffer.len() - start);
                    batch.push((request, start));
                    start += request.consumed;
                }
                Ok(Parsed::Skip { consumed }) => {
                    assert!(consumed > 0);
                    start += consumed;
                }
                Ok(Parsed::Incomplete { needed }) => {
                    assert!(needed > 0);
                    break;
                }
                Err(error) => {
                    for next in [&b"PING\r\n"[..], b"*1\r\n$4\r\nPING\r\n"] {
                        assert_eq!(parser.parse(next, limits, &mut args), Err(error), "an error is final");
                    }
                    collect(&batch, &args, &buffer, &mut requests);
                    return (requests, Some(error));
                }
            }
        }
        // Arguments are read after the whole batch has been parsed, as a worker does it.
        collect(&batch, &args, &buffer, &mut requests);
        buffer.drain(..start);
    }
    (requests, None)
}

fn collect(batch: &[(resp::Request, usize)], args: &Args, buffer: &[u8], requests: &mut Vec<Vec<Vec<u8>>>) {
    for (request, start) in batch {
        let list: Vec<_> = args.iter(request, &buffer[*start..]).map(<[u8]>::to_vec).collect();
        assert_eq!(args.get(request, &buffer[*start..], 0), list[0]);
        requests.push(list);
    }
}

fn check(input: &[u8], want: &[&[&str]]) {
    for limits in [Limits::default(), Limits { authenticated: false, ..Limits::default() }] {
        let (requests, error) = feed([input], &limits);
        let requests: Vec<Vec<String>> = requests
            .iter()
            .map(|request| request.iter().map(|arg| String::from_utf8_lossy(arg).into_owned()).collect())
            .collect();
        assert_eq!(
            (requests, error),
            (want.iter().map(|r| r.iter().map(|a| a.to_string()).collect()).collect(), None)
        );
    }
}

fn check_error(input: &[u8], authenticated: bool, want: &[u8]) {
    let limits = Limits { authenticated, ..Limits::default() };
    for pieces in [vec![input], input.chunks(1).collect()] {
        let (_, error) = feed(pieces, &limits);
        let got = error.map(|error| error.message());
        assert_eq!(
            got.as_deref(),
            Some(want),
            "{:?}",
            String::from_utf8_lossy(&input[..input.len().min(40)])
        );
    }
}

#[test]
fn arrays_and_lines_are_requests() {
    check(b"*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", &[&["PING"], &["GET", "k"]]);
    check(b"PING\r\nECHO 'a b'\nPING\n", &[&["PING"], &["ECHO", "a b"], &["PING"]]);
    check(b"PING\r\n*1\r\n$4\r\nPING\r\nECHO x\r\n", &[&["PING"], &["PING"], &["ECHO", "x"]]);
    check(b"*1\r\n$0\r\n\r\nPING\r\r\n", &[&[""], &["PING"]]);
}

#[test]
fn what_is_no_request_is_skipped() {
    check(b"\r\n\n  \r\n*0\r\n*-1\r\n*-5\r\nPING\r\n", &[&["PING"]]);
}

#[test]
fn the_bytes_behind_lengths_and_arguments_are_not_looked_at() {
    check(b"*1\rXX", &[]);
    check(b"*1\rX$4\rYPINGzzPING\n", &[&["PING"], &["PING"]]);
    check(b"*1\n$4\nPING\n", &[]);
    check(b"ECHO a\0b\r\nPING\r\n", &[]);
}

#[test]
fn errors_have_the_wording_of_the_real_server() {
    let long = [b'1'; 65_600];
    let with = |prefix: &[u8]| [prefix, &long].concat();
    for (input, want) in [
        (&b"*2147483648\r\n"[..], &b"Protocol error: invalid multibulk length"[..]),
        (b"*99999999999999999999\r\n", b"Protocol error: invalid multibulk length"),
        (b"*abc\r\n", b"Protocol error: invalid multibulk length"),
        (b"*\r\n", b"Protocol error: invalid multibulk length"),
        (b"*+1\r\n", b"Protocol error: invalid multibulk length"),
        (b"*01\r\n", b"Protocol error: invalid multibulk length"),
        (b"*1 \r\n", b"Protocol error: invalid multibulk length"),
        (b"*-0\r\n", b"Protocol error: invalid multibulk length"),
        (b"*1\r\nPING\r\n", b"Protocol error: expected '$', got 'P'"),
        (b"*1\r\n\xff\r\n", b"Protocol error: expected '$', got '\xff'"),
        (b"*1\r\n\r\n", b"Protocol error: expected '$', got '\r'"),
        (b"*1\r\n$-1\r\n", b"Protocol error: invalid bulk length"),
        (b"*1\r\n$abc\r\n", b"Protocol error: invalid bulk length"),
        (b"*1\r\n$\r\n", b"Protocol error: invalid bulk length"),
        (b"*1\r\n$536870913\r\n", b"Protocol error: invalid bulk length"),
        (b"ECHO \"a\"b\r\n", b"Protocol error: unbalanced quotes in request"),
        (b"ECHO 'a\r\n", b"Protocol error: unbalanced quotes in request"),
        (&with(b"*"), b"Protocol error: too big mbulk count string"),
        (&with(b"*1\r\n$"), b"Protocol error: too big bulk count string"),
        (&with(b""), b"Protocol error: too big inline request"),
        (&with(b"x\0\n"), b"Protocol error: too big inline request"),
    ] {
        check_error(input, true, want);
    }
    check_error(b"*11\r\n", false, b"Protocol error: unauthenticated multibulk length");
    check_error(b"*1\r\n$16385\r\n", false, b"Protocol error: unauthenticated bulk length");
    check_error(b"*11x\r\n", false, b"Protocol error: invalid multibulk length");
}

#[test]
fn limits_are_inclusive() {
    let limits = |authenticated| Limits { authenticated, ..Limits::default() };
    for (input, authenticated) in [
        (&b"*2147483647\r\n$536870912\r\n"[..], true),
        (b"*10\r\n$16384\r\n", false),
        (&[b'x'; 65_536], true),
    ] {
        assert_eq!(feed([input], &limits(authenticated)), (vec![], None));
    }
    let old = Limits { max_multibulk_len: 1024 * 1024, ..Limits::default() };
    assert_eq!(feed([&b"*1048577\r\n"[..]], &old).1, Some(ProtocolError::InvalidMultibulkLength));
    let small = Limits { max_bulk_len: 3, ..Limits::default() };
    assert_eq!(feed([&b"*1\r\n$4\r\n"[..]], &small).1, Some(ProtocolError::InvalidBulkLength));
}

#[test]
fn an_incomplete_argument_says_what_it_lacks() {
    let (mut parser, mut args) = (Parser::new(), Args::new());
    let input = b"*2\r\n$3\r\nGET\r\n$10\r\nabc";
    let parsed = parser.parse(input, &Limits::default(), &mut args);
    assert_eq!(parsed, Ok(Parsed::Incomplete { needed: 9 }));
    assert_eq!((parser.bulk_missing(input.len()), parser.in_request()), (9, true));
    let whole = [&input[..], b"defghij\r\n"].concat();
    let parsed = parser.parse(&whole, &Limits::default(), &mut args);
    assert!(matches!(parsed, Ok(Parsed::Request(request)) if request.consumed == whole.len()));
    assert!(!parser.in_request());
}

/// A bulk of 256 MB in pieces of 4 KB and a million arguments in pieces of 64 bytes: examined once, this takes moments;
/// examined again at each piece, hours.
#[test]
fn huge_requests_in_small_pieces_are_looked_at_once() {
    let (mut parser, mut args) = (Parser::new(), Args::new());
    let mut whole = b"*1\r\n$268435456\r\n".to_vec();
    let header = whole.len();
    whole.resize(header + (256 << 20) + 2, b'x');
    let limits = Limits::default();
    for end in (header..whole.len()).step_by(4096) {
        assert!(matches!(parser.parse(&whole[..end], &limits, &mut args), Ok(Parsed::Incomplete { .. })));
    }
    assert!(matches!(parser.parse(&whole, &limits, &mut args), Ok(Parsed::Request(_))));

    args.clear();
    let whole = [b"*1000000\r\n".to_vec(), b"$1\r\nx\r\n".repeat(1_000_000)].concat();
    for end in (1..whole.len()).step_by(64) {
        assert!(matches!(parser.parse(&whole[..end], &limits, &mut args), Ok(Parsed::Incomplete { .. })));
    }
    assert!(
        matches!(parser.parse(&whole, &limits, &mut args), Ok(Parsed::Request(r)) if r.count == 1_000_000)
    );
    assert!(parser.allocated_bytes() < 1 << 20, "the memory of a rare huge request is given back");
}

/// A request that arrives whole takes another path than one that arrives byte by byte, with the same result.
#[test]
fn a_whole_request_is_judged_as_one_in_pieces() {
    let array = |count: usize| format!("*{count}\r\n{}", "$1\r\na\r\n".repeat(count));
    let mut inputs: Vec<String> = [1, 2, 9, 10, 11, 31, 32, 33, 100].map(array).into();
    for len in
        ["01", "+1", "-1", "-0", " 1", "1 ", "", "x", "000000001", "00000001", "1x", "9999999999", "99999999"]
    {
        inputs.push(format!("*2\r\n$3\r\nGET\r\n${len}\r\na\r\n"));
        inputs.push(format!("*{len}\r\n$1\r\na\r\n"));
    }
    for len in [0, 5, 6, 9, 10, 99, 100, 16_384, 16_385] {
        inputs.push(format!("*2\r\n$3\r\nGET\r\n${len}\r\n{}\r\n*1\r\n$4\r\nPING\r\n", "v".repeat(len)));
    }
    for odd in [
        "*1\r\n+1\r\na\r\n",
        "*1\n$1\r\na\r\n",
        "*1\rx$1\rxaxx",
        "*1\r\n$1\r\na",
        "*1\r\n$1\r\na\r",
        "*0\r\nPING\r\n",
    ] {
        inputs.push(odd.to_owned());
    }
    for authenticated in [true, false] {
        for (max_bulk_len, max_multibulk_len) in [(512 << 20, 1 << 20), (5, 1 << 20), (512 << 20, 10)] {
            let limits = Limits { max_bulk_len, max_multibulk_len, authenticated };
            for input in &inputs {
                let bytes = input.as_bytes();
                let start = &input[..input.len().min(40)];
                assert_eq!(feed([bytes], &limits), feed(bytes.chunks(1), &limits), "{start:?} {limits:?}");
            }
        }
    }
}

fn requests() -> impl Strategy<Value = Vec<Vec<Vec<u8>>>> {
    let arg = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        (0usize..5000).prop_map(|len| vec![b'v'; len])
    ];
    proptest::collection::vec(proptest::collection::vec(arg, 1..8), 0..12)
}

fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

/// Bytes that look like the protocol often enough to get deep into the parser.
fn nearly_protocol() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        Just(b"*".to_vec()),
        Just(b"$".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"*1\r\n".to_vec()),
        Just(b"*2\r\n$1\r\na\r\n".to_vec()),
        Just(b"$4\r\nPING\r\n".to_vec()),
        Just(b"PING \"x\\x41\"\r\n".to_vec()),
        Just(b"'".to_vec()),
        Just(b"\"".to_vec()),
        Just(b"\0".to_vec()),
        (-3i64..30).prop_map(|n| n.to_string().into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(token, 0..30).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn splitting_changes_nothing(
        requests in requests(), inline in any::<bool>(), cuts in proptest::collection::vec(any::<usize>(), 0..20)
    ) {
        let mut bytes = Vec::new();
        for request in &requests {
            if inline {
                bytes.extend_from_slice(b"PING \"a\\x00b\" ''\r\n\r\n");
            }
            encode_command(&mut bytes, request);
        }
        let want: Vec<_> = requests
            .iter()
            .flat_map(|request| {
                let line = inline.then(|| vec![b"PING".to_vec(), b"a\0b".to_vec(), vec![]]);
                line.into_iter().chain([request.clone()])
            })
            .collect();
        let (got, error) = feed(pieces(&bytes, &cuts), &Limits::default());
        prop_assert_eq!(error, None);
        prop_assert!(got == want);
    }

    #[test]
    fn hostile_bytes_are_judged_alike_however_split(
        bytes in nearly_protocol(), cuts in proptest::collection::vec(any::<usize>(), 0..20), authenticated in any::<bool>()
    ) {
        let limits = Limits { authenticated, ..Limits::default() };
        let whole = feed([&bytes[..]], &limits);
        prop_assert_eq!(&feed(pieces(&bytes, &cuts), &limits), &whole);
        prop_assert_eq!(&feed(bytes.chunks(1), &limits), &whole);
    }
}
