//! The one thread that writes to SQLite: it groups what is waiting into one commit. Knows no table and no rule.
//!
//! Each job runs in a savepoint of the group's transaction, so one that fails leaves no trace and does not disturb its
//! neighbours; nobody is answered before the group's commit, and a commit that fails fails them all. Jobs that may be synced
//! after their answer make groups of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};

use super::checkpoint::Checkpoints;
use super::connection::{AnyConnection, Connector};
use super::database_file::DatabaseFile;
use super::scope::Durability;
use super::{End, StoreConfig, StoreError};

/// Jobs that wait for the writer.
const QUEUED_JOBS: &str = "landfall_write_queue_jobs";

/// The way to the writer thread.
pub(super) struct Writer {
    queue: RwLock<Option<SyncSender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread on a connection of its own.
    ///
    /// # Errors
    /// `Open` if the database or the thread cannot be opened.
    pub(super) fn start(
        connector: Connector,
        checkpoints: Checkpoints,
        file: DatabaseFile,
        config: &StoreConfig,
    ) -> Result<Self, StoreError> {
        let (queue, jobs) = sync_channel(config.writer_queue.max(1));
        let mut committer = Committer {
            connection: connector.open()?,
            connector,
            checkpoints,
            file,
            durability: Durability::Synced,
            is_unsynced: false,
            group_limit: config.group_limit.max(1),
            group_time: Duration::from_millis(config.group_time_ms),
        };
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || committer.serve(&jobs))
            .map_err(|error| StoreError::Open(format!("the writer thread: {error}")))?;
        Ok(Self { queue: RwLock::new(Some(queue)), thread: Mutex::new(Some(thread)) })
    }

    /// Has `body` run in a savepoint on the writer's connection, again after a lost race, `attempts` times at most, and
    /// waits until it is committed, and durable unless that may follow.
    ///
    /// # Errors
    /// What `body` answered; `Busy` if the queue is full; `Timeout` if the deadline passed before the savepoint was
    /// released; `Refused` if `body` panicked; `Unavailable` if the commit failed or the store is closed.
    pub(super) fn submit<T, F>(
        &self,
        deadline: Instant,
        attempts: u32,
        durability: Durability,
        body: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConnection) -> Result<(T, End), StoreError> + Send + 'static,
    {
        let (reply, answer) = sync_channel(1);
        let job = BodyJob { body, deadline, attempts, durability, queued_at: Instant::now(), value: None, reply };
        match self.queue.read().unwrap_or_else(PoisonError::into_inner).as_ref() {
            None => return Err(StoreError::Unavailable("the store is closed".into())),
            Some(queue) => queue.try_send(Box::new(job)).map_err(|refused| match refused {
                TrySendError::Full(_) => StoreError::Busy,
                TrySendError::Disconnected(_) => StoreError::Unavailable("the writer thread has ended".into()),
            })?,
        }
        metrics::gauge!(QUEUED_JOBS).increment(1.0);
        answer.recv().map_err(|error| StoreError::Unavailable(format!("the writer thread has ended: {error}")))?
    }

    /// Takes in nothing more, finishes what was accepted, and waits for the thread to end.
    pub(super) fn close(&self) {
        drop(self.queue.write().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the writer thread ended in a panic");
        }
    }
}

/// Something to be done in the writer's transaction.
trait Job: Send {
    fn deadline(&self) -> Instant;
    fn durability(&self) -> Durability;
    /// How often it may run.
    fn attempts(&self) -> u32;
    fn queued_at(&self) -> Instant;
    /// Does the work; its value is kept for the answer.
    fn run(&mut self, connection: &mut AnyConnection) -> Result<End, StoreError>;
    /// Tells who waits: the value, or why there is none.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct BodyJob<T, F> {
    body: F,
    deadline: Instant,
    durability: Durability,
    attempts: u32,
    queued_at: Instant,
    value: Option<T>,
    reply: SyncSender<Result<T, StoreError>>,
}

