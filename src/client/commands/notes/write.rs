//! `landfall edit`, `put` and `append`: each is one operation, made once however often it has to be sent.

use std::io::{self, IsTerminal, Read};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use uuid::Uuid;

use super::names::{find, find_one};
use super::read::write_exactly;
use super::server::Server;
use crate::client::error::{ClientError, exit};
use crate::client::names::{natural_path, title_for_path};
use crate::client::note_options::{AppendOptions, EditOptions, PutOptions, WriteOptions};
use crate::client::output::{complain, write_json, write_line};
use crate::client::plain::quoted;
use crate::client::state::DocId;
use crate::client::wire::{OperationResult, ResultError, ResultStatus, WireDocument};
use crate::domain::line_ends::inside;
use crate::domain::operation::digest_of;
use crate::yjs::edit::edit_text;

/// Bytes of standard input at most; the server takes less.
const MAX_INPUT: u64 = 256 * 1024 * 1024;
/// How often a change is made again on what others wrote meanwhile, and how often one is sent again that may pass.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);

/// A change of one note.
struct Write<'a> {
    server: Server,
    note: &'a str,
    options: &'a WriteOptions,
    /// The operation's permanent name.
    name: String,
}

/// How a change ended that the server took.
struct Made {
    result: OperationResult,
    verb: &'static str,
}

impl<'a> Write<'a> {
    fn new(note: &'a str, options: &'a WriteOptions) -> Result<Self, ClientError> {
        let name = options.once.clone().unwrap_or_else(|| Uuid::now_v7().to_string());
        Ok(Self { server: Server::of(&options.place)?, note, options, name })
    }

    /// Sends operations; again while the answer says that it may pass. What comes back is the first one's success, or why none
    /// was made.
    fn send(&self, operations: &[Value], dry_run: bool) -> Result<OperationResult, ClientError> {
        let mut tries = 0;
        loop {
            let mut results = self.server.send(operations, dry_run)?;
            let is_reason = |one: &OperationResult| matches!(one.status, ResultStatus::Error | ResultStatus::Conflict);
            let at = results.iter().position(is_reason).unwrap_or(0);
            let result = results.swap_remove(at);
            tries += 1;
            let passes = result.status == ResultStatus::Error && result.error.as_ref().is_some_and(|one| one.retryable);
            if !passes || tries >= TRIES {
                return Ok(result);
            }
            thread::sleep(PAUSE * tries);
        }
    }

    fn update(&self, id: DocId, base: Option<i64>, force: bool, data: &Value) -> Value {
        let mut operation = json!({
            "operation": "update", "client_id": self.name, "document_id": id.to_string(), "data": data,
        });
        if let Some(fields) = operation.as_object_mut() {
            base.into_iter().for_each(|base| drop(fields.insert("base_version".to_owned(), json!(base))));
            if force {
                fields.insert("force".to_owned(), json!(true));
            }
        }
        operation
    }

    /// Makes the note. If it is to be made once, `named` is what stands under the name: with the note there, it is what the
    /// same command sends.
    fn make(&self, text: &str, named: Option<Value>) -> Result<u8, ClientError> {
        let mut operations = vec![self.create(text)?];
        if let Some(mut named) = named.filter(|_| self.options.once.is_some()) {
            let first = self.rename_to_first(&mut operations);
            set(&mut named, "document_ref", json!(first));
            operations.push(named);
        }
        let result = self.send(&operations, self.options.dry_run)?;
        self.finish(&Made { result, verb: "created" }, Some(text))
    }

    /// Gives the operations so far another name than `--once` says, which is made of it; the name.
    fn rename_to_first(&self, operations: &mut [Value]) -> String {
        let first = format!("first:{}", URL_SAFE_NO_PAD.encode(digest_of(&self.name)));
        operations.iter_mut().for_each(|operation| set(operation, "client_id", json!(first)));
        first
    }

