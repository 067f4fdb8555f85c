//! Figures of one workspace, all from counters and keys: what is stored, who is in, what its sync runs did.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::connection::AnyConnection;
use super::schema::{members, sync_notes, sync_runs, workspaces};
use super::sql_uuid::DbUuid;
use super::usage::{Usage, held_by_owner};
use super::{Store, StoreError};
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::WorkspaceId;
use crate::domain::quota::Held;
use crate::domain::run_statistics::{RunFacts, RunStatistics, summarise};
use crate::domain::timestamp::Timestamp;

/// Runs that are summed up, the newest of them.
const MAX_RUNS: i64 = 100_000;

/// Figures of a workspace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// What is stored.
    pub usage: Usage,
    /// What all workspaces of its owner hold.
    pub held_by_owner: Held,
    /// How many members it has.
    pub members: i64,
    /// What its sync runs did, whosever they are.
    pub runs: RunStatistics,
    /// How many of the failed operations are conflicts.
    pub conflicts: i64,
}

impl Store {
    /// Figures of a workspace, and of its sync runs since `since`.
    ///
    /// # Errors
    /// `NoSuchWorkspace`, or whatever the database said.
    pub fn find_statistics(&self, workspace_id: WorkspaceId, since: Timestamp) -> Result<Statistics, StoreError> {
        let key = DbUuid(workspace_id.0);
        self.read_along_keys(|connection| {
            let usage: Option<Usage> =
                workspaces::table.find(key).select(Usage::as_select()).get_result(connection).optional()?;
            let members = members::table.filter(members::workspace_id.eq(key)).count().get_result(connection)?;
            Ok(Statistics {
                usage: usage.ok_or(StoreError::NoSuchWorkspace)?,
                held_by_owner: held_by_owner(connection, key)?,
                members,
                runs: summarise(&runs_since(connection, key, since)?),
                conflicts: conflicts_since(connection, key, since)?,
            })
        })
    }
}

fn runs_since(connection: &mut AnyConnection, key: DbUuid, since: Timestamp) -> Result<Vec<RunFacts>, StoreError> {
    let rows: Vec<(i64, i64, i64, Option<i64>)> = sync_runs::table
        .filter(sync_runs::workspace_id.eq(key))
        .filter(sync_runs::started_at.ge(since.0))
        .order(sync_runs::started_at.desc())
        .limit(MAX_RUNS)
        .select((
            sql::<BigInt>("succeeded + failed + skipped"),
            sync_runs::failed,
            sync_runs::started_at,
            sync_runs::finished_at,
        ))
        .load(connection)?;
    let facts = |(processed, failed, started_at, finished_at): (i64, i64, i64, Option<i64>)| RunFacts {
        processed,
        failed,
        duration_us: finished_at.map(|end| end.saturating_sub(started_at)),
    };
    Ok(rows.into_iter().map(facts).collect())
}

/// Failures leave notes with their codes, and take them back when they succeed.
fn conflicts_since(connection: &mut AnyConnection, key: DbUuid, since: Timestamp) -> Result<i64, StoreError> {
    let codes: Vec<&str> =
        ErrorCode::ALL.into_iter().filter(|code| code.is_conflict()).map(ErrorCode::as_str).collect();
    Ok(sync_notes::table
        .filter(sync_notes::workspace_id.eq(key))
        .filter(sync_notes::code.eq_any(codes))
        .filter(sync_notes::created_at.ge(since.0))
        .count()
        .get_result(connection)?)
}
