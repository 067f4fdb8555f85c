//! Reading documents (protocol §3): one, all of a workspace, and their history.
//!
//! `endpoints`, `changes` (the feed, §2) and `search` (§2.1) are the handlers; parameters (`query`), page tokens and bodies are pure.

pub mod body;
pub mod changes;
pub mod diff;
pub mod endpoints;
pub mod query;
pub mod search;
