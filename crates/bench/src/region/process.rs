//! A region of the benchmark's own: its process, its API, its nodes.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use aws_protocol::sigv4::{Message, Signer};
use aws_protocol::{Timestamp, query};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The time limit for whatever the region does by itself.
pub(super) const PATIENCE: Duration = Duration::from_secs(90);

/// Polls until a condition holds.
pub(super) fn wait_until(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !is_so()? {
        if start.elapsed() > PATIENCE {
            bail!("{what} did not come about within {} s", PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Sends a signal to a process.
pub(super) fn send(pid: u32, signal: Signal) -> Result<()> {
    let pid = Pid::from_raw(pid.cast_signed()).context("a process id")?;
    kill_process(pid, signal).context("send a signal")
}

/// `engram serve` on a directory of its own, which goes with it.
#[derive(Debug)]
pub(super) struct Region {
    engram: PathBuf,
    directory: PathBuf,
    serve: Child,
    pub(super) default_port: u16,
    api: Option<(SocketAddr, Signer)>,
}

impl Region {
    /// Starts it; it has answered nothing yet.
    pub(super) fn start(engram: &Path) -> Result<Region> {
        let directory = std::env::temp_dir().join(format!("engram-bench-{}", std::process::id()));
        fs::create_dir_all(&directory)?;
        let default_port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = fs::File::create(directory.join("serve.log"))?;
        let serve = Command::new(engram)
            .args(["serve", "--api", "127.0.0.1:0", "--port", &default_port.to_string(), "--data-dir"])
            .arg(directory.join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", engram.display()))?;
        Ok(Region { engram: engram.to_owned(), directory, serve, default_port, api: None })
    }

    fn ask(&self, args: &[&str]) -> Result<String> {
        let output = Command::new(&self.engram)
            .args(args)
            .arg("--data-dir")
            .arg(self.directory.join("data"))
            .output()?;
        if !output.status.success() {
            bail!("engram {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Reads the address of the API and its access key.
    pub(super) fn find_api(&mut self) -> Result<()> {
        let text = self.ask(&["env"])?;
        let of = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(&format!("export {name}=")));
            line.map(str::to_owned).with_context(|| format!("engram env gives no {name}"))
        };
        let address = of("AWS_ENDPOINT_URL")?.trim_start_matches("http://").parse()?;
        let signer = Signer {
            access_key_id: of("AWS_ACCESS_KEY_ID")?,
            secret_access_key: of("AWS_SECRET_ACCESS_KEY")?,
            session_token: None,
            region: of("AWS_DEFAULT_REGION")?,
            service: "elasticache".to_owned(),
        };
        self.api = Some((address, signer));
        Ok(())
    }

    /// Calls an operation of ElastiCache and gives the answer's XML.
    pub(super) fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Result<String> {
        let (address, signer) = self.api.as_ref().context("the API is not known yet")?;
        let fixed = [("Action", action), ("Version", "2015-02-02")];
        let body = query::encode(fixed.into_iter().chain(parameters.iter().copied()));
        let host = address.to_string();
        let headers =
            [("host", host.as_bytes()), ("content-type", b"application/x-www-form-urlencoded".as_slice())];
        let message =
            Message { method: "POST", path: "/", query: "", headers: &headers, body: body.as_bytes() };
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let signed = signer.sign(&message, Timestamp::from_unix_ms(i64::try_from(now_ms)?));
        let mut request = format!(
            "POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\nconnection: close\r\n",
            body.len()
        );
        for (name, value) in signed.context("a target that can be signed")? {
            request += &format!("{name}: {value}\r\n");
        }
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(format!("{request}\r\n{body}").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if !answer.starts_with("HTTP/1.1 200") {
            bail!("{action}: {answer}");
        }
        Ok(answer)
    }

    /// Whether a group and all its parts are available.
    pub(super) fn is_available(&self, group: &str) -> Result<bool> {
        let answer = self.call("DescribeReplicationGroups", &[("ReplicationGroupId", group)])?;
        let mut states = answer.split("<Status>").skip(1).peekable();
        Ok(states.peek().is_some() && states.all(|state| state.starts_with("available<")))
    }

    /// The deployments as `engram status` shows them.
    pub(super) fn deployments(&self) -> Result<Vec<Value>> {
        let all: Value = serde_json::from_str(&self.ask(&["status", "--json"])?)?;
        let regions = all.as_array().or_else(|| all["regions"].as_array()).context("regions")?;
        Ok(regions.iter().filter_map(|region| region["deployments"].as_array()).flatten().cloned().collect())
    }

    /// One deployment.
    pub(super) fn deployment(&self, id: &str) -> Result<Value> {
        let found = self.deployments()?.into_iter().find(|one| one["id"] == id);
        found.with_context(|| format!("no deployment {id}"))
    }

    /// A node's process by its role, and the member's name.
    pub(super) fn node(&self, id: &str, role: &str) -> Result<(u32, String)> {
        let deployment = self.deployment(id)?;
        let nodes = deployment["nodes"].as_array().context("nodes")?;
        let node = nodes.iter().find(|node| node["role"] == role).context("a node of that role")?;
        let pid = node["pid"].as_u64().context("a node that runs")?;
        Ok((u32::try_from(pid)?, node["member"].as_str().context("a name")?.to_owned()))
    }

    /// The processes of all nodes.
    pub(super) fn nodes(&self) -> Result<Vec<u32>> {
        let deployments = self.deployments()?;
        let nodes = deployments.iter().filter_map(|one| one["nodes"].as_array()).flatten();
        Ok(nodes.filter_map(|node| u32::try_from(node["pid"].as_u64()?).ok()).collect())
    }

    /// The time that the region and its nodes ran, in nanoseconds.
    pub(super) fn cpu_ns(&self) -> Result<u64> {
        let mut sum = 0;
        for pid in self.nodes()?.into_iter().chain([self.serve.id()]) {
            for task in fs::read_dir(format!("/proc/{pid}/task"))? {
                let text = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
                sum += text.split(' ').next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or(0);
            }
        }
        Ok(sum)
    }

    /// Stops it as Ctrl-C does, and makes sure that no node is left.
    pub(super) fn stop(mut self) -> Result<()> {
        let nodes = self.nodes()?;
        send(self.serve.id(), Signal::INT)?;
        let serve = &mut self.serve;
        wait_until("the region's end", || Ok(serve.try_wait()?.is_some()))?;
        let left: Vec<u32> =
            nodes.into_iter().filter(|pid| Path::new(&format!("/proc/{pid}")).exists()).collect();
        if !left.is_empty() {
            bail!("nodes are left: {left:?}");
        }
        fs::remove_dir_all(&self.directory).context("remove the region's directory")
    }
}

/// After a failure: the region ends too, its log stays.
impl Drop for Region {
    fn drop(&mut self) {
        if matches!(self.serve.try_wait(), Ok(Some(_))) {
            return;
        }
        let _ = send(self.serve.id(), Signal::INT);
        let serve = &mut self.serve;
        if wait_until("the region's end", || Ok(serve.try_wait()?.is_some())).is_err() {
            let _ = serve.kill();
            let _ = serve.wait();
        }
        eprintln!("the region's log is in {}", self.directory.display());
    }
}
