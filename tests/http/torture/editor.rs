//! One device at work while its servers are killed. It sends a batch until it is answered, as an editor does, so it knows
//! in the end what every document of its own must be.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::findings::{Findings, Kind};
use crate::harness::operation::Operation;
use crate::harness::{Answer, User, YjsEditor, create, delete, update};
use crate::yjs_support::histories::numbers::Numbers;

/// What is sent is answered by then, if servers come back at all.
const PATIENCE: Duration = Duration::from_secs(120);
/// Answered batches that are remembered, to be sent again.
const REMEMBERED: usize = 60;
const MAX_OPERATIONS: usize = 12;

/// A document that this editor alone changes.
pub struct Own {
    /// Empty until the server has given one.
    pub id: String,
    pub version: i64,
    pub title: String,
    pub content: String,
    pub yjs: Option<YjsEditor>,
    pub is_deleted: bool,
    /// The create that made it, while that has not been answered.
    made_by: Option<String>,
}

/// A document that all editors change.
pub struct Shared {
    pub id: String,
    /// The version that was seen last.
    version: i64,
    /// This editor's copy, if it is a Yjs document.
    copy: Option<YjsEditor>,
}

/// What an operation must come to.
enum Due {
    /// A change of the own document at this place: nothing but success, at this version.
    Own { place: usize, version: i64 },
    /// A text for the shared document at this place: a success, or a conflict with others.
    Text { place: usize, content: String },
    /// A word for the shared Yjs document at this place: success.
    Word { place: usize, word: String },
}

struct Sent {
    operations: Vec<(Operation, Due)>,
    atomic: bool,
}

/// An editor, and what it was told.
pub struct Editor {
    /// The user, by way of each server.
    ways: Vec<User>,
    device: String,
    numbers: Numbers,
    named: usize,
    pub own: Vec<Own>,
    pub shared: Vec<Shared>,
    /// Contents of shared texts by document and version, as they were acknowledged.
    pub texts: HashMap<(String, i64), String>,
    /// Words in shared Yjs documents, as they were acknowledged.
    pub words: Vec<(String, String)>,
    past: Vec<(Sent, Answer)>,
    pub acknowledged: usize,
    pub unanswered: usize,
    pub replayed: usize,
}

impl Editor {
    pub fn new(ways: Vec<User>, number: usize, seed: u64, shared: &[(String, Option<Vec<u8>>)]) -> Self {
        let copy = |place: usize, state: &Vec<u8>| YjsEditor::from_state((1_000 * (place + 1) + number) as u64, state);
        let shared = shared.iter().enumerate().map(|(place, (id, state))| Shared {
            id: id.clone(),
            version: 1,
            copy: state.as_ref().map(|state| copy(place, state)),
        });
        Self {
            ways,
            device: format!("device-{number}"),
            numbers: Numbers::new(seed.wrapping_add(number as u64)),
            named: 0,
            own: Vec::new(),
            shared: shared.collect(),
            texts: HashMap::new(),
            words: Vec::new(),
            past: Vec::new(),
            acknowledged: 0,
            unanswered: 0,
            replayed: 0,
        }
    }

    /// Pushes until told to stop; what is under way then is finished.
    pub fn work(&mut self, stop: &(dyn Fn() -> bool + Sync), findings: &Findings) {
        while !stop() {
            let sent = self.make_batch();
            let answer = self.push(&sent, findings);
            self.take_in(&sent, &answer, findings);
            self.past.push((sent, answer));
            if self.past.len() > REMEMBERED {
                self.past.remove(0);
            }
            if self.numbers.percent(15) {
                let place = self.numbers.below(self.past.len());
                self.send_again(place, findings);
            }
        }
    }

    /// Sends again what is remembered: every success is answered from its receipt.
    pub fn send_all_again(&mut self, findings: &Findings) {
        for place in 0..self.past.len() {
            self.send_again(place, findings);
        }
    }

    fn make_batch(&mut self) -> Sent {
        let atomic = self.numbers.percent(25);
        let count = self.numbers.between(1, MAX_OPERATIONS);
        let mut operations = Vec::new();
        let mut touched = Vec::new();
        for _ in 0..count {
            let operation = match self.numbers.below(100) {
                // A conflict would roll an atomic batch back.
                0..=11 if !atomic => self.shared_text(&mut touched),
                12..=27 => self.shared_word(),
                28..=54 => Some(self.create_own()),
                _ => Some(self.change_own()),
            };
            operations.extend(operation);
        }
        if operations.is_empty() {
            operations.push(self.create_own());
        }
        Sent { operations, atomic }
    }

