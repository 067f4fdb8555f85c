//! Taking back: which change of a document undoes some of its versions. A function of its arguments; the change is then
//! applied as any other, so that what others did since stays, or is a conflict.

use sha2::{Digest as _, Sha256};

use crate::domain::document::DocumentHead;
use crate::domain::ids::Version;
use crate::domain::line_diff::Budget;
use crate::domain::operation::Digest;
use crate::domain::text_merge::{MERGE_STEPS, TextMerge, merge_texts_within};
use crate::domain::timestamp::Timestamp;

/// A moment of the past of a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A time: what was written up to it, by the clock of the server that wrote it.
    Time(Timestamp),
    /// A place in the feed: what its reader had been shown.
    Sequence(i64),
}

/// A document as one of its versions left it, without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The version.
    pub version: Version,
    /// The title.
    pub title: String,
    /// Whether it was there, and not deleted.
    pub is_live: bool,
}

/// Versions of a document that follow one another and are to be taken back together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The document before them; `None` if they made it.
    pub before: Option<Mark>,
    /// The document after the last of them.
    pub after: Mark,
    /// Whether any of them set or changed the text.
    pub changes_text: bool,
}

/// A version, and whether it is one of those to be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The document as the version left it.
    pub mark: Mark,
    /// Whether the version set or changed the text.
    pub changes_text: bool,
    /// Whether it is to be taken back.
    pub is_taken: bool,
}

/// The spans of a document's versions, which come in order; `before` is the document before the first of them.
#[must_use]
pub fn spans_of(before: Option<Mark>, made: &[Made]) -> Vec<Span> {
    let (mut spans, mut before): (Vec<Span>, _) = (Vec::new(), before);
    let mut goes_on = false;
    for Made { mark, changes_text, is_taken } in made {
        match spans.last_mut().filter(|_| goes_on && *is_taken) {
            Some(span) => {
                span.after = mark.clone();
                span.changes_text |= changes_text;
            }
            None if *is_taken => {
                spans.push(Span { before: before.clone(), after: mark.clone(), changes_text: *changes_text });
            }
            None => {}
        }
        goes_on = *is_taken;
        before = Some(mark.clone());
    }
    spans
}

/// What takes a span back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The document was not there: it goes again, if it is as the span left it.
    Delete {
        /// The version that it must still be at.
        base: Version,
    },
    /// The document was another: what the span changed is changed back.
    Update {
        /// The version that the change starts from.
        base: Version,
        /// Whether it comes back from its deletion.
        restore: bool,
        /// The title, if it is changed back.
        title: Option<String>,
        /// The version whose text the document gets again; `None` if its text stays.
        text_of: Option<Version>,
    },
}

/// What takes a span of a document back.
#[must_use]
pub fn step(head: &DocumentHead, span: &Span) -> Step {
    let base = span.after.version;
    let Some(before) = span.before.as_ref().filter(|before| before.is_live) else { return Step::Delete { base } };
    let title = Some(&before.title).filter(|title| **title != span.after.title && **title != head.title);
    // Somebody gave it a third title since: told as the conflict that it is, and nothing else of the document is touched.
    let is_renamed = title.is_some() && head.title != span.after.title;
    Step::Update {
        base,
        // What somebody else deleted later stays deleted.
        restore: head.is_deleted() && head.version == base,
        title: title.cloned(),
        text_of: Some(before.version).filter(|_| span.changes_text && !is_renamed),
    }
}

/// A span with its texts, for those that are taken back together.
#[derive(Clone, Debug)]
pub struct SpanTexts {
    /// The text before the span.
    pub before: String,
    /// The text after it.
    pub after: String,
}

/// The text of a document without several of its spans, which come in order: each is taken back from what is there, the
/// newest first.
///
/// # Errors
/// The place of the span that clashes with what was changed since.
pub fn without(current: String, spans: &[SpanTexts]) -> Result<String, usize> {
    let mut budget = Budget::of(MERGE_STEPS);
    spans.iter().enumerate().rev().try_fold(current, |text, (at, span)| {
        match merge_texts_within(&span.after, &span.before, &text, &mut budget) {
            TextMerge::Clean(merged) => Ok(merged),
            TextMerge::Clash(_) | TextMerge::TooLarge => Err(at),
        }
    })
}

