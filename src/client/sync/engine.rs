//! What the steps of a sync work with, and their order.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::group::Deferred;
use super::settings::{Direction, SyncSettings, Tally};
use crate::client::error::ClientError;
use crate::client::folder::scan::{FileLimits, LocalFile, Problem, Scan, now_ns, scan};
use crate::client::folder::{Folder, Look};
use crate::client::interrupt::Interrupt;
use crate::client::model::Identity;
use crate::client::model::names::folded;
use crate::client::model::paths::Paths;
use crate::client::model::skipped::Skipped;
use crate::client::report::{Event, Report};
use crate::client::state::files::{Body, TrackedFile};
use crate::client::state::settings::Setting;
use crate::client::state::{DocId, State};
use crate::client::transport::remote::Remote;
use crate::client::transport::wire::ServerLimits;
use crate::domain::limits::YjsCaps;
use crate::domain::line_ends::inside;
use crate::domain::operation::digest_of;
use crate::yjs::edit::edit_text;
use crate::yjs::merge::squash;
use crate::yjs::text::derive_text;

/// Texts up to this size go with their Yjs update, so that the server need not derive them.
const MAX_SENT_CONTENT: usize = 64 * 1024;

/// Times that an operation is sent before a passing failure counts as a final one.
pub(super) const MAX_ATTEMPTS: u32 = 8;

/// Everything that a sync works with.
pub struct Engine<'a> {
    /// The folder.
    pub folder: Folder,
    /// What it remembers.
    pub state: State,
    /// The server.
    pub remote: &'a Remote,
    /// Says what happens.
    pub report: &'a mut Report,
    /// Whether to stop.
    pub interrupt: Interrupt,
    /// Who the folder is.
    pub identity: Identity,
    /// How to sync.
    pub settings: SyncSettings,
    /// What the server takes.
    pub limits: ServerLimits,
    /// The run, on the server as here.
    pub run_id: String,
    /// The folder as it is now; kept in step with what is written.
    pub(super) scan: Scan,
    /// The Yjs client of this process: a new one each time, since a folder's state may have been restored from a backup,
    /// and no two changes may ever have the same name.
    pub(super) editor: u64,
    pub(super) caps: YjsCaps,
    pub(super) tally: Tally,
    /// Documents that are not pushed (again) in this run.
    pub(super) held: BTreeSet<DocId>,
    pub(super) batches_sent: usize,
    /// Whether the state may be older than the files.
    pub(super) in_doubt: bool,
    /// Which paths the documents have, once that is asked.
    pub(super) paths: Option<Paths>,
    /// Documents whose files could not be moved yet.
    pub(super) waiting_moves: BTreeSet<DocId>,
    /// Files that are written together, while documents are taken in.
    pub(super) deferred: Option<Deferred>,
}

/// The parts of an [`Engine`] that come from outside.
pub struct Parts<'a> {
    /// The folder.
    pub folder: Folder,
    /// What it remembers.
    pub state: State,
    /// The server.
    pub remote: &'a Remote,
    /// Says what happens.
    pub report: &'a mut Report,
    /// Whether to stop.
    pub interrupt: Interrupt,
    /// Who the folder is.
    pub identity: Identity,
    /// How to sync.
    pub settings: SyncSettings,
    /// What the server takes.
    pub limits: ServerLimits,
}

