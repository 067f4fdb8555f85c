//! The handler of `GET /api/v1/documents/events`.

use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};
use tokio::time::Instant;

use super::stream::{EventBody, EventStream};
use crate::domain::access::Action;
use crate::domain::timestamp::Timestamp;
use crate::http::current_user::CurrentUser;
use crate::http::error::ApiError;
use crate::http::parameters::parse_workspace;
use crate::http::state::AppState;

const LAST_EVENT_ID: &str = "last-event-id";
/// A token that lasts longer than this ends no stream.
const MAX_LIFETIME: Duration = Duration::from_secs(366 * 86_400);

/// Adds the route. It must be added before those of single documents.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/api/v1/documents/events").route(web::get().to(open_stream)));
}

async fn open_stream(
    user: CurrentUser,
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let workspace_id = parse_workspace(request.query_string())?;
    let last_event_id = last_event_id(&request);
    let (for_opening, user_id, caller) = (state.clone(), user.user_id, user.caller());
    let subscription = web::block(move || -> Result<_, ApiError> {
        for_opening.authenticator.check_access(caller, workspace_id, Action::Read)?;
        Ok(for_opening.sync.events().subscribe(workspace_id, user_id, last_event_id.as_deref())?)
    });
    let expires_at = Instant::now() + time_until(user.token_expires_at, state.clock.now());
    let heartbeat = state.sync.events().heartbeat();
    let stream = EventStream::new(subscription.await??, heartbeat, expires_at, state.stopping.clone());
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        // Said outright, so that nothing on the way compresses the stream, which would hold events back.
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header((HeaderName::from_static("x-accel-buffering"), "no"))
        .body(EventBody::new(stream)))
}

/// The cursor to resume from. An empty one is none: clients send it when they have not heard anything yet.
fn last_event_id(request: &HttpRequest) -> Option<String> {
    let value = request.headers().get(LAST_EVENT_ID)?;
    Some(String::from_utf8_lossy(value.as_bytes()).trim().to_owned()).filter(|id| !id.is_empty())
}

fn time_until(moment: Timestamp, now: Timestamp) -> Duration {
    let micros = u64::try_from(moment.0.saturating_sub(now.0)).unwrap_or_default();
    Duration::from_micros(micros).min(MAX_LIFETIME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_never_negative_and_never_endless() {
        let now = Timestamp(1_000_000);
        assert_eq!(time_until(Timestamp(1_500_000), now), Duration::from_millis(500));
        assert_eq!(time_until(Timestamp(0), now), Duration::ZERO);
        assert_eq!(time_until(Timestamp(i64::MAX), now), MAX_LIFETIME);
    }
}
