//! Landfall: offline-first document sync.
//!
//! The map, and the only direction of imports: `http → sync → {store, yjs, domain}`, `auth → {store, domain}`.
//! See `ARCHITECTURE.md` for the invariants.

pub mod admin;
pub mod auth;
pub mod client;
pub mod clock;
pub mod config;
pub mod domain;
pub mod http;
pub mod server;
pub mod store;
pub mod sync;
pub mod yjs;
