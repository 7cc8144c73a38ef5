//! Changes now, or in the maintenance window: `ApplyImmediately`.

use fleet::{Command, Deployment, NodeSize};

/// What becomes of a node type that a call asks for.
#[derive(Debug)]
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
        let wanted = match immediately {
            true => asked.or_else(|| waits.cloned()),
            false => asked,
        };
        let is_new = wanted.as_ref().is_some_and(|size| *size != deployment.size);
        let defer = |size: Option<NodeSize>| {
            (size.as_ref() != waits).then(|| Command::Defer { id: deployment.id.clone(), size })
        };
        match (wanted, is_new, immediately) {
            (None, ..) => Resize { now: None, later: None },
            (Some(_), false, _) => Resize { now: None, later: defer(None) },
            (Some(size), true, true) => Resize { now: Some(size), later: None },
            (Some(size), true, false) => Resize { now: None, later: defer(Some(size)) },
        }
    }
}
