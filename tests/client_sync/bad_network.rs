//! A network that loses answers, and a server that cannot bear much: a proxy between the client and the real server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::place::Desk;
use crate::harness::{Coding, Database, on_both_databases};

on_both_databases!(
    lost_answers_double_nothing,
    what_is_too_much_is_halved_and_one_bad_operation_blocks_nothing,
    a_server_that_refuses_everything_buries_nothing,
);

/// What the proxy does with a batch.
pub enum Deed {
    /// Pass it on, and the answer back.
    Pass,
    /// Pass it on, and the answer back after this time.
    Delay(Duration),
    /// Pass it on, and lose the answer.
    LoseAnswer,
    /// Pass it on, and give back half of the answer.
    CutAnswer,
    /// Pass it on twice, as a network does that repeats what it has, and give back the second answer.
    Double,
    /// Answer with this status in the server's place.
    Refuse(u16),
    /// Likewise, and ask to come again in so many seconds.
    RefuseFor(u16, u64),
}

/// Listens on a port of its own. Ends with the test's process.
pub struct Proxy {
    pub url: String,
    batches: Arc<AtomicUsize>,
}

impl Proxy {
    pub fn start(server: &str, judge: impl Fn(usize, &Value) -> Deed + Send + Sync + 'static) -> Self {
        Self::start_judging_codings(server, move |n, request, _| judge(n, request))
    }

    fn start_judging_codings(
        server: &str,
        judge: impl Fn(usize, &Value, Option<&str>) -> Deed + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (server, judge, batches) = (server.to_owned(), Arc::new(judge), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&batches);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (server, judge, batches) = (server.clone(), Arc::clone(&judge), Arc::clone(&counted));
                thread::spawn(move || {
                    let stream = stream.unwrap();
                    while serve(&stream, &server, &*judge, &batches).is_some() {}
                });
            }
        });
        Self { url, batches }
    }
}

/// One request; `None` when the connection is to end.
fn serve(
    mut stream: &TcpStream,
    server: &str,
    judge: &dyn Fn(usize, &Value, Option<&str>) -> Deed,
    batches: &AtomicUsize,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let mut words = first.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let coding = headers.iter().find(|(name, _)| name == "content-encoding");
    let coding = coding.map(|(_, coding)| coding.as_str());
    let plain = coding.map_or_else(|| body.clone(), |coding| Coding::named(coding).decode(&body));
    let deed = if path.ends_with("/documents/batch") {
        judge(batches.fetch_add(1, Ordering::SeqCst), &serde_json::from_slice(&plain).unwrap(), coding)
    } else {
        Deed::Pass
    };
    let refusal = match deed {
        Deed::Refuse(status) => Some((status, String::new())),
        Deed::RefuseFor(status, seconds) => Some((status, format!("retry-after: {seconds}\r\n"))),
        Deed::Pass | Deed::Delay(_) | Deed::LoseAnswer | Deed::CutAnswer | Deed::Double => None,
    };
    if let Some((status, header)) = refusal {
        let head = format!("HTTP/1.1 {status} No\r\ncontent-type: text/plain\r\n{header}");
        let answer = format!("{head}content-length: 2\r\n\r\nno");
        return stream.write_all(answer.as_bytes()).ok();
    }
    let passed = ["authorization", "content-type", "content-encoding"];
    headers.retain(|(name, _)| passed.contains(&name.as_str()));
    let pass_on = || pass_on(&method, &format!("{server}{path}"), &headers, &body);
    let mut answer = pass_on()?;
    if matches!(deed, Deed::Double) {
        answer = pass_on()?;
    }
    let (status, bytes) = answer;
    if matches!(deed, Deed::LoseAnswer) {
        return None;
    }
    if let Deed::Delay(time) = deed {
        thread::sleep(time);
    }
    let head =
        format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", bytes.len());
    let (sent, goes_on) = match deed {
        Deed::CutAnswer => (&bytes[..bytes.len() / 2], None),
        _ => (&bytes[..], Some(())),
    };
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(sent)).ok().and(goes_on)
}

/// The server's status and answer.
fn pass_on(method: &str, url: &str, headers: &[(String, String)], body: &[u8]) -> Option<(u16, Vec<u8>)> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let answer =
        if body.is_empty() { agent.run(request.body(()).unwrap()) } else { agent.run(request.body(body).unwrap()) };
    let mut answer = answer.ok()?;
    let bytes = answer.body_mut().read_to_vec().ok()?;
    Some((answer.status().as_u16(), bytes))
}

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
    assert!(proxy.batches.load(Ordering::SeqCst) >= 15);
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
        8.. => Deed::Refuse(413),
        _ if has_title(request, "13.md") && !mended.load(Ordering::SeqCst) => Deed::Refuse(500),
        _ => Deed::Pass,
    });
    place.run(&["init", ".", "--server", &proxy.url]).expect(0);
    for n in 0..50 {
        place.write(&format!("{n:02}.md"), format!("{n}\n"));
    }
    let ran = place.run(&["sync", "--retries", "1"]).expect(1);
    assert!(ran.says(&["failed", "13.md"]) && ran.says(&["49 pushed", "1 failed"]), "{}", ran.stdout);
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
    let judge = move |_, _: &Value| if mended.load(Ordering::SeqCst) { Deed::Pass } else { Deed::Refuse(500) };
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
    let proxy = Proxy::start_judging_codings(place.url(), move |_, _, coding| {
        let (plain, packed) = &counted;
        if coding.is_some() { packed } else { plain }.fetch_add(1, Ordering::SeqCst);
        if coding.is_some() && plain.load(Ordering::SeqCst) == 0 && packed.load(Ordering::SeqCst) > 3 {
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
fn judged(judge: impl Fn(usize) -> Deed + Send + Sync + 'static) -> (Desk, super::place::Place, Proxy) {
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
    assert_eq!(proxy.batches.load(Ordering::SeqCst), 3);
    assert_eq!(desk.documents()["a.md"], ["one\n"]);
}

#[test]
fn what_cannot_pass_is_not_tried_again() {
    // A login that is not taken is renewed once, and no more.
    for (status, tries, exit) in [(400, 1, 1), (403, 1, 1), (401, 2, 3)] {
        let is_mended = Arc::new(AtomicBool::new(false));
        let mended = Arc::clone(&is_mended);
        let judge = move |_| if mended.load(Ordering::SeqCst) { Deed::Pass } else { Deed::Refuse(status) };
        let (desk, place, proxy) = judged(judge);
        place.run(&["sync", "--retries", "5"]).expect(exit);
        assert_eq!(proxy.batches.load(Ordering::SeqCst), tries, "{status}");
        let pending = place.run(&["status"]).expect(1);
        assert!(pending.says(&["1 operations pending", "0 refused"]), "{}", pending.stdout);
        is_mended.store(true, Ordering::SeqCst);
        place.sync();
        assert_eq!(desk.documents()["a.md"], ["one\n"]);
    }
}
