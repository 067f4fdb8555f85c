//! `POST /api/v1/documents/batch`: an editor's whole queue in one request (protocol §1).
//!
//! `push` is the handler; reading the body (`request`) and writing the answer (`answer`) are pure functions that know
//! neither actix nor the store.

pub mod answer;
mod changes;
mod edits;
mod fields;
mod operation;
pub mod push;
pub mod request;
mod telemetry;
pub mod uploads;
mod wire;
