//! Searches in a large workspace: how soon it is in the index, and how long a page of what is found takes.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection as _, PgConnection, SqliteConnection};
use landfall::domain::search::FORM;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Outcome;
use crate::arguments::Options;
use crate::client::Connection;
use crate::measure::{Measurement, Watch, percentile};
use crate::report::{Section, milliseconds, none, ratio};
use crate::server::Server;
use crate::suite::{progress, start};

/// The language has twice 2 to this words; a word's rank decides how often it is used, as in real languages.
const RANK_BITS: u64 = 15;
const TEXT_BYTES: usize = 2_048;
const BATCH_SIZE: u32 = 100;
const PUSHERS: usize = 4;
const CLIENTS: [usize; 2] = [1, 8];
/// Creates of one round, with and without the index in turns, and rounds.
const ROUND_CREATES: u32 = 2_000;
const ROUNDS: u32 = 4;
/// How long the index may take to catch up.
const PATIENCE: Duration = Duration::from_secs(1_800);

/// Small random numbers, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % bound
    }

    /// A word of the language: each power of two has as many uses as the next.
    fn word(&mut self) -> String {
        let power = 1 << self.below(RANK_BITS + 1);
        word(power + self.below(power))
    }
}

/// The word of a rank: the longer, the rarer.
fn word(mut rank: u64) -> String {
    const SYLLABLES: [&str; 20] = [
        "an", "ber", "co", "del", "em", "fi", "gra", "hol", "in", "jo", "ka", "lem", "mo", "ner", "or", "pra", "qui",
        "ro", "sta", "tu",
    ];
    let mut word = String::new();
    while rank > 0 {
        let syllable = usize::try_from(rank % 20).ok().and_then(|place| SYLLABLES.get(place));
        word.push_str(syllable.copied().unwrap_or_default());
        rank /= 20;
    }
    word
}

fn text(random: &mut Random) -> String {
    let mut text = String::new();
    while text.len() < TEXT_BYTES {
        text.push_str(&random.word());
        text.push(if random.below(10) == 0 { '\n' } else { ' ' });
    }
    text
}

/// What is searched for.
const QUERIES: [&str; 5] = ["a rare word", "a frequent word", "two words", "a prefix", "a phrase"];

fn query(kind: &str, random: &mut Random) -> String {
    match kind {
        "a rare word" => word(16_384 + random.below(16_384)),
        "a frequent word" => word(1 + random.below(32)),
        "two words" => format!("{} {}", random.word(), word(100 + random.below(1_000))),
        "a prefix" => word(1_000 + random.below(10_000)).chars().take(5).collect(),
        _ => format!("\"{} {}\"", word(1 + random.below(100)), word(1 + random.below(100))),
    }
}

