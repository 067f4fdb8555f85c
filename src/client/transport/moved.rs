//! A server that has moved. Nobody follows it unasked: the login would go along.

use ureq::http::Response;

use crate::client::error::ClientError;

/// Why the server's answer is none, if it names another address instead.
#[must_use]
pub fn moved<B>(server: &str, answer: &Response<B>) -> Option<ClientError> {
    if !answer.status().is_redirection() {
        return None;
    }
    let location = answer.headers().get("location").and_then(|location| location.to_str().ok()).unwrap_or_default();
    let base = location.split("/api/v1/").next().unwrap_or_default();
    let next_step = match base {
        "" => "ask its operator for the address".to_owned(),
        base => format!("if it is to be trusted, name it: `landfall login --server {base}` (or `init`)"),
    };
    let place = if location.is_empty() { "elsewhere" } else { location };
    let reason = format!("it points to {place} (HTTP status {}); {next_step}", answer.status().as_u16());
    Some(ClientError::Unreachable { server: server.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, location: Option<&str>) -> Option<String> {
        let mut answer = Response::builder().status(status);
        if let Some(location) = location {
            answer = answer.header("location", location);
        }
        moved("http://notes.example.org", &answer.body(()).unwrap()).map(|error| error.to_string())
    }

    #[test]
    fn the_new_address_is_named() {
        let said_of = |location| said(308, Some(location)).unwrap();
        let text = said_of("https://notes.example.org/api/v1/limits");
        assert!(text.contains("`landfall login --server https://notes.example.org`"), "{text}");
        assert!(said(301, None).unwrap().contains("ask its operator"));
        assert_eq!(said(200, None), None);
        assert_eq!(said(404, None), None);
    }
}
