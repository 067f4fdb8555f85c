//! Whether the server can do its work: readers, the writer, the workers that derive texts, and the disk.
//!
//! One thread looks, on a connection of its own, whenever somebody asks. Whatever it waits for, its last findings are
//! there at once.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::domain::timestamp::Clock;
use crate::store::health::Probe;
use crate::store::{Store, StoreError};
use crate::yjs::render::Renderer;

/// Checks that may wait for the one that runs.
const WAITING: usize = 4;
/// What is well is not tried again within this time, where trying costs something.
const FRESH: Duration = Duration::from_secs(10);
/// A writer that has too much to do is well, as long as it has written something within this time.
const BUSY: Duration = Duration::from_secs(30);
/// How long a check may take.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// Less free space than this is worth a warning.
const LOW_DISK_BYTES: u64 = 64 * 1024 * 1024;

const UNCHECKED: &str = "It has not been checked yet.";
const SILENT: &str = "It did not answer within 2 seconds.";

/// A part of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Readers,
    Writer,
    Workers,
}

/// What is wrong, by part; nothing where all is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Findings {
    /// Reading from the database.
    pub readers: Option<&'static str>,
    /// Writing to it.
    pub writer: Option<&'static str>,
    /// Deriving texts.
    pub workers: Option<&'static str>,
    /// Room for the database, where it is on this machine.
    pub disk: Option<&'static str>,
    /// Whether it is.
    pub has_disk: bool,
}

impl Findings {
    /// Whether documents can be read and written.
    #[must_use]
    pub const fn serves(&self) -> bool {
        self.readers.is_none() && self.writer.is_none()
    }

    /// The worst that is wrong.
    #[must_use]
    pub fn first_fault(&self) -> Option<&'static str> {
        self.readers.or(self.writer).or(self.workers).or(self.disk)
    }

    fn of(&mut self, part: Part) -> &mut Option<&'static str> {
        match part {
            Part::Readers => &mut self.readers,
            Part::Writer => &mut self.writer,
            Part::Workers => &mut self.workers,
        }
    }
}

/// What is known so far.
#[derive(Debug)]
struct Known {
    findings: Findings,
    /// What is being looked at, for a check that was asked for at this time.
    looking: Option<(Part, Instant)>,
}

/// A check that somebody asked for.
#[derive(Debug)]
struct Check {
    /// The whole check has [`PATIENCE`] from here, the time until the thread takes it up included: who asked waits no
    /// longer, and would otherwise be told what was known before.
    asked_at: Instant,
    done: oneshot::Sender<()>,
}

/// The thread that looks, as others see it.
#[derive(Debug)]
pub struct Health {
    checks: Mutex<Option<SyncSender<Check>>>,
    known: Arc<Mutex<Known>>,
}

impl Health {
    /// Starts the thread. It ends after [`close`](Self::close), and is not waited for: a database may hold it.
    #[must_use]
    pub fn start(store: Arc<Store>, renderer: Arc<Renderer>, clock: Arc<dyn Clock>) -> Self {
        let (checks, asked) = sync_channel(WAITING);
        let findings = Findings {
            readers: Some(UNCHECKED),
            writer: Some(UNCHECKED),
            workers: Some(UNCHECKED),
            disk: None,
            has_disk: store.free_bytes().is_some(),
        };
        let known = Arc::new(Mutex::new(Known { findings, looking: None }));
        let mut checker = Checker {
            probe: store.probe(),
            store,
            renderer,
            clock,
            known: Arc::clone(&known),
            written_at: None,
            worked_at: None,
        };
        let thread = std::thread::Builder::new().name("health".to_owned()).spawn(move || checker.serve(&asked));
        if let Err(error) = thread {
            tracing::error!(%error, "no thread for health checks");
        }
        Self { checks: Mutex::new(Some(checks)), known }
    }

    /// Has everything looked at; the receiver hears when that is done. `None` if enough checks wait already.
    #[must_use]
    pub fn check(&self) -> Option<oneshot::Receiver<()>> {
        let (done, is_done) = oneshot::channel();
        let checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.as_ref()?.try_send(Check { asked_at: Instant::now(), done }).ok()?;
        Some(is_done)
    }

    /// What is known now. The part that holds up a check for too long is at fault.
    #[must_use]
    pub fn findings(&self) -> Findings {
        let known = lock(&self.known);
        let mut findings = known.findings;
        if let Some((part, _)) = known.looking.filter(|(_, asked_at)| asked_at.elapsed() >= PATIENCE) {
            *findings.of(part) = Some(SILENT);
        }
        findings
    }

    /// Takes no more checks.
    pub fn close(&self) {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// What is known is whole between any two statements, so a panic elsewhere does not spoil it.
fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Checker {
    store: Arc<Store>,
    probe: Probe,
    renderer: Arc<Renderer>,
    clock: Arc<dyn Clock>,
    known: Arc<Mutex<Known>>,
    /// The last write, and the last look at the workers, that went well.
    written_at: Option<Instant>,
    worked_at: Option<Instant>,
}

impl Checker {
    fn serve(&mut self, checks: &Receiver<Check>) {
        while let Ok(Check { asked_at, done }) = checks.recv() {
            self.look(Part::Readers, asked_at, Self::look_at_readers);
            self.look(Part::Writer, asked_at, Self::look_at_writer);
            self.look(Part::Workers, asked_at, Self::look_at_workers);
            lock(&self.known).findings.disk = self.look_at_disk();
            // Whoever asked may have given up.
            let _given_up = done.send(());
        }
    }

    fn look(&mut self, part: Part, asked_at: Instant, look: impl FnOnce(&mut Self) -> Option<&'static str>) {
        lock(&self.known).looking = Some((part, asked_at));
        let fault = look(self);
        let mut known = lock(&self.known);
        *known.findings.of(part) = fault;
        known.looking = None;
    }

    fn look_at_readers(&mut self) -> Option<&'static str> {
        let error = self.probe.read(&self.store).err()?;
        tracing::warn!(%error, "the database failed a health check");
        Some("The database does not answer.")
    }

    fn look_at_writer(&mut self) -> Option<&'static str> {
        if is_within(self.written_at, FRESH) {
            return None;
        }
        match self.probe.write(&self.store, self.clock.now()) {
            Ok(()) => {
                self.written_at = Some(Instant::now());
                None
            }
            Err(StoreError::Busy | StoreError::Timeout) if is_within(self.written_at, BUSY) => None,
            Err(error) => {
                tracing::warn!(%error, "the database took no write of a health check");
                Some("The database takes no writes.")
            }
        }
    }

    fn look_at_workers(&mut self) -> Option<&'static str> {
        if is_within(self.worked_at, FRESH) {
            return None;
        }
        match self.renderer.check() {
            Ok(()) => {
                self.worked_at = Some(Instant::now());
                None
            }
            Err(error) => {
                tracing::warn!(%error, "no worker could be had for a health check");
                Some("Texts of Yjs documents cannot be derived.")
            }
        }
    }

    fn look_at_disk(&self) -> Option<&'static str> {
        let is_low = self.store.free_bytes().is_some_and(|free| free < LOW_DISK_BYTES);
        is_low.then_some("Less than 64 MiB are free for the database.")
    }
}

fn is_within(at: Option<Instant>, time: Duration) -> bool {
    at.is_some_and(|at| at.elapsed() < time)
}
