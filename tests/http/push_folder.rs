//! `examples/push-folder.sh` against a real server, with the project's own documents and with a folder that changes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::harness::user::PASSWORD;
use crate::harness::{Database, TestServer, User, delete, on_both_databases};

on_both_databases!(the_projects_documents_are_pushed, changes_are_told_apart, a_wrong_password_is_told);

fn push_with(server: &TestServer, folder: &Path, password: &str) -> Output {
    Command::new("bash")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/push-folder.sh"))
        .arg(folder)
        .env("LANDFALL_URL", server.client().base_url())
        .env("LANDFALL_USERNAME", "ada")
        .env("LANDFALL_PASSWORD", password)
        .stdin(Stdio::null())
        .output()
        .expect("bash")
}

/// The exit status, and the lines of the output, sorted.
fn push(server: &TestServer, folder: &Path) -> (i32, Vec<String>) {
    let output = push_with(server, folder, PASSWORD);
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines: Vec<String> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    lines.sort();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code().expect("a status"), lines)
}

fn the_projects_documents_are_pushed(database: Database) {
    let server = TestServer::start(database);
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let (status, first) = push(&server, &docs);
    assert_eq!(status, 0, "{first:?}");
    assert!(first.contains(&"created glossary.md".to_owned()), "{first:?}");
    let (status, second) = push(&server, &docs);
    assert_eq!((status, second.len()), (0, first.len()));
    assert!(second.contains(&"unchanged glossary.md".to_owned()), "{second:?}");
    let ada = User::login(server.client(), "ada");
    let listed = ada.list("&title_prefix=glossary.md").expect(200);
    let id = listed.column("document_id")[0].as_str().expect("an id").to_owned();
    assert_eq!(ada.read(&id).string("/content"), fs::read_to_string(docs.join("glossary.md")).expect("a file"));
    assert_eq!(uuid::Uuid::parse_str(&id).expect("a UUID").get_version_num(), 5);
}

fn changes_are_told_apart(database: Database) {
    let server = TestServer::start_with(database, &[("LANDFALL_MAX_OPERATIONS", "3"), ("LANDFALL_RATE_LIMIT", "off")]);
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write("equal.md", b"stays\n");
    write("sub folder/\"quoted\" 文.md", "naïve\ttext \\ 🎈\r\n".as_bytes());
    write("changed.md", b"before\n");
    write("gone.md", b"will be deleted on the server\n");
    write("latin1.md", b"caf\xE9\n");
    write("empty.md", b"");
    write("not-markdown.txt", b"left out\n");
    let (status, lines) = push(&server, folder.path());
    assert_eq!(
        lines,
        [
            "6 files, 1 not taken",
            "created changed.md",
            "created empty.md",
            "created equal.md",
            "created gone.md",
            "created sub folder/\"quoted\" 文.md",
            "error latin1.md: not UTF-8 text",
        ]
    );
    assert_eq!(status, 1);
    let ada = User::login(server.client(), "ada");
    let gone = ada.list("&title_prefix=gone.md").column("document_id")[0].as_str().expect("an id").to_owned();
    ada.send(delete("gone", &gone).base(1)).expect_outcomes(["gone success v2"]);
    write("changed.md", b"after\n");
    fs::remove_file(folder.path().join("latin1.md")).expect("a file");
    let (status, lines) = push(&server, folder.path());
    assert_eq!(status, 1);
    assert_eq!(lines[0], "5 files, 1 not taken");
    assert!(lines[1].starts_with("conflict gone.md: "), "{lines:?}");
    assert_eq!(
        lines[2..],
        ["unchanged empty.md", "unchanged equal.md", "unchanged sub folder/\"quoted\" 文.md", "updated changed.md",]
    );
}

fn a_wrong_password_is_told(database: Database) {
    let server = TestServer::start(database);
    server.register("ada");
    let folder = tempfile::tempdir().expect("a folder");
    let output = push_with(&server, folder.path(), "not the password");
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("password"), "{said}");
    assert_eq!(push_with(&server, &folder.path().join("nowhere"), PASSWORD).status.code(), Some(2));
}
