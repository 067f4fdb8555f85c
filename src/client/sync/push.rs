//! Pushing the outbox: batches of bounded size, some at a time, never two operations of one document at once.
//!
//! A batch that is too much for the server is halved, down to one operation; what becomes of one that fails alone is
//! decided in `suspects`. Answers are carried out one batch after another.

use std::collections::{BTreeSet, VecDeque};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::json;
use serde_json::value::RawValue;

use super::course::{Answered, BATCH_PATH, Chunk, Course, Named};
use super::engine::{Engine, now_us};
use super::settings::Direction;
use crate::client::error::ClientError;
use crate::client::push::batch_size::{BatchSize, Sent};
use crate::client::report::{Counted, Event};
use crate::client::state::DocId;
use crate::client::state::outbox::QueuedOperation;
use crate::client::state::settings::Setting;
use crate::client::transport::remote::{Remote, Until};
use crate::client::transport::wire::{Batch, encode_operation};
use crate::yjs::merge::{encode_state_vector, facts_of};

/// Operations of a batch that the size is not given of, at most.
const MOST_OPERATIONS: usize = 100;

/// How long the server may take to hear that the run is over. It hears it for the sake of those who watch.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);

impl Engine<'_> {
    /// Pushes everything that is queued.
    pub(super) fn push(&mut self) -> Result<(), ClientError> {
        let queued = self.state.change(|change| change.list_outbox())?.len();
        if queued == 0 {
            return Ok(());
        }
        if self.settings.atomic && queued > self.limits.max_operations {
            return Err(ClientError::Usage(format!(
                "{queued} operations cannot be pushed all or nothing: the server takes {} at once; leave out --atomic",
                self.limits.max_operations
            )));
        }
        self.report.expect(queued);
        let mut course = Course { sync_id: self.open_run(queued), ..Course::default() };
        let pushed = self.push_all(&mut course);
        if pushed.is_err() {
            self.cancel_run(&course);
        }
        pushed?;
        if self.batches_sent > 1 && self.settings.direction == Direction::Both && !self.settings.dry_run {
            self.pull()?;
        }
        Ok(())
    }

    fn push_all(&mut self, course: &mut Course) -> Result<(), ClientError> {
        loop {
            self.exchange(course)?;
            self.interrupt.check()?;
            if course.suspects.is_empty() {
                return Ok(());
            }
            // Where one is cleared, what waits behind it has its turn.
            self.judge_suspects(course)?;
        }
    }

    /// Opens the run on the server, so that others can watch it. A server that knows no runs is as good.
    fn open_run(&self, total: usize) -> Option<String> {
        if self.settings.dry_run {
            return None;
        }
        let body = json!({
            "workspace_id": self.identity.workspace,
            "total": total,
            "direction": self.settings.direction.as_str(),
            "device_id": self.identity.device,
        });
        let opened = self.remote.put(&format!("/api/v1/syncs/{}", self.run_id), body.to_string().as_bytes());
        opened.is_ok().then(|| self.run_id.clone())
    }

    /// Says that no more comes of the run. What the server answers changes nothing here.
    fn cancel_run(&self, course: &Course) {
        if let Some(sync_id) = &course.sync_id {
            let workspace = &self.identity.workspace;
            let path = format!("/api/v1/syncs/{sync_id}/cancel?workspace_id={workspace}");
            drop(self.remote.post_shortly(&path, CANCEL_TIMEOUT));
        }
    }

    /// Hands batches to the threads that send them, and carries out the answers.
    fn exchange(&mut self, course: &mut Course) -> Result<(), ClientError> {
        let remote = self.remote;
        let senders = if self.settings.atomic { 1 } else { self.settings.concurrency.max(1) };
        let (jobs, to_do) = channel::<Chunk>();
        let (done, answers) = channel::<Answered>();
        let to_do = Mutex::new(to_do);
        thread::scope(|scope| {
            for _ in 0..senders {
                let (done, to_do) = (done.clone(), &to_do);
                scope.spawn(move || send_batches(remote, to_do, &done));
            }
            // Dropped at the end of this closure, which ends the threads.
            let jobs = jobs;
            loop {
                while course.in_flight < senders && self.may_send_more() {
                    let Some(chunk) = self.next_chunk(course)? else { break };
                    course.in_flight += 1;
                    self.batches_sent += 1;
                    course.busy.extend(chunk.operations.iter().map(|operation| operation.document_id));
                    drop(jobs.send(chunk));
                }
                if course.in_flight == 0 {
                    return Ok(());
                }
                let Ok(answered) = answers.recv() else { return Ok(()) };
                course.in_flight -= 1;
                for operation in &answered.chunk.operations {
                    course.busy.remove(&operation.document_id);
                }
                self.settle(course, answered)?;
            }
        })
    }

    fn may_send_more(&self) -> bool {
        !self.interrupt.is_raised() && self.settings.batches.is_none_or(|most| self.batches_sent < most)
    }

    /// The next batch, its operations marked as sent.
    pub(super) fn next_chunk(&mut self, course: &mut Course) -> Result<Option<Chunk>, ClientError> {
        self.together(|engine| engine.gather_chunk(course))
    }

    fn gather_chunk(&mut self, course: &mut Course) -> Result<Option<Chunk>, ClientError> {
        let most = self.next_size(course);
        let half = course.again.pop_front();
        let is_half = half.is_some();
        let mut candidates = match half {
            Some(names) => names,
            None => self.next_names(course, most.operations)?,
        };
        let (mut operations, mut written, mut bytes) = (Vec::new(), Vec::<Box<RawValue>>::new(), 0_usize);
        while let Some(candidate) = candidates.pop_front() {
            let Some((operation, raw)) = self.prepare(&candidate.0)? else { continue };
            let size = raw.get().len() + 1;
            if !operations.is_empty() && bytes + size > most.bytes {
                if self.settings.atomic {
                    return Err(ClientError::Usage(format!(
                        "what is queued cannot be pushed all or nothing: it is more than the {} bytes that the server \
                         takes at once; leave out --atomic",
                        self.limits.max_body_bytes
                    )));
                }
                candidates.push_front(candidate);
                break;
            }
            bytes += size;
            operations.push(operation);
            written.push(raw);
        }
        if !is_half {
            candidates.append(&mut course.ahead);
            course.ahead = candidates;
        } else if !candidates.is_empty() {
            course.again.push_front(candidates);
        }
        if operations.is_empty() {
            return Ok(None);
        }
        self.write_chunk(course, operations, &written).map(Some)
    }

    /// The largest batch of which the size is not given.
    fn most(&self) -> BatchSize {
        BatchSize { operations: self.limits.max_operations.min(MOST_OPERATIONS), bytes: self.limits.batch_bytes() }
    }

    /// How large the next batch may be.
    fn next_size(&self, course: &mut Course) -> BatchSize {
        let all = BatchSize { operations: self.limits.max_operations, bytes: self.limits.batch_bytes() };
        match self.settings.batch_size {
            _ if self.settings.atomic => all,
            Some(given) => BatchSize { operations: given.min(all.operations), ..all },
            None => *course.size.get_or_insert_with(|| BatchSize::first(self.most())),
        }
    }

    /// Learns from an answer how large the next batch may be.
    fn note_size(&self, course: &mut Course, answered: &Answered) {
        let Answered { chunk, outcome, took } = answered;
        let was_too_much = match outcome {
            Ok(_) => false,
            Err(failure) if failure.asks_for_less() => true,
            // It says nothing about the size.
            Err(_) => return,
        };
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let sent = Sent {
            size: BatchSize { operations: chunk.operations.len(), bytes: chunk.body.len() },
            ms: milliseconds(*took),
            latency_ms: self.remote.shortest_answer().map_or(0, milliseconds),
            was_too_much,
        };
        course.size = course.size.map(|size| size.after(&sent, self.most()));
    }

    fn write_chunk(
        &mut self,
        course: &Course,
        operations: Vec<QueuedOperation>,
        written: &[Box<RawValue>],
    ) -> Result<Chunk, ClientError> {
        // The feed leaves out what its own batch wrote, and nothing else: after several batches it is read by itself.
        let is_only_one = self.batches_sent == 0 && course.again.is_empty() && course.ahead.is_empty();
        let cursor = self.state.change(|change| change.find_setting(Setting::Cursor))?;
        let pulls =
            is_only_one && cursor.is_some() && self.settings.direction == Direction::Both && !self.settings.dry_run;
        let request = Batch {
            workspace_id: &self.identity.workspace,
            device_id: &self.identity.device,
            atomic: self.settings.atomic,
            dry_run: self.settings.dry_run,
            sync_id: course.sync_id.as_deref(),
            cursor: pulls.then_some(cursor.as_deref()),
            operations: written.iter().map(AsRef::as_ref).collect(),
        };
        let body = serde_json::to_vec(&request).map_err(|error| ClientError::Usage(error.to_string()))?;
        Ok(Chunk { operations, body, pulls })
    }

    /// What comes next, at most so many. The queue is read anew when what was read before has had its turn.
    fn next_names(&mut self, course: &mut Course, most: usize) -> Result<VecDeque<Named>, ClientError> {
        loop {
            let is_anew = course.ahead.is_empty();
            if is_anew {
                course.ahead = self.list_free(course)?;
            }
            let mut names = VecDeque::new();
            while names.len() < most
                && let Some(name) = course.ahead.pop_front()
            {
                if !course.busy.contains(&name.1) && !self.held.contains(&name.1) {
                    names.push_back(name);
                }
            }
            if is_anew || !names.is_empty() {
                return Ok(names);
            }
        }
    }

    /// The first queued operation of each document that is free. Those that were sent before and not answered come last,
    /// so that they hold up no other.
    fn list_free(&mut self, course: &Course) -> Result<VecDeque<Named>, ClientError> {
        let (queue, attempts, conflicts) = self
            .state
            .change(|change| Ok((change.list_outbox()?, change.load_attempts()?, change.load_conflicts()?)))?;
        let mut taken: BTreeSet<DocId> = conflicts.iter().map(|one| one.document_id).collect();
        taken.extend(course.busy.iter().chain(&self.held));
        let free = queue.into_iter().filter(|(_, id, _)| taken.insert(*id));
        let mut names: Vec<Named> = free.map(|(name, id, _)| (name, id)).collect();
        if !attempts.is_empty() {
            names.sort_by_key(|(name, _)| attempts.get(name).copied().unwrap_or(0));
        }
        Ok(names.into())
    }

    /// Fixes an operation for good, marks it as sent, and writes it.
    fn prepare(&mut self, name: &str) -> Result<Option<(QueuedOperation, Box<RawValue>)>, ClientError> {
        let (operation, known) = self.state.change(|change| {
            let Some(mut operation) = change.find_operation(name)? else { return Ok((None, None)) };
            let known = change.find_with_body(operation.document_id)?;
            if let Some((file, body)) = known.as_ref().filter(|_| !operation.sent) {
                let lacks_some = change.has_dead_letters(operation.document_id)?;
                if operation.kind == "update" && file.version == 0 {
                    // Its creation was refused: the document as it is now is made in its place.
                    "create".clone_into(&mut operation.kind);
                    operation.title = Some(file.title.clone());
                    operation.yjs_update.clone_from(&body.yjs_state);
                    operation.content = Some(body.content.clone());
                }
                if operation.yjs_update.is_some() {
                    // The server takes this for the text of its version and this update together. It is only now that
                    // the version is known, and only if the server has everything that was pushed before.
                    operation.content = Self::sent_content(&body.content).filter(|_| !lacks_some && !operation.restore);
                }
                if operation.kind != "create" {
                    operation.base_version = Some(file.version);
                }
            }
            operation.sent = true;
            operation.attempts += 1;
            if operation.first_sent_at == 0 {
                operation.first_sent_at = now_us();
            }
            change.update_operation(&operation)?;
            Ok((Some(operation), known))
        })?;
        let Some(operation) = operation else { return Ok(None) };
        let vector = known.and_then(|(_, body)| body.yjs_state).filter(|_| operation.kind == "update");
        let vector = vector.and_then(|state| facts_of(&[state]).ok()).map(|(vector, ..)| encode_state_vector(&vector));
        let raw = encode_operation(&operation, vector.as_deref().filter(|_| operation.yjs_update.is_some()));
        raw.map(|raw| Some((operation, raw))).map_err(|error| ClientError::Usage(error.to_string()))
    }

    pub(super) fn settle(&mut self, course: &mut Course, answered: Answered) -> Result<(), ClientError> {
        self.note_size(course, &answered);
        let Answered { chunk, outcome, .. } = answered;
        match outcome {
            Ok(answer) => {
                if !answer.results.is_empty() {
                    course.has_success = true;
                    course.failed_in_a_row = 0;
                }
                self.settle_results(&chunk.operations, answer.results)?;
                match answer.changes.filter(|_| chunk.pulls) {
                    Some(page) => {
                        let has_more = page.has_more;
                        self.take_in_page(page)?;
                        if has_more { self.pull() } else { self.carry_out_removals() }
                    }
                    None => Ok(()),
                }
            }
            Err(failure) if failure.asks_for_less() && !self.settings.atomic => {
                self.settle_failure(course, chunk.operations, failure)
            }
            Err(failure) => Err(failure.into_client_error(self.remote.server())),
        }
    }

    /// Moves an operation to the dead letters, and tells.
    pub(super) fn bury(&mut self, operation: &QueuedOperation, code: &str, message: &str) -> Result<(), ClientError> {
        let path = self.path_of(operation.document_id)?;
        self.held.insert(operation.document_id);
        self.state.change(|change| change.bury(operation, &path, (code, message), now_us()))?;
        let client_id = &operation.client_id;
        self.report.tell(&Event::DeadLetter { path: &path, client_id, code, message });
        self.tally.failed += 1;
        self.report.count(&format!("{} {path}", operation.kind), Counted::Failed);
        Ok(())
    }
}

fn send_batches(remote: &Remote, to_do: &Mutex<Receiver<Chunk>>, done: &Sender<Answered>) {
    loop {
        let next = to_do.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(chunk) = next else { return };
        let until = if chunk.operations.len() > 1 { Until::LessHelps } else { Until::NothingHelps };
        let (outcome, took) = remote.post_timed(BATCH_PATH, &chunk.body, until);
        if done.send(Answered { chunk, outcome, took }).is_err() {
            return;
        }
    }
}
