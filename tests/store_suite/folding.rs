//! Old versions that are folded away: what is left shows the same as before, whatever was done to the document.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::{PgConnection, QueryableByName, SqliteConnection, sql_query};
use landfall::domain::document::HeadWrite;
use landfall::domain::ids::{DocumentId, Version};
use landfall::domain::operation::{Changes, Operation, OperationKind, Text};
use landfall::domain::outcome::{Outcome, Status};
use landfall::domain::timestamp::Timestamp;
use landfall::store::documents::VersionEntry;
use landfall::store::{BatchScope, End, StoreError};
use landfall::sync::Batch;
use landfall::sync::apply::{Attempt, run_batch};
use landfall::sync::maintenance::compact;
use landfall::sync::retention::{Folded, Stop, fold_step};
use landfall::yjs::merge::facts_of;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use uuid::Uuid;

use crate::model::cases::cases;
use crate::model::operations::{batch, create, delete, retitle, typing, update, yjs};
use crate::retention::{RENDERER, purger};
use crate::support::{Author, Database, NOW};
use crate::yjs_support::{generated, trace};

/// An author who does one thing a second.
struct Diary {
    author: Author,
    number: u128,
    now: Timestamp,
}

impl Diary {
    fn new(author: &Author) -> Self {
        Self { author: author.clone(), number: Uuid::new_v4().as_u128(), now: NOW }
    }

    fn id(&self) -> DocumentId {
        DocumentId(Uuid::from_u128(self.number))
    }

    fn apply(&mut self, operations: impl IntoIterator<Item = Operation>) -> Vec<Outcome> {
        self.now = self.now.plus_seconds(1);
        self.apply_now(operations).unwrap()
    }

    fn apply_now(&self, operations: impl IntoIterator<Item = Operation>) -> Result<Vec<Outcome>, StoreError> {
        let now = self.now;
        let scope = BatchScope { now, device_id: None, ..self.author.scope() };
        let request =
            Batch { workspace_id: self.author.workspace_id, user_id: self.author.user_id, ..batch(operations) };
        let applied =
            self.author.store.run_batch(scope, move |tx| run_batch(tx, &request, now, &Attempt::default()))?;
        Ok(applied.unwrap().plan.outcomes)
    }

    /// The current version, 0 if there is none.
    fn version(&self) -> Version {
        let id = self.id();
        let heads =
            self.author.store.run_batch(self.author.scope(), move |tx| Ok((tx.load_heads(&[id])?, End::Rollback)));
        heads.unwrap().first().map_or(0, |head| head.version)
    }

    /// Folds what is from before a time, as far as it goes.
    fn fold(&self, before: Timestamp) -> usize {
        let (store, workspace_id) = (&self.author.store, self.author.workspace_id);
        let mut gone = 0;
        loop {
            match fold_step(store, &RENDERER, workspace_id, self.id(), before).unwrap() {
                Folded::Folded { versions } => gone += versions,
                Folded::Nothing => return gone,
                other => panic!("{other:?}"),
            }
        }
    }

    fn compact(&self) {
        // Whatever its size: what matters is that there is a snapshot.
        let (store, workspace_id) = (&self.author.store, self.author.workspace_id);
        compact(store, &RENDERER, workspace_id, self.id()).unwrap();
        let Some(stored) = store.load_for_compaction(workspace_id, self.id()).unwrap() else { return };
        if !stored.yjs_parts.is_empty() {
            let snapshot = landfall::yjs::merge::squash(&stored.yjs_parts).unwrap();
            store.swap_snapshot(workspace_id, self.id(), (stored.head.epoch, stored.head.version), snapshot).unwrap();
        }
    }

    fn keep_text(&self, text: &str) {
        let (store, workspace_id) = (&self.author.store, self.author.workspace_id);
        let Some(found) = store.find_document(workspace_id, self.id()).unwrap() else { return };
        if found.content.is_none() {
            store.save_rendering(workspace_id, self.id(), found.head.content_version, text).unwrap();
        }
    }

