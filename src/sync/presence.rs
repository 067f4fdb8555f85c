//! Who is in a document: what each editor says of itself, such as a name and a cursor (Yjs calls it awareness).
//!
//! It is passed on, to other servers too, and never stored. It may be lost; text may not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Names a socket of this server in a document: another one each time that it opens one.
pub type SocketId = u64;

/// Bytes that one editor may say of itself.
pub const MAX_STATE_BYTES: usize = 8 * 1024;
/// Editors that one socket may speak for in a document.
const MAX_OF_SOCKET: usize = 16;
/// Editors that are remembered in a document after they have gone, besides those that are here.
const MAX_REMEMBERED: usize = 4_096;
/// Editors that repeat nothing for so long are taken to be gone, as y-protocols does.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What an editor says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// The editor's Yjs client.
    pub client: u64,
    /// Counts what it said; newer is larger.
    pub clock: u64,
    /// JSON; `None` when it has gone.
    pub state: Option<Arc<str>>,
}

/// Everybody in a document.
#[derive(Debug, Default)]
pub(in crate::sync) struct Presences(BTreeMap<u64, Present>);

#[derive(Debug)]
struct Present {
    presence: Presence,
    /// Whose it is; `None` if it came from another server.
    socket: Option<SocketId>,
    seen: Instant,
}

impl Present {
    /// Who has gone is nobody's: it may come back by another socket.
    fn new(presence: Presence, socket: Option<SocketId>, seen: Instant) -> Self {
        let socket = socket.filter(|_| presence.state.is_some());
        Self { presence, socket, seen }
    }

    fn is_here(&self) -> bool {
        self.presence.state.is_some()
    }
}

impl Presences {
    /// Takes in what a socket says; what of it is news to the others. A socket speaks for its own editors alone: clients
    /// repeat what they heard of others, and must not be able to speak for them.
    /// `source` is the socket and when it joined, or none for another server.
    pub(in crate::sync) fn take_in(
        &mut self,
        source: Option<(SocketId, Instant)>,
        said: Vec<Presence>,
    ) -> Vec<Presence> {
        let (now, socket) = (Instant::now(), source.map(|(socket, _)| socket));
        let mut of_socket = self.0.values().filter(|present| present.is_here() && present.socket == socket).count();
        let mut news = Vec::new();
        for presence in said {
            let takes = match self.0.get(&presence.client) {
                Some(present) if present.is_here() => {
                    let is_newer = presence.clock > present.presence.clock
                        || (presence.clock == present.presence.clock && presence.state.is_none());
                    // An editor may have gone over from another server.
                    let is_free = present.socket.is_none() || now.duration_since(present.seen) > TIMEOUT;
                    is_newer && (present.socket == socket || is_free)
                }
                // Who comes back says the same again at first. A socket that was here when it left only repeats it.
                Some(gone) => {
                    let comes_back = source.is_none_or(|(_, joined)| joined >= gone.seen);
                    let is_newer = presence.clock > gone.presence.clock;
                    presence.state.is_some() && (is_newer || (comes_back && presence.clock == gone.presence.clock))
                }
                None => presence.state.is_some() && (socket.is_none() || of_socket < MAX_OF_SOCKET),
            };
            if takes {
                of_socket += usize::from(presence.state.is_some());
                self.0.insert(presence.client, Present::new(presence.clone(), socket, now));
                news.push(presence);
            }
        }
        self.forget(now);
        news
    }

    /// Who has gone is remembered for a while: others repeat what they heard before, and must not bring anybody back.
    fn forget(&mut self, now: Instant) {
        let is_full = self.0.len() > MAX_REMEMBERED;
        self.0.retain(|_, present| present.is_here() || (!is_full && now.duration_since(present.seen) <= TIMEOUT));
    }

    /// Those who are here now.
    pub(in crate::sync) fn here(&self) -> Vec<Presence> {
        let now = Instant::now();
        let here = self.0.values().filter(|present| present.is_here() && now.duration_since(present.seen) <= TIMEOUT);
        here.map(|present| present.presence.clone()).collect()
    }

