//! The command-line client: a folder of text files as an offline editor.
//!
//! It knows the server by its wire protocol alone, and of the program besides itself only `domain` and `yjs`, whose
//! reading of documents is bounded and cannot panic, so that no other process is needed.
//!
//! `commands` read options and end with exit codes; `workplace` finds and locks a folder and opens its `state`, `set_aside`
//! begins one anew that cannot be read, and `survey` says what was done to the files. `sync` is one sync, step by step, and
//! `watch` repeats it when something has changed. Beneath them, each a room that knows none of those above: `plan` decides, as
//! pure functions, on what `model` has words for; `folder` touches files; `transport` talks to the server, as whom `login`
//! knows; `report` talks to the person, and keeps what others wrote from acting on the terminal.

mod apply;
mod clock;
pub mod commands;
pub mod common_options;
pub mod error;
pub mod folder;
mod generation;
pub mod interrupt;
pub mod login;
pub mod model;
pub mod note_options;
pub mod options;
pub mod plan;
mod pull;
pub mod push;
pub mod report;
mod set_aside;
pub mod state;
mod survey;
pub mod sync;
pub mod take_back_options;
pub mod transport;
pub mod watch;
pub mod workplace;

// By their short names, what commands use most.
pub use self::folder::scan;
pub use self::login as credentials;
pub use self::model::{markers, names, paths};
pub use self::report::{output, plain};
pub use self::sync::run as sync_run;
pub use self::transport::{remote, retry, wire};
