//! An in-memory store: the plainest thing that a batch can run on. The databases are compared with it.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

pub mod cases;
pub mod operations;

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use landfall::domain::cursor::FeedKey;
use landfall::domain::document::{
    DocumentHead, DocumentWrite, Expected, HeadWrite, LogEntry, Receipt, StoredDocument, VersionText, WriteSet,
};
use landfall::domain::ids::{BatchId, DocumentId, SyncId, UploadId, UserId, Version, WorkspaceId};
use landfall::domain::outcome::Outcome;
use landfall::domain::plan::Plan;
use landfall::domain::quota::Held;
use landfall::domain::sync_run::{NoteChanges, RunNote, SyncRun};
use landfall::domain::timestamp::Timestamp;
use landfall::domain::upload::{Committing, Upload, UploadOutcome};
use landfall::store::feed::FeedState;
use landfall::store::feed_pages::{ChangedDocument, FeedPage, Span};
use landfall::store::{BatchTransaction, End, PackedTexts, Snapshot, StoreError};
use landfall::sync::apply::{Attempt, Looked, Processed, decide, has_to_store, look, run_batch, store_plan};
use landfall::sync::gather::gather;
use landfall::sync::pull::Pulled;
use landfall::sync::{Batch, BatchRefusal};

type ReceiptKey = (UserId, String, String);

/// One workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workspace {
    pub heads: BTreeMap<DocumentId, DocumentHead>,
    pub log: BTreeMap<(DocumentId, Version), LogEntry>,
    pub receipts: HashMap<ReceiptKey, Receipt>,
    /// Documents in the order in which they were last written, by sequence.
    pub feed: BTreeMap<i64, DocumentId>,
    /// The sequence of the latest write.
    pub head_sequence: i64,
    /// Sync runs with their notes, by number.
    pub runs: BTreeMap<(UserId, SyncId), (SyncRun, BTreeMap<i64, RunNote>)>,
}

/// The whole store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    pub workspaces: HashMap<WorkspaceId, Workspace>,
}

/// What became of a batch, with what its answer shows.
#[derive(Debug)]
pub struct Applied {
    pub outcomes: Vec<Outcome>,
    pub rolled_back: bool,
    pub wrote: bool,
    pub counted: bool,
    pub pulled: Option<Pulled>,
}

/// A batch that has been looked at and decided, and is still to be stored.
pub struct Decided {
    looked: Looked,
    pub plan: Plan,
}

impl Model {
    /// Runs a batch as a database would.
    pub fn apply(&mut self, request: &Batch, now: Timestamp) -> Applied {
        self.attempt(request, now, &Attempt::default()).expect("nothing refuses a batch here")
    }

    /// Runs a part of a batch, or one that is refused.
    pub fn attempt(&mut self, request: &Batch, now: Timestamp, attempt: &Attempt) -> Result<Applied, BatchRefusal> {
        let mut tx = self.transaction(request);
        let (processed, end) = run_batch(&mut tx, request, now, attempt).expect("the model never fails");
        if end == End::Commit {
            self.workspaces.insert(request.workspace_id, tx.workspace);
        }
        let processed: Processed = processed?;
        let gathered = gather(&mut self.transaction(request), &processed, &[]).expect("the model never fails");
        let (plan, stored) = (processed.plan, processed.stored);
        Ok(Applied {
            outcomes: plan.outcomes,
            rolled_back: plan.rolled_back,
            wrote: stored.wrote,
            counted: stored.counted,
            pulled: gathered.pulled,
        })
    }

    /// The first two steps of a batch: it is looked at and decided.
    pub fn decide(&self, request: &Batch, now: Timestamp) -> Decided {
        let attempt = Attempt::default();
        let looked = look(&mut self.transaction(request), request, &attempt).expect("the model never fails");
        let looked = looked.expect("nothing refuses a batch here");
        let plan = decide(&looked, request, now, &attempt, usize::MAX);
        Decided { looked, plan }
    }

    /// The third step: it is stored; `false` if it lost a race.
    pub fn store(&mut self, request: &Batch, now: Timestamp, decided: &Decided) -> bool {
        let attempt = Attempt::default();
        if !has_to_store(request, &attempt, &decided.plan) {
            return true;
        }
        let texts = PackedTexts::of(&decided.plan.writes);
        let mut tx = self.transaction(request);
        match store_plan(&mut tx, request, &decided.looked, &decided.plan, &texts, (&attempt, now)) {
            Ok((Ok(_), End::Commit)) => self.workspaces.insert(request.workspace_id, tx.workspace),
            Ok(_) => None,
            Err(StoreError::LostRace) => return false,
            Err(other) => panic!("the model never fails: {other}"),
        };
        true
    }

