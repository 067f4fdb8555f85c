//! `landfall retry`: lists operations that the server refused, or queues them again.

use crate::client::error::{ClientError, exit};
use crate::client::options::RetryOptions;
use crate::client::report::{write_json, write_line};
use crate::client::workplace::{Access, Workplace};

pub(super) fn run(options: &RetryOptions) -> Result<u8, ClientError> {
    let access = if options.list { Access::Read } else { Access::Change };
    let mut workplace = Workplace::open(&options.folder.folder, access)?;
    let letters = workplace.state.read(|change| change.load_dead_letters())?;
    for letter in &letters {
        if options.json {
            write_json(letter);
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
        write_line(&format!("{} operations are queued again; next: landfall sync", letters.len()));
    }
    Ok(exit::IN_SYNC)
}
