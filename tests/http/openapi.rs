//! `openapi.yaml` itself: sound, complete, and in step with the server.

use std::collections::BTreeSet;

use landfall::domain::error_code::ErrorCode;
use serde_json::{Value, json};

use crate::harness::contract::CONTRACT;
use crate::harness::{Database, TestServer};

#[test]
fn every_reference_leads_somewhere() {
    let document = CONTRACT.document();
    let mut references = BTreeSet::new();
    visit(document, &mut |value| {
        if let Some(reference) = value["$ref"].as_str() {
            references.insert(reference.to_owned());
        }
    });
    for reference in &references {
        let pointer = reference.strip_prefix('#').expect("references stay inside the file");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for kind in ["schemas", "responses", "parameters", "headers", "requestBodies"] {
        for name in document["components"][kind].as_object().expect("a map").keys() {
            let reference = format!("#/components/{kind}/{name}");
            assert!(references.contains(&reference), "{reference} is used nowhere");
        }
    }
}

#[test]
fn every_example_keeps_its_schema() {
    let mut checked = 0;
    visit(CONTRACT.document(), &mut |value| {
        if !value["schema"].is_object() {
            return;
        }
        for (name, example) in value["examples"].as_object().into_iter().flatten() {
            let verdict = CONTRACT.validate(name, &value["schema"], &example["value"]);
            verdict.unwrap_or_else(|breach| panic!("example {breach}"));
            checked += 1;
        }
        if !value["example"].is_null() {
            let verdict = CONTRACT.validate("example", &value["schema"], &value["example"]);
            verdict.unwrap_or_else(|breach| panic!("{breach}"));
            checked += 1;
        }
    });
    assert!(checked > 25, "only {checked} examples");
}

#[test]
fn answers_are_closed_schemas() {
    let answer = json!({
        "total": 0, "successful": 0, "failed": 0, "skipped": 0, "conflicts": 0, "merged": 0, "replayed": 0,
        "committed": true, "dry_run": false, "results": [], "processing_time_ms": 1,
    });
    let schema = json!({ "$ref": "#/components/schemas/BatchAnswer" });
    CONTRACT.validate("answer", &schema, &answer).expect("a sound answer");
    let mut with_unknown_field = answer.clone();
    with_unknown_field["surprise"] = json!(1);
    CONTRACT.validate("answer", &schema, &with_unknown_field).expect_err("an unknown field");
    for (field, wrong) in [("total", json!("0")), ("results", json!([{}])), ("committed", Value::Null)] {
        let mut broken = answer.clone();
        broken[field] = wrong;
        CONTRACT.validate("answer", &schema, &broken).expect_err(field);
    }
}

#[test]
fn operations_have_names_and_refusals() {
    let mut names = BTreeSet::new();
    for (method, template) in CONTRACT.operations() {
        let operation = &CONTRACT.document()["paths"][&template][method.to_lowercase()];
        let name = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {template} has no name"));
        assert!(names.insert(name.to_owned()), "{name} stands twice");
        assert!(operation["summary"].is_string(), "{name} has no summary");
        let is_open = operation["security"] == json!([]);
        let refuses_strangers = operation["responses"]["401"].is_object();
        assert!(is_open || refuses_strangers, "{name} needs a token, and knows no 401");
        for parameter in template.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')) {
            let described = operation["parameters"].as_array().into_iter().flatten();
            let mut names = described.map(|described| CONTRACT.resolve(described)["name"].as_str());
            assert!(names.any(|name| name == Some(parameter)), "{name} does not describe {parameter}");
        }
    }
}

#[test]
fn operation_codes_are_those_of_the_core() {
    let listed = &CONTRACT.document()["components"]["schemas"]["OperationErrorCode"]["enum"];
    assert_eq!(listed, &json!(ErrorCode::ALL.map(ErrorCode::as_str)));
    let result = &CONTRACT.document()["components"]["schemas"]["OperationResult"]["allOf"];
    let conflicts: Vec<&str> =
        ErrorCode::ALL.into_iter().filter(|code| code.is_conflict()).map(ErrorCode::as_str).collect();
    assert_eq!(result[1]["then"]["properties"]["error"]["properties"]["code"]["enum"], json!(conflicts));
}

fn visit(value: &Value, look: &mut impl FnMut(&Value)) {
    look(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| visit(item, look)),
        Value::Object(fields) => fields.values().for_each(|field| visit(field, look)),
        _ => {}
    }
}
