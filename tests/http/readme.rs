//! What the README promises: its commands work when pasted, and its table knows every setting.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harness::{Database, TestServer, on_both_databases};

const README: &str = include_str!("../../README.md");

on_both_databases!(the_quick_start_works_when_pasted);

/// The shell block of the section `heading`.
fn shell_block(heading: &str) -> &'static str {
    let (_, section) = README.split_once(heading).expect("the section");
    let (_, block) = section.split_once("```sh\n").expect("a block");
    block.split("```").next().expect("an end")
}

fn the_quick_start_works_when_pasted(database: Database) {
    let server = TestServer::start(database);
    let script = shell_block("## Try it").replace("http://127.0.0.1:7001", &server.client().base_url());
    let output = Command::new("bash").arg("-euc").arg(&script).stdin(Stdio::null()).output().expect("bash");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let [first, second, replayed, phone, laptop, tablet, plans, groceries, dreams] = lines.as_slice() else {
        panic!("{text}")
    };
    assert_eq!((&first["status"], &second["status"]), (&"success".into(), &"success".into()));
    assert_eq!(replayed["replayed"], 2);
    assert_eq!((&phone["status"], &phone["version"]), (&"success".into(), &2.into()));
    assert_eq!((&laptop["merged"], &laptop["server"]), (&true.into(), &"oat milk\nbread\nsix eggs\n".into()));
    assert_eq!((&tablet["status"], &tablet["error"]["code"]), (&"conflict".into(), &"version_mismatch".into()));
    assert_eq!(*plans, json!({ "title": "Plans", "version": 1 }));
    assert_eq!(*groceries, json!({ "title": "Groceries", "version": 3 }));
    assert_eq!(*dreams, json!({ "successful": 1, "missed": 0 }));
}

#[test]
fn the_table_knows_every_setting_and_no_other() {
    let names = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
        words.filter(|word| word.starts_with("LANDFALL_")).map(str::to_owned).collect()
    };
    let (_, table) = README.split_once("## Configuration").expect("the section");
    let (table, _) = table.split_once("\n## ").expect("the next section");
    let (server, client) =
        (include_str!("../../src/config/options.rs"), include_str!("../../src/client/credentials.rs"));
    assert_eq!(names(table), names(server).union(&names(client)).cloned().collect::<BTreeSet<_>>());
}
