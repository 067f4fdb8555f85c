//! `landfall undo` and `landfall revert`, with the real server behind them.

use std::thread;
use std::time::Duration;

use super::place::{Desk, Place};
use crate::harness::{Database, on_both_databases};

on_both_databases!(
    the_last_sync_is_undone,
    files_go_back_to_a_time,
    a_mass_change_needs_a_word,
    what_cannot_be_taken_back_is_listed,
);

/// Now, by the server's clock, which is this machine's; what is written next is later.
fn now() -> String {
    thread::sleep(Duration::from_millis(2));
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    thread::sleep(Duration::from_millis(2));
    now
}

fn texts(place: &Place) -> Vec<(String, String)> {
    let files = place.files().into_iter();
    files.map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap())).collect()
}

fn the_last_sync_is_undone(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = (desk.place(), desk.place());
    here.run(&["undo"]).expect(2);
    here.write("a.md", "one\n\ntwo\n\nthree\n");
    here.write("gone.md", "kept\n");
    here.sync();
    there.sync();
    let before = texts(&here);
    here.write("a.md", "ONE\n\ntwo\n\nthree\n");
    here.write("new.md", "new\n");
    here.delete("gone.md");
    here.sync();
    // A sync that pushed nothing is not the one that is meant.
    here.sync();
    let documents = desk.documents();
    let preview = here.run(&["undo", "--dry-run"]).expect(0);
    for said in [
        "a.md: its text changes",
        "+one",
        "new.md: is deleted",
        "gone.md: comes back",
        "3 documents would be taken back",
    ] {
        assert!(preview.says(&[said]), "{}", preview.stdout);
    }
    assert_eq!(desk.documents(), documents);
    there.sync();
    there.write("a.md", "ONE\n\ntwo\n\nthree and more\n");
    there.sync();
    let done = here.run(&["undo"]).expect(0);
    assert!(
        done.says(&["3 documents taken back, 0 could not"]) && done.says(&["next: landfall sync"]),
        "{}",
        done.stdout
    );
    assert!(done.says(&["gone.md: taken back"]), "{}", done.stdout);
    // There is nothing more to take back, and nobody is told that there was.
    for arguments in [["undo"].as_slice(), &["undo", "--dry-run"]] {
        let again = here.run(arguments).expect(0);
        assert!(!again.says(&["3 documents"]) && again.says(&["nothing to take back"]), "{}", again.stdout);
    }
    here.sync();
    there.sync();
    let merged = [("a.md", "one\n\ntwo\n\nthree and more\n"), ("gone.md", "kept\n")];
    assert_eq!(before.len(), 2);
    for place in [&here, &there] {
        assert_eq!(texts(place), merged.map(|(path, text)| (path.to_owned(), text.to_owned())));
    }
    here.run(&["undo", "--batch", "no id"]).expect(2);
}

fn files_go_back_to_a_time(database: Database) {
    let desk = Desk::on(database);
    let here = desk.place();
    for path in ["todo.md", "plans/a.md", "plans/b.md", "other.md"] {
        here.write(path, "then\n");
    }
    here.sync();
    let then = now();
    here.write("todo.md", "spoiled\n");
    here.write("plans/a.md", "spoiled\n");
    here.delete("plans/b.md");
    here.write("other.md", "newer\n");
    here.sync();
    here.run(&["revert", "nowhere.md", "--as-of", &then]).expect(2);
    here.run(&["revert", "todo.md", "--as-of", "yesterday"]).expect(2);
    let json = here.run(&["revert", "todo.md", "--as-of", &then, "--dry-run", "--json"]).expect(0);
    let line: serde_json::Value = serde_json::from_str(json.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&line["path"], &line["change"]["diff"]),
        (&"todo.md".into(), &"@@ -1,1 +1,1 @@\n-spoiled\n+then\n".into())
    );
    here.run(&["revert", "todo.md", "plans", "--as-of", &then]).expect(0);
    // A change that was not pushed is merged with what comes back.
    here.sync();
    let expected = [("other.md", "newer\n"), ("plans/a.md", "then\n"), ("plans/b.md", "then\n"), ("todo.md", "then\n")];
    assert_eq!(texts(&here), expected.map(|(path, text)| (path.to_owned(), text.to_owned())));
    let nothing = here.run(&["revert", "todo.md", "--as-of", &now()]).expect(0);
    assert!(nothing.says(&["nothing to take back"]), "{}", nothing.stdout);
}

fn a_mass_change_needs_a_word(database: Database) {
    let desk = Desk::on(database);
    let here = desk.place();
    for n in 0..120 {
        here.write(&format!("notes/{n:03}.md"), "then\n");
    }
    here.sync();
    let then = now();
    for n in 0..120 {
        here.write(&format!("notes/{n:03}.md"), "spoiled\n");
    }
    here.sync();
    let documents = desk.documents();
    let refused = here.run(&["revert", "notes", "--as-of", &then]).expect(4);
    assert!(refused.says(&["120 documents would change", "--allow-mass-change"]), "{}", refused.stdout);
    here.run(&["undo"]).expect(4);
    assert_eq!(desk.documents(), documents);
    // Above a hundred it goes on by itself, and is waited for.
    let done = here.run(&["undo", "--allow-mass-change"]).expect(0);
    assert!(done.says(&["120 documents taken back"]), "{}", done.stdout);
    here.sync();
    assert!(texts(&here).iter().all(|(_, text)| text == "then\n"));
}

fn what_cannot_be_taken_back_is_listed(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = (desk.place(), desk.place());
    here.write("a.md", "one\n");
    here.write("b.md", "one\n");
    here.sync();
    there.sync();
    here.write("a.md", "two\n");
    here.write("b.md", "two\n");
    here.sync();
    there.sync();
    there.write("a.md", "another altogether\n");
    there.sync();
    let undone = here.run(&["undo"]).expect(1);
    assert!(
        undone.says(&["a.md: a later change clashes with that, so it stays as it is"])
            && undone.says(&["1 document taken back, 1 could not"]),
        "{}",
        undone.stdout
    );
    here.sync();
    let expected = [("a.md", "another altogether\n"), ("b.md", "one\n")];
    assert_eq!(texts(&here), expected.map(|(path, text)| (path.to_owned(), text.to_owned())));
}
