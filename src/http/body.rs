//! Reading request bodies: decompressed, bounded in size and time, checked to be JSON, with errors that say where.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::{Decompress, Payload};
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use crate::http::error::ApiError;
use crate::http::state::AppState;

/// The most that a small JSON body (a login, a member's role) may have, decompressed.
pub const MAX_SMALL_BODY_BYTES: usize = 64 * 1024;
const ENCODINGS: [&str; 5] = ["identity", "gzip", "deflate", "br", "zstd"];

/// A small JSON body. Unknown fields are ignored.
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

/// The decompressed body of a JSON request, at most `max_bytes` of it, within the published time limit.
///
/// # Errors
/// `UnsupportedMediaType`, `PayloadTooLarge`, `Timeout`; `BadRequest` if it breaks off or cannot be decompressed.
pub async fn read_json_bytes(request: &HttpRequest, payload: Payload, max_bytes: usize) -> Result<Bytes, ApiError> {
    check_type(request)?;
    let is_compressed = request.headers().contains_key(header::CONTENT_ENCODING);
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if !is_compressed && announced.is_some_and(|length: usize| length > max_bytes) {
        return Err(ApiError::PayloadTooLarge { limit_bytes: max_bytes });
    }
    let time = request
        .app_data::<web::Data<AppState>>()
        .map_or(Duration::from_secs(30), |state| Duration::from_millis(state.limits.timeout_ms));
    let body = collect(Decompress::from_headers(payload, request.headers()), announced.unwrap_or(0), max_bytes);
    match actix_web::rt::time::timeout(time, body).await {
        Ok(outcome) => outcome,
        Err(_elapsed) => Err(ApiError::Timeout),
    }
}

async fn collect(mut body: Decompress<Payload>, announced: usize, max_bytes: usize) -> Result<Bytes, ApiError> {
    let mut bytes = BytesMut::with_capacity(announced.min(max_bytes));
    while let Some(chunk) = next_chunk(&mut body).await {
        let chunk = chunk.map_err(|broken| ApiError::bad_request(format!("the body cannot be read: {broken}")))?;
        if bytes.len().saturating_add(chunk.len()) > max_bytes {
            return Err(ApiError::PayloadTooLarge { limit_bytes: max_bytes });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}