/// Fills a workspace on each database, and searches it.
pub fn run(options: &Options) -> Outcome<Section> {
    let documents: u32 = if options.quick { 2_000 } else { 100_000 };
    let mut rows = Vec::new();
    for database in options.databases.iter().copied() {
        let (server, owner) = start(database)?;
        let workspace = owner.create_workspace("searched")?;
        progress(&format!("{}: {documents} documents for searches", database.name()));
        fill(&owner, server.url(), &workspace, documents)?;
        let behind = wait_for_index(&owner, &workspace)?;
        let caught_up = format!("index complete after the last of {documents} creates");
        rows.push(row(
            &format!("{}: {caught_up}", database.name()),
            "–",
            [none(), milliseconds(behind), none(), none(), none()],
        ));
        for clients in CLIENTS {
            for kind in QUERIES {
                progress(&format!("{}: {kind}, {clients} clients", database.name()));
                let watch = Watch::start(server.process_id())?;
                let taken = search(&owner, server.url(), &workspace, kind, clients, options.time)?;
                let searches = u32::try_from(taken.len())?;
                let measured = watch.finish(searches, taken)?;
                let [p50, p95, p99] =
                    [50, 95, 99].map(|percent| milliseconds(percentile(&measured.latencies, percent)));
                let cells = [p50, p95, p99, cpu_us(&measured), none()];
                rows.push(row(&format!("{}: {kind}", database.name()), &clients.to_string(), cells));
            }
        }
        progress(&format!("{}: creates with and without the index", database.name()));
        let [without, while_written, in_all] = cost_of_creates(&server, &owner)?;
        for (what, measured) in [
            ("a create, the index held off", &without),
            ("a create, up to its answer", &while_written),
            ("a create and its place in the index", &in_all),
        ] {
            let times = ratio(measured.cpu_us().unwrap_or_default(), without.cpu_us().unwrap_or_default());
            let cells = [none(), none(), none(), cpu_us(measured), times];
            rows.push(row(&format!("{}: {what}", database.name()), &PUSHERS.to_string(), cells));
        }
    }
    let about = format!(
        "Pages of 20 in a workspace of {documents} documents of 2 KB, whose words are as frequent as in a natural language (the first of \
         them in most documents). Milliseconds, and microseconds of the server's processor time for each search or create (on Postgres \
         without the database's). Creates: two workspaces of one server in turns, one of them with an index that takes nothing in; \
         `× held off`: their processor time beside that."
    );
    let columns = vec!["search", "clients", "p50", "p95", "p99", "CPU µs", "× held off"];
    Ok(Section { title: "Search", about, columns, rows })
}

fn row(what: &str, clients: &str, cells: [String; 5]) -> Vec<String> {
    [what.to_owned(), clients.to_owned()].into_iter().chain(cells).collect()
}

fn cpu_us(measured: &Measurement) -> String {
    measured.cpu_us().map_or_else(none, |cpu| format!("{cpu:.0}"))
}

/// Creates without the index, with it up to the last answer, and with it until it is complete.
fn cost_of_creates(server: &Server, owner: &Connection) -> Outcome<[Measurement; 3]> {
    let [held_off, indexed] = [owner.create_workspace("held off")?, owner.create_workspace("indexed")?];
    hold_off(&server.database_url(), held_off.parse()?)?;
    let mut sums: [Option<Measurement>; 3] = [None, None, None];
    for _ in 0..ROUNDS {
        let watch = Watch::start(server.process_id())?;
        fill(owner, server.url(), &held_off, ROUND_CREATES)?;
        let without = watch.finish(ROUND_CREATES, Vec::new())?;
        let (up_to_answers, in_all) = (Watch::start(server.process_id())?, Watch::start(server.process_id())?);
        fill(owner, server.url(), &indexed, ROUND_CREATES)?;
        let while_written = up_to_answers.finish(ROUND_CREATES, Vec::new())?;
        wait_for_index(owner, &indexed)?;
        let in_all = in_all.finish(ROUND_CREATES, Vec::new())?;
        // The last document is looked for, so it is made anew each time.
        delete_last(owner, &indexed)?;
        for (sum, more) in sums.iter_mut().zip([without, while_written, in_all]) {
            *sum = Some(match sum.take() {
                None => more,
                Some(sum) => Measurement {
                    operations: sum.operations + more.operations,
                    cpu: sum.cpu.zip(more.cpu).map(|(sum, more)| sum + more),
                    ..sum
                },
            });
        }
    }
    let [Some(without), Some(while_written), Some(in_all)] = sums else { return Err("no round was measured".into()) };
    Ok([without, while_written, in_all])
}

/// Says of a workspace's index that it is further than its feed will come: nothing is put into it.
fn hold_off(database_url: &str, workspace: Uuid) -> Outcome<()> {
    let insert = |workspace: &str| {
        format!(
            "INSERT INTO search_progress (workspace_id, sequence, form) VALUES ({workspace}, 4000000000000000000, {FORM});"
        )
    };
    match database_url.strip_prefix("sqlite://") {
        Some(path) => {
            let mut connection = SqliteConnection::establish(path)?;
            connection.batch_execute("PRAGMA busy_timeout = 60000;")?;
            connection.batch_execute(&insert(&format!("x'{}'", workspace.simple())))?;
        }
        None => {
            PgConnection::establish(database_url)?.batch_execute(&insert(&format!("'{workspace}'::uuid")))?;
        }
    }
    Ok(())
}

