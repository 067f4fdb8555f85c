//! An answer as it came, and what tests ask of it.

use std::fmt;

use serde_json::Value;

/// One HTTP answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Method and path of the request, for messages.
    pub request: String,
    /// The status.
    pub status: u16,
    /// Name (lower case) and value of each header.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub bytes: Vec<u8>,
    /// The body as JSON; null if it is not JSON.
    pub body: Value,
}

impl Answer {
    /// An answer to `request`.
    pub fn new(request: String, status: u16, headers: Vec<(String, String)>, bytes: Vec<u8>) -> Self {
        let mut answer = Self { request, status, headers, bytes, body: Value::Null };
        let has_body = !answer.request.starts_with("HEAD ");
        if has_body && answer.media_type().ends_with("json") {
            answer.body = serde_json::from_slice(&answer.bytes)
                .unwrap_or_else(|error| panic!("{answer}\n\nis declared as JSON, and is not: {error}"));
        }
        answer
    }

    /// The value of a header, if the answer has it.
    pub fn find_header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The value of a header that the answer must have.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.find_header(name).unwrap_or_else(|| panic!("{self}\n\nhas no header {name}"))
    }

    /// `Content-Type` without its parameters; empty without one.
    pub fn media_type(&self) -> &str {
        self.find_header("content-type").and_then(|value| value.split(';').next()).unwrap_or_default().trim()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Asserts the status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// Asserts a refusal: its status and its `code`.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{self}");
        self
    }

    /// Asserts where in the request a refusal points.
    #[track_caller]
    pub fn expect_pointer(self, pointer: &str) -> Self {
        assert_eq!(self.body["pointer"].as_str(), Some(pointer), "{self}");
        self
    }

    /// The string at `pointer` (RFC 6901) of the body.
    #[track_caller]
    pub fn string(&self, pointer: &str) -> String {
        match self.body.pointer(pointer) {
            Some(Value::String(string)) => string.clone(),
            other => panic!("{self}\n\nhas no string at {pointer}, but {other:?}"),
        }
    }

    /// The body of a refusal without what differs from request to request, to compare two refusals.
    pub fn without_request_id(&self) -> Value {
        let mut body = self.body.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.remove("request_id");
        }
        body
    }
}

/// The items of a page or list.
impl Answer {
    /// The `items`.
    #[track_caller]
    pub fn items(&self) -> &[Value] {
        self.body["items"].as_array().unwrap_or_else(|| panic!("{self}\n\nhas no items"))
    }

    /// One field of each of the `items`.
    #[track_caller]
    pub fn column(&self, field: &str) -> Vec<Value> {
        self.items().iter().map(|item| item[field].clone()).collect()
    }
}

/// The results of a batch.
impl Answer {
    /// The results, in the order of the request.
    #[track_caller]
    pub fn results(&self) -> &[Value] {
        self.body["results"].as_array().unwrap_or_else(|| panic!("{self}\n\nhas no results"))
    }

    /// The result of the operation `client_id`.
    #[track_caller]
    pub fn result(&self, client_id: &str) -> &Value {
        self.results()
            .iter()
            .find(|result| result["client_id"] == client_id)
            .unwrap_or_else(|| panic!("{self}\n\nhas no result for {client_id}"))
    }

    /// The document of the operation `client_id`.
    #[track_caller]
    pub fn document_id(&self, client_id: &str) -> String {
        match &self.result(client_id)["document_id"] {
            Value::String(id) => id.clone(),
            _ => panic!("{self}\n\nnames no document for {client_id}"),
        }
    }

    /// Each result as one line: name, status, code, version, flags; for example `op_2 conflict version_mismatch v6`.
    #[track_caller]
    pub fn outcomes(&self) -> Vec<String> {
        self.results().iter().map(outcome_line).collect()
    }

    /// Asserts the outcome of every operation, as [`outcomes`](Self::outcomes) tells it.
    #[track_caller]
    pub fn expect_outcomes<const N: usize>(self, expected: [&str; N]) -> Self {
        assert_eq!(self.outcomes(), expected, "{self}");
        self
    }
}

fn outcome_line(result: &Value) -> String {
    let mut line = format!(
        "{} {}",
        result["client_id"].as_str().unwrap_or("null"),
        result["status"].as_str().unwrap_or("without status")
    );
    if let Some(code) = result["error"]["code"].as_str() {
        line += &format!(" {code}");
    }
    if let Some(version) = result["version"].as_i64() {
        line += &format!(" v{version}");
    }
    for flag in ["merged", "unchanged", "replayed", "title_overwritten"] {
        if result[flag] == true {
            line += &format!(" {flag}");
        }
    }
    line
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN_CHARS: usize = 4_000;
        writeln!(f, "{} -> {}", self.request, self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {value}")?;
        }
        let body = if self.body.is_null() { self.text() } else { format!("{:#}", self.body) };
        write!(f, "\n{}", body.chars().take(SHOWN_CHARS).collect::<String>())
    }
}
