//! What makes a damaged document whole again: a function of what is stored of it.

use crate::domain::document::DocumentHead;
use crate::domain::ids::Version;
use crate::domain::operation::{OperationKind, digest_of};
use crate::domain::timestamp::Timestamp;
use crate::store::audit::{RawDocument, RawVersion, is_known_damage, read_text};
use crate::store::repair::{DocumentRepair, NewBase, SnapshotRepair, VersionRepair};
use crate::yjs::merge::merge_updates;
use crate::yjs::text::derive_text;

use super::state::{State, readable_state};

/// Stored bytes that are exported before anything is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Of which part of the document; a file's name.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
    /// As they are stored.
    pub bytes: Vec<u8>,
}

/// What is to be done with a document.
#[derive(Debug)]
pub(super) struct Plan {
    /// What is done, in words.
    pub steps: Vec<String>,
    /// What cannot be done, and why.
    pub left: Vec<String>,
    /// What is exported first.
    pub exports: Vec<Part>,
    pub write: DocumentRepair,
}

/// What the operator allows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    /// A document whose text is lost may go on with an older one.
    pub older_texts: bool,
    pub now: Timestamp,
}

/// Plans the repair of a document.
pub(super) fn plan(document: &RawDocument, versions: &[RawVersion], allowed: Allowed) -> Plan {
    let write = DocumentRepair {
        expected_version: document.row.version,
        head: document.row.clone(),
        is_marked: document.is_marked,
        snapshot: SnapshotRepair::Keep,
        forgets_kept_text: false,
        versions: Vec::new(),
        base: None,
    };
    let plan = Plan { steps: Vec::new(), left: Vec::new(), exports: Vec::new(), write };
    let mut planner = Planner { document, versions, allowed, plan, kept: None };
    if document.is_purged {
        planner.plan.left.push("only a stub is left of it".into());
        return planner.plan;
    }
    planner.repair_head();
    planner.repair_kinds();
    planner.repair_texts();
    let state = planner.repair_state();
    planner.repair_body(&state);
    planner.repair_log(&state);
    planner.repair_mark(&state);
    planner.plan
}

struct Planner<'a> {
    document: &'a RawDocument,
    versions: &'a [RawVersion],
    allowed: Allowed,
    plan: Plan,
    /// The text that is kept beside the document, if it can be read.
    kept: Option<String>,
}

