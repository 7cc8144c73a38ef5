//! Which arguments are keys.
//!
//! A command lists *key specs*, as `COMMAND INFO` publishes them: where to begin (a fixed index, or after a keyword)
//! and how to go on from there (a range, or a count that stands in the arguments). The node, the proxy, ACL rules and
//! `COMMAND GETKEYS` all call [`positions`], so they cannot disagree.

use crate::Spec;
use bitflags::bitflags;

bitflags! {
    /// What happens to the keys of a spec.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct KeyFlags: u16 {
        /// Only read.
        const RO = 1;
        /// Read and written.
        const RW = 1 << 1;
        /// Overwritten without being read.
        const OW = 1 << 2;
        /// Removed.
        const RM = 1 << 3;
        /// The value is read, copied or used for the reply.
        const ACCESS = 1 << 4;
        /// The value is changed in a way that depends on it.
        const UPDATE = 1 << 5;
        /// Data is added without reading what is there.
        const INSERT = 1 << 6;
        /// Data is removed explicitly.
        const DELETE = 1 << 7;
        /// Not a key, but routed like one.
        const NOT_KEY = 1 << 8;
        /// Not all keys are found by this spec.
        const INCOMPLETE = 1 << 9;
        /// The flags depend on the arguments.
        const VARIABLE_FLAGS = 1 << 10;
    }
}

const KEY_FLAG_NAMES: &[(KeyFlags, &str)] = &[
    (KeyFlags::RO, "RO"),
    (KeyFlags::RW, "RW"),
    (KeyFlags::OW, "OW"),
    (KeyFlags::RM, "RM"),
    (KeyFlags::ACCESS, "access"),
    (KeyFlags::UPDATE, "update"),
    (KeyFlags::INSERT, "insert"),
    (KeyFlags::DELETE, "delete"),
    (KeyFlags::NOT_KEY, "not_key"),
    (KeyFlags::INCOMPLETE, "incomplete"),
    (KeyFlags::VARIABLE_FLAGS, "variable_flags"),
];

impl KeyFlags {
    /// The names that `COMMAND INFO` shows, in its order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        KEY_FLAG_NAMES.iter().filter(move |(flag, _)| self.contains(*flag)).map(|&(_, name)| name)
    }
}

/// Where a spec's keys begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeginSearch {
    /// At this argument; the name is argument 0.
    Index(u8),
    /// After this word, looked for from this argument on; backwards from the end when negative.
    Keyword(&'static str, i8),
    /// After this word among the options, where it stands last. Clients are told that only the command itself knows.
    Option(OptionList),
    /// The same, but clients are told to look for the word from the first option on.
    ShownOption(OptionList),
    /// At this argument, unless the option is there with something behind it. Clients are told of the argument only.
    IndexWithout(u8, OptionList),
    /// After this option, where it stands first; the argument of this index is empty then. Clients are told to look for its word
    /// from this argument on.
    KeywordOption {
        /// As in [`BeginSearch::Keyword`].
        from: i8,
        /// The argument whose place the keys take.
        empty: u8,
        /// Where it stands.
        options: OptionList,
    },
    /// Only the command itself knows.
    Unknown,
}

impl BeginSearch {
    /// What clients are told: an index, a keyword, or that it is unknown.
    pub fn published(self) -> BeginSearch {
        match self {
            BeginSearch::IndexWithout(index, _) => BeginSearch::Index(index),
            BeginSearch::KeywordOption { from, options, .. } => BeginSearch::Keyword(options.word, from),
            BeginSearch::ShownOption(options) => BeginSearch::Keyword(options.word, options.from as i8),
            BeginSearch::Option(_) => BeginSearch::Unknown,
            published => published,
        }
    }
}

/// Options among which one comes before keys. An option has so many arguments, none of which is a word of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionList {
    /// The first argument that may be an option.
    pub from: u8,
    /// The one before the keys.
    pub word: &'static str,
    /// Others with the number of their arguments.
    pub others: &'static [(&'static str, u8)],
}

impl OptionList {
    /// The indices behind the word, wherever it stands as an option; there may be no argument.
    fn behind<A: AsRef<[u8]>>(self, args: &[A]) -> impl Iterator<Item = usize> {
        let mut at = usize::from(self.from);
        std::iter::from_fn(move || {
            while at < args.len() {
                let is = |word: &str| args[at].as_ref().eq_ignore_ascii_case(word.as_bytes());
                if is(self.word) {
                    at += 2;
                    return Some(at - 1);
                }
                let other = self.others.iter().find(|(other, _)| is(other));
                at += 1 + other.map_or(0, |(_, arguments)| usize::from(*arguments));
            }
            None
        })
    }
}

