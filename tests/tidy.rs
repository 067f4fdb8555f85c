//! The rules of the house that no compiler knows: who may import what, how long a file may be, what never stands in it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail, loudly")]

#[path = "tidy/circles.rs"]
mod circles;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a source file, at most.
const MAX_LINES: usize = 400;

/// A file of the project, its path relative to the root with `/` between its parts.
struct File {
    path: String,
    text: String,
}

impl File {
    fn is_under(&self, places: &[&str]) -> bool {
        places.iter().any(|place| self.path == *place || self.path.starts_with(&format!("{place}/")))
    }

    /// Line numbers from 1, comments left out.
    fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(at, line)| (at + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files with this extension under a folder, build outputs and packages left out.
fn files_under(folder: &str, extension: &str) -> Vec<File> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && !["target", "node_modules", "landfall-data"].contains(&&*name)
            {
                folders.push(path);
            } else if path.extension().is_some_and(|other| other == extension) {
                let relative = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                found.push(File { path: relative, text: fs::read_to_string(&path).unwrap() });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Whether `word` stands in `line` as a word of its own.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(is_part)
            && !line[at + word.len()..].chars().next().is_some_and(is_part)
    })
}

/// Fails with every place that breaks a rule.
fn assert_none(rule: &str, breaches: Vec<String>) {
    assert!(breaches.is_empty(), "{rule}:\n  {}", breaches.join("\n  "));
}

/// Places in `src/`, outside `allowed`, where code names one of `words`.
fn places_naming(words: &[&str], allowed: &[&str]) -> Vec<String> {
    let mut places = Vec::new();
    for file in files_under("src", "rs").iter().filter(|file| !file.is_under(allowed)) {
        for (at, line) in file.code_lines() {
            if words.iter().any(|word| has_word(line, word)) {
                places.push(format!("{}:{at}: {}", file.path, line.trim()));
            }
        }
    }
    places
}

#[test]
fn diesel_stays_in_the_store() {
    let words = ["diesel", "diesel_migrations", "libsqlite3_sys", "pq_sys"];
    let allowed = ["src/store", "src/client/state"];
    assert_none("only src/store and the client's state name Diesel", places_naming(&words, &allowed));
}

#[test]
fn actix_stays_in_http_and_the_wiring() {
    let words = ["actix_web", "actix_rt", "actix_http", "actix"];
    let allowed = ["src/http", "src/server.rs", "src/server", "src/main.rs"];
    assert_none("only src/http and the server's wiring name actix", places_naming(&words, &allowed));
}

#[test]
fn yrs_stays_in_one_file_of_the_workers() {
    assert_none("only src/yjs/yrs_edit.rs names yrs", places_naming(&["yrs"], &["src/yjs/yrs_edit.rs"]));
}

#[test]
fn statuses_are_decided_in_one_file() {
    assert_none("only src/http/error.rs names StatusCode", places_naming(&["StatusCode"], &["src/http/error.rs"]));
}

#[test]
fn imports_go_one_way() {
    let layers: [(&str, &[&str]); 7] = [
        ("src/domain", &["store", "yjs", "sync", "auth", "http", "server", "config"]),
        ("src/yjs", &["store", "sync", "auth", "http", "server", "config"]),
        ("src/store", &["sync", "auth", "http", "server", "config"]),
        ("src/sync", &["auth", "http", "server", "config"]),
        ("src/auth", &["sync", "http", "server", "yjs"]),
        ("src/http", &["store", "server", "config", "admin"]),
        // The client knows the server by its wire alone.
        ("src/client", &["store", "sync", "auth", "http", "server", "config"]),
    ];
    let mut breaches = Vec::new();
    // Its tests make a server by hand.
    for file in files_under("src", "rs").iter().filter(|file| file.path != "src/http/tests.rs") {
        for (layer, barred) in layers.iter().filter(|(layer, _)| file.is_under(&[layer])) {
            for (at, line) in file.code_lines() {
                if let Some(other) = barred.iter().find(|other| line.contains(&format!("crate::{other}"))) {
                    breaches.push(format!("{}:{at}: {layer} must not know {other}", file.path));
                }
            }
        }
    }
    assert_none("imports go http -> sync -> {store, yjs, domain}", breaches);
}

