//! Watching a folder: a sync whenever something changed, here or on the server, and now and then without that.
//!
//! One loop hears of everything and does one thing at a time. It holds the folder's lock only while it syncs, and asks the
//! state, not the events, whether there is news: what the sync itself has written and pushed is known there, so that its
//! own echo starts nothing.

mod folder_events;
mod output;
mod schedule;
mod server_events;
mod signal;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use self::folder_events::FolderWatch;
pub use self::output::WatchOutput;
pub use self::schedule::Rhythm;
use self::schedule::{Next, Schedule};
use self::server_events::Listener;
pub use self::server_events::MAX_SILENCE;
pub use self::signal::{DocumentChange, FolderNews, ServerNews, Signal};
use crate::client::apply::planning::plan_for_feed;
use crate::client::error::ClientError;
use crate::client::folder::Folder;
use crate::client::interrupt::Interrupt;
use crate::client::model::{Direction, SyncSettings};
use crate::client::plan::Head;
use crate::client::report::Report;
use crate::client::state::Setting;
use crate::client::survey::survey;
use crate::client::sync::run::{History, SyncEnd, SyncRun, run_sync};
use crate::client::transport::{Remote, chance};
use crate::client::workplace::{Access, Workplace};

/// What a watch works with.
pub struct WatchParts {
    /// The folder.
    pub folder: Folder,
    /// The server.
    pub remote: Arc<Remote>,
    /// How to sync.
    pub settings: SyncSettings,
    /// When to sync.
    pub rhythm: Rhythm,
    /// Look for changed files so often, instead of being told by the system.
    pub poll: Option<Duration>,
    /// Whether to stop.
    pub interrupt: Interrupt,
    /// Says what happens.
    pub output: WatchOutput,
    /// Where events come in.
    pub events: (Sender<Signal>, Receiver<Signal>),
}

/// A watch under way.
pub struct Watch {
    parts: WatchParts,
    schedule: Schedule,
    /// `None` if nothing is pushed.
    files: Option<FolderWatch>,
    is_listening: bool,
    /// Whether folders came or went since they were last followed.
    has_new_tree: bool,
    /// Whether files may have changed since they were last looked at.
    has_file_news: bool,
    /// Documents that changed, as the server says.
    server_news: Vec<DocumentChange>,
    /// Why the server's events do not come, if they do not.
    lost: Option<String>,
    /// Problems that were told.
    problems: BTreeSet<String>,
}

impl Watch {
    /// Begins to watch.
    #[must_use]
    pub fn new(parts: WatchParts) -> Self {
        let schedule = Schedule::new(parts.rhythm, Instant::now());
        Self {
            parts,
            schedule,
            files: None,
            is_listening: false,
            has_new_tree: false,
            has_file_news: false,
            server_news: Vec::new(),
            lost: None,
            problems: BTreeSet::new(),
        }
    }

    /// Watches until the user asks to stop, or nothing can be synced any more.
    ///
    /// # Errors
    /// `Interrupted`; `Login`, if the login has run out; `Usage`, if the folder is not there any more. Whatever else
    /// stops a sync is told, and the watch goes on.
    pub fn run(&mut self) -> Result<Infallible, ClientError> {
        self.watch_folder();
        loop {
            self.parts.interrupt.check()?;
            let now = Instant::now();
            if self.files.as_mut().is_some_and(|files| files.look(&self.parts.folder, now)) {
                self.hear(Signal::Folder(FolderNews::File))?;
            }
            match self.schedule.next(now) {
                Next::Sync => self.sync()?,
                Next::Look => self.look()?,
                Next::Wait(wait) => {
                    let look = self.files.as_ref().and_then(FolderWatch::next_look);
                    let wait = look.map_or(wait, |look| wait.min(look.saturating_duration_since(now)));
                    match self.parts.events.1.recv_timeout(wait) {
                        Ok(signal) => self.hear(signal)?,
                        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
                    }
                }
            }
        }
    }

    /// From now on hears of changed files.
    fn watch_folder(&mut self) {
        let (folder, poll) = (&self.parts.folder, self.parts.poll);
        if self.parts.settings.direction == Direction::Pull {
            self.parts.output.begin(folder, self.parts.remote.server(), None);
            return;
        }
        let told = match poll {
            Some(_) => Ok(FolderWatch::polled(folder, poll, Instant::now())),
            None => FolderWatch::by_system(folder, self.parts.events.0.clone()),
        };
        let (files, lost) = match told {
            Ok(files) => (files, None),
            Err(reason) => (FolderWatch::polled(folder, None, Instant::now()), Some(reason)),
        };
        self.parts.output.begin(folder, self.parts.remote.server(), Some(files.next_look().is_some()));
        if let Some(reason) = lost {
            self.parts.output.without_folder_events(&reason);
        }
        self.files = Some(files);
    }

