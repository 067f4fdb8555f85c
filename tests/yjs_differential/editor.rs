//! npm yjs, in a Node process that answers as long as it is asked.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde_json::json;

use crate::history::History;
use crate::yjs_support::model::Update;
use crate::yjs_support::{base64, interop_directory, parse};

/// The process. Dropping it ends it.
pub struct Editor {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What npm yjs makes of a list of updates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Reading {
    text: String,
    contents: String,
    error: Option<String>,
}

impl Editor {
    pub fn start() -> Self {
        let mut child = Command::new("node")
            .arg(interop_directory().join("differential.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("these tests need Node 20 or newer on the PATH");
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    fn read(&mut self, documents: &[Vec<Vec<u8>>], details: bool) -> Vec<Reading> {
        let documents: Vec<Vec<String>> =
            documents.iter().map(|updates| updates.iter().map(|update| base64(update)).collect()).collect();
        let mut line = serde_json::to_vec(&json!({ "documents": documents, "details": details })).unwrap();
        line.push(b'\n');
        self.input.write_all(&line).unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        parse(answer.as_bytes())
    }

    /// The histories (by place) that are read otherwise here and there, or otherwise in another form; with the form.
    pub fn compare(&mut self, histories: &[History]) -> Vec<(usize, usize)> {
        let forms: Vec<_> = histories.iter().map(History::forms).collect();
        let readings = self.read(&forms.concat(), false);
        let mut rest = readings.as_slice();
        let mut differences = Vec::new();
        for (at, (history, forms)) in histories.iter().zip(&forms).enumerate() {
            let (own, others) = rest.split_at(forms.len());
            rest = others;
            if let Some(form) = own.iter().position(|reading| reading.error.is_some() || *reading != own[0]) {
                differences.push((at, form));
            } else if own[0].text != history.text() {
                differences.push((at, 0));
            }
        }
        differences
    }

    /// A shorter history that still shows a difference.
    pub fn minimise(&mut self, mut history: History) -> History {
        loop {
            let smaller = smaller_than(&history.updates).into_iter().map(|updates| History::of(&updates));
            let candidates: Vec<_> = smaller.filter(|smaller| !smaller.updates.is_empty()).collect();
            let Some((at, _)) = self.compare(&candidates).first().copied() else { return history };
            history = candidates[at].clone();
        }
    }

    /// A history and how it is read, for people.
    pub fn describe(&mut self, history: &History) -> String {
        let forms = history.forms();
        let mut words = format!("\nserver: {:?}\n", history.text());
        for (form, reading) in forms.iter().zip(self.read(&forms, true)) {
            let hex: Vec<String> =
                form.iter().map(|update| update.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
            words += &format!("{}\n    {reading:?}\n", hex.join(" "));
        }
        for update in &history.updates {
            words += &format!("{:?}\n", Update::read(update));
        }
        words
    }
}

/// Lists of updates that are a little shorter: without an update, a struct, a deletion, or some of a text.
fn smaller_than(updates: &[Vec<u8>]) -> Vec<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    for at in 0..updates.len() {
        let mut without = updates.to_vec();
        without.remove(at);
        all.push(without);
        let update = Update::read(&updates[at]);
        let mut offer = |smaller: Update| {
            let mut changed = updates.to_vec();
            changed[at] = smaller.write();
            all.push(changed);
        };
        for section in 0..update.sections.len() {
            let mut smaller = update.clone();
            smaller.sections.remove(section);
            offer(smaller);
            for place in 0..update.sections[section].structs.len() {
                let mut smaller = update.clone();
                smaller.sections[section].structs.remove(place);
                if !smaller.sections[section].structs.is_empty() {
                    offer(smaller);
                }
            }
        }
        for client in 0..update.deletes.len() {
            let mut smaller = update.clone();
            smaller.deletes.remove(client);
            offer(smaller);
        }
    }
    all
}

impl Drop for Editor {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
