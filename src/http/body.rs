//! Reading request bodies: bounded in size and time, inflated off the event loop, checked to be JSON, with errors that
//! say where.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::body::{BodyStream, to_bytes_limited};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::Segment;

use crate::http::error::ApiError;
use crate::http::inflate::{Coding, InflateError};
use crate::http::state::AppState;

/// The most that a small JSON body (a login, a member's role) may have, decompressed.
pub const MAX_SMALL_BODY_BYTES: usize = 64 * 1024;

/// A small JSON body of a request with a login. Unknown fields are ignored.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for JsonBody<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            let bytes = read_json_bytes(&request, payload, MAX_SMALL_BODY_BYTES).await?;
            parse_json(&bytes).map(Self)
        })
    }
}

/// A small JSON body of a request that anybody may send: never compressed, so that nobody without a login can make the
/// server inflate anything. Unknown fields are ignored.
#[derive(Debug)]
pub struct PlainJsonBody<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for PlainJsonBody<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            if coding_of(&request)?.is_some() {
                let detail = "this path takes no compressed body; send it without a content encoding".to_owned();
                return Err(ApiError::UnsupportedMediaType(detail));
            }
            let bytes = read_json_bytes(&request, payload, MAX_SMALL_BODY_BYTES).await?;
            parse_json(&bytes).map(Self)
        })
    }
}

/// The plain body of a JSON request, at most `max_bytes` of it, within the published time limit.
///
/// # Errors
/// `UnsupportedMediaType`, `PayloadTooLarge`, `Timeout`; `BadRequest` if it breaks off or cannot be inflated.
pub async fn read_json_bytes(request: &HttpRequest, payload: Payload, max_bytes: usize) -> Result<Bytes, ApiError> {
    check_type(request)?;
    let coding = coding_of(request)?;
    let too_large = || ApiError::PayloadTooLarge { limit_bytes: max_bytes };
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    // What cannot be compressed grows by a little when it is.
    let max_sent =
        if coding.is_some() { max_bytes.saturating_add(max_bytes / 256).saturating_add(1024) } else { max_bytes };
    if announced.is_some_and(|length: usize| length > max_sent) {
        return Err(too_large());
    }
    let time = request
        .app_data::<web::Data<AppState>>()
        .map_or(Duration::from_secs(30), |state| Duration::from_millis(state.limits.timeout_ms));
    let sent = match actix_web::rt::time::timeout(time, to_bytes_limited(BodyStream::new(payload), max_sent)).await {
        Ok(Ok(Ok(sent))) => sent,
        Ok(Ok(Err(_broken))) => return Err(ApiError::bad_request("the body breaks off")),
        Ok(Err(_too_long)) => return Err(too_large()),
        Err(_elapsed) => return Err(ApiError::Timeout),
    };
    let Some(coding) = coding else { return Ok(sent) };
    match web::block(move || coding.inflate(&sent, max_bytes)).await? {
        Ok(plain) => Ok(Bytes::from(plain)),
        Err(InflateError::TooLarge) => Err(too_large()),
        Err(damaged @ InflateError::Damaged(_)) => Err(ApiError::bad_request(damaged.to_string())),
    }
}

fn check_type(request: &HttpRequest) -> Result<(), ApiError> {
    let content_type = request.content_type();
    if content_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = format!("the body must be `application/json`, not {content_type:?}");
    Err(ApiError::UnsupportedMediaType(detail))
}

fn coding_of(request: &HttpRequest) -> Result<Option<Coding>, ApiError> {
    Coding::of(request.headers()).map_err(|refused| ApiError::UnsupportedMediaType(refused.to_string()))
}

/// Reads JSON into a type; the error says where and why, and never repeats a value of the body.
///
/// # Errors
/// `BadRequest` with a pointer.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value: T = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer_of(error.path());
        let detail = describe(error.inner());
        ApiError::BadRequest { detail, pointer: Some(pointer) }
    })?;
    reader.end().map_err(|error| ApiError::bad_request(describe(&error)))?;
    Ok(value)
}

fn describe(error: &serde_json::Error) -> String {
    let place = format!("line {}, column {}", error.line(), error.column());
    match error.classify() {
        Category::Data => format!("the body does not fit at {place}: {}", without_values(&error.to_string())),
        Category::Eof => format!("the body is no complete JSON: it ends too early, at {place}"),
        Category::Syntax | Category::Io => format!("the body is not JSON: there is a mistake at {place}"),
    }
}

/// serde quotes a wrong value (`invalid type: string "secret", expected …`); a password must not come back that way.
fn without_values(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(text, _place)| text);
    match (message.strip_prefix("invalid "), message.rsplit_once(", expected ")) {
        (Some(_), Some((_value, expected))) => format!("expected {expected}"),
        _ => message.to_owned(),
    }
}

/// A path as an RFC 6901 pointer; the whole body is the empty pointer.
fn pointer_of(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&part);
    }
    pointer
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read for its errors")]
    struct Login {
        username: String,
        password: String,
    }

    fn refusal(body: &str) -> (String, Option<String>) {
        match parse_json::<Login>(body.as_bytes()) {
            Err(ApiError::BadRequest { detail, pointer }) => (detail, pointer),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn unknown_fields_are_ignored() {
        assert!(parse_json::<Login>(br#"{"username":"ada","password":"p","remember":true}"#).is_ok());
    }

    #[test]
    fn the_place_of_a_mistake_is_named() {
        let (detail, pointer) = refusal(r#"{"username":7,"password":"p"}"#);
        assert_eq!(pointer.as_deref(), Some("/username"));
        assert!(detail.ends_with("expected a string"), "{detail}");
        let (detail, pointer) = refusal(r#"{"username":"ada"}"#);
        assert!(detail.contains("missing field `password`") && pointer.as_deref() == Some(""), "{detail} {pointer:?}");
        assert!(refusal("[]").0.contains("expected struct Login"));
    }

    #[test]
    fn what_is_not_json_is_told_from_what_does_not_fit() {
        assert!(refusal("").0.contains("ends too early"));
        assert!(refusal(r#"{"username":"#).0.contains("ends too early"));
        assert!(refusal("username=ada").0.contains("is not JSON"));
        assert!(refusal(r#"{"username":"ada","password":"p"} x"#).0.contains("is not JSON"));
    }

    #[test]
    fn values_never_come_back() {
        #[derive(Debug, Deserialize)]
        struct Numbers {
            #[serde(rename = "password")]
            _password: u8,
        }
        let error = parse_json::<Numbers>(br#"{"password":"hunter2, expected hunter3"}"#).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
