//! The operations of ElastiCache, as decisions about the fleet.
//!
//! An operation is one file in `operations`: its typed input, its checks, the commands that it decides, its typed answer.
//! [`SERVICE`] lists them; what else the service has stands in `model` and is refused as not built. What is a fact of AWS and not
//! of an operation stands beside: `model` (names, parameters, errors), `catalogue` (node types, versions, parameter groups),
//! `shapes` (what several operations answer with), `inputs` (what several are asked with), `names` (what may be called how),
//! `faults` (texts of errors), `paging`.
//!
//! **A parameter has an effect or is refused by name** (`aws_protocol::NotYet`). Only what merely describes (a description, a
//! window) is stored and shown without one.
//!
//! Codes and statuses are those of the service model (botocore, elasticache 2015-02-02). Texts are those that the service was
//! seen to answer where a witness is known, and written in its manner where none is.
#![forbid(unsafe_code)]

pub mod catalogue;
mod faults;
mod inputs;
mod lookup;
mod model;
mod names;
mod operations;
mod paging;
mod settings;
mod shapes;
mod unsupported;

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
    input_fault: Wire::input_fault,
};
