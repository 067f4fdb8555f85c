//! Pulling: the feed of a workspace, page by page (protocol §2).

use serde_json::{Value, json};

use crate::harness::{Answer, Database, TestServer, User, YjsEditor, create, delete, on_both_databases, update};

on_both_databases!(
    a_first_pull_tells_of_every_document_once,
    a_later_pull_tells_of_what_changed_since,
    pages_are_cut_by_documents,
    pages_are_cut_by_bytes,
    yjs_documents_are_pulled_merged_and_rendered,
    vectors_come_alone_where_that_is_asked_for,
    cursors_survive_a_restart,
    cursors_that_are_none_are_refused,
    a_cursor_older_than_the_tombstones_expires,
    a_cursor_ahead_of_a_restored_database_expires,
    a_viewer_pulls_and_a_stranger_does_not,
    an_unreadable_text_does_not_hold_up_the_feed,
);

/// The cursor for the next page.
pub fn next_cursor(page: &Answer) -> String {
    page.string("/next_cursor")
}

/// Everything from `cursor` on, in pages of `limit`, and the cursor behind it. Checks that only full pages have more.
pub fn pull_all(user: &User, limit: usize, cursor: &str) -> (Vec<Value>, String) {
    let (mut items, mut cursor) = (Vec::new(), cursor.to_owned());
    loop {
        let page = user.pull(&format!("&limit={limit}&cursor={cursor}")).expect(200);
        items.extend_from_slice(page.items());
        cursor = next_cursor(&page);
        if page.body["has_more"] == false {
            return (items, cursor);
        }
        assert_eq!(page.items().len(), limit, "{page}");
    }
}

fn a_first_pull_tells_of_every_document_once(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let empty = ada.pull("").expect(200);
    assert_eq!((empty.items().len(), &empty.body["has_more"]), (0, &json!(false)));
    let kept = ada.new_document("Kept", "one\n");
    let edited = ada.new_document("Edited", "one\n");
    let gone = ada.new_document("Gone", "one\n");
    ada.send(delete("gone", &gone).base(1)).expect_outcomes(["gone success v2"]);
    ada.send(update("edit", &edited).base(1).content("two\n")).expect_outcomes(["edit success v2"]);

    let page = ada.pull("").expect(200);
    assert_eq!(
        page.column("document_id"),
        [kept.clone(), gone.clone(), edited.clone()],
        "in the order of their last changes"
    );
    assert_eq!(page.column("version"), [1, 2, 2]);
    assert_eq!(page.column("content"), [json!("one\n"), Value::Null, json!("two\n")], "tombstones carry no bodies");
    assert_eq!((&page.items()[1]["deleted"], &page.items()[1]["title"]), (&json!(true), &json!("Gone")));
    assert_eq!(page.items()[0], ada.read(&kept).body, "as it is read alone");
    assert_eq!(page.items()[2], ada.read(&edited).body);
    assert_eq!((&page.body["has_more"], &page.body["purged_before"]), (&json!(false), &Value::Null));
    assert_eq!(ada.pull(&format!("&cursor={}", next_cursor(&empty))).items(), page.items(), "the empty page's cursor");
}

fn a_later_pull_tells_of_what_changed_since(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let grace = ada.invite(&server.register("grace"), "editor");
    let (one, two) = (ada.new_document("One", "1\n"), ada.new_document("Two", "2\n"));
    let (items, cursor) = pull_all(&ada, 100, "");
    assert_eq!(items.len(), 2);
    let unchanged = ada.pull(&format!("&cursor={cursor}")).expect(200);
    assert_eq!((unchanged.items().len(), next_cursor(&unchanged)), (0, cursor.clone()), "up to here");
    grace.send(update("first", &two).base(1).content("2.1\n")).expect_outcomes(["first success v2"]);
    grace.send(update("again", &two).base(2).content("2.2\n")).expect_outcomes(["again success v3"]);
    let page = ada.pull(&format!("&cursor={cursor}")).expect(200);
    assert_eq!((page.column("document_id"), page.column("version")), (vec![json!(two)], vec![json!(3)]));
    assert_eq!(page.column("updated_by"), ["grace"]);
    ada.send(update("rename", &one).base(1).title("First")).expect_outcomes(["rename success v2"]);
    let page = ada.pull(&format!("&cursor={}", next_cursor(&page))).expect(200);
    assert_eq!((page.column("title"), page.column("content")), (vec![json!("First")], vec![json!("1\n")]));
}

