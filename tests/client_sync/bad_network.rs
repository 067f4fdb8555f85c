//! A network that loses answers, and a server that cannot bear much.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::place::{Desk, Place, Ran};
use super::proxy::{BATCH, Deed, Proxy};
use crate::harness::{Database, on_both_databases};

on_both_databases!(
    lost_answers_double_nothing,
    what_is_too_much_is_halved_and_one_bad_operation_blocks_nothing,
    a_server_that_refuses_everything_buries_nothing,
);

fn has_title(request: &Value, title: &str) -> bool {
    request["operations"].as_array().unwrap().iter().any(|operation| operation["data"]["title"] == title)
}

fn lost_answers_double_nothing(database: Database) {
    let desk = Desk::on(database);
    let place = desk.unconnected();
    // Hardly an answer comes back whole, once, and at once.
    let proxy = Proxy::start(place.url(), |n, _| match n % 6 {
        0 | 4 => Deed::LoseAnswer,
        1 | 3 => Deed::CutAnswer,
        2 => Deed::Double,
        _ => Deed::Delay(Duration::from_millis(300)),
    });
    place.run(&["init", ".", "--server", &proxy.url]).expect(0);
    for n in 0..40 {
        place.write(&format!("{n}.md"), format!("{n}\n"));
    }
    place.run(&["sync", "--batch-size", "10", "--retries", "8", "--concurrency", "1"]).expect(0);
    for n in 0..20 {
        place.write(&format!("{n}.md"), format!("{n}\nmore\n"));
    }
    place.run(&["sync", "--batch-size", "10", "--retries", "8", "--concurrency", "1"]).expect(0);
    assert!(proxy.asked(BATCH) >= 15);
    let documents = desk.documents();
    assert_eq!(documents.len(), 40);
    assert_eq!((&documents["3.md"], &documents["33.md"]), (&vec!["3\nmore\n".to_owned()], &vec!["33\n".to_owned()]));
    assert_eq!(desk.ada.list("&page_size=500").column("version").iter().filter(|version| **version == 2).count(), 20);
}

fn what_is_too_much_is_halved_and_one_bad_operation_blocks_nothing(database: Database) {
    let desk = Desk::on(database);
    let place = desk.unconnected();
    let is_mended = Arc::new(AtomicBool::new(false));
    let mended = Arc::clone(&is_mended);
    let proxy = Proxy::start(place.url(), move |_, request| match request["operations"].as_array().unwrap().len() {
        8.. => Deed::Problem(413, "payload_too_large"),
        _ if has_title(request, "13.md") && !mended.load(Ordering::SeqCst) => Deed::Problem(500, "internal"),
        _ => Deed::Pass,
    });
    place.run(&["init", ".", "--server", &proxy.url]).expect(0);
    for n in 0..50 {
        place.write(&format!("{n:02}.md"), format!("{n}\n"));
    }
    let ran = place.run(&["sync", "--retries", "1"]).expect(1);
    assert!(ran.says(&["13.md", "stays queued"]) && ran.says(&["49 pushed", "1 failed"]), "{}", ran.stdout);
    place.age_outbox();
    place.write("14.md", "14, changed\n");
    let ran = place.run(&["sync", "--retries", "1"]).expect(1);
    assert!(ran.says(&["failed", "13.md"]), "{}", ran.stdout);
    assert_eq!(desk.documents().len(), 49);
    assert!(place.run(&["retry", "--list"]).expect(1).says(&["create 13.md"]));
    let exported = place.run(&["retry", "--list", "--json"]).expect(1).stdout;
    let letter: Value = serde_json::from_str(&exported).unwrap();
    assert_eq!((&letter["path"], &letter["content"]), (&"13.md".into(), &"13\n".into()), "it can be exported");
    place.write("13.md", "13, changed since\n");
    is_mended.store(true, Ordering::SeqCst);
    place.run(&["retry"]).expect(0);
    place.sync();
    assert_eq!(desk.documents()["13.md"], ["13, changed since\n"]);
    place.run(&["verify"]).expect(0);
}

fn a_server_that_refuses_everything_buries_nothing(database: Database) {
    let desk = Desk::on(database);
    let place = desk.unconnected();
    let is_mended = Arc::new(AtomicBool::new(false));
    let mended = Arc::clone(&is_mended);
    let judge =
        move |_, _: &Value| if mended.load(Ordering::SeqCst) { Deed::Pass } else { Deed::Problem(500, "internal") };
    let proxy = Proxy::start(place.url(), judge);
    place.run(&["init", ".", "--server", &proxy.url]).expect(0);
    for n in 0..30 {
        place.write(&format!("{n}.md"), format!("{n}\n"));
    }
    place.run(&["sync", "--retries", "0"]).expect(3);
    let status = place.run(&["status"]).expect(1);
    assert!(status.says(&["30 operations pending", "0 refused"]), "{}", status.stdout);
    is_mended.store(true, Ordering::SeqCst);
    place.sync();
    assert_eq!(desk.documents().len(), 30);
}

