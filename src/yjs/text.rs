//! The text of a state.

use std::collections::BTreeSet;

use crate::yjs::document::{Document, Index, Kind, Owner};
use crate::yjs::structs::Parent;

/// The root whose text is a document's text, where there is one of that name.
pub(super) const CONTENT_ROOT: &str = "content";

/// Steps of placing that a document may take, so that reading one always ends: far more than any server accepts.
const MAX_STEPS: u64 = 10_000_000_000;

/// Derives the text of the union of `parts`: that of the root named `content`, else of the only root.
///
/// A root that holds text is read as text. In one that holds XML, every element that holds text itself, and every
/// empty one, is a line; an element beside text is part of that text's line. Maps and lists have no text. What yjs
/// would not show, and what has no place, is left out.
///
/// # Errors
/// A reason without any of the document's contents: the parts are no Yjs updates, or leave a gap.
pub fn derive_text<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Result<String, String> {
    let document = placed(parts)?;
    let Some(root) = root_of(&document) else { return Ok(String::new()) };
    let plain = plain_text(&document, Owner::Root(root));
    Ok(if plain.is_empty() { xml_text(&document, Owner::Root(root)) } else { plain })
}

/// The union of `parts` with every node at its place.
pub(super) fn placed<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Result<Document<'a>, String> {
    let mut document = Document::of(parts).map_err(|error| error.to_string())?;
    document.place(MAX_STEPS).map_err(|_too_dear| "it takes too long to put in order".to_owned())?;
    Ok(document)
}

/// The root that the text is read from; none if the state has no root, or several and none of them `content`.
pub(super) fn root_of<'a>(document: &Document<'a>) -> Option<&'a str> {
    let named = document.parents.iter().filter_map(|(parent, _)| match parent {
        Parent::Root(name) => Some(*name),
        Parent::Nested(_) => None,
    });
    let roots: BTreeSet<&str> = named.collect();
    if roots.contains(CONTENT_ROOT) {
        return Some(CONTENT_ROOT);
    }
    let mut roots = roots.into_iter();
    roots.next().filter(|_| roots.next().is_none())
}

/// The text that lies directly in a shared type.
pub(super) fn plain_text(document: &Document<'_>, owner: Owner<'_>) -> String {
    let mut text = String::new();
    for (_, node) in document.sequence(owner) {
        if let Kind::Text { from, to } = node.kind {
            text.push_str(document.texts.get(from..to).unwrap_or_default());
        }
    }
    text
}

/// The XML nodes that lie directly in a shared type.
pub(super) fn children(document: &Document<'_>, owner: Owner<'_>) -> Vec<(Index, Kind)> {
    let is_xml = |kind| matches!(kind, Kind::Element { .. } | Kind::XmlText);
    let live = document.sequence(owner).filter(|(_, node)| !node.flags.is_deleted);
    live.map(|(index, node)| (index, node.kind)).filter(|(_, kind)| is_xml(*kind)).collect()
}

/// A list of sibling nodes that is being read.
struct Level {
    rest: std::vec::IntoIter<(Index, Kind)>,
    /// Whether its nodes are parts of one line.
    is_line: bool,
}

/// The text of a root's XML nodes in document order.
fn xml_text(document: &Document<'_>, root: Owner<'_>) -> String {
    let mut lines = Lines::default();
    let mut levels = vec![Level { rest: children(document, root).into_iter(), is_line: false }];
    while let Some(level) = levels.last_mut() {
        let is_line = level.is_line;
        let Some((index, kind)) = level.rest.next() else {
            levels.pop();
            continue;
        };
        match kind {
            Kind::XmlText => lines.append(&plain_text(document, Owner::Node(index))),
            Kind::Element { is_break } => {
                let children = children(document, Owner::Node(index));
                let holds_text = children.iter().any(|(_, kind)| *kind == Kind::XmlText);
                if is_line {
                    if is_break {
                        lines.append("\n");
                    }
                } else if holds_text || children.is_empty() {
                    lines.start();
                }
                levels.push(Level { rest: children.into_iter(), is_line: is_line || holds_text });
            }
            _ => {}
        }
    }
    lines.text
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
