//! The field `data`: title, text and Yjs changes within their limits, and the digest that tells a resend from
//! another operation under the same name.

use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::edits;
use super::fields::{self, Fault, over_limit};
use super::wire::{RawChanges, RawData};
use crate::domain::error_code::ErrorCode;
use crate::domain::limits::Limits;
use crate::domain::operation::{Changes, Digest, OperationKind, Text};
use crate::domain::replacements::Replacement;
use crate::domain::yjs_facts::{ScannedUpdate, StateVector};
use crate::yjs::merge::join_updates;
use crate::yjs::scan::{ScanError, scan_state_vector, scan_update};

/// What an operation carries, read and weighed.
#[derive(Debug)]
pub(super) struct Payload {
    pub changes: Changes,
    pub reader_state_vector: Option<StateVector>,
    /// Digest of the kind, `restore` and the changes; neither the target nor what the editor has seen is in it, so
    /// that a resend may be based anew or addressed otherwise and is still the same contents.
    pub digest: Digest,
}

/// Reads what an operation of this kind carries; `data` of a delete or a check is ignored.
pub(super) fn read_payload(
    kind: OperationKind,
    restore: bool,
    data: &RawData<'_>,
    limits: &Limits,
) -> Result<Payload, Fault> {
    let mut digest = PayloadDigest::new(kind, restore);
    if matches!(kind, OperationKind::Delete | OperationKind::Check) {
        return Ok(Payload { changes: Changes::default(), reader_state_vector: None, digest: digest.finish() });
    }
    read_changes(kind, data, limits, &mut digest)
        .map(|(changes, reader_state_vector)| Payload { changes, reader_state_vector, digest: digest.finish() })
        .map_err(|fault| fault.under("data"))
}

fn read_changes(
    kind: OperationKind,
    data: &RawData<'_>,
    limits: &Limits,
    digest: &mut PayloadDigest,
) -> Result<(Changes, Option<StateVector>), Fault> {
    let raw = match data {
        RawData::Fields(raw) => raw,
        RawData::NotAnObject => return Err(Fault::invalid("must be an object")),
        RawData::Missing if kind == OperationKind::Create => {
            return Err(Fault::invalid("is missing: a create needs at least data.title"));
        }
        RawData::Missing => return Err(nothing_to_change()),
    };
    if kind == OperationKind::Create && raw.title.is_none() {
        return Err(Fault::invalid("is missing: a create needs one, if only an empty one").under("title"));
    }
    let title = read_title(raw, limits)?;
    let content = read_content(raw, limits)?;
    digest.title(title.as_deref());
    digest.content(content.as_ref());
    let yjs = read_yjs(raw, limits, digest)?;
    let edits = match raw.edits {
        Some(_) if kind == OperationKind::Create => {
            return Err(Fault::invalid("change a text that is there: send the content").under("edits"));
        }
        Some(_) if content.is_some() || yjs.is_some() => {
            return Err(Fault::invalid("must not stand beside content or Yjs updates: send one of them").under("edits"));
        }
        Some(list) => edits::read_edits(list, limits).map_err(|fault| fault.under("edits"))?,
        None => Vec::new(),
    };
    digest.edits(&edits);
    if title.is_none() && content.is_none() && yjs.is_none() && edits.is_empty() {
        return Err(nothing_to_change());
    }
    let reader_state_vector = read_state_vector(raw, limits)?;
    Ok((Changes { title, content, edits, yjs }, reader_state_vector))
}

fn nothing_to_change() -> Fault {
    Fault::invalid(
        "carries nothing to change: an update needs a title, content, edits, yjs_state_b64 or yjs_updates_b64",
    )
}

fn read_title(raw: &RawChanges<'_>, limits: &Limits) -> Result<Option<String>, Fault> {
    let Some(value) = raw.title else { return Ok(None) };
    let title = fields::text(value).map_err(|fault| fault.under("title"))?;
    // A character has one byte at least, so a short title need not be counted.
    if title.len() > limits.max_title_chars && title.chars().count() > limits.max_title_chars {
        return Err(over_limit("max_title_chars", limits.max_title_chars, "characters").under("title"));
    }
    Ok(Some(title.into_owned()))
}

fn read_content(raw: &RawChanges<'_>, limits: &Limits) -> Result<Option<Text>, Fault> {
    let Some(value) = raw.content else { return Ok(None) };
    let content = fields::text(value).map_err(|fault| fault.under("content"))?;
    if content.len() > limits.max_content_bytes {
        return Err(over_limit("max_content_bytes", limits.max_content_bytes, "bytes of UTF-8").under("content"));
    }
    Ok(Some(Text::new(content)))
}

