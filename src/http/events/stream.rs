//! One endless response: passes on the events of its subscription, sends heartbeats, and knows when to stop.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::frames;
use crate::sync::events::{Ended, Event, Subscription};

/// What ends a stream, as the metrics name it.
const BY_CLIENT: &str = "client";

/// An open stream.
pub(super) struct EventStream {
    subscription: Subscription,
    opening: Option<Bytes>,
    heartbeat: Duration,
    next_heartbeat: Instant,
    expires_at: Instant,
    stopping: watch::Receiver<bool>,
    ended: &'static str,
}

/// What a stream has waited for.
enum Turn {
    /// The server is stopping.
    Stopping,
    /// A heartbeat is due, or the token expires.
    Time,
    /// There is something to pass on, or an end.
    Heard(Result<Event, Ended>),
}

impl EventStream {
    /// A stream for a reader whose token expires at `expires_at`; it ends early when `stopping` becomes true.
    pub(super) fn new(
        subscription: Subscription,
        heartbeat: Duration,
        expires_at: Instant,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let opening = Some(frames::opening(&subscription.start()));
        let next_heartbeat = Instant::now() + heartbeat;
        Self { subscription, opening, heartbeat, next_heartbeat, expires_at, stopping, ended: BY_CLIENT }
    }

    /// Waits for the next frames; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended != BY_CLIENT {
            return None;
        }
        if let Some(opening) = self.opening.take() {
            return Some(opening);
        }
        match self.wait().await {
            Turn::Stopping => self.end("stopping"),
            Turn::Time if Instant::now() >= self.expires_at => self.end("token_expired"),
            Turn::Time => {
                self.next_heartbeat = Instant::now() + self.heartbeat;
                Some(frames::HEARTBEAT)
            }
            Turn::Heard(Ok(event)) => Some(pass_on(&event)),
            Turn::Heard(Err(ended)) => self.end_because(&ended),
        }
    }

    async fn wait(&mut self) -> Turn {
        tokio::select! {
            biased;
            _stopping = self.stopping.wait_for(|is_stopping| *is_stopping) => Turn::Stopping,
            () = sleep_until(self.next_heartbeat.min(self.expires_at)) => Turn::Time,
            heard = self.subscription.next() => Turn::Heard(heard),
        }
    }

    fn end_because(&mut self, ended: &Ended) -> Option<Bytes> {
        match ended {
            Ended::SlowReader => {
                tracing::info!("an event stream was dropped: its reader does not keep up");
                self.end("slow_reader");
                count_sent("pull", 1);
                Some(frames::PULL_SLOW_READER)
            }
            Ended::NotMember => self.end("not_member"),
            Ended::Closed => self.end("stopping"),
            Ended::Failed(error) => {
                tracing::warn!(%error, "an event stream ended: what it had missed could not be read");
                self.end("failed")
            }
        }
    }

    fn end(&mut self, reason: &'static str) -> Option<Bytes> {
        self.ended = reason;
        None
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        metrics::counter!("landfall_event_streams_ended_total", "reason" => self.ended).increment(1);
    }
}

fn pass_on(event: &Event) -> Bytes {
    match event {
        Event::Changes(changes) => {
            count_sent("change", changes.count());
            Bytes::copy_from_slice(changes.encoded(frames::write_change).as_bytes())
        }
        Event::Progress(progress) => {
            count_sent("sync", 1);
            frames::sync(progress)
        }
        Event::FarBehind(cursor) => {
            count_sent("pull", 1);
            frames::far_behind(cursor)
        }
    }
}

fn count_sent(event: &'static str, count: usize) {
    metrics::counter!("landfall_events_sent_total", "event" => event)
        .increment(u64::try_from(count).unwrap_or(u64::MAX));
}

type Step = Pin<Box<dyn Future<Output = (EventStream, Option<Bytes>)>>>;

/// The stream as a body: one step after the other, each driven by the connection that wants its bytes.
pub(super) struct EventBody {
    /// `None` once the stream is over.
    step: Option<Step>,
}

impl EventBody {
    /// The body of a stream.
    pub(super) fn new(stream: EventStream) -> Self {
        Self { step: Some(step(stream)) }
    }
}

fn step(mut stream: EventStream) -> Step {
    Box::pin(async move {
        let frames = stream.next().await;
        (stream, frames)
    })
}

impl MessageBody for EventBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let Some(current) = self.step.as_mut() else { return Poll::Ready(None) };
        let (stream, frames) = ready!(current.as_mut().poll(cx));
        self.step = frames.is_some().then(|| step(stream));
        Poll::Ready(frames.map(Ok))
    }
}