impl<'a> Engine<'a> {
    /// Puts the parts together.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn new(parts: Parts<'a>) -> Result<Self, ClientError> {
        let editor = new_editor(&parts.identity.device)?;
        let Parts { folder, state, remote, report, interrupt, identity, settings, limits } = parts;
        Ok(Self {
            folder,
            state,
            remote,
            report,
            interrupt,
            identity,
            settings,
            limits,
            run_id: uuid::Uuid::now_v7().to_string(),
            scan: Scan::default(),
            editor,
            caps: YjsCaps::default(),
            tally: Tally::default(),
            held: BTreeSet::new(),
            batches_sent: 0,
            in_doubt: false,
            paths: None,
            waiting_moves: BTreeSet::new(),
            deferred: None,
        })
    }

    /// What came of it so far.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// Syncs.
    ///
    /// # Errors
    /// Any of [`ClientError`]; what was done until then stays.
    pub fn run(&mut self) -> Result<(), ClientError> {
        self.report.begin("looking at the folder");
        if let Err(failure) = self.folder.empty_bin_of_old() {
            self.problem(".landfall/bin", &format!("what is old in it cannot be removed: {failure}"));
        }
        self.finish_pending_writes()?;
        self.begin_doubt()?;
        self.look_at_folder()?;
        if !self.in_doubt {
            self.record_moves()?;
        }
        let is_first = self.state.change(|change| change.find_setting(Setting::Cursor))?.is_none();
        if self.settings.direction != Direction::Push || is_first || self.in_doubt {
            self.report.begin("pulling");
            self.pull()?;
            self.end_doubt()?;
        }
        if self.settings.direction != Direction::Pull {
            self.report.begin("looking for changes");
            self.record_local_changes()?;
            self.settle_paths()?;
            self.report.begin("pushing");
            self.push()?;
            self.settle_paths()?;
        }
        self.tell_losses()?;
        self.tally.queued = self.state.change(|change| change.list_outbox())?.len();
        Ok(())
    }

    /// Reads the folder and tells the problems of its files.
    pub(super) fn look_at_folder(&mut self) -> Result<(), ClientError> {
        let tracked = self.state.change(|change| change.load_files())?;
        let limits = FileLimits { bytes: self.limits.file_bytes(), chars: self.limits.max_title_chars };
        let found = scan(&self.folder, &tracked, limits, self.settings.force_full);
        self.note_problems(&found.problems)?;
        if !found.seen.is_empty() {
            let seen_ns = found.begun_ns;
            self.state
                .change(|change| found.seen.iter().try_for_each(|(id, look)| change.mark_seen(*id, look, seen_ns)))?;
        }
        self.scan = found;
        self.discard_stray_drafts()
    }

    /// Reports the problems of files: those that last once, when they are found.
    pub(super) fn note_problems(&mut self, problems: &BTreeMap<String, Problem>) -> Result<(), ClientError> {
        let known = self.state.change(|change| change.load_refusals())?;
        for (path, Problem { reason, is_refusal }) in problems {
            if !is_refusal {
                self.problem(path, reason);
            } else if known.get(path) != Some(reason) {
                self.report.tell(&Event::Problem { path, reason });
                self.state.change(|change| change.put_refusal(path, reason))?;
            }
        }
        let is_over = |path: &&String| !problems.get(*path).is_some_and(|problem| problem.is_refusal);
        self.state.change(|change| known.keys().filter(is_over).try_for_each(|path| change.remove_refusal(path)))?;
        self.tally.refused = problems.values().filter(|problem| problem.is_refusal).count();
        Ok(())
    }

    /// Files that are not synced because of their names.
    #[must_use]
    pub const fn skipped(&self) -> &Skipped {
        &self.scan.skipped
    }

    /// A row for a file that has not been seen with this text.
    pub(super) fn tracked(id: DocId, path: &str, title: &str, version: i64, content: &str) -> TrackedFile {
        TrackedFile {
            document_id: id,
            path: path.to_owned(),
            folded: folded(path),
            title: title.to_owned(),
            version,
            digest: digest_of(content).to_vec(),
            size: -1,
            modified_ns: -1,
            seen_ns: -1,
            changed_ns: -1,
            inode: -1,
        }
    }

    /// Notes in the scan what a path holds now, since it was written here.
    pub(super) fn note_in_scan(&mut self, path: &str, content: &str, look: Option<Look>) {
        let digest = digest_of(content).to_vec();
        // Only a rehearsal has written a file that is not there.
        let look = look.unwrap_or_default();
        self.scan.put(path, LocalFile { digest, look });
    }

    /// The Yjs update that makes `text` of what `state` says, and the state after it.
    pub(super) fn edit(&self, state: Option<&[u8]>, text: &str) -> Result<(Vec<u8>, Vec<u8>), ClientError> {
        let update = edit_text(state, self.editor, text).map_err(ClientError::Document)?;
        let after = match state {
            Some(state) => Self::unite(&[state.to_vec(), update.clone()])?,
            None => update.clone(),
        };
        Ok((update, after))
    }

    /// The union of Yjs updates, in few pieces.
    pub(super) fn unite(parts: &[Vec<u8>]) -> Result<Vec<u8>, ClientError> {
        squash(parts).map_err(|error| ClientError::Document(error.to_string()))
    }

    /// The text of a Yjs state.
    pub(super) fn text_of_state(state: &[u8]) -> Result<String, ClientError> {
        let text = derive_text([state]).map_err(ClientError::Document)?;
        Ok(inside(&text).into_owned())
    }

    /// What of a text goes along with its Yjs update.
    pub(super) fn sent_content(text: &str) -> Option<String> {
        (text.len() <= MAX_SENT_CONTENT).then(|| text.to_owned())
    }

    /// Runs `work`, and commits what it stores together. If storing fails nothing of it is stored; if anything else
    /// does, what was done until then stays.
    pub(super) fn together<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        self.state.begin_group()?;
        let outcome = work(self);
        let committed = self.state.end_group();
        outcome.and_then(|done| committed.map(|()| done).map_err(Into::into))
    }

    pub(super) fn path_of(&mut self, id: DocId) -> Result<String, ClientError> {
        let file = self.state.change(|change| change.find_file(id))?;
        Ok(file.map_or_else(|| id.to_string(), |file| file.path))
    }
}

pub(super) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).ok()
}

/// Microseconds since 1970.
#[must_use]
pub fn now_us() -> i64 {
    now_ns() / 1_000
}

/// A Yjs client below 2^32, as yjs draws them, that no other process has.
fn new_editor(device: &str) -> Result<u64, ClientError> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|cause| ClientError::io("randomness", std::io::Error::other(cause)))?;
    let hash = Sha256::new().chain_update(device).chain_update(random).finalize();
    let number = hash.iter().take(4).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    Ok(number.max(1))
}

/// The body of a document.
pub(super) fn body(id: DocId, yjs_state: Option<Vec<u8>>, content: &str) -> Body {
    Body { document_id: id, yjs_state, content: content.to_owned(), raw: None }
}
