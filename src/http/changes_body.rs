//! A page of the feed as JSON (protocol §2), as an answer of its own and in a batch's answer.

use serde::{Serialize, Serializer};

use crate::domain::timestamp::Timestamp;
use crate::http::document_body::{DocumentBody, size_estimate};
use crate::sync::{ChangesPage, DocumentView};

/// The JSON object `ChangesPage`.
#[derive(Debug, Serialize)]
pub struct ChangesBody<'a> {
    items: Items<'a>,
    next_cursor: &'a str,
    has_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    purged_before: Option<Timestamp>,
}

impl<'a> From<&'a ChangesPage> for ChangesBody<'a> {
    fn from(page: &'a ChangesPage) -> Self {
        Self {
            items: Items(&page.items),
            next_cursor: &page.next_cursor,
            has_more: page.has_more,
            purged_before: page.purged_before,
        }
    }
}

/// The documents, each turned into its JSON form only when it is written.
#[derive(Debug)]
struct Items<'a>(&'a [DocumentView]);

impl Serialize for Items<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(DocumentBody::from))
    }
}

/// The page as JSON, in one buffer.
///
/// # Errors
/// None that is known: the output is memory and every name a string.
pub fn encode_changes(page: &ChangesPage) -> Result<Vec<u8>, serde_json::Error> {
    let mut json = Vec::with_capacity(changes_size_estimate(page));
    serde_json::to_writer(&mut json, &ChangesBody::from(page))?;
    Ok(json)
}

/// Bytes that the page will have as JSON, roughly.
#[must_use]
pub fn changes_size_estimate(page: &ChangesPage) -> usize {
    const FRAME: usize = 256;
    page.items.iter().fold(FRAME, |size, document| size.saturating_add(size_estimate(document)))
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::DocumentId;

    #[test]
    fn a_page_says_where_to_go_on() {
        let tombstone = DocumentView {
            document_id: DocumentId(Uuid::from_u128(7)),
            version: 2,
            title: "Shopping".to_owned(),
            content: None,
            yjs_state: None,
            state_vector: None,
            created_at: Timestamp(1_700_000_000_000_000),
            updated_at: Timestamp(1_700_000_100_000_000),
            updated_by: "grace".to_owned(),
            deleted_at: Some(Timestamp(1_700_000_100_000_000)),
        };
        let page = ChangesPage {
            items: vec![tombstone],
            next_cursor: "AQ".to_owned(),
            has_more: true,
            purged_before: Some(Timestamp(1_600_000_000_000_000)),
        };
        let json = String::from_utf8(encode_changes(&page).unwrap()).unwrap();
        assert_snapshot!(json, @r#"{"items":[{"document_id":"00000000-0000-0000-0000-000000000007","version":2,"title":"Shopping","created_at":"2023-11-14T22:13:20.000000Z","updated_at":"2023-11-14T22:15:00.000000Z","updated_by":"grace","deleted":true,"deleted_at":"2023-11-14T22:15:00.000000Z"}],"next_cursor":"AQ","has_more":true,"purged_before":"2020-09-13T12:26:40.000000Z"}"#);
    }

    #[test]
    fn an_empty_page_says_where_its_reader_stands() {
        let page =
            ChangesPage { items: Vec::new(), next_cursor: "AQ".to_owned(), has_more: false, purged_before: None };
        let json = String::from_utf8(encode_changes(&page).unwrap()).unwrap();
        assert_eq!(json, r#"{"items":[],"next_cursor":"AQ","has_more":false}"#);
    }
}
