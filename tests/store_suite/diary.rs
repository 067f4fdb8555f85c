//! Somebody who writes one document, and everything that readers see of it: what the tests of folding compare.

use std::collections::BTreeMap;
use std::sync::Arc;

use landfall::domain::document::DocumentHead;
use landfall::domain::ids::{DocumentId, Version};
use landfall::domain::operation::Operation;
use landfall::domain::outcome::Outcome;
use landfall::domain::timestamp::Timestamp;
use landfall::store::documents::VersionEntry;
use landfall::store::{BatchScope, End, StoreError};
use landfall::sync::Batch;
use landfall::sync::apply::{Attempt, run_batch};
use landfall::sync::maintenance::compact;
use landfall::sync::retention::{Folded, fold_step};
use landfall::yjs::merge::facts_of;
use uuid::Uuid;

use crate::model::operations::batch;
use crate::retention::RENDERER;
use crate::support::{Author, NOW};

/// An author who does one thing a second.
pub struct Diary {
    pub author: Author,
    pub number: u128,
    pub now: Timestamp,
}

impl Diary {
    pub fn new(author: &Author) -> Self {
        Self { author: author.clone(), number: Uuid::new_v4().as_u128(), now: NOW }
    }

    pub fn id(&self) -> DocumentId {
        DocumentId(Uuid::from_u128(self.number))
    }

    pub fn apply(&mut self, operations: impl IntoIterator<Item = Operation>) -> Vec<Outcome> {
        self.now = self.now.plus_seconds(1);
        self.apply_now(operations).unwrap()
    }

    pub fn apply_now(&self, operations: impl IntoIterator<Item = Operation>) -> Result<Vec<Outcome>, StoreError> {
        let now = self.now;
        let scope = BatchScope { now, device_id: None, ..self.author.scope() };
        let request =
            Batch { workspace_id: self.author.workspace_id, user_id: self.author.user_id, ..batch(operations) };
        let applied =
            self.author.store.run_batch(scope, move |tx| run_batch(tx, &request, now, &Attempt::default()))?;
        Ok(applied.unwrap().plan.outcomes)
    }

    /// The current version, 0 if there is none.
    pub fn version(&self) -> Version {
        let id = self.id();
        let heads =
            self.author.store.run_batch(self.author.scope(), move |tx| Ok((tx.load_heads(&[id])?, End::Rollback)));
        heads.unwrap().first().map_or(0, |head| head.version)
    }

    /// Folds what is from before a time, as far as it goes.
    pub fn fold(&self, before: Timestamp) -> usize {
        let (store, workspace_id) = (&self.author.store, self.author.workspace_id);
        let mut gone = 0;
        loop {
            match fold_step(store, &RENDERER, workspace_id, self.id(), before).unwrap() {
                Folded::Folded { versions } => gone += versions,
                Folded::Nothing => return gone,
                other => panic!("{other:?}"),
            }
        }
    }

    pub fn compact(&self) {
        // Whatever its size: what matters is that there is a snapshot.
        let (store, workspace_id) = (&self.author.store, self.author.workspace_id);
        compact(store, &RENDERER, workspace_id, self.id()).unwrap();
        let Some(stored) = store.load_for_compaction(workspace_id, self.id()).unwrap() else { return };
        if !stored.yjs_parts.is_empty() {
            let snapshot = landfall::yjs::merge::squash(&stored.yjs_parts).unwrap();
            store.swap_snapshot(workspace_id, self.id(), (stored.head.epoch, stored.head.version), snapshot).unwrap();
        }
    }

    pub fn keep_text(&self, text: &str) {
        let (store, workspace_id) = (&self.author.store, self.author.workspace_id);
        let Some(found) = store.find_document(workspace_id, self.id()).unwrap() else { return };
        if found.content.is_none() {
            store.save_rendering(workspace_id, self.id(), found.head.content_version, text).unwrap();
        }
    }

    /// Everything that readers see of the document.
    pub fn seen(&self) -> Seen {
        let (store, workspace_id) = (&self.author.store, self.author.workspace_id);
        let mut versions = BTreeMap::new();
        for entry in store.list_versions(workspace_id, self.id(), None, 10_000).unwrap() {
            let stored = store.find_version(workspace_id, self.id(), entry.version).unwrap().unwrap();
            assert_eq!(stored.entry, entry);
            let text = stored.content.or_else(|| rendered(&stored.yjs_parts));
            // Whether a version carried text or bytes is another matter for one that stands for all before it.
            let entry = VersionEntry { has_content: false, has_yjs: false, ..entry };
            versions.insert(entry.version, (entry, text));
        }
        let current = store.find_document(workspace_id, self.id()).unwrap().map(|document| {
            let parts = &document.yjs_parts;
            assert_weighed(&document.head, parts);
            let mut head = document.head.clone();
            (head.snapshot_bytes, head.log_bytes, head.log_rows) = (0, 0, 0);
            let facts = (!parts.is_empty()).then(|| facts_of(parts).unwrap());
            format!("{head:?} {:?} {facts:?} {:?}", document.content, rendered(parts))
        });
        let wanted: Vec<_> = versions.keys().map(|version| (self.id(), *version)).collect();
        let texts =
            store.run_batch(self.author.scope(), move |tx| Ok((tx.load_texts(&wanted, usize::MAX)?, End::Rollback)));
        let bases = texts.unwrap().into_iter().map(|text| (text.version, (text.title, text.content))).collect();
        Seen { current, versions, bases }
    }
}

/// The head's sizes are those of what the state is read from.
fn assert_weighed(head: &DocumentHead, parts: &[Vec<u8>]) {
    let sizes: Vec<i64> = parts.iter().map(|part| i64::try_from(part.len()).unwrap()).collect();
    let (first, log) = sizes.split_first().map_or((0, &[][..]), |(first, log)| (*first, log));
    let expected = (first, log.iter().sum::<i64>(), i64::try_from(log.len()).unwrap());
    assert_eq!((head.snapshot_bytes, head.log_bytes, head.log_rows), expected);
}

fn rendered(parts: &[Vec<u8>]) -> Option<String> {
    (!parts.is_empty()).then(|| RENDERER.render(parts).unwrap())
}

#[derive(Debug, PartialEq)]
pub struct Seen {
    pub current: Option<String>,
    pub versions: BTreeMap<Version, (VersionEntry, Option<String>)>,
    /// Titles and texts as batches read them for merging.
    pub bases: BTreeMap<Version, (String, Option<Arc<str>>)>,
}

impl Seen {
    /// What is left when versions below `base` are gone.
    pub fn since(mut self, base: Version) -> Self {
        self.versions.retain(|version, _| *version >= base);
        self.bases.retain(|version, _| *version >= base);
        self
    }
}

/// Folds, and checks that nothing changed but what was to go.
pub fn fold_and_compare(diary: &Diary, before: Timestamp) {
    let earlier = diary.seen();
    let old = |entry: &VersionEntry| entry.created_at < before;
    let base = earlier.versions.iter().filter(|(_, (entry, _))| old(entry)).map(|(version, _)| *version).max();
    let gone = earlier.versions.len();
    let expected = earlier.since(base.unwrap_or(0));
    assert_eq!(diary.fold(before), gone - expected.versions.len());
    assert_eq!(diary.seen(), expected);
    assert_eq!(diary.fold(before), 0);
}

pub fn rendered_now(diary: &Diary) -> String {
    let found = diary.author.store.find_document(diary.author.workspace_id, diary.id()).unwrap().unwrap();
    RENDERER.render(&found.yjs_parts).unwrap()
}
