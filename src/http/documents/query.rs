//! The query strings of the document endpoints.

use crate::domain::ids::{DocumentId, Version, WorkspaceId};
use crate::http::page_token;
use crate::http::parameters::{ParameterError, RawQuery, parse_size};
use crate::sync::past::AsOf;
use crate::sync::search::{SearchPlace, Tier};
use crate::sync::{PullFrom, YjsBodies};

/// Characters of a search at most.
const MAX_SEARCH_CHARS: usize = 1_000;
/// Documents of a page of a search when the reader does not say.
const DEFAULT_SEARCH_LIMIT: usize = 20;
/// And at most.
const MAX_SEARCH_LIMIT: usize = 100;

/// Query of `GET /api/v1/documents`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentsQuery {
    /// Whose documents.
    pub workspace_id: WorkspaceId,
    /// Items of a page at most.
    pub page_size: u32,
    /// Go on after this one.
    pub after: Option<DocumentId>,
    /// Tombstones too.
    pub include_deleted: bool,
    /// Only titles that begin with this.
    pub title_prefix: Option<String>,
    /// As they were then.
    pub as_of: Option<AsOf>,
}

/// Query of `GET /api/v1/documents/{document_id}/versions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionsQuery {
    /// Whose document.
    pub workspace_id: WorkspaceId,
    /// Items of a page at most.
    pub page_size: u32,
    /// Go on before this one.
    pub before: Option<Version>,
    /// What one author did in one go is one entry.
    pub by_session: bool,
}

/// Query of `GET /api/v1/documents/changes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangesQuery {
    /// Whose feed.
    pub workspace_id: WorkspaceId,
    /// Where to go on.
    pub from: PullFrom,
    /// Documents of a page at most.
    pub limit: usize,
    /// What comes of documents with Yjs state.
    pub yjs: YjsBodies,
}

/// Query of `GET /api/v1/documents/search`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchQuery {
    /// Where.
    pub workspace_id: WorkspaceId,
    /// What is searched for, as it was typed.
    pub text: String,
    /// Where the search goes on.
    pub from: SearchPlace,
    /// Documents of a page at most.
    pub limit: usize,
}

impl DocumentsQuery {
    /// Reads a query string.
    ///
    /// # Errors
    /// The first parameter that is missing or wrong.
    pub fn parse(query: &str) -> Result<Self, ParameterError> {
        let raw = RawQuery::split(query)?;
        let workspace_id = raw.workspace_id()?;
        let after = raw.page_token().map(|token| page_token::read_after_document(workspace_id, token)).transpose()?;
        Ok(Self {
            workspace_id,
            page_size: raw.page_size()?,
            after,
            include_deleted: raw.include_deleted()?,
            as_of: raw.as_of()?,
            title_prefix: raw.title_prefix()?,
        })
    }
}

impl ChangesQuery {
    /// Reads a query string.
    ///
    /// # Errors
    /// The first parameter that is missing or wrong. Whether a cursor is one is not judged here.
    pub fn parse(query: &str) -> Result<Self, ParameterError> {
        let raw = RawQuery::split(query)?;
        let workspace_id = raw.workspace_id()?;
        let limit = parse_size(raw.limit.as_deref(), "limit")?;
        // An empty one is none, as with page tokens.
        let from = raw.cursor.filter(|cursor| !cursor.is_empty()).map_or(PullFrom::Start, PullFrom::Cursor);
        let yjs = match raw.yjs.as_deref() {
            None | Some("whole") => YjsBodies::Whole,
            Some("vector") => YjsBodies::Vector,
            Some(_) => return Err(ParameterError::Wrong { name: "yjs", rule: "whole or vector" }),
        };
        Ok(Self { workspace_id, from, limit: usize::try_from(limit).unwrap_or(usize::MAX), yjs })
    }
}

impl SearchQuery {
    /// Reads a query string.
    ///
    /// # Errors
    /// The first parameter that is missing or wrong. Whatever is searched for is no mistake.
    pub fn parse(query: &str) -> Result<Self, ParameterError> {
        let raw = RawQuery::split(query)?;
        let workspace_id = raw.workspace_id()?;
        let text = raw.q.ok_or(ParameterError::Missing("q"))?;
        if text.chars().nth(MAX_SEARCH_CHARS).is_some() {
            return Err(ParameterError::Wrong { name: "q", rule: "at most 1000 characters" });
        }
        let limit = match raw.limit.as_deref().map(str::parse) {
            None => DEFAULT_SEARCH_LIMIT,
            Some(Ok(limit)) if (1..=MAX_SEARCH_LIMIT).contains(&limit) => limit,
            Some(_) => return Err(ParameterError::Wrong { name: "limit", rule: "a number from 1 to 100" }),
        };
        let foreign = ParameterError::Wrong { name: "cursor", rule: "the next_cursor of the same search, or left out" };
        let place = |cursor: String| {
            let (tier, before) = page_token::read_after_found(workspace_id, &text, &cursor).ok()?;
            let tier = Tier::ALL.get(usize::from(tier)).copied()?;
            Some(SearchPlace { tier, before })
        };
        let from = match raw.cursor.filter(|cursor| !cursor.is_empty()) {
            None => SearchPlace::START,
            Some(cursor) => place(cursor).ok_or(foreign)?,
        };
        Ok(Self { workspace_id, text, from, limit })
    }

