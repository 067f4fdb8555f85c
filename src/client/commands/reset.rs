//! `landfall reset`: forgets what was synced. Files and the server are untouched.

use std::io::IsTerminal;

use console::Term;

use crate::client::error::{ClientError, exit};
use crate::client::options::ResetOptions;
use crate::client::report::write_line;
use crate::client::workplace::{Access, Workplace};

pub(super) fn run(options: &ResetOptions) -> Result<u8, ClientError> {
    let mut workplace = Workplace::open(&options.folder.folder, Access::Change)?;
    let queued = workplace.state.change(|change| change.list_outbox())?.len();
    let folder = workplace.folder.root().display().to_string();
    if !options.yes {
        let lost = if queued > 0 { format!(" ({queued} queued operations are forgotten too)") } else { String::new() };
        confirm(&format!("Forget the sync state of {folder}?{lost} Files stay as they are. [y/N] "))?;
    }
    workplace.state.change(|change| change.forget_sync_state())?;
    write_line(&format!("the sync state of {folder} is forgotten; the next sync matches files by path and content"));
    Ok(exit::IN_SYNC)
}

/// # Errors
/// `Usage` without a terminal; `Interrupted` if the answer is not yes.
fn confirm(question: &str) -> Result<(), ClientError> {
    if !std::io::stdin().is_terminal() {
        return Err(ClientError::Usage("there is no terminal to ask on; add --yes".to_owned()));
    }
    let term = Term::stderr();
    let asked = term.write_str(question).and_then(|()| term.read_line());
    let answer = asked.map_err(|cause| ClientError::io("the terminal", cause))?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(ClientError::Interrupted) }
}
