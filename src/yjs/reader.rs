//! The lowest level of the Yjs format: lib0's numbers, strings and byte runs, read from a slice and written to a buffer.
//!
//! Knows nothing of documents. Never allocates: a claimed length is checked against the bytes that are left.

use crate::domain::yjs_facts::{Client, Clock};
use crate::yjs::scan_error::ScanError;

/// The largest client id: the integers that JavaScript holds exactly.
const MAX_CLIENT: u64 = (1 << 53) - 1;

/// The largest clock, and the largest `clock + length`: 2^31 − 1.
pub(super) const MAX_CLOCK: Clock = (1 << 31) - 1;

/// Bytes of the longest number accepted: 8 × 7 bits hold 2^53.
const MAX_NUMBER_BYTES: usize = 8;

/// The name of one change: who made it, and its place among that client's changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id {
    pub(super) client: Client,
    pub(super) clock: Clock,
}

/// A place in bytes that are being read.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    total: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, total: bytes.len() }
    }

    /// The bytes not yet read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// How many bytes were read.
    pub(super) fn offset(&self) -> usize {
        self.total - self.rest.len()
    }

    /// The bytes read since `earlier`, a value that [`Self::rest`] gave before.
    pub(super) fn since(&self, earlier: &'a [u8]) -> &'a [u8] {
        earlier.get(..earlier.len().saturating_sub(self.rest.len())).unwrap_or_default()
    }

    pub(super) fn invalid(&self, reason: &'static str) -> ScanError {
        ScanError::Invalid { reason, offset: self.offset() }
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, ScanError> {
        let Some((first, rest)) = self.rest.split_first() else {
            return Err(self.invalid("the bytes end too early"));
        };
        self.rest = rest;
        Ok(*first)
    }

    #[inline]
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], ScanError> {
        let Some((taken, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.invalid("a length goes past the end of the bytes"));
        };
        self.rest = rest;
        Ok(taken)
    }

    /// An unsigned number of at most 53 bits, in its shortest form.
    #[inline]
    pub(super) fn number(&mut self) -> Result<u64, ScanError> {
        match self.rest.split_first() {
            Some((first, rest)) if *first < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*first))
            }
            _ => self.long_number(),
        }
    }

    fn long_number(&mut self) -> Result<u64, ScanError> {
        let mut value = 0_u64;
        for (index, byte) in self.rest.iter().take(MAX_NUMBER_BYTES).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if *byte < 0x80 {
                if *byte == 0 && index > 0 {
                    return Err(self.invalid("a number is not in its shortest form"));
                }
                if value > MAX_CLIENT {
                    return Err(self.invalid("a number has more than 53 bits"));
                }
                self.take(index + 1)?;
                return Ok(value);
            }
        }
        Err(self.invalid("a number does not end"))
    }

    /// Skips a signed number (lib0's form: the sign is a bit of the first byte) of at most 53 bits.
    pub(super) fn skip_signed(&mut self) -> Result<(), ScanError> {
        let length = self.rest.iter().take(MAX_NUMBER_BYTES).position(|byte| *byte < 0x80);
        let Some(length) = length else {
            return Err(self.invalid("a number does not end"));
        };
        self.take(length + 1)?;
        Ok(())
    }

    pub(super) fn client(&mut self) -> Result<Client, ScanError> {
        self.number()
    }

    #[inline]
    pub(super) fn clock(&mut self) -> Result<Clock, ScanError> {
        match Clock::try_from(self.number()?) {
            Ok(clock) if clock <= MAX_CLOCK => Ok(clock),
            _ => Err(self.invalid("a clock or length is over 2^31 - 1")),
        }
    }

    #[inline]
    pub(super) fn id(&mut self) -> Result<Id, ScanError> {
        let client = self.client()?;
        let clock = self.clock()?;
        if clock == MAX_CLOCK {
            return Err(self.invalid("a reference is over 2^31 - 2"));
        }
        Ok(Id { client, clock })
    }

    /// A length of what is to follow; each unit takes at least `unit_bytes` bytes of the rest.
    pub(super) fn count(&mut self, unit_bytes: usize) -> Result<usize, ScanError> {
        match usize::try_from(self.number()?) {
            Ok(count) if count <= self.rest.len() / unit_bytes.max(1) => Ok(count),
            _ => Err(self.invalid("a count or length goes past the end of the bytes")),
        }
    }

    /// A run of bytes with its length before it.
    pub(super) fn buffer(&mut self) -> Result<&'a [u8], ScanError> {
        let length = self.count(1)?;
        self.take(length)
    }

    /// A string with its length in bytes before it.
    pub(super) fn string(&mut self) -> Result<&'a str, ScanError> {
        let bytes = self.buffer()?;
        std::str::from_utf8(bytes).or(Err(self.invalid("a string is not UTF-8")))
    }
}

/// Length of a text in UTF-16 units, the unit of Yjs clocks.
pub(super) fn utf16_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    if bytes.len() < 32 || !bytes.is_ascii() {
        // Every code point has one byte that is no continuation; those of four bytes are two units.
        bytes.iter().map(|byte| usize::from(byte & 0xc0 != 0x80) + usize::from(*byte >= 0xf0)).sum()
    } else {
        bytes.len()
    }
}

/// Writes an unsigned number.
pub(super) fn put_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        let [low, ..] = value.to_le_bytes();
        out.push(low | 0x80);
        value >>= 7;
    }
    let [low, ..] = value.to_le_bytes();
    out.push(low);
}

/// Writes a length or count.
pub(super) fn put_length(out: &mut Vec<u8>, length: usize) {
    put_number(out, u64::try_from(length).unwrap_or(u64::MAX));
}

/// Writes an id.
pub(super) fn put_id(out: &mut Vec<u8>, id: Id) {
    put_number(out, id.client);
    put_number(out, u64::from(id.clock));
}

/// Writes a string with its length.
pub(super) fn put_string(out: &mut Vec<u8>, text: &str) {
    put_length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_a_round_trip_and_have_one_form() {
        for value in [0, 1, 127, 128, 300, 16_383, 16_384, u64::from(u32::MAX), MAX_CLIENT] {
            let mut bytes = Vec::new();
            put_number(&mut bytes, value);
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.number(), Ok(value));
            assert!(reader.rest().is_empty());
        }
        for bytes in [&[0x80, 0x00][..], &[0x80], &[0xff; 12], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]] {
            assert!(Reader::new(bytes).number().is_err(), "{bytes:x?}");
        }
    }

    #[test]
    fn utf16_lengths_are_those_of_javascript() {
        for text in ["", "a", "é", "€", "😀", "a😀é€", "👩‍👩‍👧‍👦 family", &"x".repeat(40), &"é😀".repeat(40)]
        {
            assert_eq!(utf16_length(text), text.encode_utf16().count(), "{text}");
        }
    }
}
