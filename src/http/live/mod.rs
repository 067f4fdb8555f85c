//! Live editing over WebSockets (protocol §8): `y-websocket` and Hocuspocus' provider connect as they are.

mod ending;
pub mod endpoint;
mod messages;
mod metered;
mod seats;
mod socket;
mod wire;
mod work;
