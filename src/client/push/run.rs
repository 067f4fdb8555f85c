//! Sending batches, some at a time.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::Push;
use super::answers::Answered;
use super::batch::Chunk;
use crate::client::error::ClientError;
use crate::client::transport::{Server, Until};

impl<'s> Push<'s, '_, '_> {
    /// Pushes everything that is queued.
    pub fn run(mut self, run_id: &'s str) -> Result<(), ClientError> {
        let queued = self.pull.local.state.change(|change| change.list_outbox())?.len();
        if queued == 0 || (self.settings.atomic && self.waits_for_person()?) {
            return Ok(());
        }
        self.pull.local.report.expect(queued);
        if !self.settings.dry_run && self.pull.server.open_run(run_id, queued, self.settings.direction.as_str()) {
            self.run_id = Some(run_id);
        }
        let pushed = if self.settings.atomic { self.push_whole() } else { self.push_all() };
        if let Some(run_id) = self.run_id.filter(|_| pushed.is_err()) {
            self.pull.server.cancel_run(run_id);
        }
        pushed?;
        if self.has_to_pull() {
            self.pull.pull()?;
        }
        Ok(())
    }

    fn push_all(&mut self) -> Result<(), ClientError> {
        self.forget_upload()?;
        loop {
            self.exchange()?;
            self.pull.local.interrupt.check()?;
            let suspects = self.queue.take_suspects();
            if suspects.is_empty() {
                return Ok(());
            }
            // Where one is cleared, what waits behind it has its turn.
            for operation in suspects {
                self.pull.local.interrupt.check()?;
                self.pull.local.held.remove(&operation.document_id);
                self.queue.retry(operation);
                let Some(chunk) = self.next_chunk()? else { continue };
                let (outcome, took) = self.pull.server.push(&chunk.body, Until::LessHelps);
                self.judge(Answered { chunk, outcome, took })?;
            }
        }
    }

    /// Hands batches to the threads that send them, and carries out the answers.
    fn exchange(&mut self) -> Result<(), ClientError> {
        let server = self.pull.server;
        let senders = self.settings.concurrency.max(1);
        let (jobs, to_do) = channel::<Chunk>();
        let (done, answers) = channel::<Answered>();
        let to_do = Mutex::new(to_do);
        thread::scope(|scope| {
            for _ in 0..senders {
                let (done, to_do) = (done.clone(), &to_do);
                scope.spawn(move || send_batches(server, to_do, &done));
            }
            // Dropped at the end of this closure, which ends the threads.
            let jobs = jobs;
            loop {
                while self.queue.in_flight() < senders && self.may_send_more() {
                    let Some(chunk) = self.next_chunk()? else { break };
                    self.queue.begin(&chunk.operations);
                    drop(jobs.send(chunk));
                }
                if self.queue.in_flight() == 0 {
                    return Ok(());
                }
                let Ok(answered) = answers.recv() else { return Ok(()) };
                self.queue.end(&answered.chunk.operations);
                self.settle(answered)?;
            }
        })
    }

    fn may_send_more(&self) -> bool {
        !self.pull.local.interrupt.is_raised() && self.settings.batches.is_none_or(|most| self.queue.sent() < most)
    }
}

fn send_batches(server: &Server<'_>, to_do: &Mutex<Receiver<Chunk>>, done: &Sender<Answered>) {
    loop {
        let next = to_do.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(chunk) = next else { return };
        let until = if chunk.operations.len() > 1 { Until::LessHelps } else { Until::NothingHelps };
        let (outcome, took) = server.push(&chunk.body, until);
        if done.send(Answered { chunk, outcome, took }).is_err() {
            return;
        }
    }
}
