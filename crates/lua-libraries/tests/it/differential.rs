//! Every script of the corpus gives what a real redis-server's EVAL gives, error texts included.
//!
//! A script is a line, or a line and those that follow while a long string is open. Both sides run it within the same
//! wrapper, which turns the results into one text.

use crate::support::{self, BUDGET};
use lua::{Call, Host, Machine, Outcome, Result, Step, TableId, Value};
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

const CORPUS: [(&str, &str); 6] = [
    ("language", include_str!("corpus/language.txt")),
    ("errors", include_str!("corpus/errors.txt")),
    ("syntax", include_str!("corpus/syntax.txt")),
    ("strings", include_str!("corpus/strings.txt")),
    ("coroutines", include_str!("corpus/coroutines.txt")),
    ("redis", include_str!("corpus/redis.txt")),
];

/// Shows results as text: numbers with all their digits, tables by sorted keys, no addresses.
const WRAPPER: &str = r"
local function show(value, depth)
  local kind = type(value)
  if kind == 'number' then return string.format('%.17g', value) end
  if kind == 'string' then
    local text = string.gsub(value, '[%c\127-\255]', function(c) return '\\' .. string.byte(c) end)
    return '\'' .. string.gsub(text, '0x%x+', 'ADDRESS') .. '\''
  end
  if kind ~= 'table' then return kind == 'boolean' and tostring(value) or kind end
  if depth > 3 then return '{...}' end
  local parts = {}
  for key, inner in next, value do parts[#parts + 1] = show(key, depth + 1) .. '=' .. show(inner, depth + 1) end
  table.sort(parts)
  return '{' .. table.concat(parts, ',') .. '}'
end
local function all(...)
  local parts = {}
  for at = 1, select('#', ...) do parts[at] = show(select(at, ...), 1) end
  return table.concat(parts, ' ')
end
local script, message = loadstring(ARGV[1], '@user_script')
if not script then return 'syntax: ' .. message end
return all(pcall(script))
";

/// The globals as Redis protects them: what is not there is an error.
struct Protected;

impl Host for Protected {
    fn call(&mut self, _: u32, call: &mut Call<'_>) -> Result<Outcome> {
        let name = call.text(1)?;
        let name = String::from_utf8_lossy(call.bytes(name)).into_owned();
        Err(call.error(&format!("Script attempted to access nonexistent global variable '{name}'")))
    }
}

fn protect(machine: &mut Machine, table: TableId) {
    machine.set_readonly(table, true);
    let mut key = Value::Nil;
    while let Some((next, value)) = machine.next(table, key) {
        if let Value::Table(inner) = value
            && inner != machine.globals()
        {
            protect(machine, inner);
        }
        key = next;
    }
}

/// What our machine gives for a script. With a number, the collector does so much work after each allocation.
fn ours(script: &str, work: Option<usize>) -> String {
    let mut machine = support::machine();
    if let Some(work) = work {
        machine.set_pace(1, work, 100);
    }
    let globals = machine.globals();
    let prepare = |machine: &mut Machine| -> Result<()> {
        let arguments = machine.table(1, 0)?;
        let text = machine.string(script.as_bytes())?;
        machine.set(arguments, Value::Number(1.0), text)?;
        machine.set_field(globals, "ARGV", Value::Table(arguments))?;
        let os = machine.string(b"os")?;
        machine.set(globals, os, Value::Nil)?;
        let meta = machine.table(0, 1)?;
        let index = machine.host_function(0)?;
        machine.set_field(meta, "__index", index)?;
        machine.set_metatable(globals, Some(meta));
        lua::open_pcall_of_err(machine)?;
        protect(machine, globals);
        let function = machine.load(WRAPPER.as_bytes(), b"@user_script", globals)?;
        machine.begin(function, &[])
    };
    prepare(&mut machine).expect("the wrapper compiles");
    // In slices, so that whatever can be put aside is.
    let mut slices = 0;
    loop {
        match machine.run(&mut Protected, BUDGET.min(300)) {
            Step::Paused if slices < 1_000_000 => slices += 1,
            step => return support::show(&machine, &step),
        }
    }
}

/// The scripts of a file. An open long bracket joins lines.
fn scripts(text: &str) -> Vec<String> {
    let mut scripts: Vec<String> = Vec::new();
    let mut is_open = false;
    for line in text.lines() {
        match scripts.last_mut() {
            Some(last) if is_open => write!(last, "\n{line}").expect("strings grow"),
            _ => scripts.push(line.to_owned()),
        }
        is_open = line.ends_with("[[") && !is_open;
    }
    scripts
}

/// A redis-server of our own, on a socket in a directory of its own.
struct Server {
    child: Child,
    directory: PathBuf,
    stream: BufReader<UnixStream>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

impl Server {
    /// Starts it, if there is one on PATH.
    fn start() -> Option<Server> {
        let path = std::env::var_os("PATH")?;
        let program =
            std::env::split_paths(&path).map(|dir| dir.join("redis-server")).find(|file| file.is_file())?;
        let directory = std::env::temp_dir().join(format!("engram-lua-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory for the server");
        let socket = directory.join("s");
        let mut child = Command::new(program)
            .args(["--port", "0", "--save", "", "--daemonize", "no", "--unixsocket"])
            .arg(&socket)
            .arg("--dir")
            .arg(&directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("redis-server starts");
        let mut log = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        // It prints this when it serves; at its end the log ends too.
        while log.read_line(&mut line).is_ok_and(|length| length > 0) && !line.contains("now ready to accept")
        {
            line.clear();
        }
        let stream = BufReader::new(UnixStream::connect(&socket).expect("the server is ready"));
        Some(Server { child, directory, stream })
    }

    /// What its EVAL gives for a script.
    fn eval(&mut self, script: &str) -> io::Result<String> {
        let parts = ["EVAL", WRAPPER, "0", script];
        let mut request = format!("*{}\r\n", parts.len());
        for part in parts {
            write!(request, "${}\r\n{part}\r\n", part.len()).expect("strings grow");
        }
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut head = String::new();
        self.stream.read_line(&mut head)?;
        let head = head.trim_end();
        let Some(length) = head.strip_prefix('$').and_then(|length| length.parse::<usize>().ok()) else {
            return Ok(head.to_owned());
        };
        let mut body = vec![0; length + 2];
        self.stream.read_exact(&mut body)?;
        body.truncate(length);
        Ok(String::from_utf8_lossy(&body).into_owned())
    }
}

#[test]
fn the_collector_changes_nothing_whenever_it_runs() {
    for (file, text) in CORPUS {
        // What counts on the collector, and what takes too long with it.
        let is_left_out = |script: &String| script.contains("collectgarbage") || script.contains("1e5");
        for script in scripts(text).iter().filter(|script| !is_left_out(script)) {
            let expected = ours(script, None);
            for work in [3, 100, 2_000, usize::MAX] {
                assert_eq!(ours(script, Some(work)), expected, "{file}, {work} units: {script}");
            }
        }
    }
}

#[test]
fn scripts_give_what_redis_gives() {
    let Some(mut server) = Server::start() else {
        // Not println!, which the test runner swallows when the test passes.
        drop(writeln!(io::stdout(), "not run: there is no redis-server on PATH"));
        let required = std::env::var_os("ENGRAM_REQUIRE_PEERS").is_some_and(|value| value == "1");
        assert!(!required, "ENGRAM_REQUIRE_PEERS=1, but there is no redis-server on PATH");
        return;
    };
    let (mut count, mut different) = (0, Vec::new());
    for (file, text) in CORPUS {
        for script in scripts(text) {
            count += 1;
            let (theirs, ours) = (server.eval(&script).expect("the server answers"), ours(&script, None));
            if theirs != ours {
                different.push(format!("{file}: {script}\n  redis {theirs}\n  lua   {ours}"));
            }
        }
    }
    assert!(count > 400, "the corpus has {count} scripts");
    assert!(different.is_empty(), "{} of {count} differ:\n{}", different.len(), different.join("\n"));
}
