//! Live editing: the providers that people install (`y-websocket`, `@hocuspocus/provider`), unchanged, on the real server.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::reserved_port::ReservedPort;
use crate::harness::user::new_id;
use crate::harness::{Database, TestServer, User, create, delete, on_both_databases, update};
use crate::yjs_support::{interop_directory, node_with};

on_both_databases!(
    all_ways_into_a_document_are_one,
    who_is_cut_off_finds_together_again,
    nothing_saved_is_lost_by_kills,
    two_servers_are_one,
    tokens_and_strangers_are_refused,
    viewers_read_and_do_not_write,
    hostile_frames_close_their_own_socket,
    what_leans_on_unknown_changes_is_asked_for,
    saved_is_said_once_for_what_a_provider_counts,
    a_socket_has_so_many_documents_open,
    a_deleted_document_is_refused,
    a_plain_text_becomes_live,
    a_viewer_sees_a_plain_text,
    what_a_script_writes_is_not_typed_over,
    two_servers_make_one_state_of_a_text,
);

pub fn settings(server: &TestServer, user: &User, document: &str) -> Vec<(&'static str, String)> {
    vec![
        ("LANDFALL_URL", server.client().base_url()),
        ("LANDFALL_TOKEN", user.access_token.clone()),
        ("LANDFALL_WORKSPACE", user.workspace_id.clone()),
        ("LANDFALL_DOCUMENT", document.to_owned()),
    ]
}

pub fn run(server: &TestServer, user: &User, document: &str, script: &str, arguments: &[&str]) -> Vec<Value> {
    let settings = settings(server, user, document);
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
    let said = String::from_utf8(node_with(&format!("live/{script}"), &arguments, &settings, b"")).unwrap();
    said.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn assert_stored(user: &User, document: &str, said: &Value) {
    assert_eq!(user.read(document).string("/content"), said["text"].as_str().unwrap());
}

/// By both providers, several of each; what they typed is the document's text, and everybody saw everybody.
fn all_ways_into_a_document_are_one(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let document = new_id();
    let said = run(&server, &ada, &document, "type.mjs", &["2", "20", "y", "hocuspocus", "y", "hocuspocus"]);
    assert_stored(&ada, &document, &said[0]);
    assert_eq!(said[0]["closes"], serde_json::json!([]));
    // One author, no long pause: one entry for people, made of many versions.
    let versions = ada.read(&document).body["version"].as_i64().unwrap();
    let sessions = ada.versions(&document, "&group=session").expect(200);
    assert_eq!(sessions.items().len(), 1, "{sessions}");
    assert_eq!((&sessions.items()[0]["version"], &sessions.items()[0]["first_version"]), (&versions.into(), &1.into()));
    assert_eq!(ada.read(&document).string("/title"), document, "until somebody names it");
}

fn who_is_cut_off_finds_together_again(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let document = new_id();
    let said = run(&server, &ada, &document, "apart.mjs", &[]);
    assert_stored(&ada, &document, &said[0]);
}

/// Starts a script, and waits until its editors type.
pub fn start_typing(
    server: &TestServer,
    user: &User,
    document: &str,
    arguments: &[&str],
) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = Command::new("node")
        .arg(interop_directory().join("live/type.mjs"))
        .args(arguments)
        .envs(settings(server, user, document))
        .stdout(Stdio::piped())
        .spawn()
        .expect("node");
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    assert_eq!(line.trim(), "typing");
    (child, output)
}

pub fn finish(mut child: Child, output: BufReader<std::process::ChildStdout>) -> Value {
    let lines: Vec<String> = output.lines().map_while(Result::ok).collect();
    assert!(child.wait().expect("a child").success());
    serde_json::from_str(lines.iter().find(|line| line.starts_with('{')).expect("an answer")).unwrap()
}

