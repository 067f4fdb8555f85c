//! `landfall undo` and `landfall revert`: taking back on the server what was done. The folder follows with its next sync.

mod names;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use self::names::{documents_named, moment, paths_elsewhere};
use self::wire::{Answer, Change, Progress, Status, TakenBack};
use super::remote_of;
use crate::client::error::{ClientError, exit};
use crate::client::interrupt::Interrupt;
use crate::client::plain::{command, one_line};
use crate::client::remote::{Remote, Until};
use crate::client::report::{write_json, write_line, write_text};
use crate::client::take_back_options::{RevertOptions, TakeBackOptions, UndoOptions};
use crate::client::workplace::{Access, Workplace};

/// Fewer documents are changed without a question.
const MASS_DOCUMENTS: usize = 20;
/// A mass change is of more than one in so many.
const MASS_PART: usize = 4;
/// Between two looks at a restore that goes on by itself.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Syncs of the history that are looked through for the last one that pushed something.
const LOOKED_THROUGH: i64 = 1_000;

pub(super) fn undo(options: &UndoOptions) -> Result<u8, ClientError> {
    let mut workplace = Workplace::open(&options.folder, Access::Read)?;
    let (path, request) = match &options.batch {
        Some(batch) if Uuid::try_parse(batch).is_ok() => (format!("/api/v1/batches/{batch}/undo"), json!({})),
        Some(_) => return Err(ClientError::Usage("--batch must be a batch's id, as the history shows it".to_owned())),
        None => {
            let runs = workplace.state.read(|change| change.load_runs(LOOKED_THROUGH))?;
            let Some(last) = runs.iter().find(|run| run.pushed > 0) else {
                return Err(ClientError::Usage("no sync of this folder has pushed anything".to_owned()));
            };
            ("/api/v1/documents/restore".to_owned(), json!({ "sync_id": last.run_id }))
        }
    };
    TakingBack::new(workplace, &options.how, &options.folder, path)?.run(request)
}

pub(super) fn revert(options: &RevertOptions) -> Result<u8, ClientError> {
    let workplace = Workplace::open(&options.folder, Access::Read)?;
    let as_of = moment(&options.as_of)?;
    let mut taking = TakingBack::new(workplace, &options.how, &options.folder, "/api/v1/documents/restore".to_owned())?;
    let documents = documents_named(&mut taking.workplace, &taking.remote, &options.names, &as_of)?;
    taking.run(json!({ "as_of": as_of, "document_ids": documents }))
}

/// A document that would be or was changed, for scripts.
#[derive(Serialize)]
struct Line<'a> {
    document_id: &'a str,
    path: Option<&'a str>,
    status: &'a str,
    code: Option<&'a str>,
    change: Option<&'a Change>,
}

/// One command under way.
struct TakingBack<'a> {
    workplace: Workplace,
    remote: Remote,
    interrupt: Interrupt,
    options: &'a TakeBackOptions,
    folder: &'a Path,
    /// Where it is asked for.
    path: String,
}

impl<'a> TakingBack<'a> {
    fn new(
        workplace: Workplace,
        options: &'a TakeBackOptions,
        folder: &'a Path,
        path: String,
    ) -> Result<Self, ClientError> {
        let interrupt = Interrupt::listen();
        let remote = remote_of(&workplace, options.patience, interrupt.clone())?;
        Ok(Self { workplace, remote, interrupt, options, folder, path })
    }

    fn run(mut self, mut request: Value) -> Result<u8, ClientError> {
        set(&mut request, "workspace_id", json!(self.workplace.identity.workspace));
        set(&mut request, "dry_run", json!(true));
        let Answer::Done(preview) = self.ask(&request)? else {
            return Err(ClientError::Document("the server answered a preview as if it had begun".to_owned()));
        };
        if self.options.dry_run {
            self.show(&preview, true)?;
            return Ok(if preview.failed == 0 { exit::IN_SYNC } else { exit::INCOMPLETE });
        }
        let unaffected = preview.unaffected();
        let documents = preview.documents().saturating_sub(unaffected);
        if documents == 0 {
            if self.options.json {
                self.show(&preview, true)?;
            } else {
                write_line("nothing to take back");
            }
            return Ok(exit::IN_SYNC);
        }
        if self.is_mass_change(documents)? {
            let hint = "look at it with --dry-run, then confirm it with --allow-mass-change";
            write_line(&format!("{documents} documents would change; {hint}"));
            return Ok(exit::GUARD);
        }
        set(&mut request, "dry_run", json!(false));
        // By these it is known when the answer is lost and it is sent again.
        set(&mut request, "device_id", json!(self.workplace.identity.device));
        set(&mut request, "client_id", json!(Uuid::now_v7()));
        let failed = match self.ask(&request)? {
            Answer::Done(done) => {
                self.show(&done, false)?;
                done.failed
            }
            Answer::Begun(run) => self.wait_for(run, unaffected)?,
        };
        if !self.options.json {
            write_line(&format!("next: {}", command("sync", self.folder, "")));
        }
        Ok(if failed == 0 { exit::IN_SYNC } else { exit::INCOMPLETE })
    }

