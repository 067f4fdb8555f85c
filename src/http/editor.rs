//! The editor: the built page of `web/dist`, which `build.rs` packed into the binary, as a browser gets it.
//!
//! Files under `assets/` have their digest in their name and may be kept for ever; everything else is asked for again
//! each time and answered from its `ETag`. The page may load nothing from elsewhere and run no script of its own text.

use actix_web::guard::{self, GuardContext};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::http::error::ApiError;
use crate::http::packed_file::{self, PackedFile};

/// Nothing but this server's own files, and pictures that stand in the page. A document's picture from elsewhere would
/// tell its host who reads what.
const EDITOR_CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";
/// What an editor of texts has no use for.
const PERMISSIONS: &str = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";
const PERMISSIONS_POLICY: &str = "permissions-policy";
const CROSS_ORIGIN_RESOURCE_POLICY: &str = "cross-origin-resource-policy";
/// A year, the longest that caches reckon with.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const REVALIDATE: &str = "no-cache";

/// Every file of the page, ordered by path.
static FILES: &[PackedFile] = &include!(concat!(env!("OUT_DIR"), "/editor_files.rs"));

/// Adds the routes. Must come after all others: these match whatever is a file of the page.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/").route(web::get().to(file)))
        .service(web::resource("/{editor_file}").guard(guard::fn_guard(is_editor_file)).route(web::get().to(file)))
        .service(
            web::resource("/{editor_folder}/{editor_file}")
                .guard(guard::fn_guard(is_editor_file))
                .route(web::get().to(file)),
        );
}

fn is_editor_file(context: &GuardContext<'_>) -> bool {
    find(context.head().uri.path()).is_some()
}

fn find(path: &str) -> Option<&'static PackedFile> {
    packed_file::find(
        FILES,
        match path.strip_prefix('/')? {
            "" => "index.html",
            path => path,
        },
    )
}

async fn file(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let Some(file) = find(request.path()) else {
        return Err(ApiError::NotFound("there is nothing at this path".to_owned()));
    };
    let caching = if file.path.starts_with("assets/") { FOR_EVER } else { REVALIDATE };
    Ok(file.answer(
        &request,
        &[
            (header::CACHE_CONTROL.as_str(), caching),
            (header::CONTENT_SECURITY_POLICY.as_str(), EDITOR_CSP),
            (PERMISSIONS_POLICY, PERMISSIONS),
            (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
        ],
    ))
}
