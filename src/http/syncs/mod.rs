//! Sync runs (protocol §4): opening, watching, cancelling, the history.
//!
//! `endpoints` are the handlers; requests and bodies are pure.

pub mod body;
pub mod endpoints;
pub mod request;
