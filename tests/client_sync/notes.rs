//! Commands on single notes: `cat`, `ls`, `search`, `edit`, `put` and `append`, with a folder and without one, while people
//! type.

use std::io::Write;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::place::{Desk, Place, Ran};
use super::proxy::{BATCH, Deed, Proxy};
use crate::harness::{Database, YjsEditor, delete, update};

/// Runs a command on the server, in a folder that is no synced one.
fn run(place: &Place, arguments: &[&str], input: &str) -> Ran {
    run_at(place, place.url(), arguments, input)
}

fn run_at(place: &Place, url: &str, arguments: &[&str], input: &str) -> Ran {
    let mut command = place.command(&[arguments, &["--server", url]].concat());
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

/// Whether all of these words stand somewhere in what the command complains of.
fn says(ran: &Ran, words: &[&str]) -> bool {
    words.iter().all(|word| ran.stderr.contains(word))
}

#[track_caller]
fn text_of(place: &Place, note: &str) -> String {
    run(place, &["cat", note], "").expect(0).stdout
}

#[test]
fn notes_are_made_read_and_listed() {
    let desk = Desk::new();
    let place = desk.unconnected();
    assert_eq!(run(&place, &["ls"], "").expect(0).stdout, "");
    let made = run(&place, &["put", "plans/2027"], "# 2027\n").expect(0);
    assert_eq!(made.stdout, "created plans/2027 (version 1)\n");
    desk.ada.new_document("Groceries", "milk\r\nbread\r\n");
    desk.ada.new_document("groceries.md", "eggs\n");
    assert_eq!(text_of(&place, "plans/2027.md"), "# 2027\n");
    let listed = run(&place, &["ls"], "").expect(0).stdout;
    let names: Vec<&str> = listed.lines().collect();
    assert_eq!((names.len(), names[0], names[2]), (3, "Groceries", "plans/2027"), "{listed}");
    assert!(names[1].starts_with("groceries ("), "{listed}");
    assert_eq!(run(&place, &["ls", "plans/"], "").expect(0).stdout, "plans/2027\n");
    let json = run(&place, &["ls", "Gro", "--json"], "").expect(0).stdout;
    let first: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!((first["title"].as_str(), first["version"].as_i64()), (Some("Groceries"), Some(1)));
    // By its own name, by the name in a folder, by its id.
    assert_eq!(text_of(&place, "Groceries"), "milk\r\nbread\r\n");
    assert_eq!(text_of(&place, names[1]), "eggs\n");
    assert_eq!(text_of(&place, first["document_id"].as_str().unwrap()), "milk\r\nbread\r\n");
    let missing = run(&place, &["cat", "Grocery"], "").expect(2);
    assert!(
        says(&missing, &["no note \"Grocery\"", "did you mean \"Groceries\"", "landfall ls"]),
        "{}",
        missing.stderr
    );
    // What a folder makes has the same names.
    let folder = desk.place();
    folder.sync();
    assert!(folder.has("plans/2027.md") && folder.has("Groceries.md"));
    assert_eq!(folder.run(&["cat", "plans/2027"]).expect(0).stdout, "# 2027\n");
    assert_eq!(folder.run(&["ls"]).expect(0).stdout, listed);
}

#[test]
fn a_name_of_several_notes_is_refused() {
    let desk = Desk::new();
    let place = desk.unconnected();
    let ids = [desk.ada.new_document("Log", "one\n"), desk.ada.new_document("Log", "two\n")];
    for arguments in [
        ["cat", "Log"].as_slice(),
        &["put", "Log"],
        &["append", "Log"],
        &["edit", "Log", "--find", "o", "--replace", "0"],
    ] {
        let refused = run(&place, arguments, "three\n").expect(2);
        assert!(says(&refused, &["several notes", &ids[0], &ids[1]]), "{}", refused.stderr);
    }
    run(&place, &["append", &ids[1]], "three\n").expect(0);
    assert_eq!(text_of(&place, &ids[1]), "two\nthree\n");
    desk.ada.send(delete("gone", &ids[0]).base(1)).expect_outcomes(["gone success v2"]);
    assert_eq!(text_of(&place, "Log"), "two\nthree\n");
    assert!(says(&run(&place, &["cat", &ids[0]], "").expect(2), &["was deleted"]));
}

/// On documents with Yjs state and without, on both databases.
fn edits_are_made_previewed_and_refused(database: Database) {
    let desk = Desk::on(database);
    let place = desk.unconnected();
    let editor = YjsEditor::new(1);
    editor.insert(0, "version 1.3 and 1.3\n");
    desk.ada.new_yjs_document("Typed", &editor);
    desk.ada.new_document("Plain", "version 1.3 and 1.3\n");
    for note in ["Typed", "Plain"] {
        let edit = |arguments: &[&str]| run(&place, &[&["edit", note], arguments].concat(), "");
        let refused = edit(&["--find", "1.3", "--replace", "1.4"]).expect(1);
        assert!(says(&refused, &["nothing was changed", "2 places", "--all"]), "{}", refused.stderr);
        let refused = edit(&["--find", "2.0", "--replace", "1.4"]).expect(1);
        assert!(says(&refused, &["does not have the text", "landfall cat"]), "{}", refused.stderr);
        let shown = edit(&["--find", "1.3", "--replace", "1.4", "--all", "--dry-run"]).expect(0);
        assert_eq!(shown.stdout, "version 1.4 and 1.4\n");
        assert_eq!(text_of(&place, note), "version 1.3 and 1.3\n");
        let done = edit(&["--find", "n 1.3", "--replace", "n 1.4", "--find", "1.3", "--replace", "-1"]).expect(0);
        assert_eq!(done.stdout, format!("edited {note} (version 2)\n"));
        assert_eq!(text_of(&place, note), "version 1.4 and -1\n");
        // The second of two cannot be made, so the first is not either.
        edit(&["--find", "version", "--replace", "Version", "--find", "gone", "--replace", ""]).expect(1);
        assert_eq!(text_of(&place, note), "version 1.4 and -1\n");
        let json: Value =
            serde_json::from_str(&edit(&["--find", "-1", "--replace", "2", "--json"]).expect(0).stdout).unwrap();
        assert_eq!((json["version"].as_i64(), json["outcome"].as_str()), (Some(3), Some("edited")));
        edit(&["--find", "a", "--find", "b", "--replace", "c"]).expect(2);
    }
    assert_eq!(caught_up(&desk, "Typed", &editor), "version 1.4 and 2\n");
}

/// What an editor has that takes in the server's state.
fn caught_up(desk: &Desk, title: &str, editor: &YjsEditor) -> String {
    let page = desk.ada.list(&format!("&title_prefix={title}"));
    let document = desk.ada.read(page.items()[0]["document_id"].as_str().unwrap());
    editor.apply(&decoded(&document.string("/yjs_state_b64")));
    editor.text()
}

fn decoded(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

#[test]
fn edits_are_made_previewed_and_refused_on_sqlite() {
    edits_are_made_previewed_and_refused(Database::Sqlite);
}

#[test]
fn edits_are_made_previewed_and_refused_on_postgres() {
    edits_are_made_previewed_and_refused(Database::Postgres);
}

#[test]
fn whole_texts_keep_what_others_changed() {
    let desk = Desk::new();
    let place = desk.unconnected();
    let editor = YjsEditor::new(1);
    editor.insert(0, "one\ntwo\nthree\n");
    let typed = desk.ada.new_yjs_document("Typed", &editor);
    let plain = desk.ada.new_document("Plain", "one\ntwo\nthree\n");
    desk.ada.send(update("typed", &typed).yjs(&editor.insert(13, "!"))).expect_outcomes(["typed success v2 merged"]);
    desk.ada.send(update("plain", &plain).base(1).content("one\ntwo\nthree!\n")).expect_outcomes(["plain success v2"]);
    for note in ["Typed", "Plain"] {
        // The text was made from version 1.
        let shown = run(&place, &["put", note, "--base", "1", "--dry-run"], "ONE\ntwo\nthree\n").expect(0);
        assert_eq!(shown.stdout, "ONE\ntwo\nthree!\n");
        let done = run(&place, &["put", note, "--base", "1"], "ONE\ntwo\nthree\n").expect(0);
        assert_eq!(done.stdout, format!("put {note} (version 3)\n"));
        assert_eq!(text_of(&place, note), "ONE\ntwo\nthree!\n");
        let clash = run(&place, &["put", note, "--base", "1"], "Eins\ntwo\nthree\n").expect(1);
        assert!(says(&clash, &["nothing was changed", "the same lines", "--force"]), "{}", clash.stderr);
        run(&place, &["put", note, "--force"], "Eins\n").expect(0);
        assert_eq!(text_of(&place, note), "Eins\n");
        run(&place, &["put", note], "Eins\n").expect(0);
        run(&place, &["append", note], "zwei\n").expect(0);
        run(&place, &["put", note], "drei").expect(0);
        run(&place, &["append", note], "vier\n").expect(0);
        assert_eq!(text_of(&place, note), "drei\nvier\n");
    }
    assert_eq!(caught_up(&desk, "Typed", &editor), "drei\nvier\n");
    let refused = run(&place, &["put", "Plain"], "a\0b").expect(2);
    assert!(says(&refused, &["NUL"]), "{}", refused.stderr);
    run(&place, &["put", "a/../b"], "one\n").expect(2);
    // An empty note can be made and filled.
    run(&place, &["put", "Empty"], "").expect(0);
    run(&place, &["append", "Empty"], "no more\n").expect(0);
    assert_eq!(text_of(&place, "Empty"), "no more\n");
}

#[test]
fn a_lost_answer_makes_no_change_twice() {
    let desk = Desk::new();
    let place = desk.unconnected();
    run(&place, &["put", "Log"], "one\n").expect(0);
    // The server carries it out, and its answer never arrives.
    let proxy = Proxy::start(&desk.url(), |n, _| if n % 2 == 0 { Deed::LoseAnswer } else { Deed::Pass });
    let done = run_at(&place, &proxy.url, &["append", "Log"], "two\n").expect(0);
    assert_eq!((text_of(&place, "Log").as_str(), proxy.asked(BATCH)), ("one\ntwo\n", 2), "{}", done.stdout);
    let ten = ["edit", "Log", "--find", "o", "--replace", "oo", "--all"];
    run_at(&place, &proxy.url, &ten, "").expect(0);
    assert_eq!(text_of(&place, "Log"), "oone\ntwoo\n");
    // Under one name it is made once, however often the script is run, and a new note too.
    for _ in 0..3 {
        run(&place, &["append", "Log", "--once", "today"], "three\n").expect(0);
        run(&place, &["append", "New", "--once", "first"], "three\n").expect(0);
        let once = run(&place, &["edit", "Log", "--find", "t", "--replace", "tt", "--all", "--once", "ts"], "");
        once.expect(0);
    }
    assert_eq!(text_of(&place, "Log"), "oone\nttwoo\ntthree\n");
    assert_eq!(text_of(&place, "New"), "three\n");
    // Another change under a name that was used is refused, whichever command made either.
    let other = "another change was made under this name";
    for (arguments, input) in [
        (["edit", "Log", "--find", "tt", "--replace", "t", "--all", "--once", "ts"].as_slice(), ""),
        (&["edit", "Log", "--find", "tt", "--replace", "t", "--all", "--once", "today"], ""),
        (&["append", "Log", "--once", "today"], "four\n"),
        (&["append", "Log", "--once", "ts"], "four\n"),
        (&["append", "New", "--once", "first"], "four\n"),
        (&["append", "Third", "--once", "today"], "three\n"),
        (&["put", "Log", "--once", "today"], "four\n"),
    ] {
        let refused = run(&place, arguments, input).expect(1);
        assert!(says(&refused, &[other]), "{arguments:?}: {}", refused.stderr);
    }
    assert_eq!(text_of(&place, "Log"), "oone\nttwoo\ntthree\n");
    assert_eq!(text_of(&place, "New"), "three\n");
    assert_eq!(run(&place, &["ls"], "").expect(0).stdout, "Log\nNew\n");
}

#[test]
fn a_text_is_put_once() {
    let desk = Desk::new();
    let place = desk.unconnected();
    for note in ["New", "Old"] {
        if note == "Old" {
            desk.ada.new_document(note, "before\n");
        }
        let once = ["put", note, "--once", note];
        run(&place, &once, "one\n").expect(0);
        run(&place, &["append", note], "two\n").expect(0);
        let again = run(&place, &once, "one\n").expect(0);
        assert!(again.says(&["it had been made before"]), "{}", again.stdout);
        let other = run(&place, &once, "three\n").expect(1);
        assert!(says(&other, &["another change was made under this name"]), "{}", other.stderr);
        assert_eq!(text_of(&place, note), "one\ntwo\n");
    }
    // What is added may stand there already, and nothing may be added.
    desk.ada.new_document("Log", "same\n");
    for _ in 0..2 {
        run(&place, &["append", "Log", "--once", "again"], "same\n").expect(0);
        run(&place, &["append", "Log", "--once", "nothing"], "").expect(0);
    }
    assert_eq!(text_of(&place, "Log"), "same\nsame\n");
    let shown = run(&place, &["append", "Log", "--once", "later", "--dry-run"], "end\n").expect(0);
    assert_eq!(shown.stdout, "same\nsame\nend\n");
}

#[test]
fn a_text_of_a_version_makes_no_new_note() {
    let desk = Desk::new();
    let place = desk.unconnected();
    let gone = desk.ada.new_document("Gone", "one\n");
    desk.ada.send(delete("gone", &gone).base(1)).expect_outcomes(["gone success v2"]);
    for note in ["Gone", "Never"] {
        let refused = run(&place, &["put", note, "--base", "1"], "two\n").expect(1);
        let said = ["nothing was changed", "no note", note, "leave out --base"];
        assert!(says(&refused, &said), "{}", refused.stderr);
    }
    let by_id = run(&place, &["put", &gone, "--base", "1"], "two\n").expect(1);
    assert!(says(&by_id, &["nothing was changed", "was deleted"]), "{}", by_id.stderr);
    assert_eq!(run(&place, &["ls"], "").expect(0).stdout, "");
    run(&place, &["put", "Gone"], "two\n").expect(0);
    assert_eq!(text_of(&place, "Gone"), "two\n");
}

#[test]
fn a_note_gets_the_line_ends_of_documents() {
    let desk = Desk::new();
    let place = desk.unconnected();
    let mark = "\u{feff}";
    run(&place, &["put", "New"], &format!("{mark}one\r\ntwo\r\n")).expect(0);
    assert_eq!(text_of(&place, "New"), "one\ntwo\n");
    run(&place, &["put", "New"], &format!("{mark}one\r\n2\r\n")).expect(0);
    run(&place, &["append", "New"], &format!("{mark}three\r\n")).expect(0);
    run(&place, &["edit", "New", "--find", "2", "--replace", "two\r\nand a half"], "").expect(0);
    assert_eq!(text_of(&place, "New"), "one\ntwo\nand a half\nthree\n");
    run(&place, &["append", "Made"], &format!("{mark}one\r\n")).expect(0);
    assert_eq!(text_of(&place, "Made"), "one\n");
}

#[test]
fn what_cannot_be_meant_is_an_error_of_the_command_line() {
    let desk = Desk::new();
    let place = desk.unconnected();
    desk.ada.new_document("Log", "one\n");
    let long = "é".repeat(129);
    for arguments in [
        ["edit", "Log", "--find", "", "--replace", "x"].as_slice(),
        &["edit", "Log", "--find", "one", "--replace", "x", "--once", ""],
        &["append", "Log", "--once", &long],
        &["put", "Log", "--once", &long],
    ] {
        run(&place, arguments, "two\n").expect(2);
    }
    assert_eq!(text_of(&place, "Log"), "one\n");
    run(&place, &["append", "Log", "--once", &"é".repeat(128)], "two\n").expect(0);
    assert_eq!(text_of(&place, "Log"), "one\ntwo\n");
}

#[test]
fn people_type_while_scripts_write() {
    let desk = Desk::new();
    let place = desk.unconnected();
    let editor = YjsEditor::new(1);
    editor.insert(0, "typed: \ncounter: 0\n");
    let id = desk.ada.new_yjs_document("Busy", &editor);
    let done = AtomicBool::new(false);
    let letters = std::thread::scope(|scope| {
        let typing = scope.spawn(|| {
            let mut letters = 0;
            while !done.load(Ordering::Relaxed) {
                let letter = editor.insert(7 + letters, "x");
                let answer = desk.ada.send(update(&format!("key{letters}"), &id).yjs(&letter));
                assert_eq!(answer.results()[0]["status"], "success", "{answer}");
                letters += 1;
            }
            letters
        });
        let other = desk.unconnected();
        let lines = scope.spawn(move || {
            for number in 0..5 {
                run(&other, &["append", "Busy"], &format!("line {number}\n")).expect(0);
            }
        });
        for number in 0..5 {
            let (find, replace) = (format!("counter: {number}"), format!("counter: {}", number + 1));
            run(&place, &["edit", "Busy", "--find", &find, "--replace", &replace], "").expect(0);
        }
        lines.join().unwrap();
        done.store(true, Ordering::Relaxed);
        typing.join().unwrap()
    });
    let lines: String = (0..5).map(|number| format!("line {number}\n")).collect();
    let expected = format!("typed: {}\ncounter: 5\n{lines}", "x".repeat(letters as usize));
    assert_eq!(text_of(&place, "Busy"), expected);
    assert_eq!(caught_up(&desk, "Busy", &editor), expected);
}

#[test]
fn notes_are_found_by_their_words() {
    let desk = Desk::new();
    let place = desk.unconnected();
    run(&place, &["put", "Groceries"], "oat milk\nand bread\n").expect(0);
    run(&place, &["put", "Other"], "a cup of milk\n").expect(0);
    let started = Instant::now();
    let found = loop {
        let found = run(&place, &["search", "oat", "mil"], "").expect(0);
        if !found.stdout.is_empty() || started.elapsed() > Duration::from_secs(60) {
            break found;
        }
        assert!(says(&found, &["nothing has oat mil"]), "{}", found.stderr);
    };
    assert_eq!(found.stdout, "Groceries\n    oat milk and bread\n");
    let json = run(&place, &["search", "--json", "milk -bread"], "").expect(0).stdout;
    let hit: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(hit["title"], "Other");
    assert_eq!(hit["snippet"][1]["text"], "milk");
}

#[test]
fn the_server_and_the_login_are_asked_for() {
    let desk = Desk::new();
    let place = desk.unconnected();
    let nowhere = place.run(&["ls"]).expect(2);
    assert!(says(&nowhere, &["--server URL", "synced folder"]), "{}", nowhere.stderr);
    let nobody = place.command(&["ls", "--server", place.url()]).env_clear().output().unwrap();
    assert_eq!(nobody.status.code(), Some(3));
    let second = desk.ada.new_workspace("Second");
    second.new_document("There", "text\n");
    assert!(says(&run(&place, &["ls"], "").expect(2), &["several workspaces", "--workspace"]));
    assert_eq!(run(&place, &["ls", "--workspace", "Second"], "").expect(0).stdout, "There\n");
    let by_token = place
        .command(&["cat", "There", "--server", place.url(), "--workspace", &second.workspace_id])
        .env_clear()
        .env("LANDFALL_TOKEN", &desk.ada.access_token)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(by_token.stdout).unwrap(), "text\n");
    // A viewer reads, and is told why nothing more.
    let grace = desk.ada.invite(&desk.server.register("grace"), "viewer");
    desk.ada.new_document("Shared", "one\n");
    let as_grace = |arguments: &[&str]| -> Ran {
        let here = ["--server", place.url(), "--workspace", &grace.workspace_id];
        let mut command = place.command(&[arguments, &here].concat());
        command.env_clear().env("LANDFALL_TOKEN", &grace.access_token).output().unwrap().into()
    };
    assert_eq!(as_grace(&["cat", "Shared"]).expect(0).stdout, "one\n");
    let refused = as_grace(&["edit", "Shared", "--find", "one", "--replace", "two"]).expect(1);
    assert!(says(&refused, &["forbidden"]), "{}", refused.stderr);
}
