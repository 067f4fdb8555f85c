//! The client's queue: operations that wait for an answer, and those that got a final no.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diesel::prelude::*;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::database::{Change, StateError};
use super::id::DocId;
use super::schema::{dead_letters, outbox};
use crate::client::clock::now_us;

/// An operation that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = outbox, treat_none_as_null = true)]
pub struct QueuedOperation {
    /// Its permanent name, made when it was queued.
    pub client_id: String,
    /// Its place in the queue.
    pub position: i64,
    /// The document.
    pub document_id: DocId,
    /// `create`, `update` or `delete`.
    pub kind: String,
    /// The new title, if it changes.
    pub title: Option<String>,
    /// The new text; with a Yjs update only once it is sent, and only where it is short.
    pub content: Option<String>,
    /// The change as a Yjs update.
    pub yjs_update: Option<Vec<u8>>,
    /// Whether it revives a deleted document.
    pub restore: bool,
    /// Whether it is applied whatever the version.
    pub force: bool,
    /// The version that it builds on, set when it is first sent.
    pub base_version: Option<i64>,
    /// Whether it has been sent: from then on nothing of it may change.
    pub sent: bool,
    /// How often it was sent and not answered, or answered with a passing failure.
    pub attempts: i64,
    /// When it was queued, in microseconds since 1970.
    pub created_at: i64,
    /// When it was first sent, likewise; 0 if it was not.
    pub first_sent_at: i64,
}

/// An operation that the server refused for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Queryable, Selectable, Insertable)]
#[diesel(table_name = dead_letters)]
pub struct DeadLetter {
    /// The operation's name.
    pub client_id: String,
    /// The document.
    pub document_id: DocId,
    /// The file's path when it failed.
    pub path: String,
    /// `create`, `update` or `delete`.
    pub kind: String,
    /// The new title.
    pub title: Option<String>,
    /// The new text.
    pub content: Option<String>,
    /// The change as a Yjs update.
    #[serde(rename = "yjs_update_b64", serialize_with = "as_base64")]
    pub yjs_update: Option<Vec<u8>>,
    /// Whether it revives a deleted document.
    pub restore: bool,
    /// Whether it is applied whatever the version.
    pub force: bool,
    /// The version that it builds on.
    pub base_version: Option<i64>,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was queued, in microseconds since 1970.
    pub created_at: i64,
    /// The refusal's code.
    pub code: String,
    /// The refusal, for people.
    pub message: String,
    /// When it was refused.
    pub failed_at: i64,
}

fn as_base64<S: Serializer>(bytes: &Option<Vec<u8>>, out: S) -> Result<S::Ok, S::Error> {
    bytes.as_ref().map(|bytes| STANDARD.encode(bytes)).serialize(out)
}

impl QueuedOperation {
    /// A new operation of a kind on a document, with nothing in it.
    #[must_use]
    pub fn new(kind: &str, document_id: DocId) -> Self {
        Self {
            client_id: Uuid::now_v7().to_string(),
            position: 0,
            document_id,
            kind: kind.to_owned(),
            title: None,
            content: None,
            yjs_update: None,
            restore: false,
            force: false,
            base_version: None,
            sent: false,
            attempts: 0,
            created_at: now_us(),
            first_sent_at: 0,
        }
    }
}

