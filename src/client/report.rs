//! What the client says while it works: a progress bar on a terminal, plain lines elsewhere, one JSON event a line for
//! scripts, or nothing.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::domain::timestamp::{Clock, SystemClock, Timestamp};

/// Progress is told at least this often while anything moves.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

/// How the client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// For people.
    People,
    /// One JSON event a line.
    Json,
    /// Only failures, on standard error.
    Quiet,
}

/// Something that happened, or in a rehearsal would happen.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'a> {
    /// An operation was applied by the server.
    Pushed {
        /// The file.
        path: &'a str,
        /// `create`, `update` or `delete`.
        operation: &'a str,
        /// Whether it was united with others' changes.
        merged: bool,
    },
    /// A file was written with what others did.
    Written {
        /// The file.
        path: &'a str,
    },
    /// A file that was here already was found to be the server's document.
    Matched {
        /// The file.
        path: &'a str,
    },
    /// A file was moved.
    Moved {
        /// From.
        from: &'a str,
        /// To.
        to: &'a str,
    },
    /// A file was taken away, to `.landfall/bin`.
    Removed {
        /// The file.
        path: &'a str,
    },
    /// A file or document cannot be synced.
    Problem {
        /// Which.
        path: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// Both sides have something, and a person must choose.
    Conflict {
        /// The file.
        path: &'a str,
        /// What clashes.
        reason: &'a str,
    },
    /// An operation was refused for good.
    DeadLetter {
        /// The file.
        path: &'a str,
        /// The operation's name.
        client_id: &'a str,
        /// The refusal's code.
        code: &'a str,
        /// The refusal, for people.
        message: &'a str,
    },
    /// Something that a person may want to know.
    Note {
        /// The file.
        path: &'a str,
        /// What.
        text: &'a str,
    },
}

/// How far the sync is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Progress {
    /// Operations and documents that are known to be to do.
    pub total: u64,
    /// Done, whatever came of it.
    pub processed: u64,
    /// Done well.
    pub succeeded: u64,
    /// Failed or in conflict.
    pub failed: u64,
    /// Left for another time.
    pub skipped: u64,
    /// Of `total`.
    pub percentage: f64,
    /// What is being done.
    pub current_operation: String,
    /// The newest failures.
    pub errors: Vec<ProgressError>,
    /// When the sync began.
    pub started_at: Timestamp,
    /// When it will end, if it goes on like this.
    pub estimated_completion: Option<Timestamp>,
}

/// A failure.
#[derive(Clone, Debug, Serialize)]
pub struct ProgressError {
    /// The file.
    pub path: String,
    /// The code.
    pub code: String,
    /// For people.
    pub message: String,
}

/// Failures that progress carries; all of them are told as events.
const MAX_ERRORS: usize = 20;

/// Says things.
pub struct Report {
    voice: Voice,
    bar: Option<ProgressBar>,
    progress: Progress,
    started: Instant,
    told: Option<Instant>,
}

impl Report {
    /// A report that begins now.
    #[must_use]
    pub fn new(voice: Voice) -> Self {
        let bar = (voice == Voice::People && io::stderr().is_terminal()).then(progress_bar);
        let progress = Progress { started_at: SystemClock.now(), ..Progress::default() };
        Self { voice, bar, progress, started: Instant::now(), told: None }
    }

    /// How far it is.
    #[must_use]
    pub const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Says what happened.
    pub fn tell(&mut self, event: &Event<'_>) {
        if let Event::DeadLetter { path, code, message, .. } = event {
            self.remember(path, code, message);
        } else if let Event::Problem { path, reason } | Event::Conflict { path, reason } = event {
            self.remember(path, if matches!(event, Event::Problem { .. }) { "problem" } else { "conflict" }, reason);
        }
        match self.voice {
            Voice::Json => write_json(event),
            Voice::Quiet => {
                if matches!(event, Event::Problem { .. } | Event::Conflict { .. } | Event::DeadLetter { .. }) {
                    complain(&line_of(event));
                }
            }
            Voice::People => match &self.bar {
                Some(bar) => bar.suspend(|| write_line(&line_of(event))),
                None => write_line(&line_of(event)),
            },
        }
    }

    fn remember(&mut self, path: &str, code: &str, message: &str) {
        if self.progress.errors.len() >= MAX_ERRORS {
            self.progress.errors.remove(0);
        }
        self.progress.errors.push(ProgressError {
            path: path.to_owned(),
            code: code.to_owned(),
            message: message.to_owned(),
        });
    }

