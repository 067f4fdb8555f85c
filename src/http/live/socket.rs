//! One socket: what its editor sends, and what is sent to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web;
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, Session};

use super::ending::End;
use super::messages::{Dialect, EMPTY_UPDATE, Frames, PING_FRAME, PONG_FRAME, Received, read, split_name};
use super::metered::Meter;
use super::said::Said;
use super::work;
use crate::auth::roles::Caller;
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::yjs_facts::StateVector;
use crate::http::state::AppState;
use crate::sync::live::{Connection, Delivery, Heard, News, OpenError, Refusal, Slot};
use crate::yjs::scan::{scan_state_vector, scan_update};

/// A socket without a login is closed after so long.
const LOGIN_PATIENCE: Duration = Duration::from_secs(10);
/// A reader who takes nothing for so long is dropped.
const SEND_PATIENCE: Duration = Duration::from_secs(20);
/// How long before a token runs out another one is asked for, where the provider can be asked.
const TOKEN_NOTICE: Duration = Duration::from_secs(30);
/// Why a viewer's update is refused.
const READ_ONLY: &str = "you may read this document, not change it";
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
    /// The editor was asked for what the server lacks, and has not answered yet.
    pub was_asked: bool,
    /// Its updates that needed what the server lacked. Its next answer holds them, since it comes after them.
    pub incomplete: u32,
    /// What its editor was shown of a plain text; see [`Slot::plain_text`].
    pub shown: StateVector,
}

/// A socket, from its handshake to its end.
pub(super) struct Socket {
    pub state: web::Data<AppState>,
    session: Session,
    pub meter: Meter,
    pub dialect: Dialect,
    pub user: Option<User>,
    pub heard: Option<Heard>,
    /// By place; those that were closed are `None`.
    pub open: Vec<Option<Open>>,
    said: Said,
    /// Not read before.
    rests_until: Instant,
    pub check_at: Instant,
}

/// What a socket has waited for.
enum Turn {
    Stopping,
    Heard(Option<Delivery>),
    Received(Option<AggregatedMessage>),
    Overflow,
    Time,
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

    /// Serves it to its end. `first` is the document, with the token, that the handshake named.
    pub(super) async fn run(mut self, mut messages: AggregatedMessageStream, first: Option<(String, String)>) {
        let end = match self.begin(first).await {
            Ok(()) => loop {
                let turn = self.wait(&mut messages).await;
                if let Err(end) = self.take(turn).await {
                    break end;
                }
            },
            Err(end) => end,
        };
        metrics::counter!("landfall_live_sockets_ended_total", "reason" => end.name).increment(1);
        if end.code == 4422 || end.code == 4400 {
            tracing::info!(user_id = ?self.user.as_ref().map(|user| user.user_id), reason = end.reason, "a socket was closed");
        }
        let reason = CloseReason { code: CloseCode::Other(end.code), description: Some(end.reason) };
        // It may be closed from the other side.
        let _closed = tokio::time::timeout(SEND_PATIENCE, self.session.close(Some(reason))).await;
    }

    async fn begin(&mut self, first: Option<(String, String)>) -> Result<(), End> {
        let Some((name, token)) = first else { return Ok(()) };
        self.log_in(&token).await?;
        self.join(&name).await?;
        Ok(())
    }

