//! Lists.
//!
//! ```text
//! 18 quicklist            count of nodes, then for each its kind (1 plain, 2 packed) and a string:
//!                         the element itself, or a listpack of elements
//! 14 quicklist of         count of nodes, then for each a string: a ziplist of elements
//!    ziplists
//! 10 ziplist              one string: a ziplist of all elements
//!  1 list                 count of elements, then each as a string
//! ```
//!
//! The writer uses 18 only. A quicklist is loaded node by node as it is, whatever the configured node size. The two
//! oldest forms have no nodes: their elements are pushed one by one, and the configured size decides the nodes.

use structures::list::{Node, NodeRef};
use structures::{Limits, List, Listpack, Value, ziplist};

use super::{LIST, LIST_QUICKLIST, LIST_ZIPLIST};
use crate::encode::Sink;
use crate::error::Stop;
use crate::input::Input;
use crate::pieces::{Piece, Position};

const PLAIN: u64 = 1;
const PACKED: u64 = 2;

pub(super) fn put<S: Sink>(piece: &mut Piece<'_, S>, list: &List, at: &mut Position) -> bool {
    piece.count(list.node_count(), at);
    for node in list.nodes_from(at.node) {
        if !piece.has_room() {
            return false;
        }
        piece.begin_element();
        let (kind, bytes) = match node {
            NodeRef::Plain(element) => (PLAIN, element),
            NodeRef::Packed(listpack) => (PACKED, listpack.as_bytes()),
        };
        piece.prefix(kind, at);
        if !piece.string(bytes, at) {
            return false;
        }
        at.node += 1;
    }
    true
}

#[derive(Debug)]
pub(crate) struct Loader {
    form: Form,
    /// Elements or nodes still to come, once that is known.
    left: Option<u64>,
}

#[derive(Debug)]
enum Form {
    Elements(List),
    Ziplist,
    Ziplists(Vec<Node>),
    Quicklist { nodes: Vec<Node>, kind: Option<u64> },
}

impl Loader {
    pub(super) fn new(type_id: u8) -> Self {
        let form = match type_id {
            LIST => Form::Elements(List::new()),
            LIST_ZIPLIST => Form::Ziplist,
            LIST_QUICKLIST => Form::Ziplists(Vec::new()),
            _ => Form::Quicklist { nodes: Vec::new(), kind: None },
        };
        Loader { form, left: None }
    }

    pub(super) fn step(&mut self, input: &mut Input, limits: &Limits) -> Result<Option<Value>, Stop> {
        if let Form::Ziplist = self.form {
            let mut list = List::new();
            for element in &unpack(&input.string()?)? {
                list.push_back(&element.to_vec(), limits);
            }
            return Ok(some_unless_empty(list));
        }
        let mut left = match self.left {
            Some(left) => left,
            None => input.len()?,
        };
        while left > 0 {
            self.left = Some(left);
            self.form.read_one(input, limits)?;
            left -= 1;
        }
        Ok(some_unless_empty(match &mut self.form {
            Form::Elements(list) => std::mem::take(list),
            Form::Ziplists(nodes) | Form::Quicklist { nodes, .. } => {
                List::from_nodes(std::mem::take(nodes), limits)
            }
            Form::Ziplist => List::new(),
        }))
    }
}

impl Form {
    /// Reads one element or node.
    fn read_one(&mut self, input: &mut Input, limits: &Limits) -> Result<(), Stop> {
        match self {
            Form::Elements(list) => list.push_back(&input.string()?, limits),
            Form::Ziplist => {}
            Form::Ziplists(nodes) => nodes.push(Node::Packed(unpack(&node_bytes(input)?)?)),
            Form::Quicklist { nodes, kind } => {
                let this_kind = match *kind {
                    Some(kind) => kind,
                    None => *kind.insert(input.len()?),
                };
                nodes.push(match this_kind {
                    PLAIN => Node::Plain(node_bytes(input)?),
                    PACKED => Node::Packed(
                        Listpack::from_bytes(node_bytes(input)?)
                            .map_err(|_| Stop::corrupt("a list node that is not a valid listpack"))?,
                    ),
                    _ => return Err(Stop::corrupt("a list node of unknown kind")),
                });
                *kind = None;
            }
        }
        Ok(())
    }
}

fn node_bytes(input: &mut Input) -> Result<Vec<u8>, Stop> {
    let bytes = input.string()?;
    if bytes.is_empty() { Err(Stop::corrupt("a list node without bytes")) } else { Ok(bytes) }
}

fn unpack(bytes: &[u8]) -> Result<Listpack, Stop> {
    ziplist::to_listpack(bytes).map_err(|_| Stop::corrupt("a list node that is not a valid ziplist"))
}

fn some_unless_empty(list: List) -> Option<Value> {
    (!list.is_empty()).then(|| Value::List(Box::new(list)))
}
