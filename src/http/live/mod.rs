//! Live editing over WebSockets (protocol §8): `y-websocket` and Hocuspocus' provider connect as they are.

mod counting;
mod ending;
pub mod endpoint;
mod limits;
mod messages;
mod metered;
mod paced;
mod said;
mod slots;
mod socket;
mod turns;
mod updates;
mod wire;
mod work;

pub use self::limits::LiveLimits;
