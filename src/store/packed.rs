//! Texts as they are stored. Packing takes longer than writing, so a batch does it before its turn to write.

use super::encoding::encode_text;
use crate::domain::document::WriteSet;

/// The texts of a write set, in the order of its new versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackedTexts(pub(super) Vec<Option<Vec<u8>>>);

impl PackedTexts {
    /// Packs the texts of a write set.
    #[must_use]
    pub fn of(writes: &WriteSet) -> Self {
        Self(writes.log.iter().map(|entry| entry.content.as_deref().map(encode_text)).collect())
    }
}
