//! From server to server: what was committed on one is heard on the others, over the database's messages. These are
//! the messages, and what waits to be sent; `exchange` sends and receives.
//!
//! A message says where to look, not what is there; one that is lost is made up for by the comparison of heads
//! (`docs/adr/0014-events-across-servers.md`).

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::presences::WaitingPresences;
use crate::domain::ids::{DocumentId, SyncId, UserId, WorkspaceId};
use crate::sync::presence::Presence;

/// Messages that wait to be sent, at most; more are dropped.
const MAX_WAITING: usize = 10_000;
/// Where there is something new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Message {
    /// In a workspace's feed.
    Changed(WorkspaceId),
    /// In a user's run.
    Progressed(WorkspaceId, UserId, SyncId),
    /// Nowhere: it is asked who edits a document.
    WhoIsThere(WorkspaceId, DocumentId),
}

/// What waits to be sent to the other servers.
pub(super) struct Relay {
    /// Names this server in its messages, so that it does not heed its own.
    pub(super) server_id: Uuid,
    outbox: Mutex<Outbox>,
    /// Something is to be sent.
    posted: Condvar,
    /// It is over.
    closing: Condvar,
}

#[derive(Default)]
struct Outbox {
    waiting: BTreeSet<Message>,
    presences: WaitingPresences,
    closed: bool,
}

impl Message {
    fn to_text(self, server_id: Uuid) -> String {
        match self {
            Self::Changed(workspace) => format!("{server_id} changed {workspace}"),
            Self::Progressed(workspace, user, run) => format!("{server_id} progressed {workspace} {user} {run}"),
            Self::WhoIsThere(workspace, document) => format!("{server_id} who {workspace} {document}"),
        }
    }

    /// The server and its message; `None` for texts of another form, as a later version may send them.
    pub(super) fn parse(text: &str) -> Option<(Uuid, Self)> {
        let mut words = text.split(' ');
        let id = |words: &mut std::str::Split<'_, char>| Uuid::try_parse(words.next()?).ok();
        let server_id = id(&mut words)?;
        let message = match words.next()? {
            "changed" => Self::Changed(WorkspaceId(id(&mut words)?)),
            "progressed" => {
                Self::Progressed(WorkspaceId(id(&mut words)?), UserId(id(&mut words)?), SyncId(id(&mut words)?))
            }
            "who" => Self::WhoIsThere(WorkspaceId(id(&mut words)?), DocumentId(id(&mut words)?)),
            _ => return None,
        };
        words.next().is_none().then_some((server_id, message))
    }
}

impl Relay {
    pub(super) fn new() -> Self {
        Self { server_id: Uuid::new_v4(), outbox: Mutex::default(), posted: Condvar::new(), closing: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a message sent soon, once, however often it is posted until then.
    pub(super) fn post(&self, message: Message) {
        let mut outbox = self.lock();
        if outbox.waiting.len() < MAX_WAITING && outbox.waiting.insert(message) {
            drop(outbox);
            self.posted.notify_one();
        }
    }

    /// Ends the waiting for messages.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.posted.notify_all();
        self.closing.notify_all();
    }

    /// Waits for so long, or until closed; whether it is over.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let waited = self.closing.wait_timeout_while(self.lock(), time, |outbox| !outbox.closed);
        waited.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    /// Waits for messages, as texts; `None` once closed.
    pub(super) fn collect(&self) -> Option<Vec<String>> {
        let mut outbox = self.lock();
        loop {
            if outbox.closed {
                return None;
            }
            let mut texts = outbox.presences.take(Instant::now(), self.server_id);
            let waiting = std::mem::take(&mut outbox.waiting);
            texts.extend(waiting.into_iter().map(|message| message.to_text(self.server_id)));
            if !texts.is_empty() {
                return Some(texts);
            }
            outbox = match outbox.presences.due() {
                Some(due) => {
                    let time = due.saturating_duration_since(Instant::now());
                    self.posted.wait_timeout(outbox, time).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.posted.wait(outbox).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Has sent soon what editors say of themselves; the newest of each counts.
    pub(super) fn present(&self, workspace_id: WorkspaceId, document_id: DocumentId, said: Vec<Presence>) {
        self.lock().presences.add((workspace_id, document_id), said);
        self.posted.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_they_were_written() {
        let id = Uuid::from_u128;
        let server = id(7);
        for message in [
            Message::Changed(WorkspaceId(id(1))),
            Message::Progressed(WorkspaceId(id(1)), UserId(id(2)), SyncId(id(3))),
            Message::WhoIsThere(WorkspaceId(id(1)), DocumentId(id(2))),
        ] {
            assert_eq!(Message::parse(&message.to_text(server)), Some((server, message)));
        }
    }

    #[test]
    fn other_texts_are_not_messages() {
        let sound = Message::Changed(WorkspaceId(Uuid::from_u128(1))).to_text(Uuid::from_u128(7));
        for other in ["", "changed", &sound[1..], &format!("{sound} more"), &sound.replace("changed", "moved")] {
            assert_eq!(Message::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_message_that_waits_is_not_posted_twice() {
        let relay = Relay::new();
        for workspace in [1, 2, 1] {
            relay.post(Message::Changed(WorkspaceId(Uuid::from_u128(workspace))));
        }
        assert_eq!(relay.collect().map(|messages| messages.len()), Some(2));
        relay.close();
        assert_eq!(relay.collect(), None);
    }
}
