//! One value of each form that a value can have: every type in each of its encodings. Tests of other crates take this file in, to
//! run all of them through what must be there for each type.
//!
//! A new type does not compile here until [`Form::of`] names its forms, and a form is not without a value that has it.

use structures::hash::FieldTtl;
use structures::stream::{Group, Nack};
use structures::{Hash, Limits, List, Score, Set, SortedSet, Stream, StreamId, Value, ValueRef, set};

macro_rules! forms {
    ($($form:ident => $make:expr),+ $(,)?) => {
        /// A type in one of its encodings.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Form { $($form),+ }

        impl Form {
            const ALL: &[Form] = &[$(Form::$form),+];

            /// A value of this form, unlike those of all others.
            fn make(self) -> Value {
                match self { $(Form::$form => $make),+ }
            }
        }
    };
}

forms! {
    Integer => Value::Int(-12_345),
    ShortString => Value::Bytes(b"short".to_vec()),
    LongString => Value::Bytes(vec![b'l'; 100]),
    BufferedString => Value::Bytes(b"buffered ".repeat(1_000)),
    ListOfOneNode => list(3),
    ListOfNodes => list(3_000),
    HashInListpack => hash(3),
    HashInTable => hash(3_000),
    HashOfVolatileFields => volatile_hash(2_999),
    SetOfIntegers => set_of(3, |at| (at * 70_000).to_string()),
    SetInListpack => set_of(3, |at| format!("member {at}")),
    SetInTable => set_of(3_000, |at| format!("member {at}")),
    SortedSetInListpack => sorted_set(3),
    SortedSetInTree => sorted_set(3_000),
    EmptyStream => Value::Stream(Box::new(Stream::new())),
    StreamOfOneNode => stream(3),
    StreamOfNodes => stream(3_000),
}

/// A value of each form.
pub(crate) fn each() -> impl Iterator<Item = (Form, Value)> {
    Form::ALL.iter().map(|&form| {
        let value = form.make();
        assert_eq!(Form::of(value.view()), form);
        (form, value)
    })
}

impl Form {
    /// The form of a value: all of a type's are named here.
    pub(crate) fn of(value: ValueRef<'_>) -> Form {
        match value {
            ValueRef::Int(_) => Form::Integer,
            ValueRef::Bytes(bytes) => match bytes.len() {
                0..=44 => Form::ShortString,
                45..=4096 => Form::LongString,
                4097.. => Form::BufferedString,
            },
            ValueRef::List(list) if list.encoding(true) == "listpack" => Form::ListOfOneNode,
            ValueRef::List(_) => Form::ListOfNodes,
            ValueRef::Hash(hash) if hash.as_listpack().is_some() => Form::HashInListpack,
            ValueRef::Hash(hash) if hash.is_volatile() => Form::HashOfVolatileFields,
            ValueRef::Hash(_) => Form::HashInTable,
            ValueRef::Set(set) => match set.encoding() {
                set::Encoding::IntSet => Form::SetOfIntegers,
                set::Encoding::Listpack => Form::SetInListpack,
                set::Encoding::Table => Form::SetInTable,
            },
            ValueRef::SortedSet(set) if set.as_listpack().is_some() => Form::SortedSetInListpack,
            ValueRef::SortedSet(_) => Form::SortedSetInTree,
            ValueRef::Stream(stream) => match stream.nodes_len() {
                0 => Form::EmptyStream,
                1 => Form::StreamOfOneNode,
                2.. => Form::StreamOfNodes,
            },
        }
    }
}

fn list(len: usize) -> Value {
    let mut list = List::new();
    for at in 0..len {
        list.push_back(format!("element {at} of {len}").as_bytes(), &Limits::default());
    }
    Value::List(Box::new(list))
}

fn hash(len: usize) -> Value {
    let mut hash = Hash::new();
    for at in 0..len {
        hash.set(format!("field {at} of {len}").as_bytes(), at.to_string().as_bytes(), &Limits::default());
    }
    Value::Hash(Box::new(hash))
}

/// A hash with fields that expire, at various times that are far, and fields that do not.
fn volatile_hash(len: usize) -> Value {
    let mut hash = Hash::new();
    for at in 0..len {
        let ttl = match at % 4 {
            0 => FieldTtl::Clear,
            1 => FieldTtl::At(4_102_444_800_000),
            2 => FieldTtl::At(4_000_000_000_000 + at as u64),
            _ => FieldTtl::At(i64::MAX as u64),
        };
        let (field, value) = (format!("field {at} of {len}"), at.to_string());
        hash.set_with_ttl(field.as_bytes(), value.as_bytes(), ttl, 0, &Limits::default());
    }
    Value::Hash(Box::new(hash))
}

fn set_of(len: usize, member: impl Fn(usize) -> String) -> Value {
    let mut set = Set::new();
    for at in 0..len {
        set.add(member(at).as_bytes(), &Limits::default());
    }
    Value::Set(Box::new(set))
}

/// Scores of all kinds: integers, fractions, infinities.
fn sorted_set(len: usize) -> Value {
    let mut set = SortedSet::new();
    for at in 0..len {
        let score = match at {
            0 => f64::NEG_INFINITY,
            1 => f64::INFINITY,
            _ => at as f64 / 4.0,
        };
        let score = Score::new(score).expect("a number");
        set.insert(format!("member {at} of {len}").as_bytes(), score, &Limits::default());
    }
    Value::SortedSet(Box::new(set))
}

/// A stream whose entries have various fields, some deleted, with groups whose consumers have some of them pending.
fn stream(len: u64) -> Value {
    let mut stream = Stream::new();
    let id = |at: u64| StreamId::new(1_000 + at / 7, at % 7 + 1);
    for at in 0..len {
        let (text, other) = (at.to_string(), format!("entry {at} of {len}"));
        let fields: &[&str] =
            if at % 5 == 4 { &["other", &other] } else { &["number", &text, "text", &other] };
        stream.add(id(at), fields, &Limits::default()).expect("IDs ascend");
    }
    let deleted: Vec<StreamId> = (0..len).filter(|at| at % 11 == 1).map(id).collect();
    stream.remove(&deleted);
    for (name, read) in [("a group", Some(len)), ("another", None), ("empty", Some(0))] {
        let mut group = Group::new(name.as_bytes(), id(len), read);
        for name in ["first", "second"] {
            let consumer = group.create_consumer(name.as_bytes(), 1_700_000_000_000).expect("a new name");
            group.set_active(consumer, Some(1_700_000_000_000));
            let every = if name == "first" { 3 } else { 7 };
            for at in (0..len).filter(|at| read.is_none() && at % every == 0) {
                group.set_pending(
                    id(at),
                    Nack { delivered_ms: 5_000 + at as i64, deliveries: at % 3, consumer },
                );
            }
        }
        stream.add_group(group);
    }
    Value::Stream(Box::new(stream))
}
