//! What is pushed when: never two operations of one document at once, halves of batches that were too much first, and what
//! fails alone once more at the end. A state machine that sends and stores nothing.

use std::collections::{BTreeSet, VecDeque};

use super::batch_size::{BatchSize, Sent};
use crate::client::state::{DocId, QueuedOperation};

/// So many operations in a row that fail alone, without one batch that succeeds, say that the server is at fault.
const MAX_IN_A_ROW: usize = 5;

/// An operation's name, and its document.
pub(super) type Named = (String, DocId);

/// What comes next.
pub(super) struct Turn {
    pub(super) names: VecDeque<Named>,
    /// Whether it is what was once a batch that was too much.
    is_half: bool,
}

/// What follows from a batch that was too much.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TooMuch {
    /// Its halves come next.
    Halved,
    /// The operation is too large by itself, which is an answer.
    Refused(QueuedOperation),
    /// The operation waits until the others have had their turn.
    Suspect(DocId),
    /// The server fails over one operation after the other, this one last.
    AtFault(QueuedOperation),
}

/// What is known while pushing.
#[derive(Default)]
pub(super) struct Queue {
    /// Halves of batches that were too much, the next first.
    again: VecDeque<VecDeque<Named>>,
    /// What was queued and free when that was last looked at, and has not had its turn.
    ahead: VecDeque<Named>,
    /// Documents with an operation under way.
    busy: BTreeSet<DocId>,
    in_flight: usize,
    /// Batches that were sent, those of suspects left out.
    sent: usize,
    /// Whether the server has answered to an operation in this run.
    has_success: bool,
    /// Operations that failed alone, in the server or before it.
    suspects: Vec<QueuedOperation>,
    /// How many did so since the last success.
    failed_in_a_row: usize,
    /// How large the next batch is, unless that is given.
    size: Option<BatchSize>,
}

impl Queue {
    /// Batches under way.
    pub(super) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Batches that were sent.
    pub(super) const fn sent(&self) -> usize {
        self.sent
    }

    /// Whether the server has answered to an operation in this run.
    pub(super) const fn has_success(&self) -> bool {
        self.has_success
    }

    /// Whether nothing was sent, and nothing is left besides what comes next.
    pub(super) fn is_only_one(&self) -> bool {
        self.sent == 0 && self.again.is_empty() && self.ahead.is_empty()
    }

    /// How large the next batch may be, where that is not given.
    pub(super) fn size(&mut self, most: BatchSize) -> BatchSize {
        *self.size.get_or_insert_with(|| BatchSize::first(most))
    }

    /// Learns from a batch how large the next one may be.
    pub(super) fn learn(&mut self, sent: &Sent, most: BatchSize) {
        self.size = self.size.map(|size| size.after(sent, most));
    }

    /// What comes next, at most so many unless it is a half. `list_free` is asked when what was read before has had its turn: the
    /// first queued operation of each document that is not `busy`.
    pub(super) fn next<E>(
        &mut self,
        most: usize,
        held: &BTreeSet<DocId>,
        mut list_free: impl FnMut(&BTreeSet<DocId>) -> Result<VecDeque<Named>, E>,
    ) -> Result<Turn, E> {
        if let Some(names) = self.again.pop_front() {
            return Ok(Turn { names, is_half: true });
        }
        loop {
            let is_anew = self.ahead.is_empty();
            if is_anew {
                self.ahead = list_free(&self.busy)?;
            }
            let mut names = VecDeque::new();
            while names.len() < most
                && let Some(name) = self.ahead.pop_front()
            {
                if !self.busy.contains(&name.1) && !held.contains(&name.1) {
                    names.push_back(name);
                }
            }
            if is_anew || !names.is_empty() {
                return Ok(Turn { names, is_half: false });
            }
        }
    }

    /// What did not fit into the batch has the next turn.
    pub(super) fn put_back(&mut self, mut rest: Turn) {
        if !rest.is_half {
            rest.names.append(&mut self.ahead);
            self.ahead = rest.names;
        } else if !rest.names.is_empty() {
            self.again.push_front(rest.names);
        }
    }

    /// A batch is under way.
    pub(super) fn begin(&mut self, operations: &[QueuedOperation]) {
        self.in_flight += 1;
        self.sent += 1;
        self.busy.extend(operations.iter().map(|operation| operation.document_id));
    }

    /// A batch has come back, whatever came of it.
    pub(super) fn end(&mut self, operations: &[QueuedOperation]) {
        self.in_flight -= 1;
        for operation in operations {
            self.busy.remove(&operation.document_id);
        }
    }

    /// The server has answered to operations.
    pub(super) const fn on_success(&mut self) {
        self.has_success = true;
        self.failed_in_a_row = 0;
    }