impl<T, F> Job for BodyJob<T, F>
where
    T: Send,
    F: FnMut(&mut AnyConnection) -> Result<(T, End), StoreError> + Send,
{
    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn durability(&self) -> Durability {
        self.durability
    }

    fn attempts(&self) -> u32 {
        self.attempts
    }

    fn queued_at(&self) -> Instant {
        self.queued_at
    }

    fn run(&mut self, connection: &mut AnyConnection) -> Result<End, StoreError> {
        let (value, end) = (self.body)(connection)?;
        self.value = Some(value);
        Ok(end)
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { value, reply, .. } = *self;
        let unanswered = || StoreError::Unavailable("the job was not run".into());
        // Refused means that nobody waits any more.
        let _abandoned = reply.send(outcome.and_then(|()| value.ok_or_else(unanswered)));
    }
}

/// What ran in one transaction.
struct Group {
    finished: Vec<(Box<dyn Job>, Result<(), StoreError>)>,
    /// Why the transaction is lost.
    lost: Option<StoreError>,
    /// A job that has been taken from the queue and not been run.
    left: Option<Box<dyn Job>>,
}

struct Committer {
    connection: AnyConnection,
    connector: Connector,
    checkpoints: Checkpoints,
    file: DatabaseFile,
    /// What the connection's commits are.
    durability: Durability,
    /// Something was committed and could not be synced. The disk may say of a later sync that all is well, though what is
    /// before it was lost: nothing is acknowledged any more until the server starts again.
    is_unsynced: bool,
    group_limit: usize,
    group_time: Duration,
}

impl Committer {
    fn serve(&mut self, jobs: &Receiver<Box<dyn Job>>) {
        let mut left = None;
        while let Some(first) = left.take().or_else(|| jobs.recv().ok()) {
            left = self.commit_group(first, jobs);
            self.checkpoints.after_group(&mut self.connection);
        }
        self.checkpoints.close(&mut self.connection);
    }

    /// Commits a group that begins with this job; returns the job that was taken from the queue and begins the next.
    fn commit_group(&mut self, first: Box<dyn Job>, jobs: &Receiver<Box<dyn Job>>) -> Option<Box<dyn Job>> {
        let durability = first.durability();
        if let Err(error) = self.begin(durability) {
            tracing::error!(%error, "a write transaction could not be started");
            metrics::gauge!(QUEUED_JOBS).decrement(1.0);
            first.answer(Err(error));
            return None;
        }
        let started = Instant::now();
        let Group { finished, lost, left } = self.run_group(first, jobs, started);
        let committed = match lost {
            Some(error) => Err(error),
            None => self.commit(finished.len()),
        };
        if let Err(error) = &committed {
            tracing::error!(%error, batches = finished.len(), "a group of batches was not committed");
            self.abandon_transaction();
        }
        metrics::histogram!("landfall_lock_hold_seconds").record(started.elapsed());
        for (job, outcome) in finished {
            // What a neighbour saw may have been another's work: replies are sent after the commit.
            match &committed {
                Ok(()) => job.answer(outcome),
                Err(error) => job.answer(Err(StoreError::Unavailable(format!("the commit failed: {error}")))),
            }
        }
        if durability == Durability::Soon
            && committed.is_ok()
            && let Err(error) = self.file.sync_log()
        {
            tracing::error!(%error, "what was committed last was not synced; nothing is written until the server starts again");
            self.is_unsynced = true;
        }
        left
    }

    /// Runs the job and those that wait behind it, as long as they may be committed together.
    fn run_group(&mut self, first: Box<dyn Job>, jobs: &Receiver<Box<dyn Job>>, started: Instant) -> Group {
        let mut group = Group { finished: Vec::new(), lost: None, left: None };
        let mut next = Some(first);
        while let Some(mut job) = next.take() {
            metrics::gauge!(QUEUED_JOBS).decrement(1.0);
            match self.run_job(job.as_mut()) {
                Ok(outcome) => group.finished.push((job, outcome)),
                Err(error) => {
                    group.finished.push((job, Ok(())));
                    group.lost = Some(error);
                    break;
                }
            }
            if group.finished.len() < self.group_limit && started.elapsed() < self.group_time {
                match jobs.try_recv().ok() {
                    Some(job) if self.durability == Durability::Soon && job.durability() == Durability::Synced => {
                        group.left = Some(job);
                    }
                    more => next = more,
                }
            }
        }
        group
    }