    fn hear(&mut self, signal: Signal) -> Result<(), ClientError> {
        let now = Instant::now();
        match signal {
            Signal::Stop => return Err(ClientError::Interrupted),
            Signal::Folder(FolderNews::Deaf(reason)) => self.lose_folder_events(&reason),
            Signal::Folder(FolderNews::Tree(gone)) => {
                if let Some(files) = &mut self.files {
                    files.forget(&gone);
                }
                self.has_new_tree = true;
                self.has_file_news = true;
                self.schedule.note_change(now);
            }
            Signal::Folder(FolderNews::File) => {
                self.has_file_news = true;
                self.schedule.note_change(now);
            }
            Signal::Server(ServerNews::Connected { resumed }) => {
                self.lost = None;
                self.parts.output.heard();
                if self.parts.output.is_offline() || !resumed {
                    self.schedule.sync_now(now);
                }
            }
            Signal::Server(ServerNews::Changed(change)) => {
                self.server_news.push(change);
                self.schedule.note_change(now);
            }
            Signal::Server(ServerNews::Pull) => self.schedule.sync_now(now),
            Signal::Server(ServerNews::Lost(reason)) => {
                // A sync tells whether it is the events alone that do not come.
                if self.lost.is_none() && !self.parts.output.is_offline() {
                    self.schedule.sync_now(now);
                }
                self.lost = Some(reason);
            }
            Signal::Server(ServerNews::Refused(failure)) => return Err(failure),
        }
        Ok(())
    }

    /// The system does not tell of changed files any more.
    fn lose_folder_events(&mut self, reason: &str) {
        if matches!(self.files, Some(FolderWatch::System { .. })) {
            self.parts.output.without_folder_events(reason);
            self.files = Some(FolderWatch::polled(&self.parts.folder, None, Instant::now()));
        }
        self.has_file_news = true;
        self.schedule.note_change(Instant::now());
    }

    /// Looks whether what was heard is news, and has it synced.
    fn look(&mut self) -> Result<(), ClientError> {
        self.schedule.note_look();
        self.follow_folders();
        let mut workplace = match Workplace::open(self.parts.folder.root(), Access::Read) {
            Err(ClientError::Busy(_)) => {
                self.schedule.note_busy(Instant::now());
                return Ok(());
            }
            outcome => outcome?,
        };
        let has_file_news = std::mem::take(&mut self.has_file_news);
        let server_news = std::mem::take(&mut self.server_news);
        let feed: Vec<Head> = server_news.iter().map(DocumentChange::head).collect();
        let is_news = if has_file_news {
            let found = survey(&mut workplace, &feed)?;
            found.has_news || !found.changed.is_empty()
        } else {
            !plan_for_feed(&mut workplace.state, &feed)?.is_empty()
        };
        if is_news {
            self.schedule.sync_now(Instant::now());
        }
        Ok(())
    }

    fn follow_folders(&mut self) {
        if !std::mem::take(&mut self.has_new_tree) {
            return;
        }
        let followed = self.files.as_mut().map(|files| files.follow(&self.parts.folder));
        if let Some(Err(reason)) = followed {
            self.lose_folder_events(&reason);
        }
    }

    /// One sync, the same as `landfall sync` does.
    fn sync(&mut self) -> Result<(), ClientError> {
        self.follow_folders();
        let workplace = match Workplace::open(self.parts.folder.root(), Access::Change) {
            Err(ClientError::Busy(_)) => {
                self.schedule.note_busy(Instant::now());
                return Ok(());
            }
            outcome => outcome?,
        };
        if workplace.server != self.parts.remote.server() {
            return Err(ClientError::Usage(format!(
                "the folder belongs to {} now; start the watch again",
                workplace.server
            )));
        }
        let workspace = workplace.identity.workspace.clone();
        // A sync looks at everything; what changes from now on is heard of after it.
        self.has_file_news = false;
        self.server_news.clear();
        let known = std::mem::take(&mut self.problems);
        let was_offline = self.parts.output.is_offline();
        let mut report = Report::after(self.parts.output.of_syncs(), known.clone());
        if !was_offline {
            report.keep_showing();
        }
        let with = SyncRun {
            remote: &self.parts.remote,
            report: &mut report,
            interrupt: self.parts.interrupt.clone(),
            settings: self.parts.settings.clone(),
            history: History::LastOfIdle,
        };
        let end = run_sync(workplace, with)?;
        let is_unreachable = matches!(end.outcome, Err(ClientError::Unreachable { .. }));
        // A sync that did not get as far as the files knows nothing of their problems.
        self.problems = if is_unreachable { known } else { report.problems() };
        self.parts.output.end_sync(&mut report, &end);
        if was_offline && !is_unreachable {
            // Its events come back on their own.
            self.lost = None;
        }
        self.judge(end)?;
        self.listen(workspace)
    }

    /// Draws the conclusions from a sync.
    fn judge(&mut self, end: SyncEnd) -> Result<(), ClientError> {
        let now = Instant::now();
        match end.outcome {
            Err(failure @ (ClientError::Interrupted | ClientError::Login(_) | ClientError::Usage(_))) => Err(failure),
            Err(ClientError::Unreachable { .. }) => {
                self.schedule.note_unreachable(now, chance());
                Ok(())
            }
            Ok(()) | Err(_) => {
                self.schedule.note_sync(now);
                if let Some(reason) = &self.lost {
                    self.parts.output.unheard(reason);
                }
                Ok(())
            }
        }
    }

    /// From now on hears of what others do, if that is wanted: from where the first sync's pull ended.
    fn listen(&mut self, workspace: String) -> Result<(), ClientError> {
        if self.is_listening || self.parts.settings.direction == Direction::Push {
            return Ok(());
        }
        let mut workplace = match Workplace::open(self.parts.folder.root(), Access::Read) {
            Err(ClientError::Busy(_)) => return Ok(()),
            outcome => outcome?,
        };
        let cursor = workplace.state.read(|change| change.find_setting(Setting::Cursor))?;
        let (remote, tell) = (Arc::clone(&self.parts.remote), self.parts.events.0.clone());
        self.is_listening = true;
        Listener { remote, workspace, cursor, tell }.start()
    }
}
