//! The editor: the built page of `web/dist`, which `build.rs` packed into the binary, as a browser gets it.
//!
//! Files under `assets/` have their digest in their name and may be kept for ever; everything else is asked for again
//! each time and answered from its `ETag`. The page may load nothing from elsewhere and run no script of its own text.

use actix_web::guard::{self, GuardContext};
use actix_web::http::header::{self, AcceptEncoding, ETag, Encoding, EntityTag, Header, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::http::error::ApiError;

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

/// A file of the page.
struct EditorFile {
    /// Below the root, without a slash in front.
    path: &'static str,
    content_type: &'static str,
    /// What its `ETag` is made of.
    tag: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

/// Every file of the page, ordered by path.
static FILES: &[EditorFile] = &include!(concat!(env!("OUT_DIR"), "/editor_files.rs"));

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

fn find(path: &str) -> Option<&'static EditorFile> {
    let path = match path.strip_prefix('/')? {
        "" => "index.html",
        path => path,
    };
    FILES.binary_search_by_key(&path, |file| file.path).ok().and_then(|at| FILES.get(at))
}

async fn file(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let Some(file) = find(request.path()) else {
        return Err(ApiError::NotFound("there is nothing at this path".to_owned()));
    };
    let (coding, body) = file.encoded_for(&request);
    let tag = EntityTag::new_strong(format!("{}-{coding}", file.tag));
    let is_known = is_known(&request, &tag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header(ETag(tag))
        .insert_header((header::VARY, "accept-encoding"))
        .insert_header((header::CACHE_CONTROL, if file.path.starts_with("assets/") { FOR_EVER } else { REVALIDATE }))
        .insert_header((header::CONTENT_SECURITY_POLICY, EDITOR_CSP))
        .insert_header((PERMISSIONS_POLICY, PERMISSIONS))
        .insert_header((CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"));
    if is_known {
        return Ok(response.finish());
    }
    // Said even where it is `identity`, since the compressing layer would otherwise pack what packing does not shrink.
    Ok(response.content_type(file.content_type).insert_header((header::CONTENT_ENCODING, coding)).body(body))
}

impl EditorFile {
    /// The body in the best form that the client takes, and the name of that form.
    fn encoded_for(&self, request: &HttpRequest) -> (&'static str, &'static [u8]) {
        let mut offered = vec![Encoding::identity()];
        offered.extend(self.brotli.map(|_| Encoding::brotli()));
        offered.extend(self.gzip.map(|_| Encoding::gzip()));
        let chosen = AcceptEncoding::parse(request).ok().and_then(|accepted| accepted.negotiate(offered.iter()));
        match (chosen, self.brotli, self.gzip) {
            (Some(chosen), Some(brotli), _) if chosen == Encoding::brotli() => ("br", brotli),
            (Some(chosen), _, Some(gzip)) if chosen == Encoding::gzip() => ("gzip", gzip),
            _ => ("identity", self.plain),
        }
    }
}

fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    if !request.headers().contains_key(header::IF_NONE_MATCH) {
        return false;
    }
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
        Err(_unreadable) => false,
    }
}
