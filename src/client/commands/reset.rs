//! `landfall reset`: forgets what was synced. Files and the server are untouched.

use std::io::IsTerminal;

use console::Term;

use crate::client::error::{ClientError, exit};
use crate::client::options::ResetOptions;
use crate::client::report::{one_line, write_line};
use crate::client::set_aside::set_aside;
use crate::client::workplace::{Access, Workplace};

pub(super) fn run(options: &ResetOptions) -> Result<u8, ClientError> {
    match forget(options) {
        Err(ClientError::State(error)) if error.is_damage() => {
            let question = format!("{error}.\nSet it aside and begin a new one? What is queued in it is forgotten.");
            if !is_confirmed(options, &question)? {
                return Ok(declined());
            }
            let aside = set_aside(&options.folder.folder)?;
            write_line(&format!("the sync state could not be read, and lies in {} now", aside.display()));
        }
        Ok(false) => return Ok(declined()),
        Ok(true) => {}
        Err(failure) => return Err(failure),
    }
    write_line("the sync state is forgotten; the next sync matches files by path and content");
    Ok(exit::IN_SYNC)
}

/// Whether it was done; if not, the answer was no.
fn forget(options: &ResetOptions) -> Result<bool, ClientError> {
    let mut workplace = Workplace::open(&options.folder.folder, Access::Change)?;
    let queued = workplace.state.change(|change| change.list_outbox())?.len();
    let folder = workplace.folder.root().display();
    let lost = if queued > 0 { format!(" ({queued} queued operations are forgotten too)") } else { String::new() };
    if !is_confirmed(options, &format!("Forget the sync state of {folder}?{lost} Files stay as they are."))? {
        return Ok(false);
    }
    workplace.state.change(|change| change.forget_sync_state())?;
    Ok(true)
}

fn declined() -> u8 {
    write_line("nothing was changed");
    exit::INCOMPLETE
}

/// # Errors
/// `Usage` without a terminal, unless the answer was given with the question.
fn is_confirmed(options: &ResetOptions, question: &str) -> Result<bool, ClientError> {
    if options.yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        return Err(ClientError::Usage("there is no terminal to ask on; add --yes".to_owned()));
    }
    let lines: Vec<String> = question.lines().map(one_line).collect();
    let term = Term::stderr();
    let asked = term.write_str(&format!("{} [y/N] ", lines.join("\n"))).and_then(|()| term.read_line());
    let answer = asked.map_err(|cause| ClientError::io("the terminal", cause))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
