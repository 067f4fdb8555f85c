//! The editor as a browser gets it: every file of `web/dist` with its type and for as long as it keeps, in the codings
//! that browsers take, under a policy that lets nothing else in.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use crate::harness::{Answer, Client, Coding, Database, TestServer};

const FOR_EVER: &str = "public, max-age=31536000, immutable";
const POLICY: [&str; 11] = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
];

/// The built page: path below the root, and content.
fn built_page() -> BTreeMap<String, Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/dist");
    let mut files = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the built page").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let path = entry.path().strip_prefix(&root).expect("inside").to_str().expect("UTF-8").to_owned();
                files.insert(path, fs::read(entry.path()).expect("a file"));
            }
        }
    }
    files
}

/// The path of one file under `assets`, without a slash in front.
pub fn an_asset() -> String {
    built_page().into_keys().find(|path| path.starts_with("assets/")).expect("the page has scripts")
}

fn type_of(path: &str) -> &'static str {
    match path.rsplit_once('.').expect("an ending").1 {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "ico" => "image/vnd.microsoft.icon",
        "txt" => "text/plain; charset=utf-8",
        other => panic!("no test knows what type .{other} has"),
    }
}

fn get(client: &Client, path: &str, codings: &str) -> Answer {
    client.request("GET", path).header("accept-encoding", codings).send()
}

