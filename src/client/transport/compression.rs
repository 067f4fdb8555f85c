//! Bodies of requests and answers, compressed on their way.
//!
//! What a client sends is text, and base64 of the same text: zstd takes away more than two thirds of it, at some 2 ms for a
//! megabyte. That is no burden even where the server is on the same machine, so there is no option for it.

use std::io::Read;

use crate::client::transport::error::RemoteError;

/// No answer is longer: a page of the feed ends at about 8 MB, a batch may carry as many documents as it names.
pub const MAX_ANSWER_BYTES: u64 = 256 * 1024 * 1024;

/// The coding, as HTTP names it (RFC 8878).
pub const CODING: &str = "zstd";

/// The fastest of zstd's levels that are usual.
const LEVEL: i32 = 1;

/// Shorter bodies fit into a packet as they are.
const MIN_BYTES: usize = 1_024;

/// The body compressed; `None` where that is not worth it.
#[must_use]
pub fn compressed(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() < MIN_BYTES {
        return None;
    }
    // Memory takes whatever comes of it; without a compressed body the plain one is sent.
    zstd::bulk::compress(body, LEVEL).ok().filter(|packed| packed.len() < body.len())
}

/// The plain body of an answer.
///
/// # Errors
/// `Unintelligible` if it is damaged, or longer than any answer.
pub fn unpacked(body: &[u8]) -> Result<Vec<u8>, RemoteError> {
    let mut plain = Vec::new();
    let decoder = zstd::Decoder::new(body).map_err(|error| RemoteError::Unintelligible(error.to_string()))?;
    let read = decoder.take(MAX_ANSWER_BYTES + 1).read_to_end(&mut plain);
    read.map_err(|error| RemoteError::Unintelligible(error.to_string()))?;
    if u64::try_from(plain.len()).unwrap_or(u64::MAX) > MAX_ANSWER_BYTES {
        return Err(RemoteError::Unintelligible("it is longer than any answer".to_owned()));
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_bodies_are_compressed() {
        let text = "The same words again and again. ".repeat(1_000);
        let packed = compressed(text.as_bytes()).unwrap();
        assert!(packed.len() * 20 < text.len());
        assert_eq!(unpacked(&packed).unwrap(), text.as_bytes());
        assert_eq!(compressed(b"{}"), None);
        let noise: Vec<u8> = (0..2_000_u32).flat_map(|n| uuid::Uuid::from_u128(u128::from(n)).into_bytes()).collect();
        assert!(compressed(&noise).is_none_or(|packed| packed.len() < noise.len()));
    }

    #[test]
    fn damaged_answers_are_refused() {
        let mut packed = compressed(&[b'x'; 5_000]).unwrap();
        packed.truncate(packed.len() - 3);
        assert!(matches!(unpacked(&packed), Err(RemoteError::Unintelligible(_))));
        assert!(matches!(unpacked(b"no zstd"), Err(RemoteError::Unintelligible(_))));
    }
}
