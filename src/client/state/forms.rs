//! How files write their texts, where that is not the usual way.

use diesel::prelude::*;

use super::database::{Change, StateError};
use super::id::DocId;
use super::schema::forms;
use crate::domain::line_ends::FileForm;

impl Change<'_> {
    /// The form that a document's file has, or had.
    pub fn find_form(&mut self, id: DocId) -> Result<FileForm, StateError> {
        let row = forms::table.find(id).select((forms::has_crlf, forms::has_mark)).first(self.connection).optional()?;
        let (has_crlf, has_mark) = row.unwrap_or_default();
        Ok(FileForm { has_crlf, has_mark })
    }

    /// Notes a file's form. The usual one needs no row.
    pub fn put_form(&mut self, id: DocId, form: FileForm) -> Result<(), StateError> {
        if form == FileForm::default() {
            diesel::delete(forms::table.find(id)).execute(self.connection)?;
            return Ok(());
        }
        let FileForm { has_crlf, has_mark } = form;
        let row = (forms::document_id.eq(id), forms::has_crlf.eq(has_crlf), forms::has_mark.eq(has_mark));
        diesel::replace_into(forms::table).values(row).execute(self.connection)?;
        Ok(())
    }
}
