//! Pages of the feed: the documents as they are read alone, cut where they should be.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use landfall::domain::document::HeadWrite;
use landfall::domain::ids::DocumentId;
use landfall::domain::operation::OperationKind;
use landfall::store::End;
use landfall::store::feed_pages::{FeedPage, FeedReader, Span};

use crate::support::{Author, Database, NOW, new_id};

const WHOLE: Span = Span { after: 0, up_to: i64::MAX, max_documents: 500, max_bytes: 8 * 1024 * 1024 };

/// A span as a reader sees it, which must be as a batch sees it.
fn page(author: &Author, span: Span) -> FeedPage {
    let read = author.store.read_feed(author.workspace_id, |feed| feed.load_changes(&span)).unwrap();
    let in_batch = author.store.run_batch(author.scope(), move |tx| Ok((tx.load_changes(&span)?, End::Rollback)));
    assert_eq!(read, in_batch.unwrap());
    read
}

fn ids(page: &FeedPage) -> Vec<DocumentId> {
    page.changes.iter().map(|change| change.document.head.document_id).collect()
}

/// A document with Yjs state made in these updates, one a version, the first with text if `content`.
fn yjs_document(author: &Author, updates: &[&[u8]], content: Option<&str>) -> DocumentId {
    let id = new_id();
    for (version, update) in (1..).zip(updates) {
        let mut head = author.head(id, version);
        (head.state_vector, head.content_digest) = (Some([(1, 1)].into_iter().collect()), None);
        head.content_version = if content.is_some() { 1 } else { version };
        let lengths = updates.iter().map(|update| i64::try_from(update.len()).unwrap());
        head.snapshot_bytes = lengths.clone().next().unwrap();
        head.log_bytes = lengths.take(usize::try_from(version).unwrap()).skip(1).sum();
        match version {
            1 => {
                let create = author.step(HeadWrite::Insert, head, OperationKind::Create, content, Some(update));
                author.write(create).unwrap();
            }
            _ => author.update(head, None, Some(update)),
        }
    }
    id
}

pub fn a_page_has_documents_as_they_are_read_alone(database: &Database) {
    let ada = database.with_user();
    let plain = new_id();
    ada.write(ada.created(plain, "plain")).unwrap();
    ada.update(ada.head(plain, 2), Some("newer"), None);
    let with_text = yjs_document(&ada, &[b"state"], Some("text"));
    let without_text = yjs_document(&ada, &[b"state"], None);
    let edited = yjs_document(&ada, &[b"a", b"b", b"c"], Some("text"));
    let rendered = yjs_document(&ada, &[b"a", b"b"], None);
    ada.store.save_rendering(ada.workspace_id, rendered, 2, "derived").unwrap();
    let folded = yjs_document(&ada, &[b"a", b"b", b"c"], None);
    ada.store.swap_snapshot(ada.workspace_id, folded, (1, 2), b"ab".to_vec()).unwrap();
    let all_folded = yjs_document(&ada, &[b"a", b"b"], Some("text"));
    ada.store.swap_snapshot(ada.workspace_id, all_folded, (1, 2), b"ab".to_vec()).unwrap();
    let damaged = yjs_document(&ada, &[b"a"], None);
    ada.store.mark_damaged(ada.workspace_id, damaged, 1).unwrap();
    let titled = yjs_document(&ada, &[b"state"], Some("text"));
    let mut head = ada.head(titled, 2);
    (head.state_vector, head.content_version) = (Some([(1, 1)].into_iter().collect()), 1);
    ada.update(head, None, None);

    let page = page(&ada, WHOLE);
    assert_eq!(
        ids(&page),
        [plain, with_text, without_text, edited, rendered, folded, all_folded, damaged, titled],
        "in the order of their last writes"
    );
    assert!(!page.has_more);
    for change in &page.changes {
        let alone = ada.store.find_document(ada.workspace_id, change.document.head.document_id).unwrap().unwrap();
        assert_eq!(change.document, alone);
    }
    let parts = |id| page.changes.iter().find(|change| change.document.head.document_id == id).unwrap();
    assert_eq!(parts(edited).document.yjs_parts, [b"a", b"b", b"c"].map(|part| part.to_vec()));
    assert_eq!(parts(folded).document.yjs_parts, [b"ab".to_vec(), b"c".to_vec()]);
    assert_eq!(parts(rendered).document.content.as_deref(), Some("derived"));
}

pub fn a_tombstone_has_no_bodies(database: &Database) {
    let ada = database.with_user();
    let (plain, yjs) = (new_id(), yjs_document(&ada, &[b"a", b"b"], Some("text")));
    ada.write(ada.created(plain, "plain")).unwrap();
    ada.store.swap_snapshot(ada.workspace_id, yjs, (1, 1), b"a".to_vec()).unwrap();
    for (id, version, vector) in [(plain, 2, None), (yjs, 3, Some([(1, 1)].into_iter().collect()))] {
        let mut head = ada.head(id, version);
        (head.deleted_at, head.state_vector, head.content_version) = (Some(NOW), vector, 1);
        let write = HeadWrite::Replace { expected_version: version - 1 };
        ada.write(ada.step(write, head, OperationKind::Delete, None, None)).unwrap();
    }
    let page = page(&ada, WHOLE);
    assert_eq!(ids(&page), [plain, yjs]);
    for change in page.changes {
        assert!(change.document.head.is_deleted() && change.document.content.is_none(), "{change:?}");
        assert!(change.document.yjs_parts.is_empty(), "{change:?}");
        assert_eq!(change.document.updated_by_name, "ada");
    }
}

