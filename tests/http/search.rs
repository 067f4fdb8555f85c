//! Searching a workspace (protocol §2.1).

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::access::administer;
use crate::harness::{Answer, Database, TestServer, User, YjsEditor, create, delete, on_both_databases, update};
use crate::yjs_support::hand::{self, in_item, in_root};

on_both_databases!(
    words_prefixes_and_phrases_are_found,
    titles_come_first_and_then_what_changed_last,
    case_accents_and_scripts_make_no_difference,
    any_query_is_answered,
    pages_hold_everything_once,
    changes_are_found_soon_and_deletions_at_once,
    yjs_documents_are_found_by_their_text,
    nothing_of_another_workspace_is_found,
    a_killed_server_forgets_nothing,
    the_index_can_be_made_anew,
    a_deleted_workspace_leaves_nothing_in_the_index,
    wrong_parameters_are_named,
);

/// How long a change may take to be found where nothing is promised.
const PATIENCE: Duration = Duration::from_secs(60);
/// After a commit, unless the machine is busy.
const PROMISED: Duration = Duration::from_secs(2);

/// A query as a part of a path.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn search(user: &User, query: &str, more: &str) -> Answer {
    let path = format!("/api/v1/documents/search?workspace_id={}&q={}{more}", user.workspace_id, encoded(query));
    user.get(&path)
}

/// The titles of what is found.
fn found(user: &User, query: &str) -> Vec<String> {
    let page = search(user, query, "").expect(200);
    page.column("title").iter().map(|title| title.as_str().unwrap().to_owned()).collect()
}

/// Waits until a query finds what it should; for how long.
#[track_caller]
fn expect_found(user: &User, query: &str, titles: &[&str]) -> Duration {
    let started = Instant::now();
    while found(user, query) != titles {
        assert!(started.elapsed() < PATIENCE, "{query}: {:?}, not {titles:?}", found(user, query));
        std::thread::sleep(Duration::from_millis(20));
    }
    started.elapsed()
}

/// A snippet with `[` and `]` around its marks.
fn marked(hit: &Value) -> String {
    let show = |stretch: &Value| {
        let text = stretch["text"].as_str().unwrap();
        if stretch["mark"] == true { format!("[{text}]") } else { text.to_owned() }
    };
    hit["snippet"].as_array().unwrap().iter().map(show).collect()
}

