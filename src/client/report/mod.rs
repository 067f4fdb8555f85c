//! What the client says while it works: a progress bar on a terminal, plain lines elsewhere, one JSON event a line for
//! scripts, or nothing.

pub mod events;
pub mod line;
pub mod output;
pub mod plain;
pub mod progress;

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

pub use self::events::Event;
pub use self::output::{complain, write_json, write_line, write_text};
pub use self::plain::{command, one_line, quoted};
use crate::client::report::line::{View, progress_line};
use crate::client::report::progress::Pace;
pub use crate::client::report::progress::{Counted, Progress};
use crate::clock::SystemClock;
use crate::domain::timestamp::Clock;

/// Progress is told this often while anything moves: more than twice a second, however late a thread wakes up.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(400);
/// A bar moves this often.
const BAR_INTERVAL: Duration = Duration::from_millis(150);
/// Lines about files that are shown one by one; of more than these only the number.
const MAX_LINES: usize = 20;
/// The telling thread does not spin.
const SHORTEST_WAIT: Duration = Duration::from_millis(20);

/// How the client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// For people.
    People,
    /// One JSON event a line.
    Json,
    /// Only failures, on standard error.
    Quiet,
}

/// Is called with a wait and its reason.
pub type Listener = Arc<dyn Fn(Duration, &str) + Send + Sync>;

/// Says things.
pub struct Report {
    board: Arc<Mutex<Board>>,
    /// Dropped to end the thread that keeps telling.
    ticker: Option<Sender<()>>,
}

/// What is said, and how; shared with the thread that keeps telling.
struct Board {
    output: OutputKind,
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
    /// Lines about files, as they come.
    done: Lines,
    /// What a person should look at, said after the summary.
    open: Lines,
    /// The lines of `open` that are shown.
    last: Vec<String>,
}

/// Counts lines of which only the first are shown.
#[derive(Clone, Copy, Debug, Default)]
struct Lines(usize);

impl Lines {
    /// Counts a line; whether it is shown.
    const fn take(&mut self) -> bool {
        self.0 += 1;
        self.0 <= MAX_LINES
    }

    /// How many were not shown, in words.
    fn rest(self) -> Option<String> {
        let rest = self.0.saturating_sub(MAX_LINES);
        (rest > 0).then(|| format!("{:<10} {rest} more", "and"))
    }
}

impl Report {
    /// A report that begins now.
    #[must_use]
    pub fn new(output: OutputKind) -> Self {
        Self::after(output, BTreeSet::new())
    }

    /// A report that does not repeat these problems, which an earlier one told.
    #[must_use]
    pub fn after(output: OutputKind, known_problems: BTreeSet<String>) -> Self {
        let bar = (output == OutputKind::People && io::stderr().is_terminal()).then(progress_bar);
        let board = Board {
            output,
            bar,
            progress: Progress { started_at: SystemClock.now(), ..Progress::default() },
            pace: Pace::default(),
            started: Instant::now(),
            told: None,
            is_over: false,
            tells_waits: false,
            problems: BTreeSet::new(),
            known_problems,
            done: Lines::default(),
            open: Lines::default(),
            last: Vec::new(),
        };
        Self { board: Arc::new(Mutex::new(board)), ticker: None }
    }

    /// From now on tells how far it is at least twice a second, also while a single request is under way, and what is
    /// waited for.
    pub fn keep_showing(&mut self) {
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
    pub fn show(&mut self, event: &Event<'_>) {
        self.board().show(event);
    }

    /// Is called to say that a request waits.
    #[must_use]
    pub fn listener(&self) -> Listener {
        let board = Arc::clone(&self.board);
        Arc::new(move |wait, reason| {
            let seconds = u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX);
            board.lock().unwrap_or_else(PoisonError::into_inner).show(&Event::Waiting { seconds, reason });
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
            board.show_progress();
        }
    }

    /// Says how far it came; how far it is is not told any more.
    pub fn show_end(&mut self) {
        self.ticker = None;
        let mut board = self.board();
        board.is_over = true;
        board.show_progress();
    }

    /// Says how it ended: `summary` and `closing` for people, with what to look at between them, `event` for scripts.
    pub fn finish<E: Serialize>(&mut self, summary: &str, closing: Option<&str>, event: &E) {
        let mut board = self.board();
        board.end_bar();
        match board.output {
            OutputKind::People => {
                board.done.rest().iter().for_each(|rest| write_line(rest));
                write_line(summary);
                board.show_last();
                closing.iter().for_each(|line| write_line(line));
            }
            OutputKind::Json => write_json(event),
            OutputKind::Quiet => {}
        }
    }

    /// Ends without a summary.
    pub fn close(&mut self) {
        self.ticker = None;
        let mut board = self.board();
        board.is_over = true;
        board.end_bar();
        board.show_last();
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
            board.show_progress();
        }
        wait = board.interval().saturating_sub(board.told.unwrap_or(board.started).elapsed()).max(SHORTEST_WAIT);
    }
}

impl Board {
    fn shows_progress(&self) -> bool {
        self.bar.is_some() || self.output == OutputKind::Json
    }

    const fn interval(&self) -> Duration {
        if self.bar.is_some() { BAR_INTERVAL } else { PROGRESS_INTERVAL }
    }

    fn end_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Says what a person should look at.
    fn show_last(&mut self) {
        let rest = std::mem::take(&mut self.open).rest();
        std::mem::take(&mut self.last).iter().chain(&rest).for_each(|line| write_line(line));
    }

    fn show(&mut self, event: &Event<'_>) {
        match event {
            Event::DeadLetter { path, code, message, .. } => self.progress.remember(path, code, message),
            Event::Conflict { path, reason } => self.progress.remember(path, "conflict", reason),
            Event::Problem { path, reason } => {
                self.progress.remember(path, "problem", reason);
                let line = event.line();
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
        match self.output {
            OutputKind::Json => write_json(event),
            OutputKind::Quiet if event.is_failure() => complain(&event.line()),
            OutputKind::Quiet => {}
            OutputKind::People if event.wants_a_look() => {
                if self.open.take() {
                    self.last.push(event.line());
                }
            }
            OutputKind::People => {
                let is_shown = matches!(event, Event::Waiting { .. }) || self.done.take();
                match self.bar.as_ref().filter(|_| io::stdout().is_terminal()) {
                    _ if !is_shown => {}
                    Some(bar) => bar.suspend(|| write_line(&event.line())),
                    None => write_line(&event.line()),
                }
            }
        }
    }

    fn show_progress(&mut self) {
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
        } else if self.output == OutputKind::Json {
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
