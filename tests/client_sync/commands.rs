//! The command line: options, exit codes, what is said, logins.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::place::{Desk, Place, Ran};
use super::proxy::{BATCH, Deed, Gate, Proxy};
use crate::harness::Database;
use crate::harness::user::PASSWORD;

#[test]
fn exit_codes_tell_what_is_wrong() {
    let mut desk = Desk::restartable();
    let place = desk.place();
    place.write("a.md", "one\n");
    place.run(&["sync", "--batch-size", "101"]).expect(2);
    assert!(place.run(&["snyc"]).expect(2).says(&["similar", "sync"]), "the whole of what the parser says");
    assert!(place.run(&["help", "sync"]).expect(0).says(&["landfall sync"]));
    let confused = place.run(&["sync", "a.md"]).expect(2);
    assert!(confused.says(&["a.md is a file", "FOLDER"]), "{}", confused.stderr);
    place.run(&["sync", "--json", "--quiet"]).expect(2);
    place.run(&["sync", "/nowhere"]).expect(2);
    place.run(&["init", ".", "--server", place.url()]).expect(2);
    let elsewhere = desk.unconnected();
    let ran = elsewhere.run(&["sync"]).expect(2);
    assert!(ran.says(&["landfall init"]), "{}", ran.stderr);
    elsewhere.run(&["init", ".", "--server", "ftp://x"]).expect(2);
    elsewhere.run(&["init", ".", "--server", place.url(), "--workspace", "no such"]).expect(2);
    let wrong = place.command(&["sync"]).env("LANDFALL_PASSWORD", "wrong, quite wrong").output().unwrap();
    assert_eq!(wrong.status.code(), Some(3));
    let alone = place.command(&["sync"]).env("LANDFALL_TOKEN", "no token").output().unwrap();
    assert_eq!(alone.status.code(), Some(3));
    let nobody = elsewhere.command(&["init", ".", "--server", place.url()]).env_clear().output().unwrap();
    assert_eq!(nobody.status.code(), Some(3), "nothing waits for input without a terminal");
    assert!(!elsewhere.has(".landfall"), "a failed init leaves nothing");
    desk.server.stop();
    let ran = place.run(&["sync", "--retries", "1"]).expect(3);
    assert!(ran.says(&["cannot reach"]), "{}", ran.stderr);
    place.run(&["status"]).expect(1);
    desk.server.restart();
    place.sync();
    place.run(&["status"]).expect(0);
}

#[test]
fn a_login_is_kept_and_renewed() {
    let desk = Desk::new();
    // Each sync's first batch finds that the access token has run out.
    let proxy =
        Proxy::start(&desk.url(), |n, _| if n % 2 == 0 { Deed::Problem(401, "unauthorized") } else { Deed::Pass });
    let place = desk.place_through(&proxy.url);
    for n in 0..3 {
        place.write("a.md", format!("{n}\n"));
        let ran = place.command(&["sync"]).env_clear().output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
    assert_eq!((proxy.asked(BATCH), desk.documents()["a.md"].as_slice()), (6, ["2\n".to_owned()].as_slice()));
    let kept = place.path(".landfall/credentials");
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!fs::read_to_string(&kept).unwrap().contains(PASSWORD));
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(place.command(&["sync"]).env_clear().output().unwrap().status.code(), Some(2));
    fs::remove_file(&kept).unwrap();
    let ran = place.command(&["sync"]).env_clear().output().unwrap();
    assert_eq!(ran.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("landfall login"));
    place.run(&["login"]).expect(0);
    assert!(place.command(&["sync"]).env_clear().output().unwrap().status.success());
}

#[test]
fn another_users_token_sees_no_such_workspace() {
    let desk = Desk::new();
    let place = desk.place();
    let token = desk.server.register("grace").access_token;
    let foreign = place.command(&["pull"]).env_clear().env("LANDFALL_TOKEN", token).output().unwrap();
    assert_eq!(foreign.status.code(), Some(1), "{}", String::from_utf8_lossy(&foreign.stderr));
}

