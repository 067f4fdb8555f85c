//! The test bench: real servers, real databases, and users who talk to them over HTTP.
//!
//! A test reads like a transcript: who sends what, and what came back. Every answer is checked against
//! `openapi.yaml` before the test sees it ([`contract`]), and every batch answer against the rules that hold for all
//! of them ([`batch`]). A server that panics, or that does not stop when asked, fails the test that started it.

pub mod answer;
pub mod batch;
pub mod client;
pub mod coding;
pub mod contract;
pub mod events;
pub mod operation;
pub mod server;
pub mod sync_run;
pub mod user;
pub mod yjs_editor;

pub use self::answer::Answer;
pub use self::client::Client;
pub use self::coding::Coding;
pub use self::operation::{check, create, delete, update};
pub use self::server::{Database, TestServer};
pub use self::sync_run::Run;
pub use self::user::User;
pub use self::yjs_editor::YjsEditor;

/// Runs each of the named functions as one test on SQLite and one on Postgres.
///
/// A function takes the [`Database`] to use. One that is not named here is dead code, which the lints refuse, so none
/// can be forgotten. A Postgres that cannot be started fails its tests; nothing is skipped.
macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $test() { super::$test(crate::harness::Database::Sqlite); })+
        }
        mod postgres {
            $(#[test] fn $test() { super::$test(crate::harness::Database::Postgres); })+
        }
    };
}
pub(crate) use on_both_databases;
