//! Yjs: the gate for bytes from outside.
//!
//! `scan` decides what is acceptable by itself, `fit` whether it fits what is there, `merge` unites what was accepted.
//! `document`, `node_builder`, `placing` and `lists` put the items of a state at their places; its text is derived by `render`, in
//! a worker process, whose time and memory are bounded. Edits of a text are made there too, by yrs (`yrs_edit`) where it
//! can.

mod document;
pub mod edit;
mod edit_check;
pub mod fit;
mod frames;
mod lanes;
mod lists;
pub mod merge;
mod nesting;
mod node_builder;
mod order;
mod overlap;
mod placing;
mod put_off;
mod reader;
pub mod render;
mod render_config;
mod render_error;
pub mod runs;
#[cfg(test)]
mod samples;
pub mod scan;
mod scan_error;
pub mod seed;
mod squash;
mod structs;
pub mod text;
mod text_cursor;
mod values;
mod walk;
mod weave;
pub mod worker;
mod worker_handle;
mod yrs_edit;
