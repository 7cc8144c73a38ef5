//! One check for text in and text out.
//!
//! A script is a list of lines. `> ` feeds an event, the lines behind it are the actions it must cause, and `@`
//! sets the time in milliseconds. Bytes are written with `\r\n` escaped, and commands of the dialogue that
//! are RESP arrays as their words in parentheses.

use bytes::Bytes;

/// Runs a script: `act` turns an event's text into lines of actions.
pub(crate) fn check(script: &str, mut act: impl FnMut(&str, u64) -> Vec<String>) {
    let mut now_ms = 0;
    let mut actual = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(time) = line.strip_prefix('@') {
            now_ms = time.trim().parse().expect("a time in milliseconds");
            actual.push_str(line);
            actual.push('\n');
        } else if let Some(event) = line.strip_prefix("> ") {
            actual.push_str(line);
            actual.push('\n');
            for action in act(event, now_ms) {
                actual.push_str(&action);
                actual.push('\n');
            }
        }
    }
    let expected: String =
        script.lines().map(str::trim).filter(|line| !line.is_empty()).flat_map(|line| [line, "\n"]).collect();
    assert_eq!(actual, expected, "the dialogue went another way:\n{actual}");
}

/// `(WORD word)` as a RESP array, anything else with its escapes resolved.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    if let Some(words) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        let words: Vec<&str> = words.split(' ').collect();
        let mut out = format!("*{}\r\n", words.len());
        for word in words {
            out.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        return out.into_bytes();
    }
    text.replace("\\r", "\r").replace("\\n", "\n").into_bytes()
}

/// The opposite of [`bytes`].
pub(crate) fn text(bytes: &Bytes) -> String {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let words: Vec<&str> = text.split("\r\n").collect();
    if text.starts_with('*') && words.len() > 2 {
        let arguments: Vec<&str> = words[2..].iter().copied().step_by(2).collect();
        let command = format!("({})", arguments.join(" "));
        if self::bytes(&command) == bytes.as_ref() {
            return command;
        }
    }
    text.replace('\r', "\\r").replace('\n', "\\n")
}