    fn ask(&self, request: &Value) -> Result<Answer, ClientError> {
        let body = serde_json::to_vec(request).map_err(|error| ClientError::Document(error.to_string()))?;
        let asked = self.remote.post(&self.path, &body, Until::NothingHelps);
        asked.map_err(|error| error.into_client_error(self.remote.server()))
    }

    /// More than a few documents, and more than a part of all there are here.
    fn is_mass_change(&mut self, documents: usize) -> Result<bool, ClientError> {
        let files = self.workplace.state.read(|change| change.load_files())?.len();
        let is_mass = documents > MASS_DOCUMENTS && documents.saturating_mul(MASS_PART) > files;
        Ok(is_mass && !self.options.allow_mass_change)
    }

    fn show(&mut self, answer: &TakenBack, is_preview: bool) -> Result<(), ClientError> {
        let paths = self.paths_of(answer)?;
        for result in &answer.results {
            let id = result.document_id.as_deref().unwrap_or_default();
            let path = paths.get(id).map(String::as_str);
            let code = result.error.as_ref().map(|error| error.code.as_str());
            let change = result.change.as_ref();
            if self.options.json {
                write_json(&Line { document_id: id, path, status: result.status.as_str(), code, change });
                continue;
            }
            let name = one_line(path.unwrap_or(id));
            let what = result.what(is_preview);
            write_line(&format!("{name}: {what}"));
            if let Some(diff) = change.and_then(|change| change.diff.as_deref()) {
                write_text(diff.trim_end_matches('\n'));
            }
        }
        if !self.options.json {
            let would = if is_preview { "would be taken back" } else { "taken back" };
            let more = match answer.documents().saturating_sub(answer.results.len()) {
                0 => String::new(),
                more => format!(", {more} more not shown"),
            };
            let taken = answer.successful.saturating_sub(answer.unaffected());
            write_line(&format!("{} {would}, {} could not{more}", documents_of(taken), answer.failed));
        }
        Ok(())
    }

    /// The files of the documents, by id; of those that have none here what they would be called.
    fn paths_of(&mut self, answer: &TakenBack) -> Result<BTreeMap<String, String>, ClientError> {
        let files = self.workplace.state.read(|change| change.load_files())?;
        let mut paths: BTreeMap<String, String> =
            files.into_iter().map(|file| (file.document_id.to_string(), file.path)).collect();
        let all = answer.results.iter().filter_map(|result| result.document_id.as_deref());
        let elsewhere: BTreeSet<&str> = all.filter(|id| !paths.contains_key(*id)).collect();
        paths.extend(paths_elsewhere(&self.remote, &self.workplace.identity.workspace, elsewhere)?);
        Ok(paths)
    }

    /// Waits for a restore that goes on by itself; how many documents could not be restored. `unaffected` had nothing to take
    /// back when that was looked at.
    fn wait_for(&self, begun: Progress, unaffected: usize) -> Result<usize, ClientError> {
        let path = format!("/api/v1/syncs/{}?workspace_id={}", begun.sync_id, self.workplace.identity.workspace);
        let mut run = begun;
        while matches!(run.status, Status::Idle | Status::Processing) {
            self.interrupt.check()?;
            thread::sleep(LOOK_EVERY);
            run = self.remote.get(&path)?;
        }
        let Progress { succeeded, failed, skipped, .. } = run;
        if self.options.json {
            write_json(&run);
        } else {
            let taken = documents_of(succeeded.saturating_sub(unaffected));
            write_line(&format!("{taken} taken back, {} could not", failed + skipped));
        }
        let ended = matches!(run.status, Status::Completed);
        Ok(if ended { failed + skipped } else { failed.max(1) })
    }
}

fn documents_of(number: usize) -> String {
    if number == 1 { "1 document".to_owned() } else { format!("{number} documents") }
}

fn set(request: &mut Value, field: &str, value: Value) {
    if let Some(fields) = request.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}
