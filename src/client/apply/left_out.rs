//! Documents that no file stands for.

use super::local::Local;
use crate::client::error::ClientError;
use crate::client::report::Event;
use crate::client::state::{DocId, LeftOut};

impl Local<'_> {
    /// Notes and reports that no file can stand for a document now.
    pub fn leave_out(&mut self, id: DocId, title: &str, reason: &str) -> Result<(), ClientError> {
        self.put_left_out(id, title, reason, false)?;
        self.problem(title, reason);
        Ok(())
    }

    /// Notes and reports that no file can stand for a document as long as it has this title.
    pub fn refuse(&mut self, id: DocId, title: &str, reason: &str) -> Result<(), ClientError> {
        self.put_left_out(id, title, reason, true)?;
        self.report.show(&Event::Problem { path: title, reason });
        Ok(())
    }

    /// Notes that a document is left out.
    pub fn put_left_out(&mut self, id: DocId, title: &str, reason: &str, is_refusal: bool) -> Result<(), ClientError> {
        let row = LeftOut { document_id: id, title: title.to_owned(), reason: reason.to_owned(), is_refusal };
        self.state.change(|change| change.put_left_out(&row))?;
        Ok(())
    }
}
