//! Who a socket belongs to, and which documents it may have open.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web;
use uuid::Uuid;

use super::counting::Counting;
use super::ending::End;
use super::messages::Frames;
use super::socket::{Open, Socket, User};
use super::work;
use crate::auth::AuthError;
use crate::auth::roles::Caller;
use crate::domain::access::{Action, Role};
use crate::domain::ids::{DocumentId, UserId, WorkspaceId};
use crate::domain::timestamp::Timestamp;
use crate::domain::yjs_facts::StateVector;
use crate::http::error::ApiError;
use crate::sync::live::{Connection, Missing, OpenError, Slot};

/// How often a document that others write to is given a Yjs state.
const SEED_TRIES: u32 = 3;

fn no_such() -> End {
    End::new(4404, "not_found", "there is no such workspace, or it is not yours")
}

impl Socket {
    pub(super) async fn log_in(&mut self, token: &str) -> Result<(), End> {
        let verified = match self.state.authenticator.identify(token).await {
            Ok(verified) => verified,
            Err(AuthError::Store(_) | AuthError::ProviderUnavailable(_)) => return Err(End::not_now()),
            Err(refused) => return Err(End::unauthorized(ApiError::from(refused).to_string())),
        };
        let expires_at = Instant::now() + time_until(verified.expires_at, self.state.clock.now());
        let user_id = verified.identity.user_id;
        let caller = Caller { user_id, scope: verified.scope };
        match &mut self.user {
            Some(user) if user.caller != caller => Err(End::unauthorized("one socket is one user's")),
            Some(user) => {
                user.expires_at = expires_at;
                user.was_asked = false;
                Ok(())
            }
            None => {
                let (connection, heard) = self.state.live.connect(user_id)?;
                if !self.meter.belongs_to(user_id) {
                    return Err(End::not_now());
                }
                self.heard = Some(heard);
                self.user =
                    Some(User { user_id, caller, connection: Arc::new(connection), expires_at, was_asked: false });
                self.check_at = Instant::now() + self.check_interval();
                Ok(())
            }
        }
    }

    pub(super) async fn join(&mut self, name: &str) -> Result<(), End> {
        let Some(user) = &self.user else { return Err(End::unauthorized("log in first")) };
        let (workspace_id, document_id) = parse_name(name).ok_or_else(no_such)?;
        let place = self.next_place;
        if self.open.len() >= self.state.live.config().max_documents {
            return Err(End::new(4429, "documents", "this socket has as many documents open as it may"));
        }
        let (caller, connection) = (user.caller, Arc::clone(&user.connection));
        let mut entered = self.enter(caller, &connection, (workspace_id, document_id), place).await?;
        // A text that has no Yjs state yet gets one from the first who may write it.
        for _ in 0..SEED_TRIES {
            match &entered {
                (role, Err(OpenError::Plain)) if *role >= Role::Editor => {}
                _ => break,
            }
            self.seed(caller.user_id, workspace_id, document_id).await?;
            entered = self.enter(caller, &connection, (workspace_id, document_id), place).await?;
        }
        let (role, slot) = entered;
        let slot = slot?;
        let frames = Frames::new(self.dialect, name);
        let may_write = role >= Role::Editor;
        let here = slot.presences();
        let granted = frames.granted(may_write);
        let awareness = (!here.is_empty()).then(|| frames.awareness(&here));
        let open = Open {
            frames,
            workspace_id,
            slot: Arc::new(slot),
            may_write,
            counting: Counting::default(),
            shown: StateVector::default(),
        };
        self.open.insert(place, open);
        self.next_place = place.saturating_add(1);
        for frame in [granted, awareness].into_iter().flatten() {
            self.send(frame).await?;
        }
        Ok(())
    }

    async fn enter(
        &self,
        caller: Caller,
        connection: &Arc<Connection>,
        (workspace_id, document_id): (WorkspaceId, DocumentId),
        place: usize,
    ) -> Result<(Role, Result<Slot, OpenError>), End> {
        let (state, connection) = (self.state.clone(), Arc::clone(connection));
        let entered = web::block(move || {
            let role = state.authenticator.check_access(caller, workspace_id, Action::Read)?;
            let subscription = state.live.listen_to(workspace_id);
            let may_write = role >= Role::Editor;
            let slot = state.live.enter(&connection, (workspace_id, document_id), place, may_write);
            Ok((role, subscription, slot))
        });
        match entered.await {
            Ok(Ok((role, subscription, slot))) => {
                // Also if the document cannot be opened: the workspace counts as listened to from now on.
                if let Some(subscription) = subscription? {
                    work::listen(self.state.clone(), workspace_id, subscription);
                }
                Ok((role, slot))
            }
            Ok(Err(AuthError::NotMember)) => Err(no_such()),
            Ok(Err(_)) | Err(_) => Err(End::not_now()),
        }
    }