/// Rows that Postgres has read by an index, once its counters are current.
fn rows_read(server: &TestServer, index: &str, is_current: impl Fn(i64) -> bool) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Read {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        rows: i64,
    }
    let started = Instant::now();
    loop {
        let mut connection = server.connect_postgres();
        let rows = "SELECT idx_tup_read AS rows FROM pg_stat_user_indexes WHERE indexrelname = $1";
        let rows = diesel::sql_query(rows).bind::<diesel::sql_types::Text, _>(index);
        let read: Read = diesel::RunQueryDsl::get_result(rows, &mut connection).unwrap();
        if is_current(read.rows) {
            return read.rows;
        }
        assert!(started.elapsed() < PATIENCE, "{index}: {}", read.rows);
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn postgres_reads_a_few_of_many_documents_for_a_page() {
    const DOCUMENTS: i64 = 4_000;
    let server = TestServer::start(Database::Postgres);
    let ada = server.register("ada");
    for batch in 0..DOCUMENTS / 100 {
        let titled = |number| create(&format!("op{number}")).title(&format!("Note {batch} {number}")).content("milk");
        ada.batch().with_all((0..100).map(titled)).send().expect(200);
    }
    let last = format!("Note {} 99", DOCUMENTS / 100 - 1);
    expect_found(&ada, &last, &[&last]);
    // The connections that wrote and indexed have told what they read when they have been idle for a second.
    std::thread::sleep(Duration::from_secs(3));
    let all = rows_read(&server, "documents_pkey", |_| true);
    let newest = rows_read(&server, "documents_by_sequence", |_| true);
    assert_eq!(found(&ada, "milk").len(), 20);
    rows_read(&server, "documents_by_sequence", |rows| rows > newest);
    let read = rows_read(&server, "documents_pkey", |_| true) - all;
    assert!(read < DOCUMENTS / 4, "{read} documents were read by their names");
}

fn words_prefixes_and_phrases_are_found(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    ada.new_document("Groceries", "oat milk\nbread and six eggs\n");
    ada.new_document("Plans", "Buy bread, then milk the cow.\n");
    expect_found(&ada, "bread", &["Plans", "Groceries"]);
    for (query, titles) in [
        ("milk eggs", vec!["Groceries"]),
        ("gro", vec!["Groceries"]),
        ("brea mil", vec!["Plans", "Groceries"]),
        ("\"oat milk\"", vec!["Groceries"]),
        ("\"milk oat\"", vec![]),
        ("\"milk bread\"", vec!["Groceries"]),
        ("milk -cow", vec!["Groceries"]),
        ("milk -\"six eggs\"", vec!["Plans"]),
        ("\"mil\"", vec![]),
        ("nothing", vec![]),
        ("-milk", vec![]),
        ("", vec![]),
    ] {
        assert_eq!(found(&ada, query), titles, "{query}");
    }
    let page = search(&ada, "\"six eggs\" oat", "").expect(200);
    assert_eq!(marked(&page.items()[0]), "[oat] milk\nbread and [six eggs]\n");
    assert_eq!((page.items()[0]["version"].as_i64(), page.body["has_more"].as_bool()), (Some(1), Some(false)));
}

fn titles_come_first_and_then_what_changed_last(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let first = ada.new_document("Bread and butter", "one\n");
    ada.new_document("Bread", "butter\n");
    ada.new_document("Shopping", "bread and butter\n");
    let last = ada.new_document("Cooking", "butter the bread\n");
    expect_found(&ada, "bread butter", &["Bread and butter", "Bread", "Cooking", "Shopping"]);
    ada.new_document("Eating", "bread, butter\n");
    ada.send(update("later", &first).base(1).content("two\n")).expect_outcomes(["later success v2"]);
    expect_found(&ada, "bread butter", &["Bread and butter", "Bread", "Eating", "Cooking", "Shopping"]);
    ada.send(update("renamed", &last).base(1).title("Butter, bread"));
    expect_found(&ada, "bread butter", &["Butter, bread", "Bread and butter", "Bread", "Eating", "Shopping"]);
}

fn case_accents_and_scripts_make_no_difference(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    for (title, text) in [
        ("French", "Le CAFÉ est à l'angle de la rue."),
        ("German", "Die Straße nach Århus"),
        ("Greek", "Η ΟΔΟΣ είναι μεγάλη"),
        ("Russian", "Ещё одна ёлка"),
        ("Chinese", "我们在东京都的手机商店"),
        ("Japanese", "ﾃﾞｰﾀﾍﾞｰｽを使う"),
        ("Korean", "한국어를 공부합니다"),
        ("Thai", "ภาษาไทยง่าย"),
        ("Arabic", "السَّلَامُ عَلَيْكُمْ"),
    ] {
        ada.new_document(title, text);
    }
    expect_found(&ada, "السلام", &["Arabic"]);
    for (query, title) in [
        ("cafe", "French"),
        ("CAFE\u{301}", "French"),
        ("strasse arhus", "German"),
        ("STRAẞE", "German"),
        ("οδος", "Greek"),
        ("μεγαλη", "Greek"),
        ("еще елка", "Russian"),
        ("东京", "Chinese"),
        ("京都的", "Chinese"),
        ("机", "Chinese"),
        ("手机 东京", "Chinese"),
        ("データベース", "Japanese"),
        ("ベース", "Japanese"),
        ("한국어", "Korean"),
        ("\u{1112}\u{1161}\u{11ab}국", "Korean"),
        ("ไทย", "Thai"),
    ] {
        assert_eq!(found(&ada, query), [title], "{query}");
    }
    assert_eq!(marked(&search(&ada, "京都", "").items()[0]), "我们在东[京都]的手机商店");
    for query in ["京东", "机手", "カフェ"] {
        assert!(found(&ada, query).is_empty(), "{query}");
    }
}

fn any_query_is_answered(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    ada.new_document("Near", "column filter: one AND two, NOT near*\n");
    expect_found(&ada, "filter", &["Near"]);
    for query in [
        "\"column filter",
        "column:filter",
        "filter AND NOT",
        "NEAR(column filter, 2)",
        "(((column",
        "^column + filter*",
        "'column' & !!'filter':*A",
        "column <-> filter | \\",
        "{column filter} : one",
        "one\0two",
        "';DROP TABLE search_entries;--",
        "%_ \u{202e}one\u{2028}",
    ] {
        let answer = search(&ada, query, "");
        assert_eq!(answer.status, 200, "{query}: {answer}");
    }
    assert_eq!(found(&ada, "\"column filter"), ["Near"]);
    assert_eq!(found(&ada, "column:filter"), ["Near"]);
    assert_eq!(found(&ada, "(((column"), ["Near"]);
    assert_eq!(found(&ada, "one\0two"), Vec::<String>::new());
    assert_eq!(found(&ada, &"near ".repeat(200)), ["Near"]);
    search(&ada, &"a".repeat(1_001), "").expect_problem(400, "bad_request");
    // A megabyte is refused before it is read as a request, and the server goes on.
    let path = format!("/api/v1/documents/search?workspace_id={}&q={}", ada.workspace_id, "a".repeat(1 << 20));
    let refused = answer_to(&server, &format!("GET {path} HTTP/1.1\r\nhost: here\r\n\r\n"));
    assert!(refused.is_empty() || refused.starts_with("HTTP/1.1 4"), "{refused}");
    assert_eq!(found(&ada, "filter"), ["Near"]);
}

/// What comes back for these bytes, until the server closes the connection.
fn answer_to(server: &TestServer, request: &str) -> String {
    let address = server.client().base_url();
    let mut stream = TcpStream::connect(address.strip_prefix("http://").unwrap()).unwrap();
    // The server may have closed it before all is written.
    let _written = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _read = stream.take(1_024).read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn pages_hold_everything_once(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    for batch in 0..3 {
        let creates = (0..50).map(|number| {
            let number = batch * 50 + number;
            let title = if number % 7 == 0 { format!("Needle {number}") } else { format!("Hay {number}") };
            create(&format!("op{number}")).title(&title).content(&format!("needle in the hay {number}\n"))
        });
        ada.batch().with_all(creates).send().expect(200);
    }
    expect_found(&ada, "149", &["Hay 149"]);
    let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = search(&ada, "needle", &format!("&limit=40&cursor={cursor}")).expect(200);
        seen.extend(page.column("title").iter().map(|title| title.as_str().unwrap().to_owned()));
        pages += 1;
        // What changes between two pages may be missed or come again in its new place; nothing else is.
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
        assert_eq!(page.body["has_more"], true);
    }
    assert_eq!((seen.len(), seen.iter().collect::<BTreeSet<_>>().len(), pages), (150, 150, 4));
    assert!(seen.iter().take(22).all(|title| title.starts_with("Needle")), "{seen:?}");
    assert_eq!(&seen[..3], ["Needle 147", "Needle 140", "Needle 133"]);
    // The cursor of one search is none of another.
    search(&ada, "hay", &format!("&cursor={cursor}")).expect_problem(400, "bad_request");
    // Candidates that do not answer: only one document has the phrase.
    assert_eq!(found(&ada, "\"hay 77\""), ["Needle 77"]);
}

fn changes_are_found_soon_and_deletions_at_once(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "alpha\n");
    expect_found(&ada, "alpha", &["Notes"]);
    ada.send(update("edit", &id).base(1).content("beta\n")).expect_outcomes(["edit success v2"]);
    // What is no longer there is not found, be it in the index still.
    assert!(found(&ada, "alpha").is_empty());
    expect_found(&ada, "beta", &["Notes"]);
    assert_eq!(search(&ada, "beta", "").items()[0]["version"], 2);
    ada.send(update("title", &id).base(2).title("Renamed")).expect_outcomes(["title success v3"]);
    expect_found(&ada, "renamed", &["Renamed"]);
    ada.send(delete("gone", &id).base(3)).expect_outcomes(["gone success v4"]);
    assert!(found(&ada, "beta").is_empty());
    let again = ada.send(update("again", &id).base(3).restore().title("Back").content("beta\n"));
    assert_eq!(again.result("again")["status"], "success", "{again}");
    expect_found(&ada, "beta", &["Back"]);
    // An edit that is committed while others are.
    for number in 0..20 {
        ada.new_document(&format!("Number {number}"), &format!("word{number}\n"));
    }
    expect_found(&ada, "word19", &["Number 19"]);
    // The quickest of some, since a machine that does other things delays any of them.
    let quickest = (0..10).map(|number| {
        ada.new_document(&format!("Soon {number}"), &format!("soon{number}x\n"));
        expect_found(&ada, &format!("soon{number}x"), &[&format!("Soon {number}")])
    });
    let quickest = quickest.min().unwrap();
    assert!(quickest < PROMISED, "{quickest:?}");
}

