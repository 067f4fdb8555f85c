//! Logins that are kept: what a crash, a full disk or a copy costs, and that the queue outlives it.

use std::fs;
use std::process::Output;

use super::place::{Desk, Place};

/// Syncs with nothing but the login that the folder keeps.
fn sync_with_kept_login(place: &Place) -> Output {
    place.command(&["sync"]).env_clear().output().unwrap()
}

#[test]
fn a_crash_while_the_login_is_renewed_costs_nothing() {
    let desk = Desk::new();
    let place = desk.place();
    place.write("a.md", "one\n");
    let kept = place.path(".landfall/credentials");
    for n in 0..3 {
        // The server has renewed it, and the folder has the token of before.
        let before = fs::read(&kept).unwrap();
        assert!(sync_with_kept_login(&place).status.success());
        fs::write(&kept, before).unwrap();
        place.write("a.md", format!("{n}\n"));
        let ran = sync_with_kept_login(&place);
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
    assert_eq!(desk.documents()["a.md"], ["2\n"]);
}

#[test]
fn a_copy_of_an_old_login_costs_a_login_and_nothing_else() {
    let desk = Desk::new();
    let place = desk.place();
    place.write("a.md", "one\n");
    let kept = place.path(".landfall/credentials");
    let before = fs::read(&kept).unwrap();
    for _ in 0..2 {
        assert!(sync_with_kept_login(&place).status.success());
    }
    fs::write(&kept, before).unwrap();
    place.write("b.md", "two\n");
    let failed = sync_with_kept_login(&place);
    assert_eq!(failed.status.code(), Some(3));
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(said.contains("landfall login") && said.contains("what is queued stays"), "{said}");
    place.run(&["login"]).expect(0);
    assert!(sync_with_kept_login(&place).status.success());
    assert_eq!(desk.documents().into_keys().collect::<Vec<_>>(), ["a.md", "b.md"]);
}

#[test]
fn a_renewed_login_is_kept_even_where_no_file_can_be_made() {
    let desk = Desk::new();
    let place = desk.place();
    fs::create_dir_all(place.path(".landfall/credentials.new/in the way")).unwrap();
    for n in 0..3 {
        place.write("a.md", format!("{n}\n"));
        let ran = sync_with_kept_login(&place);
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
    assert_eq!(desk.documents()["a.md"], ["2\n"]);
}
