//! Where a login is kept: a real keyring (GNOME's, in a D-Bus session of its own), and everything that may be wrong with
//! one.

use std::fs;
use std::os::unix::net::UnixListener;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::left_out::tell_left_out;
use super::place::{Desk, Place};

/// As the tests of the place run it, with nothing but a stored login.
fn with_stored_login(place: &Place, arguments: &[&str]) -> Output {
    let mut command = place.command(arguments);
    command.env_remove("LANDFALL_USERNAME").env_remove("LANDFALL_PASSWORD").output().unwrap()
}

fn keeper(place: &Place) -> Value {
    let status = place.run(&["status", "--json"]);
    serde_json::from_str::<Value>(&status.stdout).unwrap()["login"].clone()
}

#[test]
fn without_a_keyring_it_is_the_file() {
    let desk = Desk::new();
    let place = desk.unconnected();
    let ran = place.run(&["init", ".", "--server", place.url()]).expect(0);
    assert!(ran.says(&["kept in .landfall/credentials", "no keyring"]), "{}", ran.stdout);
    assert_eq!(keeper(&place), "file");
    assert!(place.run(&["status"]).says(&["login", "kept in .landfall/credentials"]));
    assert!(with_stored_login(&place, &["sync"]).status.success());
    for (wanted, status) in [("keyring", 3), ("nowhere", 2)] {
        let refused = place.command(&["login"]).env("LANDFALL_CREDENTIALS", wanted).output().unwrap();
        assert_eq!(refused.status.code(), Some(status), "{}", String::from_utf8_lossy(&refused.stderr));
        assert!(String::from_utf8_lossy(&refused.stderr).contains("LANDFALL_CREDENTIALS"));
    }
    assert!(with_stored_login(&place, &["sync"]).status.success(), "a login that could not be kept costs no other");
}

#[test]
fn a_session_that_answers_nothing_is_not_waited_for() {
    let desk = Desk::new();
    let place = desk.unconnected();
    let directory = TempDir::new().unwrap();
    let socket = directory.path().join("bus");
    // Accepts, and says nothing.
    let _listener = UnixListener::bind(&socket).unwrap();
    let started = Instant::now();
    let mut command = place.command(&["init", ".", "--server", place.url()]);
    let ran = command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", socket.display())).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    // It gives up after seconds, not after the minutes or hours that the session may take.
    assert!(started.elapsed() < Duration::from_secs(120), "it took {:?}", started.elapsed());
    assert_eq!(keeper(&place), "file");
}

/// What needs no keyring is tested above; this needs a keyring's programs.
fn has_keyring() -> bool {
    let missing: Vec<&str> = ["dbus-run-session", "dbus-send", "gnome-keyring-daemon", "secret-tool"]
        .into_iter()
        .filter(|tool| Command::new(tool).arg("--version").output().is_err())
        .collect();
    if !missing.is_empty() {
        tell_left_out(&format!("logins in a keyring, for want of {}", missing.join(", ")));
    }
    missing.is_empty()
}

/// Runs a script in a D-Bus session with an unlocked keyring; `$L` is the program, `locked` begins a locked session.
fn in_session(place: &Place, script: &str) -> String {
    let home = place.path("home");
    fs::create_dir_all(home.join("run")).unwrap();
    let prelude = r#"
        set -eu
        # A copy without file capabilities, which containers may not grant.
        cp "$(command -v gnome-keyring-daemon)" "$HOME/keyring-daemon"
        printf %s "$PASSPHRASE" | "$HOME/keyring-daemon" --unlock --components=secrets >/dev/null
        # The program waits 5 s for an answer, which a service that has just begun may need on a busy machine.
        is_prompt() {
            dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
                string:org.freedesktop.secrets | grep -q true || return 1
            timeout 2 secret-tool search application none >/dev/null 2>&1 || [ $? -ne 124 ]
        }
        for _ in $(seq 60); do is_prompt && break; sleep 1; done
        alone() { env -u LANDFALL_USERNAME -u LANDFALL_PASSWORD "$@"; }
    "#;
    let program = place.command(&[]);
    let mut command = Command::new("timeout");
    command
        .args(["300", "dbus-run-session", "--", "bash", "-c", &format!("{prelude}\n{script}")])
        .current_dir(place.path(""))
        .env_clear()
        .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("PATH", std::env::var("PATH").unwrap())
        .env("HOME", &home)
        .env("XDG_RUNTIME_DIR", home.join("run"))
        .env("PASSPHRASE", "of the keyring")
        .env("L", program.get_program())
        .env("URL", place.url());
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}\nstdout:\n{stdout}\nstderr:\n{stderr}");
    stdout.into_owned()
}

#[test]
fn a_keyring_keeps_the_login_and_no_file_does() {
    if !has_keyring() {
        return;
    }
    let desk = Desk::new();
    let place = desk.unconnected();
    place.write("a.md", "one\n");
    let said = in_session(
        &place,
        r#"
        "$L" init . --server "$URL"
        for n in 1 2 3; do alone "$L" sync --quiet; done
        secret-tool search application landfall 2>/dev/null | grep -c '^secret = '
        "#,
    );
    assert!(said.contains("kept in the system's keyring"), "{said}");
    assert!(said.ends_with("\n1\n"), "renewed in its place: {said}");
    assert_eq!(keeper(&place), "keyring");
    let kept = fs::read_to_string(place.path(".landfall/credentials")).unwrap();
    assert!(!kept.contains("refresh_token"), "{kept}");
    assert_eq!(desk.documents().len(), 1);
    // A new session, as after a logout: the keyring is unlocked again, and has it still.
    in_session(&place, r#"alone "$L" sync --quiet"#);
    // Outside a session nothing hangs, and the way out is named.
    let alone = with_stored_login(&place, &["sync"]);
    assert_eq!(alone.status.code(), Some(3));
    let stderr = String::from_utf8_lossy(&alone.stderr).into_owned();
    assert!(stderr.contains("keyring") && stderr.contains("landfall login"), "{stderr}");
    place.run(&["login"]).expect(0);
    assert_eq!(keeper(&place), "file");
    assert!(with_stored_login(&place, &["sync"]).status.success());
}

#[test]
fn a_locked_keyring_asks_nobody() {
    if !has_keyring() {
        return;
    }
    let desk = Desk::new();
    let place = desk.unconnected();
    let said = in_session(
        &place,
        r#"
        "$L" init . --server "$URL"
        dbus-send --session --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets \
            org.freedesktop.Secret.Service.Lock array:objpath:/org/freedesktop/secrets/collection/login >/dev/null
        alone "$L" sync 2>&1 && exit 9 || echo "exit $?"
        "$L" login 2>&1
        alone "$L" sync
        "#,
    );
    assert!(said.contains("locked") && said.contains("exit 3"), "{said}");
    assert!(said.contains("kept in .landfall/credentials"), "{said}");
    assert_eq!(keeper(&place), "file");
    let forced = desk.unconnected();
    let said = in_session(
        &forced,
        r#"
        LANDFALL_CREDENTIALS=file "$L" init . --server "$URL"
        secret-tool search application landfall 2>/dev/null
        "#,
    );
    assert!(!said.contains("secret"), "{said}");
    assert_eq!(keeper(&forced), "file");
}
