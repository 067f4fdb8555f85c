//! Cursors: how far a reader has followed a workspace's feed, opaque to the reader and signed.
//!
//! Pure: where the key comes from and what a sequence stands for in storage is not known here.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::domain::ids::WorkspaceId;

/// The form of the cursors.
const FORM: u8 = 2;
/// The forms before it: they named no generation.
const OLD_FORMS: [u8; 1] = [1];
const NUMBER_BYTES: usize = 8;
const SIGNATURE_BYTES: usize = 16;
const CURSOR_BYTES: usize = 1 + 3 * NUMBER_BYTES + SIGNATURE_BYTES;

/// What a workspace's cursors are signed with (random, and never shown), and the generation of the database in which
/// they hold.
#[derive(Clone, PartialEq, Eq)]
pub struct FeedKey {
    secret: Vec<u8>,
    generation: i64,
}

impl FeedKey {
    /// Bytes of a secret.
    pub const BYTES: usize = 16;

    /// The key of this secret in this generation.
    #[must_use]
    pub const fn new(secret: Vec<u8>, generation: i64) -> Self {
        Self { secret, generation }
    }
}

impl fmt::Debug for FeedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FeedKey(..)")
    }
}

/// A place in a workspace's feed: its reader has every change up to `sequence`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The last change that the reader has; 0 = none.
    pub sequence: i64,
    /// The purge line when the reader began from nothing: tombstones below it tell of documents that the reader never
    /// had, so that a first pull through old changes does not expire on its way.
    pub floor: i64,
}

/// Text that is no cursor of this workspace's feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one that this workspace's feed gave out; pull from the start, without a cursor")]
pub struct ForeignCursor;

/// Why a text leads to no place in the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// It is no cursor of this feed.
    #[error(transparent)]
    Foreign(#[from] ForeignCursor),
    /// It was given out before the database was put back to an earlier state: its reader may have seen what is gone now.
    #[error("the cursor is of an earlier generation of the database")]
    EarlierGeneration,
}

impl Cursor {
    /// The cursor of a reader who has nothing yet, in a feed that is purged up to `purged_sequence`.
    #[must_use]
    pub const fn start(purged_sequence: i64) -> Self {
        Self { sequence: 0, floor: purged_sequence }
    }

    /// The same reader, having followed the feed up to `sequence`.
    #[must_use]
    pub const fn advanced_to(self, sequence: i64) -> Self {
        Self { sequence, ..self }
    }

    /// Whether the reader may have missed a deletion whose tombstone is gone.
    #[must_use]
    pub const fn is_expired(self, purged_sequence: i64) -> bool {
        self.sequence < purged_sequence && self.floor < purged_sequence
    }

    /// Whether the reader has changes that a feed with this head does not.
    #[must_use]
    pub const fn is_ahead(self, head_sequence: i64) -> bool {
        self.sequence > head_sequence
    }

    /// The cursor as the reader gets it: URL-safe text.
    #[must_use]
    pub fn seal(self, workspace: WorkspaceId, key: &FeedKey) -> String {
        let mut bytes = Vec::with_capacity(CURSOR_BYTES);
        bytes.push(FORM);
        bytes.extend(key.generation.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.floor.to_be_bytes());
        let signature = signer(workspace, key, &bytes).finalize().into_bytes();
        bytes.extend(signature.iter().take(SIGNATURE_BYTES));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The cursor of a text that [`seal`](Self::seal) made for the same workspace.
    ///
    /// # Errors
    /// `EarlierGeneration` for one of another generation, or of a form that named none; `Foreign`, whatever else is
    /// wrong with it. The generation is looked at before the signature: what a workspace's cursors were signed with may
    /// have been lost with the earlier state, and who makes up a generation learns nothing.
    pub fn open(text: &str, workspace: WorkspaceId, key: &FeedKey) -> Result<Self, CursorError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).or(Err(ForeignCursor))?;
        if bytes.first().is_some_and(|form| OLD_FORMS.contains(form)) {
            return Err(CursorError::EarlierGeneration);
        }
        let bytes: [u8; CURSOR_BYTES] = bytes.try_into().or(Err(ForeignCursor))?;
        let (signed, signature) = bytes.split_at(CURSOR_BYTES - SIGNATURE_BYTES);
        let (form, numbers) = signed.split_first().ok_or(ForeignCursor)?;
        let (generation, rest) = numbers.split_first_chunk::<NUMBER_BYTES>().ok_or(ForeignCursor)?;
        let (sequence, rest) = rest.split_first_chunk::<NUMBER_BYTES>().ok_or(ForeignCursor)?;
        let (floor, _) = rest.split_first_chunk::<NUMBER_BYTES>().ok_or(ForeignCursor)?;
        if *form != FORM {
            return Err(ForeignCursor.into());
        }
        if i64::from_be_bytes(*generation) != key.generation {
            return Err(CursorError::EarlierGeneration);
        }
        signer(workspace, key, signed).verify_truncated_left(signature).or(Err(ForeignCursor))?;
        Ok(Self { sequence: i64::from_be_bytes(*sequence), floor: i64::from_be_bytes(*floor) })
    }
}