/// How a spec's keys go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindKeys {
    /// From the beginning to `last` (relative to the beginning; negative: from the end of the arguments, with `limit`
    /// 2 meaning only half of what remains, and so on), each `step` arguments.
    Range {
        /// Last key, relative.
        last: i16,
        /// Distance between keys.
        step: u8,
        /// Divisor of what remains when `last` is -1; 0 or 1: all.
        limit: u8,
    },
    /// As many keys as the number at `keynum` (relative to the beginning) says, from `first` on.
    KeyNum {
        /// Where the number stands, relative.
        keynum: u8,
        /// Where the first key stands, relative.
        first: u8,
        /// Distance between keys.
        step: u8,
    },
    /// Only the command itself knows.
    Unknown,
}

/// One key spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySpec {
    /// What happens to these keys.
    pub flags: KeyFlags,
    /// Where they begin.
    pub begin: BeginSearch,
    /// How they go on.
    pub find: FindKeys,
}

impl KeySpec {
    /// One key at argument `index`.
    pub const fn one(index: u8, flags: KeyFlags) -> KeySpec {
        KeySpec {
            flags,
            begin: BeginSearch::Index(index),
            find: FindKeys::Range { last: 0, step: 1, limit: 0 },
        }
    }

    /// All arguments from `index` on.
    pub const fn rest(index: u8, flags: KeyFlags) -> KeySpec {
        KeySpec {
            flags,
            begin: BeginSearch::Index(index),
            find: FindKeys::Range { last: -1, step: 1, limit: 0 },
        }
    }

    /// A count at argument `index`, then the keys.
    pub const fn counted(index: u8, flags: KeyFlags) -> KeySpec {
        KeySpec {
            flags,
            begin: BeginSearch::Index(index),
            find: FindKeys::KeyNum { keynum: 0, first: 1, step: 1 },
        }
    }

    /// Calls `found` with the index of each key; `false` when the arguments do not fit the spec.
    fn positions<A: AsRef<[u8]>>(&self, args: &[A], found: &mut impl FnMut(usize)) -> bool {
        let begin = match self.begin {
            BeginSearch::Index(index) => index as usize,
            BeginSearch::Keyword(word, from) => {
                let is_word = |i: &usize| args[*i].as_ref().eq_ignore_ascii_case(word.as_bytes());
                let at = if from >= 0 {
                    (from as usize..args.len()).find(is_word)
                } else {
                    let last = args.len().saturating_sub(from.unsigned_abs() as usize);
                    (1..=last.min(args.len().saturating_sub(1))).rev().find(is_word)
                };
                match at {
                    Some(at) => at + 1,
                    // An absent keyword means that the optional part it introduces is absent.
                    None => return true,
                }
            }
            BeginSearch::Option(options) | BeginSearch::ShownOption(options) => {
                options.behind(args).filter(|&key| key < args.len()).last().into_iter().for_each(found);
                return true;
            }
            BeginSearch::IndexWithout(index, options) => match options.behind(args).next() {
                Some(first) if first < args.len() => return true,
                _ => usize::from(index),
            },
            BeginSearch::KeywordOption { empty, options, .. } => match options.behind(args).next() {
                Some(first) if args[usize::from(empty)].as_ref().is_empty() => first,
                _ => return true,
            },
            BeginSearch::Unknown => return true,
        };
        let (first, last, step) = match self.find {
            FindKeys::Range { last, step, limit } => {
                let last = if last >= 0 {
                    begin + last as usize
                } else {
                    let end = args.len() as i64 + i64::from(last);
                    if limit > 1 && last == -1 {
                        let remaining = args.len().saturating_sub(begin);
                        (begin + remaining / limit as usize).saturating_sub(1)
                    } else if end < 0 {
                        return false;
                    } else {
                        end as usize
                    }
                };
                (begin, last, step)
            }
            FindKeys::KeyNum { keynum, first, step } => {
                let Some(number) = args.get(begin + keynum as usize).and_then(|arg| count(arg.as_ref()))
                else {
                    return false;
                };
                if number == 0 {
                    return true;
                }
                let first = begin + first as usize;
                let Some(last) = number.checked_sub(1).and_then(|n| n.checked_mul(step as usize)) else {
                    return false;
                };
                (first, first.saturating_add(last), step)
            }
            FindKeys::Unknown => return true,
        };
        if first == args.len() && first == last + 1 {
            // PFMERGE may have no sources: what begins at the end of the arguments is empty.
            return true;
        }
        if last >= args.len() || first > last {
            return false;
        }
        let mut at = first;
        while at <= last {
            found(at);
            at += step.max(1) as usize;
        }
        true
    }
}