pub fn a_page_is_cut_by_span_documents_and_bytes(database: &Database) {
    let ada = database.with_user();
    // 100 bytes each: text, compressible text, one Yjs update, three of them, and a text again.
    let text = |letter: &str| letter.repeat(100);
    let mut written = Vec::new();
    for content in [text("a"), text("b")] {
        written.push(new_id());
        ada.write(ada.created(written[written.len() - 1], &content)).unwrap();
    }
    written.push(yjs_document(&ada, &[&[1; 100]], None));
    written.push(yjs_document(&ada, &[&[1; 60], &[2; 20], &[3; 20]], None));
    written.push(new_id());
    ada.write(ada.created(written[4], &text("c"))).unwrap();
    let sequences: Vec<i64> = page(&ada, WHOLE).changes.iter().map(|change| change.sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 6, 7]);

    for (span, from, to, has_more) in [
        (Span { max_documents: 2, ..WHOLE }, 0, 2, true),
        (Span { max_documents: 5, ..WHOLE }, 0, 5, false),
        (Span { max_documents: 4, after: 1, ..WHOLE }, 1, 5, false),
        (Span { after: 3, ..WHOLE }, 3, 5, false),
        (Span { after: 3, up_to: 5, ..WHOLE }, 3, 3, false),
        (Span { up_to: 6, ..WHOLE }, 0, 4, false),
        (Span { up_to: 3, max_documents: 3, ..WHOLE }, 0, 3, false),
        (Span { after: 7, ..WHOLE }, 5, 5, false),
        (Span { max_bytes: 0, ..WHOLE }, 0, 1, true),
        (Span { max_bytes: 1, ..WHOLE }, 0, 1, true),
        (Span { max_bytes: 100, ..WHOLE }, 0, 1, true),
        (Span { max_bytes: 250, ..WHOLE }, 0, 3, true),
        (Span { max_bytes: 350, ..WHOLE }, 0, 4, true),
        (Span { max_bytes: 350, after: 1, ..WHOLE }, 1, 5, false),
        (Span { max_bytes: 150, after: 2, ..WHOLE }, 2, 4, true),
        (Span { max_bytes: 450, ..WHOLE }, 0, 5, false),
        (Span { max_bytes: 350, max_documents: 3, ..WHOLE }, 0, 3, true),
    ] {
        let page = page(&ada, span);
        assert_eq!((ids(&page).as_slice(), page.has_more), (&written[from..to], has_more), "{span:?}");
    }
}

pub fn workspaces_have_feeds_of_their_own(database: &Database) {
    let ada = database.with_user();
    let bob = Author::register(&ada.store, "bob");
    let (hers, his) = (new_id(), new_id());
    ada.write(ada.created(hers, "hers")).unwrap();
    bob.write(bob.created(his, "his")).unwrap();
    assert_eq!((ids(&page(&ada, WHOLE)), ids(&page(&bob, WHOLE))), (vec![hers], vec![his]));
    let key = |author: &Author| author.store.read_feed(author.workspace_id, |feed| Ok(feed.feed().clone())).unwrap();
    assert_eq!(key(&ada).head_sequence, 1);
    assert_ne!(key(&ada).key, key(&bob).key);
}

/// Writes new documents and changes of old ones, in write sets of its own.
fn write_many(author: &Author, rounds: usize) {
    let mut written: Vec<(DocumentId, i64)> = Vec::new();
    for round in 0..rounds {
        let id = new_id();
        author.write(author.created(id, "one")).unwrap();
        written.push((id, 1));
        let place = round * 7 % written.len();
        let (id, version) = written[place];
        let mut head = author.head(id, version + 1);
        head.deleted_at = (round % 5 == 4).then_some(NOW);
        author.update(head, Some("two"), None);
        written[place].1 += 1;
    }
}

/// Two stores on one database, as two servers would be: sequences only grow under a reader, and in the end each reader
/// has every document as it is.
pub fn readers_see_sequences_grow_while_others_write(database: &Database) {
    let ada = database.with_user();
    let on_two = Author { store: database.open(), ..ada.clone() };
    let writing = AtomicUsize::new(4);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let author = if writer % 2 == 0 { &ada } else { &on_two };
            let writing = &writing;
            scope.spawn(move || {
                write_many(author, 25);
                writing.fetch_sub(1, Ordering::SeqCst);
            });
        }
        for reader in 0..4_usize {
            let (author, writing) = (if reader.is_multiple_of(2) { &on_two } else { &ada }, &writing);
            scope.spawn(move || {
                let (mut known, mut after) = (BTreeMap::new(), 0);
                loop {
                    let written = writing.load(Ordering::SeqCst) == 0;
                    let read = |feed: &mut FeedReader<'_>| {
                        let up_to = feed.feed().head_sequence;
                        let span = Span { after, up_to, max_documents: 1 + reader * 3, max_bytes: 1 << 20 };
                        Ok((up_to, feed.load_changes(&span)?))
                    };
                    let (up_to, page) = author.store.read_feed(author.workspace_id, read).unwrap();
                    for change in &page.changes {
                        assert!(change.sequence > after && change.sequence <= up_to, "{change:?} after {after}");
                        after = change.sequence;
                        let head = &change.document.head;
                        let before = known.insert(head.document_id, head.version);
                        assert!(before.is_none_or(|before| before < head.version), "told twice: {change:?}");
                    }
                    match page.has_more {
                        true => continue,
                        false if written => break,
                        false => after = up_to,
                    }
                }
                let all = author.store.list_changes(author.workspace_id, 0, 500).unwrap();
                let all: BTreeMap<_, _> =
                    all.iter().map(|change| (change.head.document_id, change.head.version)).collect();
                assert_eq!((known.len(), known), (100, all), "reader {reader}");
            });
        }
    });
}
