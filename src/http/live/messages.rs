//! The messages that editors' providers exchange with a server: those of y-protocols (`sync.js`, `awareness.js`,
//! `auth.js`), which `y-websocket` sends bare and Hocuspocus behind the document's name, and those that Hocuspocus adds.

use std::sync::Arc;

use super::ending::End;
use super::paced::{Frame, PART_BYTES};
use super::said::dropped;
use super::wire::{Reader, put_bytes, put_length, put_text, put_uint};
use crate::sync::live::{MAX_STATE_BYTES, Presence};

const SYNC: u64 = 0;
const AWARENESS: u64 = 1;
const AUTH: u64 = 2;
const QUERY_AWARENESS: u64 = 3;
const STATELESS: u64 = 5;
const BROADCAST_STATELESS: u64 = 6;
const CLOSE: u64 = 7;
const SYNC_STATUS: u64 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// A frame by which Hocuspocus asks for a sign of life, and the answer.
pub(super) const PING_FRAME: &[u8] = &[PING];
pub(super) const PONG_FRAME: &[u8] = &[PONG];

const SYNC_STEP_1: u64 = 0;
const SYNC_STEP_2: u64 = 1;
const SYNC_UPDATE: u64 = 2;

const AUTH_TOKEN: u64 = 0;
const AUTH_DENIED: u64 = 1;
const AUTH_GRANTED: u64 = 2;
/// y-protocols' own number for a refusal, which differs from Hocuspocus'.
const Y_AUTH_DENIED: u64 = 0;

/// Editors of which one message may speak.
const MAX_PRESENCES: u64 = 1_000;

/// The empty Yjs update: no structs, no deletions.
pub(super) const EMPTY_UPDATE: &[u8] = &[0, 0];

/// Which provider is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `y-websocket`: one document a socket.
    Y,
    /// `@hocuspocus/provider`: each message names its document.
    Hocuspocus,
}