#[test]
fn nothing_imports_in_circles() {
    let files = files_under("src", "rs").into_iter();
    let files: Vec<_> = files.map(|file| (file.path.trim_start_matches("src/").to_owned(), file.text)).collect();
    let imports = circles::imports(&files);
    let shown = |circle: BTreeSet<String>| circle.into_iter().collect::<Vec<_>>().join(" <-> ");
    let found = |imports: &circles::Imports| circles::circles(imports).into_iter().map(shown).collect::<Vec<_>>();
    assert_none("no files import each other", found(&imports));
    for depth in [1, 2, 3] {
        let rule = format!("no folders {depth} deep import each other");
        assert_none(&rule, found(&circles::shortened(&imports, depth)));
    }
}

/// What a function of its arguments does not name: any clock's `now` is one.
const EFFECTS: [&str; 6] = ["std::fs", "std::net", "std::thread", "std::env", "::now()", "async fn"];

#[test]
fn the_core_is_pure() {
    let std = ["std", "core", "crate", "super", "self"];
    // Functions of their arguments too.
    let pure = ["base64", "chrono", "hmac", "icu_normalizer", "proptest", "serde", "sha2", "uuid"];
    let allowed = [&std[..], &pure].concat();
    let mut breaches = Vec::new();
    for file in files_under("src/domain", "rs") {
        for (at, line) in file.code_lines() {
            let import = line.trim_start().trim_start_matches("pub ").strip_prefix("use ");
            let root = import.map(|path| path.split([':', ';', ' ']).next().unwrap_or_default());
            // A name in upper case is a type of the file's own.
            if root.is_some_and(|root| !allowed.contains(&root) && !root.starts_with(char::is_uppercase)) {
                breaches.push(format!("{}:{at}: {}", file.path, line.trim()));
            }
            if EFFECTS.iter().any(|effect| line.contains(effect)) {
                breaches.push(format!("{}:{at}: {}", file.path, line.trim()));
            }
        }
    }
    assert_none("src/domain is a function of its arguments", breaches);
}

#[test]
fn files_say_what_they_are_and_stay_short() {
    let mut breaches = Vec::new();
    for file in files_under("src", "rs") {
        let lines = file.text.lines().count();
        if !file.text.starts_with("//!") {
            breaches.push(format!("{} does not begin with //!", file.path));
        }
        if lines > MAX_LINES {
            breaches.push(format!("{} has {lines} lines, more than {MAX_LINES}", file.path));
        }
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if ["utils.rs", "util.rs", "helpers.rs", "manager.rs", "common.rs", "misc.rs"].contains(&name) {
            breaches.push(format!("{} has a name that says nothing", file.path));
        }
    }
    assert_none("a file says what it is, and fits into a head", breaches);
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["XX", "X"].concat()];
    let mut breaches = Vec::new();
    for folder in ["src", "tests", "benches", "examples", "migrations", "scripts"] {
        for extension in ["rs", "sql", "sh"] {
            for file in files_under(folder, extension) {
                for (at, line) in file.text.lines().enumerate() {
                    if marks.iter().any(|mark| has_word(line, mark)) || has_word(line, "unsafe") && folder == "src" {
                        breaches.push(format!("{}:{}: {}", file.path, at + 1, line.trim()));
                    }
                    let ignored = ["#[igno", "re"].concat();
                    if line.trim_start().starts_with(&ignored) {
                        breaches.push(format!("{}:{}: a test that does not run", file.path, at + 1));
                    }
                }
            }
        }
    }
    assert_none("no marks for later, no tests left out, no unsafe code", breaches);
}

#[test]
fn migrations_are_paired() {
    let names = |database: &str| -> BTreeSet<String> {
        let folder = root().join("migrations").join(database);
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    };
    let sqlite = names("sqlite");
    assert!(!sqlite.is_empty());
    assert_eq!(sqlite, names("postgres"), "each migration is there for both databases, under the same name");
    for database in ["sqlite", "postgres"] {
        for name in &sqlite {
            for file in ["up.sql", "down.sql"] {
                let path = root().join("migrations").join(database).join(name).join(file);
                let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                assert!(!text.trim().is_empty(), "{} is empty", path.display());
            }
        }
    }
}

