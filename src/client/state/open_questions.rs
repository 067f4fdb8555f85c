//! What a person has to look at: conflicts, and documents that no file can stand for.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::schema::{conflicts, left_out, refusals};
use super::{Change, DocId, StateError};

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
    ///
    /// # Errors
    /// `Database`.
    pub fn load_conflicts(&mut self) -> Result<Vec<Conflict>, StateError> {
        Ok(conflicts::table.select(Conflict::as_select()).order(conflicts::path).load(self.connection)?)
    }

    /// How many conflicts there are.
    ///
    /// # Errors
    /// `Database`.
    pub fn count_conflicts(&mut self) -> Result<usize, StateError> {
        let count: i64 = conflicts::table.count().get_result(self.connection)?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// The conflict of a document.
    ///
    /// # Errors
    /// `Database`.
    pub fn find_conflict(&mut self, id: DocId) -> Result<Option<Conflict>, StateError> {
        Ok(conflicts::table.find(id).select(Conflict::as_select()).first(self.connection).optional()?)
    }

    /// Stores a conflict, new or with news from the server.
    ///
    /// # Errors
    /// `Database`.
    pub fn put_conflict(&mut self, conflict: &Conflict) -> Result<(), StateError> {
        diesel::replace_into(conflicts::table).values(conflict).execute(self.connection)?;
        Ok(())
    }

    /// Forgets a conflict.
    ///
    /// # Errors
    /// `Database`.
    pub fn remove_conflict(&mut self, id: DocId) -> Result<(), StateError> {
        diesel::delete(conflicts::table.find(id)).execute(self.connection)?;
        Ok(())
    }

    /// Files that cannot be synced as they are, by path, and why: those that were reported.
    ///
    /// # Errors
    /// `Database`.
    pub fn load_refusals(&mut self) -> Result<BTreeMap<String, String>, StateError> {
        Ok(refusals::table.load::<(String, String)>(self.connection)?.into_iter().collect())
    }

    /// Notes that a file was reported as one that cannot be synced.
    ///
    /// # Errors
    /// `Database`.
    pub fn put_refusal(&mut self, path: &str, reason: &str) -> Result<(), StateError> {
        diesel::replace_into(refusals::table)
            .values((refusals::path.eq(path), refusals::reason.eq(reason)))
            .execute(self.connection)?;
        Ok(())
    }

    /// Forgets that a file was reported.
    ///
    /// # Errors
    /// `Database`.
    pub fn remove_refusal(&mut self, path: &str) -> Result<(), StateError> {
        diesel::delete(refusals::table.find(path)).execute(self.connection)?;
        Ok(())
    }

    /// All documents that are left out.
    ///
    /// # Errors
    /// `Database`.
    pub fn load_left_out(&mut self) -> Result<Vec<LeftOut>, StateError> {
        Ok(left_out::table.select(LeftOut::as_select()).order(left_out::title).load(self.connection)?)
    }

    /// Notes a document that is left out.
    ///
    /// # Errors
    /// `Database`.
    pub fn put_left_out(&mut self, document: &LeftOut) -> Result<(), StateError> {
        diesel::replace_into(left_out::table).values(document).execute(self.connection)?;
        Ok(())
    }

    /// Forgets that a document was left out.
    ///
    /// # Errors
    /// `Database`.
    pub fn remove_left_out(&mut self, id: DocId) -> Result<(), StateError> {
        diesel::delete(left_out::table.find(id)).execute(self.connection)?;
        Ok(())
    }
}
