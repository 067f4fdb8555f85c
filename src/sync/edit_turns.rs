//! Turns at changing the texts of Yjs documents.
//!
//! Such a change is made off every lock, which takes a while: of several at a time on one document all but the first would lose
//! their race, and be made again. So they come one after the other, in the order of asking. Whoever waits holds no thread and
//! no connection. Only this server's batches take turns; what another server or a typing editor commits meanwhile is a lost
//! race as ever, and correctness leans on the compare-and-set alone.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::ids::{DocumentId, WorkspaceId};
use crate::domain::operation::{Submitted, Target};
use crate::domain::plan::Plan;
use crate::sync::Batch;

/// How often a batch waits because it turns out to change further documents. Then it goes on without their turns.
const MAX_WAITS: u32 = 4;

type Key = (WorkspaceId, DocumentId);

/// The documents whose texts are being changed, each with its queue.
#[derive(Debug, Default)]
pub struct EditTurns {
    queues: Mutex<HashMap<Key, Arc<Semaphore>>>,
}

/// A place in the queue of a document, and its turn once that has come. Dropping it lets the next one in.
#[derive(Debug)]
struct Turn {
    all: Arc<EditTurns>,
    key: Key,
    /// Taken when it is dropped.
    queue: Option<Arc<Semaphore>>,
    permit: Option<OwnedSemaphorePermit>,
}

/// The turns of one batch: those that it has, and those that it has to wait for.
#[derive(Debug)]
pub struct BatchTurns {
    all: Arc<EditTurns>,
    workspace_id: WorkspaceId,
    held: BTreeMap<DocumentId, Turn>,
    awaited: BTreeSet<DocumentId>,
    waits_left: u32,
    /// Of a dry run: it stores nothing, and waits for nobody.
    is_exempt: bool,
}

impl EditTurns {
    /// The turns of a batch that has none yet. It waits for the documents that somebody else is changing, before it looks at
    /// anything.
    #[must_use]
    pub fn of(self: &Arc<Self>, batch: &Batch) -> BatchTurns {
        let queues = self.queues();
        let changed = batch.operations.iter().filter_map(|submitted| match submitted {
            Submitted::Valid(operation) if operation.changes.are_of_text() => match operation.target {
                Target::Id(id) => Some(id),
                Target::Minted(_) | Target::Ref(_) => None,
            },
            Submitted::Valid(_) | Submitted::Rejected(_) => None,
        });
        let awaited = match queues.is_empty() || batch.dry_run {
            true => BTreeSet::new(),
            false => changed.filter(|id| queues.contains_key(&(batch.workspace_id, *id))).collect(),
        };
        BatchTurns {
            all: Arc::clone(self),
            workspace_id: batch.workspace_id,
            held: BTreeMap::new(),
            awaited,
            waits_left: MAX_WAITS,
            is_exempt: batch.dry_run,
        }
    }

    fn join(self: &Arc<Self>, key: Key) -> (Turn, Arc<Semaphore>) {
        let queue = Arc::clone(self.queues().entry(key).or_insert_with(|| Arc::new(Semaphore::new(1))));
        (Turn { all: Arc::clone(self), key, queue: Some(Arc::clone(&queue)), permit: None }, queue)
    }

    /// The map is whole between any two statements, so a panic elsewhere does not spoil it.
    fn queues(&self) -> MutexGuard<'_, HashMap<Key, Arc<Semaphore>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BatchTurns {
    /// Whether it has to wait before it goes on.
    #[must_use]
    pub fn has_to_wait(&self) -> bool {
        !self.awaited.is_empty()
    }

    /// Waits until it has all turns that it wants; whether that was by the deadline. All batches wait in the order of the
    /// documents' ids, and none of them holds a turn when it begins to: so they do not wait for one another in a circle.
    pub async fn wait(&mut self, deadline: Instant) -> bool {
        let started = Instant::now();
        let all = async {
            for id in std::mem::take(&mut self.awaited) {
                let (mut turn, queue) = self.all.join((self.workspace_id, id));
                turn.permit = queue.acquire_owned().await.ok();
                self.held.insert(id, turn);
            }
        };
        let in_time = tokio::time::timeout_at(deadline.into(), all).await.is_ok();
        metrics::histogram!("landfall_edit_wait_seconds").record(started.elapsed());
        in_time
    }

    /// Takes the turns that a plan needs, as far as they are to be had at once. Otherwise all are given back: the batch has to
    /// wait for them, and then look again.
    pub(super) fn has_turns_for(&mut self, plan: &Plan) -> bool {
        let changed = plan.wanted.iter().map(|wanted| wanted.document_id);
        let changed = changed.chain(plan.edits.iter().map(|edit| edit.document_id));
        if self.is_exempt || self.waits_left == 0 {
            return true;
        }
        for id in changed {
            let Entry::Vacant(place) = self.held.entry(id) else { continue };
            let (mut turn, queue) = self.all.join((self.workspace_id, id));
            turn.permit = queue.try_acquire_owned().ok();
            if turn.permit.is_some() {
                place.insert(turn);
            } else {
                self.awaited.insert(id);
            }
        }
        if self.awaited.is_empty() {
            return true;
        }
        self.waits_left -= 1;
        self.awaited.extend(std::mem::take(&mut self.held).into_keys());
        false
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.permit.take());
        let mut queues = self.all.queues();
        drop(self.queue.take());
        // Whoever is in a queue has a reference to it.
        if queues.get(&self.key).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            queues.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::UserId;
    use crate::domain::operation::{Changes, Digest, Operation, OperationKind, Text};
    use crate::domain::text_steps::PlannedEdit;

