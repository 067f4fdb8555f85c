//! Many scripts that edit one Yjs document at once (protocol §1.10): they take turns, and none of them has to send again.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::text_edits::{edit, replacing};
use crate::harness::{Answer, Database, TestServer, User, YjsEditor, on_both_databases, update};

on_both_databases!(
    atomic_batches_of_the_same_documents_do_not_wait_in_a_circle,
    dry_runs_wait_for_nobody,
    scripts_on_one_document_take_turns,
    scripts_that_go_away_leave_their_turn_to_others,
    scripts_and_typing_editors_both_get_through,
);

const SCRIPTS: usize = 8;
/// Whatever must come comes within.
const PATIENCE: Duration = Duration::from_secs(120);

/// Workers have time enough, however much else the machine does.
fn start(database: Database) -> TestServer {
    TestServer::start_with(database, &[("LANDFALL_YJS_TIME_MS", "20000"), ("LANDFALL_RATE_LIMIT", "off")])
}

/// A document with a line for each script, in which it counts.
fn counters(ada: &User, title: &str) -> String {
    let laptop = YjsEditor::new(1);
    laptop.insert(0, &(0..SCRIPTS).map(|script| format!("script {script}: 0!\n")).collect::<String>());
    ada.new_yjs_document(title, &laptop)
}

fn counted(to: usize) -> String {
    (0..SCRIPTS).map(|script| format!("script {script}: {to}!\n")).collect()
}

fn count(script: usize, from: usize) -> Value {
    replacing(&format!("script {script}: {from}!"), &format!("script {script}: {}!", from + 1))
}

#[track_caller]
fn expect_success(answer: &Answer) {
    for result in answer.results() {
        assert_eq!(result["status"], "success", "{answer}");
    }
}

fn scripts_on_one_document_take_turns(database: Database) {
    const EDITS: usize = 6;
    let server = start(database);
    let ada = server.register("ada");
    let id = counters(&ada, "Counters");
    let barrier = Barrier::new(SCRIPTS);
    let mut versions: Vec<i64> = thread::scope(|scope| {
        let scripts: Vec<_> = (0..SCRIPTS)
            .map(|script| {
                let (ada, id, barrier) = (&ada, &id, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    let made = (0..EDITS).map(|from| {
                        let edit = edit(&format!("edit {from}"), id, &[count(script, from)]);
                        let answer = ada.batch().device(&format!("script {script}")).with(edit).send().expect(200);
                        expect_success(&answer);
                        answer.results()[0]["version"].as_i64().unwrap()
                    });
                    let made: Vec<i64> = made.collect();
                    assert!(made.is_sorted(), "{made:?}");
                    made
                })
            })
            .collect();
        scripts.into_iter().flat_map(|script| script.join().expect("a script")).collect()
    });
    versions.sort_unstable();
    let expected: Vec<i64> = (2..).take(SCRIPTS * EDITS).collect();
    assert_eq!(versions, expected, "each edit is a version of its own");
    assert_eq!(ada.read(&id).string("/content"), counted(EDITS));
    // A version more is one edit more.
    for version in [2, 3, 1 + (SCRIPTS * EDITS) as i64] {
        let text = ada.version(&id, version).string("/content");
        let made: usize = text.split([' ', '!', '\n']).filter_map(|word| word.parse::<usize>().ok()).sum();
        assert_eq!(made, version as usize - 1, "{text}");
    }
}

fn atomic_batches_of_the_same_documents_do_not_wait_in_a_circle(database: Database) {
    const BATCHES: usize = 3;
    let server = start(database);
    let ada = server.register("ada");
    let ids = [counters(&ada, "One"), counters(&ada, "Other"), counters(&ada, "Third")];
    thread::scope(|scope| {
        for script in 0..SCRIPTS {
            let (ada, ids) = (&ada, &ids);
            scope.spawn(move || {
                for from in 0..BATCHES {
                    let edits = (0..ids.len()).map(|place| {
                        let place = (place + script) % ids.len();
                        edit(&format!("edit {place}"), &ids[place], &[count(script, from)])
                    });
                    let edits: Vec<_> = if script % 2 == 0 { edits.collect() } else { edits.rev().collect() };
                    expect_success(&ada.batch().atomic().with_all(edits).send().expect(200));
                }
            });
        }
    });
    for id in &ids {
        assert_eq!(ada.read(id).string("/content"), counted(BATCHES));
        assert_eq!(ada.read(id).body["version"], 1 + (SCRIPTS * BATCHES) as i64);
    }
}

