//! Whole batches on the in-memory store: modes, dependencies, receipts, a batch and its own changes; and their laws.

mod model;

use std::collections::BTreeMap;

use landfall::domain::cursor::{Cursor, FeedKey};
use landfall::domain::error_code::ErrorCode;
use landfall::domain::ids::{DocumentId, Version};
use landfall::domain::operation::{Operation, OperationKind, Target};
use landfall::domain::outcome::{Attach, Outcome, Status};
use landfall::domain::timestamp::Timestamp;
use landfall::sync::{Batch, PullFrom};
use model::Model;
use model::operations::{
    WORKSPACE, atomic, batch, by_reference, check, create, delete, from_device, id, retitle, typing, update, yjs,
};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp(1_000);

fn told(outcome: &Outcome) -> String {
    let code = outcome.error().map_or(String::new(), |error| format!(" {}", error.code.as_str()));
    let version = outcome.version.map_or(String::new(), |version| format!(" v{version}"));
    let flags = [
        (outcome.merged(), " merged"),
        (outcome.unchanged(), " unchanged"),
        (outcome.replayed(), " replayed"),
        (outcome.title_overwritten(), " title_overwritten"),
    ];
    let flags: String = flags.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
    format!("{}{code}{version}{flags}", outcome.status().as_str())
}

fn push(model: &mut Model, request: &Batch) -> Vec<String> {
    model.apply(request, NOW).outcomes.iter().map(told).collect()
}

fn run(model: &mut Model, operations: impl IntoIterator<Item = Operation>) -> Vec<String> {
    push(model, &batch(operations))
}

fn text_of(model: &Model, document: u128) -> String {
    let workspace = model.workspace(WORKSPACE);
    let entries = workspace.log.range((id(document), 0)..=(id(document), i64::MAX));
    entries.filter_map(|(_, entry)| entry.content.as_deref()).next_back().unwrap_or_default().to_owned()
}

#[test]
fn a_batch_does_not_conflict_with_itself() {
    let mut model = Model::default();
    run(&mut model, [create("c", 1, "T", "one")]);
    let told = run(&mut model, [update("a", 1, 1, "two"), update("b", 1, 1, "three"), delete("d", 1, 1)]);
    assert_eq!(told, ["success v2", "success v3", "success v4"]);
    let told = run(&mut model, [create("e", 2, "T", ""), update("f", 2, 0, "x"), retitle("g", 2, 0, "U")]);
    assert_eq!(told, ["success v1", "success v2", "success v3"], "what follows a create needs no base");
    let told = run(&mut model, [update("h", 2, 3, "y"), update("i", 2, 4, "z"), update("j", 2, 2, "w")]);
    assert_eq!(told[..2], ["success v4", "success v5"]);
    assert!(told[2].starts_with("conflict version_mismatch v5"), "an older base than the first stated is stale");
}

#[test]
fn what_follows_a_create_may_say_the_version_that_it_gave() {
    let mut model = Model::default();
    let offline =
        [create("c", 1, "T", "a\nb"), update("x", 1, 1, "A\nb"), update("y", 1, 1, "A\nB"), retitle("z", 1, 1, "U")];
    let told = push(&mut model, &from_device("laptop", batch(offline[..2].to_vec())));
    assert_eq!(told, ["success v1", "success v2"]);
    // Sent again, with what was typed since.
    let told = push(&mut model, &from_device("laptop", batch(offline)));
    assert_eq!(told, ["success v1 replayed", "success v2 replayed", "success v3", "success v4"]);
    assert_eq!(text_of(&model, 1), "A\nB");
}

#[test]
fn a_forced_text_is_not_merged_and_comes_with_what_it_overwrote_onto() {
    let mut model = Model::default();
    run(&mut model, [create("c", 1, "T", "a"), create("d", 2, "T", "a")]);
    run(&mut model, [update("others", 1, 1, "b")]);
    let forced = |name, document| Operation { force: true, ..update(name, document, 1, "c") };
    let outcomes = model.apply(&batch([forced("stale", 1), forced("exact", 2)]), NOW).outcomes;
    assert_eq!(outcomes.iter().map(told).collect::<Vec<_>>(), ["success v3", "success v2"]);
    assert_eq!(outcomes.iter().map(|outcome| outcome.attach).collect::<Vec<_>>(), [Attach::Document, Attach::Nothing]);
}

