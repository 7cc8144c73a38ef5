//! `engram serve`, and `engram` alone: a region on this host. The API, the nodes it is asked for, and at the first start a
//! cache that is there to be tried.

use crate::console::{self, tell};
use crate::failure;
use crate::stopping::{self, Signals};
use anyhow::{Context, Result, anyhow, bail};
use aws_operations::{Cx, Quota, Quotas};
use aws_protocol::Wire;
use fleet::{AddressPool, Command, DeploymentId, Fleet, Host, Phase};
use region::exposition::{self, Token};
use region::{
    ACCOUNT, Blocks, Clock, Credentials, DeploymentView, Directories, Ended, Fate, Keys, Over, Registry,
    Service, Store,
};
use std::io::{ErrorKind, IsTerminal};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tracing::Level;

/// The options of a region.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) data: crate::data_directory::DataDirectory,
    /// Where the AWS APIs are served
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4566", value_parser = address)]
    api: SocketAddr,
    /// Let --api be an address that other hosts reach, without encryption; the cache named default takes its address too, unless it is 0.0.0.0
    #[arg(long)]
    insecure_listen: bool,
    /// Print each step on the standard error
    #[arg(long)]
    pub(crate) verbose: bool,
    /// The port of the cache named default [default: 6379]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// When stopped, end also the nodes that cannot save their data; that data is lost
    #[arg(long)]
    discard_unsaved: bool,
    /// For tests: let engram clock move the control plane's time of day forward
    #[arg(long)]
    test_clock: bool,
    /// A quota with another limit than AWS's, as nodes-per-cluster=500; once for each quota
    #[arg(long, value_name = "NAME=LIMIT", value_parser = quota)]
    quota: Vec<(&'static Quota, usize)>,
    /// Serve what the nodes measure to Prometheus, at /metrics of this address
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    metrics: Option<SocketAddr>,
    /// Demand the bearer token that this file holds of whoever asks at --metrics; an address that other hosts reach needs one
    #[arg(long, value_name = "FILE", requires = "metrics")]
    metrics_token_file: Option<PathBuf>,
    /// Make no cache at the first start
    #[arg(long)]
    no_default_cache: bool,
}

impl Arguments {
    /// The limits that were given.
    fn quotas(&self) -> Result<Quotas> {
        let mut quotas = Quotas::default();
        for (quota, limit) in &self.quota {
            if quotas.set(quota, *limit).is_some() {
                bail!("--quota {} is given twice", quota.name);
            }
        }
        Ok(quotas)
    }

    /// Where the cache of the first start is: this host alone reaches it, unless the user says otherwise. On all addresses at
    /// once it cannot be, for the addresses of its nodes are among them.
    fn default_ip(&self) -> Ipv4Addr {
        match self.api.ip() {
            IpAddr::V4(ip) if self.insecure_listen && !ip.is_unspecified() => ip,
            _ => Ipv4Addr::LOCALHOST,
        }
    }
}

fn quota(text: &str) -> Result<(&'static Quota, usize), String> {
    Quotas::parse(region::quotas(), text)
}

/// The cache of the first start, and the region it is in.
const DEFAULT: &str = "default";
pub(crate) const REGION: &str = "us-east-1";
/// Between looks whether a start has failed.
const LOOK: Duration = Duration::from_millis(200);