fn count(text: &[u8]) -> Option<usize> {
    if text.is_empty() || text.len() > 9 {
        return None;
    }
    text.iter().try_fold(0usize, |n, b| b.is_ascii_digit().then(|| n * 10 + (b - b'0') as usize))
}

/// Calls `found` with the argument index and flags of every key of a command; `false` when the arguments do not fit (a
/// count that is not a number, or more keys than arguments). `NOT_KEY` specs are included: callers that route want
/// them, callers that check permissions or lock skip them.
#[inline]
pub fn positions<A: AsRef<[u8]>>(spec: &Spec, args: &[A], mut found: impl FnMut(usize, KeyFlags)) -> bool {
    // Nearly every command has one spec with one key.
    if let [KeySpec { flags, begin: BeginSearch::Index(index), find: FindKeys::Range { last: 0, .. } }] =
        spec.keys
    {
        if (*index as usize) < args.len() {
            found(*index as usize, *flags);
            return true;
        }
        return false;
    }
    spec.keys.iter().all(|keys| keys.positions(args, &mut |at| found(at, keys.flags)))
}

/// The legacy triple of `COMMAND INFO`: first key, last key (negative: from the end), step. All zero without keys.
pub fn legacy_range(spec: &Spec) -> (i64, i64, i64) {
    let mut first = 0i64;
    let mut last = 0i64;
    let mut step = 0i64;
    for keys in spec.keys {
        let (BeginSearch::Index(begin), FindKeys::Range { last: end, step: each, .. }) =
            (keys.begin.published(), keys.find)
        else {
            continue;
        };
        let begin = i64::from(begin);
        let end = if end >= 0 { begin + i64::from(end) } else { i64::from(end) };
        if first == 0 {
            (first, last, step) = (begin, end, i64::from(each));
        } else if begin == last + 1 && i64::from(each) == step {
            last = end;
        } else {
            break;
        }
    }
    (first, last, step)
}

