//! A reader of event streams, over a connection of its own: what it does not ask for, it does not read.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::answer::Answer;
use super::contract::{CONTRACT, Exchange};
use super::user::User;

/// How long the server may take for whatever must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// One frame of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The event's name.
    pub event: Option<String>,
    /// The `id`.
    pub id: Option<String>,
    /// The data, its lines joined.
    pub data: Option<String>,
}

/// An open event stream.
pub struct EventReader {
    connection: BufReader<TcpStream>,
    /// Decoded bytes that are no whole frame yet.
    pending: String,
    frames: VecDeque<Frame>,
    /// What a client would resume from.
    pub last_event_id: Option<String>,
    ended: bool,
}

impl User {
    /// Opens the event stream of the workspace, which must be granted.
    #[track_caller]
    pub fn events(&self) -> EventReader {
        EventReader::open(self, None)
    }

    /// Resumes an event stream, which must be granted.
    #[track_caller]
    pub fn events_since(&self, last_event_id: &str) -> EventReader {
        EventReader::open(self, Some(last_event_id))
    }

    /// Asks for an event stream; the answer without its body.
    pub fn try_events(&self, last_event_id: Option<&str>) -> Answer {
        let path = path_of(self);
        let request = self.request("GET", &path);
        match last_event_id {
            Some(id) => request.header("last-event-id", id).send(),
            None => request.send(),
        }
    }
}

fn path_of(user: &User) -> String {
    format!("/api/v1/documents/events?workspace_id={}", user.workspace_id)
}

impl EventReader {
    #[track_caller]
    fn open(user: &User, last_event_id: Option<&str>) -> Self {
        let url = user.base_url();
        let address = url.strip_prefix("http://").expect("a plain address");
        let mut connection = TcpStream::connect(address).expect("the server listens");
        connection.set_nodelay(true).expect("a socket");
        let path = path_of(user);
        let resume = last_event_id.map(|id| format!("last-event-id: {id}\r\n")).unwrap_or_default();
        // As a browser asks: it takes compressed answers, and must not get one.
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\naccept: text/event-stream\r\n\
             accept-encoding: gzip, br, zstd\r\n{resume}\r\n",
            user.access_token
        );
        connection.write_all(request.as_bytes()).expect("the server reads");
        let mut connection = BufReader::new(connection);
        let head = read_head(&mut connection, &path);
        let exchange = Exchange { method: "GET", path: &path, request_body: &[], answer: &head };
        CONTRACT.check(&exchange).unwrap_or_else(|breach| panic!("{head}\n\nbreaks openapi.yaml: {breach}"));
        assert_eq!((head.status, head.media_type()), (200, "text/event-stream"), "{head}");
        let (pending, frames) = (String::new(), VecDeque::new());
        let mut reader = Self { connection, pending, frames, last_event_id: None, ended: false };
        let opening = reader.next().expect("a stream begins with a frame");
        assert!(opening.event.is_none() && opening.data.is_none(), "an id alone, not {opening:?}");
        assert!(reader.last_event_id.is_some(), "a stream begins with an id");
        reader
    }

    /// The next frame, heartbeats included (as frames without anything); `None` at the end of the stream.
    #[track_caller]
    pub fn next(&mut self) -> Option<Frame> {
        self.next_within(PATIENCE).unwrap_or_else(|| panic!("nothing came from the stream in {PATIENCE:?}"))
    }

    /// The next event that is no heartbeat; `None` at the end of the stream.
    #[track_caller]
    pub fn next_event(&mut self) -> Option<Frame> {
        loop {
            match self.next() {
                Some(frame) if frame.event.is_none() => {}
                other => return other,
            }
        }
    }

    /// The data of the next event, which must have this name.
    #[track_caller]
    pub fn expect_event(&mut self, name: &str) -> Value {
        let frame = self.next_event().unwrap_or_else(|| panic!("the stream ended before an event {name}"));
        assert_eq!(frame.event.as_deref(), Some(name), "{frame:?}");
        frame.json()
    }

    /// The next event, which must be a change.
    #[track_caller]
    pub fn change(&mut self) -> Value {
        self.expect_event("change")
    }

    /// Asserts that the stream ends without another event.
    #[track_caller]
    pub fn expect_end(&mut self) {
        let frame = self.next_event();
        assert!(frame.is_none(), "the stream should have ended: {frame:?}");
    }

    /// Asserts that no event comes for a while.
    #[track_caller]
    pub fn expect_silence(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while let Some(frame) = self.next_within(until.saturating_duration_since(Instant::now())) {
            let frame = frame.expect("the stream goes on");
            assert!(frame.event.is_none(), "nothing was to be told: {frame:?}");
        }
    }

    /// The next frame or end (`Some(None)`), unless nothing comes in time.
    fn next_within(&mut self, time: Duration) -> Option<Option<Frame>> {
        let deadline = Instant::now() + time;
        while self.frames.is_empty() && !self.ended {
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            self.connection.get_ref().set_read_timeout(Some(left)).expect("a socket");
            match self.connection.fill_buf() {
                Ok(_) => self.read_chunk(),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return None,
                // The machine was stopped for a moment.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("the stream was cut: {error}"),
            }
        }
        let frame = self.frames.pop_front();
        if let Some(id) = frame.as_ref().and_then(|frame| frame.id.clone()) {
            self.last_event_id = Some(id);
        }
        Some(frame)
    }

    /// Reads one chunk of the transfer encoding, of which the beginning is there.
    fn read_chunk(&mut self) {
        self.connection.get_ref().set_read_timeout(Some(PATIENCE)).expect("a socket");
        let mut size = String::new();
        self.connection.read_line(&mut size).expect("a chunk has a size");
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or_else(|_| panic!("no size of a chunk: {size:?}"));
        let mut bytes = vec![0; size + 2];
        self.connection.read_exact(&mut bytes).expect("a chunk is whole");
        assert!(bytes.ends_with(b"\r\n"), "a chunk ends with its line");
        self.ended = size == 0;
        self.pending += std::str::from_utf8(&bytes[..size]).expect("chunks end between characters here");
        while let Some((frame, rest)) = self.pending.split_once("\n\n") {
            let (frame, rest) = (parse(frame), rest.to_owned());
            frame.check();
            self.frames.push_back(frame);
            self.pending = rest;
        }
        assert!(!self.ended || self.pending.is_empty(), "the stream ends within a frame: {:?}", self.pending);
    }
}

