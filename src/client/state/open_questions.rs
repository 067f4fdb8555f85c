//! What a person has to look at: conflicts, and documents that no file can stand for.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::database::{Change, StateError};
use super::id::DocId;
use super::schema::{conflicts, left_out, refusals};
use crate::client::clock::now_us;

/// A document whose two sides wait for a person's choice. The local side is the file, which is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = conflicts)]
pub struct Conflict {
    /// The document.
    pub document_id: DocId,
    /// The file.
    pub path: String,
    /// What clashes, for people.
    pub reason: String,
    /// When it was found, in microseconds since 1970.
    pub found_at: i64,
    /// The text that both sides began with, if it is known.
    pub base_content: Option<String>,
    /// The file's text when the conflict was found.
    pub local_content: Option<String>,
    /// The server's version.
    pub server_version: i64,
    /// The server's title.
    pub server_title: String,
    /// Whether the server's document is deleted.
    pub server_deleted: bool,
    /// The server's text.
    pub server_content: Option<String>,
    /// The server's Yjs state.
    pub server_yjs_state: Option<Vec<u8>>,
}

impl Conflict {
    /// One that was found now, over a file and what the server has in this version under this title; without any texts.
    #[must_use]
    pub fn found(document_id: DocId, path: &str, reason: &str, version: i64, title: &str) -> Self {
        Self {
            document_id,
            path: path.to_owned(),
            reason: reason.to_owned(),
            found_at: now_us(),
            base_content: None,
            local_content: None,
            server_version: version,
            server_title: title.to_owned(),
            server_deleted: false,
            server_content: None,
            server_yjs_state: None,
        }
    }
}

/// Why a document is left out whose file is ignored, which nobody need be told.
pub const IGNORED: &str = "its file is ignored here";

/// A document of the server that no file of this folder stands for.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = left_out)]
pub struct LeftOut {
    /// The document.
    pub document_id: DocId,
    /// Its title.
    pub title: String,
    /// Why.
    pub reason: String,
    /// Whether that stays so for as long as the title does.
    pub is_refusal: bool,
}

impl Change<'_> {
    /// All conflicts, by path.
    pub fn load_conflicts(&mut self) -> Result<Vec<Conflict>, StateError> {
        Ok(conflicts::table.select(Conflict::as_select()).order(conflicts::path).load(self.connection)?)
    }

    /// The documents in conflict, their files, and the server's versions, by path: without the texts.
    pub fn list_conflicts(&mut self) -> Result<Vec<(DocId, String, i64)>, StateError> {
        let all = conflicts::table.select((conflicts::document_id, conflicts::path, conflicts::server_version));
        Ok(all.order(conflicts::path).load(self.connection)?)
    }

    /// How many conflicts there are.
    pub fn count_conflicts(&mut self) -> Result<usize, StateError> {
        let count: i64 = conflicts::table.count().get_result(self.connection)?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// The conflict of a document.
    pub fn find_conflict(&mut self, id: DocId) -> Result<Option<Conflict>, StateError> {
        Ok(conflicts::table.find(id).select(Conflict::as_select()).first(self.connection).optional()?)
    }

    /// Stores a conflict, new or with news from the server.
    pub fn put_conflict(&mut self, conflict: &Conflict) -> Result<(), StateError> {
        diesel::replace_into(conflicts::table).values(conflict).execute(self.connection)?;
        Ok(())
    }

    /// Forgets a conflict.
    pub fn remove_conflict(&mut self, id: DocId) -> Result<(), StateError> {
        diesel::delete(conflicts::table.find(id)).execute(self.connection)?;
        Ok(())
    }

    /// Files that cannot be synced as they are, by path, and why: those that were reported.
    pub fn load_refusals(&mut self) -> Result<BTreeMap<String, String>, StateError> {
        Ok(refusals::table.load::<(String, String)>(self.connection)?.into_iter().collect())
    }

    /// Notes that a file was reported as one that cannot be synced.
    pub fn put_refusal(&mut self, path: &str, reason: &str) -> Result<(), StateError> {
        diesel::replace_into(refusals::table)
            .values((refusals::path.eq(path), refusals::reason.eq(reason)))
            .execute(self.connection)?;
        Ok(())
    }

    /// Forgets that a file was reported.
    pub fn remove_refusal(&mut self, path: &str) -> Result<(), StateError> {
        diesel::delete(refusals::table.find(path)).execute(self.connection)?;
        Ok(())
    }

    /// All documents that are left out.
    pub fn load_left_out(&mut self) -> Result<Vec<LeftOut>, StateError> {
        Ok(left_out::table.select(LeftOut::as_select()).order(left_out::title).load(self.connection)?)
    }

    /// Notes a document that is left out.
    pub fn put_left_out(&mut self, document: &LeftOut) -> Result<(), StateError> {
        diesel::replace_into(left_out::table).values(document).execute(self.connection)?;
        Ok(())
    }

    /// Forgets that a document was left out.
    pub fn remove_left_out(&mut self, id: DocId) -> Result<(), StateError> {
        diesel::delete(left_out::table.find(id)).execute(self.connection)?;
        Ok(())
    }
}
