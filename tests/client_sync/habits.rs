//! What people expect of a command line: several folders, files and folders told apart, short output, commands to paste.

use std::process::Command;

use super::place::{Desk, Place, Ran};
use crate::harness::user::PASSWORD;

/// Runs the program in a folder that is not synced.
fn run_in(folder: &std::path::Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
    command.args(arguments).current_dir(folder).env_clear();
    command.env("LANDFALL_USERNAME", "ada").env("LANDFALL_PASSWORD", PASSWORD);
    command.output().unwrap().into()
}

/// A folder with a file that was changed there and deleted on the server.
fn in_conflict(desk: &Desk) -> Place {
    let (here, there) = (desk.place(), desk.place());
    here.write("sub/my plan.md", "one\n");
    here.sync();
    there.sync();
    there.delete("sub/my plan.md");
    there.sync();
    here.write("sub/my plan.md", "two\n");
    here.run(&["sync"]).expect(1);
    here
}

#[test]
fn several_folders_are_synced_one_after_the_other() {
    let desk = Desk::new();
    let (first, second) = (desk.place(), desk.place());
    first.write("a.md", "one\n");
    second.write("b.md", "two\n");
    let elsewhere = desk.unconnected();
    let folders = [first.path(""), elsewhere.path("nowhere"), second.path("")];
    let [first_path, missing, second_path] = folders.each_ref().map(|path| path.to_str().unwrap());
    let ran = elsewhere.run(&["sync", first_path, missing, second_path]).expect(2);
    assert!(
        ran.says(&["nowhere"]) && ran.says(&["created", "a.md"]) && ran.says(&["created", "b.md"]),
        "{}",
        ran.stdout
    );
    assert_eq!(desk.documents().len(), 2, "one that fails does not stop the others");
    let ran = elsewhere.run(&["sync", "--json", first_path, second_path]).expect(0);
    let ends: Vec<serde_json::Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let folders: Vec<_> = ends.iter().filter(|end| end["event"] == "finished").map(|end| &end["folder"]).collect();
    assert_eq!(folders.len(), 2);
    assert!(folders[0] != folders[1], "{folders:?}");
    assert_eq!(first.files(), second.files());
}

#[test]
fn a_long_list_is_cut_short_and_the_summary_comes_before_the_problems() {
    let desk = Desk::new();
    let place = desk.place();
    for n in 0..100 {
        place.write(&format!("{n:03}.md"), format!("{n}\n"));
        place.write(&format!("bad {n:03}.md"), [0xff]);
    }
    let ran = place.sync();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines.len() < 50, "{} lines", lines.len());
    let at = |words: &str| lines.iter().position(|line| line.contains(words)).unwrap_or_else(|| panic!("{words}"));
    assert!(at("created") < at("and        80 more") && at("and        80 more") < at("100 pushed"), "{}", ran.stdout);
    assert!(at("100 pushed") < at("problem    bad 000.md"), "{}", ran.stdout);
    assert_eq!(lines.iter().filter(|line| line.starts_with("problem")).count(), 20);
    place.write("new.md", "new\n");
    for n in 0..60 {
        place.write(&format!("{n:03}.md"), format!("{n}, changed\n"));
    }
    let status = place.run(&["status"]).expect(1);
    assert!(status.stdout.lines().count() < 60, "{}", status.stdout);
    assert!(status.says(&["100 files tracked, 61 changed", "100 that cannot be synced"]), "{}", status.stdout);
    assert!(status.says(&["and 41 more"]) && status.says(&["and 80 more"]), "{}", status.stdout);
}

#[test]
fn files_and_folders_are_told_apart() {
    let desk = Desk::new();
    let here = in_conflict(&desk);
    let root = here.path("");
    let outside = root.parent().unwrap();
    let name = root.file_name().unwrap().to_str().unwrap();
    let file = format!("{name}/sub/my plan.md");
    // From outside by the folder and the path in it, or by the file alone; from inside by the path.
    for arguments in [&["conflicts", name, "sub/my plan.md"][..], &["conflicts", &file], &["conflicts", name, &file]] {
        let ran = run_in(outside, arguments).expect(1);
        assert!(ran.says(&["sub/my plan.md: "]), "{}{}", ran.stdout, ran.stderr);
    }
    assert!(run_in(&here.path("sub"), &["conflicts", "my plan.md"]).expect(1).says(&["sub/my plan.md: "]));
    assert!(here.run(&["conflicts", "sub/my plan.md"]).expect(1).says(&["sub/my plan.md: "]));
    assert!(here.run(&["conflicts", "--settle", "mine", "."]).expect(2).says(&["name the files"]));
    let ran = run_in(outside, &["sync", &file]).expect(2);
    assert!(ran.says(&["is a file", "FOLDER is a folder", name]), "{}", ran.stderr);
    here.run(&["conflicts", "--settle", "mine", "sub/my plan.md"]).expect(0);
    here.sync();
    assert_eq!(desk.documents()["sub/my plan.md"], ["two\n"]);
}

/// The next step is done by pasting it.
#[test]
fn next_steps_can_be_pasted() {
    let desk = Desk::new();
    let place = desk.unconnected();
    let folder = "it's my notes";
    let pasted = |ran: &Ran, before: &str| {
        let line =
            ran.stdout.lines().find_map(|line| line.split_once(before)).unwrap_or_else(|| panic!("{}", ran.stdout));
        let mut shell = Command::new("sh");
        shell.args(["-c", line.1.trim_matches('`')]).current_dir(place.path(""));
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_landfall")).parent().unwrap();
        let path = format!("{}:/usr/bin:/bin", program.display());
        shell.env_clear().env("PATH", path).env("LANDFALL_USERNAME", "ada").env("LANDFALL_PASSWORD", PASSWORD);
        Ran::from(shell.output().unwrap())
    };
    let ran = place.run(&["init", folder, "--server", place.url()]).expect(0);
    place.write("it's my notes/a $HOME.png", "no picture\n");
    let ran = pasted(&ran, "next: ").expect(0);
    let ran = pasted(&ran, ": ").expect(0);
    assert!(ran.says(&["a $HOME.png"]), "{}", ran.stdout);
}

#[test]
fn workspaces_of_one_name_are_listed_with_their_ids() {
    let desk = Desk::new();
    let ids = [0, 1].map(|_| desk.ada.new_workspace("Plans").workspace_id);
    let place = desk.unconnected();
    let ran = place.run(&["init", ".", "--server", place.url(), "--workspace", "Plans"]).expect(2);
    assert!(ran.says(&["several workspaces", "id"]), "{}", ran.stderr);
    for id in ids {
        assert!(ran.says(&[&id, "Plans: yours"]), "{}", ran.stderr);
    }
}
