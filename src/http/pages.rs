//! Pages about the API: its description, and a page to read and try it. Everything comes from the binary; nothing is
//! loaded from elsewhere and no script stands in a page.

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use utoipa_swagger_ui::Config;

use crate::http::error::ApiError;

const OPENAPI_YAML: &str = include_str!("../../openapi.yaml");
/// Scripts and styles are this server's own files; Swagger UI draws its icons with data URLs and calls the API.
const PAGE_CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
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

async fn docs() -> Result<HttpResponse, ApiError> {
    let index = docs_asset("index.html")?;
    let html = String::from_utf8(index).map_err(ApiError::internal)?;
    let html = html.replace("=\"./", "=\"/docs/").replace("href=\"index.css\"", "href=\"/docs/index.css\"");
    Ok(page("text/html; charset=utf-8", html))
}

async fn docs_file(path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let name = path.into_inner();
    if name.is_empty() {
        return docs().await;
    }
    let content_type = match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("png") => "image/png",
        Some(_) | None => "application/octet-stream",
    };
    Ok(page(content_type, docs_asset(&name)?))
}

fn docs_asset(name: &str) -> Result<Vec<u8>, ApiError> {
    let config = Arc::new(Config::from("/openapi.yaml").use_base_layout().validator_url("none"));
    match utoipa_swagger_ui::serve(name, config) {
        Ok(Some(file)) => Ok(file.bytes.into_owned()),
        Ok(None) => Err(ApiError::NotFound("there is no such file of the API page".to_owned())),
        Err(failure) => Err(ApiError::internal(failure)),
    }
}

fn page(content_type: &'static str, body: impl MessageBody + 'static) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((header::CONTENT_SECURITY_POLICY, PAGE_CSP))
        .insert_header((header::CACHE_CONTROL, REVALIDATE))
        .body(body)
}