#[test]
fn a_replay_carries_the_document_where_its_editor_may_lack_something() {
    let mut model = Model::default();
    run(&mut model, [create("c", 1, "T", "a\nb\nc"), create("d", 2, "T", "a")]);
    run(&mut model, [update("others", 1, 1, "a\nb\nC")]);
    let sent = || from_device("laptop", batch([update("merged", 1, 1, "A\nb\nc"), update("exact", 2, 1, "b")]));
    assert_eq!(push(&mut model, &sent()), ["success v3 merged", "success v2"]);
    let attached = |model: &mut Model| -> Vec<Attach> {
        model.apply(&sent(), NOW).outcomes.iter().map(|outcome| outcome.attach).collect()
    };
    assert_eq!(attached(&mut model), [Attach::Document, Attach::Nothing], "the first answer was a merge");
    run(&mut model, [update("later", 2, 2, "c")]);
    assert_eq!(attached(&mut model), [Attach::Document; 2], "the document has moved on");
}

#[test]
fn checks_look_at_what_was_there_before() {
    let mut model = Model::default();
    run(&mut model, [create("c", 1, "T", "x")]);
    let told = run(&mut model, [update("u", 1, 1, "y"), check("k", 1, 1), check("n", 2, 0), create("c2", 2, "T", "")]);
    assert_eq!(told, ["success v2", "success v1", "success", "success v1"]);
    let before = model.clone();
    let all = atomic(from_device("laptop", batch([update("u", 1, 2, "z"), check("k", 2, 7), check("l", 1, 0)])));
    let told = push(&mut model, &all);
    let expected = ["skipped dependency_failed v2", "conflict version_mismatch v1", "conflict version_mismatch v2"];
    assert_eq!(told, expected);
    assert_eq!(model, before);
    // A resend is answered from its receipts, although what its check looked at has changed by then.
    for request in
        [batch([check("m", 1, 2), update("w", 1, 2, "z")]), batch([check("m", 1, 3), update("x", 1, 3, "a")])]
    {
        let request = from_device(
            "laptop",
            if request.operations[1].client_id() == Some("x") { atomic(request) } else { request },
        );
        let first = push(&mut model, &request);
        assert!(first.iter().all(|outcome| outcome.starts_with("success")), "{first:?}");
        assert!(push(&mut model, &request)[1].ends_with("replayed"));
    }
}

/// Every second line of a hundred thousand is changed on one side, the others on the other side, eight times over.
#[test]
fn the_costliest_merges_of_a_batch_end() {
    let lines = |name: &str, rest: usize| -> String {
        (0..100_000)
            .map(|line| if line % 2 == rest { format!("{name}{line}\n") } else { format!("{line}\n") })
            .collect()
    };
    let (base, ours, theirs) = (lines("", 2), lines("a", 0), lines("b", 1));
    let mut model = Model::default();
    run(&mut model, (1..9).map(|document| create(&format!("c{document}"), document, "T", &base)));
    run(&mut model, (1..9).map(|document| update(&format!("u{document}"), document, 1, &ours)));
    let told = run(&mut model, (1..9).map(|document| update(&format!("v{document}"), document, 1, &theirs)));
    assert_eq!(told, ["conflict version_mismatch v2"; 8]);
}

#[test]
fn an_edit_after_a_merged_edit_keeps_what_others_wrote() {
    let mut model = Model::default();
    run(&mut model, [create("c", 1, "T", "a\nb\nc")]);
    run(&mut model, [update("others", 1, 1, "a\nb\nC")]);
    let told = run(&mut model, [update("x", 1, 1, "A\nb\nc"), update("y", 1, 1, "AA\nb\nc")]);
    assert_eq!(told, ["success v3 merged", "success v4 merged"]);
    assert_eq!(text_of(&model, 1), "AA\nb\nC");
}

#[test]
fn what_builds_on_a_failure_is_skipped() {
    let mut model = Model::default();
    run(&mut model, [create("c", 1, "T", "x")]);
    let told = run(
        &mut model,
        [
            update("a", 1, 9, "y"),
            update("b", 1, 1, "z"),
            create("t", 1, "U", ""),
            update("r", 3, 0, "w"),
            by_reference(delete("s", 0, 0), "t"),
            update("ok", 4, 1, ""),
            create("fine", 5, "F", ""),
        ],
    );
    assert_eq!(
        told,
        [
            "error invalid_base_version v1",
            "skipped dependency_failed v1",
            "skipped dependency_failed v1",
            "error not_found",
            "skipped dependency_failed v1",
            "error not_found",
            "success v1",
        ]
    );
}

