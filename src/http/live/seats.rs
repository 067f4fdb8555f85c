//! Who a socket belongs to, and which documents it may have open.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web;
use uuid::Uuid;

use super::ending::End;
use super::messages::Frames;
use super::socket::{Open, Socket, User};
use super::work;
use crate::auth::AuthError;
use crate::auth::roles::check_role;
use crate::domain::ids::{DocumentId, WorkspaceId};
use crate::domain::timestamp::Timestamp;
use crate::http::error::ApiError;
use crate::store::accounts::Role;
use crate::sync::live::OpenError;

impl Socket {
    pub(super) async fn log_in(&mut self, token: &str) -> Result<(), End> {
        let verified = match self.state.authenticator.identify(token).await {
            Ok(verified) => verified,
            Err(AuthError::Store(_) | AuthError::ProviderUnavailable(_)) => return Err(End::not_now()),
            Err(refused) => return Err(End::unauthorized(ApiError::from(refused).to_string())),
        };
        let expires_at = Instant::now() + time_until(verified.expires_at, self.state.clock.now());
        let user_id = verified.identity.user_id;
        match &mut self.user {
            Some(user) if user.user_id != user_id => Err(End::unauthorized("one socket is one user's")),
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
                self.user = Some(User { user_id, connection: Arc::new(connection), expires_at, was_asked: false });
                self.check_at = Instant::now() + self.check_interval();
                Ok(())
            }
        }
    }

    pub(super) async fn join(&mut self, name: &str) -> Result<(), End> {
        let no_such = || End::new(4404, "not_found", "there is no such workspace, or it is not yours");
        let Some(user) = &self.user else { return Err(End::unauthorized("log in first")) };
        let (workspace_id, document_id) = parse_name(name).ok_or_else(no_such)?;
        let place = self.open.iter().position(Option::is_none).unwrap_or(self.open.len());
        if place >= self.state.live.config().max_documents {
            return Err(OpenError::Full.into());
        }
        let (state, user_id, connection) = (self.state.clone(), user.user_id, Arc::clone(&user.connection));
        let entered = web::block(move || {
            let role = check_role(&state.store, user_id, workspace_id, Role::Viewer)?;
            Ok((role, state.live.enter(&connection, workspace_id, document_id, place)))
        });
        let (role, entered) = match entered.await {
            Ok(Ok(entered)) => entered,
            Ok(Err(AuthError::NotMember)) => return Err(no_such()),
            Ok(Err(_)) | Err(_) => return Err(End::not_now()),
        };
        let (seat, subscription) = entered?;
        if let Some(subscription) = subscription {
            work::listen(self.state.clone(), workspace_id, subscription);
        }
        let frames = Frames::new(self.dialect, name);
        let may_write = role >= Role::Editor;
        let here = seat.presences();
        let granted = frames.granted(may_write);
        let awareness = (!here.is_empty()).then(|| frames.awareness(&here));
        let open = Open { frames, workspace_id, seat: Arc::new(seat), may_write, was_asked: false };
        if place == self.open.len() {
            self.open.push(None);
        }
        if let Some(slot) = self.open.get_mut(place) {
            *slot = Some(open);
        }
        for frame in [granted, awareness].into_iter().flatten() {
            self.send(frame).await?;
        }
        Ok(())
    }

    pub(super) fn check_interval(&self) -> Duration {
        self.state.sync.events().heartbeat()
    }

    pub(super) async fn check_roles(&mut self) -> Result<(), End> {
        let Some(user_id) = self.user.as_ref().map(|user| user.user_id) else { return Ok(()) };
        let mut workspaces: Vec<WorkspaceId> = self.open.iter().flatten().map(|open| open.workspace_id).collect();
        workspaces.sort_unstable();
        workspaces.dedup();
        for workspace_id in workspaces {
            let store = self.state.store.clone();
            let role = match web::block(move || check_role(&store, user_id, workspace_id, Role::Viewer)).await {
                Ok(Ok(role)) => role,
                Ok(Err(AuthError::NotMember)) => {
                    return Err(End::new(4403, "not_member", "you are no member of this workspace any more"));
                }
                // A database that is away ends nothing.
                Ok(Err(_)) | Err(_) => continue,
            };
            for open in self.open.iter_mut().flatten().filter(|open| open.workspace_id == workspace_id) {
                open.may_write = role >= Role::Editor;
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
