//! What a watch says between its syncs: once when something turns, not each time that it is still so.

use serde::Serialize;

use crate::client::error::ClientError;
use crate::client::folder::Folder;
use crate::client::report::{OutputKind, Report, complain, write_json, write_line};
use crate::client::sync::run::SyncEnd;

/// Says what a watch has to say.
#[derive(Clone, Debug)]
pub struct WatchOutput {
    output: OutputKind,
    is_offline: bool,
    is_unheard: bool,
    /// How the last sync ended that was told.
    last_summary: Option<String>,
    /// What stopped the last sync.
    last_failure: Option<String>,
    /// What was said to be left out.
    last_skipped: Option<String>,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum WatchEvent<'a> {
    Watching { folder: String, server: &'a str, notified: Option<bool> },
    Offline { reason: &'a str },
    Online,
    Note { path: &'a str, text: &'a str },
}

impl WatchOutput {
    /// One that has said nothing yet.
    #[must_use]
    pub const fn new(output: OutputKind) -> Self {
        Self {
            output,
            is_offline: false,
            is_unheard: false,
            last_summary: None,
            last_failure: None,
            last_skipped: None,
        }
    }

    /// How each sync speaks.
    #[must_use]
    pub const fn of_syncs(&self) -> OutputKind {
        self.output
    }

    /// Whether the server could not be reached when it was last asked.
    #[must_use]
    pub const fn is_offline(&self) -> bool {
        self.is_offline
    }

    /// The watch begins; `is_polled` says how it finds changed files, if it looks for them at all.
    pub fn begin(&self, folder: &Folder, server: &str, is_polled: Option<bool>) {
        let folder = folder.root().display().to_string();
        self.say(
            &format!("watching {folder} and {server}; Ctrl-C ends it"),
            &WatchEvent::Watching { folder: folder.clone(), server, notified: is_polled.map(|polled| !polled) },
        );
    }

    /// The system does not tell of changed files.
    pub fn without_folder_events(&self, reason: &str) {
        self.note(&format!("{reason}; looking for changed files every two seconds instead"));
    }

    /// The server's events cannot be heard, though it can be reached.
    pub fn unheard(&mut self, reason: &str) {
        if !std::mem::replace(&mut self.is_unheard, true) {
            self.note(&format!("the server does not report changes now ({reason}); polling it instead"));
        }
    }

    /// The server's events are heard.
    pub const fn heard(&mut self) {
        self.is_unheard = false;
    }

    /// A sync has ended: tells what is new about that.
    pub fn end_sync(&mut self, report: &mut Report, end: &SyncEnd) {
        if let Err(ClientError::Unreachable { server, reason }) = &end.outcome {
            report.close();
            if !self.is_offline {
                self.is_offline = true;
                let text = format!("cannot reach {server} ({reason}); waiting for it, your files are kept until then");
                self.say(&text, &WatchEvent::Offline { reason });
            }
            return;
        }
        if std::mem::take(&mut self.is_offline) {
            self.say("the server is back", &WatchEvent::Online);
        }
        let failure = end.outcome.as_ref().err().map(ToString::to_string);
        let summary = end.summary();
        let is_new = end.has_moved() || self.last_summary.as_ref() != Some(&summary) || failure != self.last_failure;
        if self.output == OutputKind::Json || is_new {
            report.show_end();
            let skipped = end.skipped_line("landfall status --skipped");
            let is_said = std::mem::replace(&mut self.last_skipped, skipped.clone()) == skipped;
            report.finish(&summary, skipped.as_deref().filter(|_| !is_said), &end.body("synced", &report.progress()));
        } else {
            report.close();
        }
        // Those that end the watch are told by the command.
        let ends = matches!(end.outcome, Err(ClientError::Interrupted | ClientError::Login(_) | ClientError::Usage(_)));
        if let Some(failure) = failure.as_ref().filter(|_| !ends && failure != self.last_failure) {
            complain(failure);
        }
        // What was moved is told once; a sync that moves nothing after it is no news.
        self.last_summary = Some(end.idle_summary());
        self.last_failure = failure;
    }

    fn note(&self, text: &str) {
        self.say(text, &WatchEvent::Note { path: ".", text });
    }

    fn say(&self, text: &str, event: &WatchEvent<'_>) {
        match self.output {
            OutputKind::People => write_line(text),
            OutputKind::Json => write_json(event),
            OutputKind::Quiet => {}
        }
    }
}
