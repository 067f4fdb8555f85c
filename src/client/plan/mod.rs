//! What has to be done, as a function of what is there: the folder, what is remembered, the server's feed. Pure.
//!
//! One [`plan`] is carried out by a sync, rehearsed by `--dry-run`, listed by `status`, and says a watch whether there is news.

mod changes;
mod meeting;
mod moves;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use self::changes::local_changes;
pub use self::meeting::{FileSide, TakeIn, take_in};
use self::moves::recognise_moves;
use crate::client::model::{LocalChange, LocalFile, Tracked};
use crate::client::state::DocId;
use crate::domain::operation::digest_of;

/// Tries before an operation becomes a dead letter.
const MAX_TRIES: i64 = 8;
/// Time between the first and the last of them, at least.
const MIN_TIME: Duration = Duration::from_secs(600);

/// Deletions that need no asking, however small the workspace.
const UNQUESTIONED_DELETIONS: usize = 20;

/// Whether so many deletions need the person's word: more than 20, and more than a quarter of all.
#[must_use]
pub const fn is_mass_deletion(deletions: usize, all: usize) -> bool {
    deletions > UNQUESTIONED_DELETIONS && deletions.saturating_mul(4) > all
}

/// Whether an operation that fails alone, and may succeed later, becomes a dead letter: after 8 tries over 10 minutes, where the
/// server answered others meanwhile.
#[must_use]
pub const fn is_given_up(tries: i64, over: Duration, do_others_succeed: bool) -> bool {
    do_others_succeed && tries >= MAX_TRIES && over.as_secs() >= MIN_TIME.as_secs()
}

/// What is remembered of documents and their files.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Files that stand for documents, by path.
    pub tracked: Vec<Tracked>,
    /// Documents that wait for a choice, with the server's versions.
    pub conflicts: BTreeMap<DocId, i64>,
    /// Files that wait for a choice.
    pub asked: BTreeSet<String>,
    /// Documents whose deletion by others waits.
    pub removals: BTreeSet<DocId>,
    /// Documents whose deletion here is queued.
    pub deletions: BTreeSet<DocId>,
    /// Documents whose deletion a person agreed to.
    pub accepted: BTreeSet<DocId>,
}

/// What the folder holds.
pub struct Found<'f> {
    /// Its files, by path.
    pub files: &'f BTreeMap<String, LocalFile>,
    /// Whether nothing stands any more at the path of a tracked file: it may be ignored now, or unreadable.
    pub is_gone: &'f dyn Fn(&str) -> bool,
    /// Whether a new file must wait until it is known what is to be ignored.
    pub is_withheld: &'f dyn Fn(&str) -> bool,
    /// The text of a file.
    pub text: &'f dyn Fn(&str) -> Option<String>,
}

/// What the feed says of a document.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// Which, if it says so.
    pub document_id: Option<DocId>,
    /// Its version, likewise.
    pub version: Option<i64>,
    /// Whether it was deleted.
    pub is_deleted: bool,
}

/// Something that has to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Take in what others did to a document: its place in the feed.
    TakeIn(usize),
    /// Queue a change that was made in the folder.
    Queue(LocalChange),
    /// The same, of one that takes everything from a document, once a person has agreed to so many of them.
    AskFirst(LocalChange),
    /// Send a deletion that is queued, likewise.
    HoldBack(DocId),
}

impl Action {
    /// The change in the folder that it is about.
    #[must_use]
    pub const fn change(&self) -> Option<&LocalChange> {
        match self {
            Self::Queue(change) | Self::AskFirst(change) => Some(change),
            Self::TakeIn(_) | Self::HoldBack(_) => None,
        }
    }

    /// The place in the feed of the document that is to be taken in.
    #[must_use]
    pub const fn place_in_feed(&self) -> Option<usize> {
        if let Self::TakeIn(place) = self { Some(*place) } else { None }
    }
}

