//! What is known of a batch's documents before it is planned, and what else must be looked up for it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::domain::batch::Resolution;
use crate::domain::document::{DocumentHead, Receipt, VersionText};
use crate::domain::ids::{DocumentId, Version};
use crate::domain::operation::{OperationKind, Submitted};
use crate::domain::unfit::Unfit;
use crate::domain::yjs_facts::DeleteSet;

/// What the store knows of the documents and names of a batch.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// Receipts by `client_id`; empty without a device.
    pub receipts: HashMap<String, Receipt>,
    /// Heads of the documents that exist, live or deleted.
    pub heads: HashMap<DocumentId, DocumentHead>,
    /// Texts of versions, as [`needs`] asked for them.
    pub texts: HashMap<(DocumentId, Version), VersionText>,
    /// Deletions of Yjs states, as [`needs`] asked for them.
    pub deletions: HashMap<DocumentId, DeleteSet>,
    /// Documents of which a stored part cannot be read; nothing else is known of them.
    pub damaged: BTreeSet<DocumentId>,
    /// Documents whose Yjs state cannot be shown, of those that an operation would put a text in the place of.
    pub unshowable: BTreeSet<DocumentId>,
    /// Operations (by place) whose Yjs updates do not fit their documents.
    pub unfit: HashMap<usize, Unfit>,
    /// Texts of Yjs documents that were derived for a plan: as the operation at this place finds them.
    pub derived: HashMap<usize, Arc<str>>,
    /// Versions whose texts are not known, and were looked for.
    pub lost_texts: BTreeSet<(DocumentId, Version)>,
    /// Yjs documents that are rich text.
    pub rich: BTreeSet<DocumentId>,
    /// Yjs documents whose text cannot be derived or changed now.
    pub unavailable: BTreeSet<DocumentId>,
}

impl Loaded {
    /// Whether the text of a version is known, or known to be lost.
    pub(super) fn is_final(&self, version: (DocumentId, Version)) -> bool {
        self.lost_texts.contains(&version) || self.texts.get(&version).is_some_and(|text| text.content.is_some())
    }

    /// Whether everything but checks has a receipt: the batch is one that was applied before.
    pub(super) fn is_applied(&self, operations: &[Submitted]) -> bool {
        let is_guarded = |operation: &&Submitted| operation.kind() != Some(OperationKind::Check);
        let mut guarded = operations.iter().filter(is_guarded).peekable();
        guarded.peek().is_some()
            && guarded.all(|operation| operation.client_id().is_some_and(|name| self.receipts.contains_key(name)))
    }
}

/// What a plan needs besides heads and receipts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Titles and texts of these versions.
    pub texts: BTreeSet<(DocumentId, Version)>,
    /// Deletions of these documents' Yjs states.
    pub deletions: BTreeSet<DocumentId>,
}

/// What must be loaded before a plan can decide, given receipts and heads. Asks for too much rather than too little.
#[must_use]
pub fn needs(operations: &[Submitted], resolutions: &[Resolution], loaded: &Loaded) -> Needs {
    let mut needs = Needs::default();
    let mut appended: BTreeSet<DocumentId> = BTreeSet::new();
    for (submitted, resolution) in operations.iter().zip(resolutions) {
        let (Submitted::Valid(operation), Some(id)) = (submitted, resolution.document_id) else { continue };
        let Some(head) = loaded.heads.get(&id) else { continue };
        if operation.kind == OperationKind::Check {
            continue;
        }
        let replayed = loaded.receipts.get(&operation.client_id).and_then(|receipt| receipt.version);
        let bare_yjs = operation.changes.yjs.is_some() && operation.changes.title.is_none();
        for base in operation.base_version.filter(|_| !bare_yjs).into_iter().chain(replayed) {
            if (head.epoch..head.version).contains(&base) {
                needs.texts.extend([(id, base), (id, head.version)]);
            }
        }
        if operation.changes.are_of_text() && (head.state_vector.is_some() || !operation.changes.edits.is_empty()) {
            needs.texts.insert((id, head.version));
        }
        if let (Some(update), Some(vector)) = (&operation.changes.yjs, &head.state_vector) {
            let may_be_known = !update.has_structs_beyond(vector) || !appended.insert(id);
            let compares = operation.kind == OperationKind::Create;
            if may_be_known && (compares || !update.deletes.is_empty()) {
                needs.deletions.insert(id);
            }
        }
    }
    needs
}
