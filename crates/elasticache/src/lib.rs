//! The operations of ElastiCache, as decisions about the fleet.
//!
//! An operation is one file in `operations`: its typed input, its checks, the commands that it decides, its typed answer.
//! [`SERVICE`] lists them; `model` names all others of the service, which are refused as not built. What belongs to several operations
//! is beside them: `model` (names, parameters, errors), `catalogue` (node types, versions, parameter groups), `shapes` (shared outputs),
//! `inputs` (shared inputs), `names` (rules for names), `parameters` (the table of all families), `parameter_groups`,
//! `subnet_groups`, `quotas`, `faults` (texts of errors), `paging`.
//!
//! **A parameter has an effect or is refused by name** (`aws_protocol::NotYet`). Only what merely describes (a description, a
//! window) is stored and shown without one.
//!
//! Codes and statuses are those of the service model (botocore, elasticache 2015-02-02). Texts are the service's own where its answer
//! is publicly known, and follow its style where not.
#![forbid(unsafe_code)]

pub mod catalogue;
mod deferral;
mod faults;
mod inputs;
mod lookup;
mod model;
mod names;
mod operations;
mod paging;
mod parameter_groups;
pub mod parameters;
mod quotas;
mod settings;
mod shapes;
mod subnet_groups;
mod unsupported;

pub use parameter_groups::outdated;

use aws_operations::{Cx, Operation, Service};
use aws_protocol::Wire;
use aws_protocol::wire::Names;

/// ElastiCache.
pub static SERVICE: Service = Service {
    scope: "elasticache",
    wires: &[Wire::Query],
    version: "2015-02-02",
    names: Names {
        xml: "http://elasticache.amazonaws.com/doc/2015-02-02/",
        target: "",
        shapes: "",
        speaks_query: false,
    },
    model: &model::MODEL,
    operations: operations::OPERATIONS,
    quotas: quotas::TABLE,
    input_fault: Wire::input_fault,
};
