//! One document through a batch: its head, and what the editor believes, operation by operation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::decision::{BaseView, ContentChange, Standing, UpdateEffect, standing_of};
use crate::domain::document::{DocumentHead, LogEntry, Receipt};
use crate::domain::ids::{DocumentId, UserId, Version};
use crate::domain::operation::{Operation, OperationKind, digest_of};
use crate::domain::timestamp::Timestamp;
use crate::domain::yjs_facts::{DeleteSet, ScannedUpdate, StateVector};

/// Who writes, and when.
#[derive(Clone, Copy, Debug)]
pub struct Authorship {
    /// The author.
    pub user_id: UserId,
    /// The time of the batch.
    pub now: Timestamp,
    /// No new version is below this one. Above 1 once the database was put back to an earlier state: versions that were
    /// given out before then, and are gone, are not given out again.
    pub version_floor: Version,
}

impl Authorship {
    /// The version that comes after `current`.
    fn version_after(&self, current: Option<Version>) -> Version {
        current.map_or(1, |version| version.saturating_add(1)).max(self.version_floor)
    }
}

/// A document while a batch is folded over it.
#[derive(Debug, Default)]
pub struct Track {
    /// As stored before the batch.
    pub stored: Option<DocumentHead>,
    /// As it stands after the operations so far.
    pub head: Option<DocumentHead>,
    /// An operation on it failed: the ones after it are skipped.
    pub failed: bool,
    /// A check of it failed: what is not answered from a receipt is skipped.
    pub check_failed: bool,
    /// The batch itself deleted it.
    pub deleted_by_batch: bool,
    /// Its text, where it is known.
    pub content: Option<Arc<str>>,
    /// The deletions of its Yjs state, where they are known.
    pub deletions: Option<DeleteSet>,
    /// Versions made by this batch.
    made: BTreeMap<Version, BaseView>,
    /// What the batch's first operation on it stated, and what came of the latest one.
    own: Option<OwnOperations>,
}

#[derive(Debug)]
struct OwnOperations {
    /// What the first operation stated; of a create, the version that it gave: an editor that was offline has no other.
    first_base: Option<Version>,
    began_with_create: bool,
    latest_version: Option<Version>,
    /// What the editor has after its latest operation, where that is not what the server has.
    view: Option<BaseView>,
}

impl Track {
    /// A document before the first operation.
    #[must_use]
    pub fn new(stored: Option<DocumentHead>, content: Option<Arc<str>>, deletions: Option<DeleteSet>) -> Self {
        Self { head: stored.clone(), stored, content, deletions, ..Self::default() }
    }

