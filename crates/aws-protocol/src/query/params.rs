//! Parameters as a tree of the names between their dots. This module does not know their meaning.
//!
//! Two bytes of a request can be a node, so nodes are small: children stand in one sorted array, which grows from one. The
//! parameters are inserted in the order of their names, so that almost all go to the end of it.

use crate::Fault;
use crate::input::brief;

/// One name of the tree: a value, names below it, or both (which no type accepts).
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) value: Option<String>,
    /// By ascending name, each once.
    pub(super) children: Vec<(String, Node)>,
}

impl Node {
    pub(super) fn child(&self, name: &str) -> Option<&Node> {
        self.position(name).ok().map(|at| &self.children[at].1)
    }

    fn child_or_new(&mut self, name: &str) -> &mut Node {
        let at = self.position(name).unwrap_or_else(|at| {
            if self.children.is_empty() {
                self.children.reserve_exact(1);
            }
            self.children.insert(at, (name.to_owned(), Node::default()));
            at
        });
        &mut self.children[at].1
    }

    /// Where the child is, or where it belongs.
    fn position(&self, name: &str) -> Result<usize, usize> {
        self.children.binary_search_by(|(other, _)| other.as_str().cmp(name))
    }
}

/// The parameters of a request without its action and version.
#[derive(Clone, Debug, Default)]
pub struct Params {
    root: Node,
}

impl Params {
    /// The value of a parameter by its full name, as it stands in the request.
    pub fn get(&self, name: &str) -> Option<&str> {
        let node = name.split('.').try_fold(&self.root, Node::child)?;
        node.value.as_deref()
    }

    /// The names of the parameters up to their first dot, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.root.children.iter().map(|(name, _)| name.as_str())
    }

    pub(super) fn root(&self) -> &Node {
        &self.root
    }

    /// The tree of the pairs.
    pub(super) fn build(mut pairs: Vec<(String, String)>, max_depth: usize) -> Result<Params, Fault> {
        pairs.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let mut params = Params::default();
        for (name, value) in pairs {
            params.insert(&name, value, max_depth)?;
        }
        Ok(params)
    }

    fn insert(&mut self, name: &str, value: String, max_depth: usize) -> Result<(), Fault> {
        let mut node = &mut self.root;
        for (depth, part) in name.split('.').enumerate() {
            if depth >= max_depth {
                return Err(Fault::malformed_query_string(format!(
                    "The parameter {} nests too deeply.",
                    brief(name)
                )));
            }
            if part.is_empty() {
                return Err(Fault::malformed_query_string(format!("{} names no parameter.", brief(name))));
            }
            node = node.child_or_new(part);
        }
        node.value.replace(value).map_or(Ok(()), |_| Err(comes_twice(name)))
    }
}

/// Neither the first nor the last of two values is what the client meant.
pub(super) fn comes_twice(name: &str) -> Fault {
    Fault::malformed_query_string(format!("The parameter {} comes twice.", brief(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(names: &[&str]) -> Result<Params, Fault> {
        Params::build(names.iter().map(|&name| (name.to_owned(), format!("={name}"))).collect(), 3)
    }

    #[test]
    fn every_value_is_found_whatever_sorts_between() {
        // `!` sorts before the dot: the order of whole names is not that of their first parts.
        let names = ["a", "a.b", "a!", "a!!.c", "b.c.d", "b.c", "b.a", "Z", "a.10", "a.9"];
        let params = params(&names).expect("a tree");
        for name in names {
            assert_eq!(params.get(name), Some(format!("={name}").as_str()), "{name}");
        }
        assert_eq!((params.get("b"), params.get("b.x"), params.get("")), (None, None, None));
        assert_eq!(params.names().collect::<Vec<_>>(), ["Z", "a", "a!", "a!!", "b"]);
    }

    #[test]
    fn names_are_whole_and_come_once() {
        for names in [&["a.b", "a", "a.b"][..], &["a."], &[".a"], &[""], &["a.b.c.d"]] {
            assert_eq!(params(names).map_err(|fault| fault.status).err(), Some(404), "{names:?}");
        }
    }
}
