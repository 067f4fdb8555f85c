//! The conflict matrix of protocol §1.4, row by row, against the pure core.

use std::collections::BTreeSet;

use landfall::domain::decide::decide;
use landfall::domain::decision::{
    BaseView, ContentChange, Decision, Situation, Standing, TextFacts, UpdateEffect, standing_of,
};
use landfall::domain::document::DocumentHead;
use landfall::domain::error_code::ErrorCode;
use landfall::domain::ids::{DocumentId, UserId};
use landfall::domain::limits::Limits;
use landfall::domain::line_diff::Budget;
use landfall::domain::operation::{Changes, Operation, OperationKind, Target, Text};
use landfall::domain::outcome::Attach;
use landfall::domain::text_merge::MERGE_STEPS;
use landfall::domain::timestamp::Timestamp;
use landfall::domain::yjs_facts::{ClientSpan, DeleteSet, ScannedUpdate, StateVector};
use uuid::Uuid;

const ID: DocumentId = DocumentId(Uuid::from_u128(1));

fn head(version: i64) -> DocumentHead {
    DocumentHead {
        document_id: ID,
        version,
        title: "Title".to_owned(),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        updated_by: UserId(Uuid::nil()),
        deleted_at: None,
        epoch: 1,
        content_version: version,
        content_digest: Some(Text::new("a\nb\nc".to_owned()).digest),
        state_vector: None,
        yjs_roots: BTreeSet::new(),
        snapshot_bytes: 0,
        log_bytes: 0,
        log_rows: 0,
    }
}

/// A document whose Yjs state knows 10 changes of client 7, in the root `content`.
fn yjs_head(version: i64) -> DocumentHead {
    DocumentHead {
        state_vector: Some(StateVector::from_iter([(7, 10)])),
        yjs_roots: BTreeSet::from(["content".to_owned()]),
        ..head(version)
    }
}

fn tombstone(version: i64) -> DocumentHead {
    DocumentHead { deleted_at: Some(Timestamp(1)), ..head(version) }
}

fn operation(kind: OperationKind, changes: Changes) -> Operation {
    Operation {
        index: 0,
        client_id: "op".to_owned(),
        kind,
        target: Target::Id(ID),
        base_version: None,
        force: false,
        restore: false,
        changes,
        reader_state_vector: None,
        payload_digest: [0; 16],
    }
}

fn create(changes: Changes) -> Operation {
    operation(OperationKind::Create, changes)
}

fn update(changes: Changes) -> Operation {
    operation(OperationKind::Update, changes)
}

fn delete() -> Operation {
    operation(OperationKind::Delete, Changes::default())
}

fn text(content: &str) -> Changes {
    Changes { content: Some(Text::new(content.to_owned())), ..Changes::default() }
}

fn titled(title: &str, mut changes: Changes) -> Changes {
    changes.title = Some(title.to_owned());
    changes
}

/// An update of `client` for the clocks `start..end`, with a new item in the root `content` that leans on nothing.
fn yjs(client: u64, start: u32, end: u32) -> ScannedUpdate {
    ScannedUpdate {
        bytes: vec![1, 2, 3],
        spans: vec![ClientSpan { client, start, end }],
        requires: StateVector::from_iter([(client, start)]),
        ..ScannedUpdate::default()
    }
}

fn with_yjs(update: ScannedUpdate) -> Changes {
    Changes { yjs: Some(update), ..Changes::default() }
}

struct Case<'a> {
    current: Option<&'a DocumentHead>,
    standing: Standing,
    content: Option<&'a str>,
    deletions: Option<DeleteSet>,
    deleted_by_batch: bool,
}

fn on(current: Option<&DocumentHead>, standing: Standing) -> Case<'_> {
    Case { current, standing, content: Some("a\nb\nc"), deletions: None, deleted_by_batch: false }
}

impl Case<'_> {
    fn decide(&self, operation: &Operation) -> Decision {
        let situation = Situation {
            current: self.current,
            deleted_by_batch: self.deleted_by_batch,
            standing: self.standing.clone(),
            content: self.content,
            is_damaged: false,
            known_deletions: self.deletions.as_ref(),
            text: TextFacts {
                is_rich: false,
                is_unavailable: false,
                is_base_final: true,
                max_bytes: Limits::default().max_content_bytes,
            },
        };
        decide(&situation, operation, &mut Budget::of(MERGE_STEPS))
    }

    fn refusal(&self, operation: &Operation) -> (ErrorCode, Attach) {
        match self.decide(operation) {
            Decision::Refuse(refusal) => (refusal.code, refusal.attach),
            other => panic!("applied: {other:?}"),
        }
    }

    fn effect(&self, operation: &Operation) -> UpdateEffect {
        match self.decide(operation) {
            Decision::Update(effect) => *effect,
            other => panic!("no update: {other:?}"),
        }
    }
}

