//! Fetching what is missing here of documents that the feed named: a changed word of a long document costs bytes on the
//! wire, and what was pushed from here nothing at all.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Pull;
use crate::client::error::ClientError;
use crate::client::state::DocId;
use crate::client::transport::wire::{DiffAnswer, DiffItem, WireDocument};
use crate::yjs::merge::{encode_state_vector, facts_of};

/// Documents of one request, at most.
const MAX_ASKED: usize = 100;

impl Pull<'_, '_> {
    /// Completes documents of which only the state vector came, in their order. One that is gone by now is left out: the
    /// feed tells of it later. So is one that the server cannot read; that is told.
    pub fn fetch_what_is_missing(&mut self, documents: Vec<WireDocument>) -> Result<Vec<WireDocument>, ClientError> {
        let wanted = documents.iter().filter(|document| document.is_vector_alone());
        let wanted: Vec<DocId> = wanted.filter_map(|document| document.document_id).collect();
        let mut found: BTreeMap<DocId, DiffAnswer> = BTreeMap::new();
        for asked in wanted.chunks(MAX_ASKED) {
            self.local.interrupt.check()?;
            self.fetch_all_of(asked, &mut found)?;
        }
        let mut complete = Vec::with_capacity(documents.len());
        for document in documents {
            let Some(id) = document.document_id.filter(|_| document.is_vector_alone()) else {
                complete.push(document);
                continue;
            };
            match found.remove(&id) {
                Some(DiffAnswer { error: Some(error), .. }) if error.code != "not_found" => {
                    let title = document.title.unwrap_or_default();
                    self.local.leave_out(id, &title, &format!("the server cannot send it: {}", error.message))?;
                }
                Some(DiffAnswer { deleted: false, error: None, yjs_state_b64, .. }) => {
                    complete.push(WireDocument { yjs_state_b64, ..document });
                }
                _ => {}
            }
        }
        Ok(complete)
    }

    /// Asks until each has its answer: one answer holds so many bytes and no more.
    fn fetch_all_of(&mut self, asked: &[DocId], found: &mut BTreeMap<DocId, DiffAnswer>) -> Result<(), ClientError> {
        let mut open = asked.to_vec();
        while !open.is_empty() {
            let documents = open.iter().map(|id| self.known_of(*id)).collect::<Result<_, _>>()?;
            let answers = self.server.read_missing(documents)?;
            let left = open.len();
            for item in answers {
                if item.error.as_ref().is_none_or(|error| !error.retryable) {
                    open.retain(|id| *id != item.document_id);
                    found.insert(item.document_id, item);
                }
            }
            if open.len() == left {
                let reason = "it has documents that it cannot send now; try again later".to_owned();
                return Err(self.server.unreachable(reason));
            }
        }
        Ok(())
    }

    /// What is here of a document.
    fn known_of(&mut self, id: DocId) -> Result<DiffItem, ClientError> {
        // A conflict keeps the server's side whole.
        let (known, conflict) =
            self.local.state.change(|change| Ok((change.find_with_body(id)?, change.find_conflict(id)?)))?;
        let known = known.filter(|_| conflict.is_none());
        let (state_vector_b64, version) = match known {
            Some((file, body)) => {
                let facts = body.yjs_state.and_then(|state| facts_of(&[state]).ok());
                let vector = facts.map(|(vector, ..)| STANDARD.encode(encode_state_vector(&vector)));
                (vector, Some(file.version))
            }
            None => (None, None),
        };
        let version = version.filter(|version| *version > 0 && state_vector_b64.is_some());
        Ok(DiffItem { document_id: id, state_vector_b64, version })
    }
}
