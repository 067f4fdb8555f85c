//! What an editor's provider counts as unsaved, so that "saved" is sent exactly once for each change.
//!
//! Hocuspocus' provider adds one with each change and takes one away with each "saved", whichever change that is for. Whenever it
//! says what it has, it begins again at one, for its answer to the question in return. But what it changed while it was not
//! connected comes after that as well, each change by itself: a "saved" for those would be taken for one of what is not
//! stored yet. So they are known by the state vector that it sent: it had them by then. Its answer holds them.
//!
//! A deletion has no place in a state vector. One that comes before the answer is reported once the editor is quiet: if it was
//! counted, the count is right then, and if not, there is nothing that could be taken for saved instead.

use std::sync::Arc;

use crate::domain::yjs_facts::{ScannedUpdate, StateVector};
use crate::sync::live::{Sent, Tag};

/// One document's updates on a socket, as its editor counts them.
#[derive(Debug, Default)]
pub(super) struct Counting {
    /// How often the editor has said what it has. What it sent before that, it does not count any more.
    round: u32,
    /// What it had then, until it has answered the question in return.
    known: Option<Arc<StateVector>>,
    /// Questions for what the server lacks that it has not answered.
    questions: u32,
    /// Which of them is the one in return: the last of so many.
    in_return: u32,
    /// Its answers that wait to be stored.
    answers: u32,
    /// Its changes and answers that wait to be stored.
    waiting: u32,
    /// Its changes that needed what the server lacked. Its next answer holds them, since it comes after them.
    incomplete: u32,
    /// Stored changes that may or may not be counted.
    doubtful: u32,
    /// Something came since it was last looked.
    was_busy: bool,
}

impl Counting {
    /// The editor said what it has, and is asked in return. `known` is empty for a provider that counts nothing.
    pub(super) fn asked_in_return(&mut self, known: StateVector) {
        self.round = self.round.wrapping_add(1);
        // The provider's queue may also hold a message by which it said the same before.
        if self.known.as_ref().is_none_or(|newer| !newer.covers(&known)) {
            self.known = (!known.is_empty()).then(|| Arc::new(known));
        }
        self.questions = self.questions.saturating_add(1);
        self.in_return = self.questions;
        (self.incomplete, self.doubtful) = (0, 0);
    }

    /// The editor is asked once more.
    pub(super) fn asked_again(&mut self) {
        self.questions = self.questions.saturating_add(1);
    }

    /// Whether what it has is asked for, or waits to be stored.
    pub(super) fn is_asking(&self) -> bool {
        self.questions > 0 || self.answers > 0
    }

    /// What decides on a change, which has to be scanned then.
    pub(super) fn known(&self) -> Option<Arc<StateVector>> {
        self.known.clone()
    }

    /// An answer came. One that nobody asked for is a change like others.
    pub(super) fn answered(&mut self) -> Tag {
        let is_counted = self.questions == 0 || self.in_return == 1;
        if self.in_return == 1 {
            self.known = None;
        }
        self.questions = self.questions.saturating_sub(1);
        self.in_return = self.in_return.saturating_sub(1);
        self.answers = self.answers.saturating_add(1);
        self.came(if is_counted { Sent::CountedAnswer } else { Sent::Answer })
    }

    /// A change came; with what was known, if that decides on it.
    pub(super) fn changed(&mut self, scanned: Option<(&StateVector, &ScannedUpdate)>) -> Tag {
        self.came(match scanned {
            Some((known, update)) if update.begins_within(known) => Sent::Earlier,
            Some((_, update)) if update.spans.is_empty() => Sent::Doubtful,
            _ => Sent::Change,
        })
    }

    fn came(&mut self, sent: Sent) -> Tag {
        self.was_busy = true;
        self.waiting = self.waiting.saturating_add(1);
        Tag { round: self.round, sent }
    }

    /// Whether the tag's update is of now.
    fn settle(&mut self, tag: Tag) -> bool {
        self.waiting = self.waiting.saturating_sub(1);
        self.answers = self.answers.saturating_sub(u32::from(tag.is_answer()));
        tag.round == self.round
    }

    /// It is stored. How often "saved" is to be said.
    pub(super) fn stored(&mut self, tag: Tag) -> u32 {
        if !self.settle(tag) {
            return 0;
        }
        match tag.sent {
            Sent::Change => 1,
            Sent::Earlier => 0,
            Sent::Doubtful => {
                self.doubtful = self.doubtful.saturating_add(1);
                0
            }
            Sent::Answer => std::mem::take(&mut self.incomplete),
            Sent::CountedAnswer => std::mem::take(&mut self.incomplete).saturating_add(1),
        }
    }

