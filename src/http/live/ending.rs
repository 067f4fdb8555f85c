//! Why a socket is closed, and with which code.

use actix_web::error::PayloadError;
use actix_ws::ProtocolError;

use crate::sync::live::OpenError;

/// Why a socket is closed. `y-websocket` connects again by itself unless the code is between 4400 and 4499.
#[derive(Debug)]
pub(super) struct End {
    /// The close code.
    pub code: u16,
    /// For people.
    pub reason: String,
    /// As metrics name it.
    pub name: &'static str,
}

impl End {
    pub fn new(code: u16, name: &'static str, reason: impl Into<String>) -> Self {
        Self { code, name, reason: reason.into() }
    }

    pub fn unreadable() -> Self {
        Self::new(4400, "unreadable", "a message cannot be read")
    }

    pub fn unauthorized(reason: impl Into<String>) -> Self {
        Self::new(4401, "token", reason)
    }

    /// Nothing is known against the editor: it may have been slow.
    pub fn no_token() -> Self {
        Self::new(1012, "no_token", "no token came in time; connect again")
    }

    pub fn not_now() -> Self {
        Self::new(1013, "not_now", "the server cannot do this now; connect again")
    }

    pub fn gone() -> Self {
        Self::new(1000, "client", "")
    }

    pub fn too_large() -> Self {
        Self::new(1009, "too_large", "a message is too large (max_yjs_bytes), or too much waits")
    }

    pub fn slow() -> Self {
        Self::new(1013, "slow_reader", "the editor does not take what it is sent; connect again")
    }
}

/// What comes next cannot be read.
impl From<ProtocolError> for End {
    fn from(error: ProtocolError) -> Self {
        match error {
            ProtocolError::Overflow => Self::too_large(),
            ProtocolError::Io(error) => {
                match error.get_ref().and_then(|cause| cause.downcast_ref::<PayloadError>()) {
                    Some(PayloadError::Overflow) => Self::too_large(),
                    // The connection was broken off.
                    _ => Self::gone(),
                }
            }
            _ => Self::unreadable(),
        }
    }
}

impl From<OpenError> for End {
    fn from(error: OpenError) -> Self {
        match &error {
            OpenError::Full => Self::new(4529, "full", "too many sockets are open (GET /api/v1/limits)"),
            OpenError::Deleted => Self::new(4410, "deleted", "the document was deleted"),
            // Others write to it all the time.
            OpenError::Plain => Self::not_now(),
            OpenError::Refused(reason) => Self::new(4422, "refused", reason.clone()),
            OpenError::Damaged => Self::new(4422, "damaged", "the document's Yjs state cannot be read"),
            OpenError::Sync(cause) => {
                tracing::warn!(%cause, "a document could not be opened live");
                Self::not_now()
            }
        }
    }
}
