//! The files that are tracked: what they stand for and what they held last.

use diesel::prelude::*;

use super::database::{Change, StateError};
use super::id::DocId;
use super::schema::{accepted_deletions, bodies, files};

/// A file that looks as it did is believed to be unchanged only if its last change was this long before it was seen:
/// clocks of file systems are coarse, so a later change may look the same.
const TRUST_AFTER_NS: i64 = 2_000_000_000;

/// How a file looks without being read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Bytes.
    pub size: i64,
    /// When its text was last changed, as it says itself, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// When anything of it was last changed, likewise. Only the system sets it, so no copy brings it along.
    pub changed_ns: i64,
    /// Tells one file from another that took its name.
    pub inode: i64,
}

/// A file that stands for a document, without its body.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = files)]
pub struct TrackedFile {
    /// The document.
    pub document_id: DocId,
    /// The path inside the folder, with `/`.
    pub path: String,
    /// The path as [`folded`](crate::client::model::names::folded) has it.
    pub folded: String,
    /// The document's title, as the server has it or will have it when the outbox is empty.
    pub title: String,
    /// The server's version, all of which is known here; 0 while the server has none.
    pub version: i64,
    /// Digest of the body's text.
    pub digest: Vec<u8>,
    /// Bytes of the file when it was last seen with that text; -1 if it was not.
    pub size: i64,
    /// Its time of modification then, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// When it was seen, likewise.
    pub seen_ns: i64,
    /// When the system says that it was last changed in any way, likewise.
    pub changed_ns: i64,
    /// Its number.
    pub inode: i64,
}

impl TrackedFile {
    /// The same, of a file that looked like this when its text was read, at a time before that.
    #[must_use]
    pub fn seen(self, look: &Look, seen_ns: i64) -> Self {
        let Look { size, modified_ns, changed_ns, inode } = *look;
        Self { size, modified_ns, changed_ns, inode, seen_ns, ..self }
    }

    /// Whether a file that looks like this holds the text that it was last seen with.
    #[must_use]
    pub fn is_known_as(&self, look: &Look) -> bool {
        let Self { size, modified_ns, changed_ns, inode, .. } = *self;
        let last_change = modified_ns.max(changed_ns);
        *look == Look { size, modified_ns, changed_ns, inode }
            && last_change.saturating_add(TRUST_AFTER_NS) < self.seen_ns
    }
}

/// What a tracked file holds.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = bodies, treat_none_as_null = true)]
pub struct Body {
    /// The document.
    pub document_id: DocId,
    /// Its Yjs state, local changes included; `None` for a document without one.
    pub yjs_state: Option<Vec<u8>>,
    /// The text that the file held when it was last written or taken in.
    pub content: String,
    /// The same as the server has it, where its line ends are others and the document has no Yjs state.
    pub raw: Option<String>,
}

impl Change<'_> {
    /// All tracked files, by path.
    pub fn load_files(&mut self) -> Result<Vec<TrackedFile>, StateError> {
        Ok(files::table.select(TrackedFile::as_select()).order(files::path).load(self.connection)?)
    }

    /// Whether no file stands for a document.
    pub fn has_no_files(&mut self) -> Result<bool, StateError> {
        let any: Option<DocId> = files::table.select(files::document_id).first(self.connection).optional()?;
        Ok(any.is_none())
    }

    /// The file of a document.
    pub fn find_file(&mut self, id: DocId) -> Result<Option<TrackedFile>, StateError> {
        Ok(files::table.find(id).select(TrackedFile::as_select()).first(self.connection).optional()?)
    }

    /// Files whose paths differ from this one in case at most.
    pub fn load_files_like(&mut self, folded: &str) -> Result<Vec<TrackedFile>, StateError> {
        let like = files::table.filter(files::folded.eq(folded)).order(files::document_id);
        Ok(like.select(TrackedFile::as_select()).load(self.connection)?)
    }

    /// The file of a document, with its body.
    pub fn find_with_body(&mut self, id: DocId) -> Result<Option<(TrackedFile, Body)>, StateError> {
        let found = files::table
            .inner_join(bodies::table)
            .filter(files::document_id.eq(id))
            .select((TrackedFile::as_select(), Body::as_select()))
            .first(self.connection);
        Ok(found.optional()?)
    }

    /// The text that a document's file held last.
    pub fn find_content(&mut self, id: DocId) -> Result<Option<String>, StateError> {
        Ok(bodies::table.find(id).select(bodies::content).first(self.connection).optional()?)
    }

    /// Stores a file and its body, new or anew.
    ///
    /// # Errors
    /// `Database`, also if another document has the path.
    pub fn put_file(&mut self, file: &TrackedFile, body: &Body) -> Result<(), StateError> {
        diesel::insert_into(files::table)
            .values(file)
            .on_conflict(files::document_id)
            .do_update()
            .set(file)
            .execute(self.connection)?;
        diesel::insert_into(bodies::table)
            .values(body)
            .on_conflict(bodies::document_id)
            .do_update()
            .set(body)
            .execute(self.connection)?;
        Ok(())
    }

    /// Stores what is known of a file besides its body.
    ///
    /// # Errors
    /// `Database`, also if another document has the path.
    pub fn update_file(&mut self, file: &TrackedFile) -> Result<(), StateError> {
        diesel::update(files::table.find(file.document_id)).set(file).execute(self.connection)?;
        Ok(())
    }

    /// Notes how a file looked when its text was read, at a time before that, to spare reading it again.
    pub fn mark_seen(&mut self, id: DocId, look: &Look, seen_ns: i64) -> Result<(), StateError> {
        let times = (files::modified_ns.eq(look.modified_ns), files::changed_ns.eq(look.changed_ns));
        let seen = (files::size.eq(look.size), files::inode.eq(look.inode), times, files::seen_ns.eq(seen_ns));
        diesel::update(files::table.find(id)).set(seen).execute(self.connection)?;
        Ok(())
    }

    /// Notes that everything up to a version of the server's is known here.
    pub fn mark_version(&mut self, id: DocId, version: i64) -> Result<(), StateError> {
        let older = files::table.find(id).filter(files::version.lt(version));
        diesel::update(older).set(files::version.eq(version)).execute(self.connection)?;
        Ok(())
    }

    /// Forgets a file.
    pub fn forget_file(&mut self, id: DocId) -> Result<(), StateError> {
        diesel::delete(files::table.find(id)).execute(self.connection)?;
        diesel::delete(accepted_deletions::table.find(id)).execute(self.connection)?;
        Ok(())
    }
}