    /// A new note, which can be typed into from the start.
    fn create(&self, text: &str) -> Result<Value, ClientError> {
        natural_path(self.note, "").map_err(|reason| {
            ClientError::Usage(format!("there is no note {:?}, and none can be called that: {reason}", self.note))
        })?;
        // Clients of editors have 32 bits.
        let client = u64::from(Uuid::new_v4().as_fields().0);
        let state = edit_text(None::<&[u8]>, client, text).map_err(ClientError::Document)?;
        Ok(json!({
            "operation": "create", "client_id": self.name,
            "data": {
                "title": title_for_path(self.note, ""), "content": text, "yjs_state_b64": STANDARD.encode(state),
            },
        }))
    }

    fn read(&self, id: DocId) -> Result<WireDocument, ClientError> {
        self.server
            .read(id)?
            .ok_or_else(|| ClientError::Usage(format!("{:?} was deleted; another name makes a new note", self.note)))
    }

    /// Says what became of it.
    fn finish(&self, made: &Made, text: Option<&str>) -> Result<u8, ClientError> {
        let Made { result, verb } = made;
        let dry_run = self.options.dry_run;
        let server = result.server.as_ref();
        if result.status != ResultStatus::Success {
            self.refuse(result.error.as_ref(), server.and_then(|server| server.version).or(result.version));
            return Ok(exit::INCOMPLETE);
        }
        // A merged text is the server's; what was sent without others' changes is what it is.
        let becomes = server.and_then(|server| server.content.as_deref()).or(text);
        if self.options.place.json {
            let id = server.and_then(|server| server.document_id).map(|id| id.to_string());
            write_json(&json!({
                "note": self.note, "document_id": id, "version": result.version, "dry_run": dry_run, "outcome": verb,
                "merged": result.merged, "replayed": result.replayed,
                "content": becomes.filter(|_| dry_run),
            }));
        } else if dry_run {
            match becomes {
                Some(text) => write_exactly(text)?,
                None => complain("the text would be too long for the answer; it can be changed all the same"),
            }
        } else {
            let version = result.version.map(|version| format!(" (version {version})")).unwrap_or_default();
            let before = if result.replayed { "; it had been made before" } else { "" };
            write_line(&format!("{verb} {}{version}{before}", self.note));
        }
        Ok(exit::IN_SYNC)
    }

    /// Says why nothing was changed, and what to do.
    fn refuse(&self, error: Option<&ResultError>, version: Option<i64>) {
        let (code, message) =
            error.map_or(("", "the server did not say why"), |error| (error.code.as_str(), error.message.as_str()));
        let version = version.map(|version| format!(" at version {version}")).unwrap_or_default();
        let note = quoted(self.note);
        let what = match code {
            "edit_not_found" => {
                format!("{note}{version} does not have the text to find.\nlook at it: landfall cat {note}")
            }
            "edit_ambiguous" => {
                let places = message.split(' ').find(|word| word.parse::<u32>().is_ok()).unwrap_or("several");
                format!(
                    "{note}{version} has the text to find at {places} places.\n\
                     find a longer part of the text, or replace all of them: --all"
                )
            }
            "rich_text" => format!(
                "{note} is rich text, which only an editor can change.\nopen it in the editor that it was written in"
            ),
            "version_mismatch" => format!(
                "others changed the same lines of {note}, which is{version} now.\n\
                 look at it: landfall cat {note}\nto replace the text all the same: --force"
            ),
            "client_id_reused" => format!(
                "--once {}: another change was made under this name.\ngive each change a name of its own",
                quoted(&self.name)
            ),
            "deleted" => format!("{note} was deleted.\nto bring it back: open its history in the editor"),
            "transient" => format!("{note} is being written to all the time ({message}).\ntry again in a moment"),
            _ => format!("{note}: {message} ({code})"),
        };
        complain(&format!("nothing was changed. {what}"));
    }
}

