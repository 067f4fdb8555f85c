//! Servers that are killed at random moments, over and over, while editors push, resend and read; then everything is
//! compared with what was acknowledged. `just torture` runs it for long: `TORTURE_KILLS` kills of each kind, or
//! `TORTURE_SECONDS`.

mod editor;
mod findings;
mod live;
mod mirror;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use self::editor::Editor;
use self::findings::{Findings, Kind};
use self::mirror::{Documents, Mirror};
use super::lives::try_admin;
use crate::harness::{Database, TestServer, User, YjsEditor};
use crate::yjs_support::histories::numbers::Numbers;

const EDITORS: usize = 6;
const READERS: usize = 2;
/// A server that has not answered by then is killed all the same.
const SLOW: Duration = Duration::from_secs(20);
/// After so many kills the database is compared, and the next one begins.
const ROUND: usize = 100;

#[test]
fn sqlite() {
    torture("sqlite", Database::Sqlite, 1);
}

#[test]
fn postgres() {
    torture("postgres", Database::Postgres, 1);
}

#[test]
fn two_servers_on_one_postgres() {
    torture("two servers on one postgres", Database::Postgres, 2);
}

/// A number from the environment.
pub fn setting(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => value.parse().unwrap_or_else(|error| panic!("{name}: {error}")),
        _ => otherwise,
    }
}

#[derive(Default)]
struct Total {
    kills: usize,
    documents: usize,
    acknowledged: usize,
    unanswered: usize,
    replayed: usize,
}

fn torture(name: &str, database: Database, servers: usize) {
    let kills = usize::try_from(setting("TORTURE_KILLS", 20)).unwrap();
    let time = Duration::from_secs(setting("TORTURE_SECONDS", 3_600));
    let seed = setting("TORTURE_SEED", uuid::Uuid::new_v4().as_u64_pair().1);
    let (findings, started, mut total) = (Findings::default(), Instant::now(), Total::default());
    while total.kills < kills && started.elapsed() < time {
        let round = ROUND.min(kills - total.kills);
        let seed = seed.wrapping_add(total.kills as u64);
        run_round(database, servers, &findings, &mut total, seed, &|killed| killed < round && started.elapsed() < time);
        tell(name, &total, &findings, started, seed);
    }
    let clean = [Kind::Lost, Kind::Doubled, Kind::Wrong].iter().all(|kind| findings.count(*kind) == 0);
    assert!(clean, "{name}, seed {seed}:\n{}", findings.first());
}

fn tell(name: &str, total: &Total, findings: &Findings, started: Instant, seed: u64) {
    let Total { kills, documents, acknowledged, unanswered, replayed } = total;
    eprintln!(
        "torture, {name}: {kills} kills in {} s (seed {seed}): {acknowledged} operations acknowledged, {documents} documents, \
         {unanswered} requests unanswered, {replayed} replays; {} lost, {} doubled, {} wrong",
        started.elapsed().as_secs(),
        findings.count(Kind::Lost),
        findings.count(Kind::Doubled),
        findings.count(Kind::Wrong),
    );
}

