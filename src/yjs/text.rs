//! The text of a state, by integrating its skeleton with yrs.
//!
//! To be called in a worker process only: yrs can abort, loop and exhaust memory, and none of that can be caught.

use yrs::GetString as _;
use yrs::types::xml::{Xml as _, XmlFragment as _, XmlOut};
use yrs::updates::decoder::Decode as _;
use yrs::{Doc, OffsetKind, Options, ReadTxn, Transact, Update};

use crate::yjs::skeleton::Skeleton;

/// Derives the text of the union of `parts`: that of the root named `content`, else of the only root.
///
/// A root that holds text is read as text. In one that holds XML, every element that holds text itself, and every
/// empty one, is a line; an element beside text is part of that text's line. Maps and lists have no text.
///
/// # Errors
/// A reason without any of the document's contents.
pub(super) fn derive_text<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Result<String, String> {
    let skeleton = Skeleton::of(parts).map_err(|error| error.to_string())?;
    let Some(root) = skeleton.root else { return Ok(String::new()) };
    let doc = Doc::with_options(Options { skip_gc: true, offset_kind: OffsetKind::Utf16, ..Options::default() });
    let update = Update::decode_v1(&skeleton.update).map_err(|error| error.to_string())?;
    doc.transact_mut().apply_update(update).map_err(|error| error.to_string())?;
    let text = doc.get_or_insert_text(root.as_str());
    let fragment = doc.get_or_insert_xml_fragment(root.as_str());
    let transaction = doc.transact();
    if transaction.has_missing_updates() {
        return Err("changes are left pending".to_owned());
    }
    let plain = text.get_string(&transaction);
    if plain.is_empty() { Ok(xml_text(fragment.first_child(), &transaction)) } else { Ok(plain) }
}

/// A list of sibling nodes that is being read.
struct Level {
    next: Option<XmlOut>,
    /// Whether its nodes are parts of one line.
    is_line: bool,
}

/// The text of a root's XML nodes in document order.
fn xml_text(first: Option<XmlOut>, transaction: &impl ReadTxn) -> String {
    let mut lines = Lines::default();
    let mut levels = vec![Level { next: first, is_line: false }];
    while let Some(level) = levels.last_mut() {
        let is_line = level.is_line;
        let Some(node) = level.next.take() else {
            levels.pop();
            continue;
        };
        level.next = next_sibling(&node, transaction);
        match &node {
            XmlOut::Text(text) => lines.append(&text.get_string(transaction)),
            XmlOut::Fragment(_) => {}
            XmlOut::Element(element) => {
                let first = element.first_child();
                let holds_text = holds_text(first.clone(), transaction);
                if is_line {
                    if matches!(element.tag().as_ref(), "hardBreak" | "hard_break") {
                        lines.append("\n");
                    }
                } else if holds_text || first.is_none() {
                    lines.start();
                }
                levels.push(Level { next: first, is_line: is_line || holds_text });
            }
        }
    }
    lines.text
}

fn next_sibling(node: &XmlOut, transaction: &impl ReadTxn) -> Option<XmlOut> {
    match node {
        XmlOut::Element(element) => element.siblings(transaction).next(),
        XmlOut::Text(text) => text.siblings(transaction).next(),
        XmlOut::Fragment(_) => None,
    }
}

fn holds_text(first: Option<XmlOut>, transaction: &impl ReadTxn) -> bool {
    let siblings = std::iter::successors(first, |node| next_sibling(node, transaction));
    siblings.into_iter().any(|node| matches!(node, XmlOut::Text(_)))
}

/// Text in lines, a line feed between each two.
#[derive(Default)]
struct Lines {
    text: String,
    any: bool,
}

impl Lines {
    fn start(&mut self) {
        if self.any {
            self.text.push('\n');
        }
        self.any = true;
    }

    fn append(&mut self, text: &str) {
        self.any = true;
        self.text.push_str(text);
    }
}