/// Something on the way, as a proxy or a firewall may be, that knows no zstd.
#[test]
fn bodies_are_compressed_until_that_is_refused() {
    let desk = Desk::new();
    let place = desk.unconnected();
    let (plain, packed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = (Arc::clone(&plain), Arc::clone(&packed));
    let proxy = Proxy::start_judging_all(place.url(), move |asked| {
        let (plain, packed) = &counted;
        if asked.path != BATCH {
            return Deed::Pass;
        }
        if asked.coding.is_some() { packed } else { plain }.fetch_add(1, Ordering::SeqCst);
        if asked.coding.is_some() && plain.load(Ordering::SeqCst) == 0 && packed.load(Ordering::SeqCst) > 3 {
            Deed::Refuse(415)
        } else {
            Deed::Pass
        }
    });
    place.run(&["init", ".", "--server", &proxy.url]).expect(0);
    for n in 0..80 {
        place.write(&format!("{n}.md"), format!("{n}\n").repeat(500));
    }
    place.run(&["sync", "--batch-size", "10", "--concurrency", "1"]).expect(0);
    assert_eq!(desk.documents().len(), 80);
    assert_eq!(packed.load(Ordering::SeqCst), 4, "refused once, not tried again");
    assert_eq!(plain.load(Ordering::SeqCst), 5);
}

/// A folder with one new file, whose batches are judged.
fn judged(judge: impl Fn(usize) -> Deed + Send + Sync + 'static) -> (Desk, Place, Proxy) {
    let desk = Desk::new();
    let place = desk.unconnected();
    let proxy = Proxy::start(place.url(), move |n, _| judge(n));
    place.run(&["init", ".", "--server", &proxy.url]).expect(0);
    place.write("a.md", "one\n");
    (desk, place, proxy)
}

#[test]
fn what_may_pass_is_tried_again_when_the_server_says() {
    let (desk, place, proxy) = judged(|n| match n {
        0 => Deed::RefuseFor(429, 1),
        1 => Deed::RefuseFor(503, 1),
        _ => Deed::Pass,
    });
    let started = std::time::Instant::now();
    place.run(&["sync", "--retries", "2"]).expect(0);
    assert!(started.elapsed().as_secs() >= 2, "asked again too early");
    assert_eq!(proxy.asked(BATCH), 3);
    assert_eq!(desk.documents()["a.md"], ["one\n"]);
}

#[test]
fn what_cannot_pass_is_not_tried_again() {
    // A login that is not taken is renewed once, and no more.
    for (status, code, tries, exit) in
        [(400, "bad_request", 1, 1), (403, "forbidden", 1, 1), (401, "unauthorized", 2, 3)]
    {
        let is_mended = Arc::new(AtomicBool::new(false));
        let mended = Arc::clone(&is_mended);
        let judge = move |_| if mended.load(Ordering::SeqCst) { Deed::Pass } else { Deed::Problem(status, code) };
        let (desk, place, proxy) = judged(judge);
        place.run(&["sync", "--retries", "5"]).expect(exit);
        assert_eq!(proxy.asked(BATCH), tries, "{status}");
        let pending = place.run(&["status"]).expect(1);
        assert!(pending.says(&["1 operations pending", "0 refused"]), "{}", pending.stdout);
        is_mended.store(true, Ordering::SeqCst);
        place.sync();
        assert_eq!(desk.documents()["a.md"], ["one\n"]);
    }
}

fn init_as(place: &Place, server: &str, username: &str, arguments: &[&str]) -> Ran {
    let mut command = place.command(&[&["init", ".", "--server", server], arguments].concat());
    Ran::from(command.env("LANDFALL_USERNAME", username).output().unwrap())
}

#[test]
fn a_login_is_tried_again() {
    const LOGIN: &str = "/api/v1/auth/login";
    let desk = Desk::new();
    let proxy = Proxy::start_judging_all(&desk.url(), |asked| match (asked.path, asked.nth) {
        (LOGIN, 0) => Deed::LoseAnswer,
        (LOGIN, 1) => Deed::RefuseFor(503, 1),
        (LOGIN, 2) => Deed::RefuseFor(429, 1),
        (LOGIN, 5) => Deed::RefuseFor(429, 120),
        _ => Deed::Pass,
    });
    let place = desk.unconnected();
    assert!(init_as(&place, &proxy.url, "ada", &["--retries", "0"]).expect(3).says(&["cannot reach"]));
    init_as(&place, &proxy.url, "ada", &["--retries", "2"]).expect(0);
    assert_eq!(proxy.asked(LOGIN), 4);
    let stranger = desk.unconnected();
    init_as(&stranger, &proxy.url, "nobody", &["--retries", "5"]).expect(3);
    assert_eq!(proxy.asked(LOGIN), 5, "what is wrong is not tried again");
    assert!(place.run(&["login"]).expect(3).says(&["wait 120 s"]), "nobody is kept waiting for long");
    assert_eq!(proxy.asked(LOGIN), 6);
    place.run(&["login"]).expect(0);
}

#[test]
fn a_registration_whose_answer_is_lost_is_the_persons_own() {
    const REGISTER: &str = "/api/v1/auth/register";
    let desk = Desk::new();
    let proxy = Proxy::start_judging_all(&desk.url(), |asked| match (asked.path, asked.nth) {
        (REGISTER, 0 | 2) => Deed::LoseAnswer,
        _ => Deed::Pass,
    });
    let place = desk.unconnected();
    init_as(&place, &proxy.url, "grace", &["--register", "--retries", "1"]).expect(0);
    assert_eq!(proxy.asked(REGISTER), 2);
    let synced = Ran::from(place.command(&["sync"]).env_clear().output().unwrap());
    synced.expect(0);
    // The name is somebody else's: that is said, and not that the password is wrong.
    let other = desk.unconnected();
    let mut command = other.command(&["init", ".", "--server", &proxy.url, "--register"]);
    command.env("LANDFALL_USERNAME", "grace").env("LANDFALL_PASSWORD", "not the password of grace");
    let taken = Ran::from(command.output().unwrap()).expect(1);
    assert!(taken.says(&["taken"]) && !other.has(".landfall"), "{}", taken.stderr);
    assert_eq!(proxy.asked(REGISTER), 4);
    // Taken at once is taken, whatever the password.
    let taken = init_as(&desk.unconnected(), &proxy.url, "grace", &["--register"]).expect(1);
    assert!(taken.says(&["taken"]), "{}", taken.stderr);
    assert_eq!(proxy.asked(REGISTER), 5);
}
