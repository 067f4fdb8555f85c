//! Changes of text on documents with Yjs state: deriving the texts that a decision needs, and making the Yjs updates that
//! it comes to. Both are the work of worker processes, off every lock; what was made is carried out by compare-and-set.

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::domain::document::VersionText;
use crate::domain::ids::{DocumentId, Version, WorkspaceId};
use crate::domain::limits::YjsCaps;
use crate::domain::operation::{Changes, OperationKind, Submitted, digest_of};
use crate::domain::plan::Plan;
use crate::domain::text_steps::{PlannedEdit, WantedText};
use crate::domain::track::append_yjs;
use crate::domain::yjs_facts::{Client, ScannedUpdate};
use crate::store::{Store, StoreError};
use crate::sync::Batch;
use crate::sync::look::Looked;
use crate::yjs::render::{EditError, RenderError, Turn};
use crate::yjs::scan::scan_update;

/// Clients of Yjs have 53 bits, and those that editors draw 32: with this bit a client is the server's own.
const SERVERS_BIT: u64 = 1 << 52;

/// Where texts of a batch's documents come from.
pub(super) struct Texts<'a> {
    pub(super) store: &'a Store,
    pub(super) workspace_id: WorkspaceId,
    /// The workers' time; without it nothing can be derived or made.
    pub(super) turn: Option<Turn<'a>>,
}

impl Texts<'_> {
    /// Does what a plan leaves to be done. Whether it has to be made again, since more is known now.
    ///
    /// # Errors
    /// What the store says.
    pub(super) fn settle(&self, looked: &mut Looked, plan: &mut Plan) -> Result<bool, StoreError> {
        let edits = plan.edits.clone();
        if plan.wanted.is_empty() {
            return Ok(edits.iter().any(|edit| self.make(looked, plan, edit)));
        }
        // The first one of each document: what else is done to that document depends on it, and on nothing else.
        let mut documents = BTreeSet::new();
        let first_ones = plan.wanted.clone().into_iter().filter(|wanted| documents.insert(wanted.document_id));
        for wanted in first_ones {
            let before = |edit: &&PlannedEdit| edit.document_id == wanted.document_id && edit.entry < wanted.entries;
            if !edits.iter().filter(before).any(|edit| self.make(looked, plan, edit)) {
                self.learn(looked, plan, wanted)?;
            }
        }
        Ok(true)
    }

    /// Finds out a text, or why it cannot be had.
    fn learn(&self, looked: &mut Looked, plan: &Plan, wanted: WantedText) -> Result<(), StoreError> {
        let WantedText { place, document_id: id, base, entries } = wanted;
        let Some(turn) = self.turn else {
            looked.loaded.unavailable.insert(id);
            return Ok(());
        };
        let parts = match base {
            None => parts_before(looked, plan, id, entries),
            Some(version) => match self.parts_at(looked, id, version)? {
                Some(parts) => parts,
                None => return Ok(()),
            },
        };
        match (turn.render(id.0.as_u128(), &parts), base) {
            (Ok(text), None) => drop(looked.loaded.derived.insert(place, text.into())),
            (Ok(text), Some(version)) => looked.note_text(id, version, text.into()),
            (Err(RenderError::Damaged(_)), None) => {
                looked.loaded.unshowable.insert(id);
                looked.loaded.unavailable.insert(id);
            }
            (Err(RenderError::Damaged(_)), Some(version)) => drop(looked.loaded.lost_texts.insert((id, version))),
            (Err(RenderError::Slow(_) | RenderError::Unavailable(_)), _) => drop(looked.loaded.unavailable.insert(id)),
        }
        Ok(())
    }

    /// What the text of an old version can be derived from; `None` once it is known, or known to be lost.
    fn parts_at(
        &self,
        looked: &mut Looked,
        id: DocumentId,
        version: Version,
    ) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
        let is_of_this_life = looked.loaded.heads.get(&id).is_some_and(|head| version >= head.epoch);
        let found = self.store.find_version(self.workspace_id, id, version)?.filter(|_| is_of_this_life);
        match found {
            Some(found) if found.content.is_some() => {
                looked.note_text(id, version, found.content.unwrap_or_default().into());
                Ok(None)
            }
            Some(found) if !found.yjs_parts.is_empty() => Ok(Some(found.yjs_parts)),
            _ => {
                looked.loaded.lost_texts.insert((id, version));
                Ok(None)
            }
        }
    }

    /// Makes the Yjs update of an edit and puts it into the plan. Whether it could not, and more is known now.
    fn make(&self, looked: &mut Looked, plan: &mut Plan, edit: &PlannedEdit) -> bool {
        let PlannedEdit { place, document_id: id, entry, from } = *edit;
        let Some(text) = plan.writes.log.get(entry).and_then(|entry| entry.content.clone()) else { return false };
        let to = digest_of(&text);
        let cached = looked.made.get(&place).filter(|(start, end, _)| (*start, *end) == (from, to));
        let update = match cached {
            Some((_, _, update)) => update.clone(),
            None => match self.make_anew(looked, plan, edit, text) {
                Ok(update) => {
                    looked.made.insert(place, (from, to, update.clone()));
                    update
                }
                Err(Some(EditError::OtherText(text))) => {
                    looked.loaded.derived.insert(place, text.into());
                    return true;
                }
                Err(Some(EditError::RichText | EditError::Render(RenderError::Damaged(_)))) => {
                    looked.loaded.rich.insert(id);
                    return true;
                }
                Err(None | Some(EditError::Render(_))) => {
                    looked.loaded.unavailable.insert(id);
                    return true;
                }
            },
        };
        put(plan, entry, id, &update);
        false
    }

    fn make_anew(
        &self,
        looked: &Looked,
        plan: &Plan,
        edit: &PlannedEdit,
        text: Arc<str>,
    ) -> Result<ScannedUpdate, Option<EditError>> {
        let id = edit.document_id;
        let turn = self.turn.ok_or(None)?;
        let parts = parts_before(looked, plan, id, edit.entry);
        let client = client_of(looked, plan, id, edit.entry);
        let bytes = turn.edit(id.0.as_u128(), &parts, client, edit.from, text.to_string())?;
        // Its size is that of a text that was accepted.
        let caps = YjsCaps { max_yjs_structs: usize::MAX, max_yjs_delete_ranges: usize::MAX, ..YjsCaps::default() };
        scan_update(bytes, &caps).map_err(|error| Some(RenderError::Damaged(error.to_string()).into()))
    }
}