fn signer(workspace: WorkspaceId, key: &FeedKey, signed: &[u8]) -> Hmac<Sha256> {
    // HMAC takes a key of any length; the workspace is signed too, in case two should ever share one.
    let mut mac = match Hmac::<Sha256>::new_from_slice(&key.secret) {
        Ok(mac) => mac,
        Err(_never) => Hmac::<Sha256>::new(&hmac::digest::Key::<Hmac<Sha256>>::default()),
    };
    mac.update(b"landfall cursor");
    mac.update(workspace.0.as_bytes());
    mac.update(signed);
    mac
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ONE: WorkspaceId = WorkspaceId(Uuid::from_u128(1));
    const TWO: WorkspaceId = WorkspaceId(Uuid::from_u128(2));
    const FOREIGN: CursorError = CursorError::Foreign(ForeignCursor);

    fn key(byte: u8) -> FeedKey {
        FeedKey::new(vec![byte; FeedKey::BYTES], 5)
    }

    #[test]
    fn a_cursor_leads_back_to_its_place() {
        let cursor = Cursor { sequence: 7, floor: 3 };
        let text = cursor.seal(ONE, &key(1));
        assert_eq!(Cursor::open(&text, ONE, &key(1)), Ok(cursor));
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'), "{text}");
    }

    #[test]
    fn a_cursor_serves_its_own_workspace_only() {
        let text = Cursor { sequence: 7, floor: 3 }.seal(ONE, &key(1));
        assert_eq!(Cursor::open(&text, TWO, &key(1)), Err(FOREIGN));
        assert_eq!(Cursor::open(&text, ONE, &key(2)), Err(FOREIGN));
    }

    #[test]
    fn a_cursor_serves_its_own_generation_only() {
        let text = Cursor { sequence: 7, floor: 3 }.seal(ONE, &key(1));
        let later = FeedKey { generation: 6, ..key(1) };
        assert_eq!(Cursor::open(&text, ONE, &later), Err(CursorError::EarlierGeneration));
        // Also where the workspace is gone with its key, and was made anew.
        let anew = FeedKey { generation: 6, ..key(2) };
        assert_eq!(Cursor::open(&text, ONE, &anew), Err(CursorError::EarlierGeneration));
        let before_generations = URL_SAFE_NO_PAD.encode([&[1][..], &[0; 32]].concat());
        assert_eq!(Cursor::open(&before_generations, ONE, &key(1)), Err(CursorError::EarlierGeneration));
    }

    #[test]
    fn no_changed_bit_goes_unnoticed() {
        let bytes = URL_SAFE_NO_PAD.decode(Cursor { sequence: 7, floor: 3 }.seal(ONE, &key(1))).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let opened = Cursor::open(&URL_SAFE_NO_PAD.encode(forged), ONE, &key(1));
            let is_generation = (8..8 * (1 + NUMBER_BYTES)).contains(&bit);
            assert_eq!(opened, Err(if is_generation { CursorError::EarlierGeneration } else { FOREIGN }), "bit {bit}");
        }
        for made_up in ["", "AAAA", "not base64!", "null", &"A".repeat(44), &"A".repeat(10_000)] {
            assert_eq!(Cursor::open(made_up, ONE, &key(1)), Err(FOREIGN), "{made_up}");
        }
    }

    #[test]
    fn a_reader_expires_when_it_may_have_missed_a_purged_deletion() {
        let reader = Cursor { sequence: 7, floor: 0 };
        assert!(!reader.is_expired(0) && !reader.is_expired(7) && reader.is_expired(8));
        let began = Cursor::start(100);
        assert!(!began.is_expired(100) && !began.advanced_to(7).is_expired(100), "a first pull goes through");
        assert!(began.advanced_to(7).is_expired(101), "what it has had since may be gone by now");
        assert!(!began.advanced_to(101).is_expired(101));
    }

    #[test]
    fn a_reader_is_ahead_of_a_feed_that_was_put_back() {
        let reader = Cursor { sequence: 7, floor: 0 };
        assert!(reader.is_ahead(6) && !reader.is_ahead(7) && !reader.is_ahead(8));
    }
}
