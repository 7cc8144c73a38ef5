//! Changes now, or in the maintenance window: `ApplyImmediately`.

use fleet::{Command, Deployment, NodeSize};

/// What becomes of a node type that a call asks for.
#[derive(Debug, Default)]
pub(crate) struct Resize {
    /// To be had at once.
    pub(crate) now: Option<NodeSize>,
    /// What changes in what waits for the window.
    pub(crate) later: Option<Command>,
}

impl Resize {
    /// A call with `ApplyImmediately` also brings what waits, unless it asks for something else. One without it replaces
    /// what waits; asking for the size that there is takes it back.
    pub(crate) fn of(deployment: &Deployment, asked: Option<NodeSize>, immediately: bool) -> Resize {
        let waits = deployment.deferred_size.as_ref();
        let asked = asked.or_else(|| waits.cloned().filter(|_| immediately));
        let Some(size) = asked else { return Resize::default() };
        let is_new = size.node_type != deployment.size.node_type;
        if is_new && immediately {
            return Resize { now: Some(size), later: None };
        }
        let size = Some(size).filter(|_| is_new);
        let changes = size.as_ref() != waits;
        Resize { now: None, later: changes.then(|| Command::Defer { id: deployment.id.clone(), size }) }
    }
}