/// What an editor sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Received<'a> {
    /// "This is what I have": a state vector.
    Step1(&'a [u8]),
    /// "This is what you lack": an update.
    Step2(&'a [u8]),
    /// "This was changed": an update.
    Update(&'a [u8]),
    /// What editors say of themselves.
    Awareness(Vec<Presence>),
    /// Asks who is there.
    QueryAwareness,
    /// An access token.
    Token(&'a str),
    /// The document is not needed any more.
    Close,
    /// Something that a server may ignore.
    Ignored,
}

/// Splits a frame of Hocuspocus into the document's name and its message.
pub(super) fn split_name(frame: &[u8]) -> Option<(&str, &[u8])> {
    let mut reader = Reader::new(frame);
    let name = reader.text()?;
    let length = frame.len().checked_sub(reader.rest_length())?;
    Some((name, frame.get(length..)?))
}

/// Reads a message; `None` if it is none.
pub(super) fn read(dialect: Dialect, message: &[u8]) -> Option<Received<'_>> {
    let mut reader = Reader::new(message);
    Some(match (reader.uint()?, dialect) {
        (SYNC, _) => match reader.uint()? {
            SYNC_STEP_1 => Received::Step1(reader.bytes()?),
            SYNC_STEP_2 => Received::Step2(reader.bytes()?),
            SYNC_UPDATE => Received::Update(reader.bytes()?),
            _ => return None,
        },
        (AWARENESS, _) => Received::Awareness(read_presences(reader.bytes()?)?),
        (QUERY_AWARENESS, _) => Received::QueryAwareness,
        (AUTH, Dialect::Hocuspocus) => match reader.uint()? {
            AUTH_TOKEN => Received::Token(reader.text()?),
            _ => return None,
        },
        (CLOSE, Dialect::Hocuspocus) => Received::Close,
        (STATELESS | BROADCAST_STATELESS, Dialect::Hocuspocus) => Received::Ignored,
        _ => return None,
    })
}

fn read_presences(bytes: &[u8]) -> Option<Vec<Presence>> {
    let mut reader = Reader::new(bytes);
    let count = reader.uint().filter(|count| *count <= MAX_PRESENCES)?;
    let mut presences = Vec::new();
    for _ in 0..count {
        let (client, clock, state) = (reader.uint()?, reader.uint()?, reader.text()?);
        // Too much is left out: it may be lost.
        if state.len() <= MAX_STATE_BYTES {
            presences.push(Presence { client, clock, state: (state != "null").then(|| state.into()) });
        } else {
            dropped("too_large");
        }
    }
    Some(presences)
}

/// Makes the frames that are sent to an editor about one document.
#[derive(Clone, Debug)]
pub(super) struct Frames {
    dialect: Dialect,
    /// The document's name as the editor gave it; not used by y-websocket.
    name: String,
}

impl Frames {
    pub(super) fn new(dialect: Dialect, name: impl Into<String>) -> Self {
        Self { dialect, name: name.into() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn begin(&self, kind: u64, capacity: usize) -> Vec<u8> {
        let mut frame = Vec::with_capacity(capacity.saturating_add(self.name.len()).saturating_add(16));
        if self.dialect == Dialect::Hocuspocus {
            put_text(&self.name, &mut frame);
        }
        put_uint(kind, &mut frame);
        frame
    }

    fn sync(&self, step: u64, bytes: usize, capacity: usize) -> Vec<u8> {
        let mut head = self.begin(SYNC, capacity);
        put_uint(step, &mut head);
        put_length(bytes, &mut head);
        head
    }

    fn sync_update(&self, step: u64, update: &Arc<[u8]>) -> Frame {
        if update.len() > PART_BYTES {
            return Frame { head: self.sync(step, update.len(), 0), rest: Some(Arc::clone(update)) };
        }
        let mut frame = self.sync(step, update.len(), update.len());
        frame.extend_from_slice(update);
        frame.into()
    }

    /// What the server has: the editor is to send what it lacks.
    pub(super) fn step_1(&self, state_vector: &[u8]) -> Vec<u8> {
        let mut frame = self.sync(SYNC_STEP_1, state_vector.len(), state_vector.len());
        frame.extend_from_slice(state_vector);
        frame
    }

    /// What the editor lacks.
    pub(super) fn step_2(&self, update: &Arc<[u8]>) -> Frame {
        self.sync_update(SYNC_STEP_2, update)
    }

    /// A change.
    pub(super) fn update(&self, update: &Arc<[u8]>) -> Frame {
        self.sync_update(SYNC_UPDATE, update)
    }

    /// What editors say of themselves.
    pub(super) fn awareness(&self, presences: &[Presence]) -> Vec<u8> {
        let mut said = Vec::new();
        put_uint(u64::try_from(presences.len()).unwrap_or_default(), &mut said);
        for presence in presences {
            put_uint(presence.client, &mut said);
            put_uint(presence.clock, &mut said);
            put_text(presence.state.as_deref().unwrap_or("null"), &mut said);
        }
        let mut frame = self.begin(AWARENESS, said.len());
        put_bytes(&said, &mut frame);
        frame
    }

    /// Whether an update is stored. y-websocket has no such message.
    pub(super) fn saved(&self, is_stored: bool) -> Option<Vec<u8>> {
        (self.dialect == Dialect::Hocuspocus).then(|| {
            let mut frame = self.begin(SYNC_STATUS, 1);
            // A signed number; 0 and 1 are written as they are.
            frame.push(u8::from(is_stored));
            frame
        })
    }

    /// The login is good. y-websocket has no such message.
    pub(super) fn granted(&self, may_write: bool) -> Option<Vec<u8>> {
        (self.dialect == Dialect::Hocuspocus).then(|| {
            let mut frame = self.begin(AUTH, 16);
            put_uint(AUTH_GRANTED, &mut frame);
            put_text(if may_write { "read-write" } else { "readonly" }, &mut frame);
            frame
        })
    }

    /// The document is not to be had. Behind the reason is the code that would close a socket; Hocuspocus' provider reads as
    /// far as the reason. y-websocket has no such message.
    pub(super) fn refused(&self, end: &End) -> Option<Vec<u8>> {
        (self.dialect == Dialect::Hocuspocus).then(|| {
            let mut frame = self.begin(AUTH, end.reason.len());
            put_uint(AUTH_DENIED, &mut frame);
            put_reason(end, &mut frame);
            frame
        })
    }

    /// An update is not allowed. Hocuspocus' provider would take this for the end of the login.
    pub(super) fn not_allowed(&self, reason: &str) -> Option<Vec<u8>> {
        (self.dialect == Dialect::Y).then(|| {
            let mut frame = self.begin(AUTH, reason.len());
            put_uint(Y_AUTH_DENIED, &mut frame);
            put_text(reason, &mut frame);
            frame
        })
    }

    /// The token runs out: the editor is to send another one. y-websocket has no such message.
    pub(super) fn ask_for_token(&self) -> Option<Vec<u8>> {
        (self.dialect == Dialect::Hocuspocus).then(|| {
            let mut frame = self.begin(AUTH, 1);
            put_uint(AUTH_TOKEN, &mut frame);
            frame
        })
    }

    /// The server has closed the document. The code is behind the reason.
    pub(super) fn closed(&self, end: &End) -> Option<Vec<u8>> {
        (self.dialect == Dialect::Hocuspocus).then(|| {
            let mut frame = self.begin(CLOSE, end.reason.len());
            put_reason(end, &mut frame);
            frame
        })
    }
}

fn put_reason(end: &End, frame: &mut Vec<u8>) {
    put_text(&end.reason, frame);
    put_uint(end.code.into(), frame);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn messages_are_read_as_they_are_written() {
        for dialect in [Dialect::Y, Dialect::Hocuspocus] {
            let frames = Frames::new(dialect, "w/d");
            let body = |frame: &[u8]| match dialect {
                Dialect::Y => frame.to_vec(),
                Dialect::Hocuspocus => {
                    let (name, message) = split_name(frame).unwrap();
                    assert_eq!(name, "w/d");
                    message.to_vec()
                }
            };
            assert_eq!(read(dialect, &body(&frames.step_1(&[1, 2]))), Some(Received::Step1(&[1, 2])));
            assert_eq!(read(dialect, &body(&frames.step_2(&[3].into()).head)), Some(Received::Step2(&[3])));
            assert_eq!(read(dialect, &body(&frames.update(&[4].into()).head)), Some(Received::Update(&[4])));
            let large: Arc<[u8]> = vec![5; PART_BYTES + 1].into();
            let parts = frames.update(&large);
            let whole = [parts.head.as_slice(), parts.rest.as_deref().unwrap()].concat();
            assert_eq!(read(dialect, &body(&whole)), Some(Received::Update(&large)));
            let said = vec![
                Presence { client: 7, clock: 1, state: Some("{\"name\":\"Ada\"}".into()) },
                Presence { client: u64::from(u32::MAX), clock: 300, state: None },
            ];
            assert_eq!(read(dialect, &body(&frames.awareness(&said))), Some(Received::Awareness(said)));
        }
    }

    #[test]
    fn what_an_editor_says_of_itself_is_bounded() {
        let frames = Frames::new(Dialect::Y, "");
        let long = Presence { client: 1, clock: 1, state: Some("x".repeat(MAX_STATE_BYTES + 1).into()) };
        assert_eq!(read(Dialect::Y, &frames.awareness(&[long])), Some(Received::Awareness(Vec::new())));
        assert_eq!(read(Dialect::Y, &[1, 3, 255, 255, 127]), None);
    }

    proptest! {
        #[test]
        fn no_frame_does_harm(frame: Vec<u8>) {
            let _read = read(Dialect::Y, &frame);
            if let Some((_, message)) = split_name(&frame) {
                let _read = read(Dialect::Hocuspocus, message);
            }
        }
    }
}
