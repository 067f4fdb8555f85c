//! The server's events: a thread that keeps a stream open, and tells what comes. A stream that breaks is resumed where it
//! broke, so that no change is missed.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use secrecy::ExposeSecret;
use ureq::Agent;

use super::signal::{ServerNews, Signal};
use crate::client::error::ClientError;
use crate::client::transport::{Backoff, LONGEST_ASKED, Remote, RemoteError, chance};

/// A stream that shows no sign of life for so long is dead: servers give one each 15 s, unless told otherwise.
pub const MAX_SILENCE: Duration = Duration::from_secs(45);
/// How long a connection, and the beginning of an answer, may take.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// No line of a stream is longer.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// Where to listen.
pub struct Listener {
    /// The server.
    pub remote: Arc<Remote>,
    /// The workspace.
    pub workspace: String,
    /// Where the last sync's pull ended.
    pub cursor: Option<String>,
    /// Who is told.
    pub tell: Sender<Signal>,
}

/// The one who is told has gone.
struct Gone;

impl Listener {
    /// Listens, in a thread of its own, until there is nobody to tell.
    pub fn start(self) -> Result<(), ClientError> {
        let spawned = thread::Builder::new().name("events".to_owned()).spawn(move || drop(self.listen()));
        spawned.map(drop).map_err(|cause| ClientError::io("the thread for events", cause))
    }

    fn listen(mut self) -> Result<(), Gone> {
        let mut attempt = 0;
        loop {
            let failure = match self.open() {
                Ok(stream) => {
                    attempt = 0;
                    self.say(ServerNews::Connected { resumed: self.cursor.is_some() })?;
                    self.pass_on(stream)?;
                    None
                }
                Err(failure) => Some(failure),
            };
            let mut retry_after = None;
            match failure {
                // The end of a stream is nothing special: tokens expire, and servers are restarted.
                None => {}
                Some(failure @ (RemoteError::Unauthorized(_) | RemoteError::Local(_))) => {
                    return self.say(ServerNews::Refused(failure.into_client_error(self.remote.server())));
                }
                Some(RemoteError::Refused { status: 400 | 410, .. }) if self.cursor.is_some() => self.cursor = None,
                Some(failure) => {
                    retry_after = failure.retry_after();
                    self.say(ServerNews::Lost(failure.to_string()))?;
                }
            }
            attempt += 1;
            let wait = Backoff { retries: u32::MAX }.wait(
                attempt,
                retry_after.map(|asked| asked.min(LONGEST_ASKED)),
                chance(),
            );
            thread::sleep(wait.unwrap_or_default());
        }
    }

    fn open(&self) -> Result<impl Read + use<>, RemoteError> {
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(OPEN_TIMEOUT))
            .timeout_recv_response(Some(OPEN_TIMEOUT))
            .timeout_per_read(Some(MAX_SILENCE))
            .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        let url = format!("{}/api/v1/documents/events?workspace_id={}", self.remote.server(), self.workspace);
        let answer = self.remote.authorised(|token| {
            let mut request = agent.get(&url).header("accept", "text/event-stream");
            request = request.header("authorization", format!("Bearer {}", token.expose_secret()));
            if let Some(cursor) = &self.cursor {
                request = request.header("last-event-id", cursor);
            }
            self.remote.read_head(request.call())
        })?;
        Ok(answer.into_body().into_reader())
    }

    /// Tells what comes, until the stream ends.
    fn pass_on(&mut self, stream: impl Read) -> Result<(), Gone> {
        let mut lines = BufReader::new(stream);
        let mut frame = Frame::default();
        loop {
            let mut line = String::new();
            match lines.by_ref().take(MAX_LINE_BYTES).read_line(&mut line) {
                Ok(0) | Err(_) => return Ok(()),
                Ok(_) => {}
            }
            let Some(whole) = frame.take(line.trim_end_matches(['\r', '\n'])) else { continue };
            self.cursor = whole.id.clone().or_else(|| self.cursor.take());
            if let Some(news) = whole.news() {
                self.say(news)?;
            }
        }
    }

    fn say(&self, news: ServerNews) -> Result<(), Gone> {
        self.tell.send(Signal::Server(news)).map_err(|_gone| Gone)
    }
}

/// What has come of a frame (WHATWG HTML, "Server-sent events").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Frame {
    event: String,
    id: Option<String>,
    data: String,
}

impl Frame {
    /// Takes a line; the frame, when this one ends it.
    fn take(&mut self, line: &str) -> Option<Self> {
        if line.is_empty() {
            return Some(std::mem::take(self));
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event),
            "id" => self.id = Some(value.to_owned()),
            "data" => {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            // A comment, or what a later protocol adds.
            _ => {}
        }
        None
    }

    fn news(&self) -> Option<ServerNews> {
        match self.event.as_str() {
            // A change that cannot be read is one all the same.
            "change" => Some(serde_json::from_str(&self.data).map_or(ServerNews::Pull, ServerNews::Changed)),
            "pull" => Some(ServerNews::Pull),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(text: &str) -> Vec<Frame> {
        let mut frame = Frame::default();
        text.lines().filter_map(|line| frame.take(line)).collect()
    }

    #[test]
    fn frames_are_read_as_the_standard_says() {
        let read = frames("id: one\n\n:\n\nevent: change\nid:two\ndata: {\"a\":\ndata: 1}\nretry: 5\n\ndata: cut off");
        assert_eq!(read.len(), 3, "{read:?}");
        assert_eq!((read[0].id.as_deref(), read[0].news().is_none()), (Some("one"), true));
        assert_eq!(read[1], Frame::default(), "a comment");
        assert_eq!((read[2].id.as_deref(), read[2].data.as_str()), (Some("two"), "{\"a\":\n1}"));
    }

    #[test]
    fn events_are_news_or_not() {
        let change = "event: change\nid: x\ndata: {\"document_id\":\"00000000-0000-0000-0000-000000000001\",\
                      \"version\":3,\"deleted\":true,\"cursor\":\"x\"}\n\n";
        let Some(ServerNews::Changed(change)) = frames(change)[0].news() else { panic!("a change") };
        assert_eq!((change.version, change.deleted), (3, true));
        assert!(matches!(frames("event: change\ndata: {}\n\n")[0].news(), Some(ServerNews::Pull)));
        assert!(matches!(frames("event: pull\ndata: {}\n\n")[0].news(), Some(ServerNews::Pull)));
        assert!(frames("event: sync\ndata: {}\n\n")[0].news().is_none());
        assert!(frames("event: of tomorrow\ndata: {}\n\n")[0].news().is_none());
    }
}
