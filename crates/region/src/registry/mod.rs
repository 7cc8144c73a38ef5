//! What the nodes of all regions measure: now, and over time.
//!
//! ```text
//!   service ── roster: who is to be asked ──▶ sampler: a thread, each second ── questions ──▶ nodes
//!                                                │
//!                        latest ◀────────────────┴──▶ store (telemetry), in a directory of its own
//!                          │                            │
//!     engram top, /metrics ┘                            └ engram metrics
//! ```
//! The thread that decides only says who there is; it never waits for this. A series is of a member and a metric, so the node that
//! replaces another goes on in its series. A member without an answer has no value for the second: a gap, never a zero. A removed member's
//! series ends, and is gone once its last points are too old to be kept.
//!
//! **Limits.** Time is the system's, also where the clock of a region was moved: what nodes do takes real time. If the store cannot be
//! opened, its files are left alone, and there is no past; the present is measured all the same.

mod lag;
mod question;
mod sampler;

pub use question::{MemberNow, Now, Question, SeriesKey, SeriesView};

use crate::clock::system_ms;
use agent::{Answer, Measuring};
use files::Directory;
use fleet::{Fleet, MemberState, NodeId};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use supervision::Measured;
use telemetry::Store;
use tracing::warn;

/// Who is asked, and whose series it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) region: String,
    pub(crate) deployment: String,
    /// With what it is a shard of: a group and a cluster may have one name.
    pub(crate) shard: String,
    pub(crate) member: String,
    pub(crate) node: NodeId,
}

/// What a member answered last.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) place: Place,
    /// `None` if it owes the answer.
    pub(crate) answer: Option<Answer>,
    /// How many seconds it is behind its primary.
    pub(crate) lag: Option<f64>,
}

impl Heard {
    /// The values of the time between its last two answers.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, f64)> {
        let of_node = self.answer.iter().flat_map(|answer| answer.now.since(answer.before.as_deref()));
        of_node.chain(self.lag.map(|lag| (metrics::cloudwatch::REPLICATION_LAG, lag)))
    }

    /// What it has read.
    pub(crate) fn measured(&self) -> Option<&Measured> {
        self.answer.as_ref().map(|answer| &*answer.now)
    }
}

/// A second, with everybody who was asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Second {
    /// Unix time.
    pub(crate) at: u64,
    pub(crate) heard: Vec<Heard>,
}

/// What is measured. Clones are the same.
#[derive(Clone, Debug)]
pub struct Registry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Or why there is none.
    store: Mutex<Result<Store, String>>,
    roster: Mutex<Arc<[Place]>>,
    latest: Mutex<Arc<Second>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    /// Opens the past that is in the directory. One that cannot be read is told, and left alone.
    pub fn open(directory: Directory) -> Registry {
        let path = directory.path().to_owned();
        let store = Store::open(directory, system_ms() / 1000).map_err(|why| {
            let path = path.display();
            warn!("what was measured cannot be kept in {path} ({why}); move {path} aside and start again to keep it anew");
            format!("what was measured cannot be read from {path} ({why})")
        });
        let (roster, latest) = (Mutex::new(Arc::default()), Mutex::default());
        Registry(Arc::new(Inner { store: Mutex::new(store), roster, latest }))
    }

    /// Begins to ask, until the last clone is gone.
    pub(crate) fn begin(&self, measuring: Measuring) -> std::io::Result<()> {
        sampler::begin(Arc::downgrade(&self.0), measuring)
    }

    /// Says who is to be asked from now on.
    pub(crate) fn enroll(&self, fleet: &Fleet) {
        let places = fleet.deployments().flat_map(|(region, deployment)| {
            deployment.members().filter(|(_, member)| member.state != MemberState::Deleting).map(
                move |(shard, member)| Place {
                    region: region.to_owned(),
                    deployment: deployment.id.name().to_owned(),
                    shard: format!("{}, shard {}", deployment.id, shard.id),
                    member: member.name.clone(),
                    node: member.node.id,
                },
            )
        });
        *lock(&self.0.roster) = places.collect();
    }

    /// The last second.
    pub(crate) fn latest(&self) -> Arc<Second> {
        lock(&self.0.latest).clone()
    }
}

impl Inner {
    fn try_store(&self) -> Option<MutexGuard<'_, Result<Store, String>>> {
        match self.store.try_lock() {
            Ok(store) => Some(store),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleet::{
        AddressPool, Command, DeploymentId, Engine, NewDeployment, NewMember, NodeParameters, NodeSize,
        Settings,
    };

    #[test]
    fn a_group_and_a_cluster_of_one_name_are_no_shard_together() {
        let node_type = "cache.t4g.micro".to_owned();
        let size = NodeSize { node_type, memory_bytes: 1 << 29, vcpus: 2, maxclients: 65_000 };
        let mut fleet = Fleet::new(AddressPool::Loopback { block: 1, last: 0 });
        for (id, member) in
            [(DeploymentId::Group("web".into()), "web-001"), (DeploymentId::Cluster("web".into()), "web")]
        {
            let new = NewDeployment {
                id,
                description: String::new(),
                engine: Engine::Valkey,
                engine_version: "8.0.1".into(),
                profile: "valkey-8.0".into(),
                size: size.clone(),
                port: 6379,
                automatic_failover: false,
                multi_az: false,
                settings: Settings::default(),
                parameters: NodeParameters::default(),
                tags: Default::default(),
                members: vec![NewMember {
                    name: member.into(),
                    availability_zone: "us-east-1a".into(),
                    tags: Default::default(),
                }],
                primary_ip: None,
            };
            fleet.apply(0, "us-east-1", &Command::Create(Box::new(new))).unwrap();
        }
        let directory = tempfile::tempdir().unwrap();
        let registry = Registry::open(Directory::at(directory.path()));
        registry.enroll(&fleet);
        let roster = lock(&registry.0.roster).clone();
        assert_eq!(roster.len(), 2);
        assert_eq!(roster[0].deployment, roster[1].deployment);
        assert_ne!(
            roster[0].shard, roster[1].shard,
            "what one has written says nothing of the other's replicas"
        );
    }
}
