//! Yjs: the gate for bytes from outside, and the only place that names yrs.
//!
//! `scan` decides what is acceptable, `merge` unites what was accepted, both on bytes alone and in this process.
//! Whatever needs a live document (the text of a state) goes through `render` to a worker process.

mod edit;
mod frames;
pub mod merge;
mod nesting;
mod order;
mod reader;
pub mod render;
#[cfg(test)]
mod samples;
pub mod scan;
mod skeleton;
mod squash;
mod structs;
mod text;
mod values;
mod walk;
mod weave;
pub mod worker;
mod worker_handle;