#[test]
fn scripts_read_events() {
    let desk = Desk::new();
    let place = desk.place();
    for n in 0..120 {
        place.write(&format!("{n:03}.md"), format!("{n}\n"));
    }
    let events = place.sync_json(0, &["--batch-size", "7", "--concurrency", "3"]);
    let named = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!(named("pushed"), 120);
    assert!(named("progress") >= 1);
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["exit_code"], &last["pushed"]), (&"finished".into(), &0.into(), &120.into()));
    let progress = &last["progress"];
    assert_eq!((&progress["total"], &progress["succeeded"]), (&120.into(), &120.into()));
    assert_eq!(progress["percentage"], 100.0);
    let runs = desk.ada.get(&format!("/api/v1/syncs?workspace_id={}", desk.ada.workspace_id)).expect(200);
    let run = &runs.items()[0];
    assert_eq!((&run["status"], &run["succeeded"]), (&"completed".into(), &120.into()), "others can watch it");
    let quiet = place.run(&["sync", "--quiet"]).expect(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    let status = place.run(&["status", "--json"]).expect(0);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!((&status["tracked"], &status["pending"]), (&120.into(), &0.into()));
    assert_eq!(status["last_sync"]["outcome"], "finished");
    let history = place.run(&["history", "--json", "--limit", "5"]).expect(0);
    let runs: Vec<serde_json::Value> = history.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(runs.iter().map(|run| run["pushed"].as_i64().unwrap()).collect::<Vec<_>>(), [0, 120]);
}

#[test]
fn batches_can_be_counted_out() {
    let desk = Desk::new();
    let place = desk.place();
    for n in 0..25 {
        place.write(&format!("{n:02}.md"), format!("{n}\n"));
    }
    place.run(&["push", "--batches", "1", "--batch-size", "10"]).expect(1);
    assert_eq!(desk.documents().len(), 10);
    let ran = place.run(&["status"]).expect(1);
    assert!(ran.says(&["15 operations pending"]), "{}", ran.stdout);
    place.sync();
    assert_eq!(desk.documents().len(), 25);
}

#[test]
fn all_or_nothing_has_the_limits_of_an_upload() {
    let limits = [("LANDFALL_MAX_OPERATIONS", "20"), ("LANDFALL_MAX_UPLOAD_OPERATIONS", "30")];
    let desk = Desk::with(&[&limits[..], &[("LANDFALL_MAX_UPLOAD_BYTES", "20000000")]].concat());
    let place = desk.place();
    for n in 0..31 {
        place.write(&format!("{n:02}.md"), format!("{n}\n"));
    }
    let ran = place.run(&["sync", "--atomic"]).expect(2);
    assert!(ran.says(&["31 operations", "30"]), "{}", ran.stderr);
    assert!(desk.documents().is_empty());
    place.delete("30.md");
    place.run(&["sync", "--atomic"]).expect(0);
    assert_eq!(desk.documents().len(), 30);
    // More than one request takes, and then more than one upload.
    for n in 0..3 {
        place.write(&format!("large {n}.md"), "x".repeat(4_000_000));
    }
    place.run(&["sync", "--atomic"]).expect(0);
    assert_eq!(desk.documents().len(), 33);
    for n in 3..7 {
        place.write(&format!("large {n}.md"), "x".repeat(4_000_000));
    }
    let ran = place.run(&["sync", "--atomic"]).expect(2);
    assert!(ran.says(&["20000000 bytes"]), "{}", ran.stderr);
    assert_eq!(desk.documents().len(), 33);
    place.sync();
    assert_eq!(desk.documents().len(), 37);
}

#[test]
fn directions() {
    let desk = Desk::new();
    let (here, there) = (desk.place(), desk.place());
    here.write("a.md", "a\n");
    here.run(&["push"]).expect(0);
    there.write("b.md", "b\n");
    there.run(&["pull"]).expect(0);
    assert!(there.has("a.md"));
    assert_eq!(desk.documents().len(), 1);
    there.run(&["sync", "--direction", "push"]).expect(0);
    assert_eq!(desk.documents().len(), 2);
    assert!(!here.has("b.md"));
    here.run(&["sync", "--direction", "pull", "--force-full"]).expect(0);
    assert_eq!(here.files(), there.files());
}

