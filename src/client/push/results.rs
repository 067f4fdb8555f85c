//! What the server answers to each operation, carried out here.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Push;
use super::giving_up::is_given_up;
use crate::client::apply::removals::put_conflict;
use crate::client::error::ClientError;
use crate::client::folder::Held;
use crate::client::report::{Counted, Event};
use crate::client::state::{Conflict, QueuedOperation};
use crate::client::transport::wire::{OperationResult, ResultStatus, ServerDocument, WireDocument};
use crate::domain::limits::YjsCaps;
use crate::domain::yjs_facts::StateVector;
use crate::yjs::merge::{diff_update, facts_of};
use crate::yjs::scan::scan_state_vector;

/// Times that an operation is sent before a passing failure counts as a final one.
const MAX_ATTEMPTS: i64 = 8;

impl Push<'_, '_, '_> {
    /// Carries out the results of a batch. Those that change no file are stored together. An operation without a result
    /// stays queued.
    pub fn settle_results(
        &mut self,
        operations: &[QueuedOperation],
        results: Vec<OperationResult>,
    ) -> Result<(), ClientError> {
        let is_plain = |result: &OperationResult| {
            let operation = operation_of(operations, result);
            let is_restored = operation.is_some_and(|operation| operation.restore);
            result.status == ResultStatus::Success && result.server.is_none() && !is_restored
        };
        let named: BTreeSet<String> = results.iter().filter_map(|result| result.client_id.clone()).collect();
        let (plain, others): (Vec<_>, Vec<_>) = results.into_iter().partition(is_plain);
        self.pull.local.state.begin_group()?;
        let settled = self.settle_each(operations, plain);
        let committed = self.pull.local.state.end_group();
        settled?;
        committed?;
        self.settle_each(operations, others)?;
        for operation in operations.iter().filter(|operation| !named.contains(&operation.client_id)) {
            self.keep_queued(operation, "the server's answer says nothing of it")?;
        }
        Ok(())
    }

    fn settle_each(
        &mut self,
        operations: &[QueuedOperation],
        results: Vec<OperationResult>,
    ) -> Result<(), ClientError> {
        for mut result in results {
            let Some(operation) = operation_of(operations, &result) else { continue };
            if self.settings.dry_run {
                self.rehearse(operation, &result)?;
                continue;
            }
            self.fetch_omitted(operation, &mut result)?;
            match result.status {
                ResultStatus::Success => self.settle_success(operation, result)?,
                ResultStatus::Conflict => self.settle_conflict(operation, result)?,
                ResultStatus::Error => self.settle_error(operation, result)?,
                ResultStatus::Skipped => {
                    self.pull.local.held.insert(operation.document_id);
                    self.pull.local.tally.failed += 1;
                    self.pull.local.report.count(&operation.kind, Counted::Skipped);
                }
            }
        }
        Ok(())
    }

    /// Fetches what did not fit into the answer. If the server cannot be reached, the operation stays queued: it is sent
    /// again, and answered from its receipt.
    fn fetch_omitted(&self, operation: &QueuedOperation, result: &mut OperationResult) -> Result<(), ClientError> {
        if !result.server.as_ref().is_some_and(|document| document.omitted) {
            return Ok(());
        }
        let id = operation.document_id;
        result.server = self.pull.server.read_document(id)?;
        let base = operation.base_version.filter(|_| result.status == ResultStatus::Conflict && result.base.is_none());
        if let Some(version) = base {
            result.base = self.pull.server.read_version(id, version)?;
        }
        Ok(())
    }

    /// Says what would have come of it.
    fn rehearse(&mut self, operation: &QueuedOperation, result: &OperationResult) -> Result<(), ClientError> {
        let path = self.pull.local.path_of(operation.document_id)?;
        self.pull.local.held.insert(operation.document_id);
        match (&result.status, &result.error) {
            (ResultStatus::Success, _) => {
                self.pull.local.tally.pushed += 1;
                self.pull.local.report.show(&Event::Pushed {
                    path: &path,
                    operation: &operation.kind,
                    merged: result.merged,
                });
            }
            (_, Some(error)) => {
                self.pull.local.tally.failed += 1;
                self.pull.local.report.show(&Event::Problem { path: &path, reason: &error.message });
            }
            (_, None) => self.pull.local.tally.failed += 1,
        }
        Ok(())
    }

    fn settle_success(&mut self, operation: &QueuedOperation, result: OperationResult) -> Result<(), ClientError> {
        let id = operation.document_id;
        let path = self.pull.local.path_of(id)?;
        // A replayed answer may be of a time before others' changes; then only the feed says that all is known here.
        let follows = |version: i64| operation.base_version.unwrap_or(0) + 1 == version;
        let has_more = result.merged || result.server.is_some() || operation.restore;
        let is_whole = !has_more && (!result.replayed || result.version.is_some_and(follows));
        self.pull.local.state.change(|change| {
            change.remove_operation(&operation.client_id)?;
            if operation.kind == "delete" {
                change.remove_pending_removal(id)?;
                return change.forget_file(id);
            }
            match result.version.filter(|_| is_whole || operation.kind == "create") {
                Some(version) => change.mark_version(id, version),
                None => Ok(()),
            }
        })?;
        if operation.kind == "delete" {
            self.pull.local.note_gone(id);
        }
        self.pull.local.tally.pushed += 1;
        self.pull.local.report.show(&Event::Pushed { path: &path, operation: &operation.kind, merged: result.merged });
        if result.title_overwritten {
            let text = "its title replaced another one that somebody had given it meanwhile";
            self.pull.local.report.show(&Event::Note { path: &path, text });
        }
        self.pull.local.report.count(&format!("{} {path}", operation.kind), Counted::Succeeded);
        // Before it was deleted, others may have changed what is revived.
        let revived =
            if operation.restore && result.server.is_none() { self.pull.server.read_document(id)? } else { None };
        match result.server.or(revived) {
            Some(document) => self.take_in_answer(document),
            None => Ok(()),
        }
    }

    fn take_in_answer(&mut self, document: WireDocument) -> Result<(), ClientError> {
        if document.document_id.is_none() {
            return Ok(());
        }
        match document.check() {
            Ok(document) => self.pull.take_in(document).map(drop),
            Err((Some(id), title, reason)) => self.pull.local.leave_out(id, &title, &reason),
            Err((None, ..)) => Ok(()),
        }
    }

    fn settle_conflict(&mut self, operation: &QueuedOperation, result: OperationResult) -> Result<(), ClientError> {
        let code = result.error.as_ref().map(|error| error.code.clone()).unwrap_or_default();
        let server = result.server.and_then(|document| document.check().ok());
        match (code.as_str(), operation.kind.as_str(), server) {
            ("divergent_history", "update", _) if !operation.force => {
                // Every update here is made of the document's own state, so there is nothing to double: the document
                // was empty when it was last pulled.
                self.requeue(operation, QueuedOperation { force: true, title: None, ..self.renewed(operation) })
            }
            ("version_mismatch", "delete", Some(server)) => {
                self.drop_operation(operation)?;
                self.pull.take_in(server).map(drop)
            }
            ("version_mismatch", "update", Some(server)) if is_title_alone(operation) => {
                let renewed = self.renewed(operation);
                self.pull.take_in(server)?;
                self.requeue(operation, renewed)
            }
            ("already_exists" | "divergent_history", "create", Some(server)) => self.join_existing(operation, server),
            ("deleted", _, server) => {
                let id = operation.document_id;
                let version = server.map_or(result.version.unwrap_or(i64::MAX), |server| server.version);
                let base = result.base.and_then(|base| base.content);
                let Some(file) = self.pull.local.state.change(|change| change.find_file(id))? else {
                    return self.drop_operation(operation);
                };
                let local =
                    if let Held::Text(text, _) = self.pull.local.folder.read(&file.path) { Some(text) } else { None };
                self.pull.local.report.count(&format!("{} {}", operation.kind, file.path), Counted::Failed);
                self.pull.local.ask_about_deleted(&file, base, local, version)
            }
            (_, _, Some(server)) => {
                let reason = result.error.map(|error| error.message).unwrap_or_default();
                self.ask_about_operation(operation, &reason, result.base.and_then(|base| base.content), server)
            }
            (_, _, None) => {
                let message = result.error.map(|error| error.message).unwrap_or_default();
                self.bury(operation, &code, &message)
            }
        }
    }

    fn ask_about_operation(
        &mut self,
        operation: &QueuedOperation,
        reason: &str,
        base_content: Option<String>,
        server: ServerDocument,
    ) -> Result<(), ClientError> {
        let path = self.pull.local.path_of(operation.document_id)?;
        let local = if let Held::Text(text, _) = self.pull.local.folder.read(&path) { Some(text) } else { None };
        let conflict = Conflict {
            base_content,
            local_content: local,
            server_content: server.content,
            server_yjs_state: server.yjs_state,
            ..Conflict::found(operation.document_id, &path, reason, server.version, &server.title)
        };
        self.pull.local.state.change(|change| put_conflict(change, &conflict))?;
        self.pull.local.report.show(&Event::Conflict { path: &path, reason });
        self.pull.local.report.count(&format!("{} {path}", operation.kind), Counted::Failed);
        Ok(())
    }

    /// The document that was to be made is there, made by an earlier try whose receipt is gone: what is missing there
    /// is sent as an update.
    fn join_existing(&mut self, operation: &QueuedOperation, server: ServerDocument) -> Result<(), ClientError> {
        let id = operation.document_id;
        if server.yjs_state.is_none() {
            let reason = "the server has a document of this id already, with another text";
            return self.ask_about_operation(operation, reason, None, server);
        }
        self.drop_operation(operation)?;
        let known = server.yjs_state.clone().unwrap_or_default();
        self.pull.take_in(server)?;
        let Some((file, stored)) = self.pull.local.state.change(|change| change.find_with_body(id))? else {
            return Ok(());
        };
        let vector = facts_of(&[known]).map(|(vector, ..)| vector).unwrap_or_default();
        self.queue_what_is_missing(operation, &vector, Some(file.title), stored.yjs_state)
    }

    fn settle_error(&mut self, operation: &QueuedOperation, result: OperationResult) -> Result<(), ClientError> {
        let Some(error) = result.error else { return self.bury(operation, "unknown", "the server does not say why") };
        let id = operation.document_id;
        let vector = result.server.and_then(|server| server.state_vector_b64);
        if error.code == "yjs_missing_dependencies" && operation.attempts <= 2 {
            let known = vector
                .and_then(|encoded| STANDARD.decode(encoded).ok())
                .and_then(|bytes| scan_state_vector(&bytes, &YjsCaps::default()).ok())
                .unwrap_or_default();
            let stored = self.pull.local.state.change(|change| change.find_with_body(id))?;
            self.drop_operation(operation)?;
            return self.queue_what_is_missing(
                operation,
                &known,
                operation.title.clone(),
                stored.and_then(|(_, body)| body.yjs_state),
            );
        }
        if operation.kind == "update" && matches!(error.code.as_str(), "not_found" | "invalid_base_version") {
            self.pull.local.tally.failed += 1;
            self.pull.local.report.count(&format!("update {id}"), Counted::Failed);
            return self.pull.local.note_lost(id);
        }
        if error.retryable && !is_given_up(operation, self.pull.local.tally.pushed > 0) {
            return self.keep_queued(operation, &error.message);
        }
        self.bury(operation, &error.code, &error.message)
    }

    /// Queues an update with everything that the server's `known` lacks of `state`.
    fn queue_what_is_missing(
        &mut self,
        operation: &QueuedOperation,
        known: &StateVector,
        title: Option<String>,
        state: Option<Vec<u8>>,
    ) -> Result<(), ClientError> {
        let missing = state.and_then(|state| diff_update(&[state], known).ok()).flatten();
        let update = QueuedOperation {
            title,
            yjs_update: missing,
            attempts: operation.attempts,
            ..QueuedOperation::new("update", operation.document_id)
        };
        if update.title.is_some() || update.yjs_update.is_some() {
            self.pull.local.state.change(|change| change.enqueue(&update))?;
        }
        Ok(())
    }

    fn drop_operation(&mut self, operation: &QueuedOperation) -> Result<(), ClientError> {
        self.pull.local.state.change(|change| change.remove_operation(&operation.client_id))?;
        Ok(())
    }

    /// The operation under a new name, not sent yet.
    fn renewed(&self, operation: &QueuedOperation) -> QueuedOperation {
        let QueuedOperation { client_id, .. } = QueuedOperation::new("update", operation.document_id);
        QueuedOperation { client_id, sent: false, base_version: None, ..operation.clone() }
    }

    /// Puts `next` in the place of `operation`.
    fn requeue(&mut self, operation: &QueuedOperation, next: QueuedOperation) -> Result<(), ClientError> {
        if operation.attempts > MAX_ATTEMPTS {
            return self.bury(operation, "version_mismatch", "the document changes faster than this can be sent");
        }
        self.pull.local.state.change(|change| {
            change.remove_operation(&operation.client_id)?;
            change.enqueue(&next)
        })?;
        Ok(())
    }
}

/// The operation that a result is of.
fn operation_of<'o>(operations: &'o [QueuedOperation], result: &OperationResult) -> Option<&'o QueuedOperation> {
    let name = result.client_id.as_deref();
    operations.iter().find(|operation| Some(operation.client_id.as_str()) == name)
}

fn is_title_alone(operation: &QueuedOperation) -> bool {
    operation.title.is_some() && operation.content.is_none() && operation.yjs_update.is_none()
}