    /// Whether the batch changed it.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.head != self.stored
    }

    /// Its current version.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        self.head.as_ref().map(|head| head.version)
    }

    /// How the operation's base stands to the document. A batch does not conflict with itself (protocol §1.4): the base
    /// that its first operation stated means "what I had, with my own changes since". `stored_view` reads the history.
    #[must_use]
    pub fn standing(&self, operation: &Operation, stored_view: impl Fn(Version) -> Option<BaseView>) -> Standing {
        let Some(head) = &self.head else { return Standing::Unstated };
        let view_of = |version: Version| self.made.get(&version).cloned().or_else(|| stored_view(version));
        let stated = operation.base_version;
        let latest = self.own.as_ref().filter(|own| match stated {
            None => own.began_with_create,
            // An editor that was offline takes its own create for version 1; above the floor of a later life it is not.
            Some(base) => own.first_base == stated || (base == 1 && own.began_with_create && self.stored.is_none()),
        });
        match latest.and_then(|own| own.latest_version.map(|version| (own, version))) {
            Some((own, version)) if version == head.version => match &own.view {
                Some(view) if operation.kind == OperationKind::Update => Standing::Stale { base: Some(view.clone()) },
                _ => Standing::Current,
            },
            Some((_, version)) => standing_of(Some(version), head, operation.restore, view_of(version)),
            None => standing_of(stated, head, operation.restore, stated.and_then(view_of)),
        }
    }

    /// Remembers a successful operation: `version` is what the editor is told, `view` what it then has if not that.
    pub fn note_success(&mut self, operation: &Operation, version: Option<Version>, view: Option<BaseView>) {
        let began_with_create = operation.kind == OperationKind::Create;
        let own = self.own.get_or_insert(OwnOperations {
            first_base: if began_with_create { version } else { operation.base_version },
            began_with_create,
            latest_version: None,
            view: None,
        });
        own.latest_version = version;
        own.view = view;
    }

    /// Whether an editor that is answered from a receipt may not have what the document holds: it has moved on, or the first
    /// answer, which may have been lost, may have reported a merge.
    #[must_use]
    pub fn has_news(&self, operation: &Operation, receipt: &Receipt) -> bool {
        let Some(head) = &self.head else { return false };
        if Some(head.version) != receipt.version {
            return true;
        }
        let changes = &operation.changes;
        let built_on_it = |base: Version| base == head.version || base.checked_add(1) == Some(head.version);
        let says_all = changes.yjs.is_none()
            && changes.title.as_ref() == Some(&head.title)
            && changes.content.as_ref().map(|content| content.digest) == head.content_digest;
        operation.kind == OperationKind::Update && !says_all && !operation.base_version.is_some_and(built_on_it)
    }

    /// What the editor has after its operation, where that is not what the server has.
    #[must_use]
    pub fn editor_view(&self, operation: &Operation, standing: &Standing) -> Option<BaseView> {
        let head = self.head.as_ref()?;
        let base = match standing {
            Standing::Stale { base } => base.as_ref(),
            _ => None,
        };
        let title = operation.changes.title.as_ref().or(base.map(|base| &base.title)).unwrap_or(&head.title);
        let content = operation.changes.content.as_ref().map(|content| &content.text);
        let content = content.or(base.and_then(|base| base.content.as_ref()));
        let same = *title == head.title && content.is_some() && content == self.content.as_ref();
        (!same).then(|| BaseView { title: title.clone(), content: content.cloned() })
    }

    /// Makes the document, or makes it anew on top of its tombstone: also where an update restores one of which nothing
    /// is left. The log says that it was created, since its history begins here.
    pub fn create(&mut self, document_id: DocumentId, operation: &Operation, by: Authorship) -> LogEntry {
        let changes = &operation.changes;
        let version = by.version_after(self.version());
        let text = match (&changes.content, &changes.yjs) {
            (Some(content), _) => Some((content.text.clone(), content.digest)),
            (None, Some(_)) => None,
            (None, None) => Some((Arc::from(""), digest_of(""))),
        };
        let mut head = DocumentHead {
            document_id,
            version,
            title: changes.title.clone().or_else(|| self.title_kept_by(operation)).unwrap_or_default(),
            created_at: by.now,
            updated_at: by.now,
            updated_by: by.user_id,
            deleted_at: None,
            epoch: version,
            content_version: version,
            content_digest: text.as_ref().map(|(_, digest)| *digest),
            state_vector: None,
            yjs_roots: BTreeSet::new(),
            snapshot_bytes: 0,
            log_bytes: 0,
            log_rows: 0,
        };
        self.deletions = Some(DeleteSet::default());
        if let Some(update) = &changes.yjs {
            append_yjs(&mut head, update);
            self.learn_deletions(update);
        }
        self.content = text.map(|(text, _)| text);
        self.deleted_by_batch = false;
        let sets_text = changes.content.is_some() || changes.yjs.is_none();
        let entry = self.finish(head, operation, sets_text, changes.yjs.as_ref());
        LogEntry { kind: OperationKind::Create, ..entry }
    }

    /// The title that a document keeps when an update makes it anew.
    fn title_kept_by(&self, operation: &Operation) -> Option<String> {
        self.head.as_ref().filter(|_| operation.kind == OperationKind::Update).map(|head| head.title.clone())
    }

    /// Changes the document, reviving it if it was deleted.
    pub fn update(
        &mut self,
        mut head: DocumentHead,
        operation: &Operation,
        effect: UpdateEffect,
        by: Authorship,
    ) -> LogEntry {
        head.version = by.version_after(Some(head.version));
        head.updated_at = by.now;
        head.updated_by = by.user_id;
        head.deleted_at = None;
        if let Some(title) = effect.title {
            head.title = title;
        }
        let update = operation.changes.yjs.as_ref().filter(|_| effect.append_yjs);
        if let Some(update) = update {
            append_yjs(&mut head, update);
            self.learn_deletions(update);
        }
        let mut sets_text = false;
        match effect.content {
            ContentChange::Keep => {}
            ContentChange::Set(text) => {
                head.content_version = head.version;
                head.content_digest = Some(text.digest);
                self.content = Some(text.text);
                sets_text = true;
            }
            ContentChange::Derive => {
                head.content_version = head.version;
                head.content_digest = None;
                self.content = None;
            }
        }
        self.deleted_by_batch = false;
        self.finish(head, operation, sets_text, update)
    }

    /// Turns the document into a tombstone.
    pub fn delete(&mut self, mut head: DocumentHead, operation: &Operation, by: Authorship) -> LogEntry {
        head.version = by.version_after(Some(head.version));
        head.updated_at = by.now;
        head.updated_by = by.user_id;
        head.deleted_at = Some(by.now);
        self.deleted_by_batch = true;
        self.finish(head, operation, false, None)
    }

    fn learn_deletions(&mut self, update: &ScannedUpdate) {
        if let Some(known) = &mut self.deletions {
            known.extend(&update.deletes);
        }
    }

    fn finish(
        &mut self,
        head: DocumentHead,
        operation: &Operation,
        sets_text: bool,
        update: Option<&ScannedUpdate>,
    ) -> LogEntry {
        self.made.insert(head.version, BaseView { title: head.title.clone(), content: self.content.clone() });
        let entry = LogEntry {
            document_id: head.document_id,
            version: head.version,
            user_id: head.updated_by,
            kind: operation.kind,
            title: head.title.clone(),
            content: self.content.clone().filter(|_| sets_text),
            yjs_update: update.map(|update| update.bytes.clone()),
            client_id: operation.client_id.clone(),
        };
        self.head = Some(head);
        entry
    }
}

/// Advances what the head knows of the Yjs state. The first state of a document weighs as its snapshot, what comes
/// later as its log.
pub fn append_yjs(head: &mut DocumentHead, update: &ScannedUpdate) {
    let bytes = i64::try_from(update.bytes.len()).unwrap_or(i64::MAX);
    if head.state_vector.is_some() {
        head.log_bytes = head.log_bytes.saturating_add(bytes);
        head.log_rows = head.log_rows.saturating_add(1);
    } else {
        head.snapshot_bytes = bytes;
    }
    let vector = head.state_vector.get_or_insert_with(StateVector::default);
    for span in &update.spans {
        vector.advance(span.client, span.end);
    }
    head.yjs_roots.extend(update.root_inserts.iter().cloned());
}
