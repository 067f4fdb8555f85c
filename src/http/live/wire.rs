//! How lib0 writes numbers, bytes and texts (`lib0/encoding.js`), which all of the editors' protocols are made of.

/// The largest integer that JavaScript can tell from its neighbours.
const MAX_UINT: u64 = (1 << 53) - 1;

/// Reads a frame. Everything is checked; nothing is copied.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// A variable-length integer.
    pub(super) fn uint(&mut self) -> Option<u64> {
        let (mut value, mut shift) = (0_u64, 0_u32);
        loop {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if value > MAX_UINT {
                return None;
            }
            if byte & 0x80 == 0 {
                return Some(value);
            }
            shift = shift.checked_add(7).filter(|shift| *shift < 64)?;
        }
    }

    /// Bytes with their length before them.
    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.uint()?).ok()?;
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    /// Bytes that are left.
    pub(super) const fn rest_length(&self) -> usize {
        self.rest.len()
    }

    /// A text with its length in bytes before it.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }
}

/// Writes an integer.
pub(super) fn put_uint(mut value: u64, out: &mut Vec<u8>) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Writes the length of bytes that follow.
pub(super) fn put_length(bytes: usize, out: &mut Vec<u8>) {
    put_uint(u64::try_from(bytes).unwrap_or(u64::MAX), out);
}

/// Writes bytes behind their length.
pub(super) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_length(bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// Writes a text behind its length.
pub(super) fn put_text(text: &str, out: &mut Vec<u8>) {
    put_bytes(text.as_bytes(), out);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_written_as_lib0_does() {
        for (value, bytes) in
            [(0, &[0][..]), (127, &[127]), (128, &[128, 1]), (300, &[172, 2]), (16_384, &[128, 128, 1])]
        {
            let mut out = Vec::new();
            put_uint(value, &mut out);
            assert_eq!(out, bytes);
            assert_eq!(Reader::new(bytes).uint(), Some(value));
        }
    }

    #[test]
    fn what_is_cut_off_or_too_large_is_nothing() {
        assert_eq!(Reader::new(&[]).uint(), None);
        assert_eq!(Reader::new(&[128]).uint(), None);
        assert_eq!(Reader::new(&[255; 12]).uint(), None);
        assert_eq!(Reader::new(&[5, 1, 2]).bytes(), None);
        assert_eq!(Reader::new(&[1, 0xff]).text(), None);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(value in 0..=MAX_UINT, bytes: Vec<u8>, text: String) {
            let mut out = Vec::new();
            put_uint(value, &mut out);
            put_bytes(&bytes, &mut out);
            put_text(&text, &mut out);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.uint(), Some(value));
            prop_assert_eq!(reader.bytes(), Some(&bytes[..]));
            prop_assert_eq!(reader.text(), Some(&text[..]));
            prop_assert_eq!(reader.uint(), None);
        }

        #[test]
        fn no_bytes_do_harm(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            while reader.uint().is_some() && reader.bytes().is_some() {}
        }
    }
}
