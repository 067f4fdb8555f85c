//! The rules of protocol §1.2, by tables.

use serde_json::{Value, json};

use uuid::Uuid;

use super::*;
use crate::domain::error_code::ErrorCode;
use crate::domain::operation::{Operation, OperationKind, RejectedOperation, Target};

const WORKSPACE: &str = "550e8400-e29b-41d4-a716-446655440000";
const DOCUMENT: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

mod properties;
mod yjs;

/// Small limits, so that tests can step over each of them.
fn limits() -> Limits {
    Limits { max_operations: 5, max_title_chars: 10, max_content_bytes: 20, max_yjs_bytes: 30, ..Limits::default() }
}

fn parse_bytes(body: &[u8]) -> Result<Batch, RequestError> {
    let mut minted = 0;
    parse_batch(body, &limits(), UserId(Uuid::nil()), &mut || {
        minted += 1;
        DocumentId(Uuid::from_u128(minted))
    })
}

fn parse(request: &Value) -> Result<Batch, RequestError> {
    parse_bytes(request.to_string().as_bytes())
}

fn parse_operations(operations: &[Value]) -> Vec<Submitted> {
    parse(&json!({ "workspace_id": WORKSPACE, "operations": operations })).unwrap().operations
}

fn parse_one(operation: &Value) -> Submitted {
    parse_operations(std::slice::from_ref(operation)).remove(0)
}

fn valid(operation: &Value) -> Operation {
    match parse_one(operation) {
        Submitted::Valid(operation) => *operation,
        Submitted::Rejected(rejected) => panic!("{operation} was refused: {rejected:?}"),
    }
}

fn rejected(operation: &Value) -> RejectedOperation {
    match parse_one(operation) {
        Submitted::Rejected(rejected) => rejected,
        Submitted::Valid(_) => panic!("{operation} was taken"),
    }
}

fn create() -> Value {
    json!({ "operation": "create", "client_id": "op", "data": { "title": "T", "content": "text" } })
}

fn update() -> Value {
    json!({
        "operation": "update", "client_id": "op", "document_id": DOCUMENT, "base_version": 3,
        "data": { "content": "text" },
    })
}

fn delete() -> Value {
    json!({ "operation": "delete", "client_id": "op", "document_id": DOCUMENT, "base_version": 4 })
}

/// `base` with the value at `pointer` set; the last step of the pointer may be new.
fn with(base: Value, pointer: &str, value: Value) -> Value {
    let mut changed = base;
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    changed.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(field.to_owned(), value);
    changed
}

fn without(base: Value, pointer: &str) -> Value {
    let mut changed = base;
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    changed.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(field);
    changed
}

