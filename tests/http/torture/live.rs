//! The live mode: twenty editors type by the providers that people install, and some are lost with each kill. Every key
//! that was known to be saved is there, and no key is there twice. In a mode of its own they also delete: what was known to be
//! deleted does not come back.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::findings::{Findings, Kind};
use super::{kill_over_and_over, setting};
use crate::harness::user::new_id;
use crate::harness::{Database, TestServer, User};
use crate::http::lives::try_admin;
use crate::http::reserved_port::ReservedPort;
use crate::yjs_support::interop_directory;

const EDITORS: &str = "20";
const KEYS_A_SECOND: &str = "3";
/// Kills, if nobody says how many.
const KILLS: u64 = 6;
/// After so many kills another document is begun: there are so many keys that can be told from each other.
const ROUND: usize = 200;

#[test]
fn live_sqlite() {
    torture("sqlite", Database::Sqlite, "typing");
}

#[test]
fn live_postgres() {
    torture("postgres", Database::Postgres, "typing");
}

#[test]
fn live_deletions_sqlite() {
    torture("sqlite, deletions", Database::Sqlite, "deletion-typing");
}

#[test]
fn live_deletions_postgres() {
    torture("postgres, deletions", Database::Postgres, "deletion-typing");
}

fn torture(name: &str, database: Database, mode: &str) {
    let kills = usize::try_from(setting("TORTURE_KILLS", KILLS)).unwrap();
    let time = Duration::from_secs(setting("TORTURE_SECONDS", 3_600));
    let seed = setting("TORTURE_SEED", uuid::Uuid::new_v4().as_u64_pair().1);
    let port = ReservedPort::take();
    let address = port.address().to_string();
    let settings = [
        ("LANDFALL_RATE_LIMIT", "off"),
        ("LANDFALL_ACCESS_TOKEN_S", "86400"),
        // A deletion may be reported only once the editor has been quiet for so long.
        ("LANDFALL_HEARTBEAT_S", "1"),
        ("LANDFALL_LISTEN", address.as_str()),
        ("RUST_LOG", "landfall=warn,error"),
    ];
    let mut servers = [TestServer::start_with(database, &settings)];
    let ada = servers[0].register("ada");
    let (findings, started, mut killed) = (Findings::default(), Instant::now(), 0);
    while killed < kills && started.elapsed() < time {
        let round = ROUND.min(kills - killed);
        let seed = seed.wrapping_add(u64::try_from(killed).unwrap());
        let said = run_round(&mut servers, &ada, (seed, mode), &|n| n < round && started.elapsed() < time, &mut killed);
        compare(&said, &findings);
        let count = |list: &str| said[list].as_str().unwrap().chars().count();
        eprintln!(
            "torture, live, {name}: {killed} kills in {} s (seed {seed}): {} keys typed, {} known to be saved, {} editors \
             lost; {} lost, {} doubled, {} wrong",
            started.elapsed().as_secs(),
            count("typed"),
            count("saved"),
            said["lost"]["editors"],
            findings.count(Kind::Lost),
            findings.count(Kind::Doubled),
            findings.count(Kind::Wrong),
        );
    }
    let (sound, words, complaint) = try_admin(&servers[0], &["verify"]);
    assert!(sound, "landfall admin verify: {words}{complaint}");
    let clean = [Kind::Lost, Kind::Doubled, Kind::Wrong].iter().all(|kind| findings.count(*kind) == 0);
    assert!(clean, "{name}, seed {seed}:\n{}", findings.first());
}

/// What the editors typed into a document of theirs, what they knew to be saved, and what the server has in the end.
fn run_round(
    servers: &mut [TestServer],
    ada: &User,
    (seed, mode): (u64, &str),
    goes_on: &dyn Fn(usize) -> bool,
    killed: &mut usize,
) -> Value {
    let document = new_id();
    let mut crowd = start(&servers[0], ada, &document, (seed, mode));
    let output = BufReader::new(crowd.stdout.take().expect("piped"));
    let saves = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&saves);
    let reader = thread::spawn(move || {
        let mut last = String::new();
        for line in output.lines().map_while(Result::ok) {
            counted.fetch_add(1, Ordering::Relaxed);
            last = line;
        }
        last
    });
    *killed += kill_over_and_over(servers, seed, &saves, goes_on);
    drop(crowd.stdin.take());
    let last = reader.join().unwrap();
    assert!(crowd.wait().unwrap().success(), "the editors failed, see above (seed {seed})");
    let mut said: Value = serde_json::from_str(&last).unwrap();
    said["stored"] = ada.read(&document).string("/content").into();
    said
}

fn start(server: &TestServer, user: &User, document: &str, (seed, mode): (u64, &str)) -> Child {
    Command::new("node")
        .arg(interop_directory().join("live/crowd.mjs"))
        .args([EDITORS, KEYS_A_SECOND, &(seed % 1_000_000).to_string(), mode])
        .env("LANDFALL_URL", server.client().base_url())
        .env("LANDFALL_TOKEN", &user.access_token)
        .env("LANDFALL_WORKSPACE", &user.workspace_id)
        .env("LANDFALL_DOCUMENT", document)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("these tests need Node 20 or newer on the PATH")
}

fn compare(said: &Value, findings: &Findings) {
    let words = |name: &str| said[name].as_str().unwrap();
    let mut stored: BTreeMap<char, usize> = BTreeMap::new();
    words("stored").chars().for_each(|key| *stored.entry(key).or_default() += 1);
    for key in words("saved").chars().filter(|key| !stored.contains_key(key) && !words("deleted").contains(*key)) {
        findings.add(Kind::Lost, format!("{key} was known to be saved"));
    }
    for key in words("gone").chars().filter(|key| stored.contains_key(key)) {
        findings.add(Kind::Lost, format!("the deletion of {key} was known to be saved"));
    }
    for (key, count) in &stored {
        if *count > 1 {
            findings.add(Kind::Doubled, format!("{key} is there {count} times"));
        }
        if !words("typed").contains(*key) {
            findings.add(Kind::Wrong, format!("nobody typed {key}"));
        }
    }
    if words("text") != words("stored") {
        findings.add(Kind::Wrong, format!("the editors have {:?}, the server has {:?}", said["text"], said["stored"]));
    }
    for close in said["closes"].as_array().unwrap() {
        findings.add(Kind::Wrong, format!("a socket was closed: {close}"));
    }
}
