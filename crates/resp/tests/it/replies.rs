//! Replies to the byte in both versions, and read back.

use proptest::prelude::*;
use resp::{Decoder, Frame, FrameError, Meter, Proto, STEP, Writer};

fn written(proto: Proto, write: impl Fn(&mut Writer<'_>)) -> String {
    let mut out = Vec::new();
    write(&mut Writer::new(&mut out, proto));
    String::from_utf8(out).unwrap()
}

fn check(write: impl Fn(&mut Writer<'_>), resp2: &str, resp3: &str) {
    assert_eq!(written(Proto::Resp2, &write), resp2);
    assert_eq!(written(Proto::Resp3, &write), resp3);
}

#[test]
fn each_kind_in_both_versions() {
    let same = |write: fn(&mut Writer<'_>), bytes: &str| check(write, bytes, bytes);
    same(|w| w.ok(), "+OK\r\n");
    same(|w| w.simple("PONG"), "+PONG\r\n");
    same(|w| w.int(-7), ":-7\r\n");
    same(|w| w.int(i64::MIN), ":-9223372036854775808\r\n");
    same(|w| w.bulk(b""), "$0\r\n\r\n");
    same(|w| w.bulk(b"a\r\nb"), "$4\r\na\r\nb\r\n");
    same(|w| w.bulk_int(-1234), "$5\r\n-1234\r\n");
    same(|w| w.bulk_int(i64::MIN), "$20\r\n-9223372036854775808\r\n");
    same(|w| w.bulk_with(2, |out| out.extend_from_slice(b"hi")), "$2\r\nhi\r\n");
    same(|w| w.array(300), "*300\r\n");
    check(|w| w.null(), "$-1\r\n", "_\r\n");
    check(|w| w.null_array(), "*-1\r\n", "_\r\n");
    check(|w| w.map(2), "*4\r\n", "%2\r\n");
    check(|w| w.set(2), "*2\r\n", "~2\r\n");
    check(|w| w.push(3), "*3\r\n", ">3\r\n");
    check(|w| w.boolean(true), ":1\r\n", "#t\r\n");
    check(|w| w.boolean(false), ":0\r\n", "#f\r\n");
    check(|w| w.double_text("3.3"), "$3\r\n3.3\r\n", ",3.3\r\n");
    check(|w| w.double_text("-inf"), "$4\r\n-inf\r\n", ",-inf\r\n");
    check(|w| w.double_text("0.10"), "$4\r\n0.10\r\n", ",0.10\r\n");
    check(
        |w| w.big_number("-12345678901234567890"),
        "$21\r\n-12345678901234567890\r\n",
        "(-12345678901234567890\r\n",
    );
    check(|w| w.verbatim(b"txt", b"hello"), "$5\r\nhello\r\n", "=9\r\ntxt:hello\r\n");
    check(
        |w| {
            if w.attribute(1) {
                w.bulk(b"ttl");
                w.int(9);
            }
            w.int(1);
        },
        ":1\r\n",
        "|1\r\n$3\r\nttl\r\n:9\r\n:1\r\n",
    );
}

#[test]
fn an_error_is_one_line_whatever_it_quotes() {
    let same = |message: &[u8], want: &[u8]| {
        let mut out = Vec::new();
        Writer::new(&mut out, Proto::Resp2).error(message);
        assert_eq!(out, want);
    };
    same(b"ERR syntax error", b"-ERR syntax error\r\n");
    same(b"\r\nERR unknown 'a\r\nb\xff'\r\n\n", b"-ERR unknown 'a  b\xff'\r\n");
    same(b"", b"-\r\n");
    check(|w| w.error_value(&"WRONGTYPE no"), "-WRONGTYPE no\r\n", "-WRONGTYPE no\r\n");
}

#[test]
fn lengths_may_follow_their_elements() {
    check(
        |w| {
            let outer = w.deferred();
            w.int(1);
            let inner = w.deferred();
            (0..300).for_each(|_| w.int(2));
            w.finish_array(inner, 300);
            let map = w.deferred();
            w.finish_map(map, 0);
            let set = w.deferred();
            w.finish_set(set, 0);
            w.finish_array(outer, 4);
        },
        &format!("*4\r\n:1\r\n*300\r\n{}*0\r\n*0\r\n", ":2\r\n".repeat(300)),
        &format!("*4\r\n:1\r\n*300\r\n{}%0\r\n~0\r\n", ":2\r\n".repeat(300)),
    );
}

fn decode(pieces: &[&[u8]]) -> Result<Vec<Frame>, FrameError> {
    let (mut decoder, mut frames) = (Decoder::new(), Vec::new());
    for piece in pieces {
        decoder.feed(piece);
        while let Some(frame) = decoder.next_frame()? {
            frames.push(frame);
        }
    }
    Ok(frames)
}

#[test]
fn malformed_replies_are_refused() {
    for bytes in [
        &b"$-2\r\n"[..],
        b"$1\r\nabc",
        b"*-2\r\n",
        b"%-1\r\n",
        b":x\r\n",
        b"#x\r\n",
        b"_x\r\n",
        b",x\r\n",
        b"(1x\r\n",
        b"(\r\n",
        b"=3\r\ntxt\r\n",
        b"+a\n",
        b"\r\n",
        b"$01\r\n",
        b"!-1\r\n",
    ] {
        assert_eq!(decode(&[bytes]), Err(FrameError::Malformed), "{:?}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(decode(&[b"x1\r\n"]), Err(FrameError::UnknownType(b'x')));
    assert_eq!(decode(&[&b"*1\r\n".repeat(1000)]), Err(FrameError::TooLarge));
    assert_eq!(decode(&[&[b'+'; 2 << 20]]), Err(FrameError::TooLarge));
    assert_eq!(decode(&[b"%9223372036854775807\r\n"]), Ok(vec![]));
    assert_eq!(decode(&[b"$99999999999999\r\n"]), Err(FrameError::TooLarge));
    assert_eq!(
        decode(&[b"*0\r\n*-1\r\n$-1\r\n"]),
        Ok(vec![Frame::Array(vec![]), Frame::NullArray, Frame::NullBulk])
    );
}

#[test]
fn a_stream_may_go_on_in_another_format() {
    let mut decoder = Decoder::new();
    decoder.feed(b"+FULLRESYNC x 0\r\n$EOF:");
    assert_eq!(decoder.next_frame(), Ok(Some(Frame::Simple(b"FULLRESYNC x 0".to_vec()))));
    assert_eq!(decoder.rest(), b"$EOF:");
    assert_eq!(decoder.take_rest(), b"$EOF:");
    decoder.feed(b":1\r\n");
    assert_eq!(decoder.next_frame(), Ok(Some(Frame::Integer(1))));
}

fn frames() -> impl Strategy<Value = Frame> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..20);
    let line = || "[ -~]{0,20}".prop_map(String::into_bytes);
    let leaf = prop_oneof![
        line().prop_map(Frame::Simple),
        line().prop_map(Frame::Error),
        any::<i64>().prop_map(Frame::Integer),
        bytes().prop_map(Frame::Bulk),
        Just(Frame::Null),
        any::<bool>().prop_map(Frame::Boolean),
        any::<f64>().prop_filter("NaN is not equal to itself", |d| !d.is_nan()).prop_map(Frame::Double),
        "-?[1-9][0-9]{0,30}".prop_map(|digits| Frame::BigNumber(digits.into_bytes())),
        bytes().prop_map(|text| Frame::Verbatim { format: *b"txt", text }),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let items = || proptest::collection::vec(inner.clone(), 0..6);
        let pairs = || proptest::collection::vec((inner.clone(), inner.clone()), 0..4);
        prop_oneof![
            items().prop_map(Frame::Array),
            items().prop_map(Frame::Set),
            items().prop_map(Frame::Push),
            pairs().prop_map(Frame::Map),
            (pairs(), inner.clone())
                .prop_map(|(attributes, reply)| Frame::Attributed { attributes, reply: Box::new(reply) }),
        ]
    })
}

fn write(writer: &mut Writer<'_>, frame: &Frame) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    match frame {
        Frame::Simple(line) => writer.simple(&text(line)),
        Frame::Error(line) => writer.error(line),
        Frame::Integer(n) => writer.int(*n),
        Frame::Bulk(bytes) => writer.bulk(bytes),
        Frame::Boolean(value) => writer.boolean(*value),
        Frame::Double(value) => writer.double_text(&format!("{value:e}")),
        Frame::BigNumber(digits) => writer.big_number(&text(digits)),
        Frame::Verbatim { format, text } => writer.verbatim(format, text),
        Frame::Array(items) => {
            writer.array(items.len());
            items.iter().for_each(|item| write(writer, item));
        }
        Frame::Set(items) => {
            let deferred = writer.deferred();
            items.iter().for_each(|item| write(writer, item));
            writer.finish_set(deferred, items.len());
        }
        Frame::Push(items) => {
            writer.push(items.len());
            items.iter().for_each(|item| write(writer, item));
        }
        Frame::Map(pairs) => {
            let deferred = writer.deferred();
            write_pairs(writer, pairs);
            writer.finish_map(deferred, pairs.len());
        }
        Frame::Attributed { attributes, reply } => {
            assert!(writer.attribute(attributes.len()));
            write_pairs(writer, attributes);
            write(writer, reply);
        }
        Frame::Null | Frame::NullBulk | Frame::NullArray | Frame::BulkError(_) => writer.null(),
    }
}

fn write_pairs(writer: &mut Writer<'_>, pairs: &[(Frame, Frame)]) {
    for (key, value) in pairs {
        write(writer, key);
        write(writer, value);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_written_is_read(frames in proptest::collection::vec(frames(), 0..5), cut in any::<usize>()) {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes, Proto::Resp3);
        frames.iter().for_each(|frame| write(&mut writer, frame));
        let cut = cut % (bytes.len() + 1);
        prop_assert_eq!(&decode(&[&bytes[..cut], &bytes[cut..]]).unwrap(), &frames);
        let singles: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&decode(&singles).unwrap(), &frames);
    }

    #[test]
    fn hostile_bytes_never_panic(
        types in "[-+:$*~>%|!=#,(_x]{0,8}", bytes in proptest::collection::vec(any::<u8>(), 0..60), count in -2i64..9
    ) {
        let mut input = Vec::new();
        for kind in types.bytes() {
            input.push(kind);
            input.extend_from_slice(format!("{count}\r\n").as_bytes());
        }
        input.extend_from_slice(&bytes);
        let whole = decode(&[&input]);
        let singles: Vec<&[u8]> = input.chunks(1).collect();
        prop_assert_eq!(decode(&singles).is_err(), whole.is_err());
    }
}

