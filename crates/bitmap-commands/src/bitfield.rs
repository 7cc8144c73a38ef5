//! BITFIELD and BITFIELD_RO
//!
//! All operations are read first, so an error in the last one leaves nothing behind. One that writes makes the string as long as
//! the furthest field needs; the others of the same call then find it that long.

use super::field::{Overflow, Type};
use super::{INVALID_OFFSET, in_a_string, write};
use command_spec::*;
use commands::args::{int, is};
use commands::{Cx, Error};
use keyspace::EventClass;
use number::IntBuffer;
use string_commands::string_bytes;

const GET: Arg = Arg::block("get-block", &[Arg::string("encoding"), Arg::integer("offset")]).token("GET");

/// `BITFIELD`
pub(super) const BITFIELD: Spec = Spec {
    name: "bitfield",
    summary: "Reads, sets and increments integers of any width at any bit of the string at a key.",
    since: "3.2.0",
    group: Group::Bitmap,
    complexity: "O(N), N being the number of operations",
    arity: -2,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    categories: Categories::BITMAP,
    keys: &[KeySpec::one(
        1,
        KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE).union(KeyFlags::VARIABLE_FLAGS),
    )],
    variable: Some(Variable {
        unless: &["set", "incrby"],
        from: 2,
        flags: KeyFlags::RO.union(KeyFlags::ACCESS),
    }),
    args: &[
        Arg::key("key"),
        Arg::one_of(
            "operation",
            &[
                GET,
                Arg::block(
                    "write",
                    &[
                        Arg::one_of(
                            "overflow-block",
                            &[Arg::word("wrap", "WRAP"), Arg::word("sat", "SAT"), Arg::word("fail", "FAIL")],
                        )
                        .token("OVERFLOW")
                        .optional(),
                        Arg::one_of(
                            "write-operation",
                            &[
                                Arg::block(
                                    "set-block",
                                    &[Arg::string("encoding"), Arg::integer("offset"), Arg::integer("value")],
                                )
                                .token("SET"),
                                Arg::block(
                                    "incrby-block",
                                    &[
                                        Arg::string("encoding"),
                                        Arg::integer("offset"),
                                        Arg::integer("increment"),
                                    ],
                                )
                                .token("INCRBY"),
                            ],
                        ),
                    ],
                ),
            ],
        )
        .optional()
        .multiple(),
    ],
    reply: Shape::Array(&Shape::OneOf(&[Shape::Integer, Shape::Null])),
    need: Need::Keys,
    ..Spec::BASE
};

/// `BITFIELD_RO`
pub(super) const BITFIELD_RO: Spec = Spec {
    name: "bitfield_ro",
    summary: "Reads integers of any width at any bit of the string at a key.",
    since: "6.0.0",
    flags: Flags::READONLY.union(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    variable: None,
    args: &[Arg::key("key"), GET.optional().multiple_token()],
    reply: Shape::Array(&Shape::Integer),
    ..BITFIELD
};

/// What is done to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Get,
    Set(i64, Overflow),
    Increment(i64, Overflow),
}

#[derive(Debug, Clone, Copy)]
struct Operation {
    field: Type,
    at: usize,
    action: Action,
}

impl Operation {
    fn last_bit(&self) -> usize {
        self.at + self.field.bits() - 1
    }

    /// Runs on a string that is long enough if this writes. The answer, and whether anything is different now.
    fn run(&self, bytes: &mut [u8]) -> (Option<i64>, bool) {
        let before = self.field.get(bytes, self.at);
        let (answer, after) = match self.action {
            Action::Get => return (Some(before), false),
            Action::Set(value, overflow) => (before, self.field.fit(value, overflow)),
            Action::Increment(by, overflow) => {
                let sum = self.field.incremented(before, by, overflow);
                (sum.unwrap_or_default(), sum)
            }
        };
        let Some(after) = after else { return (None, false) };
        self.field.set(bytes, self.at, after);
        (Some(answer), after != before)
    }
}

