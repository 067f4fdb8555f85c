//! What the sync endpoints are asked with: the body that opens a run, the query of the history, the id in the path.

use serde::Deserialize;

use crate::domain::ids::{SyncId, UserId, WorkspaceId};
use crate::domain::sync_run::{Direction, HistoryPlace, MAX_TOTAL, RunKey};
use crate::http::error::ApiError;
use crate::http::integer;
use crate::http::page_token;
use crate::http::parameters::{ParameterError, RawQuery, parse_uuid};
use crate::sync::runs::OpenRun;

/// Characters of a `device_id` at most.
const MAX_DEVICE_CHARS: usize = 128;

/// The body that opens a run, as it arrives.
#[derive(Debug, Deserialize)]
pub struct OpenRunRequest {
    workspace_id: WorkspaceId,
    #[serde(deserialize_with = "integer::deserialize")]
    total: i64,
    direction: Option<String>,
    device_id: Option<String>,
}

impl OpenRunRequest {
    /// The request of this user for this run.
    ///
    /// # Errors
    /// `Invalid`, with the field that breaks its rule.
    pub fn check(self, user_id: UserId, sync_id: SyncId) -> Result<OpenRun, ApiError> {
        let Self { workspace_id, total, direction, device_id } = self;
        if !(0..=MAX_TOTAL).contains(&total) {
            let rule = format!("total must be from 0 to {MAX_TOTAL}: how many operations the run will process");
            return Err(ApiError::invalid_at("/total", rule));
        }
        let direction = match direction {
            None => Direction::default(),
            Some(name) => Direction::ALL
                .into_iter()
                .find(|direction| direction.as_str() == name)
                .ok_or_else(|| ApiError::invalid_at("/direction", "direction must be push, pull or both"))?,
        };
        let is_name = |name: &String| (1..=MAX_DEVICE_CHARS).contains(&name.chars().count()) && !name.contains('\0');
        if !device_id.as_ref().is_none_or(is_name) {
            let rule = format!("device_id must have 1 to {MAX_DEVICE_CHARS} characters, none of them NUL");
            return Err(ApiError::invalid_at("/device_id", rule));
        }
        Ok(OpenRun { key: RunKey { workspace_id, user_id, sync_id }, total, direction, device_id })
    }
}

/// Query of `GET /api/v1/syncs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Where.
    pub workspace_id: WorkspaceId,
    /// Items of a page at most.
    pub page_size: u32,
    /// Go on after this place.
    pub before: Option<HistoryPlace>,
}

impl HistoryQuery {
    /// Reads a query string for the runs of `user`.
    ///
    /// # Errors
    /// The first parameter that is missing or wrong.
    pub fn parse(query: &str, user: UserId) -> Result<Self, ParameterError> {
        let raw = RawQuery::split(query)?;
        let workspace_id = raw.workspace_id()?;
        let before =
            raw.page_token().map(|token| page_token::read_before_run(workspace_id, user, token)).transpose()?;
        Ok(Self { workspace_id, page_size: raw.page_size()?, before })
    }
}

/// The path segment `sync_id`.
///
/// # Errors
/// It is no UUID.
pub fn parse_sync_id(segment: &str) -> Result<SyncId, ParameterError> {
    parse_uuid(segment, "sync_id").map(SyncId)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const SYNC: SyncId = SyncId(Uuid::from_u128(3));

    fn request(total: i64, direction: Option<&str>, device_id: Option<&str>) -> Result<OpenRun, ApiError> {
        let request = OpenRunRequest {
            workspace_id: WorkspaceId(Uuid::from_u128(1)),
            total,
            direction: direction.map(str::to_owned),
            device_id: device_id.map(str::to_owned),
        };
        request.check(UserId(Uuid::from_u128(2)), SYNC)
    }

    #[test]
    fn a_run_pushes_unless_it_says_otherwise() {
        assert_eq!(request(0, None, None).unwrap().direction, Direction::Push);
        let run = request(MAX_TOTAL, Some("both"), Some("laptop")).unwrap();
        assert_eq!((run.total, run.direction, run.device_id.as_deref()), (MAX_TOTAL, Direction::Both, Some("laptop")));
    }

    #[test]
    fn what_breaks_a_rule_is_named() {
        let long = "x".repeat(MAX_DEVICE_CHARS + 1);
        for (refused, place) in [
            (request(-1, None, None), "/total"),
            (request(MAX_TOTAL + 1, None, None), "/total"),
            (request(1, Some("sideways"), None), "/direction"),
            (request(1, None, Some("")), "/device_id"),
            (request(1, None, Some("a\0b")), "/device_id"),
            (request(1, None, Some(&long)), "/device_id"),
        ] {
            match refused {
                Err(ApiError::Invalid { pointer, .. }) => assert_eq!(pointer.as_deref(), Some(place)),
                other => panic!("{place}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_history_is_paged_for_its_owner_only() {
        let (workspace, user) = (WorkspaceId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let place = (crate::domain::timestamp::Timestamp(5), SYNC);
        let query = format!("workspace_id={workspace}&page_token={}", page_token::before_run(workspace, user, place));
        assert_eq!(HistoryQuery::parse(&query, user).unwrap().before, Some(place));
        assert!(HistoryQuery::parse(&query, UserId(Uuid::from_u128(9))).is_err());
    }
}
