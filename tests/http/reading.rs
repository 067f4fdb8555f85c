//! Reading documents, lists and versions (protocol §3).

use serde_json::{Value, json};

use crate::harness::user::new_id;
use crate::harness::{Database, TestServer, User, YjsEditor, create, delete, on_both_databases, update};

on_both_databases!(
    a_document_is_read_whole,
    an_etag_answers_not_modified,
    a_list_is_paged,
    a_list_is_narrowed_by_title,
    tombstones_are_listed_on_request,
    versions_tell_who_when_and_what,
    versions_are_paged,
    an_old_text_can_be_got_back,
    old_texts_of_yjs_documents_can_be_read,
    bad_parameters_are_refused,
    what_is_not_there_is_not_found,
);

fn a_document_is_read_whole(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let plain = ada.read(&ada.new_document("Plain", "one\n")).expect(200).body;
    assert_eq!((plain["version"].as_i64(), plain["title"].as_str()), (Some(1), Some("Plain")));
    assert_eq!((plain["content"].as_str(), plain["updated_by"].as_str()), (Some("one\n"), Some("ada")));
    assert_eq!(plain["created_at"], plain["updated_at"]);
    assert!(plain["yjs_state_b64"].is_null() && plain["state_vector_b64"].is_null(), "{plain}");
    let editor = YjsEditor::new(1);
    editor.insert(0, "one\n");
    let yjs = ada.read(&ada.new_yjs_document("Yjs", &editor)).expect(200).body;
    assert!(yjs["yjs_state_b64"].is_string() && yjs["state_vector_b64"].is_string(), "{yjs}");
}

fn an_etag_answers_not_modified(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    let path = format!("/api/v1/documents/{id}?workspace_id={}", ada.workspace_id);
    let first = ada.get(&path).expect(200).header("etag").to_owned();
    let conditional = |tag: &str| ada.request("GET", &path).header("if-none-match", tag).send();
    let unchanged = conditional(&first).expect(304);
    assert_eq!((unchanged.header("etag"), unchanged.bytes.len()), (first.as_str(), 0));
    conditional(&format!("W/{first}")).expect(304);
    conditional(&format!("\"other\", {first}")).expect(304);
    conditional("\"other\"").expect(200);
    ada.send(update("edit", &id).base(1).content("two\n")).expect_outcomes(["edit success v2"]);
    assert_ne!(conditional(&first).expect(200).header("etag"), first);
}

/// All items, page by page; checks that each page keeps to its size and that no item comes twice.
fn all_pages(page_size: usize, read: impl Fn(&str) -> crate::harness::Answer) -> Vec<Value> {
    let mut items: Vec<Value> = Vec::new();
    let mut token = String::new();
    loop {
        let page = read(&format!("&page_size={page_size}{token}")).expect(200);
        assert!(page.items().len() <= page_size, "{page}");
        assert!(page.items().iter().all(|item| !items.contains(item)), "twice: {page}");
        items.extend_from_slice(page.items());
        assert_eq!(page.body["has_more"], page.body["next_page_token"].is_string(), "{page}");
        match page.body["next_page_token"].as_str() {
            Some(next) => token = format!("&page_token={next}"),
            None => return items,
        }
    }
}

fn a_list_is_paged(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    assert_eq!(ada.list("").expect(200).body, json!({ "items": [], "next_page_token": null, "has_more": false }));
    let creates = (0..25).map(|n| create(&format!("op_{n}")).title(&format!("Title {n}")).content("text"));
    ada.batch().with_all(creates).send().expect(200);
    let whole = ada.list("").expect(200);
    assert_eq!(whole.items().len(), 25);
    assert!(whole.items().iter().all(|item| item["content"].is_null()), "without bodies: {whole}");
    for page_size in [1, 7, 24, 25, 26, 500] {
        assert_eq!(all_pages(page_size, |query| ada.list(query)), whole.items(), "pages of {page_size}");
    }
}

fn a_list_is_narrowed_by_title(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    for title in ["Plan", "Plan B", "plan c", "Plän", "100% sure", "100_sure", "100 sure", "[a]*?"] {
        ada.new_document(title, "");
    }
    let found = |prefix: &str| {
        let encoded: String = prefix.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let page = ada.list(&format!("&title_prefix={encoded}")).expect(200);
        let mut titles: Vec<_> = page.column("title").iter().map(|title| title.as_str().unwrap().to_owned()).collect();
        titles.sort();
        titles
    };
    assert_eq!(found("Plan"), ["Plan", "Plan B"]);
    assert_eq!(found("Plän"), ["Plän"]);
    assert_eq!(found("100%"), ["100% sure"]);
    assert_eq!(found("100_"), ["100_sure"]);
    assert_eq!(found("[a]*"), ["[a]*?"]);
    assert_eq!(found("nothing"), [""; 0]);
}

