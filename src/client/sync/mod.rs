//! One sync of a folder, in `steps`; `run` frames it, from the opened folder to its line in the history.

pub mod run;
mod steps;

pub use crate::client::apply::local::Tally;
pub use crate::client::clock::now_us;
pub use crate::client::model::settings::{Direction, SyncSettings};
