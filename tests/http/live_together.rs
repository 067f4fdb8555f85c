//! Many documents of one workspace that are typed into at the same moment: they are stored together, and what goes wrong with one
//! is its own affair.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::live::settings;
use crate::harness::user::new_id;
use crate::harness::{Database, TestServer, User, YjsEditor, delete, on_both_databases, update};
use crate::yjs_support::interop_directory;

on_both_databases!(
    what_is_typed_into_many_documents_is_stored_together,
    one_that_loses_its_race_one_that_is_deleted_and_one_whose_author_is_removed,
    one_that_is_too_large_for_the_workspace,
);

const KEYS: usize = 30;

/// The editors of one test, in a process.
struct Editors {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Editors {
    fn start(server: &TestServer, wanted: &[Value]) -> Self {
        let user = server.register("stranger");
        let mut child = Command::new("node")
            .arg(interop_directory().join("live/many.mjs"))
            .arg(Value::from(wanted).to_string())
            .envs(settings(server, &user, ""))
            .env("LANDFALL_WORKSPACE", wanted[0]["workspace"].as_str().unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node");
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        assert_eq!(line.trim(), "typing");
        Self { child, output }
    }

    /// What each has in the end.
    fn finish(mut self) -> Vec<Value> {
        drop(self.child.stdin.take());
        let lines: Vec<String> = self.output.lines().map_while(Result::ok).collect();
        assert!(self.child.wait().expect("a child").success());
        lines.iter().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn editor(user: &User, kind: &str) -> Value {
    json!({ "workspace": user.workspace_id, "kind": kind, "document": new_id(), "token": user.access_token, "keys": KEYS })
}

/// One who types until it is refused.
fn endless(user: &User) -> Value {
    let mut endless = editor(user, "y");
    endless.as_object_mut().unwrap().remove("keys");
    endless
}

fn document(editor: &Value) -> &str {
    editor["document"].as_str().unwrap()
}

fn assert_stored(user: &User, wanted: &[Value], said: &[Value]) {
    for (wanted, said) in wanted.iter().zip(said) {
        assert_eq!((&said["isSaved"], &said["closes"]), (&true.into(), &json!([])), "{said}");
        assert_eq!(user.read(document(wanted)).string("/content"), said["text"].as_str().unwrap());
        assert_eq!(said["text"].as_str().unwrap().chars().count(), KEYS);
    }
}

/// By two people: each version has its author, and can be undone by itself.
fn what_is_typed_into_many_documents_is_stored_together(database: Database) {
    let server = TestServer::start_with(database, &[("LANDFALL_RATE_LIMIT", "off")]);
    let ada = server.register("ada");
    let grace = ada.invite(&server.register("grace"), "editor");
    let wanted: Vec<Value> = (0..12).map(|n| editor([&ada, &grace][n % 2], ["y", "hocuspocus"][n / 2 % 2])).collect();
    let said = Editors::start(&server, &wanted).finish();
    assert_stored(&ada, &wanted, &said);
    let (mut moments, mut batches, mut versions) = (BTreeSet::new(), BTreeSet::new(), 0);
    for (n, wanted) in wanted.iter().enumerate() {
        for version in ada.versions(document(wanted), "&limit=100").expect(200).items() {
            assert_eq!(version["updated_by"], ["ada", "grace"][n % 2], "{version}");
            moments.insert(version["updated_at"].to_string());
            batches.insert(version["batch_id"].to_string());
            versions += 1;
        }
    }
    assert_eq!(batches.len(), versions, "each document's version is a batch of its own");
    assert!(moments.len() < versions, "{versions} versions, none of them committed with another one");
}

fn one_that_loses_its_race_one_that_is_deleted_and_one_whose_author_is_removed(database: Database) {
    let server = TestServer::start_with(database, &[("LANDFALL_RATE_LIMIT", "off")]);
    let ada = server.register("ada");
    let eve = ada.invite(&server.register("eve"), "editor");
    let mut wanted: Vec<Value> = (0..9).map(|n| editor(&ada, ["y", "hocuspocus"][n % 2])).collect();
    wanted.extend([&ada, &eve].map(endless));
    let (pushed, deleted, removed) = (document(&wanted[0]), document(&wanted[9]), document(&wanted[10]));
    let pusher = YjsEditor::new(5);
    for (id, title) in [(pushed, "pushed"), (deleted, "deleted"), (removed, "removed")] {
        let made = ada.send(crate::harness::create(title).id(id).title(title).yjs(&YjsEditor::new(6).state()));
        assert_eq!(made.result(title)["status"], "success", "{made}");
    }
    let editors = Editors::start(&server, &wanted);
    for n in 0..20 {
        let answer = ada.send(update(&format!("push {n}"), pushed).yjs(&pusher.insert(0, "p")).force());
        assert!(answer.outcomes()[0].contains("success"), "{answer}");
    }
    let gone = ada.send(delete("gone", deleted).force());
    assert!(gone.outcomes()[0].contains("success"), "{gone}");
    let path = format!("/api/v1/workspaces/{}/members/eve", ada.workspace_id);
    ada.request("DELETE", &path).send().expect(204);
    let said = editors.finish();
    assert_stored(&ada, &wanted[1..9], &said[1..9]);
    let text = ada.read(pushed).string("/content");
    assert_eq!((said[0]["isSaved"].as_bool(), said[0]["text"].as_str()), (Some(true), Some(text.as_str())));
    assert_eq!((text.matches('p').count(), text.chars().count()), (20, 20 + KEYS));
    assert_eq!(said[9]["closes"][0][0], 4410, "{said:?}");
    assert_eq!(said[10]["closes"][0][0], 4403, "{said:?}");
}

fn one_that_is_too_large_for_the_workspace(database: Database) {
    let settings = [("LANDFALL_RATE_LIMIT", "off"), ("LANDFALL_MAX_WORKSPACE_BYTES", "60000")];
    let server = TestServer::start_with(database, &settings);
    let ada = server.register("ada");
    let mut wanted: Vec<Value> = (0..8).map(|n| editor(&ada, ["y", "hocuspocus"][n % 2])).collect();
    wanted.push(endless(&ada));
    wanted[8]["paste"] = 60_000.into();
    let said = Editors::start(&server, &wanted).finish();
    assert_stored(&ada, &wanted[..8], &said[..8]);
    assert_eq!(said[8]["closes"][0][0], 4422, "{said:?}");
    assert!(!ada.read(document(&wanted[8])).string("/content").contains('x'));
}
