//! One sync of a folder: look at it, take in what others did, queue what was done here, push.
//!
//! The steps, each in its file, share an [`Engine`]. The order is pull, push, pull: what others did is taken in first, so that
//! files which stand for documents already are matched and not made twice, and so that most clashes are united here.
//! Every step may be cut off at any point; the next sync goes on from what is on disk.

mod choices;
mod diffs;
mod doubt;
mod guard;
mod paths;
mod pull;
mod push;
mod record;
mod removals;
mod results;
mod suspects;
mod take_in;
mod write_back;

pub use self::choices::{Choice, find_conflict};
pub use self::guard::Word;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use crate::client::error::ClientError;
use crate::client::folder::{Folder, Look};
use crate::client::interrupt::Interrupt;
use crate::client::names::folded;
use crate::client::paths::Paths;
use crate::client::remote::Remote;
use crate::client::report::{Event, Report};
use crate::client::scan::{FileLimits, LocalFile, Problem, Scan, now_ns, scan};
use crate::client::skipped::Skipped;
use crate::client::state::files::{Body, TrackedFile};
use crate::client::state::settings::Setting;
use crate::client::state::{DocId, State};
use crate::client::wire::ServerLimits;
use crate::domain::limits::YjsCaps;
use crate::domain::line_ends::inside;
use crate::domain::operation::digest_of;
use crate::yjs::edit::edit_text;
use crate::yjs::merge::squash;
use crate::yjs::text::derive_text;

/// Texts up to this size go with their Yjs update, so that the server need not derive them.
const MAX_SENT_CONTENT: usize = 64 * 1024;

/// Times that an operation is sent before a passing failure counts as a final one.
const MAX_ATTEMPTS: u32 = 8;

/// Which way to sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Direction {
    /// Send what was done here.
    Push,
    /// Take in what others did.
    Pull,
    /// Both.
    Both,
}

impl Direction {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Pull => "pull",
            Self::Both => "both",
        }
    }
}

/// How to sync.
#[derive(Clone, Debug)]
pub struct SyncSettings {
    /// Which way.
    pub direction: Direction,
    /// Operations of a batch; by how long the last ones took, where it is not given.
    pub batch_size: Option<usize>,
    /// Batches under way at a time.
    pub concurrency: usize,
    /// Batches, at most.
    pub batches: Option<usize>,
    /// All or nothing.
    pub atomic: bool,
    /// Change nothing on either side.
    pub dry_run: bool,
    /// Read every file and every document anew.
    pub force_full: bool,
    /// Delete however many are to be deleted.
    pub allow_mass_delete: bool,
    /// Count files that cannot be synced as they are among what failed.
    pub strict: bool,
}

/// What came of a sync.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Operations that the server applied.
    pub pushed: usize,
    /// Documents of others' that were taken in.
    pub pulled: usize,
    /// Operations and files that failed.
    pub failed: usize,
    /// Operations that are still queued.
    pub queued: usize,
    /// Deletions that wait for a person's word.
    pub guarded: usize,
    /// Files that cannot be synced as they are.
    pub refused: usize,
}

/// Who the folder is to the server.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The workspace.
    pub workspace: String,
    /// This folder's device.
    pub device: String,
}

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
    scan: Scan,
    /// The Yjs client of this process: a new one each time, since a folder's state may have been restored from a backup,
    /// and no two changes may ever have the same name.
    editor: u64,
    caps: YjsCaps,
    tally: Tally,
    /// Documents that are not pushed (again) in this run.
    held: BTreeSet<DocId>,
    batches_sent: usize,
    /// Whether the state may be older than the files.
    in_doubt: bool,
    /// Which paths the documents have, once that is asked.
    paths: Option<Paths>,
    /// Documents whose files could not be moved yet.
    waiting_moves: BTreeSet<DocId>,
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
    fn look_at_folder(&mut self) -> Result<(), ClientError> {
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
    fn note_problems(&mut self, problems: &BTreeMap<String, Problem>) -> Result<(), ClientError> {
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
    fn tracked(id: DocId, path: &str, title: &str, version: i64, content: &str) -> TrackedFile {
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
    fn note_in_scan(&mut self, path: &str, content: &str, look: Option<Look>) {
        let digest = digest_of(content).to_vec();
        // Only a rehearsal has written a file that is not there.
        let look = look.unwrap_or_default();
        self.scan.put(path, LocalFile { digest, look });
    }

    /// The Yjs update that makes `text` of what `state` says, and the state after it.
    fn edit(&self, state: Option<&[u8]>, text: &str) -> Result<(Vec<u8>, Vec<u8>), ClientError> {
        let update = edit_text(state, self.editor, text).map_err(ClientError::Document)?;
        let after = match state {
            Some(state) => Self::unite(&[state.to_vec(), update.clone()])?,
            None => update.clone(),
        };
        Ok((update, after))
    }

    /// The union of Yjs updates, in few pieces.
    fn unite(parts: &[Vec<u8>]) -> Result<Vec<u8>, ClientError> {
        squash(parts).map_err(|error| ClientError::Document(error.to_string()))
    }

    /// The text of a Yjs state.
    fn text_of_state(state: &[u8]) -> Result<String, ClientError> {
        let text = derive_text([state]).map_err(ClientError::Document)?;
        Ok(inside(&text).into_owned())
    }

    /// What of a text goes along with its Yjs update.
    fn sent_content(text: &str) -> Option<String> {
        (text.len() <= MAX_SENT_CONTENT).then(|| text.to_owned())
    }

    /// Runs `work`, and commits what it stores together. If storing fails nothing of it is stored; if anything else
    /// does, what was done until then stays.
    fn together<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, ClientError>) -> Result<T, ClientError> {
        self.state.begin_group()?;
        let outcome = work(self);
        let committed = self.state.end_group();
        outcome.and_then(|done| committed.map(|()| done).map_err(Into::into))
    }

    fn path_of(&mut self, id: DocId) -> Result<String, ClientError> {
        let file = self.state.change(|change| change.find_file(id))?;
        Ok(file.map_or_else(|| id.to_string(), |file| file.path))
    }
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
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
fn body(id: DocId, yjs_state: Option<Vec<u8>>, content: &str) -> Body {
    Body { document_id: id, yjs_state, content: content.to_owned(), raw: None }
}
