//! Reading everything that is stored, and saying what cannot be right. Writes nothing.

use super::finding::Finding;
use super::staged;
use crate::domain::document::DocumentHead;
use crate::domain::ids::{DocumentId, Version, WorkspaceId};
use crate::domain::operation::digest_of;
use crate::store::audit::{RawDocument, RawReceipt, RawVersion, is_known_damage, read_text};
use crate::store::{Store, StoreError};
use crate::yjs::fit::{Unplaceable, unplaceable};
use crate::yjs::merge::{facts_of, merge_updates};

/// Workspaces and documents whose ids are read at once.
const PAGE: u32 = 200;

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Workspaces.
    pub workspaces: u64,
    /// Documents, deleted ones included.
    pub documents: u64,
    /// Versions of documents.
    pub versions: u64,
    /// Receipts.
    pub receipts: u64,
    /// Operations that are staged for a commit.
    pub staged: u64,
    /// Parts that are not as they should be.
    pub findings: u64,
}

/// Reads all documents, receipts and staged operations; `tell` gets each finding as it is made.
///
/// # Errors
/// What the store or `tell` said.
pub fn verify<E: From<StoreError>>(
    store: &Store,
    mut tell: impl FnMut(&Finding) -> Result<(), E>,
) -> Result<Verified, E> {
    let mut verified = Verified::default();
    let mut last_workspace = None;
    loop {
        let workspaces = store.list_workspace_ids(last_workspace, PAGE)?;
        let Some(last) = workspaces.last() else { return Ok(verified) };
        last_workspace = Some(*last);
        for workspace_id in workspaces {
            verified.workspaces += 1;
            let mut last_document = None;
            loop {
                let documents = store.list_document_ids(workspace_id, last_document, PAGE)?;
                let Some(last) = documents.last() else { break };
                last_document = Some(*last);
                for document_id in documents {
                    // One that went meanwhile had nothing to find.
                    let Some(examined) = examine(store, workspace_id, document_id)? else { continue };
                    verified.documents += 1;
                    verified.versions += examined.versions;
                    for finding in &examined.findings {
                        verified.findings += 1;
                        tell(finding)?;
                    }
                }
            }
            let mut findings = check_receipts(store, workspace_id, &mut verified.receipts)?;
            findings.extend(check_staged(store, workspace_id, &mut verified.staged)?);
            for finding in &findings {
                verified.findings += 1;
                tell(finding)?;
            }
        }
    }
}

/// A document that was read whole.
#[derive(Debug)]
pub(super) struct Examined {
    /// What is not right.
    pub findings: Vec<Finding>,
    versions: u64,
}

/// Reads a document whole.
///
/// # Errors
/// What the store said.
pub(super) fn examine(
    store: &Store,
    workspace_id: WorkspaceId,
    document_id: DocumentId,
) -> Result<Option<Examined>, StoreError> {
    let mut log = Log::default();
    let document =
        store.read_raw_document(workspace_id, document_id, |document, version| log.visit(document, version))?;
    let Some(document) = document else { return Ok(None) };
    let mut findings: Vec<(String, String)> = std::mem::take(&mut log.findings);
    if document.is_marked {
        findings.push(("mark".into(), "it is marked as damaged".into()));
    }
    if !document.is_purged && log.newest != Some(document.row.version) {
        findings.push((
            "log".into(),
            format!("its newest version is {:?}, the head's is {}", log.newest, document.row.version),
        ));
    }
    let mut yjs_parts = Vec::new();
    if let Some((version, bytes)) = &document.snapshot {
        match facts_of(std::slice::from_ref(bytes)) {
            Ok(_) => yjs_parts.push(bytes.clone()),
            Err(error) => findings.push((format!("snapshot at version {version}"), error.to_string())),
        }
    }
    yjs_parts.append(&mut log.updates);
    if let Some(Err(error)) = document.kept_text.as_deref().map(read_text) {
        findings.push(("kept text".into(), error.to_string()));
    }
    match &document.head {
        Err(error) => findings.push(("head".into(), error.to_string())),
        Ok(head) if !document.is_purged => {
            findings.extend(check_text(&document, head, log.current_text.as_deref()));
            let unfit = check_state(head, &yjs_parts);
            if unfit.is_none() && head.state_vector.is_some() {
                findings.extend(check_places(&yjs_parts));
            }
            findings.extend(unfit);
        }
        Ok(_) => {}
    }
    let finding = |(part, reason)| Finding { workspace_id, document_id: Some(document_id), part, reason };
    let findings = findings.into_iter().map(finding).collect();
    Ok(Some(Examined { findings, versions: log.versions }))
}

/// What is known of a log while it is read.
#[derive(Default)]
struct Log {
    findings: Vec<(String, String)>,
    newest: Option<Version>,
    versions: u64,
    /// The text of the version that last set it.
    current_text: Option<String>,
    updates: Vec<Vec<u8>>,
}

