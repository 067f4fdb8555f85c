//! Live events as Server-Sent Events (protocol §2): the handler, the stream that it answers, and its frames.

pub mod endpoint;
mod frames;
mod stream;
