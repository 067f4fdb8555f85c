//! Taking in what others did: from the feed's pages and from answers into the state and the files.

mod diffs;
mod doubt;
mod pages;
mod take_in;

use crate::client::apply::Local;
use crate::client::transport::Server;

/// What takes in others' changes works with.
pub struct Pull<'p, 'a> {
    /// The folder and its state.
    pub local: &'p mut Local<'a>,
    /// The server.
    pub server: &'p Server<'p>,
    /// Whether to read every document anew.
    pub reads_all: bool,
    /// Whether files go without a person's word, however many they are.
    pub allows_mass_delete: bool,
    /// Whether the state may be older than the files.
    pub is_in_doubt: bool,
}