/// Deletes the document that says that the index is complete, and waits until it is not found any more.
fn delete_last(owner: &Connection, workspace: &str) -> Outcome<()> {
    let found = page(owner, workspace, "zzlast")?;
    let id = found.pointer("/items/0/document_id").cloned().ok_or("the last document is not found")?;
    let delete = json!({ "operation": "delete", "client_id": "last", "document_id": id, "force": true });
    owner.push(&json!({ "workspace_id": workspace, "operations": [delete] }).to_string())?;
    Ok(())
}

fn fill(owner: &Connection, url: &str, workspace: &str, documents: u32) -> Outcome<()> {
    let batches = AtomicU32::new(0);
    std::thread::scope(|scope| {
        let pushers: Vec<_> = (0..PUSHERS)
            .map(|_| {
                let connection = owner.another(url);
                let batches = &batches;
                scope.spawn(move || -> Outcome<()> {
                    loop {
                        let batch = batches.fetch_add(1, Ordering::Relaxed);
                        if batch * BATCH_SIZE >= documents {
                            return Ok(());
                        }
                        connection.push(&creates(workspace, batch))?;
                    }
                })
            })
            .collect();
        pushers.into_iter().try_for_each(|pusher| pusher.join().map_err(|_panic| "a client panicked")?)
    })?;
    let last = json!({ "workspace_id": workspace, "operations": [
        { "operation": "create", "client_id": "last", "data": { "title": "zzlast", "content": "" } }] });
    owner.push(&last.to_string())?;
    Ok(())
}

fn creates(workspace: &str, batch: u32) -> String {
    let mut random = Random(u64::from(batch + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let operations: Vec<Value> = (0..BATCH_SIZE)
        .map(|number| {
            let title = format!("{} {}", random.word(), random.word());
            json!({ "operation": "create", "client_id": number.to_string(), "data": { "title": title, "content": text(&mut random) } })
        })
        .collect();
    json!({ "workspace_id": workspace, "operations": operations }).to_string()
}

fn page(connection: &Connection, workspace: &str, query: &str) -> Outcome<Value> {
    let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let answer = connection.get(&format!("/api/v1/documents/search?workspace_id={workspace}&q={encoded}"))?;
    Ok(serde_json::from_slice(&answer)?)
}

fn wait_for_index(owner: &Connection, workspace: &str) -> Outcome<Duration> {
    let started = Instant::now();
    while page(owner, workspace, "zzlast")?.get("items").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        if started.elapsed() > PATIENCE {
            return Err("the index does not catch up".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(started.elapsed())
}

fn search(
    owner: &Connection,
    url: &str,
    workspace: &str,
    kind: &str,
    clients: usize,
    time: Duration,
) -> Outcome<Vec<Duration>> {
    let until = Instant::now() + time;
    let mut taken = std::thread::scope(|scope| {
        let searching: Vec<_> = (1..=clients)
            .map(|number| {
                let connection = owner.another(url);
                scope.spawn(move || -> Outcome<Vec<Duration>> {
                    let mut random = Random(u64::try_from(number)?.wrapping_mul(0x2545_F491_4F6C_DD1D));
                    let mut taken = Vec::new();
                    while Instant::now() < until {
                        let query = query(kind, &mut random);
                        let started = Instant::now();
                        page(&connection, workspace, &query)?;
                        taken.push(started.elapsed());
                    }
                    Ok(taken)
                })
            })
            .collect();
        let mut all = Vec::new();
        for one in searching {
            all.extend(one.join().map_err(|_panic| "a client panicked")??);
        }
        Outcome::Ok(all)
    })?;
    taken.sort_unstable();
    Ok(taken)
}