    fn name(&mut self) -> String {
        self.named += 1;
        format!("op-{}", self.named)
    }

    fn words(&mut self) -> String {
        let count = self.numbers.between(1, 120);
        let own = format!("{} {}", self.device, self.named);
        let more = (0..count).map(|_| self.numbers.pick(&["wind", "sail", "rope", "harbour", "tide\n", "Küste", "🐟"]));
        std::iter::once(own.as_str()).chain(more).collect::<Vec<_>>().join(" ")
    }

    fn create_own(&mut self) -> (Operation, Due) {
        let (name, content, place) = (self.name(), self.words(), self.own.len());
        let title = format!("{} {name}", self.device);
        let mut operation = create(&name).title(&title);
        let yjs = self.numbers.percent(35).then(|| YjsEditor::new(1_000_000 + place as u64));
        match &yjs {
            Some(editor) => {
                let update = editor.insert(0, &content);
                operation = operation.yjs(&update);
                if self.numbers.percent(50) {
                    operation = operation.content(&content);
                }
            }
            None => operation = operation.content(&content),
        }
        // Half of the ids are the server's: a create that is applied twice makes a second document.
        let id = if self.numbers.percent(50) { uuid::Uuid::new_v4().to_string() } else { String::new() };
        if !id.is_empty() {
            operation = operation.id(&id);
        }
        let made_by = id.is_empty().then_some(name);
        self.own.push(Own { id, version: 1, title, content, yjs, is_deleted: false, made_by });
        (operation, Due::Own { place, version: 1 })
    }

    fn change_own(&mut self) -> (Operation, Due) {
        if self.own.is_empty() {
            return self.create_own();
        }
        let place = self.numbers.below(self.own.len());
        let (name, content, choice) = (self.name(), self.words(), self.numbers.below(100));
        let at = self.numbers.below(1_000);
        let own = &mut self.own[place];
        let mut operation = if choice < 15 && !own.is_deleted {
            own.is_deleted = true;
            delete(&name, &own.id)
        } else {
            let mut operation = update(&name, &own.id);
            if own.is_deleted {
                operation = operation.restore();
                own.is_deleted = false;
            }
            match &own.yjs {
                Some(editor) => {
                    let length = u32::try_from(editor.text().encode_utf16().count()).unwrap();
                    // At the end: the middle of a pair of surrogates is no place to write.
                    let update = editor.insert(length, &format!("\n{content}"));
                    own.content = editor.text();
                    operation = operation.yjs(&update);
                    if choice < 60 {
                        operation = operation.content(&own.content);
                    }
                }
                None => {
                    operation = operation.content(&content);
                    own.content = content;
                }
            }
            if at < 300 {
                own.title = format!("{} {name}", self.device);
                operation = operation.title(&own.title);
            }
            operation
        };
        operation = operation.base(own.version);
        if let Some(create) = &own.made_by {
            operation = operation.made_by(create);
        }
        own.version += 1;
        (operation, Due::Own { place, version: own.version })
    }

    fn shared_text(&mut self, touched: &mut Vec<usize>) -> Option<(Operation, Due)> {
        let places: Vec<usize> = (0..self.shared.len()).filter(|place| self.shared[*place].copy.is_none()).collect();
        let place = places[self.numbers.below(places.len())];
        if touched.contains(&place) {
            return None;
        }
        touched.push(place);
        let name = self.name();
        // One line, so that two texts never merge.
        let content = format!("{} {name}", self.device);
        let shared = &self.shared[place];
        let operation = update(&name, &shared.id).base(shared.version).content(&content);
        Some((operation, Due::Text { place, content }))
    }

    fn shared_word(&mut self) -> Option<(Operation, Due)> {
        let places: Vec<usize> = (0..self.shared.len()).filter(|place| self.shared[*place].copy.is_some()).collect();
        let place = places[self.numbers.below(places.len())];
        let name = self.name();
        let word = format!("[{} {name}]", self.device);
        let shared = &self.shared[place];
        let copy = shared.copy.as_ref()?;
        let at = self.numbers.below(copy.text().len() + 1);
        let bytes = copy.insert(u32::try_from(at).unwrap(), &word);
        Some((update(&name, &shared.id).yjs(&bytes), Due::Word { place, word }))
    }

