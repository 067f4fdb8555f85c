//! Taking back (protocol §1.11): undoing a batch, restoring documents to a moment.
//!
//! `endpoints` are the handlers; what they are asked with is read in `request`.

pub mod endpoints;
pub mod request;