fn stale(title: &str, content: &str) -> Standing {
    Standing::Stale { base: Some(BaseView { title: title.to_owned(), content: Some(content.into()) }) }
}

fn set(content: &str) -> ContentChange {
    ContentChange::Set(Text::new(content.to_owned()))
}

#[test]
fn absent() {
    let absent = on(None, Standing::Unstated);
    assert_eq!(absent.decide(&create(titled("T", text("x")))), Decision::Create);
    assert_eq!(absent.refusal(&update(text("x"))), (ErrorCode::NotFound, Attach::Nothing));
    assert_eq!(absent.decide(&delete()), Decision::Unchanged);
    let forced = Operation { force: true, ..update(text("x")) };
    assert_eq!(absent.refusal(&forced).0, ErrorCode::NotFound, "force never skips the existence check");
    let incomplete = create(titled("T", with_yjs(yjs(7, 3, 5))));
    assert_eq!(absent.refusal(&incomplete).0, ErrorCode::YjsMissingDependencies);
}

#[test]
fn create_on_a_live_document() {
    let head = head(3);
    let live = on(Some(&head), Standing::Unstated);
    assert_eq!(live.decide(&create(titled("Title", text("a\nb\nc")))), Decision::Unchanged);
    assert_eq!(live.refusal(&create(titled("Other", text("a\nb\nc")))), (ErrorCode::AlreadyExists, Attach::Document));
    assert_eq!(live.refusal(&create(titled("Title", text("other")))).0, ErrorCode::AlreadyExists);
    assert_eq!(live.refusal(&create(titled("Title", with_yjs(yjs(7, 0, 10))))).0, ErrorCode::AlreadyExists);
}

#[test]
fn create_on_a_live_document_with_yjs() {
    let head = yjs_head(3);
    let same = create(titled("Title", with_yjs(yjs(7, 0, 10))));
    let mut live = on(Some(&head), Standing::Unstated);
    live.deletions = Some(DeleteSet::default());
    assert_eq!(live.decide(&same), Decision::Unchanged);
    let mut deletions = DeleteSet::default();
    deletions.insert(7, 2, 3);
    live.deletions = Some(deletions);
    assert_eq!(live.refusal(&same).0, ErrorCode::AlreadyExists, "equal clocks, but the server deleted something");
    let mut seeded = yjs(8, 0, 4);
    seeded.root_inserts.insert("content".to_owned());
    assert_eq!(live.refusal(&create(titled("Title", with_yjs(seeded)))).0, ErrorCode::DivergentHistory);
}

#[test]
fn create_on_a_deleted_document() {
    let head = tombstone(4);
    let mut deleted = on(Some(&head), Standing::Unstated);
    assert_eq!(deleted.refusal(&create(titled("T", text("x")))), (ErrorCode::Deleted, Attach::Document));
    deleted.deleted_by_batch = true;
    assert_eq!(deleted.decide(&create(titled("T", text("x")))), Decision::Create);
}

#[test]
fn update_at_the_current_version() {
    let head = head(3);
    let current = on(Some(&head), Standing::Current);
    let effect = current.effect(&update(titled("New", text("x"))));
    assert_eq!((effect.title.as_deref(), effect.content, effect.merged), (Some("New"), set("x"), false));
    assert_eq!(current.decide(&update(titled("Title", text("a\nb\nc")))), Decision::Unchanged);
    assert_eq!(current.decide(&delete()), Decision::Delete);
    let effect = current.effect(&update(with_yjs(yjs(7, 0, 5))));
    assert_eq!((effect.content, effect.append_yjs), (ContentChange::Derive, true), "Yjs state may be added");
}

