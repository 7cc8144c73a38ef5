//! The command line: `[FILE] [-] [--name value …]…`, in the style of redis-server.
//!
//! Each `--name` begins a configuration line and every argument after it is quoted onto that line, so that
//! `--save 900 1 300 10` is one line and `--port 7000 --loglevel verbose` are two. A name must have an argument before
//! the next name is taken as one, so a value may begin with two dashes; `--save` alone is the exception and means no
//! save points. A single `-` at the start or at the end reads lines from the standard input. The lines come after the
//! file's and the input's, so the command line wins.

use crate::quoting::{quote, split};

/// What a command line asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommandLine {
    /// The configuration file, when one is named.
    pub file: Option<Vec<u8>>,
    /// Whether lines are read from the standard input.
    pub stdin: bool,
    /// The lines that the options make.
    pub options: Vec<u8>,
}

impl CommandLine {
    /// Reads the arguments that follow the program's name. What they say is checked when the lines are read.
    pub fn parse<A: AsRef<[u8]>>(arguments: &[A]) -> CommandLine {
        let mut line = CommandLine::default();
        let mut rest = arguments;
        if let [first, after @ ..] = arguments
            && !first.as_ref().starts_with(b"-")
        {
            line.file = Some(first.as_ref().to_vec());
            rest = after;
        }
        let mut name_may_follow = true;
        for (at, argument) in rest.iter().enumerate() {
            let argument = argument.as_ref();
            let first = at == 0 && line.file.is_none();
            let last = at + 1 == rest.len();
            if argument == b"-" && (first || last) {
                line.stdin = true;
            } else if name_may_follow && argument.starts_with(b"--") {
                let next = rest.get(at + 1).map(AsRef::as_ref);
                name_may_follow = line.push_name(argument, next);
            } else {
                line.options.extend(quote(argument));
                line.options.push(b' ');
                name_may_follow = true;
            }
        }
        line
    }

    /// The text to load: the file's, the standard input's, then the options'.
    pub fn text(&self, file: &[u8], stdin: &[u8]) -> Vec<u8> {
        [file, stdin, b"\n", &self.options].concat()
    }

    /// Begins a line; whether another name may follow at once.
    fn push_name(&mut self, argument: &[u8], next: Option<&[u8]>) -> bool {
        if !self.options.is_empty() {
            self.options.push(b'\n');
        }
        self.options.extend(&argument[2..]);
        self.options.push(b' ');
        let name_only = split(argument).is_some_and(|words| words.len() == 1);
        if !name_only {
            return true;
        }
        let bare_save =
            argument.eq_ignore_ascii_case(b"--save") && next.is_none_or(|next| next.starts_with(b"--"));
        if bare_save {
            self.options.extend(b"\"\"");
        }
        bare_save
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(arguments: &[&str], file: Option<&str>, stdin: bool, options: &str) {
        let line = CommandLine::parse(arguments);
        assert_eq!(line.file.as_deref(), file.map(str::as_bytes));
        assert_eq!(line.stdin, stdin);
        assert_eq!(String::from_utf8_lossy(&line.options), options);
    }

    #[test]
    fn options_become_lines() {
        check(&[], None, false, "");
        check(&["a.conf"], Some("a.conf"), false, "");
        check(&["--save", "900", "1", "300", "10"], None, false, "save \"900\" \"1\" \"300\" \"10\" ");
        check(
            &["--port", "7000", "--loglevel", "verbose"],
            None,
            false,
            "port \"7000\" \nloglevel \"verbose\" ",
        );
        check(&["a.conf", "--port 7000"], Some("a.conf"), false, "port 7000 ");
        check(&["--save", "--port", "1"], None, false, "save \"\"\nport \"1\" ");
        check(&["--port", "1", "--save"], None, false, "port \"1\" \nsave \"\"");
        check(&["--save", ""], None, false, "save \"\" ");
        check(&["--requirepass", "--x"], None, false, "requirepass \"--x\" ");
        check(&["-", "--port", "1"], None, true, "port \"1\" ");
        check(&["a.conf", "--port", "1", "-"], Some("a.conf"), true, "port \"1\" ");
    }
}
