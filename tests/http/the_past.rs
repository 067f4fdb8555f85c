//! Reading documents as they were (protocol §3).

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Answer, Database, TestServer, User, YjsEditor, delete, on_both_databases, update};

on_both_databases!(
    documents_are_read_as_they_were,
    a_workspace_is_listed_as_it_was,
    the_past_ends_where_the_history_does,
);

fn read_then(user: &User, id: &str, as_of: &str) -> Answer {
    user.get(&format!("/api/v1/documents/{id}?workspace_id={}&as_of={as_of}", user.workspace_id))
}

/// The time of a document's last change; whatever is written next is later.
fn changed_at(user: &User, id: &str) -> String {
    std::thread::sleep(Duration::from_millis(2));
    user.read(id).string("/updated_at")
}

fn documents_are_read_as_they_were(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let grace = ada.invite(&server.register("grace"), "viewer");
    let editor = YjsEditor::new(1);
    editor.insert(0, "typed");
    let yjs = ada.new_yjs_document("Typed", &editor);
    let id = ada.new_document("One", "one\n");
    let mut moments = vec![(changed_at(&ada, &id), ada.pull("&limit=500&yjs=vector").string("/next_cursor"))];
    ada.send(update("typed", &yjs).yjs(&editor.insert(5, " more"))).expect(200);
    ada.send(update("a", &id).base(1).title("Two").content("two\n")).expect(200);
    moments.push((changed_at(&ada, &id), ada.pull("&limit=500&yjs=vector").string("/next_cursor")));
    ada.send(delete("b", &id).base(2)).expect(200);
    moments.push((changed_at(&ada, &id), ada.pull("&limit=500&yjs=vector").string("/next_cursor")));
    ada.send(update("c", &id).base(3).restore().content("three\n")).expect(200);
    let expected =
        [json!([1, "One", "one\n", false]), json!([2, "Two", "two\n", false]), json!([3, "Two", null, true])];
    for ((time, cursor), expected) in moments.iter().zip(&expected) {
        for as_of in [time, cursor] {
            let then = read_then(&grace, &id, as_of).expect(200).body;
            let shown = json!([then["version"], then["title"], then["content"], then["deleted"]]);
            assert_eq!(shown, *expected, "{as_of}");
            assert_eq!((&then["updated_by"], &then["created_at"]), (&json!("ada"), &ada.read(&id).body["created_at"]));
        }
    }
    assert_eq!(read_then(&ada, &yjs, &moments[0].0).expect(200).string("/content"), "typed");
    assert_eq!(read_then(&ada, &yjs, &moments[1].1).expect(200).string("/content"), "typed more");
    read_then(&ada, &id, "2020-01-01T00:00:00Z").expect_problem(404, "not_found");
    assert_eq!(read_then(&ada, &id, "2999-01-01T00:00:00Z").expect(200).body["version"], 4);
    read_then(&ada, &id, "yesterday%20evening").expect_problem(400, "bad_request");
    read_then(&ada, &id, "2020-01-01").expect_problem(400, "bad_request");
    read_then(&server.register("eve"), &id, "2999-01-01T00:00:00Z").expect_problem(404, "not_found");
}

fn a_workspace_is_listed_as_it_was(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let ids: Vec<String> = (0..5).map(|n| ada.new_document(&format!("Note {n}"), "x")).collect();
    let gone = ada.new_document("Gone", "x");
    let then = changed_at(&ada, &gone);
    ada.send(delete("a", &gone).base(1)).expect(200);
    let deleted = changed_at(&ada, &gone);
    ada.send(update("b", &ids[0]).base(1).title("Renamed")).expect(200);
    ada.new_document("New", "x");
    let titles = |as_of: &str, more: &str| -> Vec<Value> {
        let mut titles = ada.list(&format!("&as_of={as_of}{more}")).expect(200).column("title");
        titles.sort_by_key(|title| title.as_str().map(str::to_owned));
        titles
    };
    let notes = ["Note 0", "Note 1", "Note 2", "Note 3", "Note 4"];
    assert_eq!(titles(&then, ""), [&["Gone"][..], &notes].concat());
    assert_eq!(titles(&then, "&title_prefix=Note"), notes);
    assert_eq!(titles(&deleted, ""), notes);
    assert_eq!(titles(&deleted, "&include_deleted=true"), [&["Gone"][..], &notes].concat());
    assert_eq!(titles("2020-01-01T00:00:00Z", ""), Vec::<Value>::new());
    let (mut found, mut token) = (Vec::new(), String::new());
    loop {
        let page = ada.list(&format!("&as_of={then}&page_size=2&page_token={token}")).expect(200);
        assert!(page.items().len() <= 2);
        found.extend(page.column("document_id"));
        match page.body["next_page_token"].as_str() {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(found.len(), 6);
}

fn the_past_ends_where_the_history_does(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("One", "one\n");
    let then = changed_at(&ada, &id);
    let batch = ada.send(update("a", &id).base(1).content("two\n")).expect(200).string("/batch_id");
    // What a purge writes down when it has folded old versions up to this time.
    server.execute_sql("INSERT INTO purges (kind, line, waited) VALUES ('history', 4102444800000000, 0)");
    let since = "2100-01-01T00:00:00.000000Z";
    let restore = json!({ "workspace_id": ada.workspace_id, "as_of": then });
    for refused in [
        read_then(&ada, &id, &then),
        ada.list(&format!("&as_of={then}")),
        ada.post("/api/v1/documents/restore", &restore),
    ] {
        let refused = refused.expect_problem(410, "history_expired");
        assert_eq!(refused.string("/since"), since);
    }
    assert_eq!(read_then(&ada, &id, "2100-01-02T00:00:00Z").expect(200).string("/content"), "two\n");
    // A batch can be undone as long as its versions are there; then one that is that old is said to be too old.
    server.execute_sql("DELETE FROM document_log WHERE version = 2");
    let undo = json!({ "workspace_id": ada.workspace_id });
    let refused = ada.post(&format!("/api/v1/batches/{batch}/undo"), &undo).expect_problem(410, "history_expired");
    assert_eq!(refused.string("/since"), since);
}