/// The server is killed in the middle of typing, again and again, and starts where it was.
fn nothing_saved_is_lost_by_kills(database: Database) {
    let port = ReservedPort::take();
    let address = port.address().to_string();
    let mut server = TestServer::start_with(database, &[("LANDFALL_RATE_LIMIT", "off"), ("LANDFALL_LISTEN", &address)]);
    let ada = server.register("ada");
    let document = new_id();
    let (child, output) = start_typing(&server, &ada, &document, &["5", "20", "y", "hocuspocus", "y"]);
    for pause in [700, 350, 910] {
        std::thread::sleep(Duration::from_millis(pause));
        server.kill();
        server.restart();
    }
    let said = finish(child, output);
    assert_stored(&ada, &document, &said);
}

/// Texts and cursors reach the editors of the other server.
fn two_servers_are_one(database: Database) {
    if database == Database::Sqlite {
        return;
    }
    let server = TestServer::start(database);
    let beside = server.start_beside();
    let ada = server.register("ada");
    let document = new_id();
    let there = |kind: &str| format!("{kind}@{}", beside.client().base_url());
    let kinds = ["y", &there("hocuspocus"), &there("y"), "hocuspocus"];
    let said = run(&server, &ada, &document, "type.mjs", &[&["2", "10"][..], &kinds].concat());
    assert_stored(&ada, &document, &said[0]);
    assert_stored(&beside.welcome(&ada), &document, &said[0]);
}

fn tokens_and_strangers_are_refused(database: Database) {
    let server = TestServer::start(database);
    let (ada, eve) = (server.register("ada"), server.register("eve"));
    let document = new_id();
    let said = run(&server, &ada, &document, "refused.mjs", &["token", "nonsense", &document]);
    assert_eq!((&said[0]["code"], &said[0]["again"]), (&4401.into(), &1.into()), "{said:?}");
    let said = run(&server, &ada, &document, "refused.mjs", &["foreign", &eve.access_token, &document]);
    assert_eq!((&said[0]["code"], &said[0]["again"]), (&4404.into(), &1.into()), "{said:?}");
    assert!(!server.log().contains(&eve.access_token) && !server.log().contains("nonsense"));
}

fn viewers_read_and_do_not_write(database: Database) {
    let server = TestServer::start(database);
    let (ada, eve) = (server.register("ada"), server.register("eve"));
    let eve = ada.invite(&eve, "viewer");
    let document = new_id();
    let made = ada.send(create("made").id(&document).yjs(&[0, 0]));
    assert_eq!(made.result("made")["status"], "success", "{made}");
    let said = run(&server, &ada, &document, "refused.mjs", &["viewer", &eve.access_token, &document]);
    assert_eq!(said[0]["owner"], "yes");
    assert_eq!(said[0]["unsynced"], true, "a viewer's change is never reported as saved");
    assert_eq!(said[0]["closes"], serde_json::json!([]));
    assert_eq!(ada.read(&document).string("/content"), "yes");
}

fn hostile_frames_close_their_own_socket(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let document = new_id();
    let said = run(&server, &ada, &document, "refused.mjs", &["hostile", "", &document]);
    for unreadable in ["nothing", "unknown", "cut", "text"] {
        assert_eq!(said[0][unreadable][0], 4400, "{unreadable}: {said:?}");
    }
    for refused in ["invalid", "vector"] {
        assert_eq!(said[0][refused][0], 4422, "{refused}: {said:?}");
    }
    assert_eq!(said[1]["closes"], serde_json::json!([]));
    assert_eq!(ada.read(&document).string("/content"), "x");
}

fn what_leans_on_unknown_changes_is_asked_for(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let document = new_id();
    run(&server, &ada, &document, "refused.mjs", &["incomplete", "", &document]);
    assert_eq!(ada.read(&document).string("/content"), "ab");
}

/// Once for what was typed offline, however many updates it comes in; for each change after that; also after the server has asked
/// for what it lacked.
fn saved_is_said_once_for_what_a_provider_counts(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    for (what, text) in [("queued", "abcde"), ("again", "abcd"), ("twice", "cba")] {
        let document = new_id();
        let said = run(&server, &ada, &document, "counts.mjs", &[what]);
        assert_eq!(said[0]["text"], text, "{what}");
        assert_stored(&ada, &document, &said[0]);
    }
}