    const A: DocumentId = DocumentId(Uuid::from_u128(1));
    const B: DocumentId = DocumentId(Uuid::from_u128(2));
    const LATE: Duration = Duration::from_secs(600);

    fn batch(ids: &[DocumentId], dry_run: bool) -> Batch {
        let operation = |id: &DocumentId| Operation {
            index: 0,
            client_id: "edit".to_owned(),
            kind: OperationKind::Update,
            target: Target::Id(*id),
            base_version: None,
            force: false,
            restore: false,
            changes: Changes { content: Some(Text::new("new".to_owned())), ..Changes::default() },
            reader_state_vector: None,
            payload_digest: Digest::default(),
        };
        Batch {
            workspace_id: WorkspaceId(Uuid::nil()),
            user_id: UserId(Uuid::nil()),
            device_id: None,
            atomic: false,
            dry_run,
            sync_id: None,
            pull: None,
            upload: None,
            authors: Vec::new(),
            operations: ids.iter().map(|id| Submitted::Valid(Box::new(operation(id)))).collect(),
        }
    }

    fn plan(ids: &[DocumentId]) -> Plan {
        let edit = |id: &DocumentId| PlannedEdit { place: 0, document_id: *id, entry: 0, from: Digest::default() };
        Plan { edits: ids.iter().map(edit).collect(), ..Plan::of_outcomes(Vec::new(), Vec::new()) }
    }

    async fn wait(turns: &mut BatchTurns) {
        assert!(turns.wait(Instant::now() + LATE).await);
    }

    #[tokio::test]
    async fn batches_have_their_turns_in_the_order_of_asking() {
        let all = Arc::new(EditTurns::default());
        let (one, other) = (batch(&[A], false), batch(&[B], false));
        let mut first = all.of(&one);
        assert!(!first.has_to_wait() && first.has_turns_for(&plan(&[A])), "nobody else is there");
        assert!(first.has_turns_for(&plan(&[A])), "it has its turn still");
        let mut elsewhere = all.of(&other);
        assert!(!elsewhere.has_to_wait() && elsewhere.has_turns_for(&plan(&[B])));
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for number in 0..10 {
            let mut turns = all.of(&one);
            assert!(turns.has_to_wait());
            let order = Arc::clone(&order);
            waiting.push(tokio::spawn(async move {
                wait(&mut turns).await;
                assert!(turns.has_turns_for(&plan(&[A])));
                order.lock().unwrap().push(number);
            }));
            tokio::task::yield_now().await;
        }
        let mut late = all.of(&batch(&[], false));
        assert!(!late.has_turns_for(&plan(&[A])), "nobody passes those that wait");
        drop(first);
        for waiter in waiting {
            waiter.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), (0..10).collect::<Vec<_>>());
        drop((elsewhere, late));
        assert!(all.queues().is_empty(), "what nobody edits is forgotten");
    }

    #[tokio::test]
    async fn who_goes_away_or_waits_too_long_is_in_nobodys_way() {
        let all = Arc::new(EditTurns::default());
        let one = batch(&[A], false);
        let mut first = all.of(&one);
        assert!(first.has_turns_for(&plan(&[A])));
        let mut in_vain = all.of(&one);
        assert!(!in_vain.wait(Instant::now() + Duration::from_millis(20)).await, "by its deadline");
        let mut gone = all.of(&one);
        let going = tokio::spawn(async move { gone.wait(Instant::now() + LATE).await });
        tokio::task::yield_now().await;
        going.abort();
        assert!(going.await.is_err());
        let mut next = all.of(&one);
        drop((first, in_vain));
        wait(&mut next).await;
        drop(next);
        assert!(all.queues().is_empty());
    }

    #[tokio::test]
    async fn batches_of_the_same_documents_do_not_wait_in_a_circle() {
        let all = Arc::new(EditTurns::default());
        let (mut one, mut other) = (all.of(&batch(&[A, B], false)), all.of(&batch(&[B, A], false)));
        assert!(one.has_turns_for(&plan(&[A])) && other.has_turns_for(&plan(&[B])));
        // Each wants what the other has, and gives back what it has.
        assert!(!one.has_turns_for(&plan(&[A, B])));
        assert!(other.has_turns_for(&plan(&[B, A])));
        assert!(one.has_to_wait());
        let waiter = tokio::spawn(async move {
            wait(&mut one).await;
            one.has_turns_for(&plan(&[A, B]))
        });
        tokio::task::yield_now().await;
        drop(other);
        assert!(waiter.await.unwrap());
        assert!(all.queues().is_empty());
    }

    #[tokio::test]
    async fn a_dry_run_waits_for_nobody_and_nobody_waits_for_it() {
        let all = Arc::new(EditTurns::default());
        let mut first = all.of(&batch(&[A], false));
        assert!(first.has_turns_for(&plan(&[A])));
        let mut trial = all.of(&batch(&[A, B], true));
        assert!(!trial.has_to_wait() && trial.has_turns_for(&plan(&[A, B])));
        let mut next = all.of(&batch(&[B], false));
        assert!(!next.has_to_wait() && next.has_turns_for(&plan(&[B])));
    }

    #[tokio::test]
    async fn a_batch_does_not_wait_for_ever_for_more_and_more_documents() {
        let all = Arc::new(EditTurns::default());
        let mut first = all.of(&batch(&[A], false));
        assert!(first.has_turns_for(&plan(&[A])));
        let mut other = all.of(&batch(&[], false));
        let refused = (0..10).filter(|_| !other.has_turns_for(&plan(&[A]))).count();
        assert_eq!(refused, 4);
    }
}
