//! HTTP: the only place that names actix-web.

pub mod batch;
pub mod document_body;
pub mod documents;