#[test]
fn atomic_names_every_culprit_and_changes_nothing() {
    let mut model = Model::default();
    run(&mut model, [create("c", 1, "T", "x"), create("d", 2, "T", "x")]);
    let before = model.clone();
    let told = push(
        &mut model,
        &atomic(batch([
            update("a", 1, 1, "y"),
            update("b", 2, 7, "y"),
            create("new", 3, "N", ""),
            create("taken", 1, "Other", ""),
            delete("e", 9, 0),
        ])),
    );
    let expected = [
        "skipped rolled_back v1",
        "error invalid_base_version v1",
        "skipped rolled_back",
        "conflict already_exists v1",
        "skipped rolled_back",
    ];
    assert_eq!(told, expected);
    assert_eq!(model, before);
}

#[test]
fn a_deleted_document_is_made_anew_above_its_old_version() {
    let mut model = Model::default();
    run(&mut model, [create("c", 1, "T", "x")]);
    let told = run(&mut model, [delete("d", 1, 1), create("n", 1, "New", "y"), update("u", 1, 2, "z")]);
    assert_eq!(told[..2], ["success v2", "success v3"]);
    assert!(told[2].contains("version_mismatch"), "a base from before the new document never matches: {}", told[2]);
    assert_eq!(model.workspace(WORKSPACE).heads[&id(1)].epoch, 3);
}

#[test]
fn a_purged_document_is_restored_as_a_new_one() {
    let mut model = Model::default();
    run(&mut model, [create("c", 1, "T", "x"), delete("d", 1, 1)]);
    let workspace = model.workspaces.get_mut(&WORKSPACE).unwrap();
    let head = workspace.heads.get_mut(&id(1)).unwrap();
    (head.title, head.content_digest) = (String::new(), None);
    workspace.log.clear();
    assert_eq!(run(&mut model, [create("again", 1, "T", "x")]), ["conflict deleted v2"]);
    assert_eq!(
        run(&mut model, [delete("d2", 1, 1), create("n", 1, "T", "x")]),
        ["success v2 unchanged", "conflict deleted v2"]
    );
    let restore = Operation { restore: true, ..update("r", 1, 2, "whole") };
    assert_eq!(run(&mut model, [restore, update("more", 1, 2, "more")]), ["success v3", "success v4"]);
    let workspace = model.workspace(WORKSPACE);
    assert_eq!((workspace.heads[&id(1)].epoch, workspace.heads[&id(1)].created_at), (3, NOW));
    assert_eq!(workspace.log[&(id(1), 3)].kind, OperationKind::Create, "its history begins here");
    assert_eq!(text_of(&model, 1), "more");
}

#[test]
fn receipts_answer_a_resend() {
    let mut model = Model::default();
    let first = from_device("laptop", batch([create("c", 1, "T", "x"), update("u", 1, 1, "y"), delete("gone", 9, 0)]));
    assert_eq!(push(&mut model, &first), ["success v1", "success v2", "success unchanged"]);
    let after = model.clone();
    assert_eq!(push(&mut model, &first), ["success v1 replayed", "success v2 replayed", "success replayed"]);
    let rebased = from_device("laptop", batch([update("u", 1, 2, "y"), create("c", 1, "T", "x")]));
    assert_eq!(
        push(&mut model, &rebased),
        ["success v2 replayed", "success v1 replayed"],
        "another order, another base"
    );
    assert_eq!(model, after);
    let other = from_device("laptop", batch([update("u", 1, 2, "other")]));
    assert_eq!(push(&mut model, &other), ["error client_id_reused v2"]);
    let elsewhere = from_device("phone", batch([update("u", 1, 2, "z")]));
    assert_eq!(push(&mut model, &elsewhere), ["success v3"], "another device has names of its own");
    let follow = from_device("laptop", batch([update("u", 1, 1, "y"), update("v", 1, 1, "z2")]));
    let told = push(&mut model, &follow);
    assert_eq!(told[0], "success v2 replayed");
    assert!(told[1].starts_with("conflict version_mismatch v3"), "its base is what the replayed one made: {}", told[1]);
}