    fn transaction(&self, request: &Batch) -> ModelTransaction {
        let owner = (request.user_id, request.device_id.clone().unwrap_or_default());
        ModelTransaction::new(self.workspace(request.workspace_id), owner)
    }

    /// A document with its bodies, as a store would load it.
    pub fn stored(&self, workspace: WorkspaceId, id: DocumentId, author: &str) -> Option<StoredDocument> {
        let mut tx = ModelTransaction::new(self.workspace(workspace), (UserId(uuid::Uuid::nil()), String::new()));
        let found = tx.load_documents(&[id], usize::MAX).expect("the model never fails").into_iter().next();
        found.map(|document| StoredDocument { updated_by_name: author.to_owned(), ..document })
    }

    /// Reads as a batch of the workspace would.
    pub fn in_transaction<T>(&self, workspace: WorkspaceId, read: impl FnOnce(&mut dyn Snapshot) -> T) -> T {
        read(&mut ModelTransaction::new(self.workspace(workspace), (UserId(uuid::Uuid::nil()), String::new())))
    }

    pub fn workspace(&self, id: WorkspaceId) -> Workspace {
        self.workspaces.get(&id).cloned().unwrap_or_default()
    }
}

/// A deadline that no test reaches.
pub fn far_away() -> Instant {
    Instant::now() + Duration::from_secs(600)
}

struct ModelTransaction {
    workspace: Workspace,
    owner: (UserId, String),
}

impl ModelTransaction {
    fn new(workspace: Workspace, owner: (UserId, String)) -> Self {
        Self { workspace, owner }
    }

    fn key(&self, name: &str) -> ReceiptKey {
        (self.owner.0, self.owner.1.clone(), name.to_owned())
    }

    fn text_at(&self, id: DocumentId, version: Version) -> Option<VersionText> {
        let epoch = self.workspace.heads.get(&id)?.epoch;
        let entries: Vec<&LogEntry> =
            self.workspace.log.range((id, epoch)..=(id, version)).map(|(_, entry)| entry).collect();
        let latest = entries.last().filter(|entry| entry.version == version)?;
        let text = entries.iter().rev().find(|entry| entry.content.is_some() || entry.yjs_update.is_some());
        Some(VersionText {
            document_id: id,
            version,
            title: latest.title.clone(),
            content: text.and_then(|entry| entry.content.clone()),
        })
    }
}

impl Snapshot for ModelTransaction {
    fn feed(&mut self) -> Result<FeedState, StoreError> {
        Ok(FeedState {
            head_sequence: self.workspace.head_sequence,
            purged_sequence: 0,
            purged_before: None,
            key: FeedKey::new(Vec::new(), 0),
            version_floor: 0,
        })
    }

    fn held(&mut self) -> Result<Held, StoreError> {
        let live = self.workspace.heads.values().filter(|head| !head.is_deleted()).count();
        let size = |entry: &LogEntry| {
            entry.content.as_ref().map_or(0, |text| text.len() + 1) + entry.yjs_update.as_ref().map_or(0, Vec::len)
        };
        let bytes = self.workspace.log.values().map(size).sum::<usize>();
        Ok(Held { documents: i64::try_from(live).unwrap(), bytes: i64::try_from(bytes).unwrap() })
    }

    fn held_by_owner(&mut self) -> Result<Held, StoreError> {
        self.held()
    }

    fn find_username(&mut self) -> Result<Option<String>, StoreError> {
        Ok(Some("somebody".to_owned()))
    }

    fn find_receipts(&mut self, client_ids: &[&str]) -> Result<Vec<Receipt>, StoreError> {
        Ok(client_ids.iter().filter_map(|name| self.workspace.receipts.get(&self.key(name)).cloned()).collect())
    }

    fn load_heads(&mut self, ids: &[DocumentId]) -> Result<Vec<DocumentHead>, StoreError> {
        Ok(ids.iter().filter_map(|id| self.workspace.heads.get(id).cloned()).collect())
    }

    fn load_texts(
        &mut self,
        wanted: &[(DocumentId, Version)],
        _max_bytes: usize,
    ) -> Result<Vec<VersionText>, StoreError> {
        Ok(wanted.iter().filter_map(|(id, version)| self.text_at(*id, *version)).collect())
    }

    fn load_documents(&mut self, ids: &[DocumentId], _max_bytes: usize) -> Result<Vec<StoredDocument>, StoreError> {
        let heads = self.load_heads(ids)?;
        Ok(heads
            .into_iter()
            .map(|head| {
                let id = head.document_id;
                let parts = self.workspace.log.range((id, head.epoch)..=(id, head.version));
                StoredDocument {
                    // A tombstone shows no text; its versions still have theirs.
                    content: if head.is_deleted() {
                        None
                    } else {
                        self.text_at(id, head.content_version)
                            .and_then(|text| text.content)
                            .map(|text| text.to_string())
                    },
                    yjs_parts: parts.filter_map(|(_, entry)| entry.yjs_update.clone()).collect(),
                    updated_by_name: "somebody".to_owned(),
                    damaged: false,
                    head,
                }
            })
            .collect())
    }