/// Serves until a signal comes.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    log_to_stderr(arguments.verbose);
    let is_open = !arguments.api.ip().is_loopback();
    if is_open && !arguments.insecure_listen {
        bail!(
            "other hosts can reach {}, and nothing is encrypted; choose an address of this host alone with --api, or add \
             --insecure-listen",
            arguments.api
        );
    }
    let quotas = Arc::new(arguments.quotas()?);
    let token = metrics_token(arguments)?;
    let (directories, _lock) = Directories::prepare(&arguments.data.path()?)?;
    let is_first = !directories.control().join("fleet.json").exists();
    let wants_default = is_first && !arguments.no_default_cache;
    let port = arguments.port.unwrap_or(6379);
    if wants_default {
        must_be_free(
            SocketAddr::from((arguments.default_ip(), port)),
            "--port, or leave the cache out with --no-default-cache",
        )?;
    }
    let listener = bind(arguments.api, "--api")?;
    let exposed = arguments.metrics.map(|at| bind(at, "--metrics")).transpose()?;
    let api = listener.local_addr()?;
    let keys = Keys::load_or_make(&directories.control())
        .with_context(|| format!("cannot use {}", directories.control().display()))?;
    crate::env::remember(&directories, api)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name(failure::API_THREAD)
        .enable_all()
        .build()?;
    failure::end_at_panics();
    let connections = crate::descriptors::raise_limit();
    let ended = runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let mut blocks = Blocks::of_host();
        let data = &directories.data;
        let (store, fleet) =
            Store::open(&directories.control(), || Fleet::new(addresses(&mut blocks, data)))?;
        blocks.hold(&fleet, data)?;
        check_default(&fleet, &directories, arguments.port)?;
        let executable = std::env::current_exe().context("cannot find the file of this program")?;
        let mut agent = agent::Config::new(directories.nodes(), directories.runtime.clone(), executable);
        agent.other_descriptors = (connections + exposition::MAX_CONNECTIONS) as u64;
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        let clock = if arguments.test_clock { Clock::movable() } else { Clock::default() };
        let registry = Registry::open(files::Directory::at(directories.telemetry()));
        let (service, over) = Service::start(store, fleet, agent, Host { cores }, clock, registry)
            .context("cannot look after the nodes")?;
        let control = region::control_socket::open(&directories.control_socket())?;
        let control = tokio::spawn(region::control_socket::serve(control, directories.clone(), service.clone()));
        let exposing = match exposed {
            Some(listener) => {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                tokio::spawn(exposition::serve(listener, service.registry().clone(), token))
            }
            None => tokio::spawn(std::future::pending()),
        };
        let api_task = tokio::spawn(region::http::serve(
            listener,
            service.clone(),
            keys.clone(),
            quotas.clone(),
            connections,
        ));
        let first = wants_default.then_some(SocketAddrV4::new(arguments.default_ip(), port));
        if is_open {
            tell("Other hosts can reach what listens outside 127.0.0.0/8, and nothing encrypts the traffic.\n");
        }
        tokio::select! {
            ended = until_stopped(&service, &directories, &keys.root, api, first, quotas, arguments.discard_unsaved) => ended,
            why = failed(over, control, api_task, exposing) => failure::give_up(&format!(
                "{why}; the control plane ends, nodes serve on, and the next start finds them"
            )),
        }
    });
    // A call that is under way may wait for what is gone.
    runtime.shutdown_background();
    // A region that was refused leaves what is there to whom it belongs.
    let Ended { unsaved, strangers } = ended?;
    directories.leave();
    for stranger in &strangers {
        console::complain(&format!("engram: {stranger}"));
    }
    if unsaved.is_empty() {
        tell("Stopped.\n");
        return Ok(());
    }
    let sentence = stopping::sentence(&unsaved, &directories);
    if unsaved.iter().any(|node| node.fate == Fate::Runs) {
        failure::give_up(&sentence);
    }
    bail!(sentence)
}

/// Why the control plane cannot go on. Its clean end is none of its failures.
async fn failed(
    over: Over,
    control: JoinHandle<()>,
    api: JoinHandle<()>,
    exposing: JoinHandle<()>,
) -> String {
    let over = async {
        match over.wait().await {
            Ok(()) => std::future::pending().await,
            Err(why) => why.to_string(),
        }
    };
    tokio::select! {
        why = over => why,
        _ = control => "the control socket is no longer served".to_owned(),
        _ = api => "the API is no longer served".to_owned(),
        _ = exposing => "what is measured is no longer served".to_owned(),
    }
}

/// Says what there is, and serves until a signal has ended all nodes.
async fn until_stopped(
    service: &Service,
    directories: &Directories,
    credentials: &Credentials,
    api: SocketAddr,
    first: Option<SocketAddrV4>,
    quotas: Arc<Quotas>,
    discards: bool,
) -> Result<Ended> {
    let mut signals = Signals::listen()?;
    let begin = async {
        if let Some(address) = first {
            make_default(service, address, quotas).await?;
        }
        introduce(service, directories, credentials, api).await
    };
    let stopped_early = tokio::select! {
        begun = begin => { begun?; false }
        () = signals.next() => true,
    };
    if !stopped_early {
        signals.next().await;
    }
    stopping::stop(service, &mut signals, discards).await
}

