//! Reading request bodies: bounded in size and time, inflated off the event loop, checked to be JSON, with errors that
//! say where.

use std::future::{Future, poll_fn};
use std::pin::Pin;

use actix_web::body::{BodyStream, MessageBody};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::Segment;

use crate::http::current_user::{CurrentUser, deadline_of};
use crate::http::error::ApiError;
use crate::http::inflate::{Coding, InflateError};
use crate::http::shares::Share;
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
            let bytes = read_small(&request, payload).await?;
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
            let bytes = read_small(&request, payload).await?;
            parse_json(&bytes).map(Self)
        })
    }
}

/// Bodies of more bytes than this are inflated and parsed in turn; smaller ones take less time than waiting would.
const LARGE_BODY_BYTES: usize = 256 * 1024;

/// A body, and its share of the memory for bodies: to be kept as long as the body, or what was parsed of it, is.
#[derive(Debug)]
pub struct Body {
    /// The plain body.
    pub bytes: Bytes,
    /// Twice its size: as it came, and parsed.
    pub share: Share,
    /// The turn of a large body: to be kept until it is parsed, and no longer.
    pub turn: Option<Share>,
}

/// The plain body of a JSON request by a user, at most `max_bytes` of it, by the request's deadline.
///
/// # Errors
/// `UnsupportedMediaType`, `PayloadTooLarge`, `Timeout`; `BadRequest` if it breaks off or cannot be inflated; `Busy` if
/// the bodies that are there already leave no room, or no time to read another.
pub async fn read_json(
    request: &HttpRequest,
    user: &CurrentUser,
    payload: Payload,
    max_bytes: usize,
) -> Result<Body, ApiError> {
    let Some(state) = request.app_data::<web::Data<AppState>>() else {
        return Err(ApiError::internal("the application has no state"));
    };
    let mut share = state.admission.body(user.user_id)?;
    let sent = receive(request, payload, max_bytes, |bytes| state.admission.grow_body(&mut share, 2 * bytes)).await?;
    let coding = coding_of(request)?;
    // How large a compressed body is shows only when it is inflated.
    let is_large = coding.is_some() || sent.len() > LARGE_BODY_BYTES;
    let turn = if is_large { Some(state.admission.read(user.user_id, deadline_of(request)).await?) } else { None };
    let Some(coding) = coding else { return Ok(Body { bytes: sent, share, turn }) };
    let state = state.clone();
    let inflated = web::block(move || {
        let plain = coding.inflate(&sent, max_bytes, |bytes| state.admission.grow_body(&mut share, 2 * bytes).is_ok());
        (plain, share)
    });
    let (plain, mut share) = inflated.await?;
    let bytes = inflated_or_refused(plain, max_bytes)?;
    share.shrink_to(2 * bytes.len());
    Ok(Body { bytes, share, turn })
}

/// A body of [`MAX_SMALL_BODY_BYTES`] at most.
async fn read_small(request: &HttpRequest, payload: Payload) -> Result<Bytes, ApiError> {
    let sent = receive(request, payload, MAX_SMALL_BODY_BYTES, |_bytes| Ok(())).await?;
    let Some(coding) = coding_of(request)? else { return Ok(sent) };
    let plain = web::block(move || coding.inflate(&sent, MAX_SMALL_BODY_BYTES, |_bytes| true)).await?;
    inflated_or_refused(plain, MAX_SMALL_BODY_BYTES)
}

fn inflated_or_refused(plain: Result<Vec<u8>, InflateError>, max_bytes: usize) -> Result<Bytes, ApiError> {
    match plain {
        Ok(plain) => Ok(Bytes::from(plain)),
        Err(InflateError::TooLarge) => Err(ApiError::PayloadTooLarge { limit_bytes: max_bytes }),
        Err(InflateError::NoRoom) => Err(ApiError::Busy),
        Err(damaged @ InflateError::Damaged(_)) => Err(ApiError::bad_request(damaged.to_string())),
    }
}

/// The body as it is sent. `admit` is asked before more bytes are kept.
async fn receive(
    request: &HttpRequest,
    payload: Payload,
    max_bytes: usize,
    admit: impl FnMut(usize) -> Result<(), ApiError>,
) -> Result<Bytes, ApiError> {
    check_type(request)?;
    let is_compressed = coding_of(request)?.is_some();
    // What cannot be compressed grows by a little when it is.
    let slack = if is_compressed { (max_bytes / 256).saturating_add(1024) } else { 0 };
    let max_sent = max_bytes.saturating_add(slack);
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let announced = announced.unwrap_or(0);
    if announced > max_sent {
        return Err(ApiError::PayloadTooLarge { limit_bytes: max_bytes });
    }
    let all = collect(payload, announced, max_sent, admit);
    match tokio::time::timeout_at(deadline_of(request).into(), all).await {
        Ok(Err(ApiError::PayloadTooLarge { .. })) => Err(ApiError::PayloadTooLarge { limit_bytes: max_bytes }),
        Ok(outcome) => outcome,
        Err(_elapsed) => Err(ApiError::Timeout),
    }
}

async fn collect(
    payload: Payload,
    announced: usize,
    max_sent: usize,
    mut admit: impl FnMut(usize) -> Result<(), ApiError>,
) -> Result<Bytes, ApiError> {
    let mut pieces = std::pin::pin!(BodyStream::new(payload));
    let mut body = BytesMut::new();
    while let Some(piece) = poll_fn(|cx| pieces.as_mut().poll_next(cx)).await {
        let piece = piece.map_err(|_broken| ApiError::bad_request("the body breaks off"))?;
        let length = body.len().saturating_add(piece.len());
        if length > max_sent {
            return Err(ApiError::PayloadTooLarge { limit_bytes: max_sent });
        }
        admit(piece.len())?;
        if length > body.capacity() {
            // As much again, and no more than was announced, so that nothing is reserved that does not come.
            let room = length.max(body.len().saturating_mul(2)).min(announced.max(length));
            body.reserve(room.saturating_sub(body.len()));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
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
        Category::Eof => format!("the body is not complete JSON: it ends too early, at {place}"),
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
