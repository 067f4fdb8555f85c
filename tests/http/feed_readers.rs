//! Readers that page through a feed while others write, on one server and on two: no change is missed, and none comes
//! twice unless its document changed again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::harness::{Answer, Database, TestServer, User, create, delete, update};

const WRITERS: usize = 4;
const READERS: usize = 4;
const ROUNDS: usize = 25;

/// A reader's copy of the workspace.
#[derive(Default)]
struct Copy {
    /// Version and whether deleted, by document.
    documents: BTreeMap<String, (i64, bool)>,
    cursor: Option<String>,
}

impl Copy {
    /// Takes in a page; a document that comes again must have changed.
    fn take(&mut self, page: &Value) {
        for item in page["items"].as_array().expect("items") {
            let id = item["document_id"].as_str().expect("an id").to_owned();
            let (version, deleted) = (item["version"].as_i64().expect("a version"), item["deleted"] == true);
            assert_eq!(item["content"].is_null(), deleted, "{item}");
            let known = self.documents.insert(id, (version, deleted));
            assert!(known.is_none_or(|(known, _)| known < version), "told twice: {item}, after {known:?}");
        }
        self.cursor = page["next_cursor"].as_str().map(str::to_owned);
    }

    /// Pulls a page; whether there is more.
    fn pull(&mut self, user: &User, limit: usize) -> bool {
        let cursor = self.cursor.as_ref().map_or(String::new(), |cursor| format!("&cursor={cursor}"));
        let page = user.pull(&format!("&limit={limit}{cursor}")).expect(200);
        assert!(page.items().len() <= limit, "{page}");
        self.take(&page.body);
        page.body["has_more"] == true
    }

    /// Notes what an own batch did, then takes in what came with its answer. What it wrote itself is not told, so a
    /// document in the answer has a version that the batch did not make.
    fn push(&mut self, user: &User, round: usize) -> bool {
        let cursor = self.cursor.clone().map_or(Value::Null, Value::from);
        let mut batch = user.batch().field("cursor", cursor).with(create("own").title(&format!("own {round}")));
        if let Some(id) = self.documents.iter().find(|(_, (_, deleted))| !deleted).map(|(id, _)| id.clone()) {
            batch = batch.with(update("forced", &id).force().title(&format!("forced {round}")));
        }
        let answer: Answer = batch.send().expect(200);
        let has_more = answer.body["changes"]["has_more"] == true;
        self.take(&answer.body["changes"]);
        for result in answer.results().iter().filter(|result| result["status"] == "success" && !has_more) {
            let id = result["document_id"].as_str().expect("an id").to_owned();
            let version = result["version"].as_i64().expect("a version");
            let known = self.documents.insert(id, (version, false));
            assert!(known.is_none_or(|(known, _)| known <= version), "{result} after {known:?}");
        }
        has_more
    }
}

/// Creates, edits, forces and deletes, in small batches.
fn write(user: &User, writer: usize) {
    let mut live: Vec<(String, i64)> = Vec::new();
    for round in 0..ROUNDS {
        let mut batch = user.batch().with_all((0..3).map(|n| create(&format!("new_{n}")).title(&format!("{writer}"))));
        if round % 3 == 1 && live.len() > 2 {
            let (id, _) = live.swap_remove(round % live.len());
            batch = batch.with(delete("gone", &id).force());
        }
        if let Some((id, _)) = live.get(round % live.len().max(1)) {
            batch = batch.with(update("edit", id).force().content(&format!("{writer} {round}\n")));
        }
        let answer = batch.send().expect(200);
        let new = (0..3).map(|n| (answer.document_id(&format!("new_{n}")), 1));
        live.extend(new);
    }
}

/// Writers and readers at once, spread over the servers; every reader ends with the state of the database.
fn readers_miss_nothing(users: &[User]) {
    let writing = AtomicUsize::new(WRITERS);
    let copies: Vec<Copy> = thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (user, writing) = (&users[writer % users.len()], &writing);
            scope.spawn(move || {
                write(user, writer);
                writing.fetch_sub(1, Ordering::SeqCst);
            });
        }
        let readers: Vec<_> = (0..READERS)
            .map(|reader| {
                let (user, writing) = (&users[(reader + 1) % users.len()], &writing);
                scope.spawn(move || {
                    let mut copy = Copy::default();
                    for round in 0.. {
                        let written = writing.load(Ordering::SeqCst) == 0;
                        // Every other reader pushes too.
                        let has_more = if reader % 2 == 0 && round % 5 == 4 && !written {
                            copy.push(user, round)
                        } else {
                            copy.pull(user, 1 + (reader * 7 + round) % 9)
                        };
                        if written && !has_more {
                            break;
                        }
                    }
                    copy
                })
            })
            .collect();
        readers.into_iter().map(|reader| reader.join().expect("a reader")).collect()
    });
    let mut all = Copy::default();
    while all.pull(&users[0], 500) {}
    let listed = users[0].list("&include_deleted=true&page_size=500").expect(200);
    assert_eq!(listed.items().len(), all.documents.len(), "the feed tells of every document");
    assert!(all.documents.len() > WRITERS * ROUNDS * 3, "{}", all.documents.len());
    for (reader, mut copy) in copies.into_iter().enumerate() {
        // A reader that pushes may still write after another one has read its last page.
        while copy.pull(&users[0], 500) {}
        assert_eq!(copy.documents, all.documents, "reader {reader}");
    }
    let quiet = users[0].pull(&format!("&cursor={}", all.cursor.expect("a cursor"))).expect(200);
    assert_eq!(quiet.body["items"], json!([]));
}

#[test]
fn readers_of_one_sqlite_server_miss_nothing() {
    let server = TestServer::start(Database::Sqlite);
    readers_miss_nothing(&[server.register("ada")]);
}

#[test]
fn readers_of_two_servers_on_one_postgres_miss_nothing() {
    let one = TestServer::start(Database::Postgres);
    let two = one.start_beside();
    let ada = one.register("ada");
    let ada_on_two = two.welcome(&ada);
    readers_miss_nothing(&[ada, ada_on_two]);
}