#[test]
fn a_refused_operation_waits_among_the_dead_letters() {
    let mut desk = Desk::restartable();
    let place = desk.place();
    let lines = |word: &str| (0..40).map(|n| format!("{word} {n} of a long text\n")).collect::<String>();
    place.write("a.md", lines("line"));
    place.write("b.md", "two\n");
    place.sync();
    desk.server.stop();
    desk.server.restart_with(&[("LANDFALL_MAX_YJS_STRUCTS", "3")]);
    place.write("a.md", lines("row"));
    place.write("b.md", "two\nand more\n");
    let ran = place.run(&["sync"]).expect(1);
    assert!(ran.says(&["failed", "a.md", "too_large"]) && ran.says(&["updated", "b.md"]), "{}", ran.stdout);
    assert!(place.run(&["retry", "--list"]).expect(1).says(&["update a.md", "too_large"]));
    assert_eq!(place.read("a.md"), lines("row"));
    desk.server.stop();
    desk.server.restart_with(&[("LANDFALL_MAX_YJS_STRUCTS", "")]);
    place.run(&["retry"]).expect(0);
    place.sync();
    place.run(&["verify"]).expect(0);
    assert_eq!(desk.documents()["a.md"], [lines("row")]);
}

#[test]
fn a_batch_that_is_too_slow_is_halved() {
    let desk = Desk::new();
    let proxy = Proxy::start(&desk.url(), |_, batch| match batch["operations"].as_array().unwrap().len() {
        9.. => Deed::Problem(503, "timeout"),
        _ => Deed::Pass,
    });
    let place = desk.place_through(&proxy.url);
    for n in 0..64 {
        place.write(&format!("{n}.md"), format!("{n}\n"));
    }
    place.run(&["sync", "--retries", "0", "--batch-size", "64", "--concurrency", "1"]).expect(0);
    assert_eq!(desk.documents().len(), 64);
    assert_eq!(proxy.asked(BATCH), 1 + 2 + 4 + 8, "halved until it is in time, and nothing sent again as it was");
    assert!(place.sync().says(&["0 pushed, 0 pulled; in sync"]));
}

#[test]
fn ctrl_c_finishes_what_is_under_way() {
    let desk = Desk::new();
    let gate = Gate::default();
    let held = gate.clone();
    // The signal arrives some time after it was sent: batches take a while, so that it does long before the last one.
    let proxy = Proxy::start(&desk.url(), move |n, _| match n {
        0 => Deed::Pass,
        1 => Deed::Hold(held.clone()),
        _ => Deed::Delay(Duration::from_secs(1)),
    });
    let place = desk.place_through(&proxy.url);
    for n in 0..200 {
        place.write(&format!("{n}.md"), format!("{n}\n"));
    }
    let child = place.spawn(&["sync", "--json", "--batch-size", "2", "--concurrency", "1", "--timeout", "600"]);
    gate.wait_until_it_holds();
    let kill = std::process::Command::new("sh").arg("-c").arg(format!("kill -INT {}", child.id())).status();
    assert!(kill.unwrap().success());
    gate.open();
    let ran = Ran::from(child.wait_with_output().unwrap()).expect(130);
    let last: serde_json::Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["exit_code"], 130);
    let pushed = last["pushed"].as_u64().unwrap() as usize;
    assert_eq!(desk.documents().len(), pushed, "every operation that was sent has been answered");
    assert!((4..200).contains(&pushed), "{pushed}");
    assert_eq!(desk.runs(), ["cancelled"], "the server knows that no more comes");
    place.sync();
    assert_eq!(desk.documents().len(), 200);
}

