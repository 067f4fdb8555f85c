//! What the client says while it works: a progress bar on a terminal, plain lines elsewhere, one JSON event a line for
//! scripts, or nothing.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::client::plain;
use crate::client::progress::Pace;
pub use crate::client::progress::{Counted, Progress};
use crate::client::progress_line::{View, progress_line};
use crate::client::waits::Listener;
use crate::domain::timestamp::{Clock, SystemClock};

/// Progress is told this often while anything moves: more than twice a second, however late a thread wakes up.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(400);
/// A bar moves this often.
const BAR_INTERVAL: Duration = Duration::from_millis(150);
/// The telling thread does not spin.
const SHORTEST_WAIT: Duration = Duration::from_millis(20);

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
    /// A request waits before it is tried again.
    Waiting {
        /// Seconds.
        seconds: u64,
        /// Why.
        reason: &'a str,
    },
}

/// Says things.
pub struct Report {
    board: Arc<Mutex<Board>>,
    /// Dropped to end the thread that keeps telling.
    ticker: Option<Sender<()>>,
}

/// What is said, and how; shared with the thread that keeps telling.
struct Board {
    voice: Voice,
    bar: Option<ProgressBar>,
    progress: Progress,
    pace: Pace,
    started: Instant,
    told: Option<Instant>,
    is_over: bool,
    /// Whether to say that a request waits.
    tells_waits: bool,
    /// Problems that were told.
    problems: BTreeSet<String>,
    /// Problems that need not be told again.
    known_problems: BTreeSet<String>,
}

impl Report {
    /// A report that begins now.
    #[must_use]
    pub fn new(voice: Voice) -> Self {
        Self::after(voice, BTreeSet::new())
    }

    /// A report that does not repeat these problems, which an earlier one told.
    #[must_use]
    pub fn after(voice: Voice, known_problems: BTreeSet<String>) -> Self {
        let bar = (voice == Voice::People && io::stderr().is_terminal()).then(progress_bar);
        let board = Board {
            voice,
            bar,
            progress: Progress { started_at: SystemClock.now(), ..Progress::default() },
            pace: Pace::default(),
            started: Instant::now(),
            told: None,
            is_over: false,
            tells_waits: false,
            problems: BTreeSet::new(),
            known_problems,
        };
        Self { board: Arc::new(Mutex::new(board)), ticker: None }
    }

    /// From now on tells how far it is at least twice a second, also while a single request is under way, and what is
    /// waited for.
    pub fn keep_telling(&mut self) {
        let mut board = self.board();
        board.tells_waits = true;
        if !board.shows_progress() {
            return;
        }
        drop(board);
        let (ticker, ended) = channel();
        let board = Arc::clone(&self.board);
        // Without the thread, progress is told as things are done.
        let spawned = thread::Builder::new().name("progress".to_owned()).spawn(move || tick(&board, &ended));
        self.ticker = spawned.is_ok().then_some(ticker);
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.board().progress.clone()
    }

    /// The problems that there are, told here or before.
    #[must_use]
    pub fn problems(&self) -> BTreeSet<String> {
        self.board().problems.clone()
    }

    /// Says what happened.
    pub fn tell(&mut self, event: &Event<'_>) {
        self.board().tell(event);
    }

    /// Is called to say that a request waits.
    #[must_use]
    pub fn listener(&self) -> Listener {
        let board = Arc::clone(&self.board);
        Arc::new(move |wait, reason| {
            let seconds = u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX);
            board.lock().unwrap_or_else(PoisonError::into_inner).tell(&Event::Waiting { seconds, reason });
        })
    }

    /// Something else is being done from now on, at a pace of its own.
    pub fn begin(&mut self, what: &str) {
        let mut board = self.board();
        what.clone_into(&mut board.progress.current_operation);
        board.pace = Pace::default();
    }

    /// More has turned out to be to do.
    pub fn expect(&mut self, more: usize) {
        let mut board = self.board();
        let processed = board.progress.processed;
        board.pace.note(Instant::now(), processed);
        board.progress.total = board.progress.total.saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
    }

    /// One thing was done.
    pub fn count(&mut self, what: &str, outcome: Counted) {
        let mut board = self.board();
        board.progress.count(what, outcome);
        if board.told.is_none_or(|told| told.elapsed() >= board.interval()) {
            board.tell_progress();
        }
    }

    /// Says how far it came; how far it is is not told any more.
    pub fn tell_end(&mut self) {
        self.ticker = None;
        let mut board = self.board();
        board.is_over = true;
        board.tell_progress();
    }

    /// Says how it ended: `summary` for people, `event` for scripts.
    pub fn finish<E: Serialize>(&mut self, summary: &str, event: &E) {
        let mut board = self.board();
        if let Some(bar) = board.bar.take() {
            bar.finish_and_clear();
        }
        match board.voice {
            Voice::People => write_line(summary),
            Voice::Json => write_json(event),
            Voice::Quiet => {}
        }
    }

    /// Ends without a word.
    pub fn close(&mut self) {
        self.ticker = None;
        let mut board = self.board();
        board.is_over = true;
        if let Some(bar) = board.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Whole between any two statements.
    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells how far it is, again and again, until the other end of `ended` is dropped.
fn tick(board: &Mutex<Board>, ended: &Receiver<()>) {
    let mut wait = Duration::ZERO;
    while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
        let mut board = board.lock().unwrap_or_else(PoisonError::into_inner);
        let since = board.told.unwrap_or(board.started).elapsed();
        if board.is_over {
            return;
        }
        if since >= board.interval() {
            board.tell_progress();
        }
        wait = board.interval().saturating_sub(board.told.unwrap_or(board.started).elapsed()).max(SHORTEST_WAIT);
    }
}

