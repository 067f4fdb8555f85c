//! The only room that changes files and the state: what the others have decided is carried out here, and asks no server.

pub mod choices;
pub mod document;
mod finish;
pub mod guard;
mod left_out;
pub mod local;
mod places;
pub mod planning;
pub mod queue;
mod record;
pub mod removals;
mod waiting;
mod writing;

pub use self::document::{body, row_of, text_of_state, unite, update_of};
pub use self::local::{Local, Tally};
pub use self::queue::{queue, take_back_deletion};
