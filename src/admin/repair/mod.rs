//! Making damaged documents and receipts whole again, from what else is stored of them: versions, snapshots, texts.
//!
//! Each is repaired in a transaction of its own that checks that it is still as it was, so that the server may be running.
//! Bytes that cannot be read are exported first, and stay in the database as well where a row holds them.

mod export;
mod plan;
mod state;
mod uploads;

use std::collections::HashMap;
use std::error::Error;
use std::io::Write;

use self::export::Export;
use self::plan::{Allowed, Part, Plan, plan};
use self::uploads::end_damaged;
use super::finding::Finding;
use super::open::open;
use super::staged;
use super::verify::{examine, fault_of, name_of};
use crate::auth::audit::{Event, line};
use crate::clock::SystemClock;
use crate::config::admin_options::RepairOptions;
use crate::domain::ids::{DocumentId, Version, WorkspaceId};
use crate::domain::operation::OperationKind;
use crate::domain::timestamp::Clock;
use crate::store::audit::RawReceipt;
use crate::store::repair::ReceiptKey;
use crate::store::upkeep::Swap;
use crate::store::{Store, StoreError};

/// Workspaces and documents whose ids are read at once.
const PAGE: u32 = 200;
/// How often the repair of a document that is being written to is planned.
const TRIES: u32 = 5;

/// What was found and done.
#[derive(Default)]
struct Tally {
    documents: u64,
    receipts: u64,
    uploads: u64,
    left: u64,
}

struct Repair<'a> {
    store: &'a Store,
    options: &'a RepairOptions,
    /// Where to; `None`: nothing is written, and what would be done is said.
    export: Option<Export>,
    out: &'a mut dyn Write,
    tally: Tally,
}

/// Finds what is damaged and repairs it, or says how it would.
///
/// # Errors
/// What went wrong, in a line; or that something cannot be repaired.
pub(super) fn run(options: RepairOptions, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let store = open(options.database.clone())?;
    let export = match &options.export {
        Some(folder) if options.apply => Some(Export::at(folder)?),
        _ => None,
    };
    let mut repair = Repair { store: &store, options: &options, export, out, tally: Tally::default() };
    let mut after = None;
    loop {
        let workspaces = store.list_workspace_ids(after, PAGE)?;
        let Some(last) = workspaces.last() else { break };
        after = Some(*last);
        for workspace_id in workspaces {
            repair.workspace(workspace_id)?;
        }
    }
    let Tally { documents, receipts, uploads, left } = repair.tally;
    store.close();
    if options.apply {
        line(Event::Repaired, None).write();
    }
    let done = if options.apply { "repaired" } else { "can be repaired, and --apply --export FOLDER does it" };
    writeln!(out, "{documents} documents and {receipts} receipts {done}")?;
    if uploads > 0 {
        writeln!(out, "{uploads} uploads {}", if options.apply { "ended" } else { "can be ended" })?;
    }
    if left > 0 { Err(format!("{left} parts are left as they are").into()) } else { Ok(()) }
}

