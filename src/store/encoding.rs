//! How composite values lie in one column: state vectors, root names, texts. Pure functions over bytes; knows no SQL.
//!
//! Integers are LEB128 varints, as in Yjs. What cannot be read back is `StoreError::Corrupt`, never a panic.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::domain::yjs_facts::StateVector;
use crate::store::StoreError;

/// Texts shorter than this are stored as they are: compressing them costs more than it saves.
const COMPRESS_FROM_BYTES: usize = 2 * 1024;

/// No stored text is larger; a greater size in a stored row means that the row is broken.
const MAX_TEXT_BYTES: usize = 256 * 1024 * 1024;

const RAW: u8 = 0;
const LZ4: u8 = 1;

/// A text as stored: a tag byte, then UTF-8 as it is (0) or as an lz4 block with its size in front (1).
pub(super) fn encode_text(text: &str) -> Vec<u8> {
    if text.len() >= COMPRESS_FROM_BYTES {
        let block = lz4_flex::block::compress_prepend_size(text.as_bytes());
        if block.len() < text.len() {
            return tagged(LZ4, &block);
        }
    }
    tagged(RAW, text.as_bytes())
}

/// The text of a stored column.
///
/// # Errors
/// `Corrupt` if the bytes are none that [`encode_text`] makes.
pub(super) fn decode_text(stored: &[u8]) -> Result<String, StoreError> {
    let corrupt = |reason: &str| StoreError::Corrupt(format!("text of {} bytes: {reason}", stored.len()));
    let (tag, rest) = stored.split_first().ok_or_else(|| corrupt("it is empty"))?;
    let utf8: Cow<'_, [u8]> = match *tag {
        RAW => Cow::Borrowed(rest),
        LZ4 => {
            let (size, block) =
                lz4_flex::block::uncompressed_size(rest).map_err(|error| corrupt(&error.to_string()))?;
            if size > MAX_TEXT_BYTES {
                return Err(corrupt("its stated size is out of range"));
            }
            Cow::Owned(lz4_flex::block::decompress(block, size).map_err(|error| corrupt(&error.to_string()))?)
        }
        _ => return Err(corrupt("unknown encoding")),
    };
    String::from_utf8(utf8.into_owned()).map_err(|error| corrupt(&error.utf8_error().to_string()))
}

/// In front of bytes that could not be read when the database was repaired: they stay in their place. No text and no Yjs
/// update begins like this, so that every reader still takes them for damage, and `verify` for damage that is known.
const SET_ASIDE: &[u8] = b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xffset aside";

/// Bytes that cannot be read, as they are kept.
pub(super) fn set_aside(unreadable: &[u8]) -> Vec<u8> {
    [SET_ASIDE, unreadable].concat()
}

/// Whether stored bytes were set aside.
pub(super) fn is_set_aside(stored: &[u8]) -> bool {
    stored.starts_with(SET_ASIDE)
}

fn tagged(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1);
    out.push(tag);
    out.extend_from_slice(bytes);
    out
}

/// A state vector as stored, which is also Yjs's own encoding: a count, then client and clock of each.
pub(super) fn encode_state_vector(vector: &StateVector) -> Vec<u8> {
    let pairs = vector.iter();
    let mut out = Vec::with_capacity(1 + pairs.len() * 8);
    put_varint(&mut out, u64::try_from(pairs.len()).unwrap_or(u64::MAX));
    for (client, clock) in pairs {
        put_varint(&mut out, client);
        put_varint(&mut out, u64::from(clock));
    }
    out
}

/// The state vector of a stored column.
///
/// # Errors
/// `Corrupt` if the bytes are none that [`encode_state_vector`] makes.
pub(super) fn decode_state_vector(stored: &[u8]) -> Result<StateVector, StoreError> {
    let mut reader = Reader { rest: stored, what: "state vector" };
    let count = reader.varint()?;
    let mut vector = StateVector::default();
    for _ in 0..count {
        let client = reader.varint()?;
        let clock = u32::try_from(reader.varint()?).map_err(|error| reader.corrupt(&error.to_string()))?;
        vector.advance(client, clock);
    }
    reader.finish()?;
    Ok(vector)
}

