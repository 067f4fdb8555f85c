//! Parameters of requests, from query strings and path segments to values within their rules: those that several
//! endpoints share.

use serde::Deserialize;
use uuid::Uuid;

use crate::domain::ids::{DocumentId, Version, WorkspaceId};
use crate::domain::timestamp::Timestamp;
use crate::http::error::ApiError;
use crate::http::page_token::ForeignToken;
use crate::sync::past::AsOf;

/// Items of a page when the reader does not say.
const DEFAULT_PAGE_SIZE: u32 = 100;
/// Items of a page at most.
const MAX_PAGE_SIZE: u32 = 500;

/// A parameter that is missing or breaks its rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// A parameter that must be there is not.
    #[error("the parameter {0} is missing")]
    Missing(&'static str),
    /// A parameter breaks its rule.
    #[error("the parameter {name} must be {rule}")]
    Wrong {
        /// The parameter.
        name: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// The query string cannot be split into parameters, or one stands twice.
    #[error("the query cannot be read: {0}")]
    Unreadable(String),
    /// The page token is of another listing, or made up.
    #[error(transparent)]
    ForeignToken(#[from] ForeignToken),
}

impl From<ParameterError> for ApiError {
    fn from(error: ParameterError) -> Self {
        Self::bad_request(error.to_string())
    }
}

/// The parameters as they arrive.
#[derive(Debug, Deserialize)]
pub(in crate::http) struct RawQuery {
    pub(in crate::http) workspace_id: Option<String>,
    pub(in crate::http) page_size: Option<String>,
    pub(in crate::http) page_token: Option<String>,
    pub(in crate::http) include_deleted: Option<String>,
    pub(in crate::http) title_prefix: Option<String>,
    pub(in crate::http) cursor: Option<String>,
    pub(in crate::http) group: Option<String>,
    pub(in crate::http) limit: Option<String>,
    pub(in crate::http) q: Option<String>,
    pub(in crate::http) yjs: Option<String>,
    pub(in crate::http) as_of: Option<String>,
}

impl RawQuery {
    pub(in crate::http) fn split(query: &str) -> Result<Self, ParameterError> {
        serde_urlencoded_query(query).map_err(ParameterError::Unreadable)
    }

    pub(in crate::http) fn workspace_id(&self) -> Result<WorkspaceId, ParameterError> {
        let text = self.workspace_id.as_deref().ok_or(ParameterError::Missing("workspace_id"))?;
        parse_uuid(text, "workspace_id").map(WorkspaceId)
    }

    pub(in crate::http) fn page_size(&self) -> Result<u32, ParameterError> {
        parse_size(self.page_size.as_deref(), "page_size")
    }

    /// The token; an empty one is none, since that is how many clients ask for the first page.
    pub(in crate::http) fn page_token(&self) -> Option<&str> {
        self.page_token.as_deref().filter(|token| !token.is_empty())
    }

    pub(in crate::http) fn include_deleted(&self) -> Result<bool, ParameterError> {
        match self.include_deleted.as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(ParameterError::Wrong { name: "include_deleted", rule: "true or false" }),
        }
    }

    pub(in crate::http) fn as_of(&self) -> Result<Option<AsOf>, ParameterError> {
        self.as_of.as_deref().map(parse_as_of).transpose()
    }

    pub(in crate::http) fn title_prefix(self) -> Result<Option<String>, ParameterError> {
        match self.title_prefix {
            Some(prefix) if prefix.contains('\0') => {
                Err(ParameterError::Wrong { name: "title_prefix", rule: "text without the NUL character" })
            }
            prefix => Ok(prefix.filter(|prefix| !prefix.is_empty())),
        }
    }
}

fn serde_urlencoded_query(query: &str) -> Result<RawQuery, String> {
    actix_web::web::Query::from_query(query).map(actix_web::web::Query::into_inner).map_err(|error| error.to_string())
}

/// The workspace of a query string that needs no other parameter.
///
/// # Errors
/// It is missing or wrong.
pub fn parse_workspace(query: &str) -> Result<WorkspaceId, ParameterError> {
    RawQuery::split(query)?.workspace_id()
}

/// A moment of the past: a time, or a cursor of the feed. Whether a cursor is one is not judged here.
///
/// # Errors
/// It is neither.
pub fn parse_as_of(text: &str) -> Result<AsOf, ParameterError> {
    match Timestamp::parse(text) {
        Some(time) => Ok(AsOf::Time(time)),
        // No cursor begins with a digit, and every time does.
        None if text.starts_with(|first: char| first.is_ascii_alphabetic()) => Ok(AsOf::Cursor(text.to_owned())),
        None => Err(ParameterError::Wrong {
            name: "as_of",
            rule: "a time, like 2026-01-31T12:00:00Z, or a cursor of the workspace's feed",
        }),
    }
}

/// The path segment `document_id`.
///
/// # Errors
/// It is no UUID.
pub fn parse_document_id(segment: &str) -> Result<DocumentId, ParameterError> {
    parse_uuid(segment, "document_id").map(DocumentId)
}

/// The path segment `version`.
///
/// # Errors
/// It is no integer of at least 1.
pub fn parse_version(segment: &str) -> Result<Version, ParameterError> {
    match segment.parse() {
        Ok(version) if version >= 1 => Ok(version),
        _ => Err(ParameterError::Wrong { name: "version", rule: "an integer of at least 1" }),
    }
}

/// How many items a page has at most.
///
/// # Errors
/// It is no number within the rule; `name` is the parameter's.
pub(in crate::http) fn parse_size(text: Option<&str>, name: &'static str) -> Result<u32, ParameterError> {
    match text.map(str::parse) {
        None => Ok(DEFAULT_PAGE_SIZE),
        Some(Ok(size)) if (1..=MAX_PAGE_SIZE).contains(&size) => Ok(size),
        Some(_) => Err(ParameterError::Wrong { name, rule: "a number from 1 to 500" }),
    }
}

/// A UUID in its usual form, with hyphens.
///
/// # Errors
/// It is none; `name` is the parameter's.
pub(in crate::http) fn parse_uuid(text: &str, name: &'static str) -> Result<Uuid, ParameterError> {
    const HYPHENATED: usize = 36;
    match Uuid::try_parse(text) {
        Ok(uuid) if text.len() == HYPHENATED => Ok(uuid),
        _ => Err(ParameterError::Wrong { name, rule: "a UUID" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "550e8400-e29b-41d4-a716-446655440000";

    #[test]
    fn path_segments_are_read() {
        assert_eq!(parse_document_id(DOCUMENT), Ok(DocumentId(Uuid::parse_str(DOCUMENT).unwrap())));
        assert!(parse_document_id("..").is_err());
        assert_eq!(parse_version("7"), Ok(7));
        for wrong in ["0", "-1", "x", "", "9223372036854775808", "1.0"] {
            assert!(parse_version(wrong).is_err(), "{wrong}");
        }
    }
}