    /// Everything that readers see of the document.
    fn seen(&self) -> Seen {
        let (store, workspace_id) = (&self.author.store, self.author.workspace_id);
        let mut versions = BTreeMap::new();
        for entry in store.list_versions(workspace_id, self.id(), None, 10_000).unwrap() {
            let stored = store.find_version(workspace_id, self.id(), entry.version).unwrap().unwrap();
            assert_eq!(stored.entry, entry);
            let text = stored.content.or_else(|| rendered(&stored.yjs_parts));
            // Whether a version carried text or bytes is another matter for one that stands for all before it.
            let entry = VersionEntry { has_content: false, has_yjs: false, ..entry };
            versions.insert(entry.version, (entry, text));
        }
        let current = store.find_document(workspace_id, self.id()).unwrap().map(|document| {
            let parts = &document.yjs_parts;
            assert_weighed(&document.head, parts);
            let mut head = document.head.clone();
            (head.snapshot_bytes, head.log_bytes, head.log_rows) = (0, 0, 0);
            let facts = (!parts.is_empty()).then(|| facts_of(parts).unwrap());
            format!("{head:?} {:?} {facts:?} {:?}", document.content, rendered(parts))
        });
        let wanted: Vec<_> = versions.keys().map(|version| (self.id(), *version)).collect();
        let texts =
            store.run_batch(self.author.scope(), move |tx| Ok((tx.load_texts(&wanted, usize::MAX)?, End::Rollback)));
        let bases = texts.unwrap().into_iter().map(|text| (text.version, (text.title, text.content))).collect();
        Seen { current, versions, bases }
    }
}

/// The head's sizes are those of what the state is read from.
fn assert_weighed(head: &landfall::domain::document::DocumentHead, parts: &[Vec<u8>]) {
    let sizes: Vec<i64> = parts.iter().map(|part| i64::try_from(part.len()).unwrap()).collect();
    let (first, log) = sizes.split_first().map_or((0, &[][..]), |(first, log)| (*first, log));
    let expected = (first, log.iter().sum::<i64>(), i64::try_from(log.len()).unwrap());
    assert_eq!((head.snapshot_bytes, head.log_bytes, head.log_rows), expected);
}

fn rendered(parts: &[Vec<u8>]) -> Option<String> {
    (!parts.is_empty()).then(|| RENDERER.render(parts).unwrap())
}

#[derive(Debug, PartialEq)]
struct Seen {
    current: Option<String>,
    versions: BTreeMap<Version, (VersionEntry, Option<String>)>,
    /// Titles and texts as batches read them for merging.
    bases: BTreeMap<Version, (String, Option<Arc<str>>)>,
}

impl Seen {
    /// What is left when versions below `base` are gone.
    fn since(mut self, base: Version) -> Self {
        self.versions.retain(|version, _| *version >= base);
        self.bases.retain(|version, _| *version >= base);
        self
    }
}

/// Folds, and checks that nothing changed but what was to go.
fn fold_and_compare(diary: &Diary, before: Timestamp) {
    let earlier = diary.seen();
    let old = |entry: &VersionEntry| entry.created_at < before;
    let base = earlier.versions.iter().filter(|(_, (entry, _))| old(entry)).map(|(version, _)| *version).max();
    let gone = earlier.versions.len();
    let expected = earlier.since(base.unwrap_or(0));
    assert_eq!(diary.fold(before), gone - expected.versions.len());
    assert_eq!(diary.seen(), expected);
    assert_eq!(diary.fold(before), 0);
}

