//! What is read without a batch: lists of documents, their versions, and what an editor lacks.

use crate::domain::ids::{DocumentId, UserId, Version, WorkspaceId};
use crate::domain::sessions::{self, Session};
use crate::store::StoreError;
use crate::store::documents::{ListQuery, ListedDocument, VersionEntry};
use crate::sync::diff::{DiffRequest, DocumentDiff, diff_documents};
use crate::sync::{SyncError, SyncService, VersionView};
use crate::yjs::render::RenderError;

/// Versions that are read at a time for grouping them, and how often at most.
const SESSION_PAGE: u32 = 500;
const MAX_SESSION_PAGES: usize = 20;

impl SyncService {
    /// A document's current version, live or deleted; `None` if there is none.
    ///
    /// # Errors
    /// What the store says.
    pub fn find_version_number(
        &self,
        workspace_id: WorkspaceId,
        document_id: DocumentId,
    ) -> Result<Option<Version>, SyncError> {
        Ok(self.store.find_version_number(workspace_id, document_id)?)
    }

    /// What an editor lacks of these documents' Yjs states, in the order of the requests.
    ///
    /// # Errors
    /// What the store says.
    pub fn diff_documents(
        &self,
        workspace_id: WorkspaceId,
        requests: &[DiffRequest],
    ) -> Result<Vec<DocumentDiff>, SyncError> {
        Ok(diff_documents(&self.store, workspace_id, requests)?)
    }

    /// A page of documents without bodies, by id.
    ///
    /// # Errors
    /// What the store says.
    pub fn list_documents(
        &self,
        workspace_id: WorkspaceId,
        query: &ListQuery,
    ) -> Result<Vec<ListedDocument>, SyncError> {
        Ok(self.store.list_documents(workspace_id, query)?)
    }

    /// A page of a document's versions, newest first, below `before`.
    ///
    /// # Errors
    /// `NotFound` if there is no such document, or what the store says.
    pub fn list_versions(
        &self,
        workspace_id: WorkspaceId,
        document_id: DocumentId,
        before: Option<Version>,
        limit: u32,
    ) -> Result<Vec<VersionEntry>, SyncError> {
        let versions = self.store.list_versions(workspace_id, document_id, before, limit)?;
        if versions.is_empty() && before.is_none() {
            return Err(SyncError::NotFound);
        }
        Ok(versions)
    }

    /// As [`list_versions`](Self::list_versions), but what one author did without a long pause is one entry. Very long
    /// ones are cut.
    ///
    /// # Errors
    /// As those of `list_versions`.
    pub fn list_sessions(
        &self,
        workspace_id: WorkspaceId,
        document_id: DocumentId,
        before: Option<Version>,
        limit: u32,
    ) -> Result<Vec<Session<VersionEntry>>, SyncError> {
        let (mut sessions, mut before) = (Vec::new(), before);
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        for _ in 0..MAX_SESSION_PAGES {
            let page = self.list_versions(workspace_id, document_id, before, SESSION_PAGE)?;
            let is_last = u32::try_from(page.len()).is_ok_and(|read| read < SESSION_PAGE);
            before = page.last().map(|oldest| oldest.version).or(before);
            page.into_iter().for_each(|entry| sessions::add(&mut sessions, entry));
            // The last one may go on in the next page.
            if is_last || sessions.len() > wanted {
                break;
            }
        }
        sessions.truncate(wanted);
        Ok(sessions)
    }

    /// One version with its text, derived from the Yjs log where it was not stored as text.
    ///
    /// # Errors
    /// `NotFound`; `Unavailable` if the text must be rendered and cannot be now; or what the store says.
    pub fn find_version(
        &self,
        user_id: UserId,
        workspace_id: WorkspaceId,
        document_id: DocumentId,
        version: Version,
    ) -> Result<VersionView, SyncError> {
        let stored = self.store.find_version(workspace_id, document_id, version)?.ok_or(SyncError::NotFound)?;
        let content = match stored.content {
            Some(content) => Some(content),
            None if stored.yjs_parts.is_empty() => None,
            None => match self.turn(user_id).render(document_id.0.as_u128(), &stored.yjs_parts) {
                Ok(text) => Some(text),
                Err(RenderError::Damaged(_)) => None,
                Err(RenderError::Slow(reason) | RenderError::Unavailable(reason)) => {
                    return Err(StoreError::Unavailable(reason).into());
                }
            },
        };
        Ok(VersionView { entry: stored.entry, content })
    }
}
