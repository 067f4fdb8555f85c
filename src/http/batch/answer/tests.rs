//! The answer's JSON, whole, as an editor sees it.

use insta::assert_json_snapshot;
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::domain::outcome::{Attach, Conflict, Ending};
use crate::domain::timestamp::Timestamp;
use crate::sync::DocumentView;

fn outcome(ending: Ending) -> Outcome {
    Outcome {
        index: 0,
        client_id: Some("op_1".to_owned()),
        kind: Some(OperationKind::Update),
        document_id: Some(DocumentId(Uuid::from_u128(7))),
        version: Some(6),
        ending,
        attach: Attach::Nothing,
    }
}

fn because(code: ErrorCode) -> OperationError {
    let message = "The document is at version 6.".to_owned();
    OperationError { code, message, pointer: Some("/operations/0/base_version".to_owned()) }
}

fn plain(outcome: Outcome) -> OperationAnswer {
    OperationAnswer { outcome, server: ServerSide::Nothing, preview: None }
}

fn success() -> OperationAnswer {
    plain(outcome(Ending::Applied { merged: false, title_overwritten: false }))
}

fn conflict() -> OperationAnswer {
    plain(outcome(Ending::failed(because(ErrorCode::VersionMismatch))))
}

fn error() -> OperationAnswer {
    plain(outcome(Ending::failed(because(ErrorCode::NotFound))))
}

fn skipped() -> OperationAnswer {
    plain(outcome(Ending::Skipped(because(ErrorCode::RolledBack))))
}

fn batch(atomic: bool, results: Vec<OperationAnswer>) -> BatchAnswer {
    BatchAnswer {
        results,
        committed: true,
        dry_run: false,
        atomic,
        changes: None,
        batch_id: None,
        restored: None,
        upload: None,
    }
}

fn json(answer: &BatchAnswer) -> Value {
    serde_json::from_slice(&encode_answer(answer, None, 12).unwrap()).unwrap()
}

fn live_document() -> DocumentView {
    DocumentView {
        document_id: DocumentId(Uuid::from_u128(7)),
        version: 6,
        title: "Shopping \"list\"".to_owned(),
        content: Some("- milk\n".to_owned()),
        yjs_state: Some(vec![1, 2, 255]),
        state_vector: Some(vec![1, 5, 9]),
        created_at: Timestamp(1_700_000_000_000_001),
        updated_at: Timestamp(1_700_000_100_000_000),
        updated_by: "grace".to_owned(),
        deleted_at: None,
    }
}

