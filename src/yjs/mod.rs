//! Yjs: the gate for bytes from outside, and the only place that names yrs.

pub mod merge;
pub mod render;
pub mod scan;
pub mod worker;
