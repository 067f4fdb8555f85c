//! The worker process's side: reads jobs from standard input, answers on standard output.
//!
//! It bounds itself before its first job: address space, no core dumps, a time for each job (so that it does not
//! outlive its parent in a loop), and no word on standard error, where a panic could print a piece of a document.

use std::io::{self, BufReader, BufWriter};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use rlimit::{Resource, setrlimit};

use crate::yjs::edit::make_edit;
use crate::yjs::frames::{Answer, Job, READY, Task, read_job, write_answer};
use crate::yjs::text::derive_text;

/// The first argument that makes the program a worker. Then: address space in bytes, time for a job in milliseconds.
pub const WORKER_COMMAND: &str = "yjs-worker";

/// The stack of the thread that reads documents. Part of the address space.
const STACK_BYTES: usize = 256 * 1024 * 1024;

/// Serves jobs until standard input ends. Its arguments are those of the process, see [`WORKER_COMMAND`].
#[must_use]
pub fn run() -> ExitCode {
    set_hook(Box::new(|_| {}));
    let mut arguments = std::env::args().skip(2).map(|argument| argument.parse::<u64>());
    let (Some(Ok(max_memory_bytes)), Some(Ok(time_ms))) = (arguments.next(), arguments.next()) else {
        return ExitCode::from(2);
    };
    match serve(max_memory_bytes, Duration::from_millis(time_ms)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_silent) => ExitCode::FAILURE,
    }
}

fn serve(max_memory_bytes: u64, time_budget: Duration) -> io::Result<()> {
    setrlimit(Resource::CORE, 0, 0)?;
    setrlimit(Resource::AS, max_memory_bytes, max_memory_bytes)?;
    let (jobs, to_do) = channel();
    let (done, answers) = channel();
    thread::Builder::new().stack_size(STACK_BYTES).spawn(move || answer_jobs(&to_do, &done))?;

    let mut input = BufReader::new(io::stdin().lock());
    let mut output = BufWriter::new(io::stdout().lock());
    io::Write::write_all(&mut output, &[READY])?;
    io::Write::flush(&mut output)?;
    while let Some(job) = read_job(&mut input)? {
        jobs.send(job).map_err(io::Error::other)?;
        let answer = answers.recv_timeout(time_budget).map_err(io::Error::other)?;
        write_answer(&mut output, &answer)?;
        if answer == Answer::Panicked {
            break;
        }
    }
    Ok(())
}

fn answer_jobs(jobs: &Receiver<Job>, done: &Sender<Answer>) {
    while let Ok(Job { task, parts }) = jobs.recv() {
        // The document lives and dies inside; nothing of it is used after a panic.
        let outcome = catch_unwind(AssertUnwindSafe(|| match task {
            Task::Render => derive_text(parts.iter().map(Vec::as_slice)).map(Answer::Text),
            Task::Edit(wanted) => make_edit(&parts, &wanted).map(Answer::Edited),
        }));
        let answer = match outcome {
            Ok(Ok(answer)) => answer,
            Ok(Err(reason)) => Answer::Refused(reason),
            Err(_panic) => Answer::Panicked,
        };
        if done.send(answer).is_err() {
            break;
        }
    }
}