pub fn texts_are_folded(database: &Database) {
    let mut diary = Diary::new(&database.with_user());
    let doc = diary.number;
    diary.apply([create("", doc, "One", "a\nb\nc\nd\ne\n")]);
    diary.apply([update("", doc, 1, "A\nb\nc\nd\ne\n")]);
    diary.apply([retitle("", doc, 2, "Two")]);
    let line = diary.now.plus_seconds(1);
    diary.apply([retitle("", doc, 3, "Three")]);
    diary.apply([update("", doc, 4, "A\nb\nc\nd\nE\n")]);
    fold_and_compare(&diary, line);
    let seen = diary.seen();
    assert_eq!(seen.versions.keys().copied().collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(seen.versions[&3].1.as_deref(), Some("A\nb\nc\nd\ne\n"));
    // A merge needs the text of its base: that of version 3 is there, that of version 2 is not.
    let outcomes = diary.apply([update("", doc, 2, "A\nB\nc\nd\ne\n")]);
    assert_eq!(
        (outcomes[0].status(), outcomes[0].conflict().is_some_and(|conflict| conflict.base.is_some())),
        (Status::Conflict, false)
    );
    let outcomes = diary.apply([update("", doc, 3, "A\nB\nc\nd\ne\n")]);
    assert_eq!((outcomes[0].status(), outcomes[0].merged()), (Status::Success, true));
    // All of it is old now, also the version that set the text, and the newest one stays.
    diary.apply([retitle("", doc, 6, "Four")]);
    fold_and_compare(&diary, diary.now.plus_seconds(1));
    let found = diary.author.store.find_document(diary.author.workspace_id, diary.id()).unwrap().unwrap();
    assert_eq!(found.content.as_deref(), Some("A\nB\nc\nd\nE\n"));
    assert_eq!(diary.seen().versions.len(), 1);
}

pub fn yjs_states_are_folded(database: &Database) {
    let mut diary = Diary::new(&database.with_user());
    let doc = diary.number;
    let first = Changes { title: Some("One".into()), yjs: Some(typing(1, 0, "a")), ..Changes::default() };
    diary.apply([Operation { kind: OperationKind::Create, changes: first, ..create("", doc, "", "") }]);
    for clock in 1..20 {
        diary.apply([yjs("", doc, i64::from(clock), typing(1, clock, "b"))]);
        if clock == 9 {
            diary.compact();
        }
    }
    fold_and_compare(&diary, NOW.plus_seconds(6));
    fold_and_compare(&diary, NOW.plus_seconds(15));
    diary.compact();
    diary.apply([yjs("", doc, 20, typing(1, 20, "c"))]);
    fold_and_compare(&diary, diary.now.plus_seconds(1));
    assert_eq!(rendered_now(&diary), format!("a{}c", "b".repeat(19)));
}

fn rendered_now(diary: &Diary) -> String {
    let found = diary.author.store.find_document(diary.author.workspace_id, diary.id()).unwrap().unwrap();
    RENDERER.render(&found.yjs_parts).unwrap()
}

pub fn a_long_history_is_folded_in_steps(database: &Database) {
    let ada = database.with_user();
    let mut diary = Diary::new(&ada);
    let doc = diary.number;
    diary.apply([create("", doc, "Long", "0")]);
    for hundred in 0..12 {
        let force = |text: i64| Operation { force: true, ..update(&format!("{text}"), doc, 0, &text.to_string()) };
        diary.apply((1..=100).map(|number| force(hundred * 100 + number)));
    }
    let line = diary.now.plus_seconds(1);
    diary.apply([Operation { force: true, ..update("", doc, 0, "young") }]);
    let step = || fold_step(&ada.store, &RENDERER, ada.workspace_id, diary.id(), line).unwrap();
    let earlier = diary.seen();
    assert_eq!(step(), Folded::Folded { versions: 499 });
    // What a run that was interrupted leaves is whole.
    let left = diary.seen();
    assert_eq!(left, earlier.since(500));
    assert_eq!(
        [step(), step(), step()],
        [Folded::Folded { versions: 499 }, Folded::Folded { versions: 202 }, Folded::Nothing]
    );
    assert_eq!(diary.seen(), left.since(1_201));
}

pub fn a_document_that_changed_meanwhile_is_not_folded(database: &Database) {
    let ada = database.with_user();
    let mut diary = Diary::new(&ada);
    let doc = diary.number;
    diary.apply([create("", doc, "One", "a")]);
    diary.apply([update("", doc, 1, "b")]);
    let old = ada.store.find_old_history(ada.workspace_id, diary.id()).unwrap().unwrap();
    let fold = landfall::domain::history::plan_fold(&old.oldest, diary.now.plus_seconds(1)).unwrap();
    diary.apply([delete("", doc, 2), create("again", doc, "Two", "c")]);
    let late = || ada.store.fold_history(ada.workspace_id, diary.id(), old.epoch, fold.clone(), None).unwrap();
    assert_eq!(late(), landfall::store::upkeep::Swap::Moved, "it was made anew");
    fold_and_compare(&diary, diary.now.plus_seconds(1));
    assert_eq!(late(), landfall::store::upkeep::Swap::Moved, "it has been folded");
}

pub fn what_cannot_be_united_is_kept(database: &Database) {
    let ada = database.with_user();
    let diary = Diary::new(&ada);
    let head = |version| {
        let mut head = ada.head(diary.id(), version);
        (head.state_vector, head.content_digest) = (Some([(1, 1)].into_iter().collect()), None);
        head
    };
    ada.write(ada.step(HeadWrite::Insert, head(1), OperationKind::Create, None, Some(b"no Yjs"))).unwrap();
    ada.update(head(2), None, Some(b"nor this"));
    ada.update(head(3), None, None);
    let everything = || {
        let versions = [1, 2, 3].map(|version| ada.store.find_version(ada.workspace_id, diary.id(), version).unwrap());
        (versions, ada.store.find_document(ada.workspace_id, diary.id()).unwrap())
    };
    let (before, later) = (everything(), NOW.plus_seconds(1));
    let step = || fold_step(&ada.store, &RENDERER, ada.workspace_id, diary.id(), later).unwrap();
    assert_eq!(step(), Folded::Refused);
    assert_eq!(everything(), before);
    // Once it is known to be damaged nobody tries.
    ada.store.mark_damaged(ada.workspace_id, diary.id(), 3).unwrap();
    assert_eq!(step(), Folded::Nothing);
    // A run goes on with what can be folded.
    let mut other = Diary::new(&ada);
    other.apply([create("", other.number, "One", "a")]);
    other.apply([update("", other.number, 1, "b")]);
    let purged = purger(&ada.store, NOW.plus_seconds(9 * 86_400)).run(&Stop::default()).unwrap().unwrap();
    assert_eq!((purged.versions, other.seen().versions.len()), (1, 1));
}

pub fn nothing_of_an_earlier_life_is_left(database: &Database) {
    let mut diary = Diary::new(&database.with_user());
    let doc = diary.number;
    let mut made = create("", doc, "One", "");
    (made.changes.content, made.changes.yjs) = (None, Some(typing(1, 0, "secret")));
    diary.apply([made]);
    diary.keep_text("secret");
    diary.compact();
    diary.apply([delete("gone", doc, 1), create("anew", doc, "Two", "harmless")]);
    assert_eq!(left_in_bodies(database), 2);
    diary.apply([update("", doc, 3, "harmless too")]);
    fold_and_compare(&diary, diary.now.plus_seconds(1));
    assert_eq!(left_in_bodies(database), 0);
}

/// How many texts and snapshots there are in the bodies of documents.
fn left_in_bodies(database: &Database) -> i64 {
    let count = "SELECT count(content) + count(yjs_snapshot) AS number FROM document_bodies";
    match database {
        Database::Sqlite(directory) => {
            let path = directory.path().join("landfall.db");
            let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
            sql_query(count).get_result::<Count>(&mut connection).unwrap().number
        }
        Database::Postgres(database) => {
            let mut connection = PgConnection::establish(database.url()).unwrap();
            sql_query(count).get_result::<Count>(&mut connection).unwrap().number
        }
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Something that is done to a document.
#[derive(Clone, Debug)]
enum Step {
    Create(String),
    Write(String),
    Type(u8, Option<String>),
    Retitle(String),
    Delete,
    Restore(String),
    Revive,
    Anew(Option<u8>),
    Compact,
    KeepText,
    Fold(u8),
    Purge,
}

fn any_step() -> impl Strategy<Value = Step> {
    let text = "[xyz]{0,3}";
    prop_oneof![
        1 => text.prop_map(Step::Create),
        2 => text.prop_map(Step::Write),
        6 => (1..4_u8, prop::option::of(text)).prop_map(|(client, text)| Step::Type(client, text)),
        2 => text.prop_map(Step::Retitle),
        1 => Just(Step::Delete),
        1 => text.prop_map(Step::Restore),
        1 => Just(Step::Revive),
        1 => prop::option::of(1..4_u8).prop_map(Step::Anew),
        1 => Just(Step::Compact),
        1 => Just(Step::KeepText),
        3 => any::<u8>().prop_map(Step::Fold),
        1 => Just(Step::Purge),
    ]
}

/// A diary, and what each Yjs client has typed in the document's present life.
struct Story {
    diary: Diary,
    clocks: BTreeMap<u8, u8>,
}

impl Story {
    fn take(&mut self, step: &Step) {
        let (doc, version) = (self.diary.number, self.diary.version());
        match step {
            Step::Create(text) => self.apply(create("", doc, "T", text)),
            Step::Write(text) => self.apply(update("", doc, version, text)),
            Step::Type(client, text) => self.typed(*client, text.clone()),
            Step::Retitle(title) => self.apply(retitle("", doc, version, title)),
            Step::Delete => self.apply(delete("", doc, version)),
            Step::Restore(text) => self.apply(Operation { restore: true, ..update("", doc, version, text) }),
            Step::Revive => self.apply(Operation { restore: true, ..retitle("", doc, version, "back") }),
            Step::Anew(client) => {
                let mut made = create("anew", doc, "Anew", "anew");
                if let Some(client) = client {
                    made.changes.content = None;
                    made.changes.yjs = Some(typing(*client, 0, "q"));
                }
                let outcomes = self.diary.apply([delete("", doc, version), made]);
                if outcomes.iter().all(|outcome| outcome.status() == Status::Success) && !outcomes[0].unchanged() {
                    self.clocks = client.iter().map(|client| (*client, 1)).collect();
                }
            }
            Step::Compact => self.diary.compact(),
            Step::KeepText => self.diary.keep_text("kept"),
            Step::Fold(part) => {
                let passed = self.diary.now.0 - NOW.0;
                fold_and_compare(&self.diary, Timestamp(NOW.0 + passed * i64::from(*part) / 250));
            }
            Step::Purge => self.purge(),
        }
    }

    /// A deleted document goes, whatever was done to it before; its version stays. Any other is as it was.
    fn purge(&mut self) {
        let (store, version) = (&self.diary.author.store, self.diary.version());
        let before = self.diary.seen();
        let found = store.find_document(self.diary.author.workspace_id, self.diary.id()).unwrap();
        let line = self.diary.now.plus_seconds(1);
        while store.purge_tombstones(self.diary.author.workspace_id, line).unwrap().more {}
        assert_eq!(self.diary.version(), version);
        if found.is_none_or(|document| !document.head.is_deleted()) {
            assert_eq!(self.diary.seen(), before);
            return;
        }
        let nothing = Seen { current: None, versions: BTreeMap::new(), bases: BTreeMap::new() };
        assert_eq!(self.diary.seen(), nothing);
        self.clocks.clear();
    }

    fn apply(&mut self, operation: Operation) {
        self.diary.apply([operation]);
    }

    fn typed(&mut self, client: u8, text: Option<String>) {
        let clock = self.clocks.get(&client).copied().unwrap_or(0);
        let typed = yjs("", self.diary.number, self.diary.version(), typing(client, clock, "k"));
        let changes = Changes { content: text.map(Text::new), ..typed.changes.clone() };
        let outcomes = self.diary.apply([Operation { changes, force: clock == 0, ..typed }]);
        if outcomes[0].status() == Status::Success {
            self.clocks.insert(client, clock + 1);
        }
    }
}

fn random_histories(database: &Database, usually: u32) {
    let ada = database.with_user();
    let mut runner = TestRunner::new(Config {
        cases: cases(usually),
        max_shrink_time: 20_000,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&prop::collection::vec(any_step(), 4..30), |steps| {
            let mut story = Story { diary: Diary::new(&ada), clocks: BTreeMap::new() };
            story.take(&Step::Anew(None));
            for step in &steps {
                story.take(step);
            }
            story.take(&Step::Fold(255));
            Ok(())
        })
        .unwrap();
}

pub fn random_histories_show_the_same_when_folded(database: &Database) {
    random_histories(database, if matches!(database, Database::Sqlite(_)) { 96 } else { 32 });
}

/// Two people typing at once, folded while they type.
pub fn a_long_history_is_folded(database: &Database) {
    let ada = database.with_user();
    let trace = trace(&generated("two-at-once"));
    let mut updates = trace.updates();
    updates.truncate(1_500);
    let mut diary = Diary::new(&ada);
    let doc = diary.number;
    let scan = |bytes: &Vec<u8>| landfall::yjs::scan::scan_update(bytes.clone(), &Default::default()).unwrap();
    let mut made = create("made", doc, "Trace", "");
    (made.changes.content, made.changes.yjs) = (None, Some(scan(&updates[0])));
    diary.apply([made]);
    let mut typed = 1;
    for some in updates[1..].chunks(100) {
        let edits = some.iter().enumerate().map(|(at, bytes)| yjs(&at.to_string(), doc, 0, scan(bytes)));
        assert!(diary.apply(edits).iter().all(|outcome| outcome.status() == Status::Success));
        typed += some.len();
        if typed % 400 == 0 {
            diary.fold(diary.now);
        }
        if typed % 700 == 0 {
            diary.compact();
        }
        assert_eq!(rendered_now(&diary), RENDERER.render(&updates[..typed]).unwrap());
    }
    diary.fold(diary.now.plus_seconds(1));
    assert_eq!(rendered_now(&diary), RENDERER.render(&updates).unwrap());
    assert_eq!(diary.seen().versions.len(), 1);
}

/// Writers that write while everything is purged again and again, each with documents of their own.
pub fn nothing_is_lost_while_writers_write(database: &Database) {
    let ada = database.with_user();
    // The writers have written enough long before.
    let deadline = Instant::now() + Duration::from_secs(30);
    let (stop, has_purged) = (Stop::default(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let purges = scope.spawn(|| {
            let purger = purger(&ada.store, NOW.plus_seconds(400 * 86_400));
            let mut removed = (0, 0);
            while !stop.wait(Duration::from_millis(5)) {
                let Some(purged) = purger.run(&stop).unwrap() else { continue };
                removed = (removed.0 + purged.tombstones, removed.1 + purged.versions);
                has_purged.store(removed.0 > 0 && removed.1 > 0, Ordering::Relaxed);
            }
            removed
        });
        let writers: Vec<_> = (0..3).map(|_| scope.spawn(|| write_and_check(&ada, deadline))).collect();
        let written: Vec<usize> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
        // On a busy machine the first purge may come after the last write.
        while !has_purged.load(Ordering::Relaxed) && !purges.is_finished() {
            std::thread::sleep(Duration::from_millis(5));
        }
        stop.stop();
        let (tombstones, versions) = purges.join().unwrap();
        assert!(tombstones > 0 && versions > 0, "{written:?} {tombstones} {versions}");
    });
}

/// Types into a Yjs document, edits a text, and deletes documents; everything typed must be there in the end.
fn write_and_check(ada: &Author, deadline: Instant) -> usize {
    let (plain, typed, doomed) = (Diary::new(ada), Diary::new(ada), Diary::new(ada));
    let success = |outcomes: Vec<Outcome>| {
        assert!(outcomes.iter().all(|outcome| outcome.status() == Status::Success), "{outcomes:?}");
    };
    let mut made = create("typed", typed.number, "Typed", "");
    (made.changes.content, made.changes.yjs) = (None, Some(typing(1, 0, "a")));
    success(plain.apply_now([create("plain", plain.number, "Plain", "0"), made]).unwrap());
    let mut rounds = 0;
    while Instant::now() < deadline && rounds < 126 {
        rounds += 1;
        let clock = u8::try_from(rounds).unwrap();
        let version = i64::try_from(rounds).unwrap();
        success(
            plain
                .apply_now([
                    update("plain", plain.number, version, &rounds.to_string()),
                    yjs("typed", typed.number, version, typing(1, clock, "b")),
                    create("doomed", doomed.number + u128::from(clock), "Doomed", "d"),
                    delete("deleted", doomed.number + u128::from(clock), 1),
                ])
                .unwrap(),
        );
        typed.compact();
    }
    let found = ada.store.find_document(ada.workspace_id, plain.id()).unwrap().unwrap();
    assert_eq!((found.content, found.head.version), (Some(rounds.to_string()), i64::try_from(rounds).unwrap() + 1));
    assert_eq!(rendered_now(&typed), format!("a{}", "b".repeat(rounds)));
    rounds
}