#[test]
fn a_reference_finds_a_create_of_an_earlier_batch() {
    let mut model = Model::default();
    push(&mut model, &from_device("laptop", batch([create("c", 1, "T", "x")])));
    let later = by_reference(update("u", 0, 1, "y"), "c");
    assert_eq!(push(&mut model, &from_device("laptop", batch([later.clone()]))), ["success v2"]);
    assert_eq!(push(&mut model, &from_device("phone", batch([later]))), ["error not_found"]);
}

#[test]
fn yjs_updates_of_a_batch_build_on_each_other() {
    let mut model = Model::default();
    run(&mut model, [create("c", 1, "T", "")]);
    let told = run(
        &mut model,
        [
            yjs("a", 1, 1, typing(1, 0, "ab")),
            yjs("b", 1, 1, typing(1, 2, "cd")),
            yjs("again", 1, 0, typing(1, 2, "cd")),
            yjs("gap", 1, 0, typing(1, 9, "x")),
        ],
    );
    assert_eq!(told, ["success v2", "success v3", "success v3 unchanged", "error yjs_missing_dependencies v3"]);
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let content = "[xy]\n[xy]\n[xy]";
    prop_oneof![
        (1..4_u128, content).prop_map(|(doc, text)| create("", doc, "T", &text)),
        (1..4_u128, 0..5_i64, content).prop_map(|(doc, base, text)| update("", doc, base, &text)),
        (1..4_u128, 0..5_i64, "[TU]").prop_map(|(doc, base, title)| retitle("", doc, base, &title)),
        (1..4_u128, 0..5_i64).prop_map(|(doc, base)| delete("", doc, base)),
        (1..4_u128, 0..5_i64).prop_map(|(doc, version)| check("", doc, version)),
        (1..4_u128, 0..5_i64, 0..3_u8).prop_map(|(doc, base, clock)| yjs("", doc, base, typing(1, clock, "z"))),
        (1..4_u128, 0..5_i64, content)
            .prop_map(|(doc, base, text)| Operation { force: true, ..update("", doc, base, &text) }),
        (1..4_u128, 0..5_i64, content)
            .prop_map(|(doc, base, text)| Operation { restore: true, ..update("", doc, base, &text) }),
    ]
}

fn named(prefix: &str, operations: Vec<Operation>) -> Vec<Operation> {
    let named = operations.into_iter().enumerate();
    named.map(|(n, operation)| Operation { client_id: format!("{prefix}{n}"), ..operation }).collect()
}

/// The version of each document.
fn versions(model: &Model) -> BTreeMap<DocumentId, Version> {
    model.workspace(WORKSPACE).heads.values().map(|head| (head.document_id, head.version)).collect()
}

fn history() -> impl Strategy<Value = Vec<Operation>> {
    prop::collection::vec(any_operation(), 0..12)
}

