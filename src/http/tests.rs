//! The application without a socket: what is refused, and how the refusals look; accounts, roles, limits, headers.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::ServiceResponse;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::Data;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;

use super::admission::{Admission, AdmissionConfig};
use super::app;
use super::rate_limits::{RateLimitConfig, RateLimits};
use super::state::AppState;
use crate::auth::accounts::{Accounts, AccountsConfig, RegistrationPolicy};
use crate::auth::authenticator::Authenticator;
use crate::auth::passwords::Passwords;
use crate::auth::tokens::AccessTokens;
use crate::clock::SystemClock;
use crate::domain::limits::Limits;
use crate::domain::timestamp::Clock;
use crate::store::{DatabaseUrl, Store, StoreConfig};
use crate::sync::SyncService;
use crate::sync::events::{Events, EventsConfig};
use crate::sync::live::{Live, LiveConfig};
use crate::yjs::render::{RenderConfig, Renderer};

/// An answer, read to its end.
struct Answer {
    status: u16,
    headers: actix_web::http::header::HeaderMap,
    json: Value,
    text: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Fails unless it is a whole problem with this status and code.
    fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        assert_eq!(self.json["code"], code);
        assert_eq!(self.json["status"], status);
        assert_eq!(self.json["request_id"], self.header("x-request-id"));
        for text in ["type", "title", "detail"] {
            assert!(self.json[text].as_str().is_some_and(|text| !text.is_empty()), "{text}: {}", self.text);
        }
    }
}

fn state_in(directory: &Path, registration: RegistrationPolicy, operations_per_minute: u32) -> Data<AppState> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let limits = Arc::new(Limits::default());
    let url = DatabaseUrl::Sqlite(directory.join("test.db"));
    let store = Arc::new(Store::open(&url, &StoreConfig::default()).unwrap());
    let renderer = Arc::new(Renderer::new(RenderConfig {
        program: "landfall".into(),
        workers: 1,
        max_memory_bytes: 1 << 30,
        time_budget: Duration::from_secs(1),
    }));
    let tokens = Arc::new(AccessTokens::new(b"0123456789abcdef0123456789abcdef", Duration::from_secs(900)));
    let accounts = Accounts::new(AccountsConfig {
        store: Arc::clone(&store),
        passwords: Passwords::new(2).unwrap(),
        access_tokens: Arc::clone(&tokens),
        refresh_lifetime: Duration::from_secs(3_600),
        registration,
        registrations_per_hour: Some(20),
        clock: Arc::clone(&clock),
    });
    let (_stop, stopping) = watch::channel(false);
    let sync = Arc::new(SyncService::new(
        Arc::clone(&store),
        renderer,
        Arc::clone(&limits),
        Arc::clone(&clock),
        Arc::new(Events::start(Arc::clone(&store), EventsConfig::default())),
    ));
    Data::new(AppState {
        live: Live::start(Arc::clone(&sync), LiveConfig::default()),
        origins: Vec::new(),
        sync,
        limits,
        authenticator: Arc::new(Authenticator::new(Arc::clone(&store), tokens, None, Arc::clone(&clock))),
        accounts: Arc::new(accounts),
        rate_limits: Some(Arc::new(RateLimits::new(RateLimitConfig {
            operations_per_minute: NonZeroU32::new(operations_per_minute).unwrap(),
            bytes_per_minute: 1 << 30,
        }))),
        metrics: PrometheusBuilder::new().build_recorder().handle(),
        members_at_once: true,
        metrics_apart: false,
        trust_proxy: false,
        stopping,
        admission: Admission::new(AdmissionConfig {
            in_flight_bytes: Limits::default().max_in_flight_bytes,
            waiting_batches: 16,
            concurrent_batches: 4,
            concurrent_reads: 2,
            upload_bytes: Limits::default().upload.max_bytes,
        }),
        clock,
    })
}

/// The application and the directory of its data.
macro_rules! test_app {
    () => {
        test_app!(RegistrationPolicy::Open, 60_000)
    };
    ($registration:expr, $operations:expr) => {{
        let directory = TempDir::new().unwrap();
        let state = state_in(directory.path(), $registration, $operations);
        (init_service(app(state, &["https://editor.example".to_owned()])).await, directory)
    }};
}

async fn read(response: ServiceResponse<impl MessageBody>) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = String::from_utf8_lossy(&read_body(response).await).into_owned();
    Answer { status, headers, json: serde_json::from_str(&text).unwrap_or(Value::Null), text }
}