fn pages_are_cut_by_documents(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    ada.batch().with_all((0..25).map(|n| create(&format!("op_{n}")).content(&format!("{n}")))).send().expect(200);
    let (whole, end) = pull_all(&ada, 500, "");
    assert_eq!(whole.len(), 25);
    for limit in [1, 7, 24, 25, 26] {
        assert_eq!(pull_all(&ada, limit, ""), (whole.clone(), end.clone()), "pages of {limit}");
    }
    for limit in ["0", "501", "-1", "many"] {
        let refused = ada.pull(&format!("&limit={limit}")).expect_problem(400, "bad_request");
        assert!(refused.string("/detail").contains("limit"), "{refused}");
    }
}

fn pages_are_cut_by_bytes(database: Database) {
    const MEBIBYTE: usize = 1024 * 1024;
    let server = TestServer::start(database);
    let ada = server.register("ada");
    // Compressible, so that what is stored is far smaller than what is sent.
    let text = "All work and no play makes Jack a dull boy.\n".repeat(3 * MEBIBYTE / 44);
    for n in 0..5 {
        ada.new_document(&format!("{n}"), &text);
    }
    let first = ada.pull("").expect(200);
    assert_eq!(
        (first.column("title"), &first.body["has_more"]),
        (vec![json!("0"), json!("1"), json!("2")], &json!(true))
    );
    let second = ada.pull(&format!("&cursor={}", next_cursor(&first))).expect(200);
    assert_eq!((second.column("title"), &second.body["has_more"]), (vec![json!("3"), json!("4")], &json!(false)));
    assert_eq!(second.column("content"), [text.as_str(), text.as_str()]);
}

fn yjs_documents_are_pulled_merged_and_rendered(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "one");
    let fresh = ada.new_yjs_document("Fresh", &laptop);
    let edited = ada.new_yjs_document("Edited", &laptop);
    let gone = ada.new_yjs_document("Gone", &laptop);
    let phone = YjsEditor::from_state(2, &laptop.state());
    ada.send(update("a", &edited).base(1).yjs(&laptop.insert(3, " two")).content("one two")).expect(200);
    ada.send(update("b", &edited).base(1).yjs(&phone.insert(0, "zero "))).expect_outcomes(["b success v3 merged"]);
    ada.send(delete("gone", &gone).base(1)).expect_outcomes(["gone success v2"]);
    let page = ada.pull("").expect(200);
    assert_eq!(page.column("content"), [json!("one"), json!("zero one two"), Value::Null]);
    for (item, id) in page.items().iter().zip([&fresh, &edited, &gone]) {
        assert_eq!(*item, ada.read(id).body, "as it is read alone");
    }
}

fn vectors_come_alone_where_that_is_asked_for(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(7);
    laptop.insert(0, &"a long text, ".repeat(500));
    let shared = ada.new_yjs_document("Shared", &laptop);
    let plain = ada.new_document("Plain", "one\n");
    let gone = ada.new_yjs_document("Gone", &YjsEditor::new(8));
    ada.send(delete("gone", &gone).base(1)).expect_outcomes(["gone success v2"]);
    let whole = ada.pull("").expect(200);
    let page = ada.pull("&yjs=vector").expect(200);
    assert_eq!(page.column("document_id"), [shared, plain, gone]);
    let item = &page.items()[0];
    assert_eq!((item.get("content"), item.get("yjs_state_b64")), (None, None));
    assert_eq!(item["state_vector_b64"], whole.items()[0]["state_vector_b64"]);
    assert_eq!(page.items()[1..], whole.items()[1..], "the others come as ever");
    assert_eq!(next_cursor(&page), next_cursor(&whole));
    assert_eq!(ada.pull("&yjs=whole").expect(200).body, whole.body);
    ada.pull("&yjs=other").expect(400);
}

fn cursors_survive_a_restart(database: Database) {
    let mut server = TestServer::start(database);
    let ada = server.register("ada");
    ada.batch().with_all((0..5).map(|n| create(&format!("op_{n}")))).send().expect(200);
    let first = ada.pull("&limit=2").expect(200);
    assert!(server.stop().success());
    server.restart();
    let rest = ada.pull(&format!("&cursor={}", next_cursor(&first))).expect(200);
    let told = [first.items(), rest.items()].concat();
    assert_eq!(told, ada.pull("").items());
}