fn read_yjs(raw: &RawChanges<'_>, limits: &Limits, digest: &mut PayloadDigest) -> Result<Option<ScannedUpdate>, Fault> {
    match (raw.yjs_state_b64, raw.yjs_updates_b64) {
        (None, None) => {
            digest.updates(0);
            Ok(None)
        }
        (Some(one), None) => {
            digest.updates(1);
            read_update(one, limits.max_yjs_bytes, limits, digest)
                .map(Some)
                .map_err(|fault| fault.under("yjs_state_b64"))
        }
        (None, Some(list)) => {
            read_updates(list, limits, digest).map(Some).map_err(|fault| fault.under("yjs_updates_b64"))
        }
        (Some(_), Some(_)) => {
            Err(Fault::invalid("must not stand beside yjs_state_b64: send one of them").under("yjs_updates_b64"))
        }
    }
}

/// A list of updates, joined to one. Together they stay within the bytes that one may have.
fn read_updates(list: &RawValue, limits: &Limits, digest: &mut PayloadDigest) -> Result<ScannedUpdate, Fault> {
    const WRONG: &str = "must be a list of Yjs updates in base64, of at least one";
    if !list.get().starts_with('[') {
        return Err(Fault::invalid(WRONG));
    }
    let list: Vec<&RawValue> =
        serde_json::from_str(list.get()).map_err(|error| Fault::invalid(format!("{WRONG} ({error})")))?;
    if list.is_empty() {
        return Err(Fault::invalid(WRONG));
    }
    digest.updates(list.len());
    let mut bytes_left = limits.max_yjs_bytes;
    let mut updates = Vec::with_capacity(list.len());
    for (place, value) in list.into_iter().enumerate() {
        let update = read_update(value, bytes_left, limits, digest).map_err(|fault| fault.under(place))?;
        bytes_left = bytes_left.saturating_sub(update.bytes.len());
        updates.push(update);
    }
    join_updates(updates, &limits.yjs).map_err(|error| yjs_fault(&error))
}

fn read_update(
    value: &RawValue,
    bytes_left: usize,
    limits: &Limits,
    digest: &mut PayloadDigest,
) -> Result<ScannedUpdate, Fault> {
    let bytes = fields::yjs_bytes(value, bytes_left, limits)?;
    digest.update(&bytes);
    scan_update(bytes, &limits.yjs).map_err(|error| yjs_fault(&error))
}

fn read_state_vector(raw: &RawChanges<'_>, limits: &Limits) -> Result<Option<StateVector>, Fault> {
    let Some(value) = raw.state_vector_b64 else { return Ok(None) };
    fields::yjs_bytes(value, limits.max_yjs_bytes, limits)
        .and_then(|bytes| scan_state_vector(&bytes, &limits.yjs).map_err(|error| yjs_fault(&error)))
        .map(Some)
        .map_err(|fault| fault.under("state_vector_b64"))
}

fn yjs_fault(error: &ScanError) -> Fault {
    match error {
        ScanError::Invalid { .. } => {
            Fault::new(ErrorCode::YjsInvalid, format!("is not Yjs in its v1 encoding, as the server takes it: {error}"))
        }
        ScanError::TooLarge { .. } => Fault::new(ErrorCode::TooLarge, format!("is {error}")),
    }
}

/// SHA-256 over kind, `restore`, and each change with its presence and length, so that no two payloads run together.
struct PayloadDigest(Sha256);

impl PayloadDigest {
    fn new(kind: OperationKind, restore: bool) -> Self {
        let kind = match kind {
            OperationKind::Create => 0,
            OperationKind::Update => 1,
            OperationKind::Delete => 2,
            OperationKind::Check => 3,
        };
        Self(Sha256::new_with_prefix([kind, u8::from(restore)]))
    }

    fn title(&mut self, title: Option<&str>) {
        self.part(title.map(str::as_bytes));
    }

    /// The text counts through its own digest: it is long, and has been hashed already.
    fn content(&mut self, content: Option<&Text>) {
        self.part(content.map(|text| text.digest.as_slice()));
    }

    fn updates(&mut self, count: usize) {
        self.0.update(length_prefix(count));
    }

    fn update(&mut self, bytes: &[u8]) {
        self.part(Some(bytes));
    }

    /// Nothing where there are none: receipts of before there were edits stay valid.
    fn edits(&mut self, edits: &[Replacement]) {
        if !edits.is_empty() {
            self.0.update(length_prefix(edits.len()));
        }
        for Replacement { find, replace, all } in edits {
            self.0.update([u8::from(*all)]);
            self.part(Some(find.as_bytes()));
            self.part(Some(replace.as_bytes()));
        }
    }

    fn part(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            None => self.0.update([0]),
            Some(bytes) => {
                self.0.update([1]);
                self.0.update(length_prefix(bytes.len()));
                self.0.update(bytes);
            }
        }
    }

    fn finish(self) -> Digest {
        shorten(&self.0.finalize())
    }
}

fn length_prefix(length: usize) -> [u8; 8] {
    u64::try_from(length).unwrap_or(u64::MAX).to_le_bytes()
}

/// The first 16 bytes of a hash.
fn shorten(hash: &[u8]) -> Digest {
    let mut digest = Digest::default();
    for (to, from) in digest.iter_mut().zip(hash) {
        *to = *from;
    }
    digest
}
