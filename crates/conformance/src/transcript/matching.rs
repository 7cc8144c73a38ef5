//! Expected lines against a reply's lines.

/// A line that stands for any number of lines.
const ANY_LINES: &str = "<...>";

/// True if the reply is what is expected.
pub(super) fn matches(expected: &[String], reply: &[String], unordered: bool) -> bool {
    if unordered {
        let (mut expected, mut reply) = (without_numbers(expected), without_numbers(reply));
        expected.sort();
        reply.sort();
        return lines_match(&expected, &reply);
    }
    lines_match(expected, reply)
}

fn lines_match(expected: &[String], reply: &[String]) -> bool {
    match (expected.split_first(), reply.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == ANY_LINES => {
            (0..=reply.len()).any(|skipped| lines_match(rest, &reply[skipped..]))
        }
        (Some((expected, rest)), Some((line, more))) => {
            line_matches(expected, line) && lines_match(rest, more)
        }
        _ => false,
    }
}

fn line_matches(expected: &str, line: &str) -> bool {
    let Some(start) = ["<int>", "<any>"].iter().filter_map(|mark| expected.find(mark)).min() else {
        return expected == line;
    };
    let (literal, rest) = expected.split_at(start);
    let Some(line) = line.strip_prefix(literal) else { return false };
    if let Some(rest) = rest.strip_prefix("<int>") {
        let digits = line.strip_prefix('-').unwrap_or(line);
        let sign = line.len() - digits.len();
        let count = digits.bytes().take_while(u8::is_ascii_digit).count();
        (1..=count).rev().any(|taken| line_matches(rest, &line[sign + taken..]))
    } else {
        let rest = &rest["<any>".len()..];
        let ends = line.char_indices().map(|(at, _)| at).chain([line.len()]);
        ends.into_iter().any(|end| line_matches(rest, &line[end..]))
    }
}

/// The elements without `1) `, which says nothing once order does not count.
fn without_numbers(lines: &[String]) -> Vec<String> {
    let strip = |line: &String| {
        let text = line.trim_start();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let rest = &text[digits..];
        let is_number = digits > 0 && [") ", "~ ", "# ", "| "].iter().any(|mark| rest.starts_with(mark));
        if is_number { rest[2..].to_owned() } else { text.to_owned() }
    };
    lines.iter().map(strip).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &str, reply: &str, unordered: bool) -> bool {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        matches(&lines(expected), &lines(reply), unordered)
    }

    #[test]
    fn patterns_stand_for_what_they_say() {
        assert!(check("(integer) <int>", "(integer) -12", false));
        assert!(!check("(integer) <int>", "(integer) x", false));
        assert!(!check("(integer) <int>", "(integer) 1x", false));
        assert!(check("id=<int> addr=<any> fd=<int>", "id=3 addr=1.2.3.4:5 fd=8", false));
        assert!(check("a\n<...>\nz", "a\nb\nc\nz", false));
        assert!(check("<...>", "", false));
        assert!(!check("a\n<...>\nz", "a\nb", false));
        assert!(!check("OK", "OK\nOK", false));
    }

    #[test]
    fn unordered_forgives_order_only() {
        let two = "1) \"a\"\n2) \"b\"";
        assert!(check(two, "1) \"b\"\n2) \"a\"", true));
        assert!(!check(two, "1) \"b\"\n2) \"a\"", false));
        assert!(!check(two, "1) \"b\"\n2) \"c\"", true));
        assert!(!check(two, "1) \"a\"", true));
    }
}
