//! `openapi.yaml` itself: sound, complete, and in step with the server.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use landfall::domain::error_code::ErrorCode;
use serde_json::{Value, json};

use crate::harness::contract::CONTRACT;
use crate::harness::user::new_id;
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

/// Method and path template of each route, as the handlers' sources mount them.
fn mounted_routes() -> BTreeSet<(String, String)> {
    let mut routes = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let source = fs::read_to_string(entry.path()).unwrap_or_default();
            // What stands after one mount and before the next one belongs to it; tests mount routes of their own.
            for mount in source.split("#[cfg(test)]").next().unwrap_or_default().split("web::resource(").skip(1) {
                let path = mount.split('"').nth(1).expect("a path");
                let template = path.replace(":.*}", "}");
                for method in ["get", "post", "put", "delete", "patch"] {
                    if mount.contains(&format!("web::{method}()")) {
                        routes.insert((method.to_uppercase(), template.clone()));
                    }
                }
            }
        }
    }
    routes
}

#[test]
fn the_server_mounts_what_is_described_and_nothing_else() {
    let described: BTreeSet<_> = CONTRACT.operations().into_iter().collect();
    assert_eq!(mounted_routes(), described);
}

#[test]
fn every_described_operation_is_served() {
    let server = TestServer::start(Database::Sqlite);
    for (method, template) in CONTRACT.operations() {
        let path = template.replace("{file}", "index.css").replace("{version}", "1").replace("{username}", "ada");
        let path = path.replace("{editor_folder}/{editor_file}", &super::editor::an_asset());
        let path = path
            .replace("{editor_file}", "sw.js")
            .replace("{document_id}", &new_id())
            .replace("{workspace_id}", &new_id());
        let answer = server.client().request(&method, &path).send();
        let is_no_route = answer.body["detail"] == "there is nothing at this path" || answer.status == 405;
        assert!(!is_no_route, "{method} {template} is described, and not served\n{answer}");
    }
}

fn visit(value: &Value, look: &mut impl FnMut(&Value)) {
    look(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| visit(item, look)),
        Value::Object(fields) => fields.values().for_each(|field| visit(field, look)),
        _ => {}
    }
}