    /// A batch was too much. The halves come next, so that what fails alone is soon known.
    pub(super) fn on_too_much(&mut self, mut operations: Vec<QueuedOperation>, is_servers_fault: bool) -> TooMuch {
        if operations.len() > 1 {
            let second = operations.split_off(operations.len().div_ceil(2));
            for half in [second, operations] {
                self.again.push_front(half.into_iter().map(|one| (one.client_id, one.document_id)).collect());
            }
            return TooMuch::Halved;
        }
        let Some(operation) = operations.pop() else { return TooMuch::Halved };
        if !is_servers_fault {
            return TooMuch::Refused(operation);
        }
        self.failed_in_a_row += 1;
        if self.failed_in_a_row >= MAX_IN_A_ROW {
            return TooMuch::AtFault(operation);
        }
        let id = operation.document_id;
        self.suspects.push(operation);
        TooMuch::Suspect(id)
    }

    /// What failed alone, to be tried once more.
    pub(super) fn take_suspects(&mut self) -> Vec<QueuedOperation> {
        std::mem::take(&mut self.suspects)
    }

    /// This operation comes next, by itself.
    pub(super) fn retry(&mut self, operation: QueuedOperation) {
        self.again.push_front([(operation.client_id, operation.document_id)].into());
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn operation(number: u128) -> QueuedOperation {
        let id = DocId(uuid::Uuid::from_u128(number));
        QueuedOperation { client_id: number.to_string(), ..QueuedOperation::new("update", id) }
    }

    fn named(numbers: impl IntoIterator<Item = u128>) -> VecDeque<Named> {
        numbers.into_iter().map(operation).map(|one| (one.client_id, one.document_id)).collect()
    }

    fn next(queue: &mut Queue, most: usize, free: impl IntoIterator<Item = u128> + Clone) -> Vec<String> {
        let list = |_: &BTreeSet<DocId>| Ok::<_, Infallible>(named(free.clone()));
        let turn = queue.next(most, &BTreeSet::new(), list).unwrap();
        turn.names.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn one_document_is_never_under_way_twice() {
        let mut queue = Queue::default();
        assert_eq!(next(&mut queue, 2, [1, 2, 3]), ["1", "2"]);
        queue.begin(&[operation(1), operation(2)]);
        assert_eq!(next(&mut queue, 2, []), ["3"]);
        assert_eq!(next(&mut queue, 2, [1, 2]), Vec::<String>::new(), "both are under way");
        queue.end(&[operation(1), operation(2)]);
        assert_eq!(next(&mut queue, 2, [1, 2]), ["1", "2"]);
    }

    #[test]
    fn halves_come_next_and_what_fails_alone_waits() {
        let mut queue = Queue::default();
        assert_eq!(queue.on_too_much([1, 2, 3].map(operation).into(), true), TooMuch::Halved);
        assert_eq!(next(&mut queue, 9, [4]), ["1", "2"]);
        assert_eq!(next(&mut queue, 9, [4]), ["3"]);
        assert_eq!(queue.on_too_much(vec![operation(3)], true), TooMuch::Suspect(operation(3).document_id));
        assert!(matches!(queue.on_too_much(vec![operation(4)], false), TooMuch::Refused(one) if one.client_id == "4"));
        let suspects = queue.take_suspects();
        assert_eq!(suspects.iter().map(|one| &one.client_id).collect::<Vec<_>>(), ["3"]);
        suspects.into_iter().for_each(|one| queue.retry(one));
        assert_eq!(next(&mut queue, 9, [4]), ["3"]);
    }

    #[test]
    fn after_five_in_a_row_the_server_is_at_fault() {
        let mut queue = Queue::default();
        let fail = |queue: &mut Queue, n| queue.on_too_much(vec![operation(n)], true);
        (1..5).for_each(|n| assert!(matches!(fail(&mut queue, n), TooMuch::Suspect(_))));
        queue.on_success();
        (1..5).for_each(|n| assert!(matches!(fail(&mut queue, n), TooMuch::Suspect(_))));
        assert!(matches!(fail(&mut queue, 9), TooMuch::AtFault(one) if one.client_id == "9"));
    }

    #[test]
    fn what_does_not_fit_is_first_in_the_next_batch() {
        let mut queue = Queue::default();
        let list = |_: &BTreeSet<DocId>| Ok::<_, Infallible>(named([1, 2, 3, 4]));
        let mut turn = queue.next(3, &BTreeSet::new(), list).unwrap();
        turn.names.pop_front();
        queue.put_back(turn);
        assert_eq!(next(&mut queue, 9, []), ["2", "3", "4"]);
    }
}
