//! What a request is called in logs and answers: its id, and the trace that it belongs to.

use std::time::Instant;

use actix_web::http::header::{HeaderMap, HeaderName};
use uuid::Uuid;

/// The header that names a request.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: &str = "traceparent";
const MAX_ID_CHARS: usize = 128;

/// A request's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestContext {
    /// As the client sent it if it was sane, else made here.
    pub request_id: String,
    /// The W3C trace, if the client is in one.
    pub trace: Option<TraceParent>,
}

/// When the first byte of the request's head had been read, about.
#[derive(Clone, Copy, Debug)]
pub struct Started(pub Instant);

/// A `traceparent` header (W3C Trace Context, version 00 and later ones that start like it).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// 32 lower-case hexadecimal digits.
    pub trace_id: String,
    /// The caller's span: 16 lower-case hexadecimal digits.
    pub parent_id: String,
}

impl RequestContext {
    /// Reads the headers.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let request_id = text(X_REQUEST_ID.as_str())
            .filter(|id| is_sane(id))
            .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
        Self { request_id, trace: text(TRACEPARENT).and_then(TraceParent::parse) }
    }
}

/// 1 to 128 visible ASCII characters: nothing that could break a log line or a header.
fn is_sane(id: &str) -> bool {
    (1..=MAX_ID_CHARS).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

impl TraceParent {
    fn parse(raw: &str) -> Option<Self> {
        let mut parts = raw.trim().split('-');
        let (version, trace_id, parent_id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hex = |text: &str, digits: usize| {
            text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        let is_set = |text: &str| text.bytes().any(|byte| byte != b'0');
        let is_sound = hex(version, 2)
            && version != "ff"
            && (version != "00" || parts.next().is_none())
            && hex(trace_id, 32)
            && is_set(trace_id)
            && hex(parent_id, 16)
            && is_set(parent_id)
            && hex(flags, 2);
        is_sound.then(|| Self { trace_id: trace_id.to_owned(), parent_id: parent_id.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn context(name: &'static str, value: &[u8]) -> RequestContext {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
        RequestContext::from_headers(&headers)
    }

    #[test]
    fn a_sane_request_id_is_kept() {
        assert_eq!(context("x-request-id", b"abc/42:~").request_id, "abc/42:~");
        assert_eq!(context("x-request-id", "a".repeat(128).as_bytes()).request_id.len(), 128);
    }

    #[test]
    fn any_other_is_replaced() {
        for bad in [b"".as_slice(), b"two words", "ä".as_bytes(), "a".repeat(129).as_bytes()] {
            let made = context("x-request-id", bad).request_id;
            assert_eq!(Uuid::parse_str(&made).unwrap().get_version_num(), 7);
        }
    }

    #[test]
    fn a_trace_is_taken_up() {
        let trace = context("traceparent", TRACE.as_bytes()).trace.unwrap();
        assert_eq!(trace.trace_id, "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(trace.parent_id, "b7ad6b7169203331");
        assert!(context("traceparent", TRACE.replacen("00", "cc", 1).as_bytes()).trace.is_some());
    }

    #[test]
    fn a_broken_trace_is_ignored() {
        for bad in [
            "",
            "00",
            &TRACE.to_uppercase(),
            &TRACE.replacen("00", "ff", 1),
            &format!("{TRACE}-more"),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c8031-b7ad6b7169203331-01",
        ] {
            assert_eq!(context("traceparent", bad.as_bytes()).trace, None, "{bad}");
        }
    }
}