    async fn wait(&mut self, messages: &mut AggregatedMessageStream) -> Turn {
        let mut stopping = self.state.stopping.clone();
        let now = Instant::now();
        let mut due = self.check_at;
        if let Some(said) = self.said.due() {
            due = due.min(said);
        }
        let rests = self.rests_until > now;
        if rests {
            due = due.min(self.rests_until);
        }
        let heard = async {
            match &mut self.heard {
                Some(heard) => heard.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _stopping = stopping.wait_for(|is_stopping| *is_stopping) => Turn::Stopping,
            delivery = heard => Turn::Heard(delivery),
            () = tokio::time::sleep_until(due.into()) => Turn::Time,
            message = messages.recv(), if !rests => match message {
                Some(Ok(message)) => Turn::Received(Some(message)),
                None => Turn::Received(None),
                Some(Err(_overflow)) => Turn::Overflow,
            },
        }
    }

    async fn take(&mut self, turn: Turn) -> Result<(), End> {
        match turn {
            Turn::Stopping => Err(End::new(1012, "stopping", "the server restarts; connect again")),
            Turn::Heard(None) => Err(End::slow()),
            Turn::Heard(Some(delivery)) => self.pass_on(delivery).await,
            Turn::Received(None | Some(AggregatedMessage::Close(_))) => Err(End::gone()),
            Turn::Received(Some(AggregatedMessage::Ping(payload))) => {
                self.session.pong(&payload).await.map_err(|_closed| End::gone())
            }
            Turn::Received(Some(AggregatedMessage::Pong(_))) => Ok(()),
            Turn::Received(Some(AggregatedMessage::Text(_))) => Err(End::unreadable()),
            Turn::Received(Some(AggregatedMessage::Binary(frame))) => {
                let taken = self.receive(&frame).await;
                self.meter.is_read();
                taken
            }
            Turn::Overflow => {
                Err(End::new(1009, "too_large", "a message is too large (max_yjs_bytes), or too much waits"))
            }
            Turn::Time => self.on_time().await,
        }
    }

    pub(super) async fn send(&mut self, frame: Vec<u8>) -> Result<(), End> {
        match tokio::time::timeout(SEND_PATIENCE, self.session.binary(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_closed)) => Err(End::gone()),
            Err(_elapsed) => Err(End::slow()),
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

    async fn receive(&mut self, frame: &[u8]) -> Result<(), End> {
        self.charge(frame.len());
        if self.dialect == Dialect::Y {
            let message = read(Dialect::Y, frame).ok_or_else(End::unreadable)?;
            return self.carry_out(0, message).await;
        }
        if frame == PING_FRAME {
            return self.send(PONG_FRAME.to_vec()).await;
        }
        if frame == PONG_FRAME {
            return Ok(());
        }
        let (name, message) = split_name(frame).ok_or_else(End::unreadable)?;
        let message = read(Dialect::Hocuspocus, message).ok_or_else(End::unreadable)?;
        let place = self.open.iter().position(|open| open.as_ref().is_some_and(|open| open.frames.name() == name));
        match (message, place) {
            (Received::Token(token), place) => {
                let joined = match self.log_in(token).await {
                    Ok(()) if place.is_some() => Ok(()),
                    Ok(()) => self.join(name).await,
                    Err(end) => Err(end),
                };
                match joined {
                    // It concerns this document alone: the others go on.
                    Err(end) if (4400..4500).contains(&end.code) => {
                        self.send(Frames::new(self.dialect, name).denied(&end.reason)).await
                    }
                    joined => joined,
                }
            }
            (message, Some(place)) => self.carry_out(place, message).await,
            // Of a document that was refused: its editor has been told.
            (_, None) => Ok(()),
        }
    }

    async fn carry_out(&mut self, place: usize, message: Received<'_>) -> Result<(), End> {
        match message {
            Received::Step1(vector) => self.answer_step_1(place, vector).await,
            Received::Step2(update) => self.store(place, update, true).await,
            Received::Update(update) => self.store(place, update, false).await,
            Received::Awareness(presences) => {
                self.said.take_in(place, presences);
                self.pass_on_said();
                Ok(())
            }
            Received::QueryAwareness => match self.at(place) {
                Some(open) => {
                    let frame = open.frames.awareness(&open.slot.presences());
                    self.send(frame).await
                }
                None => Ok(()),
            },
            Received::Close => {
                self.close_document(place);
                Ok(())
            }
            Received::Token(_) | Received::Ignored => Ok(()),
        }
    }

    pub(super) fn at(&self, place: usize) -> Option<&Open> {
        self.open.get(place).and_then(Option::as_ref)
    }

    fn close_document(&mut self, place: usize) {
        if let Some(slot) = self.open.get_mut(place) {
            *slot = None;
        }
        self.said.forget(place);
    }

    /// Sends what the editor lacks, and asks for what the server does.
    async fn answer_step_1(&mut self, place: usize, vector: &[u8]) -> Result<(), End> {
        let known = scan_state_vector(vector, &self.state.limits.yjs)
            .map_err(|error| End::new(4422, "refused", format!("the state vector cannot be read: {error}")))?;
        let Some(user_id) = self.user.as_ref().map(|user| user.user_id) else { return Ok(()) };
        let deadline = Instant::now() + Duration::from_millis(self.state.limits.timeout_ms);
        let state = self.state.clone();
        let Ok(mut share) = state.admission.answer(user_id, deadline).await else {
            return Err(End::not_now());
        };
        let missing = self.missing(place, known).await?;
        let update = missing.update.as_deref().unwrap_or(EMPTY_UPDATE);
        let Some(Some(open)) = self.open.get_mut(place) else { return Ok(()) };
        open.shown = missing.shown;
        let outdated = missing.outdated.map(|outdated| open.frames.update(&outdated));
        let step_2 = open.frames.step_2(update);
        let step_1 = open.may_write.then(|| open.frames.step_1(&missing.state_vector));
        share.shrink_to(step_2.len());
        self.charge(step_2.len());
        // What was outdated goes before the question for what the editor has.
        self.send_if_any(outdated).await?;
        self.send(step_2).await?;
        drop(share);
        if let Some(step_1) = step_1 {
            self.send(step_1).await?;
            self.note_asked(place, true);
        }
        Ok(())
    }

    fn note_asked(&mut self, place: usize, was_asked: bool) {
        if let Some(Some(open)) = self.open.get_mut(place) {
            open.was_asked = was_asked;
        }
    }

    async fn store(&mut self, place: usize, update: &[u8], is_answer: bool) -> Result<(), End> {
        let Some(open) = self.at(place) else { return Ok(()) };
        if update == EMPTY_UPDATE {
            return self.report_saved(place, is_answer).await;
        }
        if !open.may_write {
            // What the server asked for may be sent even so; only what is new is refused.
            let is_new =
                scan_update(update.to_vec(), &self.state.limits.yjs).is_ok_and(|update| !update.spans.is_empty());
            // Hocuspocus would take a denial for the end of the login.
            let saved = open.frames.saved(!is_new);
            let denied = is_new.then(|| open.frames.denied(READ_ONLY));
            return self.send_if_any(saved.or(denied)).await;
        }
        let slot = Arc::clone(&open.slot);
        if let Some(worker) = slot.submit(update.to_vec(), is_answer).await {
            work::start(self.state.clone(), worker);
        }
        Ok(())
    }

    /// An update was refused, since the role was lowered or taken away after it was last looked at.
    async fn deny(&mut self, place: usize) -> Result<(), End> {
        self.check_roles().await?;
        let Some(open) = self.at(place) else { return Ok(()) };
        let answer = open.frames.saved(false).or_else(|| Some(open.frames.denied(READ_ONLY)));
        self.send_if_any(answer).await
    }

    async fn send_if_any(&mut self, frame: Option<Vec<u8>>) -> Result<(), End> {
        match frame {
            Some(frame) => self.send(frame).await,
            None => Ok(()),
        }
    }

    async fn pass_on(&mut self, delivery: Delivery) -> Result<(), End> {
        let place = delivery.place;
        let Some(open) = self.at(place) else { return Ok(()) };
        let frame = match delivery.news {
            News::Text => return self.renew_text(place).await,
            News::Update(_) if !open.shown.is_empty() => return self.renew_text(place).await,
            News::Update(update) => Some(open.frames.update(&update)),
            News::Presence(presences) => Some(open.frames.awareness(&presences)),
            News::Saved { is_answer } => return self.report_saved(place, is_answer).await,
            News::Incomplete { is_answer } => return self.note_incomplete(place, is_answer).await,
            News::Refused(Refusal::NotNow) => return Err(End::not_now()),
            News::Refused(Refusal::NotPermitted) => return self.deny(place).await,
            News::Refused(Refusal::Never(reason)) => return Err(End::new(4422, "refused", reason)),
            News::Deleted => match open.frames.closed("the document was deleted") {
                Some(closed) => {
                    self.close_document(place);
                    Some(closed)
                }
                None => return Err(OpenError::Deleted.into()),
            },
        };
        self.send_if_any(frame).await
    }

    /// An update is stored. An answer holds all that the editor sent before it: who counts what is saved hears of each.
    async fn report_saved(&mut self, place: usize, is_answer: bool) -> Result<(), End> {
        let Some(Some(open)) = self.open.get_mut(place) else { return Ok(()) };
        let mut count = 1;
        if is_answer {
            open.was_asked = false;
            count += std::mem::take(&mut open.incomplete);
        }
        let saved = open.frames.saved(true);
        for _ in 0..count {
            self.send_if_any(saved.clone()).await?;
        }
        Ok(())
    }

    /// An update needs what the server lacks. The editor is asked for it, unless it has just answered that it lacks it, too.
    async fn note_incomplete(&mut self, place: usize, is_answer: bool) -> Result<(), End> {
        let Some(Some(open)) = self.open.get_mut(place) else { return Ok(()) };
        open.incomplete = open.incomplete.saturating_add(1);
        if is_answer {
            open.was_asked = false;
            return Ok(());
        }
        self.ask_for_all(place).await
    }

    /// Asks the editor for all that the server lacks, once at a time.
    async fn ask_for_all(&mut self, place: usize) -> Result<(), End> {
        let Some(open) = self.at(place).filter(|open| !open.was_asked) else { return Ok(()) };
        let frames = open.frames.clone();
        let missing = self.missing(place, StateVector::default()).await?;
        self.note_asked(place, true);
        self.send(frames.step_1(&missing.state_vector)).await
    }

    /// Tells the others what was said, if that may be by now.
    fn pass_on_said(&mut self) {
        for (place, said) in self.said.take(Instant::now()) {
            if let Some(open) = self.at(place) {
                open.slot.present(said);
            }
        }
    }

    async fn on_time(&mut self) -> Result<(), End> {
        self.pass_on_said();
        let now = Instant::now();
        if now < self.check_at {
            return Ok(());
        }
        let interval = self.check_interval();
        let Some(user) = &mut self.user else { return Err(End::unauthorized("no token came")) };
        if now >= user.expires_at {
            return Err(End::unauthorized("the access token has expired"));
        }
        self.check_at = (now + interval).min(user.expires_at);
        let asks = user.expires_at <= now + TOKEN_NOTICE.max(interval) && !user.was_asked;
        user.was_asked |= asks;
        let frame = self.open.iter().flatten().next().and_then(|open| open.frames.ask_for_token());
        if asks && let Some(frame) = frame {
            self.send(frame).await?;
        }
        self.check_roles().await?;
        self.session.ping(b"").await.map_err(|_closed| End::gone())
    }
}
