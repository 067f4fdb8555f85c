//! Updates: what an editor lacks, what it sends, and what becomes of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ending::End;
use super::messages::EMPTY_UPDATE;
use super::socket::{Asked, Socket};
use super::work;
use crate::domain::yjs_facts::StateVector;
use crate::sync::live::{Delivery, News, OpenError, Refusal};
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
            self.note_asked(place, Asked::InReturn);
        }
        Ok(())
    }

    pub(super) async fn store(&mut self, place: usize, update: &[u8], is_answer: bool) -> Result<(), End> {
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

    pub(super) async fn pass_on(&mut self, delivery: Delivery) -> Result<(), End> {
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
            let is_counted = std::mem::take(&mut open.asked) != Asked::Again;
            count = std::mem::take(&mut open.incomplete).saturating_add(u32::from(is_counted));
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
        let was_asked = if is_answer { std::mem::take(&mut open.asked) } else { Asked::No };
        open.incomplete = open.incomplete.saturating_add(u32::from(was_asked != Asked::Again));
        if is_answer {
            return Ok(());
        }
        self.ask_for_all(place).await
    }

    /// Asks the editor for all that the server lacks, once at a time.
    async fn ask_for_all(&mut self, place: usize) -> Result<(), End> {
        let Some(open) = self.at(place).filter(|open| open.asked == Asked::No) else { return Ok(()) };
        let frames = open.frames.clone();
        let missing = self.missing(place, StateVector::default()).await?;
        self.note_asked(place, Asked::Again);
        self.send(frames.step_1(&missing.state_vector)).await
    }

    fn note_asked(&mut self, place: usize, asked: Asked) {
        if let Some(Some(open)) = self.open.get_mut(place) {
            open.asked = asked;
        }
    }
}