/// What has to be done about a feed and a folder, in this order; `old_text` is asked for the last synced texts of files that may
/// have been moved.
pub fn plan<E>(
    known: &Known,
    found: Option<&Found<'_>>,
    feed: &[Head],
    old_text: impl FnMut(DocId) -> Result<Option<String>, E>,
) -> Result<Vec<Action>, E> {
    let mut actions: Vec<Action> = news(known, feed).map(Action::TakeIn).collect();
    let Some(found) = found else { return Ok(actions) };
    let changes = local_changes(&known.tracked, &known.asked, found.files, found.is_gone);
    let mut changes = recognise_moves(changes, &known.tracked, found.files, old_text, found.text)?;
    changes.retain(|change| !matches!(change, LocalChange::Create { path } if (found.is_withheld)(path)));
    let losses = losses(known, found.files, &changes);
    let is_asked = |id: &DocId| !known.accepted.contains(id);
    let lost: BTreeSet<DocId> = losses.into_iter().filter(is_asked).collect();
    let held: Vec<DocId> = known.deletions.iter().copied().filter(is_asked).collect();
    let is_too_much = is_mass_deletion(lost.len() + held.len(), known.tracked.len());
    actions.extend(changes.into_iter().map(|change| match &change {
        LocalChange::Delete { id } | LocalChange::Edit { id } if is_too_much && lost.contains(id) => {
            Action::AskFirst(change)
        }
        _ => Action::Queue(change),
    }));
    actions.extend(held.into_iter().filter(|_| is_too_much).map(Action::HoldBack));
    Ok(actions)
}

/// What in a feed is not known here: neither pushed from here nor taken in before, nor the deletion of what never was here.
fn news(known: &Known, feed: &[Head]) -> impl Iterator<Item = usize> {
    let tracked = known.tracked.iter().map(|one| (one.file.document_id, one.file.version));
    let versions: BTreeMap<DocId, i64> = if feed.is_empty() { BTreeMap::new() } else { tracked.collect() };
    let is_news = move |head: &Head| {
        let Some(id) = head.document_id.filter(|id| !known.removals.contains(id)) else { return true };
        match versions.get(&id).max(known.conflicts.get(&id)) {
            Some(version) => head.version.is_none_or(|news| news > *version),
            None => !head.is_deleted,
        }
    };
    feed.iter().enumerate().filter(move |(_, head)| is_news(head)).map(|(at, _)| at)
}