impl Repair<'_> {
    fn workspace(&mut self, workspace_id: WorkspaceId) -> Result<(), Box<dyn Error>> {
        let before = self.tally.documents + self.tally.receipts;
        let mut versions = HashMap::new();
        let mut after = None;
        loop {
            let documents = self.store.list_document_ids(workspace_id, after, PAGE)?;
            let Some(last) = documents.last() else { break };
            after = Some(*last);
            for document_id in documents {
                if let Some(version) = self.document(workspace_id, document_id)? {
                    versions.insert(document_id, version);
                }
            }
        }
        self.receipts(workspace_id, &versions)?;
        self.uploads(workspace_id)?;
        if self.options.apply && self.tally.documents + self.tally.receipts > before {
            self.store.reset_usage(workspace_id)?;
        }
        Ok(())
    }

    /// The version that a damaged document has after its repair.
    fn document(
        &mut self,
        workspace_id: WorkspaceId,
        document_id: DocumentId,
    ) -> Result<Option<Version>, Box<dyn Error>> {
        for tries_left in (0..TRIES).rev() {
            let findings = examine(self.store, workspace_id, document_id)?.map(|examined| examined.findings);
            let Some(findings) = findings.filter(|findings| !findings.is_empty()) else { return Ok(None) };
            let mut versions = Vec::new();
            let document =
                self.store.read_raw_document(workspace_id, document_id, |_, version| versions.push(version))?;
            let Some(document) = document else { return Ok(None) };
            let allowed = Allowed { older_texts: self.options.older_texts, now: SystemClock.now() };
            let plan = plan(&document, &versions, allowed);
            let version = plan.write.head.version;
            if self.carry_out(workspace_id, document_id, &plan)? == Swap::Moved && tries_left > 0 {
                continue;
            }
            self.report(workspace_id, document_id, &findings, &plan)?;
            return Ok(Some(version));
        }
        Ok(None)
    }

    fn carry_out(
        &self,
        workspace_id: WorkspaceId,
        document_id: DocumentId,
        plan: &Plan,
    ) -> Result<Swap, Box<dyn Error>> {
        let Some(export) = self.export.as_ref().filter(|_| !plan.steps.is_empty()) else { return Ok(Swap::Swapped) };
        for part in &plan.exports {
            export.save(workspace_id, &document_id.to_string(), part)?;
        }
        Ok(self.store.repair_document(workspace_id, plan.write.clone())?)
    }

    fn report(
        &mut self,
        workspace_id: WorkspaceId,
        document_id: DocumentId,
        findings: &[Finding],
        plan: &Plan,
    ) -> Result<(), Box<dyn Error>> {
        for finding in findings {
            writeln!(self.out, "{finding}")?;
        }
        for step in &plan.steps {
            writeln!(self.out, "  {step}")?;
        }
        // What editors leave out of the text as well is no damage of what is stored.
        let unplaced = findings.iter().filter(|finding| finding.part.starts_with("Yjs changes")).count();
        if unplaced > 0 {
            writeln!(self.out, "  left: editors leave these changes out of the text as well; nothing is lost")?;
        }
        let mut left = plan.left.clone();
        if self.options.apply && plan.left.is_empty() {
            // What was planned is looked at again: a repair that does not hold is no repair.
            let again = examine(self.store, workspace_id, document_id)?.map_or_else(Vec::new, |again| again.findings);
            let again = again.iter().filter(|finding| !finding.part.starts_with("Yjs changes"));
            left.extend(again.map(|finding| format!("{}: {}", finding.part, finding.reason)));
        }
        for left in &left {
            writeln!(self.out, "  left: {left}")?;
        }
        self.tally.documents += u64::from(!plan.steps.is_empty());
        self.tally.left += u64::try_from(left.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    fn receipts(
        &mut self,
        workspace_id: WorkspaceId,
        versions: &HashMap<DocumentId, Version>,
    ) -> Result<(), Box<dyn Error>> {
        let mut faulty = Vec::new();
        self.store.read_raw_receipts(workspace_id, |mut receipt| {
            receipt.document_version = receipt.document_version.max(versions.get(&receipt.document_id).copied());
            if let Some(reason) = fault_of(&receipt) {
                faulty.push((receipt, reason));
            }
        })?;
        for (receipt, reason) in faulty {
            self.receipt(workspace_id, receipt, reason)?;
        }
        Ok(())
    }

    fn receipt(
        &mut self,
        workspace_id: WorkspaceId,
        receipt: RawReceipt,
        reason: String,
    ) -> Result<(), Box<dyn Error>> {
        let document_id = receipt.document_id;
        let (user_id, device_id, client_id) = (receipt.user_id, receipt.device_id.clone(), receipt.client_id.clone());
        let key = ReceiptKey { workspace_id, user_id, device_id, client_id };
        writeln!(self.out, "workspace {workspace_id} document {document_id} {}: {reason}", name_of(&receipt))?;
        let is_unapplied = receipt.version.is_some_and(|answered| receipt.document_version < Some(answered));
        let kind = if is_unapplied { None } else { self.kind_of(&key, &receipt)? };
        if let Some(export) = &self.export {
            let bytes = format!("{receipt:?}\n").into_bytes();
            export.save(workspace_id, "receipts", &Part { name: format!("{document_id}.receipt"), reason, bytes })?;
        }
        let step = match (is_unapplied, kind) {
            (true, _) => {
                self.apply(|store| store.remove_receipt(key))?;
                "it goes: what it answers for is not here, so that the operation is answered afresh"
            }
            (false, Some(kind)) => {
                self.apply(|store| store.repair_receipt(key, kind))?;
                "it answers every operation of this name: what it carried is not known"
            }
            (false, None) => {
                self.tally.left += 1;
                writeln!(self.out, "  left: no version says what the operation did")?;
                return Ok(());
            }
        };
        self.tally.receipts += 1;
        writeln!(self.out, "  {step}")?;
        Ok(())
    }

    fn uploads(&mut self, workspace_id: WorkspaceId) -> Result<(), Box<dyn Error>> {
        for key in self.store.list_uploads(workspace_id)? {
            let Some(examined) = staged::examine(self.store, key)?.filter(|found| !found.faults.is_empty()) else {
                continue;
            };
            for finding in examined.findings(key) {
                writeln!(self.out, "{finding}")?;
            }
            let now = SystemClock.now();
            if let Some(export) = &self.export
                && !end_damaged(self.store, export, key, &examined, now)?
            {
                self.tally.left += 1;
                writeln!(self.out, "  left: it was changed meanwhile")?;
                continue;
            }
            self.tally.uploads += 1;
            let step = if examined.is_committed() {
                "its answer goes: the receipts of its operations answer for it"
            } else {
                "it is dropped, and nothing of it applied: its editor begins it again"
            };
            writeln!(self.out, "  {step}")?;
        }
        Ok(())
    }

    fn apply(&self, work: impl FnOnce(&Store) -> Result<(), StoreError>) -> Result<(), StoreError> {
        if self.options.apply { work(self.store) } else { Ok(()) }
    }

    fn kind_of(&self, key: &ReceiptKey, receipt: &RawReceipt) -> Result<Option<OperationKind>, StoreError> {
        match (&receipt.kind, receipt.version) {
            (Ok(kind), _) => Ok(Some(*kind)),
            // Nothing else is answered without a version: there was nothing to delete.
            (Err(_), None) => Ok(Some(OperationKind::Delete)),
            (Err(_), Some(version)) => match self.store.find_logged_kind(key, receipt.document_id, version) {
                Err(StoreError::Corrupt(_)) => Ok(None),
                found => found,
            },
        }
    }
}