/// Sends a request to an application. A macro, since actix-web does not let the type of a request be named.
macro_rules! send {
    ($app:expr, $request:expr) => {{
        let request = $request.peer_addr("192.0.2.1:9".parse().unwrap()).to_request();
        read(call_service(&$app.0, request).await).await
    }};
}

fn post(path: &str, body: &Value) -> TestRequest {
    TestRequest::post().uri(path).set_json(body)
}

fn ada() -> Value {
    json!({ "username": "Ada", "password": "correct horse" })
}

fn bearer(session: &Answer) -> (&'static str, String) {
    ("authorization", format!("Bearer {}", session.json["access_token"].as_str().unwrap()))
}

#[actix_web::test]
async fn an_account_begins_with_a_session_and_a_workspace() {
    let app = test_app!();
    let session = send!(app, post("/api/v1/auth/register", &ada()));
    assert_eq!(session.status, 201, "{}", session.text);
    assert_eq!(session.json["token_type"], "Bearer");
    assert_eq!(session.json["expires_in"], 900);

    let again = send!(app, post("/api/v1/auth/login", &ada()));
    assert_eq!(again.status, 200);
    assert_eq!(again.json["workspace_id"], session.json["workspace_id"]);

    let workspaces = send!(app, TestRequest::get().uri("/api/v1/workspaces").insert_header(bearer(&again)));
    assert_eq!(workspaces.json["items"][0]["workspace_id"], session.json["workspace_id"]);
    assert_eq!(workspaces.json["items"][0]["role"], "owner");
    assert!(workspaces.header("ratelimit").starts_with("\"operations\";r=59999;"), "{:?}", workspaces.headers);
    assert!(workspaces.header("ratelimit-policy").starts_with("\"operations\";q=60000;"));
}

#[actix_web::test]
async fn registrations_are_refused_with_their_reason() {
    let app = test_app!();
    send!(app, post("/api/v1/auth/register", &ada()));
    let taken = json!({ "username": "ADA", "password": "another password" });
    send!(app, post("/api/v1/auth/register", &taken)).assert_problem(409, "username_taken");

    let odd = send!(app, post("/api/v1/auth/register", &json!({ "username": "a b", "password": "12345678" })));
    odd.assert_problem(422, "invalid");
    assert_eq!(odd.json["pointer"], "/username");
    let short = send!(app, post("/api/v1/auth/register", &json!({ "username": "bob", "password": "1234567" })));
    short.assert_problem(422, "invalid");
    assert_eq!(short.json["pointer"], "/password");

    let closed = test_app!(RegistrationPolicy::Closed, 60_000);
    send!(closed, post("/api/v1/auth/register", &ada())).assert_problem(403, "forbidden");
}

#[actix_web::test]
async fn a_wrong_name_and_a_wrong_password_look_alike_and_are_counted() {
    let app = test_app!();
    send!(app, post("/api/v1/auth/register", &ada()));
    let wrong = send!(app, post("/api/v1/auth/login", &json!({ "username": "ada", "password": "wrong horse" })));
    wrong.assert_problem(401, "unauthorized");
    assert_eq!(wrong.header("www-authenticate"), "Bearer realm=\"landfall\"");
    let nobody = send!(app, post("/api/v1/auth/login", &json!({ "username": "eve", "password": "wrong horse" })));
    nobody.assert_problem(401, "unauthorized");
    assert_eq!(nobody.json["detail"], wrong.json["detail"]);

    for _ in 0..9 {
        send!(app, post("/api/v1/auth/login", &json!({ "username": "ada", "password": "x" })));
    }
    let shut = send!(app, post("/api/v1/auth/login", &ada()));
    shut.assert_problem(429, "rate_limited");
    let seconds: u64 = shut.header("retry-after").parse().unwrap();
    assert!((1..=300).contains(&seconds), "{seconds}");
}

#[actix_web::test]
async fn refresh_tokens_serve_once_and_reuse_ends_the_session() {
    let app = test_app!();
    let session = send!(app, post("/api/v1/auth/register", &ada()));
    let first = json!({ "refresh_token": session.json["refresh_token"] });
    let renewed = send!(app, post("/api/v1/auth/refresh", &first));
    assert_eq!(renewed.status, 200, "{}", renewed.text);
    let second = json!({ "refresh_token": renewed.json["refresh_token"] });
    assert_ne!(first, second);
    let third = send!(app, post("/api/v1/auth/refresh", &second));
    let third = json!({ "refresh_token": third.json["refresh_token"] });

    send!(app, post("/api/v1/auth/refresh", &first)).assert_problem(401, "unauthorized");
    send!(app, post("/api/v1/auth/refresh", &third)).assert_problem(401, "unauthorized");
}

