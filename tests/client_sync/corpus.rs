//! Real documentation, hundreds of Markdown files that were not written for tests, edited on both sides.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::files::copy_docs;
use super::place::{Desk, Place};
use crate::harness::{Database, on_both_databases};

on_both_databases!(real_documentation_goes_both_ways);

const PACKAGE: &str = "rustc-ap-rustc_error_codes";
const ERRORS: usize = 406;

/// Where the package lies that `tests/corpus` names.
fn error_explanations() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--offline", "--format-version", "1", "--manifest-path"])
        .arg(manifest)
        .output()
        .unwrap();
    let fetch = "run `cargo fetch --locked --manifest-path tests/corpus/Cargo.toml` first";
    assert!(output.status.success(), "{fetch}: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == PACKAGE).unwrap();
    Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().join("error_codes")
}

/// What a client refuses on purpose, made of real texts, and a part of the reason that it must give.
fn add_what_is_refused(place: &Place, text: &str) -> Vec<(String, &'static str)> {
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    place.write("other/utf-16.md", utf16);
    let latin1: Vec<u8> = text.chars().chain("é".chars()).map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
    place.write("other/latin-1.md", latin1);
    place.write("other/with nul.txt", format!("{text}\0"));
    let refused = [("other/latin-1.md", "not UTF-8"), ("other/utf-16.md", "NUL"), ("other/with nul.txt", "NUL")];
    refused.map(|(path, why)| (path.to_owned(), why)).to_vec()
}

/// Syncs, and returns what was refused.
fn problems_of_sync(place: &Place) -> Vec<(String, String)> {
    let events = place.sync_json(0, &[]);
    let problems = events.iter().filter(|event| event["event"] == "problem");
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    problems.map(|event| (word(&event["path"]), word(&event["reason"]))).collect()
}

/// Every fifth document gets a paragraph behind its first one, some are moved, some are taken away.
fn edit_much(place: &Place) {
    for (n, path) in place.files().into_keys().enumerate() {
        let text = place.read(&path);
        match n % 20 {
            0 | 5 | 10 | 15 => {
                let (first, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
                place.write(&path, format!("{first}\n\nA remark on {path} – naïve, 文, 🎈.\n\n{rest}"));
            }
            7 | 12 => {
                let to = place.path(&format!("moved/{path}"));
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::rename(place.path(&path), to).unwrap();
            }
            // Fewer than a quarter, and some twenty: more would ask.
            18 if n < 400 => place.delete(&path),
            _ => {}
        }
    }
}

fn real_documentation_goes_both_ways(database: Database) {
    let desk = Desk::on(database);
    let (here, there) = (desk.place(), desk.place());
    copy_docs(&error_explanations(), &here.path("errors"));
    copy_docs(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs"), &here.path("docs"));
    let sound = here.files();
    assert_eq!(sound.keys().filter(|path| path.starts_with("errors/")).count(), ERRORS);
    assert!(sound.len() > ERRORS + 10);

    let refused = add_what_is_refused(&here, &here.read("errors/E0277.md"));
    let problems = problems_of_sync(&here);
    assert_eq!(
        problems.iter().map(|(path, _)| path).collect::<Vec<_>>(),
        refused.iter().map(|(path, _)| path).collect::<Vec<_>>(),
        "these are refused, and no others"
    );
    for ((path, reason), (_, why)) in problems.iter().zip(&refused) {
        assert!(reason.contains(why), "{path}: {reason}");
    }
    assert_eq!(problems_of_sync(&there), []);
    assert!(there.files() == sound, "byte by byte");

    for (path, _) in refused {
        here.delete(&path);
    }
    edit_much(&there);
    there.sync();
    here.sync();
    assert!(here.files() == there.files(), "byte by byte");
    assert!(here.files().len() < sound.len() && here.files().keys().any(|path| path.starts_with("moved/")));

    // Both write into every document: one in front, the other at the end.
    let before = here.files();
    for (path, text) in &before {
        here.write(path, [b"In front.\n\n", text.as_slice()].concat());
        there.write(path, [text.as_slice(), b"\nAt the end.\n"].concat());
    }
    here.sync();
    there.sync();
    here.sync();
    for (path, text) in before {
        let both = [b"In front.\n\n", text.as_slice(), b"\nAt the end.\n"].concat();
        assert!(here.files()[&path] == both, "{path}");
    }
    assert!(here.files() == there.files());
    let documents = desk.documents();
    assert!(documents.into_iter().all(|(path, texts)| texts.len() == 1 && texts[0] == here.read(&path)));
    here.run(&["verify"]).expect(0);
    assert!(here.sync().says(&["0 pushed, 0 pulled; in sync"]));
}
