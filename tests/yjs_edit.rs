//! Texts edited from outside an editor: the update that a worker makes fits the document and disturbs nobody.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test fails by panicking"
)]

#[path = "model/cases.rs"]
mod cases;
mod yjs_support;

use std::time::Duration;

use cases::cases;
use landfall::domain::limits::YjsCaps;
use landfall::yjs::merge::{deletions_of, facts_of, merge_updates};
use landfall::yjs::render::{RenderError, Renderer};
use landfall::yjs::scan::scan_update;
use proptest::prelude::*;
use yjs_support::renderer;
use yrs::updates::decoder::Decode;
use yrs::{Array, Doc, GetString, Map, OffsetKind, Options, ReadTxn, StateVector, Text, Transact, Update, XmlFragment};

fn editors() -> Renderer {
    renderer(1, Duration::from_secs(20))
}

fn document(client: u64) -> Doc {
    Doc::with_options(Options {
        offset_kind: OffsetKind::Utf16,
        skip_gc: true,
        ..Options::with_client_id(yrs::ClientID::new(client))
    })
}

fn state(doc: &Doc) -> Vec<u8> {
    doc.transact().encode_state_as_update_v1(&StateVector::default())
}

fn apply(doc: &Doc, update: &[u8]) {
    doc.transact_mut().apply_update(Update::decode_v1(update).unwrap()).unwrap();
}

#[test]
fn a_new_document_is_made_of_its_text() {
    let editors = editors();
    let made = editors.edit(&[], 5, "# Hello\n").unwrap();
    assert!(scan_update(made.clone(), &YjsCaps::default()).unwrap().requires.is_empty());
    assert_eq!(editors.render(std::slice::from_ref(&made)).unwrap(), "# Hello\n");
    let doc = document(9);
    apply(&doc, &made);
    assert_eq!(doc.get_or_insert_text("content").get_string(&doc.transact()), "# Hello\n");
    assert_eq!(editors.edit(&[made], 6, "# Hello\n").unwrap(), [0, 0], "what is so already needs no change");
    assert_eq!(editors.edit(&[], 6, "").unwrap(), [0, 0]);
}

#[test]
fn paragraphs_that_two_devices_edit_both_survive() {
    let editors = editors();
    let base = editors.edit(&[], 1, "One.\n\nTwo 😀.\n\nThree.\n").unwrap();
    let mine = editors.edit(std::slice::from_ref(&base), 2, "One and more.\n\nTwo 😀.\n\nThree.\n").unwrap();
    let theirs = editors.edit(std::slice::from_ref(&base), 3, "One.\n\nTwo 😁!\n\nThree.\nFour.\n").unwrap();
    let merged = [base, mine, theirs];
    assert_eq!(editors.render(&merged).unwrap(), "One and more.\n\nTwo 😁!\n\nThree.\nFour.\n");
}

/// Formats, maps and deletions in the state are not disturbed, and only what changed is sent.
#[test]
fn what_is_not_text_stays_as_it_is() {
    let editors = editors();
    let doc = document(1);
    let text = doc.get_or_insert_text("content");
    let map = doc.get_or_insert_map("meta");
    {
        let mut transaction = doc.transact_mut();
        text.insert(&mut transaction, 0, "a bold word and a gone one");
        text.format(&mut transaction, 2, 4, [("bold".into(), true.into())].into());
        text.remove_range(&mut transaction, 17, 5);
        map.insert(&mut transaction, "tag", "kept");
    }
    let before = state(&doc);
    let update = editors.edit(std::slice::from_ref(&before), 2, "a bold new word and a one").unwrap();
    assert!(update.len() < 40, "{} bytes", update.len());
    assert!(deletions_of(std::slice::from_ref(&update)).unwrap().is_empty());
    apply(&doc, &update);
    assert_eq!(text.get_string(&doc.transact()), "a bold new word and a one");
    assert_eq!(map.get(&doc.transact(), "tag"), Some("kept".into()));
}

