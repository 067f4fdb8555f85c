//! The threads that send messages to the other servers, and hear theirs.

use std::time::Duration;

use super::presences;
use super::relay::{Message, Relay};
use super::shared::{PresenceNews, Shared};
use crate::store::StoreError;
use crate::store::notifications::{Listener, Notifier};

/// After messages were sent, those that come next wait so long for one another.
const SEND_PAUSE: Duration = Duration::from_millis(10);
/// How often arrived messages are looked for.
const RECEIVE_INTERVAL: Duration = Duration::from_millis(20);
/// The same, while nobody listens.
const IDLE_INTERVAL: Duration = Duration::from_millis(200);
/// The first wait after a connection was lost; each further one is twice as long, up to [`MAX_BACKOFF`].
const MIN_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Sends what is posted until the streams are closed.
pub(super) fn send_until_closed(shared: &Shared) {
    let Some(relay) = &shared.relay else { return };
    let mut notifier = None;
    let mut outage = Outage::new("send");
    while let Some(messages) = relay.collect() {
        // A connection may have been cut while it was idle: the second try is on a new one.
        let mut sent = send(shared, &mut notifier, &messages);
        if sent.is_err() && !outage.is_on() {
            sent = send(shared, &mut notifier, &messages);
        }
        relay.pause(match sent {
            Ok(()) => outage.over().unwrap_or(SEND_PAUSE),
            Err(error) => outage.goes_on(&error),
        });
    }
}

fn send(shared: &Shared, notifier: &mut Option<Notifier>, messages: &[String]) -> Result<(), StoreError> {
    let mut open = match notifier.take() {
        Some(open) => open,
        None => shared.store.open_notifier()?,
    };
    open.send(messages)?;
    count_messages("sent", messages.len());
    *notifier = Some(open);
    Ok(())
}

/// Hears what other servers send until the streams are closed.
pub(super) fn receive_until_closed(shared: &Shared) {
    let Some(relay) = &shared.relay else { return };
    let mut listener = None;
    let mut outage = Outage::new("receive");
    loop {
        let interval = if shared.topics.are_idle() { IDLE_INTERVAL } else { RECEIVE_INTERVAL };
        let is_over = relay.pause(match receive(shared, relay, &mut listener) {
            Ok(()) => outage.over().unwrap_or(interval),
            Err(error) => outage.goes_on(&error),
        });
        if is_over {
            return;
        }
    }
}

fn receive(shared: &Shared, relay: &Relay, listener: &mut Option<Listener>) -> Result<(), StoreError> {
    let mut open = match listener.take() {
        Some(open) => open,
        None => shared.store.open_listener()?,
    };
    for text in open.receive()? {
        count_messages("received", 1);
        if let Some((server_id, workspace_id, document_id, said)) = presences::parse(&text) {
            shared.hear_presences(server_id == relay.server_id, workspace_id, document_id, PresenceNews::Said(said));
            continue;
        }
        match Message::parse(&text) {
            Some((server_id, _)) if server_id == relay.server_id => {}
            Some((_, Message::Changed(workspace_id))) => shared.topics.changed(workspace_id),
            Some((_, Message::Progressed(workspace_id, user_id, run))) => {
                shared.topics.progressed(workspace_id, user_id, run);
            }
            Some((_, Message::WhoIsThere(workspace_id, document_id))) => {
                shared.hear_presences(false, workspace_id, document_id, PresenceNews::WhoIsThere);
            }
            None => tracing::debug!("a message of another version was not understood"),
        }
    }
    *listener = Some(open);
    Ok(())
}

fn count_messages(direction: &'static str, count: usize) {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    metrics::counter!("landfall_server_messages_total", "direction" => direction).increment(count);
}

/// Logs when the connection is lost and when it is back, once each.
struct Outage {
    purpose: &'static str,
    wait: Option<Duration>,
}

impl Outage {
    fn new(purpose: &'static str) -> Self {
        Self { purpose, wait: None }
    }

    fn is_on(&self) -> bool {
        self.wait.is_some()
    }

    /// It works: no wait.
    fn over(&mut self) -> Option<Duration> {
        self.wait.take().map(|_waited| {
            tracing::info!(purpose = self.purpose, "messages between servers work again");
            Duration::ZERO
        })
    }

    /// It does not: how long to wait before the next try.
    fn goes_on(&mut self, error: &StoreError) -> Duration {
        let wait = match self.wait {
            Some(wait) => (wait * 2).min(MAX_BACKOFF),
            None => {
                let purpose = self.purpose;
                tracing::warn!(%error, purpose, "messages between servers are interrupted; polling goes on");
                MIN_BACKOFF
            }
        };
        self.wait = Some(wait);
        wait
    }
}