#[test]
fn a_success_is_told_in_five_fields() {
    assert_json_snapshot!(json(&batch(false, vec![success()])), @r#"
        {
          "committed": true,
          "conflicts": 0,
          "dry_run": false,
          "failed": 0,
          "merged": 0,
          "processing_time_ms": 12,
          "replayed": 0,
          "results": [
            {
              "client_id": "op_1",
              "document_id": "00000000-0000-0000-0000-000000000007",
              "operation": "update",
              "status": "success",
              "version": 6
            }
          ],
          "skipped": 0,
          "successful": 1,
          "total": 1
        }
    "#);
}

#[test]
fn a_conflict_carries_the_servers_document_the_base_and_the_marked_text() {
    let mut result = plain(outcome(Ending::Conflict(Box::new(Conflict {
        error: because(ErrorCode::VersionMismatch),
        base: Some(Base { version: 4, title: "Shopping".to_owned(), content: Some("- eggs\n".into()) }),
        merge_text: Some("<<<<<<<\n- milk\n=======\n- tea\n>>>>>>>\n".to_owned()),
    }))));
    result.server = ServerSide::Document(Box::new(live_document()));
    let answer = json(&batch(false, vec![result]));
    assert_json_snapshot!(answer["results"][0], @r#"
        {
          "base": {
            "content": "- eggs\n",
            "title": "Shopping",
            "version": 4
          },
          "client_id": "op_1",
          "document_id": "00000000-0000-0000-0000-000000000007",
          "error": {
            "code": "version_mismatch",
            "message": "The document is at version 6.",
            "pointer": "/operations/0/base_version",
            "retryable": false
          },
          "merge": {
            "content": "<<<<<<<\n- milk\n=======\n- tea\n>>>>>>>\n"
          },
          "operation": "update",
          "server": {
            "content": "- milk\n",
            "created_at": "2023-11-14T22:13:20.000001Z",
            "deleted": false,
            "document_id": "00000000-0000-0000-0000-000000000007",
            "state_vector_b64": "AQUJ",
            "title": "Shopping \"list\"",
            "updated_at": "2023-11-14T22:15:00.000000Z",
            "updated_by": "grace",
            "version": 6,
            "yjs_state_b64": "AQL/"
          },
          "status": "conflict",
          "version": 6
        }
    "#);
}

#[test]
fn flags_appear_only_when_true() {
    let endings = [
        Ending::Applied { merged: true, title_overwritten: true },
        Ending::Unchanged,
        Ending::Replayed,
        Ending::Applied { merged: false, title_overwritten: false },
        Ending::Held,
    ];
    let answer = json(&batch(false, endings.map(outcome).map(plain).into()));
    let flags = |at: usize| {
        let result = answer["results"][at].as_object().unwrap();
        let flags = ["merged", "unchanged", "replayed", "title_overwritten"];
        flags.into_iter().filter(|flag| result.get(*flag) == Some(&Value::Bool(true))).collect::<Vec<_>>()
    };
    assert_eq!((flags(0), flags(1)), (vec!["merged", "title_overwritten"], vec!["unchanged"]));
    assert_eq!((flags(2), flags(3), flags(4)), (vec!["replayed"], vec![], vec![]));
    assert_eq!((answer["merged"].as_u64(), answer["replayed"].as_u64()), (Some(1), Some(1)));
}

#[test]
fn what_could_not_be_read_is_null() {
    let mut result = error();
    result.outcome.client_id = None;
    result.outcome.kind = None;
    result.outcome.document_id = None;
    result.outcome.version = None;
    let answer = json(&batch(false, vec![result]));
    let result = answer["results"][0].as_object().unwrap();
    assert_eq!(result["client_id"], Value::Null);
    assert_eq!(result["operation"], Value::Null);
    assert!(!result.contains_key("document_id") && !result.contains_key("version"));
}

#[test]
fn missing_dependencies_are_answered_with_the_state_vector_alone() {
    let mut result = plain(outcome(Ending::failed(because(ErrorCode::YjsMissingDependencies))));
    result.server = ServerSide::StateVector(vec![0xfb, 0xff]);
    let answer = json(&batch(false, vec![result]));
    assert_eq!(answer["results"][0]["server"], serde_json::json!({ "state_vector_b64": "+/8=" }));
    assert_eq!(answer["results"][0]["error"]["retryable"], Value::Bool(true));
}

#[test]
fn a_tombstone_has_neither_text_nor_yjs_state() {
    let tombstone = DocumentView {
        content: None,
        yjs_state: None,
        state_vector: None,
        deleted_at: Some(Timestamp(1_700_000_100_000_000)),
        ..live_document()
    };
    assert_json_snapshot!(DocumentBody::from(&tombstone), @r#"
        {
          "document_id": "00000000-0000-0000-0000-000000000007",
          "version": 6,
          "title": "Shopping \"list\"",
          "created_at": "2023-11-14T22:13:20.000001Z",
          "updated_at": "2023-11-14T22:15:00.000000Z",
          "updated_by": "grace",
          "deleted": true,
          "deleted_at": "2023-11-14T22:15:00.000000Z"
        }
    "#);
}

#[test]
fn counts_add_up() {
    let counts = Counts::of(&[success(), conflict(), error(), skipped(), success()]);
    let expected = Counts { total: 5, successful: 2, failed: 2, skipped: 1, conflicts: 1, merged: 0, replayed: 0 };
    assert_eq!(counts, expected);
}

#[test]
fn only_an_atomic_batch_with_a_culprit_is_rolled_back() {
    let cases = [
        (false, vec![error(), conflict()], AnswerKind::Processed),
        (true, vec![], AnswerKind::Processed),
        (true, vec![success()], AnswerKind::Processed),
        (true, vec![skipped(), conflict(), skipped()], AnswerKind::RolledBackByConflicts),
        (true, vec![conflict(), error()], AnswerKind::RolledBackByErrors),
        (true, vec![error(), conflict()], AnswerKind::RolledBackByErrors),
    ];
    for (atomic, results, expected) in cases {
        let statuses: Vec<_> = results.iter().map(|result| result.outcome.status()).collect();
        assert_eq!(AnswerKind::of(&batch(atomic, results)), expected, "atomic {atomic}, {statuses:?}");
    }
}

#[test]
fn a_problem_stands_beside_the_answers_own_fields() {
    let problem = ProblemMembers {
        type_uri: "about:blank",
        title: "Rolled back",
        status: 409,
        detail: "1 of 2 operations failed.".to_owned(),
        code: "rolled_back",
        request_id: "r-1",
    };
    let answer = BatchAnswer { committed: false, ..batch(true, vec![skipped(), conflict()]) };
    let json: Value = serde_json::from_slice(&encode_answer(&answer, Some(problem), 4).unwrap()).unwrap();
    assert_eq!(json["type"], "about:blank");
    assert_eq!(json["status"], 409);
    assert_eq!(json["request_id"], "r-1");
    assert_eq!(json["committed"], false);
    assert_eq!(json["results"].as_array().unwrap().len(), 2);
}