fn set(operation: &mut Value, field: &str, value: Value) {
    if let Some(fields) = operation.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

pub(super) fn edit(options: &EditOptions) -> Result<u8, ClientError> {
    if options.find.len() != options.replace.len() {
        return Err(ClientError::Usage("each --find needs its own --replace".to_owned()));
    }
    // Line ends become those of a document; what is looked for is taken as it is, since a document may have others all the same.
    let replace = options.replace.iter().map(|replace| inside(replace));
    let pairs = options.find.iter().zip(replace);
    let edits: Vec<Value> =
        pairs.map(|(find, replace)| json!({ "find": find, "replace": replace, "all": options.all })).collect();
    let write = Write::new(&options.note, &options.write)?;
    let id = find_one(&write.server, &options.note)?;
    let result = write.send(&[write.update(id, None, false, &json!({ "edits": edits }))], options.write.dry_run)?;
    write.finish(&Made { result, verb: "edited" }, None)
}

pub(super) fn put(options: &PutOptions) -> Result<u8, ClientError> {
    let text = read_input()?;
    let write = Write::new(&options.note, &options.write)?;
    let data = json!({ "content": text });
    let Some(id) = find(&write.server, &options.note)? else {
        if let Some(base) = options.base {
            complain(&format!(
                "nothing was changed. There is no note {:?} now, and --base {base} says that the text was made from a \
                 version of it.\nsee whether it has another name: landfall ls\nto make a new note: leave out --base",
                options.note
            ));
            return Ok(exit::INCOMPLETE);
        }
        let named = json!({ "operation": "update", "client_id": write.name, "force": true, "data": data });
        return write.make(&text, Some(named));
    };
    let base = match options.base {
        Some(base) => Some(base),
        None if options.force => None,
        None => write.read(id)?.version,
    };
    let result = write.send(&[write.update(id, base, options.force, &data)], options.write.dry_run)?;
    write.finish(&Made { result, verb: "put" }, Some(&text))
}

/// Where others add to the end at the same time, it is added to what they added.
///
/// With `--once`, what is sent differs with the text that it is added to, so it cannot say by itself whether the same was
/// added before. A second operation does: it replaces what was added by itself, under the name that was given.
pub(super) fn append(options: &AppendOptions) -> Result<u8, ClientError> {
    let added = read_input()?;
    let write = Write::new(&options.note, &options.write)?;
    let dry_run = options.write.dry_run;
    let edits = json!({ "edits": [{ "find": added, "replace": added, "all": true }] });
    let is_once = options.write.once.is_some() && !added.is_empty();
    let Some(id) = find(&write.server, &options.note)? else {
        let named = json!({ "operation": "update", "client_id": write.name, "data": edits });
        return write.make(&added, Some(named).filter(|_| is_once));
    };
    let mut tries = 0;
    loop {
        let document = write.read(id)?;
        let before =
            document.content.ok_or_else(|| ClientError::Document("it has no text that can be shown".to_owned()))?;
        let break_line = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
        let text = format!("{before}{break_line}{added}");
        let mut operations = vec![write.update(id, document.version, false, &json!({ "content": text }))];
        if is_once {
            write.rename_to_first(&mut operations);
            operations.push(write.update(id, None, false, &edits));
        }
        let result = write.send(&operations, dry_run)?;
        tries += 1;
        let code = result.error.as_ref().map(|error| error.code.as_str());
        if code == Some("version_mismatch") && tries < TRIES {
            continue;
        }
        if code == Some("client_id_reused") && is_once {
            // A rehearsal, since only the receipt is asked for.
            let earlier = write.send(&[write.update(id, None, false, &edits)], true)?;
            if earlier.replayed {
                return write.finish(&Made { result: earlier, verb: "appended to" }, Some(&before));
            }
        }
        return write.finish(&Made { result, verb: "appended to" }, Some(&text));
    }
}

/// Standard input, as documents have it: a folder converts its files by the same function.
fn read_input() -> Result<String, ClientError> {
    let mut bytes = Vec::new();
    if io::stdin().is_terminal() {
        complain("reading the text from the terminal; Ctrl-D ends it");
    }
    let read = io::stdin().lock().take(MAX_INPUT.saturating_add(1)).read_to_end(&mut bytes);
    let read = read.map_err(|cause| ClientError::io("standard input", cause))?;
    if u64::try_from(read).unwrap_or(u64::MAX) > MAX_INPUT {
        return Err(ClientError::Usage("standard input is longer than any note can be".to_owned()));
    }
    let text =
        String::from_utf8(bytes).map_err(|_not_utf8| ClientError::Usage("standard input is no UTF-8 text".to_owned()));
    let text = text?;
    if text.contains('\0') {
        return Err(ClientError::Usage("standard input holds a NUL character, so it is no text".to_owned()));
    }
    Ok(inside(&text).into_owned())
}
