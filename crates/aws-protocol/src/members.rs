//! Lists whose items have a name of their own on the wire.
//!
//! In XML a list is `<Tags><Tag>…</Tag></Tags>`, in JSON `"Tags": […]`; Query requests write `Tags.Tag.1` or
//! `Tags.member.1`. The name of the item belongs to neither the field nor serde's data model, so it travels as the name of
//! a newtype struct around the sequence: the XML codec prints it, codecs without such names don't see it. A derived newtype
//! around a `Vec` does the same with its own name; a bare `Vec` has items named `member`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What stands in a list under a name.
pub trait Item {
    /// The name of the element around each item.
    const NAME: &'static str;
}

/// The usual name where the API's model gives none.
impl Item for String {
    const NAME: &'static str = "member";
}

/// A list whose items are elements named [`Item::NAME`].
///
/// An empty list is an empty element; for none at all, use an `Option`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Members<T: Item>(pub Vec<T>);

impl<T: Item> Default for Members<T> {
    fn default() -> Self {
        Members(Vec::new())
    }
}

impl<T: Item> From<Vec<T>> for Members<T> {
    fn from(items: Vec<T>) -> Self {
        Members(items)
    }
}

impl<T: Item> FromIterator<T> for Members<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Members(items.into_iter().collect())
    }
}

impl<T: Item + Serialize> Serialize for Members<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(T::NAME, &self.0)
    }
}

impl<'de, T: Item + Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Members)
    }
}