fn parse(cx: &Cx<'_, '_>, argv: &[&[u8]]) -> Result<Vec<Operation>, Error> {
    let mut operations = Vec::new();
    let mut overflow = Overflow::default();
    let mut rest = &argv[2..];
    while let [name, args @ ..] = rest {
        let read = |args: &[&[u8]]| -> Result<(Type, usize), Error> {
            let field = Type::parse(args[0])?;
            Ok((field, offset(cx, args[1], field)?))
        };
        let (operation, used) = match args {
            [_, _, ..] if is(name, "GET") => {
                let (field, at) = read(args)?;
                (Operation { field, at, action: Action::Get }, 2)
            }
            [_, _, amount, ..] if is(name, "SET") || is(name, "INCRBY") => {
                let (field, at) = read(args)?;
                let action = if is(name, "SET") { Action::Set } else { Action::Increment };
                (Operation { field, at, action: action(int(amount)?, overflow) }, 3)
            }
            [mode, after @ ..] if is(name, "OVERFLOW") => {
                overflow = match () {
                    () if is(mode, "WRAP") => Overflow::Wrap,
                    () if is(mode, "SAT") => Overflow::Saturate,
                    () if is(mode, "FAIL") => Overflow::Fail,
                    () => return Err(Error::text("ERR Invalid OVERFLOW type specified")),
                };
                rest = after;
                continue;
            }
            _ => return Err(Error::Syntax),
        };
        operations.push(operation);
        rest = &args[used..];
    }
    Ok(operations)
}

/// The first bit of a field: a number of bits, or `#` and a number of fields of this width.
fn offset(cx: &Cx<'_, '_>, arg: &[u8], field: Type) -> Result<usize, Error> {
    let Some(number) = arg.strip_prefix(b"#") else { return super::offset(cx, arg) };
    let number = int(number).map_err(|_| INVALID_OFFSET)?;
    in_a_string(cx, number.wrapping_mul(field.bits() as i64))
}

pub(super) fn bitfield(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (key, operations) = (argv[1], parse(cx, argv)?);
    let writing = operations.iter().filter(|operation| operation.action != Action::Get);
    let Some(last_bit) = writing.map(Operation::last_bit).max() else { return read(cx, key, &operations) };
    let (answers, changes) = write(cx, key, last_bit, |bytes, has_grown| {
        let done: Vec<_> = operations.iter().map(|operation| operation.run(bytes)).collect();
        let answers: Vec<_> = done.iter().map(|&(answer, _)| answer).collect();
        // A string that has become longer is another one, even if nothing was written to it.
        let written = operations.iter().zip(&done).filter(|(operation, (answer, is_other))| {
            operation.action != Action::Get && answer.is_some() && (has_grown || *is_other)
        });
        (answers, written.count().max(usize::from(has_grown)))
    })?;
    if changes > 0 {
        cx.keys.changed(key, EventClass::STRING, "setbit", changes as u64);
    }
    cx.out.array(answers.len());
    cx.out.each(&answers, |out, answer| match answer {
        Some(answer) => out.int(*answer),
        None => out.null(),
    });
    Ok(())
}

pub(super) fn bitfield_ro(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let operations = parse(cx, argv)?;
    if operations.iter().any(|operation| operation.action != Action::Get) {
        return Err(Error::text("ERR BITFIELD_RO only supports the GET subcommand"));
    }
    read(cx, argv[1], &operations)
}

fn read(cx: &mut Cx<'_, '_>, key: &[u8], operations: &[Operation]) -> Result<(), Error> {
    let mut buffer = IntBuffer::new();
    let bytes = match cx.keys.lookup(key) {
        Some(entry) => string_bytes(entry.value(), &mut buffer)?,
        None => b"",
    };
    cx.out.array(operations.len());
    cx.out.each(operations, |out, operation| out.int(operation.field.get(bytes, operation.at)));
    Ok(())
}