fn read_head(connection: &mut BufReader<TcpStream>, path: &str) -> Answer {
    connection.get_ref().set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).expect("the server answers");
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let status = lines.first().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let headers = lines.iter().skip(1).filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
    Answer::new(format!("GET {path}"), status.expect("a status"), headers, Vec::new())
}

/// A frame, as WHATWG HTML has it read.
fn parse(text: &str) -> Frame {
    let mut frame = Frame::default();
    for line in text.split('\n').filter(|line| !line.starts_with(':')) {
        let (field, value) = line.split_once(": ").unwrap_or((line, ""));
        match field {
            "event" => frame.event = Some(value.to_owned()),
            "id" => frame.id = Some(value.to_owned()),
            "data" => frame.data = Some(frame.data.map_or(value.to_owned(), |data| format!("{data}\n{value}"))),
            other => panic!("no field of an event stream: {other:?}"),
        }
    }
    frame
}

impl Frame {
    /// The data as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(self.data.as_deref().unwrap_or_default())
            .unwrap_or_else(|error| panic!("{self:?} has no JSON: {error}"))
    }

    /// Asserts that the event is one that `openapi.yaml` describes.
    fn check(&self) {
        let Some(event) = self.event.as_deref() else { return };
        let path = "/paths/~1api~1v1~1documents~1events/get/responses/200/content/text~1event-stream/x-events";
        let events = CONTRACT.document().pointer(path).expect("the events are described");
        assert!(events[event].is_object(), "openapi.yaml knows no event {event}");
        let verdict = CONTRACT.validate(&format!("event {event}"), &events[event], &self.json());
        verdict.unwrap_or_else(|breach| panic!("{self:?} breaks openapi.yaml: {breach}"));
        if event == "change" {
            assert_eq!(json!(self.id), self.json()["cursor"], "the id of a change is its cursor");
        }
    }
}