/// Documents of which changes take everything: the file is gone, or empty.
#[must_use]
pub fn losses(known: &Known, files: &BTreeMap<String, LocalFile>, changes: &[LocalChange]) -> Vec<DocId> {
    let empty = digest_of("");
    let is_empty = |path: &str| files.get(path).is_some_and(|file| file.digest == empty);
    let emptied = known.tracked.iter().filter(|one| is_empty(&one.file.path)).map(|one| one.file.document_id);
    let emptied: BTreeSet<DocId> = emptied.collect();
    let lost = changes.iter().filter_map(|change| match change {
        LocalChange::Delete { id } => Some(*id),
        LocalChange::Edit { id } if emptied.contains(id) => Some(*id),
        _ => None,
    });
    lost.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::state::{Look, TrackedFile};

    fn id(number: u128) -> DocId {
        DocId(uuid::Uuid::from_u128(number))
    }

    /// So many documents, each with a file of the text `text`.
    fn known(documents: u128, text: &str) -> Known {
        let track = |number: u128| Tracked {
            file: TrackedFile {
                document_id: id(number),
                path: format!("{number}.md"),
                folded: format!("{number}.md"),
                title: format!("{number}.md"),
                version: 3,
                digest: digest_of(text).to_vec(),
                size: 0,
                modified_ns: 0,
                seen_ns: 0,
                changed_ns: 0,
                inode: 0,
            },
            is_held: false,
            is_deletion_queued: false,
        };
        Known { tracked: (1..=documents).map(track).collect(), ..Known::default() }
    }

    fn files(texts: impl IntoIterator<Item = (String, &'static str)>) -> BTreeMap<String, LocalFile> {
        let file = |text| LocalFile { digest: digest_of(text).to_vec(), look: Look::default() };
        texts.into_iter().map(|(path, text)| (path, file(text))).collect()
    }

    fn planned(known: &Known, files: &BTreeMap<String, LocalFile>, feed: &[Head]) -> Vec<Action> {
        let found = Found { files, is_gone: &|_| true, is_withheld: &|path| path == "withheld.md", text: &|_| None };
        plan(known, Some(&found), feed, |_| Ok::<_, std::convert::Infallible>(None)).unwrap()
    }

    fn head(number: u128, version: i64, is_deleted: bool) -> Head {
        Head { document_id: Some(id(number)), version: Some(version), is_deleted }
    }

    #[test]
    fn what_others_did_comes_before_what_was_done_here() {
        let now = files([("1.md".to_owned(), "edited"), ("new.md".to_owned(), "new"), ("withheld.md".to_owned(), "x")]);
        let feed = [head(1, 4, false), head(2, 3, false), head(9, 1, true), head(8, 1, false)];
        let expected = [
            Action::TakeIn(0),
            Action::TakeIn(3),
            Action::Queue(LocalChange::Edit { id: id(1) }),
            Action::Queue(LocalChange::Create { path: "new.md".to_owned() }),
            Action::Queue(LocalChange::Delete { id: id(2) }),
        ];
        assert_eq!(planned(&known(2, "text"), &now, &feed), expected);
        assert!(plan(&known(2, "text"), None, &feed[1..3], |_| Err(())).unwrap().is_empty(), "an echo");
    }

    #[test]
    fn a_waiting_document_is_news_only_with_another_version() {
        let mut known = known(2, "text");
        known.conflicts = [(id(1), 5)].into();
        known.removals = [id(2)].into();
        let feed = [head(1, 5, false), head(1, 6, false), head(2, 3, false)];
        let actions = plan(&known, None, &feed, |_| Err(())).unwrap();
        assert_eq!(actions, [Action::TakeIn(1), Action::TakeIn(2)]);
    }

    #[test]
    fn too_many_losses_wait_and_nothing_else_does() {
        let mut known = known(60, "text");
        known.accepted = [id(1)].into();
        known.deletions = [id(60)].into();
        // 20 are gone, one of them with consent, one is empty, and one more deletion is queued: 21 of 60.
        let kept = (21..60).map(|n| (format!("{n}.md"), if n == 21 { "" } else { "text" }));
        let mut now = files(kept.chain([("60.md".to_owned(), "text")]));
        let actions = planned(&known, &now, &[]);
        let count = |wanted: fn(&Action) -> bool| actions.iter().filter(|action| wanted(action)).count();
        assert_eq!(count(|action| matches!(action, Action::AskFirst(_))), 20);
        assert!(actions.contains(&Action::AskFirst(LocalChange::Edit { id: id(21) })));
        assert!(actions.contains(&Action::Queue(LocalChange::Delete { id: id(1) })));
        assert!(actions.contains(&Action::HoldBack(id(60))));
        now.extend(files([("2.md".to_owned(), "text")]));
        assert!(planned(&known, &now, &[]).iter().all(|action| matches!(action, Action::Queue(_))), "20 do not");
    }

    #[test]
    fn mass_deletions_are_both_many_and_a_large_part() {
        for (deletions, all, is_mass) in [
            (0, 0, false),
            (20, 20, false),
            (21, 21, true),
            (21, 83, true),
            (21, 84, false),
            (100, 1_000, false),
            (251, 1_000, true),
        ] {
            assert_eq!(is_mass_deletion(deletions, all), is_mass, "{deletions} of {all}");
        }
    }
}