/// Whether some keys cannot be found by [`legacy_range`] alone: the flag `movablekeys`.
pub fn movable(spec: &Spec) -> bool {
    spec.keys.iter().any(|keys| {
        !matches!(keys.begin, BeginSearch::Index(_))
            || !matches!(keys.find, FindKeys::Range { limit: 0 | 1, .. })
            || keys.flags.contains(KeyFlags::INCOMPLETE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Need;

    fn check(keys: &'static [KeySpec], line: &str, want: Option<&[usize]>) {
        let args: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let spec = Spec { keys, ..Spec::BASE };
        let mut got = Vec::new();
        let fits = positions(&spec, &args, |at, _| got.push(at));
        assert_eq!(fits.then_some(got.as_slice()), want, "{line}");
    }

    #[test]
    fn ranges_counts_and_keywords() {
        check(const { &[KeySpec::one(1, KeyFlags::RO)] }, "get a", Some(&[1]));
        check(const { &[KeySpec::one(1, KeyFlags::RO)] }, "get", None);
        check(const { &[KeySpec::rest(1, KeyFlags::RO)] }, "del a b c", Some(&[1, 2, 3]));
        const SOURCES: [KeySpec; 2] = [KeySpec::one(1, KeyFlags::RW), KeySpec::rest(2, KeyFlags::RO)];
        check(&SOURCES, "pfmerge a b", Some(&[1, 2]));
        check(&SOURCES, "pfmerge a", Some(&[1]));
        check(const { &[KeySpec::rest(3, KeyFlags::RO)] }, "pfmerge a", None);
        const MSET: KeySpec = KeySpec {
            flags: KeyFlags::OW,
            begin: BeginSearch::Index(1),
            find: FindKeys::Range { last: -1, step: 2, limit: 0 },
        };
        check(const { &[MSET] }, "mset a 1 b 2", Some(&[1, 3]));
        check(const { &[KeySpec::counted(1, KeyFlags::RO)] }, "lmpop 2 a b LEFT", Some(&[1 + 1, 3]));
        check(const { &[KeySpec::counted(1, KeyFlags::RO)] }, "lmpop 9 a b LEFT", None);
        check(const { &[KeySpec::counted(1, KeyFlags::RO)] }, "lmpop x a b LEFT", None);
        const STREAMS: KeySpec = KeySpec {
            flags: KeyFlags::RO,
            begin: BeginSearch::Keyword("STREAMS", 1),
            find: FindKeys::Range { last: -1, step: 1, limit: 2 },
        };
        check(const { &[STREAMS] }, "xread count 2 streams a b 0 0", Some(&[4, 5]));
        const BLPOP: KeySpec = KeySpec {
            flags: KeyFlags::RW,
            begin: BeginSearch::Index(1),
            find: FindKeys::Range { last: -2, step: 1, limit: 0 },
        };
        check(const { &[BLPOP] }, "blpop a b 0", Some(&[1, 2]));
    }

    #[test]
    fn options_are_told_from_their_arguments() {
        const SORT: &[KeySpec] = &[
            KeySpec::one(1, KeyFlags::RO),
            KeySpec {
                flags: KeyFlags::OW,
                begin: BeginSearch::Option(OptionList {
                    from: 2,
                    word: "STORE",
                    others: &[("LIMIT", 2), ("GET", 1)],
                }),
                find: FindKeys::Unknown,
            },
        ];
        check(SORT, "sort a", Some(&[1]));
        check(SORT, "sort a desc store b alpha", Some(&[1, 4]));
        check(SORT, "sort a get store limit store store store store", Some(&[1, 8]));
        check(SORT, "sort store store store", Some(&[1, 3]));
        check(SORT, "sort a store b store c", Some(&[1, 5]));
        check(SORT, "sort a store", Some(&[1]));
        let spec = Spec { keys: SORT, need: Need::Keys, world_words: &["by"], ..Spec::BASE };
        assert_eq!(spec.actual_need(&["sort", "by", "desc"]), Need::Keys);
        let BeginSearch::Option(options) = SORT[1].begin else { panic!("it is an option") };
        assert_eq!(SORT[1].begin.published(), BeginSearch::Unknown);
        assert_eq!(BeginSearch::ShownOption(options).published(), BeginSearch::Keyword("STORE", 2));
        assert_eq!(spec.actual_need(&["sort", "a", "By", "x"]), Need::World);
    }

    #[test]
    fn keys_behind_an_option_take_the_place_of_an_empty_one() {
        const OPTIONS: OptionList = OptionList { from: 4, word: "KEYS", others: &[("COPY", 0), ("AUTH", 1)] };
        const MIGRATE: &[KeySpec] = &[
            KeySpec { begin: BeginSearch::IndexWithout(2, OPTIONS), ..KeySpec::one(0, KeyFlags::RW) },
            KeySpec {
                begin: BeginSearch::KeywordOption { from: -2, empty: 2, options: OPTIONS },
                ..KeySpec::rest(0, KeyFlags::RW)
            },
        ];
        // The second argument is the key; two spaces have an empty one between them.
        check(MIGRATE, "migrate host a db copy", Some(&[2]));
        check(MIGRATE, "migrate host  db copy keys a b", Some(&[6, 7]));
        check(MIGRATE, "migrate host  db auth keys keys a keys", Some(&[7, 8]));
        check(MIGRATE, "migrate host a db auth keys", Some(&[2]));
        check(MIGRATE, "migrate host  db keys", Some(&[2]));
        // The command refuses it.
        check(MIGRATE, "migrate host a db keys b", Some(&[]));
        let spec = Spec { keys: MIGRATE, ..Spec::BASE };
        assert_eq!(legacy_range(&spec), (2, 2, 1));
        assert!(movable(&spec));
        assert_eq!(MIGRATE[1].begin.published(), BeginSearch::Keyword("KEYS", -2));
    }

    #[test]
    fn the_legacy_triple_joins_adjacent_specs() {
        let keys = const { &[KeySpec::one(1, KeyFlags::RW), KeySpec::one(2, KeyFlags::RW)] };
        assert_eq!(legacy_range(&Spec { keys, ..Spec::BASE }), (1, 2, 1));
        assert_eq!(legacy_range(&Spec { keys: &[], ..Spec::BASE }), (0, 0, 0));
        assert!(movable(&Spec { keys: const { &[KeySpec::counted(1, KeyFlags::RO)] }, ..Spec::BASE }));
    }
}
