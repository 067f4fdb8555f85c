//! Live editing over WebSockets (protocol §8): `y-websocket` and Hocuspocus' provider connect as they are.

pub mod endpoint;
mod messages;
mod metered;
mod socket;
mod wire;
mod work;