/// Lets a buffer grow to a length, and counts how often it is asked.
#[derive(Debug, Default)]
struct Until {
    len: usize,
    asked: std::cell::Cell<usize>,
}

impl Meter for Until {
    fn may_grow(&self, len: usize, more: usize) -> bool {
        self.asked.set(self.asked.get() + 1);
        len.saturating_add(more) <= self.len
    }
}

#[test]
fn a_meter_is_asked_at_each_step_and_cuts_a_reply_off() {
    let meter = Until { len: 3 * STEP, ..Until::default() };
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out, Proto::Resp2).metered(&meter);
    writer.array(7);
    for _ in 0..100 {
        writer.bulk(&[b'x'; 1000]);
    }
    assert_eq!((meter.asked.get(), writer.is_over()), (1, false), "one step, one question");
    let mut written = 0;
    writer.each(0.., |out, n| {
        out.int(n);
        written = n;
    });
    assert!(writer.is_over() && written > 10_000);
    writer.bulk(&[b'x'; 10 * STEP]);
    let array = writer.deferred();
    writer.int(1);
    writer.finish_array(array, 1);
    writer.error("ERR text");
    assert_eq!(out.len(), 0, "what was cut off is dropped, and what follows");
}

#[test]
fn a_length_that_is_known_is_asked_about_before_it_is_written() {
    let meter = Until { len: 100, ..Until::default() };
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out, Proto::Resp2).metered(&meter);
    assert!(writer.fits(100));
    writer.int(1);
    let mut other = Vec::new();
    let mut aside = writer.aside(&mut other);
    assert!(!aside.fits(97), "what is in the other buffer counts");
    assert!(aside.is_over() && !writer.is_over());
    assert!(!writer.fits(usize::MAX) && writer.is_over());
    assert!(Writer::new(&mut Vec::new(), Proto::Resp2).fits(usize::MAX), "nobody says no");
}
