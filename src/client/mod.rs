//! The command-line client: a folder of text files as an offline editor.
//!
//! It knows the server by its wire protocol alone, and of the program besides itself only `domain` and `yjs`, whose
//! reading of documents is bounded and cannot panic, so that no other process is needed.
//!
//! `commands` read options and end with exit codes; `workplace` finds and locks a folder and opens its `state`; `sync` is
//! one sync, step by step, `sync_run` frames it, and `watch` repeats it when something has changed; `plan`, `outbox` and `names` decide, as pure functions; `scan` and `folder` touch files,
//! and `survey` says what was done to them; `set_aside` begins a state anew that cannot be read;
//! `remote` and `wire` talk to the server, as whom `session` knows; `report` talks to the person, and `plain` keeps what
//! others wrote from acting on the terminal.

pub mod batch_size;
mod bin;
pub mod commands;
mod compression;
pub mod credentials;
pub mod error;
pub mod events;
pub mod folder;
pub mod interrupt;
mod keyring;
mod markers;
mod moved;
mod moves;
pub mod names;
pub mod options;
mod outbox;
pub mod output;
mod paths;
mod plain;
pub mod plan;
pub mod progress;
mod progress_line;
pub mod remote;
mod remote_error;
pub mod report;
pub mod retry;
pub mod scan;
mod session;
mod set_aside;
mod skipped;
pub mod state;
mod survey;
pub mod sync;
pub mod sync_run;
pub mod take_back_options;
pub mod waits;
pub mod watch;
pub mod wire;
pub mod workplace;