/// Kills for a while, then compares.
fn run_round(
    database: Database,
    servers: usize,
    findings: &Findings,
    total: &mut Total,
    seed: u64,
    goes_on: &dyn Fn(usize) -> bool,
) {
    let settings =
        [("LANDFALL_RATE_LIMIT", "off"), ("LANDFALL_ACCESS_TOKEN_S", "86400"), ("RUST_LOG", "landfall=warn,error")];
    let first = TestServer::start_with(database, &settings);
    let ada = first.register("ada");
    let grace = ada.invite(&first.register("grace"), "editor");
    let shared = make_shared(&ada);
    let mut servers: Vec<TestServer> =
        (1..servers).map(|_| first.start_beside()).collect::<Vec<_>>().into_iter().chain([first]).collect();
    let ways = |user: &User| servers.iter().map(|server| server.welcome(user)).collect::<Vec<_>>();
    let answers = Arc::new(AtomicUsize::new(0));
    let editor =
        |number| Editor::new(ways(if number % 2 == 0 { &ada } else { &grace }), number, seed, &shared, &answers);
    let mut editors: Vec<Editor> = (0..EDITORS).map(editor).collect();
    let mut readers: Vec<Mirror> = (0..READERS).map(|_| Mirror::new(ways(&ada))).collect();
    let ada = servers[0].welcome(&ada);
    let done = AtomicBool::new(false);
    let stop = &|| done.load(Ordering::SeqCst);
    thread::scope(|scope| {
        editors.iter_mut().for_each(|editor| drop(scope.spawn(move || editor.work(stop, findings))));
        readers.iter_mut().for_each(|reader| drop(scope.spawn(move || reader.follow(stop, findings))));
        total.kills += kill_over_and_over(&mut servers, seed, &answers, goes_on);
        done.store(true, Ordering::SeqCst);
    });
    for editor in &mut editors {
        editor.send_all_again(findings);
    }
    let mut fresh = Mirror::new(vec![ada.clone()]);
    fresh.catch_up(findings);
    for reader in &mut readers {
        reader.catch_up(findings);
        compare_mirrors(&reader.documents, &fresh.documents, findings);
    }
    compare_own(&editors, &fresh.documents, &shared, findings);
    shared.iter().for_each(|(id, state)| match state {
        None => compare_texts(&ada, id, &editors, &fresh.documents, findings),
        Some(_) => compare_words(id, &editors, &fresh.documents, findings),
    });
    let (sound, said, complaint) = try_admin(&servers[0], &["verify"]);
    if !sound {
        findings.add(Kind::Wrong, format!("landfall admin verify: {said}{complaint}"));
    }
    total.documents += fresh.documents.len();
    total.acknowledged += editors.iter().map(|editor| editor.acknowledged).sum::<usize>();
    total.unanswered += editors.iter().map(|editor| editor.unanswered).sum::<usize>();
    total.replayed += editors.iter().map(|editor| editor.replayed).sum::<usize>();
}

/// The documents that all editors change: texts, and Yjs documents, with their first states.
fn make_shared(ada: &User) -> Vec<(String, Option<Vec<u8>>)> {
    let text = |n| (ada.new_document(&format!("Text {n}"), "start"), None);
    let yjs = |n| {
        let editor = YjsEditor::new(n);
        editor.insert(0, "start");
        (ada.new_yjs_document(&format!("Yjs {n}"), &editor), Some(editor.state()))
    };
    (1..=3).map(text).chain((1..=3).map(yjs)).collect()
}

/// A server is killed a moment after some answers have come, or none: so work is done between two kills on a slow machine too.
fn kill_over_and_over(
    servers: &mut [TestServer],
    seed: u64,
    answers: &AtomicUsize,
    goes_on: &dyn Fn(usize) -> bool,
) -> usize {
    let mut numbers = Numbers::new(seed);
    let mut killed = 0;
    while goes_on(killed) {
        let (begun, wanted) = (Instant::now(), answers.load(Ordering::Relaxed) + numbers.below(16));
        while answers.load(Ordering::Relaxed) < wanted && begun.elapsed() < SLOW {
            thread::sleep(Duration::from_millis(2));
        }
        thread::sleep(Duration::from_millis(numbers.below(60) as u64));
        let place = numbers.below(servers.len());
        let server = &mut servers[place];
        server.kill();
        killed += 1;
        // Also in the middle of a start, when what the last one left is being put in order.
        while numbers.percent(15) && goes_on(killed) {
            server.start_and_kill(Duration::from_millis(numbers.between(1, 80) as u64));
            killed += 1;
        }
        server.restart();
    }
    killed
}

fn compare_mirrors(mirror: &Documents, fresh: &Documents, findings: &Findings) {
    for id in mirror.keys().chain(fresh.keys()).collect::<BTreeSet<_>>() {
        if mirror.get(id) != fresh.get(id) {
            let (told, there) = (mirror.get(id), fresh.get(id));
            findings.add(Kind::Wrong, format!("a reader that went on has {told:?}, a new one gets {there:?}"));
        }
    }
}