/// One line an event, on the standard error: the standard output is for people.
fn log_to_stderr(verbose: bool) {
    tracing_subscriber::fmt()
        .with_writer(|| output::Writer(output::Stream::Err))
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .with_max_level(if verbose { Level::INFO } else { Level::WARN })
        .init();
}

/// An address with its port. Names are refused: a name may stand for several addresses.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "it must be an IP address with a port, such as 127.0.0.1:4566 or [::1]:4566".to_owned())
}

/// The token that Prometheus has to show. Without one only this host may ask.
fn metrics_token(arguments: &Arguments) -> Result<Option<Token>> {
    let Some(file) = &arguments.metrics_token_file else {
        return match arguments.metrics {
            Some(at) if !at.ip().is_loopback() => bail!(
                "other hosts can reach {at}; choose an address of this host alone with --metrics, or demand a token of \
                 them with --metrics-token-file"
            ),
            _ => Ok(None),
        };
    };
    let text = std::fs::read_to_string(file)
        .map_err(|error| anyhow!("cannot read {} ({})", file.display(), files::words_of(&error)))?;
    let token = Token::of(&text).map_err(|why| anyhow!("{} holds no token: {why}", file.display()))?;
    Ok(Some(token))
}

fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).map_err(|error| cannot_listen(address, &error, flag))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn must_be_free(address: SocketAddr, flag: &str) -> Result<()> {
    TcpListener::bind(address).map(drop).map_err(|error| cannot_listen(address, &error, flag))
}

/// One sentence, with the flag that helps.
fn cannot_listen(address: SocketAddr, error: &std::io::Error, flag: &str) -> anyhow::Error {
    match error.kind() {
        ErrorKind::AddrInUse => anyhow!("{address} is already in use; choose another with {flag}"),
        _ => anyhow!("cannot listen on {address} ({}); choose another with {flag}", files::words_of(error)),
    }
}

/// Where endpoints are: own addresses where all of 127.0.0.0/8 is this host, else ports.
fn addresses(blocks: &mut Blocks, data: &Path) -> AddressPool {
    let ports = AddressPool::Ports { ip: Ipv4Addr::LOCALHOST.into(), first: 7000, last: 0 };
    if TcpListener::bind((Ipv4Addr::new(127, 1, 0, 1), 0)).is_err() {
        return ports;
    }
    let mut random = [0_u8; 1];
    // Any block does; beginning anywhere keeps regions apart even where they cannot know of each other.
    let _ = getrandom::fill(&mut random);
    blocks.draw(data, random[0]).unwrap_or(ports)
}

/// Makes the cache that is there to be tried, by the very operation that users call.
async fn make_default(service: &Service, address: SocketAddrV4, quotas: Arc<Quotas>) -> Result<()> {
    let parameters = [
        ("ReplicationGroupId", DEFAULT),
        ("ReplicationGroupDescription", "The cache of the first start"),
        ("Engine", "valkey"),
        ("CacheNodeType", "cache.t4g.medium"),
        ("NumCacheClusters", "1"),
        ("Port", &address.port().to_string()),
    ];
    let api = &elasticache::SERVICE;
    let body = aws_protocol::query::encode(
        [("Action", "CreateReplicationGroup"), ("Version", api.version)]
            .into_iter()
            .chain(parameters.iter().map(|(name, value)| (*name, *value))),
    );
    let (signs, limits) = Default::default();
    let call = api.decode(Wire::Query, &signs, body.as_bytes(), &limits, "first-start");
    let call = call.map_err(|fault| anyhow!("{fault}"))?;
    let decide = move |fleet: &Fleet, now_ms: u64| {
        let cx = Cx { fleet, region: REGION, account: ACCOUNT, now_ms, quotas: &quotas };
        let mut commands = call.decide(&cx)?;
        for command in &mut commands {
            if let Command::Create(new) = command {
                new.primary_ip = Some(*address.ip());
            }
        }
        Ok::<_, aws_protocol::Fault>(region::Decision { commands, answer: Box::new(|_: &Fleet| ()) })
    };
    service.call(REGION.to_owned(), decide).await?.map_err(|fault| anyhow!("{fault}"))
}

