//! Many at once: nothing is lost, nothing is doubled.

use std::sync::Barrier;
use std::thread;

use crate::harness::{Database, TestServer, YjsEditor, create, on_both_databases, update};

on_both_databases!(
    the_same_batch_sent_sixteen_times_at_once_applies_once,
    thirty_two_writers_on_one_document_lose_nothing,
    of_writers_with_the_same_base_one_wins,
    creates_of_the_same_id_make_one_document,
    atomic_batches_never_show_half,
);

fn the_same_batch_sent_sixteen_times_at_once_applies_once(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    let batch = ada
        .batch()
        .device("laptop")
        .with(create("new").title("New"))
        .with(update("edit", &id).base(1).content("two\n"));
    let barrier = Barrier::new(16);
    let answers = thread::scope(|scope| {
        let senders: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    batch.clone().send().expect(200)
                })
            })
            .collect();
        senders.into_iter().map(|sender| sender.join().expect("a sender")).collect::<Vec<_>>()
    });
    let firsts = answers.iter().filter(|answer| answer.body["replayed"] == 0).count();
    assert_eq!(firsts, 1, "one applies, the others replay");
    let ids: Vec<_> = answers.iter().map(|answer| answer.document_id("new")).collect();
    assert!(ids.iter().all(|other| *other == ids[0]), "{ids:?}");
    assert!(answers.iter().all(|answer| answer.result("edit")["version"] == 2));
    assert_eq!(ada.list("").items().len(), 2);
    assert_eq!(ada.versions(&id, "").items().len(), 2);
}

fn thirty_two_writers_on_one_document_lose_nothing(database: Database) {
    const WRITERS: u64 = 32;
    const EDITS: usize = 4;
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let first = YjsEditor::new(1_000);
    first.insert(0, "start.");
    let id = ada.new_yjs_document("Shared", &first);
    thread::scope(|scope| {
        for writer in 1..=WRITERS {
            let (ada, id, state) = (&ada, &id, first.state());
            scope.spawn(move || {
                let editor = YjsEditor::from_state(writer, &state);
                for edit in 0..EDITS {
                    let word = format!("[{writer}-{edit}]");
                    let end = editor.text().len() as u32;
                    let operation = update(&format!("op_{edit}"), id).base(1).yjs(&editor.insert(end, &word));
                    let answer = ada.batch().device(&format!("device-{writer}")).with(operation).send().expect(200);
                    assert_eq!(answer.body["successful"], 1, "{answer}");
                }
            });
        }
    });
    let read = ada.read(&id).expect(200);
    let text = read.string("/content");
    for writer in 1..=WRITERS {
        for edit in 0..EDITS {
            assert_eq!(text.matches(&format!("[{writer}-{edit}]")).count(), 1, "{writer}-{edit} in {text}");
        }
    }
    assert_eq!(read.body["version"], 1 + WRITERS as i64 * EDITS as i64, "one version for each edit");
}

fn of_writers_with_the_same_base_one_wins(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "base\n");
    let outcomes: Vec<String> = thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let (ada, id) = (&ada, &id);
                scope.spawn(move || {
                    ada.send(update("op", id).base(1).content(&format!("{writer}\n"))).outcomes()[0].clone()
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().expect("a writer")).collect()
    });
    let won = outcomes.iter().filter(|outcome| *outcome == "op success v2").count();
    let lost = outcomes.iter().filter(|outcome| *outcome == "op conflict version_mismatch v2").count();
    assert_eq!((won, lost), (1, 7), "{outcomes:?}");
}

fn creates_of_the_same_id_make_one_document(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = crate::harness::user::new_id();
    let outcomes: Vec<String> = thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let (ada, id) = (&ada, &id);
                scope.spawn(move || ada.send(create("op").id(id).title(&format!("{writer}"))).outcomes()[0].clone())
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().expect("a writer")).collect()
    });
    let won = outcomes.iter().filter(|outcome| *outcome == "op success v1").count();
    let lost = outcomes.iter().filter(|outcome| *outcome == "op conflict already_exists v1").count();
    assert_eq!((won, lost), (1, 7), "{outcomes:?}");
}

fn atomic_batches_never_show_half(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let (left, right) = (ada.new_document("Left", "0"), ada.new_document("Right", "0"));
    // Each batch moves both documents on, or neither: their versions can never part.
    thread::scope(|scope| {
        for _ in 0..4 {
            let (ada, left, right) = (&ada, &left, &right);
            scope.spawn(move || {
                for _ in 0..10 {
                    let base = ada.read(left).body["version"].as_i64().expect("a version");
                    let answer = ada
                        .batch()
                        .atomic()
                        .with(update("left", left).base(base).content(&format!("{base}")))
                        .with(update("right", right).base(base).content(&format!("{base}")))
                        .send();
                    assert!(matches!(answer.status, 200 | 409 | 422), "{answer}");
                }
            });
        }
    });
    let versions = [&left, &right].map(|id| ada.read(id).body["version"].clone());
    assert_eq!(versions[0], versions[1]);
}

#[test]
fn two_servers_share_one_postgres() {
    let one = TestServer::start(Database::Postgres);
    let two = one.start_beside();
    let ada_on_one = one.register("ada");
    let ada_on_two = two.welcome(&ada_on_one);
    let id = ada_on_one.new_document("Notes", "one\n");
    assert_eq!(ada_on_two.read(&id).string("/content"), "one\n");

    let batch = |user: &crate::harness::User| {
        user.batch().device("laptop").with_all((0..20).map(|n| create(&format!("op_{n}"))))
    };
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        for at in 0..8 {
            let batch = batch(if at % 2 == 0 { &ada_on_one } else { &ada_on_two });
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                assert_eq!(batch.send().expect(200).body["successful"], 20);
            });
        }
    });
    assert_eq!(ada_on_two.list("").items().len(), 21, "applied once, on whichever server");

    let first = YjsEditor::new(1_000);
    first.insert(0, "start.");
    let shared = ada_on_one.new_yjs_document("Shared", &first);
    thread::scope(|scope| {
        for writer in 1..=8 {
            let user = if writer % 2 == 0 { &ada_on_one } else { &ada_on_two };
            let (shared, state) = (&shared, first.state());
            scope.spawn(move || {
                let editor = YjsEditor::from_state(writer, &state);
                let edit = editor.insert(6, &format!("[{writer}]"));
                assert_eq!(user.send(update("op", shared).base(1).yjs(&edit)).body["successful"], 1);
            });
        }
    });
    let text = ada_on_two.read(&shared).string("/content");
    assert!((1..=8).all(|writer| text.contains(&format!("[{writer}]"))), "{text}");
    assert_eq!(ada_on_one.read(&shared).string("/content"), text);
}