/// Each editor's documents are as they were acknowledged, and nobody's are there besides.
fn compare_own(editors: &[Editor], fresh: &Documents, shared: &[(String, Option<Vec<u8>>)], findings: &Findings) {
    let mut known: BTreeSet<&str> = shared.iter().map(|(id, _)| id.as_str()).collect();
    for own in editors.iter().flat_map(|editor| &editor.own) {
        known.insert(&own.id);
        let Some(stored) = fresh.get(&own.id) else {
            findings.add(Kind::Lost, format!("document {} at version {}", own.id, own.version));
            continue;
        };
        let version = stored["version"].as_i64().unwrap();
        if version != own.version {
            let kind = if version < own.version { Kind::Lost } else { Kind::Doubled };
            findings.add(kind, format!("version {} of {} was acknowledged last: {stored}", own.version, own.id));
        }
        let same_text = own.is_deleted || stored["content"] == own.content.as_str();
        if stored["deleted"] != own.is_deleted || stored["title"] != own.title.as_str() || !same_text {
            findings.add(Kind::Wrong, format!("{:?} {:?} expected: {stored}", own.title, own.content));
        }
    }
    for (id, stored) in fresh.iter().filter(|(id, _)| !known.contains(id.as_str())) {
        findings.add(Kind::Doubled, format!("nobody knows document {id}: {stored}"));
    }
}

/// Every version of a shared text is one that was acknowledged, with the text of its author.
fn compare_texts(ada: &User, id: &str, editors: &[Editor], fresh: &Documents, findings: &Findings) {
    let mut texts: HashMap<i64, &str> = HashMap::from([(1, "start")]);
    for ((_, version), text) in editors.iter().flat_map(|editor| &editor.texts).filter(|((of, _), _)| of == id) {
        if texts.insert(*version, text).is_some_and(|before| before != text) {
            findings.add(Kind::Lost, format!("version {version} of {id} was acknowledged to two editors"));
        }
    }
    let head = fresh[id]["version"].as_i64().unwrap();
    for version in 1..=head.max(texts.keys().copied().max().unwrap_or(1)) {
        let stored = ada.version(id, version);
        match texts.get(&version) {
            None => findings.add(Kind::Doubled, format!("nobody was told of version {version} of {id}")),
            Some(_) if stored.status != 200 => findings.add(Kind::Lost, format!("version {version} of {id}: {stored}")),
            Some(text) if stored.body["content"] != *text => {
                findings.add(Kind::Wrong, format!("{text:?} expected: {stored}"));
            }
            Some(_) => {}
        }
    }
}

/// A shared Yjs document holds every word that was acknowledged once, in as many versions.
fn compare_words(id: &str, editors: &[Editor], fresh: &Documents, findings: &Findings) {
    let text = fresh[id]["content"].as_str().unwrap_or_default();
    let acknowledged = editors.iter().flat_map(|editor| &editor.words).filter(|(of, _)| of == id);
    let mut expected: BTreeMap<char, usize> = BTreeMap::new();
    let mut count = 0;
    for (_, word) in acknowledged {
        count += 1;
        word.chars().for_each(|letter| *expected.entry(letter).or_default() += 1);
    }
    "start".chars().for_each(|letter| *expected.entry(letter).or_default() += 1);
    let mut found: BTreeMap<char, usize> = BTreeMap::new();
    text.chars().for_each(|letter| *found.entry(letter).or_default() += 1);
    if found != expected {
        let lost = expected.iter().any(|(letter, count)| found.get(letter) < Some(count));
        let kind = if lost { Kind::Lost } else { Kind::Doubled };
        findings.add(kind, format!("{count} words in {id}: {expected:?} expected, {found:?} found"));
    }
    // The first version, and one for each word.
    if fresh[id]["version"].as_i64() != Some(count + 1) {
        findings.add(Kind::Wrong, format!("{count} words, and version {} of {id}", fresh[id]["version"]));
    }
}