    /// More has turned out to be to do.
    pub fn expect(&mut self, more: usize) {
        self.progress.total = self.progress.total.saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
    }

    /// One thing was done.
    pub fn count(&mut self, what: &str, outcome: Counted) {
        let progress = &mut self.progress;
        progress.processed = progress.processed.saturating_add(1);
        progress.total = progress.total.max(progress.processed);
        match outcome {
            Counted::Succeeded => progress.succeeded += 1,
            Counted::Failed => progress.failed += 1,
            Counted::Skipped => progress.skipped += 1,
        }
        what.clone_into(&mut progress.current_operation);
        if self.told.is_none_or(|told| told.elapsed() >= PROGRESS_INTERVAL) {
            self.tell_progress();
        }
    }

    /// Says how far it is.
    pub fn tell_progress(&mut self) {
        self.told = Some(Instant::now());
        self.estimate();
        if let Some(bar) = &self.bar {
            bar.set_length(self.progress.total);
            bar.set_position(self.progress.processed);
            bar.set_message(self.progress.current_operation.clone());
        } else if self.voice == Voice::Json {
            write_json(&ProgressEvent { event: "progress", progress: &self.progress });
        }
    }

    fn estimate(&mut self) {
        let (total, processed) = (share(self.progress.total), share(self.progress.processed));
        self.progress.percentage = if total > 0.0 { (processed / total * 1000.0).round() / 10.0 } else { 100.0 };
        self.progress.estimated_completion = (processed > 0.0 && processed < total).then(|| {
            let left = self.started.elapsed().mul_f64((total - processed) / processed);
            SystemClock.now().plus_seconds(i64::try_from(left.as_secs()).unwrap_or(i64::MAX))
        });
    }

    /// Says how it ended: `summary` for people, `event` for scripts.
    pub fn finish<E: Serialize>(&mut self, summary: &str, event: &E) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        match self.voice {
            Voice::People => write_line(summary),
            Voice::Json => write_json(event),
            Voice::Quiet => {}
        }
    }
}

/// How one thing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Well.
    Succeeded,
    /// Not.
    Failed,
    /// It was left for another time.
    Skipped,
}

#[derive(Serialize)]
struct ProgressEvent<'a> {
    event: &'static str,
    #[serde(flatten)]
    progress: &'a Progress,
}

fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let template = "{bar:30} {pos}/{len} {per_sec} {eta} left  {wide_msg}";
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// A count as a fraction's part; exact up to 2^32, which is more than will ever be counted here.
fn share(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// One line, whatever stands in the names and reasons.
fn line_of(event: &Event<'_>) -> String {
    let line = words_of(event);
    if !line.contains(char::is_control) {
        return line;
    }
    line.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

fn words_of(event: &Event<'_>) -> String {
    match event {
        Event::Pushed { path, operation, merged } => {
            let done = match *operation {
                "create" => "created",
                "delete" => "deleted",
                _ => "updated",
            };
            format!("{done:<10} {path}{}", if *merged { " (merged)" } else { "" })
        }
        Event::Written { path } => format!("{:<10} {path}", "written"),
        Event::Matched { path } => format!("{:<10} {path}", "matched"),
        Event::Moved { from, to } => format!("{:<10} {from} -> {to}", "moved"),
        Event::Removed { path } => format!("{:<10} {path}", "removed"),
        Event::Problem { path, reason } => format!("{:<10} {path}: {reason}", "problem"),
        Event::Conflict { path, reason } => format!("{:<10} {path}: {reason}", "conflict"),
        Event::DeadLetter { path, code, message, .. } => format!("{:<10} {path}: {message} ({code})", "failed"),
        Event::Note { path, text } => format!("{:<10} {path}: {text}", "note"),
    }
}

/// Writes a line to standard output. A closed one is nobody's loss.
pub fn write_line(line: &str) {
    drop(writeln!(io::stdout().lock(), "{line}"));
}

/// Writes a value as one line of JSON to standard output.
pub fn write_json<T: Serialize>(value: &T) {
    if let Ok(line) = serde_json::to_string(value) {
        write_line(&line);
    }
}

/// Writes a line to standard error.
pub fn complain(line: &str) {
    drop(writeln!(io::stderr().lock(), "landfall: {line}"));
}