/// What makes a repeated request the same: its name alone. What it comes to depends on the history, which does not change.
#[must_use]
pub fn digest_of_name(name: &str) -> Digest {
    let mut digest = Digest::default();
    let hash = Sha256::new_with_prefix("landfall take back").chain_update(name.as_bytes()).finalize();
    for (own, byte) in digest.iter_mut().zip(hash) {
        *own = byte;
    }
    digest
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::{DocumentId, UserId};

    fn mark(version: Version, title: &str, is_live: bool) -> Mark {
        Mark { version, title: title.to_owned(), is_live }
    }

    fn made(version: Version, is_taken: bool) -> Made {
        Made { mark: mark(version, "a", true), changes_text: true, is_taken }
    }

    fn head(version: Version, title: &str, is_live: bool) -> DocumentHead {
        DocumentHead {
            document_id: DocumentId(Uuid::nil()),
            version,
            title: title.to_owned(),
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            updated_by: UserId(Uuid::nil()),
            deleted_at: (!is_live).then_some(Timestamp(0)),
            epoch: 1,
            content_version: version,
            content_digest: Some(Digest::default()),
            state_vector: None,
            yjs_roots: BTreeSet::new(),
            snapshot_bytes: 0,
            log_bytes: 0,
            log_rows: 0,
        }
    }

    fn span(before: Option<Mark>, after: Mark) -> Span {
        Span { before, after, changes_text: true }
    }

    #[test]
    fn versions_that_follow_one_another_are_one_span() {
        let versions = [made(3, true), made(4, true), made(5, false), made(6, true)];
        let spans = spans_of(Some(mark(2, "a", true)), &versions);
        let ends: Vec<_> =
            spans.iter().map(|span| (span.before.as_ref().map(|mark| mark.version), span.after.version)).collect();
        assert_eq!(ends, [(Some(2), 4), (Some(5), 6)]);
        assert_eq!(spans_of(None, &[made(1, false)]), []);
        assert_eq!(spans_of(None, &[made(1, true)])[0].before, None);
    }

    #[test]
    fn what_was_made_goes_and_what_was_deleted_comes_back() {
        let gone = mark(2, "a", false);
        assert_eq!(step(&head(1, "a", true), &span(None, mark(1, "a", true))), Step::Delete { base: 1 });
        let revived = span(Some(gone.clone()), mark(3, "a", true));
        assert_eq!(step(&head(3, "a", true), &revived), Step::Delete { base: 3 });
        let deleted = Span { changes_text: false, ..span(Some(mark(1, "a", true)), gone) };
        let back = |restore| Step::Update { base: 2, restore, title: None, text_of: None };
        assert_eq!(step(&head(2, "a", false), &deleted), back(true));
        assert_eq!(step(&head(4, "a", false), &deleted), back(false), "another deletion stays");
    }

    #[test]
    fn a_title_that_was_changed_again_is_a_conflict_of_titles_alone() {
        let renamed = span(Some(mark(1, "a", true)), mark(2, "b", true));
        let back = |title: Option<&str>, text_of| Step::Update {
            base: 2,
            restore: false,
            title: title.map(str::to_owned),
            text_of,
        };
        assert_eq!(step(&head(2, "b", true), &renamed), back(Some("a"), Some(1)));
        assert_eq!(step(&head(3, "a", true), &renamed), back(None, Some(1)));
        assert_eq!(step(&head(3, "c", true), &renamed), back(Some("a"), None));
    }

    #[test]
    fn spans_are_taken_out_of_what_others_wrote_between() {
        let texts = |before: &str, after: &str| SpanTexts { before: before.to_owned(), after: after.to_owned() };
        let spans = [texts("a\n\nb\n", "a\n\nB\n"), texts("A\n\nB\n\nc\n", "A\n\nB\n\nC\n")];
        assert_eq!(without("A\n\nB\n\nC\n".to_owned(), &spans), Ok("A\n\nb\n\nc\n".to_owned()));
        assert_eq!(without("A\n\nx\n\nC\n".to_owned(), &spans), Err(0));
    }
}