#[test]
fn a_whole_request_is_read() {
    let request = json!({
        "workspace_id": WORKSPACE, "device_id": "laptop", "atomic": true, "dry_run": true, "sync_id": DOCUMENT,
        "cursor": null, "operations": [create(), with(delete(), "/client_id", json!("op_2"))],
    });
    let batch = parse(&request).unwrap();
    assert_eq!(batch.workspace_id.to_string(), WORKSPACE);
    assert_eq!(batch.device_id.as_deref(), Some("laptop"));
    assert!(batch.atomic && batch.dry_run);
    assert_eq!(batch.sync_id.map(|id| id.to_string()).as_deref(), Some(DOCUMENT));
    assert_eq!(batch.operations.iter().map(Submitted::index).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_create_without_an_id_is_given_one() {
    assert_eq!(valid(&create()).target, Target::Minted(DocumentId(Uuid::from_u128(1))));
    let id = DocumentId(Uuid::parse_str(DOCUMENT).unwrap());
    assert_eq!(valid(&with(create(), "/document_id", json!(DOCUMENT))).target, Target::Id(id));
    assert_eq!(valid(&with(create(), "/document_id", json!(DOCUMENT.to_uppercase()))).target, Target::Id(id));
}

#[test]
fn fields_of_an_update_are_read() {
    let operation = with(with(update(), "/force", json!(true)), "/restore", json!(true));
    let operation = valid(&with(operation, "/data/title", json!("é\n\"")));
    assert_eq!(operation.kind, OperationKind::Update);
    assert_eq!(operation.base_version, Some(3));
    assert!(operation.force && operation.restore);
    assert_eq!(operation.changes.title.as_deref(), Some("é\n\""));
    assert_eq!(operation.changes.content.map(|content| content.text).as_deref(), Some("text"));
    let by_ref = with(without(update(), "/document_id"), "/document_ref", json!("op_1"));
    assert_eq!(valid(&by_ref).target, Target::Ref("op_1".to_owned()));
}

#[test]
fn null_counts_as_absent() {
    for field in ["/document_ref", "/base_version", "/force", "/restore", "/data/title", "/data/yjs_state_b64"] {
        valid(&with(update(), field, Value::Null));
    }
    for field in ["/document_id", "/data/content", "/data/yjs_updates_b64", "/data/state_vector_b64"] {
        valid(&with(create(), field, Value::Null));
    }
    let request = json!({
        "workspace_id": WORKSPACE, "device_id": null, "atomic": null, "dry_run": null, "sync_id": null,
        "operations": [],
    });
    assert_eq!(parse(&request).unwrap().device_id, None);
}

#[test]
fn fields_of_another_kind_are_ignored() {
    let create = with(with(create(), "/restore", json!(7)), "/base_version", json!("x"));
    let create = valid(&with(create, "/document_ref", json!(false)));
    assert_eq!((create.base_version, create.restore), (None, false));
    let delete = valid(&with(with(delete(), "/data", json!({ "title": 7 })), "/restore", json!("x")));
    assert_eq!(delete.changes, crate::domain::operation::Changes::default());
}

#[test]
fn limits_are_inclusive() {
    valid(&with(create(), "/data/title", json!("ü".repeat(10))));
    valid(&with(create(), "/data/title", json!("")));
    valid(&with(create(), "/data/content", json!("x".repeat(20))));
    valid(&with(create(), "/client_id", json!("é".repeat(128))));
    valid(&with(delete(), "/base_version", json!(i64::MAX)));
    let five: Vec<_> = (0..5).map(|n| with(create(), "/client_id", json!(format!("op_{n}")))).collect();
    assert!(parse_operations(&five).iter().all(|operation| matches!(operation, Submitted::Valid(_))));
}

#[test]
fn each_mistake_of_an_operation_has_its_code_and_place() {
    use ErrorCode::{Base64Invalid, Invalid, TooLarge, YjsInvalid};
    let cases = [
        (json!(7), Invalid, ""),
        (json!(null), Invalid, ""),
        (json!(["create", "op"]), Invalid, ""),
        (without(create(), "/client_id"), Invalid, "/client_id"),
        (with(create(), "/client_id", json!(7)), Invalid, "/client_id"),
        (with(create(), "/client_id", json!("")), Invalid, "/client_id"),
        (with(create(), "/client_id", json!("a\0")), Invalid, "/client_id"),
        (with(create(), "/client_id", json!("a".repeat(129))), Invalid, "/client_id"),
        (without(create(), "/operation"), Invalid, "/operation"),
        (with(create(), "/operation", json!("upsert")), Invalid, "/operation"),
        (with(create(), "/operation", json!(["create"])), Invalid, "/operation"),
        (with(create(), "/document_id", json!("7")), Invalid, "/document_id"),
        (with(create(), "/document_id", json!(7)), Invalid, "/document_id"),
        (with(create(), "/document_id", json!(DOCUMENT.replace('-', ""))), Invalid, "/document_id"),
        (without(update(), "/document_id"), Invalid, "/document_id"),
        (without(delete(), "/document_id"), Invalid, "/document_id"),
        (with(update(), "/document_ref", json!("op_1")), Invalid, "/document_ref"),
        (with(without(delete(), "/document_id"), "/document_ref", json!(1)), Invalid, "/document_ref"),
        (with(without(delete(), "/document_id"), "/document_ref", json!("")), Invalid, "/document_ref"),
        (with(update(), "/base_version", json!(0)), Invalid, "/base_version"),
        (with(update(), "/base_version", json!(-1)), Invalid, "/base_version"),
        (with(update(), "/base_version", json!(1.5)), Invalid, "/base_version"),
        (with(update(), "/base_version", json!("1")), Invalid, "/base_version"),
        (with(update(), "/base_version", json!(9_223_372_036_854_775_808_u64)), Invalid, "/base_version"),
        (with(update(), "/force", json!(1)), Invalid, "/force"),
        (with(delete(), "/force", json!("true")), Invalid, "/force"),
        (with(update(), "/restore", json!({})), Invalid, "/restore"),
        (without(create(), "/data"), Invalid, "/data"),
        (without(update(), "/data"), Invalid, "/data"),
        (with(update(), "/data", json!("text")), Invalid, "/data"),
        (with(update(), "/data", json!(["title"])), Invalid, "/data"),
        (with(update(), "/data", json!({})), Invalid, "/data"),
        (with(update(), "/data", json!({ "state_vector_b64": "AA==" })), Invalid, "/data"),
        (without(create(), "/data/title"), Invalid, "/data/title"),
        (with(create(), "/data/title", json!(7)), Invalid, "/data/title"),
        (with(create(), "/data/title", json!("a\0b")), Invalid, "/data/title"),
        (with(create(), "/data/title", json!("a".repeat(11))), TooLarge, "/data/title"),
        (with(create(), "/data/content", json!({})), Invalid, "/data/content"),
        (with(create(), "/data/content", json!("\0")), Invalid, "/data/content"),
        (with(create(), "/data/content", json!("é".repeat(11))), TooLarge, "/data/content"),
        (with(create(), "/data/yjs_state_b64", json!(7)), Invalid, "/data/yjs_state_b64"),
        (with(create(), "/data/yjs_state_b64", json!("AAA")), Base64Invalid, "/data/yjs_state_b64"),
        (with(create(), "/data/yjs_state_b64", json!("AA-_")), Base64Invalid, "/data/yjs_state_b64"),
        (with(create(), "/data/yjs_state_b64", json!("AB==")), Base64Invalid, "/data/yjs_state_b64"),
        (with(create(), "/data/yjs_state_b64", json!("AAAA\n")), Base64Invalid, "/data/yjs_state_b64"),
        (with(create(), "/data/yjs_state_b64", json!("")), YjsInvalid, "/data/yjs_state_b64"),
        (with(create(), "/data/yjs_state_b64", json!("////")), YjsInvalid, "/data/yjs_state_b64"),
        (with(create(), "/data/yjs_state_b64", json!("A".repeat(44))), TooLarge, "/data/yjs_state_b64"),
        (with(create(), "/data/yjs_updates_b64", json!("AAA=")), Invalid, "/data/yjs_updates_b64"),
        (with(create(), "/data/yjs_updates_b64", json!([])), Invalid, "/data/yjs_updates_b64"),
        (with(create(), "/data/yjs_updates_b64", json!([7])), Invalid, "/data/yjs_updates_b64/0"),
        (with(create(), "/data/yjs_updates_b64", json!(["!"])), Base64Invalid, "/data/yjs_updates_b64/0"),
        (with(create(), "/data/state_vector_b64", json!(7)), Invalid, "/data/state_vector_b64"),
        (with(create(), "/data/state_vector_b64", json!("A")), Base64Invalid, "/data/state_vector_b64"),
        (with(create(), "/data/state_vector_b64", json!("/w==")), YjsInvalid, "/data/state_vector_b64"),
        (
            with(create(), "/data", json!({ "title": "T", "yjs_state_b64": "AAA=", "yjs_updates_b64": ["AAA="] })),
            Invalid,
            "/data/yjs_updates_b64",
        ),
    ];
    for (operation, code, place) in cases {
        let error = rejected(&operation).error;
        let pointer = format!("/operations/0{place}");
        assert_eq!((error.code, error.pointer), (code, Some(pointer)), "{operation}: {}", error.message);
        assert!(error.message.len() > 15, "{}", error.message);
    }
}

#[test]
fn a_rejected_operation_keeps_what_could_be_read() {
    let refused = rejected(&with(update(), "/base_version", json!(0)));
    assert_eq!(refused.client_id.as_deref(), Some("op"));
    assert_eq!(refused.kind, Some(OperationKind::Update));
    assert_eq!(refused.target, Some(Target::Id(DocumentId(Uuid::parse_str(DOCUMENT).unwrap()))));
    let nameless = rejected(&without(update(), "/client_id"));
    assert_eq!((nameless.client_id, nameless.kind), (None, Some(OperationKind::Update)));
    let unborn = rejected(&without(create(), "/data/title"));
    assert_eq!(unborn.target, None, "no id is minted for a document that will not be");
}

#[test]
fn the_second_operation_of_a_name_is_refused_and_the_first_is_not() {
    let malformed_first = with(create(), "/data/title", json!(7));
    for first in [create(), malformed_first] {
        let operations = parse_operations(&[first.clone(), delete(), update()]);
        for (place, operation) in operations.iter().enumerate().skip(1) {
            let Submitted::Rejected(refused) = operation else { panic!("{operation:?} was taken") };
            assert_eq!(refused.error.code, ErrorCode::DuplicateClientId);
            assert_eq!(refused.error.pointer.as_deref(), Some(format!("/operations/{place}/client_id").as_str()));
            assert_eq!(refused.client_id.as_deref(), Some("op"));
        }
        let alone = parse_one(&first);
        assert_eq!(operations[0], alone);
    }
}

#[test]
fn half_a_surrogate_pair_costs_its_operation_only() {
    for (place, operation) in [
        ("/data/title", r#"{"operation":"update","client_id":"op","document_id":"ID","data":{"title":"\ud800"}}"#),
        ("/data/content", r#"{"operation":"update","client_id":"op","document_id":"ID","data":{"content":"\udc00x"}}"#),
        ("/client_id", r#"{"operation":"update","client_id":"\ud800","document_id":"ID","data":{"title":"T"}}"#),
        ("", r#"{"operation":"update","client_id":"op","\ud800":1,"document_id":"ID","data":{"title":"T"}}"#),
    ] {
        let good = with(create(), "/client_id", json!("good"));
        let body =
            format!(r#"{{"workspace_id":"{WORKSPACE}","operations":[{operation},{good}]}}"#).replace("ID", DOCUMENT);
        let operations = parse_bytes(body.as_bytes()).unwrap().operations;
        let [Submitted::Rejected(refused), Submitted::Valid(_)] = operations.as_slice() else {
            panic!("{operations:?}")
        };
        assert_eq!(refused.error.code, ErrorCode::Invalid);
        assert_eq!(refused.error.pointer.as_deref(), Some(format!("/operations/0{place}").as_str()));
    }
}

#[test]
fn unknown_fields_may_nest_as_deep_as_they_like() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let operation = format!(
        r#"{{"x":{deep},"operation":"create","client_id":"op","data":{{"title":"T","y":{deep},"content":null}}}}"#
    );
    let body = format!(r#"{{"z":{deep},"workspace_id":"{WORKSPACE}","operations":[{operation},{deep}]}}"#);
    let operations = parse_bytes(body.as_bytes()).unwrap().operations;
    assert!(matches!(operations.as_slice(), [Submitted::Valid(_), Submitted::Rejected(_)]), "{operations:?}");
    let wrong = format!(r#"{{"operation":"create","client_id":{deep},"document_id":{deep},"data":{deep}}}"#);
    let body = format!(r#"{{"workspace_id":"{WORKSPACE}","operations":[{wrong}]}}"#);
    assert_eq!(parse_bytes(body.as_bytes()).unwrap().operations.len(), 1);
}

#[test]
fn a_malformed_request_is_refused_with_its_place() {
    let sound = json!({ "workspace_id": WORKSPACE, "operations": [] });
    let cases = [
        (json!(null), None),
        (json!([]), None),
        (json!("secret text"), None),
        (without(sound.clone(), "/workspace_id"), Some("/workspace_id")),
        (with(sound.clone(), "/workspace_id", json!(7)), Some("/workspace_id")),
        (with(sound.clone(), "/workspace_id", json!("x")), Some("/workspace_id")),
        (without(sound.clone(), "/operations"), Some("/operations")),
        (with(sound.clone(), "/operations", json!(null)), Some("/operations")),
        (with(sound.clone(), "/operations", json!({})), Some("/operations")),
        (with(sound.clone(), "/operations", json!("[]")), Some("/operations")),
        (with(sound.clone(), "/operations", json!(7)), Some("/operations")),
        (with(sound.clone(), "/device_id", json!("")), Some("/device_id")),
        (with(sound.clone(), "/device_id", json!("a\0")), Some("/device_id")),
        (with(sound.clone(), "/device_id", json!("a".repeat(129))), Some("/device_id")),
        (with(sound.clone(), "/device_id", json!(7)), Some("/device_id")),
        (with(sound.clone(), "/atomic", json!("true")), Some("/atomic")),
        (with(sound.clone(), "/dry_run", json!(1)), Some("/dry_run")),
        (with(sound, "/sync_id", json!("x")), Some("/sync_id")),
    ];
    for (request, place) in cases {
        match parse(&request) {
            Err(RequestError::Malformed { detail, pointer }) => {
                assert_eq!(pointer.as_deref(), place, "{request}: {detail}");
                assert!(!detail.contains("secret"), "{detail}");
            }
            other => panic!("{request}: {other:?}"),
        }
    }
}

#[test]
fn what_is_not_json_is_refused() {
    let cases: [&[u8]; 8] =
        [b"", b"{", b"{]", b"nonsense", b"\xff\xfe", b"{\"a\":\"\xff\"}", b"{\"a\":\"\n\"}", b"{} {}"];
    for body in cases {
        let refused = parse_bytes(body);
        assert!(matches!(refused, Err(RequestError::Malformed { pointer: None, .. })), "{body:?}: {refused:?}");
    }
}

#[test]
fn one_operation_too_many_refuses_the_request() {
    let six: Vec<_> = (0..6).map(|_| create()).collect();
    for (found, operations) in [(6, json!(six)), (100_000, json!(vec![0; 100_000]))] {
        let refused = parse(&json!({ "operations": operations, "workspace_id": WORKSPACE }));
        assert_eq!(refused, Err(RequestError::TooManyOperations { found, max: 5 }));
    }
}

#[test]
fn an_empty_batch_is_a_batch() {
    assert_eq!(parse_operations(&[]), []);
}

#[test]
fn the_payload_digest_tells_contents_apart_and_nothing_else() {
    let digest = |operation: &Value| valid(operation).payload_digest;
    let base = digest(&update());
    let the_same = [
        with(update(), "/base_version", json!(9)),
        without(update(), "/base_version"),
        with(update(), "/force", json!(true)),
        with(update(), "/client_id", json!("other")),
        with(without(update(), "/document_id"), "/document_ref", json!("op_1")),
        with(update(), "/unknown", json!(1)),
    ];
    for operation in the_same {
        assert_eq!(digest(&operation), base, "{operation}");
    }
    let others = [
        with(update(), "/restore", json!(true)),
        with(update(), "/data/content", json!("texT")),
        with(update(), "/data", json!({ "title": "text" })),
        with(update(), "/data", json!({ "title": "", "content": "text" })),
        with(update(), "/operation", json!("delete")),
        with(create(), "/data", json!({ "title": "", "content": "text" })),
    ];
    let mut digests: Vec<_> = others.iter().map(digest).chain([base]).collect();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), others.len() + 1);
}
