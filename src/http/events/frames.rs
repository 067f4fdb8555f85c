//! What stands on the wire: the frames of `text/event-stream` (WHATWG HTML, "Server-sent events").

use std::fmt::Write;

use actix_web::web::Bytes;
use serde::Serialize;

use crate::domain::ids::{DocumentId, Version};
use crate::sync::events::ChangeEvent;

/// A sign of life: a comment, of which clients take no notice.
pub(super) const HEARTBEAT: Bytes = Bytes::from_static(b":\n\n");
/// The reader did not take what it was told in time; the stream ends here.
pub(super) const PULL_SLOW_READER: Bytes = Bytes::from_static(b"event: pull\ndata: {\"reason\":\"slow_reader\"}\n\n");

#[derive(Serialize)]
struct ChangeBody<'a> {
    document_id: DocumentId,
    version: Version,
    deleted: bool,
    cursor: &'a str,
}

/// The beginning of a stream: an id without an event, so that a client that loses the stream before the first event
/// still resumes from here.
pub(super) fn opening(cursor: &str) -> Bytes {
    Bytes::from(format!("id: {cursor}\n\n"))
}

/// The reader has missed more than a stream tells; the stream goes on from this cursor.
pub(super) fn far_behind(cursor: &str) -> Bytes {
    Bytes::from(format!("event: pull\nid: {cursor}\ndata: {{\"reason\":\"far_behind\"}}\n\n"))
}

/// Writes the event `change`.
pub(super) fn write_change(change: &ChangeEvent, frames: &mut String) {
    let body = ChangeBody {
        document_id: change.document_id,
        version: change.version,
        deleted: change.deleted,
        cursor: &change.cursor,
    };
    // Neither can fail: the body has no maps, and a String takes whatever is written.
    let json = serde_json::to_string(&body).unwrap_or_default();
    let _written = write!(frames, "event: change\nid: {}\ndata: {json}\n\n", change.cursor);
}

/// The event `sync`, about a run whose progress is this JSON.
pub(super) fn sync(progress: &str) -> Bytes {
    let mut frame = "event: sync\n".to_owned();
    for line in progress.lines() {
        let _written = writeln!(frame, "data: {line}");
    }
    frame.push('\n');
    Bytes::from(frame)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_change_is_one_frame() {
        let change = ChangeEvent {
            document_id: DocumentId(Uuid::from_u128(1)),
            version: 3,
            deleted: true,
            cursor: "AbC-_".to_owned(),
        };
        let mut frames = String::new();
        write_change(&change, &mut frames);
        assert_eq!(
            frames,
            "event: change\nid: AbC-_\ndata: {\"document_id\":\"00000000-0000-0000-0000-000000000001\",\"version\":3,\
             \"deleted\":true,\"cursor\":\"AbC-_\"}\n\n"
        );
    }

    #[test]
    fn a_line_feed_does_not_break_a_frame() {
        assert_eq!(sync("{\"a\":\n1}"), Bytes::from_static(b"event: sync\ndata: {\"a\":\ndata: 1}\n\n"));
    }
}
