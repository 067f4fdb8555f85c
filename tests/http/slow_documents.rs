//! Documents that take too long to read: they are shown without their text, and hold up nothing.

use std::time::{Duration, Instant};

use crate::harness::{Database, TestServer, create, on_both_databases, update};
use crate::yjs_support::hand::{self, before, in_root, text};

on_both_databases!(the_feed_goes_on_without_the_text_of_what_is_slow);

/// Items enough that no machine derives the text within the time that the server is given here.
const ITEMS: u64 = 60_000;

fn the_feed_goes_on_without_the_text_of_what_is_slow(database: Database) {
    let settings = [("LANDFALL_RATE_LIMIT", "off"), ("LANDFALL_YJS_TIME_MS", "3"), ("LANDFALL_YJS_WORKERS", "2")];
    let server = TestServer::start_with(database, &settings);
    let ada = server.register("ada");
    // Each item is put before the one that came first: nothing of it can be joined.
    let mut items = vec![in_root("content", &text("x"))];
    items.extend((1..ITEMS).map(|clock| before((5, clock - 1), &text("y"))));
    let slow = hand::update(&[(5, 0, items)], &[]);
    let made = ada.send(create("slow").title("Slow").yjs(&slow));
    assert_eq!(made.outcomes(), ["slow success v1"], "{made}");
    let id = made.document_id("slow");
    let other = ada.new_document("Other", "quick\n");

    let started = Instant::now();
    let (mut titles, mut texts, mut after) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = ada.pull(&after).expect(200);
        for item in page.items() {
            titles.push(item["title"].clone());
            texts.push(item["content"].clone());
        }
        if page.body["has_more"] == false {
            break;
        }
        after = format!("&cursor={}", page.string("/next_cursor"));
    }
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    assert_eq!(titles, ["Slow", "Other"]);
    assert!(texts[0].is_null() && texts[1] == "quick\n", "{texts:?}");
    // A text alone cannot be put into what cannot be read now; it is said so, and may be sent again.
    let answer = ada.send(update("text", &id).base(1).content("new"));
    assert_eq!(answer.outcomes(), ["text error transient v1"], "{answer}");
    ada.send(update("other", &other).base(1).content("still quick\n")).expect_outcomes(["other success v2"]);
}
