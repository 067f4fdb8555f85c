//! Yjs changes: one update, a list of them, a state vector.

use super::*;

/// Yjs client 1 writes "a" into the root type `content`: 17 bytes.
const FIRST_LETTER: &[u8] = b"\x01\x01\x01\x00\x04\x01\x07content\x01a\x00";
/// Yjs client 1 writes "b" after it: 10 bytes.
const SECOND_LETTER: &[u8] = b"\x01\x01\x01\x01\x84\x01\x00\x01b\x00";

fn b64(bytes: &[u8]) -> Value {
    use base64::Engine;
    Value::from(base64::engine::general_purpose::STANDARD.encode(bytes))
}

#[test]
fn a_yjs_update_is_kept_as_it_came() {
    let operation = valid(&with(update(), "/data", json!({ "yjs_state_b64": b64(FIRST_LETTER) })));
    let yjs = operation.changes.yjs.unwrap();
    assert_eq!(yjs.bytes, FIRST_LETTER);
    assert_eq!((operation.changes.title, operation.changes.content), (None, None));
    // JSON may escape any character; PHP escapes every slash.
    let escaped = format!(r#"{{"yjs_state_b64":"\u0041{}","title":"T"}}"#, &b64(FIRST_LETTER).as_str().unwrap()[1..]);
    let body = format!(
        r#"{{"workspace_id":"{WORKSPACE}","operations":[{{"operation":"create","client_id":"op","data":{escaped}}}]}}"#
    );
    let operations = parse_bytes(body.as_bytes()).unwrap().operations;
    assert!(matches!(operations.as_slice(), [Submitted::Valid(valid)] if valid.changes.yjs.as_ref() == Some(&yjs)));
}

#[test]
fn a_list_of_updates_is_joined() {
    let list = json!([b64(FIRST_LETTER), b64(SECOND_LETTER)]);
    let operation = valid(&with(create(), "/data/yjs_updates_b64", list));
    let spans = operation.changes.yjs.unwrap().spans;
    assert_eq!(spans.iter().map(|span| (span.client, span.start, span.end)).collect::<Vec<_>>(), [(1, 0, 2)]);
}

#[test]
fn a_list_of_one_is_the_same_contents_as_the_update_alone() {
    let alone = valid(&with(create(), "/data/yjs_state_b64", b64(FIRST_LETTER)));
    let list = valid(&with(create(), "/data/yjs_updates_b64", json!([b64(FIRST_LETTER)])));
    let none = valid(&create());
    assert_eq!(alone.payload_digest, list.payload_digest);
    assert_ne!(alone.payload_digest, none.payload_digest);
}

#[test]
fn the_updates_of_a_list_share_one_limit() {
    let list = json!([b64(FIRST_LETTER), b64(SECOND_LETTER), b64(SECOND_LETTER)]);
    let error = rejected(&with(create(), "/data/yjs_updates_b64", list)).error;
    assert_eq!(error.code, ErrorCode::TooLarge);
    assert_eq!(error.pointer.as_deref(), Some("/operations/0/data/yjs_updates_b64/2"));
    assert!(error.message.contains("max_yjs_bytes of 30"), "{}", error.message);
}

#[test]
fn a_state_vector_is_read_beside_the_changes() {
    let operation = valid(&with(create(), "/data/state_vector_b64", b64(&[1, 7, 5])));
    assert_eq!(operation.reader_state_vector, Some([(7, 5)].into_iter().collect()));
    let bare = valid(&with(create(), "/data/state_vector_b64", b64(&[0])));
    assert_eq!(bare.payload_digest, operation.payload_digest, "what the editor has is not part of the contents");
}