impl Log {
    fn visit(&mut self, document: &RawDocument, row: RawVersion) {
        let RawVersion { version, kind, text, yjs_update, .. } = row;
        self.newest = Some(version);
        self.versions += 1;
        let is_current = (document.row.epoch..=document.row.version).contains(&version);
        if let Err(error) = kind {
            self.findings.push((format!("version {version}"), error.to_string()));
        }
        // What a repair has set aside was named before. The current text must be there all the same.
        match text.as_deref().filter(|stored| !is_known_damage(stored)).map(read_text) {
            Some(Ok(text)) if is_current && version == document.row.content_version => self.current_text = Some(text),
            Some(Err(error)) => self.findings.push((format!("text of version {version}"), error.to_string())),
            Some(Ok(_)) | None => {}
        }
        let Some(update) = yjs_update else { return };
        let covered = document.snapshot.as_ref().is_some_and(|(covered, _)| version <= *covered);
        if is_known_damage(&update) && (covered || !is_current) {
            return;
        }
        // It leans on those before it, which are not looked at here.
        match merge_updates(std::slice::from_ref(&update)) {
            Ok(_) if is_current && !covered => self.updates.push(update),
            Ok(_) => {}
            Err(error) => self.findings.push((format!("Yjs update of version {version}"), error.to_string())),
        }
    }
}

fn check_text(document: &RawDocument, head: &DocumentHead, logged: Option<&str>) -> Option<(String, String)> {
    let digest = head.content_digest.filter(|_| !head.is_deleted())?;
    let kept = document.kept_text.as_deref().and_then(|stored| read_text(stored).ok());
    let reason = match kept.as_deref().or(logged) {
        None => "it is missing".to_owned(),
        Some(text) if digest_of(text) != digest => "it is not the text that its digest was made of".to_owned(),
        Some(_) => return None,
    };
    Some(("text".into(), reason))
}

fn check_state(head: &DocumentHead, parts: &[Vec<u8>]) -> Option<(String, String)> {
    let vector = head.state_vector.as_ref()?;
    let reason = match facts_of(parts) {
        Err(error) => error.to_string(),
        Ok((known, _, _)) if known != *vector => "its parts know other changes than the head".to_owned(),
        Ok((_, _, roots)) if !roots.is_subset(&head.yjs_roots) => "the head does not know all of its roots".to_owned(),
        Ok(_) => return None,
    };
    Some(("Yjs state".into(), reason))
}

/// How many changes of one document without a place are named one by one.
const PLACES_NAMED: usize = 10;

/// What editors and the server leave out of the text: changes that have no place on which all of them agree.
fn check_places(parts: &[Vec<u8>]) -> Vec<(String, String)> {
    let of_state = |reason: String| ("Yjs state".to_owned(), reason);
    let found = match unplaceable(parts) {
        Err(error) => return vec![of_state(format!("its items cannot be put in order: it is {error}"))],
        Ok(found) => found,
    };
    let named = found.iter().take(PLACES_NAMED).map(|Unplaceable { client, clock, length, reason }| {
        let last = clock.saturating_add(length.saturating_sub(1));
        (format!("Yjs changes {clock} to {last} of client {client}"), format!("left out of the text: {reason}"))
    });
    let more = found.len().saturating_sub(PLACES_NAMED);
    let more = (more > 0).then(|| of_state(format!("{more} more of its items are left out of the text")));
    named.chain(more).collect()
}

fn check_receipts(store: &Store, workspace_id: WorkspaceId, count: &mut u64) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    store.read_raw_receipts(workspace_id, |receipt| {
        *count += 1;
        if let Some(reason) = fault_of(&receipt) {
            let (document_id, part) = (Some(receipt.document_id), name_of(&receipt));
            findings.push(Finding { workspace_id, document_id, part, reason });
        }
    })?;
    Ok(findings)
}

fn check_staged(store: &Store, workspace_id: WorkspaceId, count: &mut u64) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    for key in store.list_uploads(workspace_id)? {
        let Some(examined) = staged::examine(store, key)? else { continue };
        *count += examined.operations;
        findings.extend(examined.findings(key));
    }
    Ok(findings)
}

/// How a receipt is named.
pub(super) fn name_of(RawReceipt { user_id, device_id, client_id, .. }: &RawReceipt) -> String {
    format!("receipt of user {user_id} device {device_id:?} operation {client_id:?}")
}

/// What is wrong with a receipt.
pub(super) fn fault_of(receipt: &RawReceipt) -> Option<String> {
    let readable = receipt.kind.as_ref().err().or(receipt.readable.as_ref().err());
    match (readable, receipt.version, receipt.document_version) {
        (Some(error), _, _) => Some(error.to_string()),
        (_, Some(_), None) => Some("there is no such document".to_owned()),
        (_, Some(answered), Some(now)) if answered > now => {
            Some(format!("it was answered with version {answered}, the document is at {now}"))
        }
        _ => None,
    }
}
