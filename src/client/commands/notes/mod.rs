//! Commands on single notes: they ask the server, and keep nothing here. A synced folder only says which server, which
//! workspace and which login.

mod names;
mod read;
mod server;
mod write;

use crate::client::error::ClientError;
use crate::client::note_options::NoteCommand;

pub(super) fn run(command: &NoteCommand) -> Result<u8, ClientError> {
    match command {
        NoteCommand::Cat(options) => read::cat(options),
        NoteCommand::Ls(options) => read::list(options),
        NoteCommand::Search(options) => read::search(options),
        NoteCommand::Edit(options) => write::edit(options),
        NoteCommand::Put(options) => write::put(options),
        NoteCommand::Append(options) => write::append(options),
    }
}