/// Close code 4429, which Hocuspocus' provider receives as a refusal of that document alone.
fn a_socket_has_so_many_documents_open(database: Database) {
    let server = TestServer::start_with(database, &[("LANDFALL_RATE_LIMIT", "off")]);
    let ada = server.register("ada");
    let limits = server.client().get("/api/v1/limits").expect(200);
    let most = limits.body["live"]["max_socket_documents"].as_u64().unwrap().to_string();
    let said = run(&server, &ada, &new_id(), "refused.mjs", &["documents", &most]);
    assert_eq!(said[0]["denied"], serde_json::json!(["this socket has as many documents open as it may"]));
    assert_eq!((&said[0]["isSynced"], &said[0]["still"]), (&false.into(), &true.into()));
}

fn a_deleted_document_is_refused(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let document = ada.new_document("Gone", "words");
    ada.send(delete("gone", &document).force());
    let said = run(&server, &ada, &document, "refused.mjs", &["foreign", &ada.access_token, &document]);
    assert_eq!((&said[0]["code"], &said[0]["again"]), (&4410.into(), &1.into()), "{said:?}");
}

/// By the first who may write it; whoever sends texts goes on as before.
fn a_plain_text_becomes_live(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    let document = ada.new_document("Plain", "one\nzwölf\n");
    let said = run(&server, &ada, &document, "type.mjs", &["1", "5", "y", "hocuspocus"]);
    assert_eq!(said[0]["closes"], serde_json::json!([]));
    assert_stored(&ada, &document, &said[0]);
    let text = said[0]["text"].as_str().unwrap();
    let typed = |text: &str| text.chars().filter(|key| ('\u{4e00}'..='\u{9fff}').contains(key)).count();
    let rest = |text: &str| text.chars().filter(|key| !('\u{4e00}'..='\u{9fff}').contains(key)).collect::<String>();
    assert_eq!((typed(text), rest(text)), (10, "one\nzwölf\n".to_owned()), "the text was there once");
    assert_eq!(ada.version(&document, 2).expect(200).string("/content"), "one\nzwölf\n", "seeding changes no text");
    // An editor of texts that was offline since before.
    let offline = update("offline", &document).base(1).content("one\nzwölf\nthree\n");
    let answer = ada.send(offline);
    assert!(answer.outcomes()[0].starts_with("offline success"), "{answer}");
    let now = ada.read(&document).string("/content");
    assert_eq!((typed(&now), rest(&now)), (10, "one\nzwölf\nthree\n".to_owned()));
}

/// Without writing anything, and also after having been away.
fn a_viewer_sees_a_plain_text(database: Database) {
    let server = TestServer::start(database);
    let (ada, eve) = (server.register("ada"), server.register("eve"));
    let eve = ada.invite(&eve, "viewer");
    let document = ada.new_document("Plain", "one\n");
    let said = run(&server, &ada, &document, "plain.mjs", &["viewer", &eve.access_token, &document]);
    assert_eq!(said[0]["version"], 2, "looking on makes no version: {said:?}");
    assert_eq!(said[0]["closes"], serde_json::json!([]));
    assert_stored(&ada, &document, &said[0]);
}

fn what_a_script_writes_is_not_typed_over(database: Database) {
    let server = TestServer::start(database);
    let ada = server.register("ada");
    for _ in 0..5 {
        let document = ada.new_document("Empty", "");
        let said = run(&server, &ada, &document, "plain.mjs", &["script", "", &document]);
        assert_stored(&ada, &document, &said[0]);
    }
}

fn two_servers_make_one_state_of_a_text(database: Database) {
    if database == Database::Sqlite {
        return;
    }
    let server = TestServer::start(database);
    let beside = server.start_beside();
    let ada = server.register("ada");
    let there = format!("y@{}", beside.client().base_url());
    for n in 0..3 {
        let document = ada.new_document("Plain", "words");
        let said = run(&server, &ada, &document, "type.mjs", &["1", "2", "y", &there, "hocuspocus", &there]);
        assert_stored(&ada, &document, &said[0]);
        let text = said[0]["text"].as_str().unwrap();
        let rest: String = text.chars().filter(char::is_ascii).collect();
        assert_eq!((rest.as_str(), text.chars().count()), ("words", 13), "{n}");
    }
}
