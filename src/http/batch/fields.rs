//! Reading one field of a request: its type, its length, its encoding.
//!
//! Every function takes the raw JSON of a field that is there and answers with the value or with a [`Fault`] that
//! says what the field must be. Where the field stands is the caller's knowledge, see [`Fault::under`].

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::domain::error_code::ErrorCode;
use crate::domain::limits::Limits;
use crate::domain::operation::OperationError;
use crate::http::integer;
use crate::sync::PullFrom;

/// Characters of a `client_id`, a `document_ref` and a `device_id` at most.
pub(super) const MAX_NAME_CHARS: usize = 128;

/// A mistake in a request: what is wrong, and at which place below the object that is being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub code: ErrorCode,
    /// What is said of the place, such as "must be a string".
    pub message: String,
    /// RFC 6901, relative: empty, or `/field`, or `/field/2`.
    pub place: String,
}

impl Fault {
    /// A mistake of the value itself.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), place: String::new() }
    }

    /// A field that is missing, of the wrong type, or outside its rules.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Invalid, message)
    }

    /// The same mistake, seen from the object (or list) that has the value as `field`.
    pub fn under(mut self, field: impl std::fmt::Display) -> Self {
        self.place = format!("/{field}{}", self.place);
        self
    }

    /// The mistake as an operation's error, with its place in the request.
    pub fn into_error(self, index: usize) -> OperationError {
        OperationError {
            code: self.code,
            message: self.sentence("the operation"),
            pointer: Some(format!("/operations/{index}{}", self.place)),
        }
    }

    /// The place and what is said of it: "data.title must be a string"; `whole` stands for the object itself.
    pub fn sentence(&self, whole: &str) -> String {
        match self.place.strip_prefix('/') {
            Some(place) => format!("{} {}", place.replace('/', "."), self.message),
            None => format!("{whole} {}", self.message),
        }
    }
}

/// A string; borrowed from the body where it holds no escape.
pub(super) fn string(raw: &RawValue) -> Result<Cow<'_, str>, Fault> {
    let inner = raw.get().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        None => Err(Fault::invalid("must be a string")),
        Some(text) if !text.contains('\\') => Ok(Cow::Borrowed(text)),
        // The JSON around it has been checked: only half of a surrogate pair is left to go wrong.
        Some(_) => serde_json::from_str(raw.get()).map(Cow::Owned).map_err(|error| {
            Fault::invalid(format!(
                "must be Unicode text, without half of a surrogate pair ({})",
                what_is_wrong(&error)
            ))
        }),
    }
}

/// Where a pull starts: `null` or a cursor.
pub(super) fn pull_from(raw: &RawValue) -> Result<PullFrom, Fault> {
    if raw.get() == "null" {
        return Ok(PullFrom::Start);
    }
    let cursor = string(raw).or(Err(Fault::invalid("must be a cursor that the feed gave out, or null")))?;
    Ok(PullFrom::Cursor(cursor.into_owned()))
}

/// A string without NUL, which no database is trusted with.
pub(super) fn text(raw: &RawValue) -> Result<Cow<'_, str>, Fault> {
    let text = string(raw)?;
    if text.contains('\0') {
        return Err(Fault::invalid("must not contain the NUL character (U+0000)"));
    }
    Ok(text)
}

/// A name that the editor chose: 1 to 128 characters, no NUL.
pub(super) fn name(raw: &RawValue) -> Result<String, Fault> {
    let name = text(raw)?;
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        return Err(Fault::invalid(format!("must have 1 to {MAX_NAME_CHARS} characters")));
    }
    Ok(name.into_owned())
}

/// A UUID in its usual form, with hyphens, in either case.
pub(super) fn uuid(raw: &RawValue) -> Result<Uuid, Fault> {
    const WRONG: &str = "must be a UUID such as \"01890a5d-ac96-774b-bcce-b302099a8057\"";
    const HYPHENATED: usize = 36;
    let text = string(raw).map_err(|fault| Fault { message: WRONG.to_owned(), ..fault })?;
    match Uuid::try_parse(&text) {
        Ok(uuid) if text.len() == HYPHENATED => Ok(uuid),
        _ => Err(Fault::invalid(WRONG)),
    }
}

/// `true` or `false`.
pub(super) fn boolean(raw: &RawValue) -> Result<bool, Fault> {
    match raw.get() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Fault::invalid("must be true or false")),
    }
}

/// A document's version: an integer of at least 1.
pub(super) fn version(raw: &RawValue) -> Result<i64, Fault> {
    let version = integer::parse(raw.get()).filter(|version| *version >= 1);
    version.ok_or_else(|| Fault::invalid("must be an integer of at least 1: the version that the editor last saw"))
}

/// A document's version, or 0 for a document that is not there.
pub(super) fn version_or_none(raw: &RawValue) -> Result<i64, Fault> {
    let version = integer::parse(raw.get()).filter(|version| *version >= 0);
    version.ok_or_else(|| Fault::invalid("must be an integer of at least 1, or 0 where no document must be"))
}

/// A place among the parts of an upload: an integer from 0 to 1,000,000.
pub(super) fn part(raw: &RawValue) -> Result<i64, Fault> {
    const MAX_PART: i64 = 1_000_000;
    let part = integer::parse(raw.get()).filter(|part| (0..=MAX_PART).contains(part));
    part.ok_or_else(|| Fault::invalid(format!("must be an integer from 0 to {MAX_PART}")))
}

/// Yjs bytes in base64; `bytes_left` is what other updates of the operation have left of `max_yjs_bytes`.
pub(super) fn yjs_bytes(raw: &RawValue, bytes_left: usize, limits: &Limits) -> Result<Vec<u8>, Fault> {
    let too_large = || over_limit("max_yjs_bytes", limits.max_yjs_bytes, "bytes");
    let encoded = string(raw)?;
    // Looked at before decoding, so that what is refused costs nothing. The estimate is at most two bytes too high.
    if base64::decoded_len_estimate(encoded.len()) > bytes_left.saturating_add(2) {
        return Err(too_large());
    }
    let bytes = STANDARD.decode(encoded.as_bytes()).map_err(|error| {
        let message = format!("must be standard base64 with padding (RFC 4648, section 4): {error}");
        Fault::new(ErrorCode::Base64Invalid, message)
    })?;
    if bytes.len() > bytes_left { Err(too_large()) } else { Ok(bytes) }
}

/// A value over a published limit.
pub(super) fn over_limit(limit: &str, max: usize, unit: &str) -> Fault {
    Fault::new(ErrorCode::TooLarge, format!("is over the limit {limit} of {max} {unit}"))
}

/// What serde_json found, without the position, which would count from the field's start.
pub(super) fn what_is_wrong(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.find(" at line ") {
        Some(end) => message.get(..end).unwrap_or(&message).to_owned(),
        None => message,
    }
}