    /// It needs what the server lacks.
    pub(super) fn lacks(&mut self, tag: Tag) {
        if !self.settle(tag) {
            return;
        }
        match tag.sent {
            Sent::Change | Sent::CountedAnswer => self.incomplete = self.incomplete.saturating_add(1),
            Sent::Doubtful => self.doubtful = self.doubtful.saturating_add(1),
            Sent::Earlier | Sent::Answer => {}
        }
    }

    /// It is looked now and then. How often "saved" is to be said, if the editor was quiet since the last time.
    pub(super) fn look(&mut self) -> u32 {
        let was_busy = std::mem::take(&mut self.was_busy);
        if was_busy || self.waiting > 0 || self.questions > 0 || self.incomplete > 0 {
            return 0;
        }
        std::mem::take(&mut self.doubtful)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::yjs_facts::ClientSpan;

    const EDITOR: u64 = 7;

    fn typed(start: u32) -> ScannedUpdate {
        let spans = vec![ClientSpan { client: EDITOR, start, end: start + 1 }];
        ScannedUpdate { spans, ..ScannedUpdate::default() }
    }

    fn known(clock: u32) -> StateVector {
        StateVector::from_iter([(EDITOR, clock)])
    }

    /// A change comes.
    fn change(counting: &mut Counting, update: &ScannedUpdate) -> Tag {
        let known = counting.known();
        counting.changed(known.as_deref().map(|known| (known, update)))
    }

    #[test]
    fn what_was_typed_before_the_login_is_in_the_answer() {
        let mut counting = Counting::default();
        counting.asked_in_return(known(3));
        let queued: Vec<Tag> = (0..3).map(|at| change(&mut counting, &typed(at))).collect();
        let new = change(&mut counting, &typed(3));
        for tag in queued {
            assert_eq!(counting.stored(tag), 0, "the editor would take it for the answer");
        }
        assert_eq!(counting.stored(new), 1);
        let answer = counting.answered();
        assert_eq!(counting.stored(answer), 1);
        let next = change(&mut counting, &typed(2));
        assert_eq!(counting.stored(next), 1, "after the answer each change is counted");
    }

    #[test]
    fn an_answer_to_the_second_question_is_counted_for_what_it_holds() {
        let mut counting = Counting::default();
        let lacking = change(&mut counting, &typed(1));
        counting.lacks(lacking);
        assert!(!counting.is_asking());
        counting.asked_again();
        let other = change(&mut counting, &typed(2));
        counting.lacks(other);
        assert!(counting.is_asking(), "once at a time");
        let answer = counting.answered();
        assert!(counting.is_asking(), "until it is stored");
        assert_eq!(counting.stored(answer), 2, "the two changes, and not the answer");
        assert!(!counting.is_asking());
        let unasked = counting.answered();
        assert_eq!(counting.stored(unasked), 1);
    }

    #[test]
    fn who_says_again_what_it_has_begins_anew() {
        let mut counting = Counting::default();
        counting.asked_in_return(known(1));
        let under_way = change(&mut counting, &typed(1));
        counting.asked_in_return(known(2));
        assert_eq!(counting.stored(under_way), 0, "it is not counted any more");
        let (first, second) = (counting.answered(), counting.answered());
        assert_eq!((counting.stored(first), counting.stored(second)), (0, 1));
    }

    #[test]
    fn an_old_message_from_the_queue_changes_nothing() {
        let mut counting = Counting::default();
        counting.asked_in_return(known(3));
        counting.asked_in_return(known(1));
        let queued = change(&mut counting, &typed(2));
        assert_eq!(counting.stored(queued), 0);
        let (first, second) = (counting.answered(), counting.answered());
        assert_eq!((counting.stored(first), counting.stored(second)), (0, 1));
    }

    #[test]
    fn a_deletion_that_may_not_be_counted_waits_until_the_editor_is_quiet() {
        let mut counting = Counting::default();
        counting.asked_in_return(known(3));
        let deletion = change(&mut counting, &ScannedUpdate::default());
        assert_eq!(counting.stored(deletion), 0);
        let answer = counting.answered();
        assert_eq!(counting.look(), 0, "the answer waits");
        assert_eq!(counting.stored(answer), 1);
        let typed = change(&mut counting, &typed(3));
        assert_eq!((counting.stored(typed), counting.look()), (1, 0), "it was busy");
        assert_eq!((counting.look(), counting.look()), (1, 0));
        let deletion = change(&mut counting, &ScannedUpdate::default());
        assert_eq!(counting.stored(deletion), 1, "after the answer there is no doubt");
    }
}
