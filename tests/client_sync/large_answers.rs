//! What does not fit into the answer to a batch is fetched, and never taken for an empty document.

use super::place::Desk;
use super::two_people::two_places;
use crate::harness::{Database, on_both_databases, update};

on_both_databases!(what_others_made_large_arrives_whole, conflicts_of_large_texts_have_both_sides);

fn large(word: &str) -> String {
    format!("{word} says a line\n").repeat(160_000)
}

fn what_others_made_large_arrives_whole(database: Database) {
    let desk = Desk::on(database);
    let names: Vec<String> = (0..5).map(|n| format!("{n}.md")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "first\nsecond\n")).collect();
    let (here, there) = two_places(&desk, &files);
    for (name, text) in &files {
        there.write(name, format!("{text}{}", large(name)));
        here.write(name, text.replace("first", "first, by me"));
    }
    there.sync();
    // The answer to this push has no room for five times three megabytes.
    here.run(&["push"]).expect(0);
    for (name, text) in &files {
        let both = format!("{}{}", text.replace("first", "first, by me"), large(name));
        assert!(here.read(name) == both, "{name} has {} bytes", here.read(name).len());
    }
    there.sync();
    here.sync();
    assert_eq!(here.files(), there.files());
}

fn conflicts_of_large_texts_have_both_sides(database: Database) {
    let desk = Desk::on(database);
    let ids: Vec<String> = (0..4).map(|n| desk.ada.new_document(&format!("plain {n}"), "one\n")).collect();
    let here = desk.place();
    here.sync();
    for (n, id) in ids.iter().enumerate() {
        here.write(&format!("plain {n}.md"), "mine\n");
        desk.ada.send(update("theirs", id).base(1).content(&large("somebody"))).expect(200);
    }
    let ran = here.run(&["push"]);
    assert!(ran.stdout.contains("conflict"), "{}{}", ran.stdout, ran.stderr);
    let listed = here.run(&["conflicts"]);
    for n in 0..4 {
        assert!(listed.stdout.contains(&format!("plain {n}.md")), "{}", listed.stdout);
        here.run(&["conflicts", ".", "--settle", "theirs", &format!("plain {n}.md")]).expect(0);
        assert!(here.read(&format!("plain {n}.md")) == large("somebody"), "plain {n}");
    }
}
