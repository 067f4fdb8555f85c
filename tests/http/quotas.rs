//! Quotas, and the figures of a workspace (protocol §5).

use serde_json::{Value, json};

use crate::harness::{Database, TestServer, User, YjsEditor, create, delete, on_both_databases, update};

on_both_databases!(
    figures_are_those_of_what_is_stored,
    what_exceeds_a_quota_is_refused_by_itself,
    many_at_once_do_not_exceed_a_quota,
    a_user_has_one_quota_for_all_workspaces,
    sync_runs_are_summed_up,
    quotas_are_published,
);

fn statistics(user: &User) -> Value {
    user.get(&format!("/api/v1/workspaces/{}/stats", user.workspace_id)).expect(200).body
}

fn start(database: Database, quotas: &[(&str, &str)]) -> TestServer {
    let settings = [&[("LANDFALL_RATE_LIMIT", "off")], quotas].concat();
    TestServer::start_with(database, &settings)
}

fn figures_are_those_of_what_is_stored(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    ada.invite(&server.register("grace"), "viewer");
    let text = "0123456789";
    let first = ada.new_document("One", text);
    let second = ada.new_document("Two", text);
    ada.send(update("edit", &first).base(1).content("x")).expect_outcomes(["edit success v2"]);
    ada.send(delete("gone", &second).base(1)).expect_outcomes(["gone success v2"]);
    let figures = statistics(&ada);
    // A stored text has a byte more.
    assert_eq!((&figures["documents"], &figures["deleted_documents"]), (&json!(1), &json!(1)));
    assert_eq!((&figures["text_bytes"], &figures["yjs_bytes"]), (&json!(24), &json!(0)));
    assert_eq!((&figures["history_bytes"], &figures["members"]), (&json!(24), &json!(2)));
    assert_eq!((&figures["documents_left"], &figures["bytes_left"]), (&Value::Null, &Value::Null));
    // What is refused, rolled back, replayed or tried dry adds nothing.
    ada.send(update("late", &first).base(1).content("y")).expect(200);
    ada.batch().with(create("dry").content(text)).dry_run().send().expect(200);
    let failing = ada.batch().with(create("a").content(text)).with(update("b", &first).base(9).content("z")).atomic();
    assert!(failing.send().status >= 400);
    let twice = || ada.batch().device("laptop").with(create("once").content(text)).send().expect(200);
    twice();
    twice();
    assert_eq!(statistics(&ada)["text_bytes"], 35);
    let editor = YjsEditor::new(1);
    editor.insert(0, "hello");
    let before = editor.state().len();
    ada.new_yjs_document("Three", &editor);
    assert_eq!(statistics(&ada)["yjs_bytes"], before);
}

fn what_exceeds_a_quota_is_refused_by_itself(database: Database) {
    let quotas = [("LANDFALL_MAX_WORKSPACE_DOCUMENTS", "2"), ("LANDFALL_MAX_WORKSPACE_BYTES", "100")];
    let server = start(database, &quotas);
    let ada = server.register("ada");
    let three = ada.batch().with(create("a").content("x")).with(create("b").content("x")).with(create("c"));
    let answer = three.send().expect_outcomes(["a success v1", "b success v1", "c error quota_exceeded"]);
    assert_eq!(answer.result("c")["error"]["retryable"], false);
    let (a, b) = (answer.document_id("a"), answer.document_id("b"));
    assert_eq!((&statistics(&ada)["documents_left"], &statistics(&ada)["bytes_left"]), (&json!(0), &json!(96)));
    // Room that a batch makes is room for what comes after.
    ada.send(delete("gone", &b).base(1)).expect_outcomes(["gone success v2"]);
    ada.send(create("again").content("x")).expect_outcomes(["again success v1"]);
    ada.send(update("back", &b).base(2).restore().content("x")).expect_outcomes(["back error quota_exceeded v2"]);
    // Bytes: old versions count, a deletion always fits.
    let long = "y".repeat(94);
    ada.send(update("long", &a).base(1).content(&long)).expect_outcomes(["long error quota_exceeded v1"]);
    ada.send(update("fits", &a).base(1).content(&long[..90])).expect_outcomes(["fits success v2"]);
    ada.send(update("full", &a).base(2).content("zzz")).expect_outcomes(["full error quota_exceeded v2"]);
    ada.send(delete("rest", &a).base(2)).expect_outcomes(["rest success v3"]);
    // An atomic batch fails as a whole.
    let whole = ada.batch().with(create("d")).with(create("e")).with(create("f")).atomic();
    whole.send().expect_problem(422, "rolled_back");
}

fn many_at_once_do_not_exceed_a_quota(database: Database) {
    let server = start(database, &[("LANDFALL_MAX_WORKSPACE_DOCUMENTS", "10")]);
    let ada = server.register("ada");
    let made: usize = std::thread::scope(|scope| {
        let push = |writer: usize| {
            let ada = &ada;
            scope.spawn(move || {
                let made = |name: usize| ada.send(create(&format!("{writer}-{name}"))).outcomes();
                (0..5).flat_map(made).filter(|outcome| outcome.contains("success")).count()
            })
        };
        let writers: Vec<_> = (0..4).map(push).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    assert_eq!((made, &statistics(&ada)["documents"]), (10, &json!(10)));
}

fn a_user_has_one_quota_for_all_workspaces(database: Database) {
    let server = start(database, &[("LANDFALL_MAX_USER_DOCUMENTS", "2")]);
    let ada = server.register("ada");
    let team = ada.new_workspace("Team");
    let grace = team.invite(&server.register("grace"), "editor");
    ada.send(create("a")).expect_outcomes(["a success v1"]);
    // What grace writes into ada's workspace counts as ada's.
    grace.send(create("b")).expect_outcomes(["b success v1"]);
    for user in [&ada, &team, &grace] {
        user.send(create("c")).expect_outcomes(["c error quota_exceeded"]);
    }
    assert_eq!(statistics(&team)["documents_left"], 0);
    let own = User::login(server.client(), "grace");
    own.send(create("d")).expect_outcomes(["d success v1"]);
}

fn sync_runs_are_summed_up(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let id = ada.new_document("Notes", "one\n");
    let run = crate::harness::user::new_id();
    ada.put(&format!("/api/v1/syncs/{run}"), &json!({ "workspace_id": ada.workspace_id, "total": 3 })).expect(201);
    let batch = ada.batch().device("laptop").with(create("new")).with(update("stale", &id).base(9).content("x"));
    let batch = batch.with(update("other", &id).content("y"));
    let mut body = batch.body().clone();
    body["sync_id"] = json!(run);
    ada.post("/api/v1/documents/batch", &body).expect(200);
    let syncs = statistics(&ada)["syncs"].clone();
    assert_eq!((&syncs["runs"], &syncs["operations"], &syncs["failed"]), (&json!(1), &json!(3), &json!(1)), "{syncs}");
    assert_eq!((&syncs["conflicts"], &syncs["days"]), (&json!(0), &json!(30)), "{syncs}");
    assert!(syncs["median_duration_ms"].is_u64() && syncs["median_operations_per_s"].is_f64(), "{syncs}");
}

fn quotas_are_published(database: Database) {
    let server = start(database, &[("LANDFALL_MAX_USER_BYTES", "1000")]);
    let limits = server.client().get("/api/v1/limits").expect(200).body;
    assert_eq!((&limits["max_user_bytes"], &limits["max_workspace_bytes"]), (&json!(1000), &Value::Null));
}
