//! One socket: whose it is, what it has open, and what every step with it does: sending, and counting what it costs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web;

use super::counting::Counting;
use super::ending::End;
use super::messages::{Dialect, Frames};
use super::metered::Meter;
use super::paced::{Frame, Outgoing};
use super::said::Said;
use crate::auth::roles::Caller;
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::yjs_facts::StateVector;
use crate::http::state::AppState;
use crate::sync::live::{Connection, Heard, Slot};

/// A socket without a login is closed after so long.
const LOGIN_PATIENCE: Duration = Duration::from_secs(10);
/// An editor whose rate is used up is not read for so long at most.
const MAX_REST: Duration = Duration::from_secs(60);

/// Whose socket it is.
pub(super) struct User {
    pub user_id: UserId,
    /// The same, with what a token for scripts is limited to.
    pub caller: Caller,
    pub connection: Arc<Connection>,
    pub expires_at: Instant,
    /// Another token was asked for.
    pub was_asked: bool,
}

/// A document that the socket has open.
pub(super) struct Open {
    pub frames: Frames,
    pub workspace_id: WorkspaceId,
    pub slot: Arc<Slot>,
    pub may_write: bool,
    pub counting: Counting,
    /// What its editor was shown of a plain text; see [`Slot::plain_text`].
    pub shown: StateVector,
}

/// A socket, from its handshake to its end.
pub(super) struct Socket {
    pub state: web::Data<AppState>,
    pub outgoing: Outgoing,
    pub meter: Meter,
    pub dialect: Dialect,
    pub user: Option<User>,
    pub heard: Option<Heard>,
    /// By place.
    pub open: BTreeMap<usize, Open>,
    /// Places are not used again: what is still on its way to one that was closed is nobody's.
    pub next_place: usize,
    pub said: Said,
    /// Not read before.
    pub rests_until: Instant,
    pub check_at: Instant,
}

impl Socket {
    pub(super) fn new(state: web::Data<AppState>, outgoing: Outgoing, meter: Meter, dialect: Dialect) -> Self {
        let now = Instant::now();
        Self {
            state,
            outgoing,
            meter,
            dialect,
            user: None,
            heard: None,
            open: BTreeMap::new(),
            next_place: 0,
            said: Said::new(now),
            rests_until: now,
            check_at: now + LOGIN_PATIENCE,
        }
    }

    pub(super) async fn send(&mut self, frame: impl Into<Frame>) -> Result<(), End> {
        self.outgoing.send(frame).await
    }

    pub(super) async fn send_if_any(&mut self, frame: Option<impl Into<Frame>>) -> Result<(), End> {
        match frame {
            Some(frame) => self.send(frame).await,
            None => Ok(()),
        }
    }

    /// Counts what the editor costs. It is not refused, but rests until it would pass.
    pub(super) fn charge(&mut self, bytes: usize) {
        if let (Some(limits), Some(user)) = (&self.state.rate_limits, &self.user)
            && let Err(retry) = limits.charge(user.user_id, 1, u64::try_from(bytes).unwrap_or(u64::MAX))
        {
            self.rests_until = Instant::now() + retry.after.min(MAX_REST);
        }
    }

    pub(super) fn at(&self, place: usize) -> Option<&Open> {
        self.open.get(&place)
    }

    pub(super) fn close_document(&mut self, place: usize) {
        self.open.remove(&place);
        self.said.forget(place);
    }
}
