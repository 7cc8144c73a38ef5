//! IDs and entries in replies.

use command_spec::Shape;
use commands::container::reply_item;
use resp::Writer;
use structures::StreamId;
use structures::stream::Entry;

/// An entry.
pub(super) const ENTRY: Shape = Shape::Tuple(&[Shape::Bulk, Shape::Array(&Shape::Bulk)]);
/// Entries.
pub(super) const ENTRIES: Shape = Shape::Array(&ENTRY);
/// The longest text of an ID: two numbers of 64 bits.
const MAX_TEXT: usize = 20 + 1 + 20;

/// The text of an ID.
#[derive(Debug)]
pub(super) struct IdText {
    text: [u8; MAX_TEXT],
    len: usize,
}

impl IdText {
    pub(super) fn new(id: StreamId) -> Self {
        let mut text = IdText { text: [0; MAX_TEXT], len: 0 };
        let mut digits = itoa::Buffer::new();
        text.push(digits.format(id.ms).as_bytes());
        text.push(b"-");
        text.push(digits.format(id.seq).as_bytes());
        text
    }

    fn push(&mut self, part: &[u8]) {
        self.text[self.len..self.len + part.len()].copy_from_slice(part);
        self.len += part.len();
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.text[..self.len]
    }
}

/// Writes an ID.
pub(super) fn id(out: &mut Writer<'_>, id: StreamId) {
    out.bulk(IdText::new(id).as_bytes());
}

/// Writes an entry.
pub(super) fn entry(out: &mut Writer<'_>, entry: Entry<'_>) {
    out.array(2);
    id(out, entry.id);
    out.array(2 * entry.fields.len());
    for (name, value) in entry.fields {
        reply_item(out, name);
        reply_item(out, value);
    }
}

/// Writes entries, whose number is not known before.
pub(super) fn entries<'e>(out: &mut Writer<'_>, entries: impl Iterator<Item = Entry<'e>>) {
    let head = out.deferred();
    let mut len = 0;
    for next in entries {
        if out.is_over() {
            return;
        }
        entry(out, next);
        len += 1;
    }
    out.finish_array(head, len);
}

/// Writes an entry, or null.
pub(super) fn entry_or_null(out: &mut Writer<'_>, next: Option<Entry<'_>>) {
    match next {
        Some(next) => entry(out, next),
        None => out.null(),
    }
}

/// Writes the lines of a HELP.
pub(super) fn help(out: &mut Writer<'_>, lines: &[&str]) {
    out.array(lines.len());
    for line in lines {
        out.simple(line);
    }
}
