//! What may lie between a client and the real server: a proxy that loses, doubles, delays, refuses or holds answers.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::Coding;

/// Where batches are sent to.
pub const BATCH: &str = "/api/v1/documents/batch";

/// How long anything that must come may take, and how long an answer is held at most. A test that has lost its way ends
/// so.
const PATIENCE: Duration = Duration::from_secs(300);

/// What the proxy does with a request.
pub enum Deed {
    /// Pass it on, and the answer back.
    Pass,
    /// Pass it on, and the answer back after this time.
    Delay(Duration),
    /// Pass it on, and the answer back when the gate is open.
    Hold(Gate),
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
    /// Likewise, and with this header line.
    RefuseWith(u16, String),
    /// Answer with this JSON in the server's place.
    Reply(&'static str),
    /// Answer with this status and a problem of this code, as the server would.
    Problem(u16, &'static str),
}

/// A request, as it is judged.
pub struct Asked<'a> {
    /// Without its query.
    pub path: &'a str,
    /// How many asked for this path before.
    pub nth: usize,
    /// The body, unpacked.
    pub body: &'a [u8],
    /// What the body was packed with.
    pub coding: Option<&'a str>,
}

/// Holds answers until the test opens it. Clones are the same gate.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<GateState>, Condvar)>);

#[derive(Default)]
struct GateState {
    holds: bool,
    is_open: bool,
    was_left: bool,
}

impl Gate {
    /// Waits until an answer is held.
    #[track_caller]
    pub fn wait_until_it_holds(&self) {
        let (state, changed) = &*self.0;
        let waited = changed.wait_timeout_while(state.lock().unwrap(), PATIENCE, |state| !state.holds).unwrap();
        assert!(waited.0.holds, "nobody has come to the gate");
    }

    /// Lets what is held pass, and whatever comes.
    #[track_caller]
    pub fn open(&self) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        state.is_open = true;
        changed.notify_all();
        let was_left = state.was_left;
        drop(state);
        assert!(!was_left, "the gate was to be opened within {PATIENCE:?}");
    }

    fn pass(&self) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        state.holds = true;
        changed.notify_all();
        let mut state = changed.wait_timeout_while(state, PATIENCE, |state| !state.is_open).unwrap().0;
        state.was_left |= !state.is_open;
    }
}

/// Listens on a port of its own. Ends with the test's process.
pub struct Proxy {
    pub url: String,
    counts: Counts,
}

type Counts = Arc<Mutex<BTreeMap<String, usize>>>;
type Judge = dyn Fn(&Asked<'_>) -> Deed + Send + Sync;

impl Proxy {
    /// Judges batches, by their number and what is in them; everything else passes.
    pub fn start(server: &str, judge: impl Fn(usize, &Value) -> Deed + Send + Sync + 'static) -> Self {
        Self::start_judging_all(server, move |asked| match asked.path {
            BATCH => judge(asked.nth, &serde_json::from_slice(asked.body).unwrap()),
            _ => Deed::Pass,
        })
    }

    /// Judges every request.
    pub fn start_judging_all(server: &str, judge: impl Fn(&Asked<'_>) -> Deed + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (server, judge, counts): (_, Arc<Judge>, _) = (server.to_owned(), Arc::new(judge), Counts::default());
        let counted = Arc::clone(&counts);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (server, judge, counts) = (server.clone(), Arc::clone(&judge), Arc::clone(&counted));
                thread::spawn(move || {
                    let stream = stream.unwrap();
                    while serve(&stream, &server, &*judge, &counts).is_some() {}
                });
            }
        });
        Self { url, counts }
    }

    /// How many requests for a path there were.
    pub fn asked(&self, path: &str) -> usize {
        self.counts.lock().unwrap().get(path).copied().unwrap_or_default()
    }
}

/// A request as it came.
struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// `None` at the end of the connection.
    fn read(stream: &TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let mut first = String::new();
        reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
        let mut words = first.split_whitespace();
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut request = Self { method, target, headers, body: Vec::new() };
        request.body = vec![0; request.header("content-length").map_or(0, |length| length.parse().unwrap())];
        reader.read_exact(&mut request.body).ok()?;
        Some(request)
    }

    fn header(&self, wanted: &str) -> Option<&str> {
        self.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }

    /// The server's status and answer.
    fn pass_on(&self, server: &str) -> Option<(u16, Vec<u8>)> {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let url = format!("{server}{}", self.target);
        let mut request = ureq::http::Request::builder().method(self.method.as_str()).uri(url);
        for name in ["authorization", "content-type", "content-encoding"] {
            if let Some(value) = self.header(name) {
                request = request.header(name, value);
            }
        }
        let answer = match self.body.is_empty() {
            true => agent.run(request.body(()).unwrap()),
            false => agent.run(request.body(self.body.as_slice()).unwrap()),
        };
        let mut answer = answer.ok()?;
        let bytes = answer.body_mut().read_to_vec().ok()?;
        Some((answer.status().as_u16(), bytes))
    }
}

/// One request; `None` when the connection is to end.
fn serve(mut stream: &TcpStream, server: &str, judge: &Judge, counts: &Mutex<BTreeMap<String, usize>>) -> Option<()> {
    let request = Request::read(stream)?;
    let coding = request.header("content-encoding");
    let plain = coding.map_or_else(|| request.body.clone(), |coding| Coding::named(coding).decode(&request.body));
    let path = request.target.split('?').next()?;
    let nth = {
        let mut counts = counts.lock().unwrap();
        let count = counts.entry(path.to_owned()).or_default();
        *count += 1;
        *count - 1
    };
    let deed = judge(&Asked { path, nth, body: &plain, coding });
    let mut answer = |status: u16, headers: &str, body: &[u8], sent: usize| {
        let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body[..sent])).ok()
    };
    match deed {
        Deed::Refuse(status) => return answer(status, "content-type: text/plain\r\n", b"no", 2),
        Deed::RefuseFor(status, seconds) => {
            return answer(status, &format!("content-type: text/plain\r\nretry-after: {seconds}\r\n"), b"no", 2);
        }
        Deed::RefuseWith(status, header) => {
            return answer(status, &format!("content-type: text/plain\r\n{header}\r\n"), b"no", 2);
        }
        Deed::Reply(body) => return answer(200, "content-type: application/json\r\n", body.as_bytes(), body.len()),
        Deed::Problem(status, code) => {
            let problem = json!({ "type": format!("urn:landfall:problem:{code}"), "title": code, "status": status,
                "detail": "refused on the way", "code": code });
            let body = problem.to_string();
            return answer(status, "content-type: application/problem+json\r\n", body.as_bytes(), body.len());
        }
        _ => {}
    }
    let (mut status, mut body) = request.pass_on(server)?;
    match &deed {
        Deed::LoseAnswer => return None,
        Deed::Double => (status, body) = request.pass_on(server)?,
        Deed::Delay(time) => thread::sleep(*time),
        Deed::Hold(gate) => gate.pass(),
        _ => {}
    }
    let is_cut = matches!(deed, Deed::CutAnswer);
    let sent = if is_cut { body.len() / 2 } else { body.len() };
    let kind = if status < 400 { "application/json" } else { "application/problem+json" };
    answer(status, &format!("content-type: {kind}\r\n"), &body, sent).filter(|()| !is_cut)
}
