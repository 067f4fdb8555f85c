//! `landfall retry`: lists operations that the server refused, or queues them again.

use crate::client::error::{ClientError, exit};
use crate::client::options::RetryOptions;
use crate::client::report::{command, write_json, write_line};
use crate::client::state::{DeadLetter, State};
use crate::client::workplace::{Access, Workplace};

pub(super) fn run(options: &RetryOptions) -> Result<u8, ClientError> {
    let access = if options.list { Access::Read } else { Access::Change };
    let mut workplace = Workplace::open(&options.folder.folder, access)?;
    let letters = workplace.state.read(|change| change.load_dead_letters())?;
    for letter in &letters {
        if options.json {
            write_json(&with_text(&mut workplace.state, letter)?);
        } else {
            let tried = letter.attempts;
            write_line(&format!(
                "{} {} ({} tries): {} ({})",
                letter.kind, letter.path, tried, letter.message, letter.code
            ));
        }
    }
    if options.list {
        return Ok(if letters.is_empty() { exit::IN_SYNC } else { exit::INCOMPLETE });
    }
    workplace.state.change(|change| letters.iter().try_for_each(|letter| change.revive(letter)))?;
    if !options.json {
        let next = command("sync", &options.folder.folder, "");
        write_line(&format!("{} operations are queued again; next: {next}", letters.len()));
    }
    Ok(exit::IN_SYNC)
}

/// For export: a long text does not go along with its Yjs update, so it is that of the document as it is here.
fn with_text(state: &mut State, letter: &DeadLetter) -> Result<DeadLetter, ClientError> {
    let has_text = letter.content.is_some() || letter.yjs_update.is_none();
    let content = if has_text { None } else { state.read(|change| change.find_content(letter.document_id))? };
    Ok(DeadLetter { content: letter.content.clone().or(content), ..letter.clone() })
}