    /// Sends until it is answered; at times to two servers at once.
    fn push(&mut self, sent: &Sent, findings: &Findings) -> Answer {
        let started = Instant::now();
        loop {
            let ways = if self.numbers.percent(10) { 2 } else { 1 };
            let first = self.numbers.below(self.ways.len());
            let through: Vec<&User> = (0..ways).map(|way| &self.ways[(first + way) % self.ways.len()]).collect();
            let answers: Vec<Option<Answer>> = thread::scope(|scope| {
                let device = &self.device;
                let senders: Vec<_> =
                    through.into_iter().map(|user| scope.spawn(move || batch(user, device, sent).try_send())).collect();
                senders.into_iter().map(|sender| sender.join().expect("a sender")).collect()
            });
            self.unanswered += answers.iter().filter(|answer| answer.is_none()).count();
            let mut answers: Vec<Answer> =
                answers.into_iter().flatten().filter(|answer| answer.status != 503).collect();
            if let Some(answer) = answers.pop() {
                if let Some(other) = answers.pop().filter(|other| told(other) != told(&answer) && !has_conflict(other))
                {
                    findings.add(Kind::Wrong, format!("two answers to one batch differ: {other}\n{answer}"));
                }
                return answer;
            }
            assert!(started.elapsed() < PATIENCE, "{} was not answered", self.device);
            thread::sleep(Duration::from_millis(30));
        }
    }

    fn take_in(&mut self, sent: &Sent, answer: &Answer, findings: &Findings) {
        if answer.status != 200 {
            return findings.add(Kind::Wrong, format!("{}: a sound batch was refused: {answer}", self.device));
        }
        for ((_, due), result) in sent.operations.iter().zip(answer.results()) {
            let is_success = result["status"] == "success";
            let version = result["version"].as_i64().unwrap_or_default();
            self.acknowledged += usize::from(is_success);
            self.replayed += usize::from(result["replayed"] == true);
            match due {
                Due::Own { place, version: expected } => {
                    let own = &mut self.own[*place];
                    if !is_success || version != *expected {
                        findings.add(Kind::Wrong, format!("{}: v{expected} expected: {result}", self.device));
                    } else if own.id.is_empty() {
                        own.id = result["document_id"].as_str().unwrap_or_default().to_owned();
                        own.made_by = None;
                    }
                }
                Due::Text { place, content } => self.take_in_text(*place, content, result, findings),
                Due::Word { place, word } if is_success => {
                    self.words.push((self.shared[*place].id.clone(), word.clone()));
                }
                Due::Word { .. } => findings.add(Kind::Wrong, format!("{}: a word was refused: {result}", self.device)),
            }
        }
    }

    fn take_in_text(&mut self, place: usize, content: &str, result: &Value, findings: &Findings) {
        let shared = &mut self.shared[place];
        let version = result["version"].as_i64().unwrap_or_default();
        if result["status"] == "success" {
            // A replay may come after others' versions; the next conflict tells the newest.
            shared.version = version;
            self.texts.insert((shared.id.clone(), version), content.to_owned());
        } else if result["error"]["code"] == "version_mismatch" {
            shared.version = version;
        } else {
            findings.add(Kind::Wrong, format!("{}: a text was neither taken nor in conflict: {result}", self.device));
        }
    }

    fn send_again(&mut self, place: usize, findings: &Findings) {
        let (sent, first) = self.past.remove(place);
        let again = self.push(&sent, findings);
        for (result, before) in again.results().iter().zip(first.results()) {
            let same = ["status", "document_id", "version"].iter().all(|field| result[field] == before[field]);
            let was_applied = before["status"] == "success";
            if was_applied && !(same && result["replayed"] == true) {
                findings.add(Kind::Doubled, format!("{}: not a replay of {before}: {result}", self.device));
            }
            self.replayed += usize::from(was_applied);
        }
        self.past.insert(place, (sent, first));
    }
}

fn batch(user: &User, device: &str, sent: &Sent) -> crate::harness::batch::Batch {
    let batch = user.batch().device(device).with_all(sent.operations.iter().map(|(operation, _)| operation.clone()));
    if sent.atomic { batch.atomic() } else { batch }
}

/// What an answer says of each operation, a replay or not.
fn told(answer: &Answer) -> Vec<(Value, Value, Value)> {
    let results = answer.body["results"].as_array().cloned().unwrap_or_default();
    let fields = |result: Value| (result["status"].clone(), result["document_id"].clone(), result["version"].clone());
    results.into_iter().map(fields).collect()
}

fn has_conflict(answer: &Answer) -> bool {
    answer.body["conflicts"] != 0
}
