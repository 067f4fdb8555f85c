//! Updates: what an editor lacks, what it sends, and what becomes of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web;

use super::ending::End;
use super::messages::{Dialect, EMPTY_UPDATE};
use super::paced::Frame;
use super::socket::Socket;
use super::work;
use crate::domain::yjs_facts::StateVector;
use crate::sync::live::{Delivery, News, OpenError, Refusal, Tag};
use crate::yjs::scan::{scan_state_vector, scan_update};

/// Why a viewer's update is refused.
const READ_ONLY: &str = "you may read this document, not change it";

impl Socket {
    /// Sends what the editor lacks, and asks for what the server does.
    pub(super) async fn answer_step_1(&mut self, place: usize, vector: &[u8]) -> Result<(), End> {
        let known = scan_state_vector(vector, &self.state.limits.yjs)
            .map_err(|error| End::new(4422, "refused", format!("the state vector cannot be read: {error}")))?;
        let Some(user_id) = self.user.as_ref().map(|user| user.user_id) else { return Ok(()) };
        let deadline = Instant::now() + Duration::from_millis(self.state.limits.timeout_ms);
        let state = self.state.clone();
        let Ok(mut share) = state.admission.answer(user_id, deadline).await else {
            return Err(End::not_now());
        };
        let missing = self.missing(place, known.clone()).await?;
        let update = missing.update.clone().unwrap_or_else(|| EMPTY_UPDATE.into());
        let Some(open) = self.open.get_mut(&place) else { return Ok(()) };
        open.shown.clone_from(&missing.shown);
        let outdated = missing.outdated.as_ref().map(|outdated| open.frames.update(outdated));
        let step_2 = open.frames.step_2(&update);
        let step_1 = open.may_write.then(|| open.frames.step_1(&missing.state_vector));
        if step_1.is_some() {
            let is_counting = self.dialect == Dialect::Hocuspocus;
            open.counting.asked_in_return(if is_counting { known } else { StateVector::default() });
        }
        share.shrink_to(step_2.len());
        missing.count_as(share);
        self.charge(step_2.len());
        // What was outdated goes before the question for what the editor has.
        self.send_if_any(outdated).await?;
        self.send(step_2).await?;
        drop(missing);
        self.send_if_any(step_1).await
    }

    /// Puts an update, as an answer or as a change, behind those that wait to be stored.
    pub(super) async fn store(&mut self, place: usize, update: &[u8], is_answer: bool) -> Result<(), End> {
        let Some(tag) = self.tag(place, update, is_answer).await else { return Ok(()) };
        if update == EMPTY_UPDATE {
            return self.report_saved(place, tag).await;
        }
        let Some(open) = self.open.get_mut(&place) else { return Ok(()) };
        if !open.may_write {
            open.counting.stored(tag);
            // What the server asked for may be sent even so; only what is new is refused.
            let is_new =
                scan_update(update.to_vec(), &self.state.limits.yjs).is_ok_and(|update| !update.spans.is_empty());
            let denied = if is_new { open.frames.not_allowed(READ_ONLY) } else { None };
            let answer = open.frames.saved(!is_new).or(denied);
            return self.send_if_any(answer).await;
        }
        let slot = Arc::clone(&open.slot);
        if let Some(worker) = slot.submit(update.to_vec(), tag).await {
            work::start(self.state.clone(), worker);
        }
        Ok(())
    }

    /// How an update is counted. One that cannot be read is refused when its turn comes.
    async fn tag(&mut self, place: usize, update: &[u8], is_answer: bool) -> Option<Tag> {
        let known = self.at(place)?.counting.known().filter(|_| !is_answer && update != EMPTY_UPDATE);
        let scanned = match &known {
            Some(_) => {
                let (update, state) = (update.to_vec(), self.state.clone());
                web::block(move || scan_update(update, &state.limits.yjs).ok()).await.ok().flatten()
            }
            None => None,
        };
        let counting = &mut self.open.get_mut(&place)?.counting;
        Some(if is_answer { counting.answered() } else { counting.changed(known.as_deref().zip(scanned.as_ref())) })
    }

    /// An update was refused, since the role was lowered or taken away after it was last looked at.
    async fn deny(&mut self, place: usize) -> Result<(), End> {
        self.check_roles().await?;
        let Some(open) = self.at(place) else { return Ok(()) };
        let answer = open.frames.saved(false).or_else(|| open.frames.not_allowed(READ_ONLY));
        self.send_if_any(answer).await
    }

    pub(super) async fn pass_on(&mut self, delivery: Delivery) -> Result<(), End> {
        let place = delivery.place;
        let Some(open) = self.at(place) else { return Ok(()) };
        let frame = match delivery.news {
            News::Text => return self.renew_text(place).await,
            News::Update(_) if !open.shown.is_empty() => return self.renew_text(place).await,
            News::Update(update) => Some(open.frames.update(&update)),
            News::Presence(presences) => Some(open.frames.awareness(&presences).into()),
            News::Saved(tag) => return self.report_saved(place, tag).await,
            News::Incomplete(tag) => return self.note_incomplete(place, tag).await,
            News::Refused(Refusal::NotNow) => return Err(End::not_now()),
            News::Refused(Refusal::NotPermitted) => return self.deny(place).await,
            News::Refused(Refusal::Never(reason)) => return Err(End::new(4422, "refused", reason)),
            News::Deleted => {
                let end = End::from(OpenError::Deleted);
                let Some(closed) = open.frames.closed(&end) else { return Err(end) };
                self.close_document(place);
                Some(Frame::from(closed))
            }
        };
        self.send_if_any(frame).await
    }

    /// An update is stored.
    async fn report_saved(&mut self, place: usize, tag: Tag) -> Result<(), End> {
        let Some(open) = self.open.get_mut(&place) else { return Ok(()) };
        let count = open.counting.stored(tag);
        self.say_saved(place, count).await
    }

    async fn say_saved(&mut self, place: usize, count: u32) -> Result<(), End> {
        let saved = self.at(place).and_then(|open| open.frames.saved(true));
        for _ in 0..count {
            self.send_if_any(saved.clone()).await?;
        }
        Ok(())
    }

    /// Of editors that are quiet, what may or may not be counted is reported as saved.
    pub(super) async fn report_doubtful(&mut self) -> Result<(), End> {
        let counts: Vec<_> = self.open.iter_mut().map(|(place, open)| (*place, open.counting.look())).collect();
        for (place, count) in counts {
            self.say_saved(place, count).await?;
        }
        Ok(())
    }

    /// An update needs what the server lacks. The editor is asked for it, unless it has just answered that it lacks it, too.
    async fn note_incomplete(&mut self, place: usize, tag: Tag) -> Result<(), End> {
        let Some(open) = self.open.get_mut(&place) else { return Ok(()) };
        open.counting.lacks(tag);
        // Once at a time.
        if tag.is_answer() || open.counting.is_asking() {
            return Ok(());
        }
        open.counting.asked_again();
        let missing = self.missing(place, StateVector::default()).await?;
        let step_1 = self.at(place).map(|open| open.frames.step_1(&missing.state_vector));
        self.send_if_any(step_1).await
    }
}