fn cursors_that_are_none_are_refused(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    ada.new_document("Notes", "one\n");
    let mut forged = next_cursor(&ada.pull("")).into_bytes();
    let last = forged.len() - 1;
    forged[last] = if forged[last] == b'A' { b'E' } else { b'A' };
    let foreign = next_cursor(&ada.new_workspace("Other").pull(""));
    let token = "AAAA".to_owned();
    for cursor in ["made-up", "null", "0", &String::from_utf8(forged).unwrap(), &foreign, &token] {
        let refused = ada.pull(&format!("&cursor={cursor}")).expect_problem(400, "bad_request");
        assert!(refused.string("/detail").contains("cursor"), "{refused}");
    }
}

fn a_cursor_older_than_the_tombstones_expires(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    for n in 0..4 {
        ada.new_document(&format!("{n}"), "");
    }
    let behind = next_cursor(&ada.pull("&limit=1"));
    let abreast = next_cursor(&ada.pull("&limit=2"));
    server.execute_sql("UPDATE workspaces SET purged_sequence = 2, purged_before = 1700000000000000");
    ada.pull(&format!("&cursor={behind}")).expect_problem(410, "cursor_expired");
    assert_eq!(ada.pull(&format!("&cursor={abreast}")).expect(200).items().len(), 2);
    // Whoever begins after the purge goes through what is older undisturbed.
    let first = ada.pull("&limit=1").expect(200);
    assert_eq!(first.body["purged_before"], "2023-11-14T22:13:20.000000Z");
    let (rest, _) = pull_all(&ada, 1, &next_cursor(&first));
    assert_eq!(rest.len(), 3);
    // What is left of a purged document is not told.
    server.execute_sql("UPDATE documents SET sequence = 0 WHERE title = '3'");
    let page = ada.pull("&limit=3").expect(200);
    assert_eq!((page.items().len(), &page.body["has_more"]), (3, &json!(false)));
    let (none, _) = pull_all(&ada, 10, &next_cursor(&page));
    assert!(none.is_empty());
}

fn a_cursor_ahead_of_a_restored_database_expires(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    for n in 0..3 {
        ada.new_document(&format!("{n}"), "");
    }
    let cursor = next_cursor(&ada.pull(""));
    server.execute_sql("DELETE FROM documents WHERE sequence > 1; UPDATE workspaces SET head_sequence = 1");
    ada.pull(&format!("&cursor={cursor}")).expect_problem(410, "cursor_expired");
    assert_eq!(ada.pull("").expect(200).items().len(), 1);
}

fn a_viewer_pulls_and_a_stranger_does_not(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    ada.new_document("Notes", "one\n");
    let (grace, mallory) = (server.register("grace"), server.register("mallory"));
    assert_eq!(ada.invite(&grace, "viewer").pull("").expect(200).items().len(), 1);
    let cursor = next_cursor(&ada.pull(""));
    let stranger = mallory.in_workspace(&ada.workspace_id);
    for query in [String::new(), format!("&cursor={cursor}"), "&cursor=made-up".to_owned()] {
        stranger.pull(&query).expect_problem(404, "not_found");
    }
    server.client().get(&format!("/api/v1/documents/changes?workspace_id={}", ada.workspace_id)).expect(401);
    ada.get("/api/v1/documents/changes").expect_problem(400, "bad_request");
}

fn an_unreadable_text_does_not_hold_up_the_feed(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let editor = YjsEditor::new(1);
    editor.insert(0, "one");
    ada.new_yjs_document("Broken text", &editor);
    ada.new_yjs_document("Broken state", &editor);
    ada.new_document("Whole", "two\n");
    let nine = if database == Database::Sqlite { "x'09'" } else { r"'\x09'" };
    server.execute_sql(&format!(
        "UPDATE document_log SET content = {nine} WHERE title = 'Broken text'; \
         UPDATE document_log SET content = NULL, yjs_update = {nine} WHERE title = 'Broken state'"
    ));
    let page = ada.pull("").expect(200);
    assert_eq!(page.column("title"), ["Broken text", "Broken state", "Whole"]);
    assert_eq!(page.column("content"), [json!("one"), Value::Null, json!("two\n")], "derived, lost, whole");
}
