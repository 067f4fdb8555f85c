//! Old versions that are folded away: what is left shows the same as before, whatever was done to the document.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::{PgConnection, QueryableByName, SqliteConnection, sql_query};
use landfall::domain::document::HeadWrite;
use landfall::domain::operation::{Changes, Operation, OperationKind};
use landfall::domain::outcome::Status;
use landfall::sync::retention::{Folded, Stop, fold_step};

use crate::diary::{Diary, fold_and_compare, rendered_now};
use crate::model::operations::{create, delete, retitle, typing, update, yjs};
use crate::retention::{RENDERER, purger};
use crate::support::{Database, NOW};
use crate::yjs_support::{generated, trace};

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