#[test]
fn stale_text_is_merged_or_clashes() {
    let head = head(5);
    let behind = on(Some(&head), stale("Title", "a\nb\nold"));
    let effect = behind.effect(&update(text("A\nb\nold")));
    assert_eq!((effect.content, effect.merged), (set("A\nb\nc"), true));
    assert_eq!(behind.decide(&update(text("a\nb\nold"))), Decision::Unchanged, "nothing changed on the editor's side");
    assert_eq!(behind.decide(&update(text("a\nb\nc"))), Decision::Unchanged, "already contained");
    let Decision::Refuse(refusal) = behind.decide(&update(text("a\nb\nmine"))) else { panic!("applied") };
    assert_eq!((refusal.code, refusal.attach, refusal.with_base), (ErrorCode::VersionMismatch, Attach::Document, true));
    assert!(refusal.merge_text.is_some_and(|text| text.contains("<<<<<<< incoming\nmine\n=======\nc\n>>>>>>> server")));
    let forced = Operation { force: true, ..update(text("a\nb\nmine")) };
    assert_eq!(behind.effect(&forced).content, set("a\nb\nmine"));
    let unknown = on(Some(&head), Standing::Stale { base: None });
    assert_eq!(unknown.refusal(&update(text("x"))), (ErrorCode::VersionMismatch, Attach::Document));
}

#[test]
fn titles() {
    let head = head(5);
    let same_side = on(Some(&head), stale("Title", "a\nb\nc"));
    assert_eq!(same_side.effect(&update(titled("Mine", Changes::default()))).title.as_deref(), Some("Mine"));
    let both = on(Some(&head), stale("Old", "a\nb\nold"));
    assert_eq!(both.refusal(&update(titled("Mine", Changes::default()))).0, ErrorCode::VersionMismatch);
    assert_eq!(
        both.decide(&update(titled("Old", Changes::default()))),
        Decision::Unchanged,
        "the editor kept its title"
    );
    let effect = both.effect(&update(titled("Mine", text("A\nb\nold"))));
    assert_eq!((effect.title.as_deref(), effect.title_overwritten), (Some("Mine"), true), "a clean merge lets it win");
}

#[test]
fn bases() {
    let head = head(5);
    let unstated = on(Some(&head), Standing::Unstated);
    for needs_base in
        [update(text("x")), update(titled("x", Changes::default())), delete(), update(with_yjs(yjs(7, 0, 5)))]
    {
        assert_eq!(unstated.refusal(&needs_base).0, ErrorCode::BaseVersionRequired);
        assert!(!matches!(unstated.decide(&Operation { force: true, ..needs_base }), Decision::Refuse(_)));
    }
    let future = on(Some(&head), Standing::Future);
    assert_eq!(future.refusal(&update(text("x"))).0, ErrorCode::InvalidBaseVersion);
    assert_eq!(future.refusal(&delete()).0, ErrorCode::InvalidBaseVersion);
    assert_eq!(on(Some(&head), stale("Title", "x")).refusal(&delete()), (ErrorCode::VersionMismatch, Attach::Document));
    assert_eq!(standing_of(Some(6), &head, false, None), Standing::Future);
    assert_eq!(standing_of(Some(5), &head, false, None), Standing::Current);
    assert_eq!(standing_of(Some(4), &head, false, None), Standing::Stale { base: None });
}

#[test]
fn yjs_merges() {
    let head = yjs_head(5);
    let behind = on(Some(&head), Standing::Stale { base: None });
    let effect = behind.effect(&update(with_yjs(yjs(7, 10, 12))));
    assert_eq!((effect.content, effect.append_yjs, effect.merged), (ContentChange::Derive, true, true));
    let unstated = on(Some(&head), Standing::Unstated);
    assert!(unstated.effect(&update(with_yjs(yjs(8, 0, 2)))).append_yjs, "a merge needs no base");
    assert_eq!(behind.decide(&update(with_yjs(yjs(7, 4, 10)))), Decision::Unchanged, "already contained");
    assert_eq!(
        behind.refusal(&update(with_yjs(yjs(7, 11, 12)))),
        (ErrorCode::YjsMissingDependencies, Attach::StateVector)
    );
    assert_eq!(behind.refusal(&update(text("x"))).0, ErrorCode::YjsRequired);
    let exact = on(Some(&head), Standing::Current);
    let sent = Changes { content: Some(Text::new("as sent".to_owned())), ..with_yjs(yjs(7, 10, 12)) };
    assert_eq!(exact.effect(&update(sent.clone())).content, set("as sent"));
    assert_eq!(behind.effect(&update(sent)).content, ContentChange::Derive, "after a merge the text is the merged one");
}