fn yjs_documents_are_found_by_their_text(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let editor = YjsEditor::new(1);
    editor.insert(0, "typed by hand\n");
    let id = ada.new_yjs_document("Live", &editor);
    ada.send(update("typed", &id).yjs(&editor.insert(0, "zebra "))).expect_outcomes(["typed success v2 merged"]);
    expect_found(&ada, "zebra", &["Live"]);
    assert_eq!(marked(&search(&ada, "\"zebra typed\"", "").items()[0]), "[zebra typed] by hand\n");
    // Rich text: the words of a paragraph.
    let paragraph = vec![
        in_root("content", &hand::element("paragraph")),
        in_item((1, 0), &[7, 6]),
        in_item((1, 1), &hand::text("giraffe")),
    ];
    let made = ada.send(create("rich").title("Rich").yjs(&hand::update(&[(1, 0, paragraph)], &[])));
    assert_eq!(made.result("rich")["status"], "success", "{made}");
    expect_found(&ada, "giraffe", &["Rich"]);
}

fn nothing_of_another_workspace_is_found(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let grace = server.register("grace");
    ada.new_document("Secret", "treasure island\n");
    grace.new_document("Own", "treasure chest\n");
    expect_found(&ada, "treasure", &["Secret"]);
    expect_found(&grace, "treasure", &["Own"]);
    assert!(found(&grace, "island").is_empty());
    search(&grace.in_workspace(&ada.workspace_id), "treasure", "").expect_problem(404, "not_found");
    let nowhere = grace.in_workspace("0199f3a0-7e57-7000-8000-000000000001");
    search(&nowhere, "treasure", "").expect_problem(404, "not_found");
    let cursor = |user: &User| {
        user.new_document("More", "treasure\n");
        expect_found(user, "\"treasure\"", &["More", if user.username == "ada" { "Secret" } else { "Own" }]);
        search(user, "treasure", "&limit=1").expect(200).string("/next_cursor")
    };
    search(&grace, "treasure", &format!("&cursor={}", cursor(&ada))).expect_problem(400, "bad_request");
    let viewer = ada.invite(&grace, "viewer");
    assert_eq!(found(&viewer, "island"), ["Secret"]);
    ada.delete(&format!("/api/v1/workspaces/{}/members/grace", ada.workspace_id)).expect(204);
    search(&viewer, "island", "").expect_problem(404, "not_found");
    // Two workspaces of one person, too.
    let other = ada.new_workspace("Other");
    other.new_document("Elsewhere", "island\n");
    expect_found(&other, "island", &["Elsewhere"]);
    assert_eq!(found(&ada, "island"), ["Secret"]);
}

