//! Random histories of a document, and writers who write on meanwhile: folding shows the same as before.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use landfall::domain::operation::{Changes, Operation, Text};
use landfall::domain::outcome::{Outcome, Status};
use landfall::domain::timestamp::Timestamp;
use landfall::sync::retention::Stop;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::diary::{Diary, Seen, fold_and_compare, rendered_now};
use crate::model::cases::cases;
use crate::model::operations::{create, delete, retitle, typing, update, yjs};
use crate::retention::purger;
use crate::support::{Author, Database, NOW};

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
