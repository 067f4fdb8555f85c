//! All or nothing, also where that is more than one request takes: the operations are staged at the server part by part, and
//! committed at once. Cut off at any point, nothing is applied, or all of it; the next sync begins again, and what was
//! applied meanwhile is answered from receipts.

use serde_json::value::RawValue;

use super::Push;
use super::answers::Answered;
use crate::client::error::ClientError;
use crate::client::model::{Direction, Identity};
use crate::client::report::{Event, command};
use crate::client::state::{DocId, LOST, QueuedOperation, Setting};
use crate::client::transport::wire::{Batch, BatchAnswer, Upload};
use crate::client::transport::{RemoteError, Until};

/// Bytes of one part at most: a lost connection costs no more.
const MOST_PART_BYTES: usize = 2 * 1024 * 1024;

/// What is pushed at once.
struct Whole {
    operations: Vec<QueuedOperation>,
    written: Vec<Box<RawValue>>,
}

impl Whole {
    fn bytes(&self) -> usize {
        self.written.iter().map(|raw| raw.get().len() + 1).sum()
    }
}

impl Push<'_, '_, '_> {
    /// Pushes everything that is queued, all or nothing. What is queued behind an operation of the same document comes after
    /// it, all or nothing again.
    pub(super) fn push_whole(&mut self) -> Result<(), ClientError> {
        self.forget_upload()?;
        loop {
            self.pull.local.interrupt.check()?;
            let whole = self.gather_whole()?;
            if whole.operations.is_empty() {
                return Ok(());
            }
            let pushed = self.pull.local.tally.pushed;
            let all = self.all();
            if whole.operations.len() <= all.operations && whole.bytes() <= all.bytes {
                self.push_at_once(whole)?;
            } else {
                self.push_by_upload(whole)?;
            }
            if self.pull.local.tally.pushed == pushed || self.settings.dry_run || self.waits_for_person()? {
                return Ok(());
            }
        }
    }

    /// Whether a document waits for a person's choice, which is said with the next step: what is pushed without it would not
    /// be all.
    pub(super) fn waits_for_person(&mut self) -> Result<bool, ClientError> {
        let (conflicts, removals, accepted) = self.pull.local.state.change(|change| {
            Ok((change.count_conflicts()?, change.load_pending_removals()?, change.load_accepted_deletions()?))
        })?;
        let is_lost = |(id, version): &(DocId, i64)| *version == LOST && !accepted.contains(id);
        let is_guarded = self.pull.local.tally.guarded > 0 || removals.iter().any(is_lost);
        let folder = self.pull.local.folder.root();
        let (what, next) = if conflicts > 0 {
            ("a document is in conflict", format!("settle it (`{}`)", command("conflicts", folder, "")))
        } else if is_guarded {
            let (keep, accept) = (command("keep", folder, ""), command("accept", folder, ""));
            ("deletions wait for an answer", format!("answer them (`{accept}` or `{keep}`)"))
        } else {
            return Ok(false);
        };
        let reason = format!("{what}, so --atomic pushes nothing and everything stays queued; {next}, then sync again");
        self.pull.local.report.show(&Event::Problem { path: ".", reason: &reason });
        Ok(true)
    }

    /// The first queued operation of each document, written and marked as sent.
    fn gather_whole(&mut self) -> Result<Whole, ClientError> {
        self.pull.local.state.begin_group()?;
        let outcome = self.write_whole();
        let committed = self.pull.local.state.end_group();
        outcome.and_then(|whole| committed.map(|()| whole).map_err(Into::into))
    }

    fn write_whole(&mut self) -> Result<Whole, ClientError> {
        let names = self.list_all_free()?;
        let limits = self.limits.upload;
        let most = limits.map_or(self.limits.max_operations, |limits| limits.max_operations);
        if names.len() > most {
            return Err(too_much(&format!("{} operations", names.len()), &format!("{most} operations")));
        }
        let mut whole = Whole { operations: Vec::new(), written: Vec::new() };
        for (name, _) in names {
            if let Some((operation, raw)) = self.prepare(&name)? {
                whole.operations.push(operation);
                whole.written.push(raw);
            }
        }
        let most = limits.map_or(self.limits.batch_bytes(), |limits| limits.max_bytes);
        if whole.bytes() > most {
            return Err(too_much(&format!("{} bytes", whole.bytes()), &format!("{most} bytes")));
        }
        Ok(whole)
    }

    fn push_at_once(&mut self, whole: Whole) -> Result<(), ClientError> {
        let chunk = self.write_chunk(whole.operations, &whole.written)?;
        self.queue.begin(&chunk.operations);
        let (outcome, took) = self.pull.server.push(&chunk.body, Until::NothingHelps);
        self.queue.end(&chunk.operations);
        self.settle(Answered { chunk, outcome, took })
    }

    fn push_by_upload(&mut self, whole: Whole) -> Result<(), ClientError> {
        let upload_id = uuid::Uuid::now_v7().to_string();
        self.pull.local.state.change(|change| change.put_setting(Setting::Upload, &upload_id))?;
        let Whole { operations, written } = whole;
        self.queue.begin(&operations);
        let outcome = self.stage_and_commit(&upload_id, &written);
        self.queue.end(&operations);
        let answer = outcome?;
        // What was rolled back, or only rehearsed, is still staged.
        if answer.upload_is_open() {
            self.forget_upload()?;
        } else {
            self.pull.local.state.change(|change| change.remove_setting(Setting::Upload))?;
        }
        self.queue.on_success();
        self.has_uploaded = true;
        self.settle_results(&operations, answer.results)
    }

    fn stage_and_commit(&mut self, upload_id: &str, written: &[Box<RawValue>]) -> Result<BatchAnswer, ClientError> {
        let all = self.all();
        let mut rest: Vec<&RawValue> = written.iter().map(AsRef::as_ref).collect();
        let (mut most, mut part) = (all.operations, 0);
        while !rest.is_empty() {
            self.pull.local.interrupt.check()?;
            let count = fitting(&rest, most, all.bytes.min(MOST_PART_BYTES));
            let operations = rest.get(..count).unwrap_or(&rest).to_vec();
            let staged = self.send_part(Upload { upload_id, commit: false, part }, operations, false);
            match staged {
                Ok(_) => {
                    rest.drain(..count);
                    part += 1;
                }
                Err(failure) if failure.asks_for_less() && count > 1 => most = count.div_ceil(2),
                Err(failure) => return Err(self.pull.server.failure(failure)),
            }
        }
        self.pull.local.interrupt.check()?;
        let commit = Upload { upload_id, commit: true, part };
        let answer = self.send_part(commit, Vec::new(), self.settings.dry_run);
        answer.map_err(|failure| self.pull.server.failure(failure))
    }

    fn send_part(
        &self,
        upload: Upload<'_>,
        operations: Vec<&RawValue>,
        dry_run: bool,
    ) -> Result<BatchAnswer, RemoteError> {
        let Identity { workspace, device } = self.pull.server.identity();
        let until = if operations.len() > 1 { Until::LessHelps } else { Until::NothingHelps };
        let request = Batch {
            workspace_id: workspace,
            device_id: device,
            atomic: true,
            dry_run,
            sync_id: self.run_id,
            upload: Some(upload),
            cursor: None,
            operations,
        };
        let body = serde_json::to_vec(&request);
        let body = body.map_err(|error| RemoteError::Local(ClientError::Usage(error.to_string())))?;
        self.pull.server.push(&body, until).0
    }

    /// Drops what an earlier sync staged and did not commit, or what a commit left. If it was committed, receipts say so.
    pub(super) fn forget_upload(&mut self) -> Result<(), ClientError> {
        let Some(upload_id) = self.pull.local.state.change(|change| change.find_setting(Setting::Upload))? else {
            return Ok(());
        };
        self.pull.server.drop_upload(&upload_id)?;
        self.pull.local.state.change(|change| change.remove_setting(Setting::Upload))?;
        Ok(())
    }

    /// Whether the feed has to be read again, since it was not read with what was pushed.
    pub(super) fn has_to_pull(&self) -> bool {
        let was_pushed_apart = self.queue.sent() > 1 || self.has_uploaded;
        was_pushed_apart && self.settings.direction == Direction::Both && !self.settings.dry_run
    }
}

/// How many of the operations fit into one part; one at least.
fn fitting(operations: &[&RawValue], most: usize, most_bytes: usize) -> usize {
    let mut bytes = 0_usize;
    let fitting = operations.iter().take(most).take_while(|raw| {
        bytes = bytes.saturating_add(raw.get().len() + 1);
        bytes <= most_bytes
    });
    fitting.count().max(1)
}

fn too_much(found: &str, most: &str) -> ClientError {
    ClientError::Usage(format!(
        "what is queued cannot be pushed all or nothing: it has {found}, and the server takes {most} at once; leave out --atomic"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_cut_by_operations_and_bytes() {
        let raw: Vec<Box<RawValue>> =
            ["1", "22", "333", "4444"].map(|text| RawValue::from_string(text.to_owned()).unwrap()).into();
        let operations: Vec<&RawValue> = raw.iter().map(AsRef::as_ref).collect();
        assert_eq!(fitting(&operations, 9, 100), 4);
        assert_eq!(fitting(&operations, 3, 100), 3);
        assert_eq!(fitting(&operations, 9, 5), 2);
        assert_eq!(fitting(&operations, 9, 1), 1, "one that is larger goes alone");
    }
}