fn a_killed_server_forgets_nothing(database: Database) {
    let mut server = TestServer::start(database);
    let ada = server.register("ada");
    let creates = (0..100).map(|number| create(&format!("op{number}")).content(&format!("kept{number} everywhere\n")));
    ada.batch().with_all(creates).send().expect(200);
    // Before the index can have taken them in.
    server.kill();
    server.restart();
    let ada = server.welcome(&ada);
    expect_found(&ada, "kept99", &["Untitled"]);
    for number in 0..100 {
        assert_eq!(found(&ada, &format!("\"kept{number}\"")).len(), 1, "{number}");
    }
}

fn the_index_can_be_made_anew(database: Database) {
    let mut server = TestServer::start(database);
    let ada = server.register("ada");
    let editor = YjsEditor::new(1);
    editor.insert(0, "zebra\n");
    let id = ada.new_yjs_document("Live", &editor);
    ada.send(update("typed", &id).yjs(&editor.insert(0, "giraffe "))).expect_outcomes(["typed success v2 merged"]);
    let gone = ada.new_document("Gone", "zebra\n");
    expect_found(&ada, "zebra", &["Gone", "Live"]);
    ada.send(delete("delete", &gone).base(1));
    server.execute_sql("DELETE FROM search_entries");
    assert!(found(&ada, "zebra").is_empty());
    // Beside a running server, and without one.
    let says = administer(&server, &["admin", "repair", "--search"]);
    assert!(says.contains("is complete"), "{says}");
    expect_found(&ada, "giraffe zebra", &["Live"]);
    assert!(server.stop().success());
    let says = administer(&server, &["admin", "repair", "--search"]);
    assert!(says.contains("is complete"), "{says}");
    server.restart();
    assert_eq!(found(&server.welcome(&ada), "giraffe zebra"), ["Live"]);
}