/// Root names as stored: length and UTF-8 of each; no roots are no bytes.
pub(super) fn encode_roots(roots: &BTreeSet<String>) -> Vec<u8> {
    let mut out = Vec::with_capacity(roots.iter().map(|root| root.len() + 2).sum());
    for root in roots {
        put_varint(&mut out, u64::try_from(root.len()).unwrap_or(u64::MAX));
        out.extend_from_slice(root.as_bytes());
    }
    out
}

/// The root names of a stored column.
///
/// # Errors
/// `Corrupt` if the bytes are none that [`encode_roots`] makes.
pub(super) fn decode_roots(stored: &[u8]) -> Result<BTreeSet<String>, StoreError> {
    let mut reader = Reader { rest: stored, what: "root names" };
    let mut roots = BTreeSet::new();
    while !reader.rest.is_empty() {
        roots.insert(reader.string()?);
    }
    Ok(roots)
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or_default());
}

struct Reader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl Reader<'_> {
    fn corrupt(&self, reason: &str) -> StoreError {
        StoreError::Corrupt(format!("{}: {reason}", self.what))
    }

    fn varint(&mut self) -> Result<u64, StoreError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or_else(|| self.corrupt("it ends early"))?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.corrupt("an integer is too long"))
    }

    fn string(&mut self) -> Result<String, StoreError> {
        let length = usize::try_from(self.varint()?).map_err(|error| self.corrupt(&error.to_string()))?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or_else(|| self.corrupt("it ends early"))?;
        self.rest = rest;
        String::from_utf8(bytes.to_vec()).map_err(|error| self.corrupt(&error.to_string()))
    }

    fn finish(&self) -> Result<(), StoreError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.corrupt("bytes follow its end")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_and_only_long_ones_are_compressed() {
        for text in ["", "short", &"a long and dull line\n".repeat(1_000), &"é".repeat(2_000)] {
            let stored = encode_text(text);
            assert_eq!(decode_text(&stored).unwrap(), text);
            assert!(stored.len() <= text.len() + 1);
            assert_eq!(stored[0], u8::from(text.len() >= COMPRESS_FROM_BYTES));
        }
    }

    #[test]
    fn broken_texts_are_named_corrupt() {
        let cut = encode_text(&"a long and dull line\n".repeat(1_000));
        let aside = set_aside(&encode_text("sound"));
        assert!(is_set_aside(&aside) && !is_set_aside(&aside[1..]));
        for stored in [&aside[..], &[][..], &[9, 65], &[0, 0xff], &[1, 255, 255, 255, 255, 0], &cut[..cut.len() - 1]] {
            assert!(matches!(decode_text(stored), Err(StoreError::Corrupt(_))), "{stored:?}");
        }
    }

    #[test]
    fn state_vectors_come_back() {
        let vector: StateVector =
            [(1, 1), (127, 128), (u64::from(u32::MAX), 2_147_483_647), (1 << 53, 5)].into_iter().collect();
        let stored = encode_state_vector(&vector);
        assert_eq!(decode_state_vector(&stored).unwrap(), vector);
        assert_eq!(encode_state_vector(&StateVector::default()), [0]);
        for broken in [&[][..], &stored[..stored.len() - 1], &[stored.as_slice(), &[0]].concat(), &[0xff; 12]] {
            assert!(matches!(decode_state_vector(broken), Err(StoreError::Corrupt(_))));
        }
    }

    #[test]
    fn root_names_come_back() {
        for roots in [BTreeSet::new(), ["content", "", "prosemirror"].map(str::to_owned).into_iter().collect()] {
            assert_eq!(decode_roots(&encode_roots(&roots)).unwrap(), roots);
        }
        assert!(matches!(decode_roots(&[5, 65]), Err(StoreError::Corrupt(_))));
    }
}
