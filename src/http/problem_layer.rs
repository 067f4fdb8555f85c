//! The layer that makes every refusal a problem: it adds the request's id to an [`ApiError`], logs its cause once,
//! and turns what actix itself refuses (unknown paths, wrong methods, bad parameters) into one.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};

use crate::http::error::{ApiError, PROBLEM_JSON, refusal_of};
use crate::http::request_context::RequestContext;

/// Wraps the routes. Expects a [`RequestContext`] in the request.
///
/// # Errors
/// Passes on what the inner service could not answer.
pub async fn problem_layer(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    if response.status().is_success() || is_own(&response) && response.response().error().is_none() {
        return Ok(response);
    }
    if let Some(stated) = response.response().error().and_then(|error| error.as_error::<ApiError>()) {
        let answer = Answer::new(stated, &response);
        return Ok(answer.put_into(response));
    }
    match refusal_of(response.status()) {
        Some(refusal) => {
            let answer = Answer::new(&refusal, &response);
            Ok(answer.put_into(response))
        }
        None => Ok(response),
    }
}

/// Whether a handler wrote the body (a batch that was rolled back, a health check that failed); what actix itself says
/// is plain text or nothing.
fn is_own(response: &ServiceResponse) -> bool {
    let is_json = |kind: &header::HeaderValue| ["application/json", PROBLEM_JSON].iter().any(|json| kind == json);
    response.headers().get(header::CONTENT_TYPE).is_some_and(is_json)
}

/// A refusal, written out.
struct Answer {
    body: String,
    headers: Vec<(header::HeaderName, header::HeaderValue)>,
}

impl Answer {
    fn new(error: &ApiError, response: &ServiceResponse) -> Self {
        let request = response.request().extensions();
        let request_id = request.get::<RequestContext>().map(|context| context.request_id.as_str());
        if let Some(cause) = error.cause() {
            tracing::error!(request_id, code = error.code(), cause, "the request failed");
        }
        let body = serde_json::to_string(&error.problem(request_id)).unwrap_or_default();
        Self { body, headers: error.headers() }
    }

    /// The status and whatever other layers set (such as CORS headers and `Allow`) stay; the body that was compressed
    /// goes.
    fn put_into(self, mut response: ServiceResponse) -> ServiceResponse {
        response.headers_mut().remove(header::CONTENT_ENCODING);
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response.map_body(|_head, _replaced| BoxBody::new(self.body))
    }
}
