//! What the client says: text of others does no harm, and advice that is followed helps.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener};
use std::thread;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use serde_json::Value;

use super::place::{Desk, Place, Ran};
use crate::harness::operation::update;

/// Turns a terminal's colour, and then the direction of what follows.
const ACTIVE: &str = "\u{1b}[31m\u{202e}";

#[track_caller]
fn expect_harmless(ran: &Ran, shown: &str) {
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said:?}");
    assert!(said.contains(shown), "{said:?}");
}

#[test]
fn titles_move_no_cursor() {
    let desk = Desk::new();
    let place = desk.place();
    // No path can stand for this one, so that it is told by its title.
    desk.ada.new_document(&format!("{ACTIVE}/../a.md"), "left out\n");
    let shown = r"\u{1b}[31m\u{202e}/../a.md";
    expect_harmless(&place.sync(), shown);
    assert!(!place.sync().says(&["problem"]), "reported once");
    place.run(&["sync", "--strict"]).expect(1);
    expect_harmless(&place.run(&["status"]).expect(0), shown);
    expect_harmless(&place.run(&["verify"]).expect(1), shown);
    let status: Value = serde_json::from_str(&place.run(&["status", "--json"]).stdout).unwrap();
    assert_eq!(status["refused"][0]["path"], format!("{ACTIVE}/../a.md"), "scripts get what it is");
    // The server takes no control characters in these.
    desk.ada.new_workspace("\u{202e}plans");
    let ran = desk.unconnected().run(&["init", ".", "--server", place.url()]).expect(2);
    expect_harmless(&ran, r"\u{202e}plans");
}

#[test]
fn verify_compares_titles_too() {
    let desk = Desk::new();
    let place = desk.place();
    let id = desk.ada.new_document("a.md", "one\n");
    place.sync();
    place.run(&["verify"]).expect(0);
    desk.ada.send(update("renamed", &id).data("title", "b.md").field("base_version", 1));
    let ran = place.run(&["verify"]).expect(1);
    assert!(ran.says(&["a.md", "the titles differ", "b.md"]), "{}", ran.stdout);
    let difference: Value = serde_json::from_str(&place.run(&["verify", "--json"]).stdout).unwrap();
    assert_eq!(difference["title"], "b.md");
    place.sync();
    place.run(&["verify"]).expect(0);
}

/// A folder whose document is on the server.
fn synced(desk: &Desk) -> Place {
    let place = desk.place();
    place.write("a.md", "one\n");
    place.sync();
    place
}

#[test]
fn a_state_with_damage_is_set_aside() {
    let desk = Desk::new();
    let place = synced(&desk);
    let database = place.path(".landfall/state.db");
    let mut connection = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
    connection.batch_execute("DROP TABLE outbox").unwrap();
    drop(connection);
    assert!(place.run(&["sync"]).expect(1).says(&["landfall reset"]));
    place.run(&["reset"]).expect(2);
    assert!(place.run(&["reset", "--yes"]).expect(0).says(&[".unreadable"]));
    let ran = place.sync();
    assert!(ran.says(&["in sync"]), "{}", ran.stdout);
    assert_eq!(desk.documents().len(), 1, "matched, not doubled");
    assert!(place.command(&["sync"]).env_clear().output().unwrap().status.success(), "the login stays");
}

#[test]
fn where_a_reset_cannot_help_it_says_what_does() {
    let desk = Desk::new();
    let place = synced(&desk);
    for ending in ["-wal", "-shm"] {
        drop(fs::remove_file(place.path(&format!(".landfall/state.db{ending}"))));
    }
    fs::write(place.path(".landfall/state.db"), "no database at all, and long enough to be looked at".repeat(40))
        .unwrap();
    assert!(place.run(&["sync"]).expect(1).says(&["landfall reset"]));
    let ran = place.run(&["reset", "--yes"]).expect(2);
    assert!(ran.says(&["move", ".landfall", "landfall init"]), "{}", ran.stderr);
    fs::rename(place.path(".landfall"), place.path(".landfall.away")).unwrap();
    place.run(&["init", ".", "--server", place.url()]).expect(0);
    place.sync();
    assert_eq!(desk.documents().len(), 1, "matched, not doubled");
}

#[test]
fn a_folder_inside_a_synced_one_is_not_synced_twice() {
    let desk = Desk::new();
    let place = synced(&desk);
    for inner in ["inner", "new/and/deep"] {
        place.write("inner/b.md", "two\n");
        let ran = place.run(&["init", inner, "--server", place.url()]).expect(2);
        assert!(ran.says(&["inside", "synced already"]), "{}", ran.stderr);
        assert!(!place.has("inner/.landfall") && !place.has("new"));
    }
}

#[test]
fn a_server_that_has_moved_says_where_to() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            drop(stream.read(&mut [0; 4096]));
            let location = "location: https://notes.example.org/api/v1/auth/login";
            let answer = format!(
                "HTTP/1.1 308 Permanent Redirect\r\n{location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            drop(stream.write_all(answer.as_bytes()).and_then(|()| stream.shutdown(Shutdown::Write)));
            // Closed with something unread, the connection would be reset, and the answer lost.
            drop(io::copy(&mut stream, &mut io::sink()));
        }
    });
    let desk = Desk::new();
    let place = desk.unconnected();
    let ran = place.run(&["init", ".", "--server", &format!("http://{address}")]).expect(3);
    assert!(ran.says(&["308", "`landfall login --server https://notes.example.org`"]), "{}", ran.stderr);
}

#[test]
fn a_refusal_names_the_next_step() {
    let desk = Desk::new();
    let place = synced(&desk);
    let grace = desk.server.register("grace");
    let as_grace = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        Ran::from(command.env("LANDFALL_USERNAME", "grace").output().unwrap())
    };
    let ran = as_grace(&["sync"]).expect(1);
    assert!(ran.says(&["ask an owner", "landfall login"]), "{}", ran.stderr);
    desk.ada.invite(&grace, "viewer");
    place.write("b.md", "two\n");
    let ran = as_grace(&["sync"]).expect(1);
    assert!(ran.says(&["landfall pull", "ask an owner"]), "{}{}", ran.stdout, ran.stderr);
    as_grace(&["pull"]);
    place.sync();
    assert_eq!(desk.documents().len(), 2, "nothing is lost by it");
}

#[test]
fn a_login_takes_what_the_environment_says() {
    let desk = Desk::new();
    let place = synced(&desk);
    let login = place.command(&["login"]).env("LANDFALL_TOKEN", "a token that logs nobody in").output().unwrap();
    Ran::from(login).expect(0);
    let mut nameless = place.command(&["login"]);
    let nameless = Ran::from(nameless.env_remove("LANDFALL_USERNAME").output().unwrap()).expect(2);
    assert!(nameless.says(&["LANDFALL_USERNAME"]), "{}", nameless.stderr);
    // An address for documentation, where nobody answers.
    let ran = place.run(&["login", "--server", "http://192.0.2.1:9", "--retries", "0", "--timeout", "1"]).expect(3);
    assert!(ran.says(&["in the open"]), "{}", ran.stderr);
}

#[test]
fn scripts_hear_of_the_end_whatever_it_is() {
    let desk = Desk::new();
    let elsewhere = desk.unconnected();
    let ran = elsewhere.run(&["sync", "--json", "--yes"]).expect(2);
    let last: Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["exit_code"]), (&"finished".into(), &2.into()));
    assert!(last["error"].as_str().unwrap().contains("landfall init"));
    let place = synced(&desk);
    for command in ["sync", "push", "pull"] {
        place.run(&[command, "--yes"]).expect(0);
    }
}