impl Change<'_> {
    /// The operations queued for one document, in order.
    pub fn load_queued(&mut self, id: DocId) -> Result<Vec<QueuedOperation>, StateError> {
        let of_document = outbox::table.filter(outbox::document_id.eq(id)).order(outbox::position);
        Ok(of_document.select(QueuedOperation::as_select()).load(self.connection)?)
    }

    /// Names and documents of all queued operations, in order.
    pub fn list_outbox(&mut self) -> Result<Vec<(String, DocId, String)>, StateError> {
        let all = outbox::table.order(outbox::position);
        Ok(all.select((outbox::client_id, outbox::document_id, outbox::kind)).load(self.connection)?)
    }

    /// How often operations were sent, by name; only those that were.
    pub fn load_attempts(&mut self) -> Result<BTreeMap<String, i64>, StateError> {
        let tried = outbox::table.filter(outbox::attempts.gt(0)).select((outbox::client_id, outbox::attempts));
        Ok(tried.load::<(String, i64)>(self.connection)?.into_iter().collect())
    }

    /// One queued operation.
    pub fn find_operation(&mut self, client_id: &str) -> Result<Option<QueuedOperation>, StateError> {
        let found = outbox::table.find(client_id).select(QueuedOperation::as_select()).first(self.connection);
        Ok(found.optional()?)
    }

    /// Puts an operation at the end of the queue.
    pub fn enqueue(&mut self, operation: &QueuedOperation) -> Result<(), StateError> {
        let last: Option<i64> = outbox::table.select(diesel::dsl::max(outbox::position)).first(self.connection)?;
        let placed = QueuedOperation { position: last.unwrap_or(0) + 1, ..operation.clone() };
        diesel::insert_into(outbox::table).values(&placed).execute(self.connection)?;
        Ok(())
    }

    /// Changes a queued operation in its place.
    pub fn update_operation(&mut self, operation: &QueuedOperation) -> Result<(), StateError> {
        diesel::update(outbox::table.find(&operation.client_id)).set(operation).execute(self.connection)?;
        Ok(())
    }

    /// Takes an operation out of the queue.
    pub fn remove_operation(&mut self, client_id: &str) -> Result<(), StateError> {
        diesel::delete(outbox::table.find(client_id)).execute(self.connection)?;
        Ok(())
    }

    /// Moves an operation to the dead letters.
    pub fn bury(
        &mut self,
        operation: &QueuedOperation,
        path: &str,
        (code, message): (&str, &str),
    ) -> Result<(), StateError> {
        let letter = DeadLetter {
            client_id: operation.client_id.clone(),
            document_id: operation.document_id,
            path: path.to_owned(),
            kind: operation.kind.clone(),
            title: operation.title.clone(),
            content: operation.content.clone(),
            yjs_update: operation.yjs_update.clone(),
            restore: operation.restore,
            force: operation.force,
            base_version: operation.base_version,
            attempts: operation.attempts,
            created_at: operation.created_at,
            code: code.to_owned(),
            message: message.to_owned(),
            failed_at: now_us(),
        };
        diesel::replace_into(dead_letters::table).values(&letter).execute(self.connection)?;
        self.remove_operation(&operation.client_id)
    }

    /// The dead letters, oldest first.
    pub fn load_dead_letters(&mut self) -> Result<Vec<DeadLetter>, StateError> {
        let all = dead_letters::table.select(DeadLetter::as_select()).order(dead_letters::client_id);
        Ok(all.load(self.connection)?)
    }

    /// How many dead letters there are.
    pub fn count_dead_letters(&mut self) -> Result<usize, StateError> {
        let count: i64 = dead_letters::table.count().get_result(self.connection)?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Whether an operation of the document was refused, so that the server lacks what is known here.
    pub fn has_dead_letters(&mut self, id: DocId) -> Result<bool, StateError> {
        let of_document = dead_letters::table.filter(dead_letters::document_id.eq(id));
        Ok(diesel::select(diesel::dsl::exists(of_document)).get_result(self.connection)?)
    }

    /// Puts a dead letter back at the end of the queue, under its old name.
    pub fn revive(&mut self, letter: &DeadLetter) -> Result<(), StateError> {
        self.enqueue(&QueuedOperation {
            client_id: letter.client_id.clone(),
            position: 0,
            document_id: letter.document_id,
            kind: letter.kind.clone(),
            title: letter.title.clone(),
            content: letter.content.clone(),
            yjs_update: letter.yjs_update.clone(),
            restore: letter.restore,
            force: letter.force,
            base_version: letter.base_version,
            sent: true,
            attempts: 0,
            created_at: letter.created_at,
            first_sent_at: 0,
        })?;
        diesel::delete(dead_letters::table.find(&letter.client_id)).execute(self.connection)?;
        Ok(())
    }
}
