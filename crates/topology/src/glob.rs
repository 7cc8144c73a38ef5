//! Glob patterns as KEYS, SCAN, PSUBSCRIBE, CONFIG GET and ACL selectors use them.
//!
//! `*` is any run of bytes, `?` one byte, `[ab]`, `[a-z]` and `[^a-z]` one byte of a set, and a backslash takes the next
//! byte literally. The results are those of Redis and Valkey, corner cases included: an unfinished set ends with the
//! pattern, the bounds of a range may stand in either order, and the empty text is matched by the empty pattern only (so
//! `*` does not match it; commands that list keys treat a lone `*` as no pattern).
//!
//! Every element but `*` takes exactly one byte, so backtracking only ever has to return to the last `*`. The time is
//! therefore at most the product of both lengths, whatever the pattern, and no memory is needed. This algorithm does
//! not need the limit on stars; it exists because the servers have it.

/// A pattern with more stars than this, not counting those at its end, matches nothing.
const MAX_STARS: usize = 1000;

/// Whether the whole of `text` matches `pattern`; with `nocase`, ASCII letters match in either case.
///
/// ```
/// use topology::glob::matches;
/// assert!(matches(b"user:[0-9]*", b"user:17", false));
/// assert!(!matches(b"user:?", b"user:17", false));
/// ```
pub fn matches(pattern: &[u8], text: &[u8], nocase: bool) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut p, mut t) = (0, 0);
    let (mut last_star, mut stars_taken) = (None, 0);
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            p += stars(&pattern[p..]);
            if p == pattern.len() {
                return true;
            }
            stars_taken += 1;
            if stars_taken > MAX_STARS {
                return false;
            }
            last_star = Some((p, t));
        } else if let Some(taken) = match_one(&pattern[p..], text[t], nocase) {
            p += taken;
            t += 1;
        } else if let Some((after_star, from)) = last_star {
            p = after_star;
            t = from + 1;
            last_star = Some((p, t));
        } else {
            return false;
        }
    }
    p + stars(&pattern[p..]) == pattern.len()
}

/// Whether the pattern has no special bytes and so matches only itself.
pub fn is_literal(pattern: &[u8]) -> bool {
    !pattern.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'))
}

fn stars(pattern: &[u8]) -> usize {
    pattern.iter().take_while(|byte| **byte == b'*').count()
}

/// Matches one byte against the first element of the pattern. Returns the length of that element in the pattern, or
/// `None` if it does not match.
fn match_one(pattern: &[u8], byte: u8, nocase: bool) -> Option<usize> {
    match pattern {
        [] => None,
        [b'?', ..] => Some(1),
        [b'[', ..] => {
            let (found, taken) = match_set(&pattern[1..], byte, nocase);
            found.then_some(1 + taken)
        }
        [b'\\', literal, ..] => same(*literal, byte, nocase).then_some(2),
        [literal, ..] => same(*literal, byte, nocase).then_some(1),
    }
}

/// Matches one byte against a set whose opening bracket has been consumed. Returns whether the byte is in the set, and
/// the set's length.
fn match_set(set: &[u8], byte: u8, nocase: bool) -> (bool, usize) {
    let negated = set.first() == Some(&b'^');
    let mut at = usize::from(negated);
    let mut found = false;
    loop {
        match set.get(at..).unwrap_or_default() {
            [] => break,
            // Only here case always counts.
            [b'\\', literal, ..] => {
                found |= *literal == byte;
                at += 2;
            }
            [b']', ..] => {
                at += 1;
                break;
            }
            [low, b'-', high, ..] => {
                found |= in_range(*low, *high, byte, nocase);
                at += 3;
            }
            [literal, ..] => {
                found |= same(*literal, byte, nocase);
                at += 1;
            }
        }
    }
    (found != negated, at)
}

/// The bounds are put in order before their case is folded.
fn in_range(low: u8, high: u8, byte: u8, nocase: bool) -> bool {
    let (low, high) = (low.min(high), low.max(high));
    if nocase {
        (low.to_ascii_lowercase()..=high.to_ascii_lowercase()).contains(&byte.to_ascii_lowercase())
    } else {
        (low..=high).contains(&byte)
    }
}

fn same(a: u8, b: u8, nocase: bool) -> bool {
    if nocase { a.eq_ignore_ascii_case(&b) } else { a == b }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_stars_match_nothing() {
        let text = [b'a'; MAX_STARS + 1];
        for element in [&b"*?"[..], b"*a", b"**a"] {
            assert!(matches(&element.repeat(MAX_STARS), &text, false));
            assert!(!matches(&element.repeat(MAX_STARS + 1), &text, false));
            // The last one needs no further look.
            assert!(matches(&[&element.repeat(MAX_STARS)[..], b"*"].concat(), &text, false));
        }
        assert!(matches(&b"*".repeat(5000), &text, false) && matches(&b"?".repeat(1001), &text, false));
    }

    #[track_caller]
    fn check(pattern: &str, text: &str, expected: bool) {
        assert_eq!(matches(pattern.as_bytes(), text.as_bytes(), false), expected, "{pattern} on {text}");
    }

    #[test]
    fn stars_and_question_marks() {
        check("*", "a", true);
        check("**", "abc", true);
        check("*", "", false);
        check("", "", true);
        check("", "a", false);
        check("a*", "a", true);
        check("a**", "a", true);
        check("*a", "a", true);
        check("*a*b", "xaxxab", true);
        check("*a*b", "xaxxba", false);
        check("?", "a", true);
        check("??", "a", false);
        check("?*", "a", true);
        check("*?", "a", true);
        check("a*?", "a", false);
    }

    #[test]
    fn sets_ranges_and_escapes() {
        check("h[ae]llo", "hello", true);
        check("h[^e]llo", "hello", false);
        check("h[z-a]llo", "hello", true);
        check("[a", "a", true);
        check("[^", "a", true);
        check("[", "[", false);
        check("[]", "]", false);
        check("[\\]]", "]", true);
        check("[a-]", "-", false);
        check("\\*", "*", true);
        check("\\*", "a", false);
        check("a\\", "a\\", true);
    }

    #[test]
    fn case_is_folded_but_for_escapes_in_sets() {
        assert!(matches(b"hEL[L-O]O", b"HelLo", true));
        assert!(matches(b"\\H", b"h", true));
        assert!(!matches(b"[\\H]", b"h", true));
    }

    #[test]
    fn a_hostile_pattern_takes_no_exponential_time() {
        let pattern = b"a*".repeat(MAX_STARS);
        let text = [b"a".repeat(4000), b"b".to_vec()].concat();
        assert!(matches(&pattern, &text, false));
        let pattern = [pattern, b"c".to_vec()].concat();
        assert!(!matches(&pattern, &text, false));
    }
}