fn dry_runs_wait_for_nobody(database: Database) {
    let server = start(database);
    let ada = server.register("ada");
    let id = counters(&ada, "Counters");
    thread::scope(|scope| {
        for script in 1..SCRIPTS {
            let (ada, id) = (&ada, &id);
            scope.spawn(move || expect_success(&ada.send(edit("edit", id, &[count(script, 0)]))));
        }
        for _ in 0..SCRIPTS {
            let trial = ada.batch().dry_run().with(edit("trial", &id, &[count(0, 0)])).send().expect(200);
            expect_success(&trial);
        }
    });
    let text = ada.read(&id).string("/content");
    assert_eq!(text, counted(1).replace("script 0: 1!", "script 0: 0!"));
}

/// Sends an edit, and is gone before it is answered.
fn edit_and_go(address: &str, ada: &User, id: &str, edits: &[Value]) {
    let operation =
        json!({ "operation": "update", "client_id": "gone", "document_id": id, "data": { "edits": edits } });
    let body = json!({ "workspace_id": ada.workspace_id, "operations": [operation] }).to_string();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /api/v1/documents/batch HTTP/1.1\r\nhost: landfall\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        ada.access_token,
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Both).unwrap();
}

fn scripts_that_go_away_leave_their_turn_to_others(database: Database) {
    const EDITS: usize = 3;
    let server = start(database);
    let ada = server.register("ada");
    let id = counters(&ada, "Counters");
    let address = server.client().base_url().strip_prefix("http://").unwrap().to_owned();
    thread::scope(|scope| {
        for script in 0..SCRIPTS {
            let (address, ada, id) = (&address, &ada, &id);
            scope.spawn(move || {
                for from in 0..EDITS {
                    if script % 2 == 0 {
                        edit_and_go(address, ada, id, &[count(script, from)]);
                    } else {
                        expect_success(&ada.send(edit("edit", id, &[count(script, from)])));
                    }
                }
            });
        }
    });
    // What was sent by those who are gone was made, or was not; the others' edits were.
    let last = ada.send(edit("last", &id, &[replacing("script 1: 3!", "done")]));
    expect_success(&last);
    let text = last.result("last")["server"]["content"].as_str().unwrap().to_owned();
    for script in [3, 5, 7] {
        assert!(text.contains(&format!("script {script}: {EDITS}!")), "{text}");
    }
}

/// Somebody types all the time, faster than a script's edit is made: neither waits for the other.
fn scripts_and_typing_editors_both_get_through(database: Database) {
    const EDITS: usize = 4;
    const TYPISTS: u64 = 3;
    let server = start(database);
    let ada = server.register("ada");
    let id = counters(&ada, "Counters");
    let state = super::yjs_documents::bytes(&ada.read(&id).body["yjs_state_b64"]);
    let at_work = AtomicUsize::new(2);
    let typed: usize = thread::scope(|scope| {
        let (ada, id, state, at_work) = (&ada, &id, &state, &at_work);
        for script in 0..2 {
            scope.spawn(move || {
                (0..EDITS).for_each(|from| expect_success(&ada.send(edit("edit", id, &[count(script, from)]))));
                at_work.fetch_sub(1, Ordering::SeqCst);
            });
        }
        let typists: Vec<_> = (0..TYPISTS)
            .map(|typist| {
                scope.spawn(move || {
                    let editor = YjsEditor::from_state(100 + typist, state);
                    let mut typed = 0;
                    let started = Instant::now();
                    // Not for ever, where a script has failed.
                    while at_work.load(Ordering::SeqCst) > 0 && started.elapsed() < PATIENCE {
                        let end = editor.text().encode_utf16().count() as u32;
                        expect_success(&ada.send(update("typed", id).yjs(&editor.insert(end, "~"))));
                        typed += 1;
                    }
                    typed
                })
            })
            .collect();
        typists.into_iter().map(|typist| typist.join().expect("a typist")).sum()
    });
    let text = ada.read(&id).string("/content");
    assert_eq!(text.matches('~').count(), typed, "{text}");
    assert!(text.starts_with(&format!("script 0: {EDITS}!\nscript 1: {EDITS}!\nscript 2: 0!\n")), "{text}");
}
