//! Pages and versions as JSON (protocol §3).

use serde::Serialize;

use crate::domain::ids::{BatchId, DocumentId, SyncId, Version, WorkspaceId};
use crate::domain::sessions::Session;
use crate::domain::timestamp::Timestamp;
use crate::http::document_body::DocumentSummaryBody;
use crate::http::page_token;
use crate::sync::VersionView;
use crate::sync::past::PastPage;
use crate::sync::{ListedDocument, VersionEntry};

/// One page of a listing.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    items: Vec<T>,
    next_page_token: Option<String>,
    has_more: bool,
}

impl<T> Page<T> {
    /// The first `page_size` of `rows`, of which one more had been asked for to learn whether there are more.
    pub(in crate::http) fn of<'a, R>(
        rows: &'a [R],
        page_size: u32,
        item: impl Fn(&'a R) -> T,
        token_after: impl FnOnce(&'a R) -> String,
    ) -> Self {
        let shown = usize::try_from(page_size).ok().and_then(|size| rows.get(..size)).unwrap_or(rows);
        let has_more = shown.len() < rows.len();
        let next_page_token = shown.last().filter(|_| has_more).map(token_after);
        Self { items: shown.iter().map(item).collect(), next_page_token, has_more }
    }
}

/// A page of documents.
#[must_use]
pub fn document_page(workspace: WorkspaceId, rows: &[ListedDocument], page_size: u32) -> Page<DocumentSummaryBody<'_>> {
    Page::of(rows, page_size, DocumentSummaryBody::from, |last| {
        page_token::after_document(workspace, last.head.document_id)
    })
}

/// A page of documents as they were.
#[must_use]
pub fn past_page(workspace: WorkspaceId, page: &PastPage) -> Page<DocumentSummaryBody<'_>> {
    Page {
        items: page.items.iter().map(DocumentSummaryBody::from).collect(),
        next_page_token: page.next.map(|last| page_token::after_document(workspace, last)),
        has_more: page.next.is_some(),
    }
}

/// A page of versions.
#[must_use]
pub fn version_page(
    workspace: WorkspaceId,
    document: DocumentId,
    rows: &[VersionEntry],
    page_size: u32,
) -> Page<VersionSummaryBody<'_>> {
    Page::of(rows, page_size, VersionSummaryBody::from, |last| {
        page_token::before_version(workspace, document, last.version)
    })
}

/// A page of versions, those of one go together.
#[must_use]
pub fn session_page(
    workspace: WorkspaceId,
    document: DocumentId,
    rows: &[Session<VersionEntry>],
    page_size: u32,
) -> Page<SessionBody<'_>> {
    Page::of(rows, page_size, SessionBody::from, |last| {
        page_token::before_version(workspace, document, last.first_version)
    })
}

/// Versions that one author made in one go: the newest, and where they begin.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct SessionBody<'a> {
    #[serde(flatten)]
    newest: VersionSummaryBody<'a>,
    first_version: Version,
    started_at: Timestamp,
}

impl<'a> From<&'a Session<VersionEntry>> for SessionBody<'a> {
    fn from(session: &'a Session<VersionEntry>) -> Self {
        Self { newest: (&session.newest).into(), first_version: session.first_version, started_at: session.began_at }
    }
}

/// Who made a version, when, and by what.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct VersionSummaryBody<'a> {
    version: Version,
    operation: &'static str,
    title: &'a str,
    updated_at: Timestamp,
    updated_by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_id: Option<BatchId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sync_id: Option<SyncId>,
}

impl<'a> From<&'a VersionEntry> for VersionSummaryBody<'a> {
    fn from(entry: &'a VersionEntry) -> Self {
        Self {
            version: entry.version,
            operation: entry.kind.as_str(),
            title: &entry.title,
            updated_at: entry.created_at,
            updated_by: &entry.author,
            device_id: entry.device_id.as_deref(),
            batch_id: entry.batch_id,
            sync_id: entry.sync_id,
        }
    }
}

/// One version with its text.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct VersionBody<'a> {
    document_id: DocumentId,
    #[serde(flatten)]
    summary: VersionSummaryBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
}

impl<'a> VersionBody<'a> {
    /// The body for a version of `document_id`.
    #[must_use]
    pub fn new(document_id: DocumentId, version: &'a VersionView) -> Self {
        Self { document_id, summary: (&version.entry).into(), content: version.content.as_deref() }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_json_snapshot;
    use uuid::Uuid;

    use super::*;
    use crate::domain::operation::OperationKind;

    const WORKSPACE: WorkspaceId = WorkspaceId(Uuid::from_u128(1));
    const DOCUMENT: DocumentId = DocumentId(Uuid::from_u128(2));

    fn entry(version: Version) -> VersionEntry {
        VersionEntry {
            version,
            kind: OperationKind::Update,
            title: "Shopping".to_owned(),
            has_content: true,
            has_yjs: false,
            author: "grace".to_owned(),
            device_id: (version > 1).then(|| "phone".to_owned()),
            client_id: "op_1".to_owned(),
            created_at: Timestamp(1_700_000_000_000_001),
            batch_id: None,
            sync_id: None,
        }
    }

    #[test]
    fn a_page_shows_no_more_than_asked_and_where_to_go_on() {
        let rows = [entry(9), entry(8), entry(7)];
        let page = version_page(WORKSPACE, DOCUMENT, &rows, 2);
        assert_eq!((page.items.len(), page.has_more), (2, true));
        let token = page.next_page_token.unwrap();
        assert_eq!(page_token::read_before_version(WORKSPACE, DOCUMENT, &token), Ok(8));
    }

    #[test]
    fn the_last_page_has_no_token() {
        for rows in [vec![], vec![entry(1)], vec![entry(2), entry(1)]] {
            let page = version_page(WORKSPACE, DOCUMENT, &rows, 2);
            assert_eq!((page.items.len(), page.has_more, page.next_page_token), (rows.len(), false, None));
        }
    }

    #[test]
    fn a_version_says_who_when_and_what() {
        let view = VersionView { entry: entry(2), content: Some("- milk\n".to_owned()) };
        assert_json_snapshot!(VersionBody::new(DOCUMENT, &view), @r#"
        {
          "document_id": "00000000-0000-0000-0000-000000000002",
          "version": 2,
          "operation": "update",
          "title": "Shopping",
          "updated_at": "2023-11-14T22:13:20.000001Z",
          "updated_by": "grace",
          "device_id": "phone",
          "content": "- milk\n"
        }
        "#);
    }
}
