//! Scripts that find and replace in a large Yjs document, one and eight at a time, and what people who type into it live feel of
//! that.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Outcome;
use crate::arguments::Options;
use crate::client::Connection;
use crate::corpus;
use crate::histories::Edit;
use crate::large_document::grow;
use crate::live;
use crate::measure::percentile;
use crate::report::{Section, milliseconds, none, ratio};
use crate::server::{Database, Server};
use crate::suite::{progress, start};

const BATCH: &str = "/api/v1/documents/batch";
/// Scripts at a time.
const SCRIPTS: usize = 8;
/// People type alone and beside scripts in turns, so often.
const ROUNDS: usize = 3;
/// Lines of the document in which scripts count, each in one of its own.
const MARKS: usize = 100;

/// The documents that are edited.
struct Place {
    server: Server,
    owner: Connection,
    workspace: String,
    documents: Vec<Uuid>,
    /// The first mark that no script has used.
    mark: usize,
}

/// What scripts did.
#[derive(Default)]
struct Edited {
    taken: Vec<Duration>,
    /// How often one had to be sent again, since the document was written to all the time.
    again: u32,
}

/// Measures scripts alone, then people alone and beside scripts.
pub fn run(options: &Options) -> Outcome<Section> {
    live::install()?;
    let edits = if options.quick { 10_000 } else { 100_000 };
    let (state, text) = document(edits)?;
    let mut rows = Vec::new();
    for database in options.databases.iter().copied() {
        let mut place = Place::prepare(database, &state)?;
        for (what, scripts, documents) in
            [("a script", 1, 1), ("scripts, a document each", SCRIPTS, SCRIPTS), ("scripts, one document", SCRIPTS, 1)]
        {
            progress(&format!("{}: {what}", database.name()));
            let started = Instant::now();
            let edited = place.edit(scripts, documents, &|| started.elapsed() >= options.time)?;
            let rate = f64::from(u32::try_from(edited.taken.len())?) / started.elapsed().as_secs_f64();
            rows.push(row(
                database,
                what,
                scripts,
                &edited.taken,
                [format!("{rate:.0}"), edited.again.to_string(), none()],
            ));
        }
        rows.extend(place.type_beside_scripts(database, options.time)?);
    }
    let about = format!(
        "A script replaces a word that is there once (`data.edits`) in a text of {} KB by {edits} edits, whose Yjs state has {} KB, again \
         and again. Two people type into it live, eight keys a second each, by y-websocket in one Node process: from a key to the \
         update in the other editor; alone and beside scripts in turns. `× alone`: their p99 beside that without scripts.",
        text.len() / 1_000,
        state.len() / 1_000
    );
    let columns = vec!["what", "at a time", "p50 ms", "p95 ms", "p99 ms", "edits/s", "sent again", "× alone"];
    Ok(Section { title: "Text edits", about, columns, rows })
}

fn document(edits: usize) -> Outcome<(Vec<u8>, String)> {
    let marks = (0..MARKS).map(|mark| format!("mark {mark}: 0!\n")).collect();
    let mut edits = corpus::edits(edits);
    edits.push(Edit { position: 0, deleted: 0, inserted: marks });
    grow(&edits)
}

fn row(database: Database, what: &str, count: usize, taken: &[Duration], rest: [String; 3]) -> Vec<String> {
    let mut cells = vec![format!("{}: {what}", database.name()), count.to_string()];
    cells.extend([50, 95, 99].map(|percent| milliseconds(percentile(taken, percent))));
    cells.extend(rest);
    cells
}

impl Place {
    fn prepare(database: Database, state: &[u8]) -> Outcome<Self> {
        let (server, owner) = start(database)?;
        let workspace = owner.create_workspace("edited")?;
        let documents: Vec<Uuid> = (0..SCRIPTS).map(|_| Uuid::now_v7()).collect();
        for id in &documents {
            let data = json!({ "title": id, "yjs_state_b64": STANDARD.encode(state) });
            let create = json!({ "operation": "create", "client_id": "create", "document_id": id, "data": data });
            owner.push(&json!({ "workspace_id": workspace, "operations": [create] }).to_string())?;
        }
        Ok(Self { server, owner, workspace, documents, mark: 0 })
    }

    /// Lets so many scripts edit so many documents.
    fn edit(&mut self, scripts: usize, documents: usize, is_over: &(dyn Fn() -> bool + Sync)) -> Outcome<Edited> {
        let first = self.mark;
        self.mark += scripts;
        let place = &*self;
        let mut all = thread::scope(|scope| {
            let scripts: Vec<_> = (0..scripts)
                .map(|number| {
                    let id = place.documents.get(number % documents).copied().unwrap_or_default();
                    scope.spawn(move || place.count_on(id, first + number, is_over))
                })
                .collect();
            scripts.into_iter().try_fold(Edited::default(), |mut all, script| {
                let edited = script.join().map_err(|_panic| "a script panicked")??;
                all.taken.extend(edited.taken);
                all.again += edited.again;
                Outcome::Ok(all)
            })
        })?;
        all.taken.sort_unstable();
        Ok(all)
    }