    /// The cursor of the page that begins there.
    #[must_use]
    pub fn cursor(&self, place: SearchPlace) -> String {
        let tier = Tier::ALL.iter().position(|tier| *tier == place.tier).and_then(|tier| u8::try_from(tier).ok());
        page_token::after_found(self.workspace_id, &self.text, (tier.unwrap_or_default(), place.before))
    }
}

impl VersionsQuery {
    /// Reads a query string for the versions of `document`.
    ///
    /// # Errors
    /// The first parameter that is missing or wrong.
    pub fn parse(query: &str, document: DocumentId) -> Result<Self, ParameterError> {
        let raw = RawQuery::split(query)?;
        let workspace_id = raw.workspace_id()?;
        let before =
            raw.page_token().map(|token| page_token::read_before_version(workspace_id, document, token)).transpose()?;
        let by_session = match raw.group.as_deref() {
            None | Some("none") => false,
            Some("session") => true,
            Some(_) => return Err(ParameterError::Wrong { name: "group", rule: "session or none" }),
        };
        Ok(Self { workspace_id, page_size: raw.page_size()?, before, by_session })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const WORKSPACE: &str = "550e8400-e29b-41d4-a716-446655440000";

    fn workspace() -> WorkspaceId {
        WorkspaceId(Uuid::parse_str(WORKSPACE).unwrap())
    }

    fn documents(query: &str) -> Result<DocumentsQuery, ParameterError> {
        DocumentsQuery::parse(&query.replace("WS", &format!("workspace_id={WORKSPACE}")))
    }

    #[test]
    fn parameters_have_their_defaults() {
        let expected = DocumentsQuery {
            workspace_id: workspace(),
            page_size: 100,
            after: None,
            include_deleted: false,
            title_prefix: None,
            as_of: None,
        };
        assert_eq!(documents("WS"), Ok(expected.clone()));
        assert_eq!(documents("WS&page_token=&title_prefix=&unknown=1"), Ok(expected));
    }

    #[test]
    fn parameters_are_read() {
        let last = DocumentId(Uuid::from_u128(9));
        let token = page_token::after_document(workspace(), last);
        let read =
            documents(&format!("WS&page_size=500&include_deleted=true&title_prefix=%C3%BC+a&page_token={token}"));
        let read = read.unwrap();
        assert_eq!((read.page_size, read.after, read.include_deleted), (500, Some(last), true));
        assert_eq!(read.title_prefix.as_deref(), Some("ü a"));
    }

    #[test]
    fn what_breaks_a_rule_is_named() {
        for (query, name) in [
            ("", "workspace_id"),
            ("workspace_id=7", "workspace_id"),
            ("WS&page_size=0", "page_size"),
            ("WS&page_size=501", "page_size"),
            ("WS&page_size=-1", "page_size"),
            ("WS&page_size=", "page_size"),
            ("WS&page_size=ten", "page_size"),
            ("WS&include_deleted=1", "include_deleted"),
            ("WS&title_prefix=%00", "title_prefix"),
            ("WS&page_token=x", "page_token"),
            ("WS&as_of=2026-01-31", "as_of"),
            ("WS&WS", "workspace_id"),
        ] {
            let error = documents(query).unwrap_err().to_string();
            assert!(error.contains(name), "{query}: {error}");
        }
    }

    #[test]
    fn a_pull_starts_at_its_cursor() {
        let changes = |query: &str| ChangesQuery::parse(&query.replace("WS", &format!("workspace_id={WORKSPACE}")));
        let start =
            ChangesQuery { workspace_id: workspace(), from: PullFrom::Start, limit: 100, yjs: YjsBodies::Whole };
        assert_eq!(changes("WS"), Ok(start.clone()));
        assert_eq!(changes("WS&cursor="), Ok(start.clone()));
        let onwards = ChangesQuery { from: PullFrom::Cursor("AQ".to_owned()), limit: 500, ..start };
        assert_eq!(changes("WS&cursor=AQ&limit=500"), Ok(onwards));
        for (query, name) in [("", "workspace_id"), ("WS&limit=0", "limit"), ("WS&limit=501", "limit")] {
            assert!(changes(query).unwrap_err().to_string().contains(name), "{query}");
        }
    }

    #[test]
    fn a_search_is_read() {
        let search = |query: &str| SearchQuery::parse(&query.replace("WS", &format!("workspace_id={WORKSPACE}")));
        let first = search("WS&q=%22a+b%22&cursor=").unwrap();
        assert_eq!((first.text.as_str(), first.from, first.limit), ("\"a b\"", SearchPlace::START, 20));
        let place = SearchPlace { tier: Tier::Text, before: 7 };
        let cursor = first.cursor(place);
        assert_eq!(search(&format!("WS&q=%22a+b%22&limit=100&cursor={cursor}")).unwrap().from, place);
        for (query, name) in [
            ("WS", "q"),
            ("q=a", "workspace_id"),
            ("WS&q=a&limit=0", "limit"),
            ("WS&q=a&limit=101", "limit"),
            ("WS&q=a&cursor=x", "cursor"),
            (&format!("WS&q=other&cursor={cursor}"), "cursor"),
            (&format!("WS&q={}", "a".repeat(1_001)), "q"),
        ] {
            assert!(search(query).unwrap_err().to_string().contains(name), "{query}");
        }
    }
}