/// The Yjs parts of a document as the plan's log leaves it before an entry.
fn parts_before(looked: &Looked, plan: &Plan, id: DocumentId, entry: usize) -> Vec<Vec<u8>> {
    let mut parts = looked.parts.get(&id).cloned().unwrap_or_default();
    for logged in plan.writes.log.iter().take(entry).filter(|logged| logged.document_id == id) {
        if logged.kind == OperationKind::Create {
            parts.clear();
        }
        parts.extend(logged.yjs_update.clone());
    }
    parts
}

/// The server's own client in a document's Yjs state: the same for each edit, so that state vectors do not grow. A
/// document that is made anew, and a database that was put back to an earlier state, get another one, since editors may
/// know clocks of the first that are gone.
fn client_of(looked: &Looked, plan: &Plan, id: DocumentId, entry: usize) -> Client {
    let logged = plan.writes.log.iter().take(entry).rev();
    let created = logged.filter(|logged| logged.document_id == id).find(|logged| logged.kind == OperationKind::Create);
    let stored = looked.loaded.heads.get(&id).map(|head| head.epoch);
    let epoch = created.map(|created| created.version).or(stored).unwrap_or_default();
    let name = Sha256::new_with_prefix(id.0.as_bytes())
        .chain_update(epoch.to_le_bytes())
        .chain_update(looked.feed.version_floor.to_le_bytes())
        .finalize();
    let drawn = name.iter().take(8).fold(0_u64, |drawn, byte| (drawn << 8) | u64::from(*byte));
    SERVERS_BIT | (drawn & (SERVERS_BIT - 1))
}

/// Puts an update into the entry of the log that lacks it, and into what the document's head knows.
fn put(plan: &mut Plan, entry: usize, id: DocumentId, update: &ScannedUpdate) {
    let later = plan.writes.log.iter().skip(entry + 1);
    let is_made_anew = later.filter(|later| later.document_id == id).any(|later| later.kind == OperationKind::Create);
    let Some(logged) = plan.writes.log.get_mut(entry).filter(|logged| logged.yjs_update.is_none()) else { return };
    logged.yjs_update = Some(update.bytes.clone());
    let write = plan.writes.documents.iter_mut().find(|write| write.head.document_id == id);
    if let Some(write) = write.filter(|_| !is_made_anew) {
        append_yjs(&mut write.head, update);
    }
}

impl Looked {
    /// The batch with the Yjs updates that were made for this plan in the place of its changes of texts; `None` if there are none.
    pub(super) fn with_made_edits(&self, request: &Batch, plan: &Plan) -> Option<Arc<Batch>> {
        if plan.edits.is_empty() {
            return None;
        }
        let mut batch = request.clone();
        for PlannedEdit { place, .. } in &plan.edits {
            let (Some((.., update)), Some(Submitted::Valid(operation))) =
                (self.made.get(place), batch.operations.get_mut(*place))
            else {
                return None;
            };
            let title = operation.changes.title.take();
            operation.changes = Changes { title, yjs: Some(update.clone()), ..Changes::default() };
        }
        Some(Arc::new(batch))
    }

    fn note_text(&mut self, document_id: DocumentId, version: Version, content: Arc<str>) {
        let title = || VersionText { document_id, version, title: String::new(), content: None };
        self.loaded.texts.entry((document_id, version)).or_insert_with(title).content = Some(content);
    }
}