fn a_deleted_workspace_leaves_nothing_in_the_index(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let other = ada.new_workspace("Other");
    other.new_document("Notes", "zebra\n");
    expect_found(&other, "zebra", &["Notes"]);
    let says = administer(&server, &["admin", "workspace", "delete", &other.workspace_id, "--yes", "Other"]);
    assert!(says.contains("deleted"), "{says}");
    search(&other, "zebra", "").expect_problem(404, "not_found");
    for table in ["search_entries", "search_progress"] {
        // A row would make this statement fail on both databases.
        server.execute_sql(&format!(
            "CREATE TABLE left_in_{table} (one INTEGER CHECK (one = 0)); \
             INSERT INTO left_in_{table} SELECT 1 FROM {table} WHERE {} LIMIT 1; DROP TABLE left_in_{table}",
            workspace_is(&server, &other.workspace_id)
        ));
    }
}

fn workspace_is(server: &TestServer, workspace_id: &str) -> String {
    match server.postgres() {
        Some(_) => format!("workspace_id = '{workspace_id}'"),
        None => format!("workspace_id = X'{}'", workspace_id.replace('-', "")),
    }
}

fn wrong_parameters_are_named(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let base = format!("/api/v1/documents/search?workspace_id={}", ada.workspace_id);
    for (query, name) in [
        (String::new(), "q"),
        ("&q=a&limit=0".to_owned(), "limit"),
        ("&q=a&limit=101".to_owned(), "limit"),
        ("&q=a&cursor=made-up".to_owned(), "cursor"),
    ] {
        let refused = ada.get(&format!("{base}{query}")).expect_problem(400, "bad_request");
        assert!(refused.string("/detail").contains(name), "{refused}");
    }
}
