//! The parent's side of one worker process.

use std::io::{self, BufReader, BufWriter};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::yjs::frames::{Answer, Job, READY, read_answer, read_byte, write_job};
use crate::yjs::render_config::RenderConfig;
use crate::yjs::worker::WORKER_COMMAND;

/// How long a worker may take to start, whatever the time for a job: the machine may be busy.
const START_TIME: Duration = Duration::from_secs(20);

/// A worker that was started and is ready. Dropping it kills and reaps the process.
#[derive(Debug)]
pub(super) struct WorkerHandle {
    child: Child,
    jobs: Sender<Arc<Job>>,
    answers: Receiver<io::Result<Answer>>,
}

/// Why a job gave no text.
#[derive(Debug, thiserror::Error)]
pub(super) enum JobError {
    /// The worker said why.
    #[error("{0}")]
    Refused(String),
    /// The state made it panic.
    #[error("the renderer panicked")]
    Panicked,
    /// It ended before it answered.
    #[error("the worker died (of its memory limit, perhaps)")]
    Died,
    /// It did not answer in time.
    #[error("it took longer than {0:?}")]
    TooSlow(Duration),
}

impl WorkerHandle {
    /// Starts a worker and waits until it is ready.
    pub(super) fn start(config: &RenderConfig) -> io::Result<Self> {
        let child_time = config.time_budget.as_millis().saturating_mul(2);
        let mut child = Command::new(&config.program)
            .arg(WORKER_COMMAND)
            .arg(config.max_memory_bytes.to_string())
            .arg(child_time.to_string())
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A terminal's Ctrl-C goes to its whole process group, and the parent has yet to finish what is under way.
            // Whatever ends the parent ends the worker too: its standard input is closed then.
            .process_group(0)
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (jobs, to_do) = channel();
        let (done, answers) = channel();
        let (ready, is_ready) = channel();
        let handle = Self { child, jobs, answers };
        let Some((stdin, stdout)) = pipes else { return Err(io::Error::other("no pipes")) };
        thread::Builder::new()
            .name("yjs-worker-pipes".to_owned())
            .spawn(move || converse(stdin, stdout, &ready, &to_do, &done))?;
        match is_ready.recv_timeout(START_TIME) {
            Ok(ready) => ready.map(|()| handle),
            Err(error) => Err(io::Error::new(io::ErrorKind::TimedOut, error)),
        }
    }

    /// Has the worker do a job, which is shared since the thread that writes it may outlive the caller's patience. After
    /// an error the worker is of no further use.
    pub(super) fn run(&mut self, job: &Arc<Job>, time_budget: Duration) -> Result<Answer, JobError> {
        if self.jobs.send(Arc::clone(job)).is_err() {
            return Err(JobError::Died);
        }
        match self.answers.recv_timeout(time_budget) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Err(JobError::Died),
            Err(RecvTimeoutError::Timeout) => Err(JobError::TooSlow(time_budget)),
        }
    }
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        // Both fail only if the process is gone and reaped already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Writes jobs to a worker and reads its answers, so that the caller can stop waiting. Ends when either side is gone.
fn converse(
    stdin: ChildStdin,
    stdout: ChildStdout,
    ready: &Sender<io::Result<()>>,
    jobs: &Receiver<Arc<Job>>,
    done: &Sender<io::Result<Answer>>,
) {
    let (mut stdin, mut stdout) = (BufWriter::new(stdin), BufReader::new(stdout));
    let greeting = read_byte(&mut stdout)
        .and_then(|byte| if byte == READY { Ok(()) } else { Err(io::Error::other("the program is not a worker")) });
    if ready.send(greeting).is_err() {
        return;
    }
    while let Ok(job) = jobs.recv() {
        let answer = write_job(&mut stdin, &job).and_then(|()| read_answer(&mut stdout));
        let failed = answer.is_err();
        if done.send(answer).is_err() || failed {
            return;
        }
    }
}