    /// What an editor lacks of its document. A plain text is given a state first if this user may write, and else is shown
    /// without.
    pub(super) async fn missing(&mut self, place: usize, known: StateVector) -> Result<Arc<Missing>, End> {
        let known = Arc::new(known);
        for _ in 0..SEED_TRIES {
            let (Some(user), Some(open)) = (&self.user, self.at(place)) else { return Ok(Arc::default()) };
            let (user_id, may_write) = (user.caller.user_id, open.may_write);
            let (workspace_id, document_id) = (open.workspace_id, open.slot.room().document_id);
            let (slot, reader) = (Arc::clone(&open.slot), Arc::clone(&known));
            let missing = web::block(move || match slot.missing(&reader) {
                Err(OpenError::Plain) if !may_write => slot.plain_text(&reader).map(Arc::new),
                missing => missing,
            });
            match missing.await {
                Ok(Err(OpenError::Plain)) => self.seed(user_id, workspace_id, document_id).await?,
                Ok(missing) => return Ok(missing?),
                Err(_stopping) => break,
            }
        }
        Err(End::not_now())
    }

    /// The document is a plain text that was changed, or was until now.
    pub(super) async fn renew_text(&mut self, place: usize) -> Result<(), End> {
        let Some(open) = self.open.get_mut(&place) else { return Ok(()) };
        let shown = std::mem::take(&mut open.shown);
        let missing = self.missing(place, shown).await?;
        let Some(open) = self.open.get_mut(&place) else { return Ok(()) };
        open.shown.clone_from(&missing.shown);
        let updates = [&missing.outdated, &missing.update].into_iter().flatten();
        let frames: Vec<_> = updates.map(|update| open.frames.update(update)).collect();
        for frame in frames {
            self.charge(frame.len());
            self.send(frame).await?;
        }
        Ok(())
    }

    async fn seed(&mut self, user_id: UserId, workspace_id: WorkspaceId, document_id: DocumentId) -> Result<(), End> {
        self.charge(0);
        let deadline = Instant::now() + Duration::from_millis(self.state.limits.timeout_ms);
        let Ok(_place) = self.state.admission.write(workspace_id, deadline).await else { return Err(End::not_now()) };
        let live = Arc::clone(&self.state.live);
        match web::block(move || live.seed(user_id, workspace_id, document_id, deadline)).await {
            Ok(seeded) => Ok(seeded?),
            Err(_lost) => Err(End::not_now()),
        }
    }

    pub(super) fn check_interval(&self) -> Duration {
        self.state.sync.events().heartbeat()
    }

    pub(super) async fn check_roles(&mut self) -> Result<(), End> {
        let Some(caller) = self.user.as_ref().map(|user| user.caller) else { return Ok(()) };
        let mut workspaces: Vec<WorkspaceId> = self.open.values().map(|open| open.workspace_id).collect();
        workspaces.sort_unstable();
        workspaces.dedup();
        for workspace_id in workspaces {
            let authenticator = self.state.authenticator.clone();
            let role = match web::block(move || authenticator.check_access(caller, workspace_id, Action::Read)).await {
                Ok(Ok(role)) => role,
                Ok(Err(AuthError::NotMember)) => {
                    return Err(End::new(4403, "not_member", "you are no longer a member of this workspace"));
                }
                // A database that is away ends nothing.
                Ok(Err(_)) | Err(_) => continue,
            };
            for open in self.open.values_mut().filter(|open| open.workspace_id == workspace_id) {
                open.may_write = role >= Role::Editor;
                if open.may_write && !open.shown.is_empty() {
                    // What this editor was shown is not stored, and must be before it is changed.
                    return Err(End::new(1012, "role", "you may change the document now; connect again"));
                }
            }
        }
        Ok(())
    }
}

/// `workspace/document`, and after a NUL whatever Hocuspocus tells its providers apart by.
fn parse_name(name: &str) -> Option<(WorkspaceId, DocumentId)> {
    let name = name.split_once('\0').map_or(name, |(name, _)| name);
    let (workspace, document) = name.split_once('/')?;
    Some((WorkspaceId(Uuid::try_parse(workspace).ok()?), DocumentId(Uuid::try_parse(document).ok()?)))
}

fn time_until(moment: Timestamp, now: Timestamp) -> Duration {
    const MAX: Duration = Duration::from_secs(366 * 86_400);
    Duration::from_micros(u64::try_from(moment.0.saturating_sub(now.0)).unwrap_or_default()).min(MAX)
}
