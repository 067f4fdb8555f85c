//! A run's progress as JSON: what `GET /api/v1/syncs/{sync_id}` answers, and what live streams send.

use serde::Serialize;

use crate::domain::ids::{DocumentId, SyncId, UserId, WorkspaceId};
use crate::domain::sync_run::{RunNote, RunStatus, SyncRun};
use crate::domain::timestamp::Timestamp;
use crate::http::documents::body::Page;
use crate::http::page_token;
use crate::sync::runs::SyncRunView;

/// What is said of a run in `error`: there is only one way to get there.
const FELL_SILENT: &str = "nothing was heard of this run for an hour; a batch with its sync_id takes it up again";

/// A run without its failures.
#[derive(Debug, PartialEq, Serialize)]
pub struct RunSummaryBody<'a> {
    sync_id: SyncId,
    direction: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<&'a str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
    total: i64,
    processed: i64,
    succeeded: i64,
    failed: i64,
    skipped: i64,
    percentage: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_operation: Option<&'a str>,
    error_count: i64,
    started_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_completion: Option<Timestamp>,
}

impl<'a> From<&'a SyncRun> for RunSummaryBody<'a> {
    fn from(run: &'a SyncRun) -> Self {
        Self {
            sync_id: run.sync_id,
            direction: run.direction.as_str(),
            device_id: run.device_id.as_deref(),
            status: run.status.as_str(),
            message: (run.status == RunStatus::Error).then_some(FELL_SILENT),
            total: run.total,
            processed: run.processed(),
            succeeded: run.succeeded,
            failed: run.failed,
            skipped: run.skipped,
            percentage: run.percentage(),
            current_operation: run.current_operation.as_deref(),
            error_count: run.failed.saturating_add(run.skipped),
            started_at: run.started_at,
            updated_at: run.updated_at,
            finished_at: run.finished_at,
            estimated_completion: run.estimated_completion(),
        }
    }
}

/// A run's progress.
#[derive(Debug, PartialEq, Serialize)]
pub struct ProgressBody<'a> {
    #[serde(flatten)]
    summary: RunSummaryBody<'a>,
    errors: Vec<RunErrorBody<'a>>,
}

impl<'a> From<&'a SyncRunView> for ProgressBody<'a> {
    fn from(view: &'a SyncRunView) -> Self {
        let errors = view.failures.iter().filter_map(RunErrorBody::of).collect();
        Self { summary: (&view.run).into(), errors }
    }
}

/// Why an operation of a run was not applied.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct RunErrorBody<'a> {
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_id: Option<DocumentId>,
    code: &'static str,
    message: &'a str,
    retry_count: i64,
    timestamp: Timestamp,
}

impl<'a> RunErrorBody<'a> {
    fn of(note: &'a RunNote) -> Option<Self> {
        let failure = note.failure.as_ref()?;
        Some(Self {
            client_id: note.client_id.as_deref(),
            document_id: note.document_id,
            code: failure.code.as_str(),
            message: &failure.message,
            retry_count: failure.retry_count,
            timestamp: note.noted_at,
        })
    }
}

/// A page of a user's runs.
#[must_use]
pub fn run_page(workspace: WorkspaceId, user: UserId, rows: &[SyncRun], page_size: u32) -> Page<RunSummaryBody<'_>> {
    Page::of(rows, page_size, RunSummaryBody::from, |last| {
        page_token::before_run(workspace, user, (last.started_at, last.sync_id))
    })
}

#[cfg(test)]
mod tests {
    use insta::assert_json_snapshot;
    use uuid::Uuid;

    use super::*;
    use crate::domain::error_code::ErrorCode;
    use crate::domain::sync_run::{Direction, RunFailure};

    const START: Timestamp = Timestamp(1_700_000_000_000_000);

    fn view() -> SyncRunView {
        let mut run = SyncRun::open(SyncId(Uuid::from_u128(7)), Some("laptop".to_owned()), Direction::Push, 500, START);
        (run.status, run.succeeded, run.failed, run.skipped) = (RunStatus::Processing, 148, 1, 1);
        run.current_operation = Some("update 3 of 100 in batch 2".to_owned());
        run.updated_at = START.plus_seconds(30);
        let failure = RunFailure {
            code: ErrorCode::VersionMismatch,
            message: "the document changed since base_version".to_owned(),
            retry_count: 1,
        };
        let note = RunNote {
            number: 3,
            client_id: Some("op_7".to_owned()),
            document_id: Some(DocumentId(Uuid::from_u128(8))),
            failure: Some(failure),
            noted_at: START.plus_seconds(20),
        };
        SyncRunView { run, failures: vec![note] }
    }

    #[test]
    fn progress_says_how_far_what_failed_and_until_when() {
        assert_json_snapshot!(ProgressBody::from(&view()), @r#"
        {
          "sync_id": "00000000-0000-0000-0000-000000000007",
          "direction": "push",
          "device_id": "laptop",
          "status": "processing",
          "total": 500,
          "processed": 150,
          "succeeded": 148,
          "failed": 1,
          "skipped": 1,
          "percentage": 30.0,
          "current_operation": "update 3 of 100 in batch 2",
          "error_count": 2,
          "started_at": "2023-11-14T22:13:20.000000Z",
          "updated_at": "2023-11-14T22:13:50.000000Z",
          "estimated_completion": "2023-11-14T22:15:00.000000Z",
          "errors": [
            {
              "client_id": "op_7",
              "document_id": "00000000-0000-0000-0000-000000000008",
              "code": "version_mismatch",
              "message": "the document changed since base_version",
              "retry_count": 1,
              "timestamp": "2023-11-14T22:13:40.000000Z"
            }
          ]
        }
        "#);
    }

    #[test]
    fn a_run_that_fell_silent_says_so() {
        let SyncRunView { mut run, .. } = view();
        assert!(run.fall_silent(START.plus_seconds(3_700)));
        let body = serde_json::to_value(RunSummaryBody::from(&run)).unwrap();
        assert_eq!((&body["status"], &body["message"]), (&"error".into(), &FELL_SILENT.into()));
        assert!(body["finished_at"].is_string() && body.get("estimated_completion").is_none());
    }
}
