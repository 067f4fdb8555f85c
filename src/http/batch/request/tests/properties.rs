//! What holds for any input.

use proptest::prelude::*;

use super::*;

/// JSON of any shape, leaning towards the names and the types that the protocol knows.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["create", "update", "delete", DOCUMENT, "op", "AAA=", "AAA", "////"])
            .prop_map(Value::from),
    ];
    let names = vec![
        "operation",
        "client_id",
        "document_id",
        "document_ref",
        "base_version",
        "force",
        "restore",
        "data",
        "title",
        "content",
        "yjs_state_b64",
        "yjs_updates_b64",
        "state_vector_b64",
        "x~/y",
    ];
    leaf.prop_recursive(3, 40, 8, move |inner| {
        let name = prop::sample::select(names.clone()).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..8).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_bytes(&body);
    }

    #[test]
    fn no_damage_to_a_request_panics(at in 0_usize..400, byte in any::<u8>(), cut in 0_usize..400) {
        let mut body = json!({ "workspace_id": WORKSPACE, "operations": [create(), update(), delete()] })
            .to_string()
            .into_bytes();
        body.truncate(cut.max(1));
        let place = at % body.len();
        body[place] = byte;
        let _ = parse_bytes(&body);
    }

    #[test]
    fn any_operation_leaves_its_neighbours_as_they_were(stranger in any_json()) {
        let first = with(create(), "/client_id", json!("first"));
        let last = with(update(), "/client_id", json!("last"));
        let together = parse_operations(&[first.clone(), stranger, last.clone()]);
        prop_assert_eq!(together.len(), 3);
        prop_assert_eq!(&together[0], &parse_one(&first));
        let (Submitted::Valid(alone), Submitted::Valid(last)) = (parse_one(&last), &together[2]) else {
            return Err(TestCaseError::fail("a sound operation was refused"));
        };
        prop_assert_eq!(&Operation { index: 2, ..*alone }, &**last);
        if let Submitted::Rejected(refused) = &together[1] {
            prop_assert!(refused.error.pointer.as_ref().is_some_and(|place| place.starts_with("/operations/1")));
        }
    }
}