#[test]
fn every_file_is_served_whole_with_its_type() {
    let server = TestServer::start(Database::Sqlite);
    let page = built_page();
    for name in ["index.html", "sw.js", "manifest.webmanifest"] {
        assert!(page.contains_key(name), "{name} belongs to the page");
    }
    for (path, content) in &page {
        let answer = get(server.client(), &format!("/{path}"), "identity").expect(200);
        assert!(answer.bytes == *content, "{path} is not what was built");
        assert_eq!(answer.header("content-type"), type_of(path), "{path}");
        let kept = if path.starts_with("assets/") { FOR_EVER } else { "no-cache" };
        assert_eq!(answer.header("cache-control"), kept, "{path}");
    }
    let front = get(server.client(), "/", "identity").expect(200);
    assert!(front.bytes == page["index.html"], "/ is the page");
    assert_eq!(front.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(front.header("cache-control"), "no-cache");
    assert!(front.text().contains("<title>Landfall"), "{front}");
}

#[test]
fn the_page_shuts_everything_else_out() {
    let server = TestServer::start(Database::Sqlite);
    for path in ["/".to_owned(), "/sw.js".to_owned(), format!("/{}", an_asset())] {
        let answer = server.client().get(&path).expect(200);
        let policy = answer.header("content-security-policy");
        let directives: Vec<&str> = policy.split(';').map(str::trim).collect();
        assert_eq!(directives, POLICY, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{path}");
        let permissions = answer.header("permissions-policy");
        for barred in ["camera=()", "microphone=()", "geolocation=()"] {
            assert!(permissions.contains(barred), "{path}: {permissions}");
        }
    }
}

#[test]
fn texts_are_sent_in_the_best_coding_and_pictures_as_they_are() {
    let server = TestServer::start(Database::Sqlite);
    let (path, content) = built_page().into_iter().max_by_key(|(_, content)| content.len()).expect("files");
    let path = format!("/{path}");
    for (accepted, sent) in [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0.5, gzip", "gzip"),
        ("br;q=0, gzip;q=0", "identity"),
        ("zstd", "identity"),
    ] {
        let answer = get(server.client(), &path, accepted).expect(200);
        assert_eq!(answer.header("content-encoding"), sent, "{accepted}");
        assert!(answer.header("vary").to_lowercase().contains("accept-encoding"), "{answer}");
        assert!(answer.header("etag").ends_with(&format!("-{sent}\"")), "{answer}");
        assert!(answer.bytes == content, "{path} in {sent} is not what was built");
    }
    let raw = exchange(&server, "GET", &path, "accept-encoding: br\r\n");
    let sent: usize = header(&raw.0, "content-length").parse().expect("a length");
    assert_eq!(sent, raw.1.len());
    assert!(Coding::Brotli.decode(&raw.1) == content && sent * 2 < content.len(), "{sent} of {} bytes", content.len());
    for path in built_page().keys().filter(|path| path.ends_with(".png") || path.ends_with(".woff2")) {
        let answer = get(server.client(), &format!("/{path}"), "gzip, br, zstd").expect(200);
        assert_eq!(answer.header("content-encoding"), "identity", "{path} is packed already");
    }
}

#[test]
fn a_file_that_the_browser_has_is_not_sent_again() {
    let server = TestServer::start(Database::Sqlite);
    for path in ["/", "/index.html", "/sw.js", "/manifest.webmanifest"] {
        for codings in ["br", "gzip", "identity"] {
            let first = get(server.client(), path, codings).expect(200);
            let ask = |known: &str| {
                let request = server.client().request("GET", path).header("accept-encoding", codings);
                request.header("if-none-match", known).send()
            };
            let again = ask(first.header("etag")).expect(304);
            assert!(again.bytes.is_empty());
            for name in ["etag", "cache-control", "content-security-policy"] {
                assert_eq!(again.header(name), first.header(name), "{path} {name}");
            }
            ask(&format!("\"other\", W/{}", first.header("etag"))).expect(304);
            ask("\"other\"").expect(200);
        }
    }
}

#[test]
fn head_tells_what_get_would_send() {
    let server = TestServer::start(Database::Sqlite);
    for path in ["/".to_owned(), "/sw.js".to_owned(), format!("/{}", an_asset())] {
        let (get, body) = exchange(&server, "GET", &path, "accept-encoding: gzip\r\n");
        let (head, nothing) = exchange(&server, "HEAD", &path, "accept-encoding: gzip\r\n");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(!body.is_empty() && nothing.is_empty(), "{path}");
        for name in ["content-type", "content-length", "content-encoding", "etag", "cache-control"] {
            assert_eq!(header(&head, name), header(&get, name), "{path} {name}");
        }
    }
}

#[test]
fn nothing_else_is_served() {
    let server = TestServer::start(Database::Sqlite);
    let asset = an_asset();
    for path in [
        "/nothing",
        "/assets",
        "/assets/",
        "/assets/nothing.js",
        "/assets/../index.html",
        "/assets/..%2findex.html",
        "/%69ndex.html",
        "//index.html",
        "/index.html/",
        "/web/dist/index.html",
        "/dist/index.html",
        "/Cargo.toml",
        "/../Cargo.toml",
        "/landfall-data/landfall.db",
        "/api",
        "/api/v1/index.html",
        &format!("/{}", asset.trim_start_matches("assets/")),
        &format!("/{asset}.map"),
        &format!("/{asset}.br"),
    ] {
        server.client().request("GET", path).undocumented().send().expect_problem(404, "not_found");
    }
    for path in ["/", "/index.html", "/sw.js"] {
        let answer = server.client().request("POST", path).undocumented().send();
        assert_eq!(answer.expect_problem(405, "method_not_allowed").header("allow"), "GET, HEAD", "{path}");
    }
}

/// One exchange on a connection of its own, which is the way to see lengths and codings as sent: head and body.
fn exchange(server: &TestServer, method: &str, path: &str, headers: &str) -> (String, Vec<u8>) {
    let address = server.client().base_url();
    let address = address.strip_prefix("http://").expect("a plain address");
    let mut stream = TcpStream::connect(address).expect("the server listens");
    let request = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\n{headers}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server answers");
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    (String::from_utf8_lossy(&answer[..end]).into_owned(), answer[end + 4..].to_vec())
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let mut values = lines.filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim());
    values.next().unwrap_or_else(|| panic!("no {name} in\n{head}"))
}