impl Planner<'_> {
    fn step(&mut self, step: impl Into<String>) {
        self.plan.steps.push(step.into());
    }

    fn export(&mut self, name: impl Into<String>, reason: impl Into<String>, bytes: &[u8]) {
        self.plan.exports.push(Part { name: name.into(), reason: reason.into(), bytes: bytes.to_vec() });
    }

    fn head(&mut self) -> &mut DocumentHead {
        &mut self.plan.write.head
    }

    /// A column that cannot be read is made anew from what it was made of; a head that is behind its log is made from it.
    fn repair_head(&mut self) {
        if let Err(error) = &self.document.head {
            for (name, stored) in &self.document.columns {
                self.export(format!("head.{name}"), error.to_string(), stored.as_deref().unwrap_or_default());
            }
            self.step("its head is made anew from its versions");
        }
        let Some(newest) = self.versions.last().filter(|newest| newest.version > self.document.row.version) else {
            return;
        };
        let began = self.versions.iter().rev().find(|version| matches!(version.kind, Ok(OperationKind::Create)));
        let is_deleted = matches!(newest.kind, Ok(OperationKind::Delete));
        let head = &mut self.plan.write.head;
        head.version = newest.version;
        head.title.clone_from(&newest.title);
        (head.updated_at, head.updated_by) = (newest.created_at, newest.user_id);
        head.deleted_at = is_deleted.then_some(newest.created_at);
        if let Some(began) = began {
            (head.epoch, head.created_at) = (began.version, began.created_at);
        }
        let says_text = |version: &&RawVersion| version.text.is_some() || version.yjs_update.is_some();
        let changed = self.versions.iter().rev().find(says_text);
        head.content_version = changed.map_or(head.epoch, |version| version.version).max(head.epoch);
        let logged = changed.and_then(|version| version.text.as_deref()).and_then(|stored| read_text(stored).ok());
        head.content_digest = logged.as_deref().map(digest_of);
        let version = newest.version;
        self.step(format!("its head is put forward to version {version}, the newest of its log"));
    }

    fn repair_kinds(&mut self) {
        let (epoch, newest) = (self.plan.write.head.epoch, self.plan.write.head.version);
        let is_deleted = self.plan.write.head.is_deleted();
        for version in self.versions {
            let Err(error) = &version.kind else { continue };
            let kind = match version.version {
                first if first == epoch || first == 1 => OperationKind::Create,
                last if last == newest && is_deleted => OperationKind::Delete,
                _ => OperationKind::Update,
            };
            self.plan.write.versions.push((version.version, VersionRepair::Kind(kind)));
            self.plan.steps.push(format!("version {} is taken for one of kind {kind:?} ({error})", version.version));
        }
    }

    /// Texts of versions that cannot be read. One that can be had from elsewhere is; the others stay where they are, known to
    /// be unreadable.
    fn repair_texts(&mut self) {
        let head = self.plan.write.head.clone();
        if let Some(stored) = &self.document.kept_text {
            match read_text(stored) {
                Ok(text) if head.content_digest.is_none_or(|digest| digest == digest_of(&text)) => {
                    self.kept = Some(text)
                }
                read => {
                    let reason =
                        read.err().map_or_else(|| "its digest is another".to_owned(), |error| error.to_string());
                    self.export("kept-text", reason, stored);
                    self.plan.write.forgets_kept_text = true;
                    self.step("the text that was kept beside it goes: it is derived anew, or in the log");
                }
            }
        }
        for version in self.versions {
            let Some(stored) = version.text.as_deref().filter(|stored| !is_known_damage(stored)) else { continue };
            let Err(error) = read_text(stored) else { continue };
            let at = version.version;
            self.export(format!("version-{at}.text"), error.to_string(), stored);
            let kept = self.kept.as_ref().filter(|_| at == head.content_version).cloned();
            let (change, step) = match kept {
                Some(text) => (VersionRepair::Text(text), "is the one that was kept beside the document"),
                None if version.yjs_update.is_some() => (VersionRepair::ForgetText, "is derived from its Yjs state"),
                None => (VersionRepair::SetTextAside, "is set aside: no other copy of it is stored"),
            };
            if change == VersionRepair::ForgetText && at == head.content_version {
                self.head().content_digest = None;
            }
            self.plan.write.versions.push((at, change));
            self.step(format!("the text of version {at} {step}"));
        }
    }

    fn repair_state(&mut self) -> State {
        let head = &self.plan.write.head;
        let state = readable_state(self.document.snapshot.as_ref(), self.versions, head.epoch..=head.version);
        if let (Some(reason), Some((version, bytes))) = (&state.snapshot_damage, &self.document.snapshot) {
            self.export(format!("snapshot-at-{version}"), reason.clone(), bytes);
            self.plan.write.snapshot = SnapshotRepair::Forget;
            self.step("its snapshot goes: the state is read from its versions");
        }
        for (version, reason, bytes) in &state.set_aside {
            self.export(format!("version-{version}.update"), reason.clone(), bytes);
            self.plan.write.versions.push((*version, VersionRepair::SetUpdateAside));
            self.step(format!("the Yjs update of version {version} is set aside: {reason}"));
        }
        state
    }

    /// The text of the current version, as far as a copy of it is stored.
    fn current_text(&self) -> Option<String> {
        let at = self.plan.write.head.content_version;
        let logged = self.versions.iter().find(|version| version.version == at);
        let logged = logged.and_then(|version| version.text.as_deref()).and_then(|stored| read_text(stored).ok());
        self.kept.clone().or(logged)
    }

    fn repair_body(&mut self, state: &State) {
        let known = self.document.row.state_vector.as_ref();
        let is_lost = known.map_or(state.lacks_parts, |known| !state.vector.covers(known));
        let text = self.current_text();
        if self.plan.write.head.is_deleted() {
            return self.settle_tombstone(state, text.as_deref());
        }
        if !state.was_there && known.is_none() {
            return self.settle_plain(text);
        }
        if !is_lost {
            return self.settle_state(state, text.as_deref());
        }
        match text {
            Some(text) => self.make_anew(text),
            None => self.go_back(state),
        }
    }

    /// The state is whole: the head says what is in it.
    fn settle_state(&mut self, state: &State, text: Option<&str>) {
        let head = self.head();
        if head.state_vector.as_ref() != Some(&state.vector) {
            head.state_vector = Some(state.vector.clone());
            self.step("its head knows all changes of its Yjs state");
        }
        self.head().yjs_roots.extend(state.roots.iter().cloned());
        if !self.document.row.yjs_roots.is_superset(&state.roots) {
            self.step("its head knows all roots of its Yjs state");
        }
        if state.lacks_parts {
            self.take_snapshot(state);
        }
        // A text that was kept beside the state alone is derived.
        let at = self.plan.write.head.content_version;
        let is_logged = self.versions.iter().any(|version| version.version == at && version.text.is_some());
        self.settle_digest(text.filter(|_| is_logged || self.document.row.content_digest.is_some()));
    }

    fn settle_digest(&mut self, text: Option<&str>) {
        let digest = text.map(digest_of);
        let before = self.document.row.content_digest;
        if before != digest && before.is_some() {
            self.step("the digest of its text is made anew");
        }
        self.head().content_digest = digest;
    }

    fn settle_plain(&mut self, text: Option<String>) {
        if let Some(text) = text {
            return self.settle_digest(Some(&text));
        }
        let readable = |version: &RawVersion| {
            let text = version.text.as_deref().and_then(|stored| read_text(stored).ok())?;
            Some((version.version, text))
        };
        match self.versions.iter().rev().find_map(readable) {
            None => self.plan.left.push("its text is lost, and no version has one that can be read".into()),
            Some((version, text)) if self.allowed.older_texts => {
                self.next_version();
                self.put_text(text, OperationKind::Update);
                self.step(format!("its text is lost: it goes on with that of version {version}"));
            }
            Some((version, _)) => self.plan.left.push(format!(
                "its text is lost here; the next change by an editor that has it makes it whole, or --older-texts goes on with version {version}"
            )),
        }
    }

    /// What is in the state is not all here, but the text is: the document is made anew of it.
    fn make_anew(&mut self, text: String) {
        self.next_version();
        let head = self.head();
        head.epoch = head.version;
        head.created_at = head.updated_at;
        head.state_vector = None;
        head.yjs_roots.clear();
        self.put_text(text, OperationKind::Create);
        self.step("part of its Yjs state is lost: it is made anew of its text, which is known");
    }

    /// The state is what can be read of it. Editors that have more send it with their next change.
    fn go_back(&mut self, state: &State) {
        if state.parts.is_empty() {
            return self.settle_plain(None);
        }
        self.next_version();
        let head = self.head();
        head.content_version = head.version;
        head.content_digest = None;
        head.state_vector = Some(state.vector.clone());
        head.yjs_roots = state.roots.clone();
        let yjs_state = merge_updates(&state.parts).ok();
        self.plan.write.base = Some(NewBase { kind: OperationKind::Update, text: None, yjs_state });
        self.take_snapshot(state);
        self.plan.write.forgets_kept_text = true;
        self.step("part of its Yjs state is lost: it goes back to what can be read; editors that have more send it");
    }

    fn settle_tombstone(&mut self, state: &State, text: Option<&str>) {
        let head = self.head();
        head.state_vector = state.was_there.then(|| state.vector.clone());
        head.yjs_roots = state.roots.clone();
        if head.content_digest.is_none() && head.state_vector.is_none() {
            // Without either it would be taken for a tombstone that was purged.
            head.content_digest = Some(digest_of(text.unwrap_or_default()));
        }
        if state.lacks_parts && !state.parts.is_empty() {
            self.take_snapshot(state);
        }
    }

    fn take_snapshot(&mut self, state: &State) {
        if let Ok(snapshot) = merge_updates(&state.parts) {
            self.plan.write.snapshot = SnapshotRepair::Replace(snapshot);
            self.step("a snapshot is made of what can be read");
        }
    }

    fn next_version(&mut self) {
        let (floor, now) = (self.document.version_floor, self.allowed.now);
        let head = self.head();
        head.version = head.version.saturating_add(1).max(floor);
        head.updated_at = now;
    }

    fn put_text(&mut self, text: String, kind: OperationKind) {
        let head = self.head();
        head.content_version = head.version;
        head.content_digest = Some(digest_of(&text));
        self.plan.write.base = Some(NewBase { kind, text: Some(text), yjs_state: None });
    }

    /// A log that lacks the current version gets one that stands for all before it.
    fn repair_log(&mut self, state: &State) {
        let newest: Option<Version> = self.versions.last().map(|newest| newest.version);
        if self.plan.write.base.is_some() || newest >= Some(self.plan.write.head.version) || !self.plan.left.is_empty()
        {
            return;
        }
        let text = self.current_text().filter(|_| self.plan.write.head.content_digest.is_some());
        let is_deleted = self.plan.write.head.is_deleted();
        let yjs_state =
            Some(&state.parts).filter(|parts| !parts.is_empty()).and_then(|parts| merge_updates(parts).ok());
        let head = self.head();
        if text.is_some() {
            head.content_version = head.version;
        }
        let version = head.version;
        let kind = if is_deleted { OperationKind::Delete } else { OperationKind::Update };
        self.plan.write.base = Some(NewBase { kind, text: text.filter(|_| !is_deleted), yjs_state });
        self.step(format!("version {version}, which its log lacks, is put there as one that stands for all before it"));
    }

    fn repair_mark(&mut self, state: &State) {
        if !self.document.is_marked {
            return;
        }
        let has_state = self.plan.write.head.state_vector.is_some();
        match derive_text(state.parts.iter().map(Vec::as_slice)) {
            Err(reason) if has_state => self.plan.left.push(format!(
                "its Yjs state cannot be shown ({reason}); an update of its text with force makes it anew"
            )),
            Ok(_) | Err(_) => {
                self.plan.write.is_marked = false;
                self.step("its mark of damage goes: it can be shown");
            }
        }
    }
}
