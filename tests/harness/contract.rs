//! `openapi.yaml` as a judge: is this exchange one that it describes?
//!
//! A path, method, status, content type or header that it does not know, or a body that breaks its schema, is a breach.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::answer::Answer;

/// The contract, read once.
pub static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::load);

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "head", "options"];

/// A request and its answer.
pub struct Exchange<'a> {
    /// The method, upper case.
    pub method: &'a str,
    /// The path with its query.
    pub path: &'a str,
    /// The request's body as sent.
    pub request_body: &'a [u8],
    /// The answer.
    pub answer: &'a Answer,
}

/// `openapi.yaml`, with its schemas compiled as they are first needed.
pub struct Contract {
    document: Value,
    validators: Mutex<BTreeMap<String, Arc<Validator>>>,
}

impl Contract {
    fn load() -> Self {
        let document = serde_yaml_ng::from_str(include_str!("../../openapi.yaml")).expect("openapi.yaml is YAML");
        Self { document, validators: Mutex::default() }
    }

    /// The whole document.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// Method (upper case) and path template of each operation.
    pub fn operations(&self) -> Vec<(String, String)> {
        let paths = self.document["paths"].as_object().expect("paths");
        let mut operations = Vec::new();
        for (template, item) in paths {
            for method in METHODS.iter().filter(|method| !item[**method].is_null()) {
                operations.push((method.to_uppercase(), template.clone()));
            }
        }
        operations
    }

    /// Judges an exchange.
    ///
    /// # Errors
    /// What is not as described.
    pub fn check(&self, exchange: &Exchange<'_>) -> Result<(), String> {
        let path = exchange.path.split('?').next().unwrap_or_default();
        let template = self.find_template(path).ok_or_else(|| format!("no path there matches {path}"))?;
        // What is described for GET holds for HEAD, less the body.
        let method = if exchange.method == "HEAD" { "get".to_owned() } else { exchange.method.to_lowercase() };
        let operation = &self.document["paths"][template][&method];
        if operation.is_null() {
            return Err(format!("{template} has no method {method}"));
        }
        let status = exchange.answer.status.to_string();
        let response = self.resolve(&operation["responses"][&status]);
        if response.is_null() {
            return Err(format!("{} {template} has no answer {status}", exchange.method));
        }
        let name = format!("{} {template} {status}", exchange.method);
        self.check_headers(response, exchange.answer)?;
        if exchange.method == "HEAD" {
            let is_empty = exchange.answer.bytes.is_empty();
            return if is_empty { Ok(()) } else { Err(format!("{name}: an answer to HEAD has no body")) };
        }
        self.check_body(&name, response, exchange.answer)?;
        self.check_request(&name, operation, exchange)
    }

    /// Judges the refusal of a request that the contract does not know: a problem with a known code, and its headers.
    ///
    /// # Errors
    /// What is not as described.
    pub fn check_refusal(&self, exchange: &Exchange<'_>) -> Result<(), String> {
        let answer = exchange.answer;
        if !matches!(answer.status, 400..=599) {
            return Err("a request that is not described was not refused".to_owned());
        }
        if answer.find_header("x-request-id").is_none() {
            return Err("the header X-Request-Id is missing".to_owned());
        }
        if exchange.method == "HEAD" {
            return Ok(());
        }
        if answer.media_type() != "application/problem+json" {
            return Err(format!("a refusal is application/problem+json, not {:?}", answer.media_type()));
        }
        self.validate("any refusal", &json!({ "$ref": "#/components/schemas/Problem" }), &answer.body)?;
        if answer.body["status"] == answer.status { Ok(()) } else { Err("status is not the status".to_owned()) }
    }

    /// Checks a value against a schema of the document (or one that refers into it).
    ///
    /// # Errors
    /// Every breach, with its place.
    pub fn validate(&self, name: &str, schema: &Value, instance: &Value) -> Result<(), String> {
        let validator = self.validator(name, schema);
        let breaches: Vec<String> = validator
            .iter_errors(instance)
            .map(|error| format!("at {:?}: {}", error.instance_path().as_str(), error.masked()))
            .collect();
        if breaches.is_empty() { Ok(()) } else { Err(format!("{name}: {}", breaches.join("; "))) }
    }

    /// Follows a `$ref`, if there is one.
    pub fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            Some(pointer) => self.document.pointer(pointer).unwrap_or(&Value::Null),
            None => value,
        }
    }

    /// The template that matches `path`; of several, the one with the fewest parameters.
    fn find_template(&self, path: &str) -> Option<&str> {
        let templates = self.document["paths"].as_object().expect("paths").keys();
        templates
            .filter(|template| matches(template, path))
            .min_by_key(|template| template.matches('{').count())
            .map(String::as_str)
    }

    fn check_headers(&self, response: &Value, answer: &Answer) -> Result<(), String> {
        let Some(headers) = response["headers"].as_object() else {
            return Ok(());
        };
        for (name, header) in headers {
            let header = self.resolve(header);
            match answer.find_header(name) {
                Some(value) => self.validate(&format!("header {name}"), &header["schema"], &json!(value))?,
                None if header["required"] == true => return Err(format!("the header {name} is missing")),
                None => {}
            }
        }
        Ok(())
    }

    fn check_body(&self, name: &str, response: &Value, answer: &Answer) -> Result<(), String> {
        let Some(content) = response["content"].as_object() else {
            return if answer.bytes.is_empty() { Ok(()) } else { Err(format!("{name} has no body")) };
        };
        let media_type = answer.media_type();
        let Some(described) = content.get(media_type).or_else(|| content.get("*/*")) else {
            return Err(format!("{name} is not sent as {media_type:?}"));
        };
        if !media_type.ends_with("json") || described["schema"].as_object().is_none_or(|schema| schema.is_empty()) {
            return Ok(());
        }
        self.validate(&format!("{name} {media_type}"), &described["schema"], &answer.body)
    }

    /// A request that was carried out in full must be one that the contract allows.
    fn check_request(&self, name: &str, operation: &Value, exchange: &Exchange<'_>) -> Result<(), String> {
        let schema = &self.resolve(&operation["requestBody"])["content"]["application/json"]["schema"];
        let answer = exchange.answer;
        let in_full = (200..300).contains(&answer.status) && answer.body["failed"].as_i64().unwrap_or(0) == 0;
        if schema.is_null() || !in_full {
            return Ok(());
        }
        match serde_json::from_slice(exchange.request_body) {
            Ok(body) => self.validate(&format!("{name} request"), schema, &body),
            Err(_) => Ok(()), // compressed
        }
    }

    fn validator(&self, name: &str, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().expect("no validator panics");
        let compiled = validators.entry(format!("{name} {schema}")).or_insert_with(|| {
            let root = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "allOf": [schema],
                "components": self.document["components"],
            });
            let validator = jsonschema::options().should_validate_formats(true).build(&root);
            Arc::new(validator.unwrap_or_else(|error| panic!("the schema of {name} is not one: {error}")))
        });
        Arc::clone(compiled)
    }
}

/// Whether `path` is an instance of `template`, as `/documents/{document_id}`.
fn matches(template: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    let all_match = template.split('/').all(|segment| match parts.next() {
        Some(part) if segment.starts_with('{') => !part.is_empty(),
        Some(part) => part == segment,
        None => false,
    });
    all_match && parts.next().is_none()
}