#[test]
fn deletions_are_news() {
    let head = yjs_head(5);
    let mut deleting = yjs(7, 10, 10);
    deleting.spans.clear();
    deleting.deletes.insert(7, 2, 4);
    let mut behind = on(Some(&head), Standing::Stale { base: None });
    assert!(behind.effect(&update(with_yjs(deleting.clone()))).append_yjs);
    behind.deletions = Some(deleting.deletes.clone());
    assert_eq!(behind.decide(&update(with_yjs(deleting))), Decision::Unchanged);
}

#[test]
fn an_unrelated_history_is_a_conflict() {
    let head = yjs_head(5);
    let mut seeded = yjs(99, 0, 4);
    seeded.root_inserts.insert("content".to_owned());
    let current = on(Some(&head), Standing::Current);
    assert_eq!(current.refusal(&update(with_yjs(seeded.clone()))), (ErrorCode::DivergentHistory, Attach::Document));
    let forced = Operation { force: true, ..update(with_yjs(seeded.clone())) };
    assert_eq!(current.effect(&forced).content, ContentChange::Derive);
    seeded.root_inserts = BTreeSet::from(["elsewhere".to_owned()]);
    assert!(current.effect(&update(with_yjs(seeded))).append_yjs, "another root doubles nothing");
}

#[test]
fn deleted_documents() {
    let head = tombstone(6);
    let deleted = on(Some(&head), Standing::Current);
    assert_eq!(deleted.refusal(&update(text("x"))), (ErrorCode::Deleted, Attach::Document));
    assert_eq!(deleted.decide(&delete()), Decision::Unchanged);
    let revive = Operation { restore: true, ..update(text("x")) };
    assert_eq!(deleted.effect(&revive).content, set("x"));
    let nothing_new = Operation { restore: true, ..update(titled("Title", Changes::default())) };
    assert_eq!(deleted.effect(&nothing_new).title, None, "reviving is a change even if nothing else is");
    assert_eq!(
        standing_of(Some(5), &head, true, None),
        Standing::Current,
        "its last live version is what the editor saw"
    );
    assert_eq!(standing_of(Some(5), &head, false, None), Standing::Stale { base: None });
}

/// What is left of a document whose tombstone has been purged.
#[test]
fn purged_documents() {
    let head = DocumentHead { title: String::new(), content_digest: None, ..tombstone(6) };
    assert!(head.is_purged() && !tombstone(6).is_purged());
    let empty_yjs = DocumentHead { state_vector: Some(StateVector::default()), ..head.clone() };
    assert!(!empty_yjs.is_purged(), "a tombstone whose text was never derived");
    let purged = on(Some(&head), Standing::Current);
    let restore = |changes| Operation { restore: true, ..update(changes) };
    assert_eq!(purged.refusal(&create(titled("T", text("x")))), (ErrorCode::Deleted, Attach::Document));
    assert_eq!(purged.refusal(&update(text("x"))), (ErrorCode::Deleted, Attach::Document));
    assert_eq!(purged.decide(&delete()), Decision::Unchanged);
    // What is restored must be sent whole: nothing of it is left.
    assert_eq!(purged.decide(&restore(text("x"))), Decision::Create);
    assert_eq!(purged.decide(&restore(titled("T", with_yjs(yjs(7, 0, 5))))), Decision::Create);
    assert_eq!(purged.refusal(&restore(with_yjs(yjs(7, 3, 5)))).0, ErrorCode::YjsMissingDependencies);
    assert_eq!(purged.refusal(&restore(titled("T", Changes::default()))), (ErrorCode::Deleted, Attach::Document));
    // The version is checked all the same, unless forced.
    for (standing, code) in [
        (Standing::Stale { base: None }, ErrorCode::VersionMismatch),
        (Standing::Unstated, ErrorCode::BaseVersionRequired),
        (Standing::Future, ErrorCode::InvalidBaseVersion),
    ] {
        let purged = on(Some(&head), standing);
        assert_eq!(purged.refusal(&restore(text("x"))).0, code);
        assert_eq!(purged.refusal(&restore(with_yjs(yjs(7, 0, 5)))).0, code);
        assert_eq!(purged.decide(&Operation { force: true, ..restore(text("x")) }), Decision::Create);
    }
}