    /// Those of this server's own editors.
    pub(in crate::sync) fn own(&self) -> Vec<Presence> {
        let own = self.0.values().filter(|present| present.is_here() && present.socket.is_some());
        own.map(|present| present.presence.clone()).collect()
    }

    /// Forgets the editors of a socket; what the others are to be told.
    pub(in crate::sync) fn leave(&mut self, socket: SocketId) -> Vec<Presence> {
        let now = Instant::now();
        let mut gone = Vec::new();
        for present in self.0.values_mut().filter(|present| present.is_here() && present.socket == Some(socket)) {
            let last = Presence { state: None, ..present.presence };
            *present = Present::new(last.clone(), None, now);
            gone.push(last);
        }
        self.forget(now);
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(client: u64, clock: u64, state: &str) -> Presence {
        Presence { client, clock, state: (state != "null").then(|| state.into()) }
    }

    /// A socket that joins now.
    fn from(socket: SocketId) -> Option<(SocketId, Instant)> {
        Some((socket, Instant::now()))
    }

    #[test]
    fn news_is_what_is_newer() {
        let mut all = Presences::default();
        assert_eq!(all.take_in(from(1), vec![says(7, 1, "{}")]).len(), 1);
        assert!(all.take_in(from(1), vec![says(7, 1, "{}")]).is_empty());
        assert_eq!(all.take_in(from(1), vec![says(7, 2, "{\"a\":1}")]).len(), 1);
        assert_eq!(all.here(), [says(7, 2, "{\"a\":1}")]);
        assert_eq!(all.take_in(from(1), vec![says(7, 2, "null")]).len(), 1);
        assert!(all.here().is_empty());
    }

    #[test]
    fn nobody_speaks_for_others() {
        let mut all = Presences::default();
        all.take_in(from(1), vec![says(7, 1, "{}")]);
        assert!(all.take_in(from(2), vec![says(7, 9, "null"), says(7, 9, "{\"b\":1}")]).is_empty());
        assert_eq!(all.here(), [says(7, 1, "{}")]);
    }

    #[test]
    fn an_editor_may_go_over_to_another_server() {
        let mut all = Presences::default();
        all.take_in(None, vec![says(7, 1, "{}")]);
        assert!(all.own().is_empty());
        assert_eq!(all.take_in(from(3), vec![says(7, 2, "{}")]).len(), 1);
        assert!(all.take_in(None, vec![says(7, 9, "null")]).is_empty(), "what the other server says of it is old");
        assert_eq!(all.own().len(), 1);
    }

    #[test]
    fn who_leaves_is_told_of() {
        let mut all = Presences::default();
        all.take_in(from(1), vec![says(7, 4, "{}")]);
        all.take_in(from(2), vec![says(8, 1, "{}")]);
        assert_eq!(all.leave(1), [says(7, 4, "null")]);
        assert_eq!(all.here(), [says(8, 1, "{}")]);
    }

    #[test]
    fn what_others_repeat_brings_nobody_back() {
        let (mut all, early) = (Presences::default(), from(2));
        all.take_in(None, vec![says(7, 4, "{}")]);
        all.take_in(None, vec![says(7, 5, "null")]);
        assert!(all.take_in(early, vec![says(7, 5, "{}")]).is_empty());
        assert!(all.here().is_empty());
        let newcomer = Some((3, Instant::now()));
        assert_eq!(all.take_in(newcomer, vec![says(7, 5, "{}")]).len(), 1, "it comes back itself");
    }

    #[test]
    fn a_socket_speaks_for_a_bounded_number() {
        let mut all = Presences::default();
        let crowd = (0..1_000).map(|client| says(client, 1, "{}")).collect();
        assert_eq!(all.take_in(from(1), crowd).len(), MAX_OF_SOCKET);
    }
}
