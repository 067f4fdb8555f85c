//! One sync of a folder: look at it, take in what others did, queue what was done here, push.
//!
//! The steps, each in its file, share an [`Engine`]. The order is pull, push, pull: what others did is taken in first, so that
//! files which stand for documents already are matched and not made twice, and so that most clashes are united here.
//! Every step may be cut off at any point; the next sync goes on from what is on disk.

mod choices;
mod course;
mod deferred;
mod diffs;
mod doubt;
mod engine;
mod group;
mod guard;
mod paths;
mod pull;
mod push;
mod record;
mod removals;
mod results;
pub mod run;
mod settings;
mod suspects;
mod take_in;
mod write_back;

pub use self::choices::{Choice, find_conflict};
pub use self::engine::{Engine, Parts, now_us};
pub use self::guard::Word;
pub use self::settings::{Direction, SyncSettings, Tally};