    fn count_on(&self, id: Uuid, mark: usize, is_over: &(dyn Fn() -> bool + Sync)) -> Outcome<Edited> {
        let connection = self.owner.another(self.server.url());
        let (mut edited, mut count, mut started) = (Edited::default(), 0, Instant::now());
        while !is_over() {
            let edit =
                json!({ "find": format!("mark {mark}: {count}!"), "replace": format!("mark {mark}: {}!", count + 1) });
            let operation =
                json!({ "operation": "update", "client_id": "edit", "document_id": id, "data": { "edits": [edit] } });
            let batch = json!({ "workspace_id": self.workspace, "operations": [operation] });
            let answer: Value = serde_json::from_slice(&connection.post(BATCH, &batch.to_string())?)?;
            match answer.pointer("/results/0/error/code").and_then(Value::as_str) {
                None => {
                    edited.taken.push(started.elapsed());
                    count += 1;
                    started = Instant::now();
                }
                Some("transient") => edited.again += 1,
                Some(code) => return Err(format!("a script's edit is answered {code}").into()),
            }
        }
        Ok(edited)
    }

    fn type_beside_scripts(&mut self, database: Database, time: Duration) -> Outcome<Vec<Vec<String>>> {
        let mut felt = [
            (0, Vec::new(), Edited::default()),
            (1, Vec::new(), Edited::default()),
            (SCRIPTS, Vec::new(), Edited::default()),
        ];
        for round in 0..ROUNDS {
            for (scripts, taken, edited) in &mut felt {
                progress(&format!("{}: people type beside {scripts} scripts, round {round}", database.name()));
                let (mut keys, more) = self.type_beside(*scripts, time)?;
                taken.append(&mut keys);
                edited.taken.extend(more.taken);
                edited.again += more.again;
            }
        }
        felt.iter_mut().for_each(|(_, taken, _)| taken.sort_unstable());
        let alone = felt.first().map(|(_, taken, _)| percentile(taken, 99)).unwrap_or_default();
        let seconds = time.as_secs_f64() * f64::from(u32::try_from(ROUNDS)?);
        felt.iter()
            .map(|(scripts, taken, edited)| {
                let rate = f64::from(u32::try_from(edited.taken.len())?) / seconds;
                let times = ratio(percentile(taken, 99).as_secs_f64(), alone.as_secs_f64());
                let (what, rate, again) = match scripts {
                    0 => ("a key of two people".to_owned(), none(), none()),
                    _ => (
                        "a key of two people beside scripts".to_owned(),
                        format!("{rate:.0}"),
                        edited.again.to_string(),
                    ),
                };
                Ok(row(database, &what, *scripts, taken, [rate, again, times]))
            })
            .collect()
    }

    /// What each key took while so many scripts edit the same document.
    fn type_beside(&mut self, scripts: usize, time: Duration) -> Outcome<(Vec<Duration>, Edited)> {
        let document = self.documents.first().copied().unwrap_or_default();
        let mut people = Command::new("node")
            .args(["beside.mjs", &time.as_secs().to_string(), &format!("{}/{document}", self.workspace)])
            .current_dir(live::folder())
            .env("LIVE_PROVIDER", "y-websocket")
            .env("LIVE_URL", format!("{}/api/v1/live/y", live::socket_url(self.server.url())))
            .env("LIVE_TOKEN", self.owner.authorization().trim_start_matches("Bearer "))
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = BufReader::new(people.stdout.take().ok_or("the output is not piped")?);
        let (mut ready, mut taken) = (String::new(), String::new());
        said.read_line(&mut ready)?;
        let have_typed = AtomicBool::new(false);
        let edited = thread::scope(|scope| {
            let (taken, have_typed) = (&mut taken, &have_typed);
            scope.spawn(move || {
                let read = said.read_line(taken);
                have_typed.store(true, Ordering::SeqCst);
                read
            });
            self.edit(scripts, 1, &|| have_typed.load(Ordering::SeqCst))
        });
        if !people.wait()?.success() {
            return Err("the live editors failed: see above".into());
        }
        let taken: Vec<f64> = serde_json::from_str(&taken)?;
        Ok((taken.into_iter().map(|key| Duration::from_secs_f64(key / 1e3)).collect(), edited?))
    }
}