#[actix_web::test]
async fn logging_out_ends_the_session() {
    let app = test_app!();
    let session = send!(app, post("/api/v1/auth/register", &ada()));
    let token = json!({ "refresh_token": session.json["refresh_token"] });
    assert_eq!(send!(app, post("/api/v1/auth/logout", &token)).status, 204);
    send!(app, post("/api/v1/auth/refresh", &token)).assert_problem(401, "unauthorized");
    assert_eq!(send!(app, post("/api/v1/auth/logout", &json!({ "refresh_token": "noise" }))).status, 204);
}

#[actix_web::test]
async fn only_owners_see_and_change_members() {
    let app = test_app!();
    let owner = send!(app, post("/api/v1/auth/register", &ada()));
    let grace = json!({ "username": "grace", "password": "correct horse" });
    let other = send!(app, post("/api/v1/auth/register", &grace));
    let members = format!("/api/v1/workspaces/{}/members", owner.json["workspace_id"].as_str().unwrap());
    let member = |name: &str| format!("{members}/{name}");
    let put = |name: &str, role: &str| TestRequest::put().uri(&member(name)).set_json(json!({ "role": role }));

    // A foreign workspace and one that is not there are answered alike.
    let foreign = send!(app, TestRequest::get().uri(&members).insert_header(bearer(&other)));
    foreign.assert_problem(404, "not_found");
    let nowhere = format!("/api/v1/workspaces/{}/members", uuid::Uuid::nil());
    let absent = send!(app, TestRequest::get().uri(&nowhere).insert_header(bearer(&other)));
    absent.assert_problem(404, "not_found");
    assert_eq!(absent.json["detail"], foreign.json["detail"]);

    let added = send!(app, put("grace", "editor").insert_header(bearer(&owner)));
    assert_eq!((added.status, added.json["role"].as_str()), (200, Some("editor")), "{}", added.text);
    send!(app, put("grace", "owner").insert_header(bearer(&other))).assert_problem(403, "forbidden");
    send!(app, put("nobody", "editor").insert_header(bearer(&owner))).assert_problem(404, "not_found");
    send!(app, put("ada", "viewer").insert_header(bearer(&owner))).assert_problem(409, "last_owner");
    let odd = send!(app, put("grace", "king").insert_header(bearer(&owner)));
    odd.assert_problem(400, "bad_request");
    assert_eq!(odd.json["pointer"], "/role");

    let remove = |name: &str| TestRequest::delete().uri(&member(name)).insert_header(bearer(&owner));
    assert_eq!(send!(app, remove("grace")).status, 204);
    send!(app, remove("grace")).assert_problem(404, "not_found");
    send!(app, remove("ada")).assert_problem(409, "last_owner");
}

#[actix_web::test]
async fn workspaces_are_made_under_the_callers_id() {
    let app = test_app!();
    let session = send!(app, post("/api/v1/auth/register", &ada()));
    let body = json!({ "name": "Team", "workspace_id": uuid::Uuid::from_u128(5) });
    let make = |body: &Value| post("/api/v1/workspaces", body).insert_header(bearer(&session));
    let made = send!(app, make(&body));
    assert_eq!((made.status, &made.json["workspace_id"]), (201, &body["workspace_id"]), "{}", made.text);
    send!(app, make(&body)).assert_problem(409, "workspace_exists");
    let blank = send!(app, make(&json!({ "name": "  " })));
    blank.assert_problem(422, "invalid");
    assert_eq!(blank.json["pointer"], "/name");
}

#[actix_web::test]
async fn tokens_are_demanded_and_judged() {
    let app = test_app!();
    let ask = |value: Option<&str>| {
        let request = TestRequest::get().uri("/api/v1/workspaces");
        value.into_iter().fold(request, |request, value| request.insert_header(("authorization", value)))
    };
    for bad in [None, Some("Bearer"), Some("Basic YTpi"), Some("Bearer a.b.c"), Some("Bearer ")] {
        let refused = send!(app, ask(bad));
        refused.assert_problem(401, "unauthorized");
        assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"landfall\"");
    }
}

