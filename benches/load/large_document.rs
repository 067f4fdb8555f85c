//! A keystroke into a small and into a large document: what a change costs must not depend on what is there.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;
use yrs::updates::decoder::Decode;
use yrs::{ClientID, Doc, GetString, OffsetKind, Options, ReadTxn, StateVector, Text, Transact, Update};

use crate::Outcome;
use crate::client::Connection;
use crate::corpus;
use crate::histories::Edit;
use crate::measure::{Measurement, Watch};
use crate::server::Server;

/// The root text of every document.
pub const ROOT: &str = "content";

/// A document grown by so many edits, and what its updates cost.
#[derive(Debug)]
pub struct LargeDocument {
    /// Edits that made it.
    pub edits: usize,
    /// Bytes of its Yjs state.
    pub state_bytes: usize,
    /// What the keystrokes cost.
    pub measurement: Measurement,
}

/// Types so many keystrokes into documents made of so many edits each.
pub fn run(server: &Server, owner: &Connection, sizes: &[usize], keystrokes: usize) -> Outcome<Vec<LargeDocument>> {
    sizes.iter().map(|edits| measure(server, owner, *edits, keystrokes)).collect()
}

fn measure(server: &Server, owner: &Connection, edits: usize, keystrokes: usize) -> Outcome<LargeDocument> {
    let (state, text) = grow(&corpus::edits(edits))?;
    let updates = type_into(&state, keystrokes)?;
    let workspace_id = owner.create_workspace(&format!("{edits} edits"))?;
    let document_id = Uuid::new_v4();
    let place = format!(r#""workspace_id":"{workspace_id}","device_id":"bench-{document_id}""#);
    owner.push(&format!(
        r#"{{{place},"operations":[{{"operation":"create","client_id":"create","document_id":"{document_id}","data":{}}}]}}"#,
        serde_json::json!({ "title": "A paper", "content": text, "yjs_state_b64": STANDARD.encode(&state) })
    ))?;
    let watch = Watch::start(server.process_id())?;
    let mut latencies = Vec::with_capacity(updates.len());
    for (typed, update) in updates.iter().enumerate() {
        let (_, latency) = owner.push(&format!(
            r#"{{{place},"operations":[{{"operation":"update","client_id":"key-{typed}","document_id":"{document_id}","base_version":{},"data":{{"yjs_state_b64":"{}"}}}}]}}"#,
            typed + 1,
            STANDARD.encode(update)
        ))?;
        latencies.push(latency);
    }
    let measurement = watch.finish(u32::try_from(updates.len())?, latencies)?;
    Ok(LargeDocument { edits, state_bytes: state.len(), measurement })
}

/// An empty document of a device.
pub fn document(client_id: u64) -> Doc {
    Doc::with_options(Options { offset_kind: OffsetKind::Utf16, ..Options::with_client_id(ClientID::new(client_id)) })
}

/// Takes a Yjs state in.
pub fn load(doc: &Doc, state: &[u8]) -> Outcome<()> {
    Ok(doc.transact_mut().apply_update(Update::decode_v1(state)?)?)
}

/// Replays edits; the Yjs state and the text.
pub fn grow(edits: &[Edit]) -> Outcome<(Vec<u8>, String)> {
    let doc = document(1);
    let text = doc.get_or_insert_text(ROOT);
    for Edit { position, deleted, inserted } in edits {
        let mut transaction = doc.transact_mut();
        if *deleted > 0 {
            text.remove_range(&mut transaction, *position, *deleted);
        }
        if !inserted.is_empty() {
            text.insert(&mut transaction, *position, inserted);
        }
    }
    let transaction = doc.transact();
    Ok((transaction.encode_state_as_update_v1(&StateVector::default()), text.get_string(&transaction)))
}

/// Single letters typed by another device all over the document, each as an update that leans on those before.
fn type_into(state: &[u8], keystrokes: usize) -> Outcome<Vec<Vec<u8>>> {
    const STRIDE: u32 = 7_919;
    let doc = document(2);
    let text = doc.get_or_insert_text(ROOT);
    load(&doc, state)?;
    let mut updates = Vec::with_capacity(keystrokes);
    let mut position = 0_u32;
    for _ in 0..keystrokes {
        let mut transaction = doc.transact_mut();
        position = position.wrapping_add(STRIDE) % text.len(&transaction).max(1);
        text.insert(&mut transaction, position, "x");
        // What an editor's update event carries; a diff by state vector would carry every deletion there ever was.
        updates.push(transaction.encode_update_v1());
    }
    Ok(updates)
}
