//! The outermost layer: names the request, sets the headers that every answer has, writes one log line for each
//! request and counts it.
//!
//! Logged are method, route pattern, status, time, bytes and ids; never query values, bodies or tokens.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage, HttpRequest, web};
use tracing::Instrument;

use crate::domain::ids::WorkspaceId;
use crate::http::current_user::CurrentUser;
use crate::http::error::is_server_failure;
use crate::http::peer::peer_of;
use crate::http::rate_limits::{self, Quota};
use crate::http::request_context::{RequestContext, Started, X_REQUEST_ID};
use crate::http::state::AppState;

/// What pages may do unless a route says otherwise: nothing.
const DEFAULT_CSP: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// Seconds that a connection without a request stays open: longer than proxies in front keep theirs, which usually is a
/// minute, so that it is they who close it.
pub const KEEP_ALIVE_S: u64 = 75;
const KEEP_ALIVE: &str = "timeout=75";
/// What requests that match no route are counted under, so that made-up paths make no new metrics.
const UNMATCHED: &str = "unmatched";

/// Wraps everything.
///
/// # Errors
/// Passes on what the inner service could not answer.
pub async fn request_layer(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let context = RequestContext::from_headers(request.headers());
    let method = request.method().clone();
    if method == Method::HEAD {
        // What takes GET takes HEAD, with the same answer less its body.
        request.head_mut().method = Method::GET;
    }
    let trace_id = context.trace.as_ref().map(|trace| trace.trace_id.as_str());
    let parent_id = context.trace.as_ref().map(|trace| trace.parent_id.as_str());
    let span = tracing::info_span!("request", request_id = context.request_id, trace_id, parent_id);
    request.extensions_mut().insert(context.clone());
    request.extensions_mut().insert(Started(started));

    let mut response = next.call(request).instrument(span.clone()).await?.map_into_boxed_body();
    set_headers(&mut response, &context);
    if method == Method::HEAD {
        response = response.map_body(|_head, body| BoxBody::new(NoBody { size: body.size() }));
    }
    let log = LogLine {
        span,
        started,
        method,
        route: response.request().match_pattern().unwrap_or_else(|| UNMATCHED.to_owned()),
        status: response.status().as_u16(),
        is_failure: is_server_failure(response.status()),
        user_id: response.request().extensions().get::<CurrentUser>().map(|user| user.user_id.to_string()),
        workspace_id: workspace_of(response.request()).map(|id| id.to_string()),
        peer: response
            .request()
            .app_data::<web::Data<AppState>>()
            .map(|state| peer_of(response.request(), state.trust_proxy).to_string()),
        bytes: 0,
    };
    Ok(response.map_body(|_head, body| BoxBody::new(LoggedBody { body, log })))
}

fn set_headers(response: &mut ServiceResponse, context: &RequestContext) {
    let quota = response.request().extensions().get::<Quota>().copied();
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&context.request_id) {
        headers.insert(X_REQUEST_ID, id);
    }
    if let Some(quota) = quota {
        for (name, value) in rate_limits::headers_of(&quota) {
            headers.insert(name, value);
        }
    }
    // HTTP/1.1 keeps connections open; this says for how long (RFC 2068 §19.7.1), so that a client does not use one that
    // is about to be closed.
    headers.insert(HeaderName::from_static("keep-alive"), HeaderValue::from_static(KEEP_ALIVE));
    if headers.get(header::ALLOW).is_some_and(|methods| methods == "GET") {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    set_default(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set_default(headers, header::REFERRER_POLICY, "no-referrer");
    set_default(headers, header::X_FRAME_OPTIONS, "DENY");
    set_default(headers, header::CONTENT_SECURITY_POLICY, DEFAULT_CSP);
    set_default(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    // What an API answers is one user's own; pages that may be kept say so themselves.
    set_default(headers, header::CACHE_CONTROL, "no-store");
}

fn set_default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    if !headers.contains_key(&name) {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// A workspace that a request's body named, for the log.
#[derive(Clone, Copy, Debug)]
pub struct Named(pub WorkspaceId);

/// The workspace that a request is about, wherever it names it.
fn workspace_of(request: &HttpRequest) -> Option<WorkspaceId> {
    if let Some(Named(id)) = request.extensions().get::<Named>() {
        return Some(*id);
    }
    let in_query = request.query_string().split('&').find_map(|pair| pair.strip_prefix("workspace_id="));
    // What is no id is not logged.
    request.match_info().get("workspace_id").or(in_query)?.parse().ok().map(WorkspaceId)
}

/// What is known of a request when its answer begins.
struct LogLine {
    span: tracing::Span,
    started: Instant,
    method: Method,
    route: String,
    status: u16,
    is_failure: bool,
    user_id: Option<String>,
    workspace_id: Option<String>,
    peer: Option<String>,
    bytes: u64,
}

/// The body of a response to HEAD: empty, with its size declared.
struct NoBody {
    size: BodySize,
}

impl MessageBody for NoBody {
    type Error = Error;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}

/// An answer's body that writes the log line when it ends: sent, or cut off by the client.
struct LoggedBody {
    body: BoxBody,
    log: LogLine,
}

impl MessageBody for LoggedBody {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let next = Pin::new(&mut this.body).poll_next(cx);
        if let Poll::Ready(Some(Ok(chunk))) = &next {
            this.log.bytes = this.log.bytes.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        }
        next
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        let elapsed = self.started.elapsed();
        let status = self.status;
        self.span.in_scope(|| {
            let duration_ms = elapsed.as_secs_f64() * 1_000.0;
            let (method, route, user_id, bytes) = (&self.method, &self.route, self.user_id.as_deref(), self.bytes);
            let (workspace_id, peer) = (self.workspace_id.as_deref(), self.peer.as_deref());
            if self.is_failure {
                tracing::warn!(%method, %route, status, duration_ms, bytes, user_id, workspace_id, peer, "answered");
            } else {
                tracing::info!(%method, %route, status, duration_ms, bytes, user_id, workspace_id, peer, "answered");
            }
        });
        let labels = [
            ("route", std::mem::take(&mut self.route)),
            ("method", method_label(&self.method).to_owned()),
            ("status", status.to_string()),
        ];
        metrics::counter!("landfall_http_requests_total", &labels).increment(1);
        metrics::histogram!("landfall_http_request_duration_seconds", &labels).record(elapsed.as_secs_f64());
    }
}

/// Methods can be made up; labels must not.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