#[test]
fn links_in_documents_lead_somewhere() {
    let mut breaches = Vec::new();
    for file in files_under("", "md") {
        let folder = Path::new(&file.path).parent().unwrap();
        for target in link_targets(&file.text) {
            let is_elsewhere = target.contains("://") || target.starts_with('#') || target.starts_with("mailto:");
            let path = target.split('#').next().unwrap_or_default();
            if !is_elsewhere && !root().join(folder).join(path).exists() {
                breaches.push(format!("{}: {target}", file.path));
            }
        }
    }
    assert_none("links lead to files that are there", breaches);
}

#[test]
fn decisions_are_listed() {
    let list = fs::read_to_string(root().join("docs/adr/README.md")).unwrap();
    let is_listed = |file: &File| list.contains(&format!("]({})", file.path.rsplit('/').next().unwrap_or_default()));
    let decisions = files_under("docs/adr", "md");
    let unlisted = decisions.iter().filter(|file| !file.path.ends_with("README.md") && !is_listed(file));
    assert_none("docs/adr/README.md lists every decision", unlisted.map(|file| file.path.clone()).collect());
}

/// Targets of Markdown links and images.
fn link_targets(text: &str) -> Vec<&str> {
    text.match_indices("](").filter_map(|(at, _)| text[at + 2..].split(')').next()).collect()
}

#[test]
fn cited_sections_of_the_protocol_are_on_its_page() {
    let page = fs::read_to_string(root().join("docs/protocol.md")).unwrap();
    let sections: BTreeSet<&str> = page
        .lines()
        .filter(|line| line.starts_with("##"))
        .filter_map(|line| line.trim_start_matches('#').split_whitespace().next())
        .map(|number| number.trim_end_matches('.'))
        .collect();
    let mut breaches = Vec::new();
    for file in ["src", "tests", "benches"].into_iter().flat_map(|folder| files_under(folder, "rs")) {
        // This file cites nothing; it looks for what does.
        if file.path == "tests/tidy.rs" {
            continue;
        }
        for (at, line) in file.text.lines().enumerate().filter(|(_, line)| !line.contains("RFC") && line.contains('§'))
        {
            // Other pages of the project have no numbers to cite.
            if line.contains(concat!("architecture", " §")) {
                breaches.push(format!("{}:{}: {}", file.path, at + 1, line.trim()));
            }
            for cited in line.split('§').skip(1) {
                let number: String = cited.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
                if !sections.contains(number.trim_end_matches('.')) {
                    breaches.push(format!("{}:{}: §{number}", file.path, at + 1));
                }
            }
        }
    }
    assert_none("what cites the protocol names a section of docs/protocol.md", breaches);
}

#[test]
fn nothing_looks_beside_the_clone() {
    // Written so that this file does not name it.
    let beside = ["..", "shared"].join("/");
    let folders = [("src", "rs"), ("tests", "rs"), ("benches", "rs"), ("tests", "mjs"), (".", "md"), ("web", "ts")];
    let mut files: Vec<File> =
        folders.into_iter().flat_map(|(folder, extension)| files_under(folder, extension)).collect();
    for path in ["scripts/test", "scripts/needs", ".ci/run", "justfile", "Cargo.toml", "build.rs"] {
        files.push(File { path: path.to_owned(), text: fs::read_to_string(root().join(path)).unwrap() });
    }
    let breaches = files.into_iter().filter(|file| file.text.contains(&beside)).map(|file| file.path).collect();
    assert_none("nothing of the project lies outside its folder", breaches);
}

/// What is a metric in an alert, a panel or a table is one that the server counts.
#[test]
fn metrics_that_operators_are_told_of_exist() {
    let source: String = files_under("src", "rs").into_iter().map(|file| file.text).collect();
    let mut breaches = Vec::new();
    for path in ["docs/operations.md", "packaging/alerts.yaml", "packaging/grafana.json"] {
        let text = fs::read_to_string(root().join(path)).unwrap();
        for word in text.split(|c: char| !(c.is_ascii_lowercase() || c == '_')) {
            let name = word.strip_suffix("_bucket").unwrap_or(word);
            if name.starts_with("landfall_") && !source.contains(&format!("\"{name}\"")) {
                breaches.push(format!("{path}: {word}"));
            }
        }
    }
    assert_none("a metric that is told of is counted", breaches);
}
