//! What a socket has sent and the server has not read to the end: counted as it arrives, so that half a message of
//! megabytes takes no memory that was not admitted.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::{Bytes, Data};
use futures_core::Stream;

use crate::domain::ids::UserId;
use crate::http::shares::Share;
use crate::http::state::AppState;

/// What may arrive before a login.
const MAX_STRANGER_BYTES: usize = 16 * 1024;

/// Counts a socket's bytes.
#[derive(Clone)]
pub(super) struct Meter {
    state: Data<AppState>,
    unread: Arc<Mutex<Unread>>,
}

#[derive(Default)]
struct Unread {
    bytes: usize,
    /// In the memory for bodies, once it is known whose.
    share: Option<Share>,
}

impl Meter {
    pub(super) fn new(state: Data<AppState>) -> Self {
        Self { state, unread: Arc::default() }
    }

    /// From now on they count as this user's; whether there is room.
    pub(super) fn belongs_to(&self, user_id: UserId) -> bool {
        let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        unread.share = self.state.admission.body(user_id).ok();
        unread.share.is_some()
    }

    /// A message was read to its end and dealt with.
    pub(super) fn is_read(&self) {
        let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        unread.bytes = 0;
        if let Some(share) = &mut unread.share {
            share.shrink_to(1);
        }
    }

    fn count(&self, bytes: usize) -> Result<(), PayloadError> {
        let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        unread.bytes = unread.bytes.saturating_add(bytes);
        let is_admitted = match &mut unread.share {
            Some(share) => self.state.admission.grow_body(share, bytes).is_ok(),
            None => unread.bytes <= MAX_STRANGER_BYTES,
        };
        is_admitted.then_some(()).ok_or(PayloadError::Overflow)
    }

    /// The payload, counted.
    pub(super) fn wrap(&self, payload: Payload) -> Payload {
        Payload::Stream { payload: Box::pin(Metered { payload, meter: self.clone() }) }
    }
}

struct Metered {
    payload: Payload,
    meter: Meter,
}

impl Stream for Metered {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let chunk = match Pin::new(&mut this.payload).poll_next(cx) {
            Poll::Ready(Some(Ok(chunk))) => chunk,
            other => return other,
        };
        Poll::Ready(Some(this.meter.count(chunk.len()).map(|()| chunk)))
    }
}
