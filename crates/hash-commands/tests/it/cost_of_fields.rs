//! Commands on fields with an expiry, over tables of fields without one, and of fields that all expire at once.

use command_tests::Session;
use command_tests::cost::{Argv, Case, Cases, hash, many, nothing};

/// `h`: a hash whose fields expire in one instant.
fn volatile_hash(session: &mut Session, n: usize) {
    hash(session, n);
    for from in (0..n).step_by(1_000) {
        let fields = 1_000.min(n - from);
        let line = format!("HPEXPIREAT h 4102444800000 FIELDS {fields}");
        let argv = many(&line, fields, |i| vec![(from + i).to_string()]).remove(0);
        assert_eq!(session.call(&argv).first(), Some(&b'*'), "{line}");
    }
}

/// A call on so many fields, with what follows each.
fn on(line: &str, n: usize, more: &[&str]) -> Vec<Argv> {
    let line = format!("{line} FIELDS {n}");
    many(&line, n, |i| {
        std::iter::once(i.to_string()).chain(more.iter().map(|word| (*word).to_owned())).collect()
    })
}

/// A call on one field, so many times.
fn on_one(line: &str, n: usize, more: &[&str]) -> Vec<Argv> {
    let line = format!("{line} FIELDS {n}");
    many(&line, n, |_| {
        std::iter::once("1".to_owned()).chain(more.iter().map(|word| (*word).to_owned())).collect()
    })
}

macro_rules! over_fields {
    ($line:literal, $more:expr) => {
        vec![
            Case { prepare: hash, calls: |n| on($line, n, $more) },
            Case { prepare: volatile_hash, calls: |n| on($line, n, $more) },
            Case { prepare: volatile_hash, calls: |n| on_one($line, n, $more) },
            Case { prepare: nothing, calls: |n| on($line, n, $more) },
        ]
    };
}

pub(crate) fn cases() -> Cases {
    vec![
        ("hexpire", over_fields!("HEXPIRE h 100", &[])),
        ("hexpireat", over_fields!("HEXPIREAT h 1", &[])),
        ("hexpiretime", over_fields!("HEXPIRETIME h", &[])),
        ("hgetdel", over_fields!("HGETDEL h", &[])),
        (
            "hgetex",
            [over_fields!("HGETEX h EX 100", &[]), over_fields!("HGETEX h PXAT 1", &[])]
                .into_iter()
                .flatten()
                .collect(),
        ),
        ("hpersist", over_fields!("HPERSIST h", &[])),
        ("hpexpire", over_fields!("HPEXPIRE h 100000", &[])),
        ("hpexpireat", over_fields!("HPEXPIREAT h 4102444800000 XX", &[])),
        ("hpexpiretime", over_fields!("HPEXPIRETIME h", &[])),
        ("hpttl", over_fields!("HPTTL h", &[])),
        (
            "hsetex",
            [over_fields!("HSETEX h EX 100", &["v"]), over_fields!("HSETEX h PXAT 1", &["v"])]
                .into_iter()
                .flatten()
                .collect(),
        ),
        ("httl", over_fields!("HTTL h", &[])),
    ]
}
