//! Outages behind a gateway, operations that nobody answers, and servers that ask to come back later: nothing is given up
//! that an outage is to blame for, and nothing that is to blame itself blocks the rest.

use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::Value;

use super::place::{Desk, Place};
use super::proxy::{BATCH, Deed, Proxy};

/// A switch that a test and its proxy share.
#[derive(Clone, Default)]
struct Switch(Arc<AtomicBool>);

impl Switch {
    fn turn_on(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Connected through the proxy, with files of these names.
fn connected(desk: &Desk, proxy: &Proxy, names: impl IntoIterator<Item = String>) -> Place {
    let place = desk.place_through(&proxy.url);
    for name in names {
        place.write(&name, format!("{name}\n"));
    }
    place
}

fn numbered(from: usize, to: usize) -> impl Iterator<Item = String> {
    (from..to).map(|n| format!("{n:03}.md"))
}

#[track_caller]
fn expect_waiting(place: &Place, pending: usize, refused: usize) {
    let status = place.run(&["status"]).expect(1);
    let words = [&format!("{pending} operations pending")[..], &format!("{refused} refused")];
    assert!(status.says(&words), "{}", status.stdout);
}

/// The titles of a batch's operations.
fn titles(request: &Value) -> Vec<&str> {
    let operations = request["operations"].as_array().map(Vec::as_slice).unwrap_or_default();
    operations.iter().filter_map(|operation| operation["data"]["title"].as_str()).collect()
}

const REFRESH: &str = "/api/v1/auth/refresh";
const ONE_BY_ONE: [&str; 3] = ["sync", "--concurrency", "1"];

#[test]
fn an_outage_after_a_good_batch_buries_nothing() {
    for is_health_passed_on in [true, false] {
        let (desk, mended) = (Desk::new(), Switch::default());
        let is_mended = mended.clone();
        let proxy = Proxy::start_judging_all(&desk.url(), move |asked| match (asked.path, asked.nth) {
            _ if is_mended.is_on() => Deed::Pass,
            (BATCH, 1..) => Deed::Refuse(502),
            ("/api/health", _) if !is_health_passed_on => Deed::Refuse(502),
            _ => Deed::Pass,
        });
        let place = connected(&desk, &proxy, numbered(0, 60));
        let ran = place.run(&[&ONE_BY_ONE[..], &["--batch-size", "10", "--retries", "0"]].concat()).expect(3);
        assert!(ran.says(&["cannot reach", "502"]), "{}", ran.stderr);
        expect_waiting(&place, 50, 0);
        let batches = proxy.asked(BATCH);
        assert!(is_health_passed_on || batches == 2, "a server that is away is asked for nothing else: {batches}");
        assert_eq!(desk.runs(), ["cancelled"]);
        mended.turn_on();
        place.sync();
        assert_eq!(desk.documents().len(), 60);
        assert_eq!(desk.runs(), ["completed", "cancelled"]);
    }
}

#[test]
fn what_fails_alone_is_given_up_only_where_others_get_through() {
    let desk = Desk::new();
    let proxy = Proxy::start(&desk.url(), |_, request| {
        if titles(request).contains(&"bad.md") { Deed::Problem(500, "internal") } else { Deed::Pass }
    });
    let place = connected(&desk, &proxy, ["bad.md".to_owned()]);
    let ran = place.run(&["sync", "--retries", "0"]).expect(1);
    assert!(ran.says(&["bad.md", "500", "it stays queued"]), "{}", ran.stdout);
    expect_waiting(&place, 1, 0);
    place.write("good.md", "good\n");
    place.run(&["sync", "--retries", "0"]).expect(1);
    expect_waiting(&place, 1, 0);
    // After many tries over some time, but only in a sync in which others get through.
    place.age_outbox();
    place.run(&["sync", "--retries", "0"]).expect(1);
    expect_waiting(&place, 1, 0);
    place.write("fine.md", "fine\n");
    let ran = place.run(&["sync", "--retries", "0"]).expect(1);
    assert!(ran.says(&["failed", "bad.md", "not_answered"]), "{}", ran.stdout);
    expect_waiting(&place, 0, 1);
    assert_eq!(desk.documents().into_keys().collect::<Vec<_>>(), ["fine.md", "good.md"]);
}

#[test]
fn what_fails_alone_but_once_is_not_given_up() {
    let (desk, failures) = (Desk::new(), AtomicUsize::new(0));
    let proxy = Proxy::start(&desk.url(), move |_, request| {
        let is_bad = titles(request).contains(&"003.md") && failures.fetch_add(1, Ordering::SeqCst) == 0;
        if is_bad { Deed::Problem(500, "internal") } else { Deed::Pass }
    });
    let place = connected(&desk, &proxy, numbered(0, 8));
    place.run(&[&ONE_BY_ONE[..], &["--batch-size", "1", "--retries", "0"]].concat()).expect(0);
    assert_eq!(desk.documents().len(), 8);
}

#[test]
fn many_that_fail_side_by_side_block_no_other() {
    let (desk, mended) = (Desk::new(), Switch::default());
    let is_mended = mended.clone();
    let proxy = Proxy::start(&desk.url(), move |_, request| {
        let is_bad = titles(request).into_iter().any(|title| title < "008.md");
        if is_bad && !is_mended.is_on() { Deed::Problem(500, "internal") } else { Deed::Pass }
    });
    let place = connected(&desk, &proxy, numbered(0, 40));
    let once = [&ONE_BY_ONE[..], &["--batch-size", "20", "--retries", "0"]].concat();
    // After five in a row the server is taken to be away; the next sync begins with what was not tried.
    place.run(&once).expect(3);
    place.run(&once).expect(3);
    assert_eq!(desk.documents().into_keys().collect::<Vec<_>>(), numbered(8, 40).collect::<Vec<_>>());
    expect_waiting(&place, 8, 0);
    mended.turn_on();
    place.sync();
    assert_eq!(desk.documents().len(), 40);
}

#[test]
fn an_answer_without_results_is_no_reason_to_ask_again() {
    let (desk, mended) = (Desk::new(), Switch::default());
    let is_mended = mended.clone();
    let proxy =
        Proxy::start(
            &desk.url(),
            move |_, _| {
                if is_mended.is_on() { Deed::Pass } else { Deed::Reply(r#"{"results":[]}"#) }
            },
        );
    let place = connected(&desk, &proxy, numbered(0, 3));
    let ran = place.run(&["sync"]).expect(1);
    assert!(ran.says(&["000.md", "says nothing of it", "stays queued"]), "{}", ran.stdout);
    assert!(ran.says(&["0 pushed", "3 failed", "3 still queued"]), "{}", ran.stdout);
    assert_eq!(proxy.asked(BATCH), 1);
    mended.turn_on();
    place.sync();
    assert_eq!(desk.documents().len(), 3);
}

#[test]
fn a_refused_document_can_be_exported_whole_however_long() {
    let desk = Desk::new();
    let proxy = Proxy::start(&desk.url(), |_, request| {
        if titles(request).contains(&"long.md") { Deed::Problem(413, "payload_too_large") } else { Deed::Pass }
    });
    let place = connected(&desk, &proxy, ["short.md".to_owned()]);
    let text = "A line of a long text.\n".repeat(5_000);
    assert!(text.len() > 100_000);
    place.write("long.md", &text);
    place.run(&["sync"]).expect(1);
    let exported: Value = serde_json::from_str(&place.run(&["retry", "--list", "--json"]).expect(1).stdout).unwrap();
    assert_eq!((&exported["path"], &exported["content"]), (&"long.md".into(), &text.as_str().into()));
    let update = exported["yjs_update_b64"].as_str().unwrap();
    assert!(update.len() > text.len(), "the change itself, too");
}

#[test]
fn a_server_that_names_a_date_is_obeyed() {
    let desk = Desk::new();
    let proxy = Proxy::start(&desk.url(), |n, _| match n {
        0 => {
            let header = |name: &str, second: u8| format!("{name}: Sun, 06 Nov 1994 08:49:{second} GMT");
            Deed::RefuseWith(429, format!("{}\r\n{}", header("date", 30), header("retry-after", 32)))
        }
        _ => Deed::Pass,
    });
    let place = connected(&desk, &proxy, numbered(0, 1));
    let started = Instant::now();
    let events = place.sync_json(0, &["--retries", "1"]);
    assert!(started.elapsed().as_secs() >= 2, "asked again too early");
    let waiting: Vec<&Value> = events.iter().filter(|event| event["event"] == "waiting").collect();
    assert_eq!(waiting.len(), 1, "{events:?}");
    assert!(waiting[0]["seconds"].as_u64().unwrap() >= 2);
    assert!(waiting[0]["reason"].as_str().unwrap().contains("429"));
}

#[test]
fn nobody_waits_for_hours() {
    let (desk, mended) = (Desk::new(), Switch::default());
    let is_mended = mended.clone();
    let proxy =
        Proxy::start(&desk.url(), move |_, _| if is_mended.is_on() { Deed::Pass } else { Deed::RefuseFor(429, 7_200) });
    let place = connected(&desk, &proxy, numbered(0, 1));
    let ran = place.run(&["sync"]).expect(3);
    assert!(ran.says(&["asks to come back in 2:00 h, at 2"]), "{}", ran.stderr);
    assert_eq!(proxy.asked(BATCH), 1);
    expect_waiting(&place, 1, 0);
    mended.turn_on();
    place.sync();
}

#[test]
fn a_renewal_whose_answer_is_lost_costs_no_login() {
    let desk = Desk::new();
    let proxy = Proxy::start_judging_all(&desk.url(), |asked| match (asked.path, asked.nth) {
        (REFRESH, 0) => Deed::LoseAnswer,
        _ => Deed::Pass,
    });
    let place = connected(&desk, &proxy, numbered(0, 1));
    let with_kept_login = || -> Output { place.command(&["sync"]).env_clear().output().unwrap() };
    let ran = with_kept_login();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(proxy.asked(REFRESH), 2);
    assert!(with_kept_login().status.success());
    assert_eq!(desk.documents().len(), 1);
}