#[test]
fn one_folder_is_synced_by_one_command_at_a_time() {
    let desk = Desk::new();
    let gate = Gate::default();
    let held = gate.clone();
    let proxy = Proxy::start(&desk.url(), move |_, _| Deed::Hold(held.clone()));
    let place = desk.place_through(&proxy.url);
    place.write("a.md", "one\n");
    let child = place.spawn(&["sync", "--timeout", "600"]);
    gate.wait_until_it_holds();
    let ran = place.run(&["sync"]).expect(2);
    assert!(ran.says(&["another landfall command"]), "{}", ran.stderr);
    gate.open();
    Ran::from(child.wait_with_output().unwrap()).expect(0);
    place.sync();
}

#[test]
fn help_has_an_example_for_each_command() {
    let desk = Desk::new();
    let place = desk.unconnected();
    for command in
        ["init", "login", "sync", "push", "pull", "status", "conflicts", "retry", "verify", "history", "reset", "watch"]
    {
        let ran = place.run(&[command, "--help"]).expect(0);
        assert!(ran.says(&[&format!("  landfall {command} ~/notes")]), "{}", ran.stdout);
    }
}

#[test]
fn an_account_is_made_where_the_server_lets_one() {
    let desk = Desk::new();
    let place = desk.unconnected();
    let register = |place: &Place, name: &str| {
        let arguments = ["init", ".", "--register", "--username", name, "--server", place.url()];
        let mut command = place.command(&arguments);
        Ran::from(command.env("LANDFALL_USERNAME", name).output().unwrap())
    };
    let taken = register(&place, "ada");
    assert!(taken.status != 0 && taken.says(&["taken"]) && !place.has(".landfall"), "{}", taken.stderr);
    register(&place, "grace").expect(0);
    place.write("a.md", "one\n");
    let mut sync = place.command(&["sync"]);
    let synced = Ran::from(sync.env_remove("LANDFALL_USERNAME").env_remove("LANDFALL_PASSWORD").output().unwrap());
    synced.expect(0);
    assert!(desk.documents().is_empty(), "it is a workspace of her own");
}

#[test]
fn a_server_may_move() {
    // Nobody else gets the port that it leaves.
    let mut desk = Desk::restartable();
    let place = desk.place();
    place.write("a.md", "one\n");
    place.sync();
    desk.server.stop();
    desk.server.restart_with(&[("LANDFALL_LISTEN", "127.0.0.1:0")]);
    place.run(&["sync", "--retries", "0"]).expect(3);
    let other = Desk::new();
    let ran = place.run(&["login", "--server", &other.server.client().base_url()]).expect(2);
    assert!(ran.says(&["no access"]), "{}", ran.stderr);
    place.run(&["login", "--server", &desk.server.client().base_url()]).expect(0);
    let ran = place.sync();
    assert!(ran.says(&["0 pushed, 0 pulled; in sync"]), "{}", ran.stdout);
}

#[test]
fn status_asks_the_server_only_when_it_is_told_to() {
    let mut desk = Desk::restartable_on(Database::Sqlite, &[("LANDFALL_MAX_WORKSPACE_DOCUMENTS", "5")]);
    let place = desk.place();
    place.write("a.md", "one\n");
    place.write("b.md", "two\n");
    place.sync();
    let ran = place.run(&["status", "--server"]).expect(0);
    assert!(ran.says(&["server", "2 documents, 0 deleted, 1 members"]), "{}", ran.stdout);
    assert!(ran.says(&["room for 3 documents, any number of bytes"]), "{}", ran.stdout);
    let said: serde_json::Value =
        serde_json::from_str(&place.run(&["status", "--server", "--json"]).expect(0).stdout).unwrap();
    let figures = &said["server_figures"];
    assert_eq!((&figures["documents"], &figures["documents_left"]), (&2.into(), &3.into()), "{said}");
    assert!(!place.run(&["status"]).expect(0).says(&["room for"]));
    desk.server.kill();
    let ran = place.run(&["status", "--server", "--retries", "0"]);
    assert_ne!(ran.status, 0, "{}", ran.stdout);
    assert!(place.run(&["status"]).expect(0).says(&["2 files tracked"]), "without the server");
}
