//! `POST /api/v1/documents/batch`: an editor's whole queue in one request (protocol §1).

pub mod answer;
mod changes;
mod fields;
mod operation;
pub mod request;
mod wire;