proptest! {
    /// Versions go up by one for each log row, and what a success told is what is stored.
    #[test]
    fn versions_are_dense(first in history(), second in history()) {
        let mut model = Model::default();
        for (prefix, operations) in [("a", first), ("b", second)] {
            let request = from_device("d", batch(named(prefix, operations)));
            let applied = model.apply(&request, NOW);
            prop_assert_eq!(applied.outcomes.len(), request.operations.len());
            for outcome in &applied.outcomes {
                prop_assert_eq!(outcome.error().is_none(), outcome.status() == Status::Success);
            }
        }
        let workspace = model.workspace(WORKSPACE);
        for head in workspace.heads.values() {
            let versions: Vec<_> = workspace.log.range((head.document_id, 0)..=(head.document_id, i64::MAX)).map(|((_, v), _)| *v).collect();
            prop_assert_eq!(versions, (1..=head.version).collect::<Vec<_>>());
        }
    }

    /// An atomic batch is applied as the same batch per operation, or not at all.
    #[test]
    fn atomic_is_all_or_nothing(before in history(), operations in history()) {
        let mut model = Model::default();
        run(&mut model, named("a", before));
        let mut alone = model.clone();
        let request = batch(named("b", operations));
        let per_operation = alone.apply(&request, NOW);
        let mut together = model.clone();
        let applied = together.apply(&atomic(request), NOW);
        let failed = per_operation.outcomes.iter().any(|outcome| outcome.status() != Status::Success);
        prop_assert_eq!(applied.rolled_back, failed);
        if failed {
            prop_assert_eq!(together, model);
            prop_assert!(applied.outcomes.iter().all(|outcome| outcome.status() != Status::Success));
        } else {
            prop_assert_eq!(together, alone);
        }
    }

    /// Sent again, whole, a batch changes nothing, and every success is answered as before.
    #[test]
    fn a_resend_is_harmless(before in history(), operations in history()) {
        let mut model = Model::default();
        run(&mut model, named("a", before));
        let request = from_device("d", batch(named("b", operations)));
        let first = model.apply(&request, NOW);
        let after = model.clone();
        let second = model.apply(&request, Timestamp(2_000));
        for (one, two) in first.outcomes.iter().zip(&second.outcomes) {
            if one.status() == Status::Success {
                // A check leaves nothing behind; its document may have moved on.
                if one.kind == Some(OperationKind::Check) {
                    continue;
                }
                prop_assert!(two.replayed());
                prop_assert_eq!((one.version, one.document_id), (two.version, two.document_id));
            }
        }
        let (after, now) = (after.workspace(WORKSPACE), model.workspace(WORKSPACE));
        for (key, receipt) in &after.receipts {
            prop_assert_eq!(Some(receipt), now.receipts.get(key));
        }
    }

    /// An author who pushes and pulls in one batch has seen everything then, though their own changes are not told: from
    /// the pull, from the document in a result, or because they wrote onto the version that they had.
    #[test]
    fn no_change_hides_behind_an_own_one(before in history(), meanwhile in history(), operations in history(), all in any::<bool>()) {
        let mut model = Model::default();
        run(&mut model, named("a", before));
        let (mut seen, at) = (versions(&model), model.workspace(WORKSPACE).head_sequence);
        run(&mut model, named("b", meanwhile));
        let honest = operations.into_iter().map(|operation| {
            let known = match operation.target {
                Target::Id(id) => seen.get(&id).copied(),
                _ => None,
            };
            Operation { base_version: operation.base_version.and(known), ..operation }
        });
        let cursor = Cursor { sequence: at, floor: 0 }.seal(WORKSPACE, &FeedKey::new(Vec::new(), 0));
        let request = Batch {
            atomic: all,
            pull: Some(PullFrom::Cursor(cursor)),
            ..from_device("d", batch(named("c", honest.collect())))
        };
        let (stood, heads) = (versions(&model), model.workspace(WORKSPACE).heads);
        let applied = model.apply(&request, NOW);
        let stands = versions(&model);
        for (id, version) in stands.iter().filter(|(id, version)| stood.get(id) != Some(version)) {
            // A create that found its equal says what its author has, as well as a document in the result would.
            let attached = applied.outcomes.iter().any(|outcome| {
                let equal = outcome.kind == Some(OperationKind::Create) && outcome.unchanged();
                outcome.document_id == Some(*id)
                    && outcome.status() == Status::Success
                    && (equal || outcome.attach == Attach::Document)
            });
            let gone = model.workspace(WORKSPACE).heads[id].is_deleted();
            let outcomes: Vec<_> = applied.outcomes.iter().map(told).collect();
            // Whoever revives the last live version had all of it.
            let last_live = heads.get(id).map(|head| head.version - i64::from(head.is_deleted()));
            let knew = seen.get(id) == stood.get(id) || seen.get(id).copied() == last_live;
            prop_assert!(attached || gone || knew, "{:?}", outcomes);
            seen.insert(*id, *version);
        }
        for change in applied.pulled.as_ref().expect("a pull").changes() {
            let head = &change.document.head;
            prop_assert_eq!(seen.insert(head.document_id, head.version).filter(|known| *known >= head.version), None);
        }
        prop_assert_eq!(seen, stands);
    }

    /// What one document's operations come to does not depend on the operations of others.
    #[test]
    fn documents_are_independent(before in history(), operations in history()) {
        let mut model = Model::default();
        run(&mut model, named("a", before));
        let operations = named("b", operations);
        let together = model.clone().apply(&batch(operations.clone()), NOW).outcomes;
        for document in 1..4 {
            let target = Target::Id(id(document));
            let own: Vec<_> = operations.iter().filter(|operation| operation.target == target).cloned().collect();
            let alone: Vec<_> = model.clone().apply(&batch(own), NOW).outcomes.iter().map(told).collect();
            let within: Vec<_> = together.iter().filter(|outcome| outcome.document_id == Some(id(document))).map(told).collect();
            prop_assert_eq!(alone, within);
        }
    }
}

#[test]
fn codes_of_conflicts_are_conflicts() {
    for code in ErrorCode::ALL {
        assert!(!(code.is_conflict() && code.retryable()), "{}", code.as_str());
    }
}