    /// Cut by documents alone: what a model holds is small.
    fn load_changes(&mut self, span: &Span) -> Result<FeedPage, StoreError> {
        let within = self.workspace.feed.iter().filter(|(at, _)| (span.after + 1..=span.up_to).contains(at));
        let within: Vec<_> = within.map(|(at, id)| (*at, *id)).collect();
        let mut page = FeedPage { changes: Vec::new(), has_more: within.len() > span.max_documents };
        for (sequence, id) in within.into_iter().take(span.max_documents) {
            let mut document = self.load_documents(&[id], usize::MAX)?.remove(0);
            if document.head.is_deleted() {
                document.yjs_parts.clear();
            }
            page.changes.push(ChangedDocument { sequence, document });
        }
        Ok(page)
    }

    fn find_sync_run(&mut self, sync_id: SyncId) -> Result<Option<SyncRun>, StoreError> {
        Ok(self.workspace.runs.get(&(self.owner.0, sync_id)).map(|(run, _)| run.clone()))
    }

    fn find_run_notes(&mut self, sync_id: SyncId, client_ids: &[&str]) -> Result<Vec<RunNote>, StoreError> {
        let notes = self.workspace.runs.get(&(self.owner.0, sync_id)).map(|(_, notes)| notes.clone());
        let is_wanted = |note: &RunNote| note.client_id.as_deref().is_some_and(|name| client_ids.contains(&name));
        Ok(notes.unwrap_or_default().into_values().filter(is_wanted).collect())
    }

    fn find_upload(&mut self, _upload_id: UploadId) -> Result<Option<Upload>, StoreError> {
        Ok(None)
    }
}

impl BatchTransaction for ModelTransaction {
    fn lock(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn head_sequence(&mut self) -> Result<i64, StoreError> {
        Ok(self.workspace.head_sequence)
    }

    fn write_packed(&mut self, writes: &WriteSet, _texts: &PackedTexts) -> Result<(), StoreError> {
        for Expected { document_id, version } in &writes.expects {
            if self.workspace.heads.get(document_id).map(|head| head.version) != *version {
                return Err(StoreError::LostRace);
            }
        }
        if writes.unused_names.iter().any(|name| self.workspace.receipts.contains_key(&self.key(name))) {
            return Err(StoreError::LostRace);
        }
        for DocumentWrite { write, head } in &writes.documents {
            let found = self.workspace.heads.get(&head.document_id).map(|head| (head.version, head.is_purged()));
            let expected = match write {
                HeadWrite::Insert => None,
                HeadWrite::Replace { expected_version } => Some((*expected_version, false)),
                HeadWrite::Renew { expected_version } => Some((*expected_version, true)),
            };
            if found != expected {
                return Err(StoreError::LostRace);
            }
            self.workspace.heads.insert(head.document_id, head.clone());
            self.workspace.feed.retain(|_, id| *id != head.document_id);
            self.workspace.head_sequence += 1;
            self.workspace.feed.insert(self.workspace.head_sequence, head.document_id);
        }
        for entry in &writes.log {
            let replaced = self.workspace.log.insert((entry.document_id, entry.version), entry.clone());
            assert!(replaced.is_none(), "a version was written twice");
        }
        for receipt in &writes.receipts {
            let key = self.key(&receipt.client_id);
            if self.workspace.receipts.insert(key, receipt.clone()).is_some() {
                return Err(StoreError::LostRace);
            }
        }
        Ok(())
    }

    fn save_sync_run(&mut self, run: &SyncRun, changes: &NoteChanges) -> Result<(), StoreError> {
        let key = (self.owner.0, run.sync_id);
        let (stored, notes) = self.workspace.runs.entry(key).or_insert_with(|| (run.clone(), BTreeMap::new()));
        *stored = run.clone();
        for note in &changes.dropped {
            assert_eq!(notes.remove(&note.number).as_ref(), Some(note), "a note that is not there was dropped");
        }
        for note in &changes.added {
            assert!(notes.insert(note.number, note.clone()).is_none(), "a note was written twice");
        }
        Ok(())
    }

    fn commit_upload(
        &mut self,
        _upload: Committing,
        _outcomes: &[UploadOutcome],
        _batch_id: Option<BatchId>,
    ) -> Result<(), StoreError> {
        panic!("the model stages nothing")
    }
}