impl Board {
    fn shows_progress(&self) -> bool {
        self.bar.is_some() || self.voice == Voice::Json
    }

    const fn interval(&self) -> Duration {
        if self.bar.is_some() { BAR_INTERVAL } else { PROGRESS_INTERVAL }
    }

    fn tell(&mut self, event: &Event<'_>) {
        match event {
            Event::DeadLetter { path, code, message, .. } => self.progress.remember(path, code, message),
            Event::Conflict { path, reason } => self.progress.remember(path, "conflict", reason),
            Event::Problem { path, reason } => {
                self.progress.remember(path, "problem", reason);
                let line = line_of(event);
                let is_known = self.known_problems.contains(&line);
                self.problems.insert(line);
                if is_known {
                    return;
                }
            }
            Event::Waiting { .. } if !self.tells_waits => return,
            Event::Waiting { seconds, reason } => {
                self.progress.current_operation = format!("waiting {seconds} s: {reason}");
                // A line that moves says it, and no other is needed.
                if self.bar.is_some() {
                    return;
                }
            }
            _ => {}
        }
        match self.voice {
            Voice::Json => write_json(event),
            Voice::Quiet => {
                if matches!(event, Event::Problem { .. } | Event::Conflict { .. } | Event::DeadLetter { .. }) {
                    complain(&line_of(event));
                }
            }
            Voice::People => match self.bar.as_ref().filter(|_| io::stdout().is_terminal()) {
                Some(bar) => bar.suspend(|| write_line(&line_of(event))),
                None => write_line(&line_of(event)),
            },
        }
    }

    fn tell_progress(&mut self) {
        let now = Instant::now();
        self.told = Some(now);
        if self.progress.total > self.progress.processed {
            self.pace.note(now, self.progress.processed);
        }
        let remaining = self.pace.remaining(now, self.progress.processed, self.progress.total);
        self.progress.estimate(remaining, SystemClock.now());
        if self.is_over && self.progress.total == 0 {
            self.progress.percentage = 100.0;
        }
        if let Some(bar) = &self.bar {
            let view = View {
                progress: &self.progress,
                per_second: self.pace.per_second(now, self.progress.processed),
                remaining,
                elapsed: self.started.elapsed(),
            };
            let columns = usize::from(Term::stderr().size().1);
            bar.set_message(progress_line(&view, columns));
        } else if self.voice == Voice::Json {
            write_json(&ProgressEvent { event: "progress", progress: &self.progress });
        }
    }
}

#[derive(Serialize)]
struct ProgressEvent<'a> {
    event: &'static str,
    #[serde(flatten)]
    progress: &'a Progress,
}

fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.with_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn line_of(event: &Event<'_>) -> String {
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
        Event::Waiting { seconds, reason } => format!("{:<10} {seconds} s: {reason}", "waiting"),
    }
}

/// Writes one line to standard output, whatever stands in the names and reasons. A closed one is nobody's loss.
pub fn write_line(line: &str) {
    write_plain(&plain::one_line(line));
}

/// Writes a text to standard output: byte for byte, unless a terminal would act on it.
pub fn write_text(text: &str) {
    if io::stdout().is_terminal() { write_plain(&plain::lines(text)) } else { write_plain(text) }
}

fn write_plain(line: &str) {
    drop(writeln!(io::stdout().lock(), "{line}"));
}

/// Writes a value as one line of JSON to standard output.
pub fn write_json<T: Serialize>(value: &T) {
    if let Ok(line) = serde_json::to_string(value) {
        write_plain(&line);
    }
}

/// Writes a complaint to standard error: a line, and those that belong to it set in.
pub fn complain(complaint: &str) {
    let lines: Vec<String> = complaint.lines().map(plain::one_line).collect();
    drop(writeln!(io::stderr().lock(), "landfall: {}", lines.join("\n  ")));
}
