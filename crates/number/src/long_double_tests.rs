//! Sums against those of redis-server, and the edges of the format.

use super::*;

fn parse(text: &str) -> Option<LongDouble> {
    LongDouble::parse(text.as_bytes())
}

/// Lines of `value increment reply` as redis-server 7.0.15 answered SET and INCRBYFLOAT.
#[test]
fn sums_read_as_those_of_redis() {
    let mut lines = 0;
    for line in include_str!("fixtures/incrbyfloat.txt").lines() {
        let mut words = line.splitn(3, ' ');
        let (value, increment, reply) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let answer = match (parse(value), parse(increment)) {
            (Some(value), Some(increment)) => match value + increment {
                sum if sum.is_finite() => sum.to_string(),
                _ => "ERR increment would produce NaN or Infinity".to_owned(),
            },
            _ => "ERR value is not a valid float".to_owned(),
        };
        assert_eq!(answer, reply, "{value} + {increment}");
        lines += 1;
    }
    assert!(lines > 400);
}

#[test]
fn refuses_what_strtold_does_not_take_whole() {
    for text in [
        "",
        " 5",
        "5 ",
        "nan",
        "-nan",
        "NAN(1)",
        "infi",
        "1e",
        "1e+",
        "0x",
        "0x.p1",
        "0x1p",
        "0x1g",
        ".",
        "-",
        "+-1",
        "1.2.3",
        "1_0",
        "1e4933",
        "1e-4990",
        "1e5000000000000000000000",
        "1e-5000000000000000000000",
        "0x1p99999999999999999999",
        "1f",
        "--1",
        "e5",
    ] {
        assert_eq!(parse(text), None, "{text:?}");
    }
    assert_eq!(LongDouble::parse(&[b'1'; 5 * 1024]), None);
}

#[test]
fn takes_every_form_of_a_number() {
    for (text, printed) in [
        ("5.", "5"),
        (".5", "0.5"),
        ("+5", "5"),
        ("0x1p3", "8"),
        ("0X1.8P-1", "0.75"),
        ("-0", "0"),
        ("1E2", "100"),
        ("-1e-1", "-0.1"),
        ("000012.500", "12.5"),
        ("inf", "inf"),
        ("-Infinity", "-inf"),
        ("0x1p-16445", "0"),
        ("0x10", "16"),
        ("0e99999999999999999999", "0"),
    ] {
        assert_eq!(parse(text).map(|value| value.to_string()).as_deref(), Some(printed), "{text:?}");
    }
    assert!(LongDouble::parse(&[b'9'; 4000]).unwrap().is_finite());
}

#[test]
fn opposite_infinities_have_no_sum() {
    let (plus, minus, one) = (parse("inf").unwrap(), parse("-inf").unwrap(), parse("1").unwrap());
    assert_eq!((plus + minus).to_string(), "nan");
    assert_eq!((minus + one).to_string(), "-inf");
    assert_eq!((one + plus).to_string(), "inf");
}

#[test]
fn integers_are_exact() {
    for value in [0, 1, -1, i64::MAX, i64::MIN, 1 << 53 | 1] {
        assert_eq!(LongDouble::from(value).to_string(), value.to_string());
    }
}

#[test]
fn doubles_are_exact() {
    for (value, text) in [
        (13.361389338970184, "13.36138933897018433"),
        (-179.99999731779099, "-179.99999731779098511"),
        (85.05112878, "85.0511287799999991"),
        (180.0, "180"),
        (0.1, "0.10000000000000001"),
        (-0.0, "0"),
        (2f64.powi(-18), "0.00000381469726562"),
        (3.0 * 2f64.powi(-18), "0.00001144409179688"),
        (f64::MIN_POSITIVE, "0"),
        (5e-324, "0"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
    ] {
        assert_eq!(LongDouble::from(value).to_string(), text, "{value}");
    }
    assert_eq!(LongDouble::from(1e300).to_string(), format!("{:.0}", 1e300));
    for value in [0.1, -2.5e-310, 5e-324, 1e300, 123_456.789, f64::MAX] {
        assert_eq!(LongDouble::from(value) + LongDouble::from(-value), LongDouble::from(0i64));
    }
}

#[test]
fn half_of_the_last_place_goes_to_even() {
    let one = 1u64 << 63;
    for (tail, expected) in [("8000000000000000", one), ("8000000000000001", one)] {
        // 1 + half a unit of the last of 64 places, and a little more.
        let value = parse(&format!("0x1.0000000000000001{}", &tail[15..])).unwrap();
        let Magnitude::Finite { mantissa, .. } = value.magnitude else { panic!("finite") };
        assert_eq!(mantissa, expected + u64::from(tail.ends_with('1')), "{tail}");
    }
}
