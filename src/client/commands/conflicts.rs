//! `landfall conflicts`: lists documents that wait for a choice, and takes the choice.

use std::fs;

use serde::Serialize;

use super::{remote_of, renderer};
use crate::client::error::{ClientError, exit};
use crate::client::interrupt::Interrupt;
use crate::client::markers::marked_up;
use crate::client::options::{ConflictsOptions, PatienceOptions, Side};
use crate::client::report::{Report, Voice, write_json, write_line, write_text};
use crate::client::state::open_questions::Conflict;
use crate::client::sync::{Choice, Direction, Engine, Parts, SyncSettings, find_conflict};
use crate::client::wire::ServerLimits;
use crate::client::workplace::{Access, Workplace};
use crate::domain::line_ends::inside;
use crate::domain::timestamp::Timestamp;

/// A conflict, for scripts.
#[derive(Serialize)]
struct ConflictBody<'a> {
    document_id: String,
    path: &'a str,
    reason: &'a str,
    found_at: Timestamp,
    server_version: i64,
    server_title: &'a str,
    server_deleted: bool,
    base_content: Option<&'a str>,
    local_content: Option<&'a str>,
    server_content: Option<&'a str>,
}

pub(super) fn run(options: &ConflictsOptions) -> Result<u8, ClientError> {
    match options.settle {
        Some(side) => settle(options, side),
        None if options.show => show(options),
        None => list(options),
    }
}

fn list(options: &ConflictsOptions) -> Result<u8, ClientError> {
    let mut workplace = Workplace::open(&options.folder.folder, Access::Read)?;
    let conflicts = workplace.state.read(|change| change.load_conflicts())?;
    for conflict in &conflicts {
        if options.json {
            write_json(&body_of(conflict));
        } else {
            write_line(&format!("{}: {}", conflict.path, conflict.reason));
        }
    }
    if !conflicts.is_empty() && !options.json {
        write_line("look with: landfall conflicts FOLDER --show PATH");
        write_line("choose with: landfall conflicts FOLDER --settle mine|theirs|merged|both PATH...");
    }
    Ok(if conflicts.is_empty() { exit::IN_SYNC } else { exit::INCOMPLETE })
}

fn body_of(conflict: &Conflict) -> ConflictBody<'_> {
    ConflictBody {
        document_id: conflict.document_id.to_string(),
        path: &conflict.path,
        reason: &conflict.reason,
        found_at: Timestamp(conflict.found_at),
        server_version: conflict.server_version,
        server_title: &conflict.server_title,
        server_deleted: conflict.server_deleted,
        base_content: conflict.base_content.as_deref(),
        local_content: conflict.local_content.as_deref(),
        server_content: conflict.server_content.as_deref(),
    }
}

fn show(options: &ConflictsOptions) -> Result<u8, ClientError> {
    let mut workplace = Workplace::open(&options.folder.folder, Access::Rehearse)?;
    let conflicts = workplace.state.change(|change| change.load_conflicts())?;
    for path in &options.paths {
        let conflict = find_conflict(&conflicts, path)?;
        let Some(mine) = workplace.folder.read_text(path) else {
            return Err(ClientError::Usage(format!("{path} is not there any more; choose theirs, or put it back")));
        };
        if conflict.server_deleted {
            return Err(ClientError::Usage(format!(
                "{path} was deleted by somebody else, so there is nothing to merge it with; choose mine, theirs or both"
            )));
        }
        let theirs = conflict.server_content.as_deref().unwrap_or_default();
        let Some(text) = marked_up(conflict.base_content.as_deref(), &mine, theirs) else {
            return Err(ClientError::Usage(format!(
                "{path} is too long to be compared here; choose both, and compare the two files"
            )));
        };
        write_text(text.strip_suffix('\n').unwrap_or(&text));
    }
    Ok(exit::INCOMPLETE)
}

/// The text of `--with`.
fn read_merged(options: &ConflictsOptions, side: Side) -> Result<Option<String>, ClientError> {
    let Some(file) = &options.with else { return Ok(None) };
    if side != Side::Merged || options.paths.len() != 1 {
        return Err(ClientError::Usage("--with goes with `--settle merged` and one PATH".to_owned()));
    }
    let text = fs::read_to_string(file).map_err(|cause| ClientError::Usage(format!("{}: {cause}", file.display())))?;
    if text.contains('\0') {
        return Err(ClientError::Usage(format!("{}: it holds a NUL character, so it is no text", file.display())));
    }
    Ok(Some(inside(&text).into_owned()))
}

fn settle(options: &ConflictsOptions, side: Side) -> Result<u8, ClientError> {
    let merged = read_merged(options, side)?;
    let choice = match (side, &merged) {
        (Side::Mine, _) => Choice::Mine,
        (Side::Theirs, _) => Choice::Theirs,
        (Side::Both, _) => Choice::Both,
        (Side::Merged, None) => Choice::MergedInPlace,
        (Side::Merged, Some(text)) => Choice::Merged(text),
    };
    let workplace = Workplace::open(&options.folder.folder, Access::Change)?;
    let voice = if options.json { Voice::Json } else { Voice::People };
    offline(workplace, voice, |engine| options.paths.iter().try_for_each(|path| engine.settle_choice(path, choice)))?;
    if !options.json {
        write_line(&format!("{} settled; next: landfall sync", options.paths.len()));
    }
    Ok(exit::IN_SYNC)
}

/// Works on a folder without asking the server.
pub(super) fn offline<T>(
    workplace: Workplace,
    voice: Voice,
    work: impl FnOnce(&mut Engine<'_>) -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    let remote = remote_of(&workplace, PatienceOptions { retries: 0, timeout: 1 }, Interrupt::default())?;
    let (renderer, mut report) = (renderer()?, Report::new(voice));
    let Workplace { folder, state, identity, .. } = workplace;
    let mut engine = Engine::new(Parts {
        folder,
        state,
        renderer: &renderer,
        remote: &remote,
        report: &mut report,
        interrupt: Interrupt::default(),
        identity,
        settings: SyncSettings {
            direction: Direction::Both,
            batch_size: 1,
            concurrency: 1,
            batches: None,
            atomic: false,
            dry_run: false,
            force_full: false,
            allow_mass_delete: false,
        },
        limits: ServerLimits::UNKNOWN,
    })?;
    work(&mut engine)
}
