//! The fleet: the desired state, the observed state, and the steps from one to the other. It decides and does no I/O.
#![forbid(unsafe_code)]

mod address;
mod apply;
mod command;
mod event;
mod forecast;
mod model;
mod pace;
mod parameters;
pub mod placement;
mod plan;
mod reconciler;
mod record;
pub mod step;
mod subnet_group;
mod window;

pub use address::AddressPool;
pub use apply::ApplyError;
pub use command::{Changes, Command, NewDeployment, NewMember};
pub use event::{Event, KEPT_AT_MOST, KEPT_FOR_MS, Source};
pub use forecast::{Forecast, Foreseen, Loss, Stage};
pub use model::{
    Deployment, DeploymentId, Engine, Fleet, Member, MemberState, Node, NodeSize, ParameterStatus, Phase,
    Region, Settings, Shard, SubnetGroup,
};
pub use parameters::{NodeParameters, ParameterGroup, Reserved};
pub use plan::{Host, Plan, Seen, plan};
pub use reconciler::{Ended, Next, Reconciler};
pub use record::{HostId, HostRecord, NodeRecord, Origin};
pub use step::NodeId;
pub use window::{MaintenanceWindow, minute_of_day};
