//! What a socket is told of its documents, and the way from a room to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, mpsc};

use crate::sync::presence::Presence;

/// Bytes that may wait for a socket, besides what the network has; a reader who is slower is dropped.
const MAX_UNREAD_BYTES: usize = 16 * 1024 * 1024;

/// Something that a socket is to be told of a document.
#[derive(Clone, Debug)]
pub enum News {
    /// Changes that were committed.
    Update(Arc<[u8]>),
    /// What editors say of themselves.
    Presence(Arc<[Presence]>),
    /// An update of this socket is stored.
    Saved(Tag),
    /// An update of this socket needs changes that the server does not have: the editor is to send all that is missing. If it
    /// answers that question, the editor lacks them, too.
    Incomplete(Tag),
    /// An update of this socket cannot be stored.
    Refused(Refusal),
    /// The document is a plain text that was changed.
    Text,
    /// The document was deleted.
    Deleted,
}

/// By this a socket knows again what it sent. Rooms hand it back as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// How often the editor had said before what it has.
    pub round: u32,
    /// What was sent.
    pub sent: Sent,
}

/// What an editor sent, as its provider counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// A change that it counts as not saved.
    Change,
    /// A change that it made before it last said what it has, and does not count.
    Earlier,
    /// A change that is one or the other.
    Doubtful,
    /// The answer to the server's question for what is missing.
    Answer,
    /// The same, and it counts it as one change.
    CountedAnswer,
}

impl Tag {
    /// Whether it answers the server's question for what is missing.
    #[must_use]
    pub fn is_answer(self) -> bool {
        matches!(self.sent, Sent::Answer | Sent::CountedAnswer)
    }
}

/// Why an update cannot be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It never can, and why.
    Never(String),
    /// Its author may not write there, or not any more.
    NotPermitted,
    /// Not now.
    NotNow,
}

/// News of one of a socket's documents.
#[derive(Debug)]
pub struct Delivery {
    /// Which of the socket's documents.
    pub place: usize,
    /// The news.
    pub news: News,
}

/// What a socket hears with.
#[derive(Clone, Debug)]
pub struct Inbox {
    sender: mpsc::Sender<Delivery>,
    unread: Arc<AtomicUsize>,
    /// Told when the socket does not keep up.
    too_slow: Arc<Notify>,
}

/// The other end of an [`Inbox`].
#[derive(Debug)]
pub struct Heard {
    receiver: mpsc::Receiver<Delivery>,
    unread: Arc<AtomicUsize>,
    too_slow: Arc<Notify>,
}

/// Deliveries that may wait for a socket.
pub(super) const MAX_UNREAD: usize = 512;

/// The two ends between rooms and a socket.
pub(super) fn inbox() -> (Inbox, Heard) {
    let (sender, receiver) = mpsc::channel(MAX_UNREAD);
    let (unread, too_slow) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let heard = Heard { receiver, unread: Arc::clone(&unread), too_slow: Arc::clone(&too_slow) };
    (Inbox { sender, unread, too_slow }, heard)
}

impl Inbox {
    pub(super) fn send(&self, place: usize, news: News) {
        let bytes = news.bytes();
        let waiting = self.unread.fetch_add(bytes, Ordering::Relaxed);
        if waiting > MAX_UNREAD_BYTES || self.sender.try_send(Delivery { place, news }).is_err() {
            self.too_slow.notify_one();
        }
    }
}

impl Heard {
    /// The next delivery; `None` if the socket does not keep up, and must be dropped.
    pub async fn next(&mut self) -> Option<Delivery> {
        tokio::select! {
            biased;
            () = self.too_slow.notified() => None,
            delivery = self.receiver.recv() => {
                let delivery = delivery?;
                self.unread.fetch_sub(delivery.news.bytes(), Ordering::Relaxed);
                Some(delivery)
            }
        }
    }
}

impl News {
    fn bytes(&self) -> usize {
        match self {
            Self::Update(update) => update.len(),
            Self::Presence(presences) => {
                presences.iter().map(|presence| presence.state.as_ref().map_or(0, |state| state.len())).sum()
            }
            Self::Saved(_) | Self::Incomplete(_) | Self::Refused(_) | Self::Text | Self::Deleted => 0,
        }
    }
}
