//! Documents have LF and no byte order mark; each file keeps its own.

use super::place::Desk;
use crate::harness::yjs_editor::YjsEditor;
use crate::harness::{Database, on_both_databases};

on_both_databases!(each_file_keeps_its_line_ends, a_stored_text_with_crlf_is_shown_and_edited_with_lf);

fn each_file_keeps_its_line_ends(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = (desk.place(), desk.place());
    here.write("windows.md", "\u{feff}one\r\ntwo\r\n");
    here.write("mixed.md", "one\r\ntwo\nthree\r\n");
    here.write("broken.md", "one\r\r\ntwo\r\r\n");
    here.sync();
    there.sync();
    assert_eq!(desk.documents()["windows.md"], ["one\ntwo\n"]);
    assert_eq!(desk.documents()["broken.md"], ["one\ntwo\n"]);
    assert_eq!(there.read("windows.md"), "one\ntwo\n");
    there.write("windows.md", "zero\none\ntwo\nthree\n");
    there.write("mixed.md", "one\ntwo, changed\nthree\nfour\n");
    there.sync();
    here.sync();
    assert_eq!(here.read("windows.md"), "\u{feff}zero\r\none\r\ntwo\r\nthree\r\n");
    assert_eq!(here.read("mixed.md"), "one\r\ntwo, changed\r\nthree\r\nfour\r\n");
    // Another form of the same text is no change of the document.
    there.write("windows.md", "zero\r\none\r\ntwo\r\nthree\r\n");
    assert!(there.run(&["status"]).expect(0).says(&["0 changed"]));
    assert!(there.sync().says(&["0 pushed, 0 pulled; in sync"]));
    here.run(&["verify"]).expect(0);
    there.run(&["verify"]).expect(0);
    // What was deleted and comes back has the line ends that it had.
    here.delete("windows.md");
    there.write("windows.md", "zero\r\none\r\n");
    there.sync();
    here.sync();
    assert_eq!(here.read("windows.md"), "\u{feff}zero\r\none\r\n");
    // Both sides have something, and a person takes the other's: the line ends are the file's still.
    here.write("windows.md", "\u{feff}mine\r\n");
    there.write("windows.md", "yours\r\n");
    there.sync();
    here.run(&["sync"]).expect(1);
    here.run(&["conflicts", ".", "--settle", "theirs", "windows.md"]).expect(0);
    assert_eq!(here.read("windows.md"), "\u{feff}yours\r\n");
    here.sync();
    assert_eq!(desk.documents()["windows.md"], ["yours\n"]);
}

/// As earlier clients and other editors have stored it.
fn a_stored_text_with_crlf_is_shown_and_edited_with_lf(database: Database) {
    let desk = Desk::on(database);
    let editor = YjsEditor::new(1);
    editor.insert(0, "one\r\ntwo\r\nthree\r\n");
    desk.ada.new_yjs_document("old.md", &editor);
    desk.ada.new_document("plain.md", "one\r\ntwo\r\n");
    let (here, there) = (desk.place(), desk.place());
    here.sync();
    there.sync();
    assert_eq!((here.read("old.md"), here.read("plain.md")), ("one\ntwo\nthree\n".into(), "one\ntwo\n".into()));
    assert!(here.sync().says(&["0 pushed, 0 pulled; in sync"]), "reading alone changes nothing");
    here.run(&["verify"]).expect(0);
    here.write("old.md", "one\ntwo\nthree, mine\n");
    there.write("old.md", "one, yours\ntwo\nthree\n");
    here.write("plain.md", "one\ntwo\nthree\n");
    here.sync();
    there.sync();
    here.sync();
    assert_eq!(here.files(), there.files());
    assert_eq!(desk.documents()["old.md"], ["one, yours\ntwo\nthree, mine\n"]);
    assert_eq!(desk.documents()["plain.md"], ["one\r\ntwo\r\nthree\r\n"], "a plain text keeps its line ends");
}
