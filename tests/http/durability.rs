//! What was answered stays, whatever happens to the server.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::harness::{Database, TestServer, create, on_both_databases, update};

on_both_databases!(
    a_graceful_stop_answers_what_is_under_way,
    what_was_answered_survives_a_kill,
    data_survive_a_restart,
);

/// Waits for so many messages; fails if the senders give up before.
fn wait_for(count: usize, messages: &Receiver<()>) {
    for at in 0..count {
        let message = messages.recv_timeout(Duration::from_secs(60));
        message.unwrap_or_else(|_| panic!("only {at} of {count} answers came"));
    }
}

fn data_survive_a_restart(database: Database) {
    let mut server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    ada.send(update("edit", &id).base(1).content("two\n")).expect_outcomes(["edit success v2"]);
    assert!(server.stop().success());
    server.restart();
    assert_eq!(ada.read(&id).string("/content"), "two\n");
    assert_eq!(ada.version(&id, 1).string("/content"), "one\n");
}

fn a_graceful_stop_answers_what_is_under_way(database: Database) {
    let mut server = TestServer::start(database);
    let ada = server.register("ada");
    let answered = AtomicUsize::new(0);
    let asked_to_stop = AtomicBool::new(false);
    let (says, said) = channel();
    thread::scope(|scope| {
        for writer in 0..4 {
            let (ada, answered, asked_to_stop, says) = (&ada, &answered, &asked_to_stop, says.clone());
            scope.spawn(move || {
                for n in 0.. {
                    let batch = ada.batch().with(create(&format!("op_{writer}_{n}")));
                    match batch.try_send() {
                        Some(answer) if answer.status == 200 => {
                            answered.fetch_add(1, Ordering::SeqCst);
                            let _ = says.send(());
                        }
                        Some(answer) if answer.status == 503 => return,
                        Some(answer) => panic!("{answer}"),
                        // The server is gone, as it was asked to.
                        None => return assert!(asked_to_stop.load(Ordering::SeqCst), "cut off before the stop"),
                    }
                }
            });
        }
        wait_for(20, &said);
        asked_to_stop.store(true, Ordering::SeqCst);
        server.ask_to_stop();
    });
    assert!(server.wait().success(), "a clean end");
    server.restart();
    let mut stored = 0;
    let mut token = String::new();
    loop {
        let page = ada.list(&format!("&page_size=500{token}")).expect(200);
        stored += page.items().len();
        match page.body["next_page_token"].as_str() {
            Some(next) => token = format!("&page_token={next}"),
            None => break,
        }
    }
    let answered = answered.into_inner();
    assert!(stored >= answered, "{answered} answered, {stored} there");
    assert!(stored <= answered + 4, "{answered} answered, {stored} there: what was not answered was cut off, not left");
}

fn what_was_answered_survives_a_kill(database: Database) {
    const WRITERS: usize = 6;
    let mut server = TestServer::start(database);
    let ada = server.register("ada");
    let sent = Mutex::new(Vec::new());
    let answered = Mutex::new(Vec::new());
    let (says, said) = channel();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (ada, sent, answered, says) = (&ada, &sent, &answered, says.clone());
            scope.spawn(move || {
                for n in 0.. {
                    let batch = ada
                        .batch()
                        .device(&format!("device-{writer}"))
                        .with_all((0..5).map(|at| create(&format!("{n}-{at}")).title(&format!("{writer}-{n}-{at}"))));
                    sent.lock().unwrap().push(batch.clone());
                    let Some(answer) = batch.try_send() else { return };
                    let ids: Vec<_> = (0..5).map(|at| answer.document_id(&format!("{n}-{at}"))).collect();
                    answered.lock().unwrap().extend(ids);
                    let _ = says.send(());
                }
            });
        }
        wait_for(30, &said);
        server.kill();
    });
    server.restart();
    for id in answered.into_inner().unwrap() {
        ada.read(&id).expect(200);
    }
    // The editors come back and send everything again: whatever had been applied is replayed, the rest is applied.
    let sent = sent.into_inner().unwrap();
    for batch in &sent {
        let answer = batch.clone().send().expect(200);
        assert_eq!(answer.body["successful"], 5, "{answer}");
        let replayed = answer.body["replayed"].as_i64();
        assert!(matches!(replayed, Some(0 | 5)), "a batch is one transaction: {answer}");
    }
    let titles = titles(&ada);
    assert_eq!(titles.len(), sent.len() * 5);
    assert!(titles.windows(2).all(|pair| pair[0] != pair[1]), "nothing is doubled");
}

/// As when a database fails over: every connection is cut, again and again, while editors push.
#[test]
fn a_database_that_cuts_every_connection_loses_nothing() {
    const WRITERS: usize = 4;
    const BATCHES: usize = 12;
    let server = TestServer::start(Database::Postgres);
    let ada = server.register("ada");
    let (says, said) = channel();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (ada, says) = (&ada, says.clone());
            scope.spawn(move || {
                for n in 0..BATCHES {
                    let batch = ada.batch().device(&format!("device-{writer}"));
                    let batch = batch.with_all((0..3).map(|at| create(&format!("{n}-{at}"))));
                    // An editor sends again until it has an answer; the receipts see to it that this is safe.
                    loop {
                        let answer = batch.clone().send();
                        match answer.status {
                            200 => break assert_eq!(answer.body["successful"], 3, "{answer}"),
                            503 => assert!(answer.find_header("retry-after").is_some(), "{answer}"),
                            _ => panic!("{answer}"),
                        }
                    }
                    let _ = says.send(());
                }
            });
        }
        for _ in 0..8 {
            wait_for(4, &said);
            server.cut_database_connections();
        }
    });
    assert_eq!(ada.list("&page_size=500").items().len(), WRITERS * BATCHES * 3, "nothing lost, nothing doubled");
    server.client().get("/api/health").expect(200);
}

fn titles(user: &crate::harness::User) -> Vec<String> {
    let mut titles = Vec::new();
    let mut token = String::new();
    loop {
        let page = user.list(&format!("&page_size=500{token}")).expect(200);
        titles.extend(page.column("title").iter().map(|title| title.as_str().unwrap().to_owned()));
        match page.body["next_page_token"].as_str() {
            Some(next) => token = format!("&page_token={next}"),
            None => break,
        }
    }
    titles.sort();
    titles
}
