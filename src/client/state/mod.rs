//! What a folder remembers of its syncs: `<folder>/.landfall/state.db`, SQLite.
//!
//! The only place besides `src/store` that names Diesel. It stores and finds; what is stored is decided elsewhere.
//! Everything of one step is done inside one [`State::change`]: it is there as a whole or not at all.

mod database;
pub mod files;
mod forms;
mod id;
pub mod open_questions;
pub mod outbox;
pub mod pending;
pub mod runs;
mod schema;
pub mod settings;

pub use self::database::{Change, State, StateError};
pub use self::files::{Body, Look, TrackedFile};
pub use self::id::DocId;
pub use self::open_questions::{Conflict, IGNORED, LeftOut};
pub use self::outbox::{DeadLetter, QueuedOperation};
pub use self::pending::{LOST, PendingWrite};
pub use self::runs::{Run, RunTotals};
pub use self::settings::Setting;
