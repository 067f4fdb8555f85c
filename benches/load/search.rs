//! Searches in a large workspace: how soon it is in the index, and how long a page of what is found takes.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Outcome;
use crate::arguments::Options;
use crate::client::Connection;
use crate::measure::percentile;
use crate::report::{Section, milliseconds, none};
use crate::suite::{progress, start};

/// The language has twice 2 to this words; a word's rank decides how often it is used, as in real languages.
const RANK_BITS: u64 = 15;
const TEXT_BYTES: usize = 2_048;
const BATCH_SIZE: u32 = 100;
const PUSHERS: usize = 4;
const CLIENTS: [usize; 2] = [1, 8];
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
        rows.push(vec![format!("{}: {caught_up}", database.name()), none(), none(), milliseconds(behind), none()]);
        for clients in CLIENTS {
            for kind in QUERIES {
                progress(&format!("{}: {kind}, {clients} clients", database.name()));
                let taken = search(&owner, server.url(), &workspace, kind, clients, options.time)?;
                rows.push(vec![
                    format!("{}: {kind}", database.name()),
                    clients.to_string(),
                    milliseconds(percentile(&taken, 50)),
                    milliseconds(percentile(&taken, 95)),
                    milliseconds(percentile(&taken, 99)),
                ]);
            }
        }
    }
    let about = format!(
        "Pages of 20 in a workspace of {documents} documents of 2 KB, whose words are as frequent as in a natural language (the first of \
         them in most documents). Milliseconds."
    );
    let columns = vec!["search", "clients", "p50", "p95", "p99"];
    Ok(Section { title: "Search", about, columns, rows })
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
