//! A server that was restored from a backup: the cases of `tests/client_rules/restore.json`, all at once, on one folder.

use std::collections::BTreeSet;

use serde_json::Value;

use super::place::{Desk, Place};
use crate::harness::server::run_program;
use crate::harness::{Database, on_both_databases};

on_both_databases!(what_a_restored_server_does_not_know_is_kept_and_offered);

/// A case of the rule, in a file of its own.
struct Case {
    name: String,
    path: String,
    local: String,
    version: u64,
    server: String,
    server_version: u64,
    outcome: String,
}

impl Case {
    /// The version up to which the device and the backup have the same history.
    fn shared_version(&self) -> u64 {
        match &self.server[..] {
            "absent" => 0,
            _ => self.version.min(self.server_version),
        }
    }

    /// The text of a version.
    fn text(&self, version: u64) -> String {
        (1..=version).map(|n| format!("version {n} of {}\n", self.path)).collect()
    }

    /// The text that the device has when it meets the restored server.
    fn local_text(&self) -> String {
        let edit = if self.local == "edited" { "edited\n" } else { "" };
        self.text(self.version) + edit
    }
}

fn cases() -> Vec<Case> {
    let file: Value = serde_json::from_str(include_str!("../client_rules/restore.json")).unwrap();
    let known = ["name", "only", "why", "local", "version", "server", "server_version", "outcome"];
    let mut names = BTreeSet::new();
    let all = file["cases"].as_array().unwrap();
    for case in all {
        assert!(case.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{case}");
        assert!(names.insert(case["name"].to_string()), "two cases are named {case}");
    }
    let text = |case: &Value, key: &str| case[key].as_str().unwrap().to_owned();
    let of = |(n, case): (usize, &Value)| Case {
        name: text(case, "name"),
        path: format!("case {n}.md"),
        local: text(case, "local"),
        version: case["version"].as_u64().unwrap(),
        server: text(case, "server"),
        server_version: case["server_version"].as_u64().unwrap_or(0),
        outcome: text(case, "outcome"),
    };
    all.iter().filter(|case| case["only"] != "typescript").enumerate().map(of).collect()
}

/// Writes every file at each of its versions in this range, with a push for each version.
fn write_versions(place: &Place, cases: &[Case], range: impl Fn(&Case) -> std::ops::Range<u64>) {
    for version in 1..=10 {
        let due: Vec<&Case> = cases.iter().filter(|case| range(case).contains(&version)).collect();
        for case in &due {
            place.write(&case.path, case.text(version));
        }
        if !due.is_empty() {
            place.run(&["push"]).expect(0);
        }
    }
}

fn what_a_restored_server_does_not_know_is_kept_and_offered(database: Database) {
    if database == Database::Postgres {
        // `landfall admin restore` is SQLite's; the protocol's side is tested on both.
        return;
    }
    let cases = cases();
    let mut desk = Desk::restartable();
    let (place, other) = (desk.place(), desk.place());
    place.write("other.md", "there all the time\n");
    place.sync();
    write_versions(&place, &cases, |case| 1..case.shared_version() + 1);
    place.sync();
    other.sync();
    write_versions(&other, &cases, |case| match &case.server[..] {
        "live" => case.version + 1..case.server_version + 1,
        _ => 0..0,
    });
    for case in cases.iter().filter(|case| case.server == "tombstone") {
        other.delete(&case.path);
    }
    other.sync();

    let data = desk.server.data_directory().to_owned();
    let backup = tempfile::tempdir().unwrap();
    let file = backup.path().join("backup").display().to_string();
    let admin = |arguments: &[&str]| {
        let settings = [("LANDFALL_DATA_DIR", data.to_str().unwrap())];
        let (status, _, complaint) = run_program(&[&["admin"], arguments].concat(), &settings);
        assert!(status.success(), "{complaint}");
    };
    admin(&["backup", &file]);
    write_versions(&place, &cases, |case| case.shared_version() + 1..case.version + 1);
    assert!(desk.server.stop().success());
    admin(&["restore", &file]);
    desk.server.restart();

    for case in &cases {
        match &case.local[..] {
            "deleted" => place.delete(&case.path),
            "edited" => place.write(&case.path, case.local_text()),
            _ => {}
        }
    }
    // It asks about what was lost.
    place.run(&["sync"]).expect(4);
    let documents = desk.documents();
    for case in &cases {
        let there = documents.get(&case.path).map(|texts| texts[0].clone());
        let here = place.has(&case.path).then(|| place.read(&case.path));
        let local = (case.local != "deleted").then(|| case.local_text());
        match &case.outcome[..] {
            "offered" => {
                assert_eq!(here, local, "{}", case.name);
                let backed_up = (case.server == "live").then(|| case.text(case.server_version));
                assert_eq!(there, backed_up, "{}: nothing is sent unasked", case.name);
            }
            "kept" => assert_eq!((&here, &there), (&local, &local), "{}", case.name),
            "pushed" => assert_eq!(there, local, "{}", case.name),
            "deleted" => assert_eq!((here, there), (None, None), "{}", case.name),
            "pulled" => assert_eq!(here, Some(case.text(case.server_version)), "{}", case.name),
            outcome => panic!("{}: no outcome is called {outcome}", case.name),
        }
    }
    place.run(&["keep"]).expect(0);
    place.sync();
    let documents = desk.documents();
    for case in cases.iter().filter(|case| case.outcome == "offered") {
        assert_eq!(documents[&case.path], [case.local_text()], "{}", case.name);
        assert_eq!(place.read(&case.path), case.local_text(), "{}", case.name);
    }
    place.run(&["verify"]).expect(0);
}