    /// Runs a job, again after a lost race: nobody else writes meanwhile. The outer error means that the group's
    /// transaction is lost.
    fn run_job(&mut self, job: &mut dyn Job) -> Result<Result<(), StoreError>, StoreError> {
        metrics::histogram!("landfall_write_queue_seconds").record(job.queued_at().elapsed());
        for _ in 1..job.attempts() {
            match self.run_in_savepoint(job)? {
                Err(StoreError::LostRace) => metrics::counter!("landfall_lost_races").increment(1),
                outcome => return Ok(outcome),
            }
        }
        self.run_in_savepoint(job)
    }

    fn run_in_savepoint(&mut self, job: &mut dyn Job) -> Result<Result<(), StoreError>, StoreError> {
        if Instant::now() >= job.deadline() {
            return Ok(Err(StoreError::Timeout));
        }
        let connection = &mut self.connection;
        AnyConnection::begin_transaction(connection)?;
        let mut ended = catch_unwind(AssertUnwindSafe(|| job.run(connection))).unwrap_or_else(|_panic| {
            tracing::error!("the body of a write panicked; it was rolled back");
            Err(StoreError::Refused("the body of the write panicked".into()))
        });
        if ended.is_ok() && Instant::now() >= job.deadline() {
            ended = Err(StoreError::Timeout);
        }
        match ended {
            Ok(End::Commit) => AnyConnection::commit_transaction(&mut self.connection)?,
            // If SQLite has ended the whole transaction by itself (a full disk), the savepoint is gone: this fails.
            Ok(End::Rollback) | Err(_) => AnyConnection::rollback_transaction(&mut self.connection)?,
        }
        Ok(ended.map(|_end| ()))
    }

    fn begin(&mut self, durability: Durability) -> Result<(), StoreError> {
        let started = Instant::now();
        // SQLite takes no change of this within a transaction.
        if durability != self.durability {
            self.connection.batch_execute(match durability {
                Durability::Synced => "PRAGMA synchronous = FULL",
                Durability::Soon => "PRAGMA synchronous = NORMAL",
            })?;
            self.durability = durability;
        }
        AnsiTransactionManager::begin_transaction_sql(self.connection.sqlite()?, "BEGIN IMMEDIATE")?;
        metrics::histogram!("landfall_lock_wait_seconds").record(started.elapsed());
        Ok(())
    }

    fn commit(&mut self, batches: usize) -> Result<(), StoreError> {
        // What is committed into a file that nobody finds again must not be acknowledged.
        self.file.check()?;
        if self.is_unsynced {
            let why = "the disk failed to sync the write-ahead log: see to the disk, then start the server again";
            return Err(StoreError::Unavailable(why.into()));
        }
        let started = Instant::now();
        AnyConnection::commit_transaction(&mut self.connection)?;
        metrics::histogram!("landfall_commit_seconds").record(started.elapsed());
        metrics::histogram!("landfall_commit_batches").record(u32::try_from(batches).map_or(f64::MAX, f64::from));
        Ok(())
    }

    /// Makes sure that the next group starts outside any transaction: by a new connection, since the state of one
    /// whose commit failed is not known.
    fn abandon_transaction(&mut self) {
        match self.connector.open() {
            Ok(connection) => {
                self.connection = connection;
                self.durability = Durability::Synced;
            }
            Err(error) => {
                tracing::error!(%error, "the writer's connection could not be reopened");
                if let Err(error) = AnyConnection::rollback_transaction(&mut self.connection) {
                    tracing::error!(%error, "the lost transaction could not be rolled back");
                }
            }
        }
    }
}