#[test]
fn another_root_is_edited_where_it_is_the_only_one() {
    let editors = editors();
    let doc = document(1);
    doc.get_or_insert_text("codemirror").insert(&mut doc.transact_mut(), 0, "one");
    let update = editors.edit(&[state(&doc)], 2, "one two").unwrap();
    apply(&doc, &update);
    assert_eq!(doc.get_or_insert_text("codemirror").get_string(&doc.transact()), "one two");
}

#[test]
fn rich_text_is_not_flattened() {
    let doc = document(1);
    doc.get_or_insert_xml_fragment("content").insert(
        &mut doc.transact_mut(),
        0,
        yrs::XmlElementPrelim::empty("paragraph"),
    );
    assert!(matches!(editors().edit(&[state(&doc)], 2, "two"), Err(RenderError::Damaged(why)) if why.contains("rich")));
}

/// Items of a list are no letters, and a map has no text: neither becomes a text by being edited.
#[test]
fn lists_and_maps_are_not_edited() {
    let list = document(1);
    list.get_or_insert_array("content").insert_range(&mut list.transact_mut(), 0, [1, 2]);
    let map = document(1);
    map.get_or_insert_map("content").insert(&mut map.transact_mut(), "tag", "kept");
    for doc in [list, map] {
        let refused = editors().edit(&[state(&doc)], 2, "two");
        assert!(matches!(refused, Err(RenderError::Damaged(why)) if why.contains("rich")));
    }
}

/// What yrs does not read as npm yjs does, and what it takes too long for, is edited all the same.
#[test]
fn what_yrs_cannot_is_edited_too() {
    use yjs_support::hand::{self, between, in_root, text};
    let editors = editors();
    // An item between neighbours in the wrong order: accepted before there was a rule, and left out.
    let odd = hand::update(
        &[(9, 0, vec![between((5, 3), (5, 1), &text("x"))]), (5, 0, vec![in_root("content", &text("abcd"))])],
        &[],
    );
    let update = editors.edit(std::slice::from_ref(&odd), 7, "ab+cd").unwrap();
    assert_eq!(editors.render(&[odd, update]).unwrap(), "ab+cd");
    // Forty thousand items, each put before the one that came first.
    let mut items = vec![in_root("content", &text("x"))];
    items.extend((1..40_000).map(|clock| hand::before((5, clock - 1), &text("y"))));
    let large = hand::update(&[(5, 0, items)], &[]);
    let wanted = format!("{}-x", "y".repeat(39_999));
    let update = editors.edit(std::slice::from_ref(&large), 7, &wanted).unwrap();
    assert!(update.len() < 40, "{} bytes", update.len());
    assert!(editors.render(&[large, update]).unwrap() == wanted);
}

#[test]
fn a_broken_state_costs_nobody_else() {
    let editors = editors();
    assert!(matches!(editors.edit(&[vec![1, 2, 3]], 2, "two"), Err(RenderError::Damaged(_))));
    assert!(editors.edit(&[], 2, "two").is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(64)))]

    /// Any texts in a row: each edit leads to its text, by yrs and by the renderer, and leaves a whole state.
    #[test]
    fn every_text_is_reached(texts in prop::collection::vec("[ab😀é \n]{0,30}", 1..8)) {
        let editors = editors();
        let doc = document(1);
        let mut parts: Vec<Vec<u8>> = Vec::new();
        for (turn, wanted) in texts.iter().enumerate() {
            let update = editors.edit(&parts, 2 + turn as u64 % 3, wanted).unwrap();
            scan_update(update.clone(), &YjsCaps::default()).unwrap();
            apply(&doc, &update);
            parts.push(update);
            prop_assert_eq!(&editors.render(&parts).unwrap(), wanted);
            prop_assert_eq!(&doc.get_or_insert_text("content").get_string(&doc.transact()), wanted);
        }
        prop_assert_eq!(facts_of(&parts).unwrap(), facts_of(&[merge_updates(&parts).unwrap()]).unwrap());
    }
}
