//! Which part of a document's history has grown too old, and what must be kept of it. Pure: where versions are stored,
//! and how Yjs updates are united, is not known here.
//!
//! Old versions are folded: the newest of them becomes a *base* that stands for all before it, so that younger versions
//! can still be shown. What is folded at a time is bounded, and a long history is folded in several steps.

use crate::domain::ids::Version;
use crate::domain::timestamp::Timestamp;

/// How many of a document's oldest versions [`plan_fold`] needs to see.
pub const FOLD_VERSIONS: u16 = 500;
/// Bytes of Yjs updates that one fold unites, unless it would get nowhere.
const FOLD_BYTES: i64 = 32 * 1024 * 1024;
/// A fold of fewer versions would change nothing.
const FEWEST: usize = 2;

/// What the log has of a version, without its bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedVersion {
    /// The version.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether nothing before it is needed to show it: it created the document, or is a base.
    pub begins: bool,
    /// Whether it has a text.
    pub has_content: bool,
    /// Bytes of its Yjs update, if it has one.
    pub yjs_bytes: Option<i64>,
}

impl LoggedVersion {
    /// Whether it says what the text is, as text or as a Yjs update.
    fn shows_text(&self) -> bool {
        self.has_content || self.yjs_bytes.is_some()
    }
}

/// Versions to be folded into the last of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// The oldest of them.
    pub first: Version,
    /// The last: it becomes the base, the others go.
    pub base: Version,
    /// How many there are, the base included.
    pub versions: usize,
    /// Where the history of the base begins: its Yjs state is the union of the updates from here on.
    pub begin: Version,
    /// How many Yjs updates there are from `begin` to `base`.
    pub yjs_updates: usize,
    /// The version that has the base's text; `None` if it must be derived from the Yjs state.
    pub text_from: Option<Version>,
}

/// What to fold of a history, given its `oldest` versions in order: those from before `before` that follow one another
/// from the first, as far as one fold goes. `None` if there is nothing to gain, or the history lacks its beginning.
#[must_use]
pub fn plan_fold(oldest: &[LoggedVersion], before: Timestamp) -> Option<Fold> {
    let mut bytes = 0_i64;
    let folded = oldest.iter().enumerate().take_while(|(at, entry)| {
        bytes = bytes.saturating_add(entry.yjs_bytes.unwrap_or(0));
        entry.created_at < before && (bytes <= FOLD_BYTES || *at < FEWEST)
    });
    let folded = oldest.get(..folded.count()).filter(|folded| folded.len() >= FEWEST)?;
    let (first, base) = (folded.first()?, folded.last()?);
    let begin = folded.iter().rposition(|entry| entry.begins)?;
    let life = folded.get(begin..)?;
    let text = life.iter().rev().find(|entry| entry.shows_text()).filter(|entry| entry.has_content);
    Some(Fold {
        first: first.version,
        base: base.version,
        versions: folded.len(),
        begin: life.first()?.version,
        yjs_updates: life.iter().filter(|entry| entry.yjs_bytes.is_some()).count(),
        text_from: text.map(|entry| entry.version),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: Timestamp = Timestamp(100);

    fn entry(version: Version) -> LoggedVersion {
        LoggedVersion {
            version,
            created_at: Timestamp(version),
            begins: version == 1,
            has_content: true,
            yjs_bytes: None,
        }
    }

    fn titled(version: Version) -> LoggedVersion {
        LoggedVersion { has_content: false, ..entry(version) }
    }

    fn typed(version: Version, bytes: i64) -> LoggedVersion {
        LoggedVersion { has_content: false, yjs_bytes: Some(bytes), ..entry(version) }
    }

    #[test]
    fn the_newest_old_version_becomes_the_base() {
        let mut young = entry(4);
        young.created_at = LINE;
        let fold = plan_fold(&[entry(1), entry(2), titled(3), young], LINE).unwrap();
        assert_eq!(fold, Fold { first: 1, base: 3, versions: 3, begin: 1, yjs_updates: 0, text_from: Some(2) });
    }

    #[test]
    fn one_old_version_is_left_as_it_is() {
        let mut young = entry(2);
        young.created_at = LINE;
        assert_eq!(plan_fold(&[], LINE), None);
        assert_eq!(plan_fold(&[entry(1)], LINE), None);
        assert_eq!(plan_fold(&[entry(1), young], LINE), None);
        // A version that a clock in the past made after a young one stays with it.
        assert_eq!(plan_fold(&[entry(1), young, entry(3)], LINE), None);
    }

    #[test]
    fn an_earlier_life_is_no_part_of_the_base() {
        let mut anew = typed(3, 5);
        anew.begins = true;
        let fold = plan_fold(&[entry(1), titled(2), anew, typed(4, 5)], LINE).unwrap();
        assert_eq!(fold, Fold { first: 1, base: 4, versions: 4, begin: 3, yjs_updates: 2, text_from: None });
    }

    #[test]
    fn a_text_behind_a_yjs_update_is_not_the_bases() {
        let fold = plan_fold(&[entry(1), typed(2, 5), titled(3)], LINE).unwrap();
        assert_eq!((fold.text_from, fold.yjs_updates), (None, 1));
        let mut both = entry(2);
        both.yjs_bytes = Some(5);
        let fold = plan_fold(&[entry(1), both, titled(3)], LINE).unwrap();
        assert_eq!((fold.text_from, fold.yjs_updates), (Some(2), 1));
    }

    #[test]
    fn a_history_without_its_beginning_is_left_alone() {
        assert_eq!(plan_fold(&[typed(2, 5), typed(3, 5)], LINE), None);
    }

    #[test]
    fn large_updates_are_folded_in_steps_that_get_somewhere() {
        let large = |version| typed(version, FOLD_BYTES / 2);
        let mut first = large(1);
        first.begins = true;
        assert_eq!(plan_fold(&[first, large(2), large(3)], LINE).unwrap().base, 2);
        let mut huge = typed(1, FOLD_BYTES * 2);
        huge.begins = true;
        assert_eq!(plan_fold(&[huge, typed(2, 1), typed(3, 1)], LINE).unwrap().base, 2);
    }
}
