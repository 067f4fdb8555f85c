//! Pages about the API: its description, and a page to read and try it. Everything comes from the binary; nothing is
//! loaded from elsewhere and no script stands in a page.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::http::error::ApiError;
use crate::http::packed_file::{self, PackedFile};

const OPENAPI_YAML: &str = include_str!("../../openapi.yaml");
/// Scripts and styles are this server's own files; Swagger UI draws its icons with data URLs and calls the API.
const PAGE_CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// Swagger UI, and the page that starts it, ordered by path.
static FILES: &[PackedFile] = &include!(concat!(env!("OUT_DIR"), "/api_page_files.rs"));
const REVALIDATE: &str = "no-cache";

/// Adds the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/openapi.yaml").route(web::get().to(openapi)))
        .service(web::resource("/docs").route(web::get().to(docs)))
        .service(web::resource("/docs/{file:.*}").route(web::get().to(docs_file)));
}

async fn openapi() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/yaml")
        .insert_header((header::CACHE_CONTROL, REVALIDATE))
        .body(OPENAPI_YAML)
}

async fn docs(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    file("index.html", &request)
}

async fn docs_file(path: web::Path<String>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    file(if path.is_empty() { "index.html" } else { &path }, &request)
}

fn file(path: &str, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    let file =
        packed_file::find(FILES, path).ok_or_else(|| ApiError::NotFound("the API page has no such file".to_owned()))?;
    let headers = [(header::CACHE_CONTROL.as_str(), REVALIDATE), (header::CONTENT_SECURITY_POLICY.as_str(), PAGE_CSP)];
    Ok(file.answer(request, &headers))
}
