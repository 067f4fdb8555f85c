//! The pure core: what an operation means, decided in memory.
//!
//! Nothing here knows actix, Diesel, yrs, a clock or any I/O. Everything is a function of its arguments, so the
//! whole conflict matrix of the protocol is tested by tables, once, for every database.

pub mod access;
pub mod batch;
pub mod caution;
mod conditions;
pub mod cursor;
pub mod decide;
pub mod decision;
pub mod document;
pub mod error_code;
pub mod history;
pub mod ids;
pub mod life;
pub mod limits;
pub mod line_diff;
pub mod line_ends;
pub mod names;
pub mod needs;
pub mod operation;
pub mod outcome;
pub mod plan;
pub mod quota;
pub mod refusal;
pub mod replacements;
pub mod run_notes;
pub mod run_statistics;
pub mod search;
pub mod sessions;
pub mod sync_run;
pub mod take_back;
mod tally;
pub mod text_edits;
mod text_hunks;
pub mod text_merge;
pub mod text_steps;
pub mod text_unite;
pub mod timestamp;
pub mod track;
pub mod unfit;
pub mod unified_diff;
pub mod upload;
mod verdict;
pub mod yjs_facts;