fn tombstones_are_listed_on_request(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let kept = ada.new_document("Kept", "");
    let gone = ada.new_document("Gone", "text");
    ada.send(delete("gone", &gone).base(1)).expect_outcomes(["gone success v2"]);
    assert_eq!(ada.list("").column("document_id"), [json!(kept)]);
    let with_deleted = ada.list("&include_deleted=true").expect(200);
    let tombstone = with_deleted.items().iter().find(|item| item["document_id"] == gone).expect("the tombstone");
    assert_eq!((&tombstone["title"], &tombstone["deleted"]), (&json!("Gone"), &json!(true)));
    let read = ada.read(&gone).expect(200);
    assert!(read.body["deleted_at"].is_string() && read.body["content"].is_null(), "{read}");
}

/// A document with a history: made, edited, renamed, deleted, revived.
fn eventful_document(ada: &User, grace: &User) -> String {
    let id = ada.new_document("First title", "one\n");
    let steps = [
        (grace, update("edit", &id).base(1).content("two\n")),
        (ada, update("rename", &id).base(2).title("Second title")),
        (grace, delete("gone", &id).base(3)),
        (ada, update("revive", &id).base(4).restore().content("three\n")),
    ];
    for (user, step) in steps {
        let answer = user.batch().device("laptop").with(step).send();
        assert_eq!(answer.body["successful"], 1, "{answer}");
    }
    id
}

fn versions_tell_who_when_and_what(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let grace = ada.invite(&server.register("grace"), "editor");
    let id = eventful_document(&ada, &grace);
    let versions = ada.versions(&id, "").expect(200);
    assert_eq!(versions.column("version"), [5, 4, 3, 2, 1].map(Value::from), "newest first");
    assert_eq!(versions.column("operation"), ["update", "delete", "update", "update", "create"]);
    assert_eq!(versions.column("updated_by"), ["ada", "grace", "ada", "grace", "ada"]);
    assert_eq!(versions.column("title")[4], "First title");
    assert_eq!(versions.column("device_id")[3], "laptop");
    let times = versions.column("updated_at");
    assert!(times.windows(2).all(|pair| pair[0].as_str() >= pair[1].as_str()), "{versions}");
}

fn versions_are_paged(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = eventful_document(&ada, &ada);
    let whole = ada.versions(&id, "").expect(200);
    for page_size in [1, 2, 4, 5, 6] {
        assert_eq!(all_pages(page_size, |query| ada.versions(&id, query)), whole.items(), "pages of {page_size}");
    }
}

fn an_old_text_can_be_got_back(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = eventful_document(&ada, &ada);
    let texts: Vec<_> = (1..=5).map(|version| ada.version(&id, version).expect(200).body["content"].clone()).collect();
    assert_eq!(texts, [json!("one\n"), json!("two\n"), json!("two\n"), Value::Null, json!("three\n")]);
    let first = ada.version(&id, 1);
    let restored = update("restore", &id).base(5).title(&first.string("/title")).content(&first.string("/content"));
    ada.send(restored).expect_outcomes(["restore success v6"]);
    let read = ada.read(&id);
    assert_eq!((read.string("/title"), read.string("/content")), ("First title".into(), "one\n".into()));
    ada.version(&id, 7).expect_problem(404, "not_found");
}

fn old_texts_of_yjs_documents_can_be_read(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let laptop = YjsEditor::new(1);
    laptop.insert(0, "one");
    let id = ada.new_yjs_document("Notes", &laptop);
    let phone = YjsEditor::from_state(2, &laptop.state());
    let edit = laptop.insert(3, " two");
    ada.send(update("edit", &id).base(1).yjs(&edit).content("one two")).expect_outcomes(["edit success v2"]);
    ada.send(update("merge", &id).base(1).yjs(&phone.insert(0, "zero "))).expect_outcomes(["merge success v3 merged"]);
    let texts: Vec<_> = (1..=3).map(|version| ada.version(&id, version).string("/content")).collect();
    assert_eq!(texts, ["one", "one two", "zero one two"]);
}

fn bad_parameters_are_refused(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    let other = ada.new_workspace("Other");
    other.batch().with_all((0..3).map(|n| create(&format!("{n}")))).send().expect(200);
    let foreign = other.list("&page_size=1").string("/next_page_token");
    for query in [
        "&page_size=0",
        "&page_size=501",
        "&page_size=-1",
        "&page_size=many",
        "&page_token=made-up",
        &format!("&page_token={foreign}"),
        "&include_deleted=perhaps",
    ] {
        ada.list(query).expect_problem(400, "bad_request");
    }
    for path in [
        "/api/v1/documents".to_owned(),
        "/api/v1/documents?workspace_id=mine".to_owned(),
        format!("/api/v1/documents/{id}"),
        format!("/api/v1/documents/mine?workspace_id={}", ada.workspace_id),
        format!("/api/v1/documents/{id}/versions/0?workspace_id={}", ada.workspace_id),
        format!("/api/v1/documents/{id}/versions/last?workspace_id={}", ada.workspace_id),
    ] {
        ada.get(&path).expect_problem(400, "bad_request");
    }
}

fn what_is_not_there_is_not_found(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    ada.read(&new_id()).expect_problem(404, "not_found");
    ada.versions(&new_id(), "").expect_problem(404, "not_found");
    ada.version(&new_id(), 1).expect_problem(404, "not_found");
    ada.in_workspace(&new_id()).list("").expect_problem(404, "not_found");
}
