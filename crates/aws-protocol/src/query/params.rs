//! Parameters as a tree of the names between their dots. Nothing is known here of what they mean.

use std::collections::BTreeMap;

use crate::Fault;

/// One name of the tree: a value, names below it, or both (which no type accepts).
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) value: Option<String>,
    pub(super) children: BTreeMap<String, Node>,
}

/// The parameters of a request without its action and version.
#[derive(Clone, Debug, Default)]
pub struct Params {
    root: Node,
}

impl Params {
    /// The value of a parameter by its full name, as it stands in the request.
    pub fn get(&self, name: &str) -> Option<&str> {
        let node = name.split('.').try_fold(&self.root, |node, part| node.children.get(part))?;
        node.value.as_deref()
    }

    /// The names of the parameters up to their first dot, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.root.children.keys().map(String::as_str)
    }

    pub(super) fn root(&self) -> &Node {
        &self.root
    }

    pub(super) fn insert(&mut self, name: &str, value: String, max_depth: usize) -> Result<(), Fault> {
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
            node = node.children.entry(part.to_owned()).or_default();
        }
        node.value.replace(value).map_or(Ok(()), |_| Err(comes_twice(name)))
    }
}

/// Neither the first nor the last of two values is what the client meant.
pub(super) fn comes_twice(name: &str) -> Fault {
    Fault::malformed_query_string(format!("The parameter {} comes twice.", brief(name)))
}

/// As much of a client's word as an error repeats.
pub(super) fn brief(text: &str) -> &str {
    const MAX_CHARS: usize = 256;
    text.char_indices().nth(MAX_CHARS).map_or(text, |(end, _)| &text[..end])
}