/// The cache of an earlier start has the port of that start, and comes back only where nobody else has taken it.
fn check_default(fleet: &Fleet, directories: &Directories, asked: Option<u16>) -> Result<()> {
    let id = DeploymentId::Group(DEFAULT.to_owned());
    let Some(cache) = fleet.deployment(REGION, &id) else { return Ok(()) };
    let Some(shard) = cache.shards.first() else { return Ok(()) };
    let address = shard.primary_address;
    if asked.is_some_and(|port| port != address.port()) {
        bail!(
            "the cache named {DEFAULT} has the port {} since the first start; leave --port out",
            address.port()
        );
    }
    // A node that lives on from before listens there itself.
    let mut nodes = shard.members.iter().flat_map(|member| member.nodes());
    let lives = nodes.any(|node| is_locked(&directories.nodes().join(node.id.to_string()).join("lock")));
    if !lives && TcpListener::bind(address).is_err() {
        bail!("{address}, where the cache named {DEFAULT} is, is already in use; stop what uses it");
    }
    Ok(())
}

/// Whether a process holds the lock of a node's directory.
fn is_locked(path: &Path) -> bool {
    let file = std::fs::File::open(path);
    file.is_ok_and(|file| matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock)))
}

async fn default_cache(service: &Service) -> Result<Option<DeploymentView>> {
    let regions = service.view().await?;
    let all =
        regions.into_iter().filter(|region| region.name == REGION).flat_map(|region| region.deployments);
    Ok(all.into_iter().find(|one| one.id == DEFAULT && one.kind == "replication-group"))
}

/// Says what there is and what to try.
async fn introduce(
    service: &Service,
    directories: &Directories,
    credentials: &Credentials,
    api: SocketAddr,
) -> Result<()> {
    let everywhere = if api.ip().is_unspecified() { ", and at every other address of this host" } else { "" };
    tell(&format!(
        "Engram {} serves the AWS APIs at http://{}{everywhere}\nIts data is in {}. Ctrl-C stops it and keeps the data.\n\n\
         For a shell (again at any time: eval \"$(engram env)\"):\n{}",
        env!("CARGO_PKG_VERSION"),
        crate::env::reachable(api),
        directories.data.display(),
        crate::env::exports(credentials, api),
    ));
    if let Some(cache) = default_cache(service).await? {
        tell(&introduce_cache(service, &cache.primary_endpoint).await?);
    }
    tell("  aws elasticache describe-replication-groups\n\n");
    Ok(())
}

/// Waits for the cache of the first start, and says what to try, or why it does not come up.
async fn introduce_cache(service: &Service, endpoint: &str) -> Result<String> {
    let settled = service.settled(REGION, DeploymentId::Group(DEFAULT.to_owned()));
    tokio::pin!(settled);
    loop {
        tokio::select! {
            phase = &mut settled => if phase == Ok(Phase::Available) {
                let port = endpoint.rsplit(':').next().unwrap_or_default();
                let flag = if port == "6379" { String::new() } else { format!(" -p {port}") };
                return Ok(format!(
                    "\nThe cache named {DEFAULT} is ready at {endpoint}. Try:\n  redis-cli{flag} set greeting hello\n  \
                     redis-cli{flag} get greeting\n"
                ));
            } else {
                let why = default_cache(service).await?.and_then(|cache| cache.reason);
                return Ok(why.map_or(String::new(), |why| format!("\nThe cache named {DEFAULT} is not there: {why}.\n")));
            },
            () = tokio::time::sleep(LOOK) => {
                let nodes = default_cache(service).await?.map(|cache| cache.nodes).unwrap_or_default();
                if let Some(why) = nodes.into_iter().find_map(|node| node.failure) {
                    return Ok(format!(
                        "\nThe cache named {DEFAULT} does not come up: {why}. Engram tries again; engram status shows the progress.\n"
                    ));
                }
            }
        }
    }
}
