//! The wire: requests, their compression and retries, as whom they are made, and what the protocol says in them.
//!
//! `http` sends and tries again, `answer` reads what came back, `session` knows as whom; `remote` is all that in one for
//! the other rooms.

pub mod answer;
mod compression;
pub mod error;
mod http;
mod moved;
pub mod remote;
pub mod retry;
pub mod server;
mod session;
pub mod waits;
pub mod wire;

pub use self::error::RemoteError;
pub use self::http::{Patience, Until};
pub use self::remote::Remote;
pub use self::retry::{Backoff, LONGEST_ASKED, chance};
pub use self::server::Server;