#[actix_web::test]
async fn a_user_over_the_rate_limit_waits() {
    let app = test_app!(RegistrationPolicy::Open, 2);
    let session = send!(app, post("/api/v1/auth/register", &ada()));
    let ask = || TestRequest::get().uri("/api/v1/workspaces").insert_header(bearer(&session));
    assert_eq!(send!(app, ask()).status, 200);
    assert_eq!(send!(app, ask()).status, 200);
    let refused = send!(app, ask());
    refused.assert_problem(429, "rate_limited");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert!(refused.header("ratelimit").starts_with("\"operations\";r=0;"), "{:?}", refused.headers);
}

#[actix_web::test]
async fn what_actix_refuses_is_a_problem_too() {
    let app = test_app!();
    send!(app, TestRequest::get().uri("/nothing/here")).assert_problem(404, "not_found");
    let method = send!(app, TestRequest::patch().uri("/api/v1/limits"));
    method.assert_problem(405, "method_not_allowed");
    assert_eq!(method.header("allow"), "GET, HEAD");
    let login = || TestRequest::post().uri("/api/v1/auth/login");
    send!(app, login().set_payload("username=ada")).assert_problem(415, "unsupported_media_type");
    let json_type = ("content-type", "application/json");
    send!(app, login().insert_header(json_type).set_payload("{")).assert_problem(400, "bad_request");
    let large = "a".repeat(70_000);
    send!(app, login().insert_header(json_type).set_payload(large)).assert_problem(413, "payload_too_large");
    let odd_encoding = login().insert_header(json_type).insert_header(("content-encoding", "lzma")).set_payload("{}");
    send!(app, odd_encoding).assert_problem(415, "unsupported_media_type");
    let refused = send!(app, TestRequest::get().uri("/").insert_header(("accept-encoding", "identity;q=0")));
    refused.assert_problem(406, "not_acceptable");
}

#[actix_web::test]
async fn every_answer_names_its_request_and_shuts_the_browser() {
    let app = test_app!();
    for path in ["/", "/docs", "/docs/swagger-ui.css", "/openapi.yaml", "/api/health", "/metrics", "/nothing"] {
        let answer = send!(app, TestRequest::get().uri(path).insert_header(("x-request-id", "mine/1")));
        assert_eq!(answer.header("x-request-id"), "mine/1", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && policy.starts_with("default-src 'none'"), "{path}");
        assert!(!policy.contains("-inline") && !policy.contains("-eval"), "{path}");
    }
}

#[actix_web::test]
async fn the_api_page_loads_nothing_from_elsewhere() {
    let app = test_app!();
    let page = send!(app, TestRequest::get().uri("/docs"));
    assert!(page.header("content-type").starts_with("text/html"));
    let sources: Vec<&str> = page.text.split([' ', '>']).filter(|word| word.contains("src=")).collect();
    assert!(sources.len() == 2 && sources.iter().all(|source| source.starts_with("src=\"/docs/")), "{sources:?}");
    for source in sources {
        let path = source.trim_start_matches("src=").trim_matches('"');
        let script = send!(app, TestRequest::get().uri(path));
        assert_eq!((script.status, script.header("content-type")), (200, "text/javascript; charset=utf-8"), "{path}");
    }
    let start = send!(app, TestRequest::get().uri("/docs/start.js"));
    assert!(start.text.contains("\"/openapi.yaml\""), "{}", start.text);
}

#[actix_web::test]
async fn only_named_origins_may_call_from_a_browser() {
    let app = test_app!();
    let ask = |origin: &'static str| TestRequest::get().uri("/api/v1/workspaces").insert_header(("origin", origin));
    let allowed = send!(app, ask("https://editor.example"));
    assert_eq!(allowed.header("access-control-allow-origin"), "https://editor.example", "also on refusals");
    allowed.assert_problem(401, "unauthorized");
    assert_eq!(send!(app, ask("https://evil.example")).header("access-control-allow-origin"), "");
}

#[actix_web::test]
async fn limits_are_published_as_enforced_and_health_asks_the_database() {
    let app = test_app!();
    let limits = send!(app, TestRequest::get().uri("/api/v1/limits"));
    let mut published = limits.json;
    let live = published.as_object_mut().unwrap().remove("live").unwrap();
    assert_eq!(published, serde_json::to_value(Limits::default()).unwrap());
    assert_eq!(live["max_awareness_bytes"], crate::sync::live::MAX_STATE_BYTES);
    let health = send!(app, TestRequest::get().uri("/api/health"));
    // There is no program here that could be a worker.
    assert_eq!((health.status, health.json["status"].as_str()), (200, Some("degraded")));
    assert_eq!(
        (health.json["checks"]["readers"].as_str(), health.json["checks"]["writer"].as_str()),
        (Some("ok"), Some("ok"))
    );
}
