//! What a worker and its parent say to each other: length-prefixed frames over pipes.
//!
//! A job is a count of parts and the parts; an answer is a verdict and a text. Lengths are little-endian 64-bit numbers.

use std::io::{Error, ErrorKind, Read, Result, Write};

/// What a worker says once it is set up.
pub(super) const READY: u8 = b'R';

/// A worker's answer to a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The document's text.
    Text(String),
    /// The state is at fault; the worker is as good as before.
    Refused(String),
    /// The state made the renderer panic; the worker ends itself.
    Panicked,
}

/// Writes a job.
pub(super) fn write_job<'p>(out: &mut impl Write, parts: impl ExactSizeIterator<Item = &'p [u8]>) -> Result<()> {
    write_length(out, parts.len())?;
    for part in parts {
        write_bytes(out, part)?;
    }
    out.flush()
}

/// Reads a job; `None` when there is no further one.
pub(super) fn read_job(input: &mut impl Read) -> Result<Option<Vec<Vec<u8>>>> {
    let count = match read_length(input) {
        Ok(count) => count,
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    (0..count).map(|_| read_bytes(input)).collect::<Result<Vec<_>>>().map(Some)
}

/// Writes an answer.
pub(super) fn write_answer(out: &mut impl Write, answer: &Answer) -> Result<()> {
    let (verdict, text) = match answer {
        Answer::Text(text) => (b'T', text.as_str()),
        Answer::Refused(reason) => (b'F', reason.as_str()),
        Answer::Panicked => (b'P', ""),
    };
    out.write_all(&[verdict])?;
    write_bytes(out, text.as_bytes())?;
    out.flush()
}

/// Reads an answer.
pub(super) fn read_answer(input: &mut impl Read) -> Result<Answer> {
    let verdict = read_byte(input)?;
    let text = String::from_utf8(read_bytes(input)?).map_err(|error| Error::new(ErrorKind::InvalidData, error))?;
    match verdict {
        b'T' => Ok(Answer::Text(text)),
        b'F' => Ok(Answer::Refused(text)),
        b'P' => Ok(Answer::Panicked),
        _ => Err(Error::new(ErrorKind::InvalidData, "an unknown verdict")),
    }
}

/// Reads one byte.
pub(super) fn read_byte(input: &mut impl Read) -> Result<u8> {
    let mut byte = [0];
    input.read_exact(&mut byte)?;
    let [byte] = byte;
    Ok(byte)
}

fn write_length(out: &mut impl Write, length: usize) -> Result<()> {
    let length = u64::try_from(length).map_err(Error::other)?;
    out.write_all(&length.to_le_bytes())
}

fn read_length(input: &mut impl Read) -> Result<u64> {
    let mut bytes = [0; 8];
    input.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn write_bytes(out: &mut impl Write, bytes: &[u8]) -> Result<()> {
    write_length(out, bytes.len())?;
    out.write_all(bytes)
}

/// Grows with what arrives, not with what was announced.
fn read_bytes(input: &mut impl Read) -> Result<Vec<u8>> {
    let length = read_length(input)?;
    let mut bytes = Vec::new();
    let read = input.by_ref().take(length).read_to_end(&mut bytes)?;
    if u64::try_from(read) == Ok(length) { Ok(bytes) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_and_answers_survive_a_round_trip() {
        let parts: Vec<Vec<u8>> = vec![vec![1, 2, 3], Vec::new(), vec![9; 100_000]];
        let mut bytes = Vec::new();
        write_job(&mut bytes, parts.iter().map(Vec::as_slice)).unwrap();
        let mut input = bytes.as_slice();
        assert_eq!(read_job(&mut input).unwrap(), Some(parts));
        assert_eq!(read_job(&mut input).unwrap(), None);
        assert!(read_job(&mut &bytes[..bytes.len() - 1]).is_err());
        for answer in [Answer::Text("é😀".to_owned()), Answer::Refused("why".to_owned()), Answer::Panicked] {
            let mut bytes = Vec::new();
            write_answer(&mut bytes, &answer).unwrap();
            assert_eq!(read_answer(&mut bytes.as_slice()).unwrap(), answer);
        }
        assert!(read_answer(&mut &[b'T', 255, 255, 255, 255, 255, 255, 255, 127, b'x'][..]).is_err());
    }
}
