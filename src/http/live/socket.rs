//! One socket: whose it is, what it has open, and what every step with it does: sending, and counting what it costs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web;
use actix_ws::Session;

use super::ending::End;
use super::messages::{Dialect, Frames};
use super::metered::Meter;
use super::said::Said;
use crate::auth::roles::Caller;
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::yjs_facts::StateVector;
use crate::http::state::AppState;
use crate::sync::live::{Connection, Heard, Slot};

/// A socket without a login is closed after so long.
const LOGIN_PATIENCE: Duration = Duration::from_secs(10);
/// A reader who takes nothing for so long is dropped.
pub(super) const SEND_PATIENCE: Duration = Duration::from_secs(20);
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

/// Whether an editor was asked for what the server lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Asked {
    #[default]
    No,
    /// As it asked itself. Hocuspocus' provider counts that answer as one change that is not saved.
    InReturn,
    /// Since an update needs what the server lacks. The provider does not count that answer.
    Again,
}

/// A document that the socket has open.
pub(super) struct Open {
    pub frames: Frames,
    pub workspace_id: WorkspaceId,
    pub slot: Arc<Slot>,
    pub may_write: bool,
    /// The question that the editor has not answered yet.
    pub asked: Asked,
    /// Its updates that needed what the server lacked. Its next answer holds them, since it comes after them.
    pub incomplete: u32,
    /// What its editor was shown of a plain text; see [`Slot::plain_text`].
    pub shown: StateVector,
}

/// A socket, from its handshake to its end.
pub(super) struct Socket {
    pub state: web::Data<AppState>,
    pub session: Session,
    pub meter: Meter,
    pub dialect: Dialect,
    pub user: Option<User>,
    pub heard: Option<Heard>,
    /// By place; those that were closed are `None`.
    pub open: Vec<Option<Open>>,
    pub said: Said,
    /// Not read before.
    pub rests_until: Instant,
    pub check_at: Instant,
}

impl Socket {
    pub(super) fn new(state: web::Data<AppState>, session: Session, meter: Meter, dialect: Dialect) -> Self {
        let now = Instant::now();
        Self {
            state,
            session,
            meter,
            dialect,
            user: None,
            heard: None,
            open: Vec::new(),
            said: Said::new(now),
            rests_until: now,
            check_at: now + LOGIN_PATIENCE,
        }
    }

    pub(super) async fn send(&mut self, frame: Vec<u8>) -> Result<(), End> {
        match tokio::time::timeout(SEND_PATIENCE, self.session.binary(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_closed)) => Err(End::gone()),
            Err(_elapsed) => Err(End::slow()),
        }
    }

    pub(super) async fn send_if_any(&mut self, frame: Option<Vec<u8>>) -> Result<(), End> {
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
        self.open.get(place).and_then(Option::as_ref)
    }

    pub(super) fn close_document(&mut self, place: usize) {
        if let Some(slot) = self.open.get_mut(place) {
            *slot = None;
        }
        self.said.forget(place);
    }
}
