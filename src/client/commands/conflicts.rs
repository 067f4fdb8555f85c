//! `landfall conflicts`: lists documents that wait for a choice, and takes the choice.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::client::apply::Local;
use crate::client::apply::choices::{Choice, find_conflict};
use crate::client::error::{ClientError, exit};
use crate::client::folder::Folder;
use crate::client::interrupt::Interrupt;
use crate::client::model::markers::marked_up;
use crate::client::options::{ConflictsOptions, Side};
use crate::client::report::{OutputKind, Report, command, quoted, write_json, write_line, write_text};
use crate::client::state::Conflict;
use crate::client::workplace::{Access, Workplace, find_root};
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
    let (folder, files) = split(&options.targets);
    match options.settle {
        _ if files.is_empty() && (options.settle.is_some() || options.show) => {
            let list = command("conflicts", folder, "");
            Err(ClientError::Usage(format!("name the files as well; `{list}` lists those in conflict")))
        }
        Some(side) => settle(options, folder, files, side),
        None if options.show => show(folder, files),
        None => list(options, folder, files),
    }
}

/// The folder and the files of the command line. The first word names a folder if it is one; without a folder it is the
/// current one, or that of the first file.
fn split(targets: &[PathBuf]) -> (&Path, &[PathBuf]) {
    let here = Path::new(".");
    match targets.split_first() {
        None => (here, &[]),
        Some((first, rest)) if first.is_dir() => (first, rest),
        Some((first, _)) if find_root(here).is_err() => {
            (first.parent().filter(|parent| parent.is_dir()).unwrap_or(here), targets)
        }
        Some(_) => (here, targets),
    }
}

/// The path in the folder of a file that was named from there, or from the current folder.
fn path_in<'c>(folder: &Folder, conflicts: &'c [Conflict], file: &Path) -> Result<&'c str, ClientError> {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let named = [Some(file), absolute.strip_prefix(folder.root()).ok()];
    let mut named = named.into_iter().flatten().filter_map(Path::to_str);
    let found = named.find_map(|path| conflicts.iter().find(|conflict| conflict.path == path));
    match found {
        Some(conflict) => Ok(&conflict.path),
        None => find_conflict(conflicts, &file.to_string_lossy()).map(|conflict| conflict.path.as_str()),
    }
}

fn paths_in(workplace: &mut Workplace, files: &[PathBuf]) -> Result<Vec<String>, ClientError> {
    let conflicts = workplace.state.read(|change| change.load_conflicts())?;
    files.iter().map(|file| path_in(&workplace.folder, &conflicts, file).map(str::to_owned)).collect()
}

fn list(options: &ConflictsOptions, folder: &Path, files: &[PathBuf]) -> Result<u8, ClientError> {
    let mut workplace = Workplace::open(folder, Access::Read)?;
    let wanted = paths_in(&mut workplace, files)?;
    let mut conflicts = workplace.state.read(|change| change.load_conflicts())?;
    conflicts.retain(|conflict| wanted.is_empty() || wanted.contains(&conflict.path));
    for conflict in &conflicts {
        if options.json {
            write_json(&body_of(conflict));
        } else {
            write_line(&format!("{}: {}", conflict.path, conflict.reason));
        }
    }
    if let Some(first) = conflicts.first().filter(|_| !options.json) {
        let file = quoted(&first.path);
        write_line(&format!("to compare: {}", command("conflicts", folder, &format!("--show {file}"))));
        write_line(&format!("to choose: {}", command("conflicts", folder, &format!("--settle mine {file}"))));
        write_line("or theirs, merged, or both, in the place of mine");
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

fn show(folder: &Path, files: &[PathBuf]) -> Result<u8, ClientError> {
    let mut workplace = Workplace::open(folder, Access::Rehearse)?;
    let conflicts = workplace.state.change(|change| change.load_conflicts())?;
    for path in paths_in(&mut workplace, files)? {
        let conflict = find_conflict(&conflicts, &path)?;
        let Some(mine) = workplace.folder.read_text(&path) else {
            return Err(ClientError::Usage(format!("{path} does not exist any more; choose theirs, or put it back")));
        };
        if conflict.server_deleted {
            return Err(ClientError::Usage(format!(
                "{path} was deleted on the server, so there is nothing to merge it with; choose mine, theirs or both"
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
fn read_merged(options: &ConflictsOptions, files: &[PathBuf], side: Side) -> Result<Option<String>, ClientError> {
    let Some(file) = &options.with else { return Ok(None) };
    if side != Side::Merged || files.len() != 1 {
        return Err(ClientError::Usage("--with goes with `--settle merged` and one file".to_owned()));
    }
    let text = fs::read_to_string(file).map_err(|cause| ClientError::Usage(format!("{}: {cause}", file.display())))?;
    if text.contains('\0') {
        return Err(ClientError::Usage(format!("{}: it holds a NUL character, so it is no text", file.display())));
    }
    Ok(Some(inside(&text).into_owned()))
}

fn settle(options: &ConflictsOptions, folder: &Path, files: &[PathBuf], side: Side) -> Result<u8, ClientError> {
    let merged = read_merged(options, files, side)?;
    let choice = match (side, &merged) {
        (Side::Mine, _) => Choice::Mine,
        (Side::Theirs, _) => Choice::Theirs,
        (Side::Both, _) => Choice::Both,
        (Side::Merged, None) => Choice::MergedInPlace,
        (Side::Merged, Some(text)) => Choice::Merged(text),
    };
    let mut workplace = Workplace::open(folder, Access::Change)?;
    let paths = paths_in(&mut workplace, files)?;
    let output = if options.json { OutputKind::Json } else { OutputKind::People };
    offline(workplace, output, |local| paths.iter().try_for_each(|path| local.settle_choice(path, choice)))?;
    if !options.json {
        write_line(&format!("{} settled; next: {}", paths.len(), command("sync", folder, "")));
    }
    Ok(exit::IN_SYNC)
}

/// Works on a folder without asking the server.
pub(super) fn offline<T>(
    workplace: Workplace,
    output: OutputKind,
    work: impl FnOnce(&mut Local<'_>) -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    let mut report = Report::new(output);
    let Workplace { folder, state, identity, .. } = workplace;
    let mut local = Local::new(folder, state, &identity.device, &mut report, Interrupt::default())?;
    let done = work(&mut local)?;
    report.close();
    Ok(done)
}
