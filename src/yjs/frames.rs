//! What a worker and its parent say to each other: length-prefixed frames over pipes.
//!
//! A job is a kind, its own fields, a count of parts and the parts; an answer is a verdict and bytes. Numbers are
//! little-endian and have 64 bits.

use std::io::{Error, ErrorKind, Read, Result, Write};

use crate::domain::operation::Digest;
use crate::yjs::edit::{Edited, Wanted};

/// What a worker says once it is set up.
pub(super) const READY: u8 = b'R';

/// What a worker is asked to do with the union of its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Derive the text.
    Render,
    /// Make another text of it.
    Edit(Wanted),
}

/// A task and the parts that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) task: Task,
    pub(super) parts: Vec<Vec<u8>>,
}

/// A worker's answer to a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The document's text.
    Text(String),
    /// What came of an edit.
    Edited(Edited),
    /// The state is at fault; the worker is as good as before.
    Refused(String),
    /// The state made the renderer panic; the worker ends itself.
    Panicked,
}

/// Writes a job.
pub(super) fn write_job(out: &mut impl Write, job: &Job) -> Result<()> {
    match &job.task {
        Task::Render => out.write_all(b"R")?,
        Task::Edit(Wanted { client, from, text, by_yrs }) => {
            out.write_all(&[b'E', u8::from(*by_yrs)])?;
            out.write_all(&client.to_le_bytes())?;
            write_bytes(out, from.as_ref().map_or(&[], Digest::as_slice))?;
            write_bytes(out, text.as_bytes())?;
        }
    }
    write_length(out, job.parts.len())?;
    for part in &job.parts {
        write_bytes(out, part)?;
    }
    out.flush()
}

/// Reads a job; `None` when there is no further one.
pub(super) fn read_job(input: &mut impl Read) -> Result<Option<Job>> {
    let kind = match read_byte(input) {
        Ok(kind) => kind,
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    let task = match kind {
        b'R' => Task::Render,
        b'E' => {
            let by_yrs = read_byte(input)? == 1;
            let (client, from) = (read_length(input)?, Digest::try_from(read_bytes(input)?).ok());
            Task::Edit(Wanted { client, from, text: read_text(input)?, by_yrs })
        }
        _ => return Err(Error::new(ErrorKind::InvalidData, "an unknown task")),
    };
    let count = read_length(input)?;
    let parts = (0..count).map(|_| read_bytes(input)).collect::<Result<Vec<_>>>()?;
    Ok(Some(Job { task, parts }))
}

/// Writes an answer.
pub(super) fn write_answer(out: &mut impl Write, answer: &Answer) -> Result<()> {
    let (verdict, bytes) = match answer {
        Answer::Text(text) => (b'T', text.as_bytes()),
        Answer::Edited(Edited::Made(update)) => (b'U', update.as_slice()),
        Answer::Edited(Edited::OtherText(text)) => (b'O', text.as_bytes()),
        Answer::Edited(Edited::RichText) => (b'M', [].as_slice()),
        Answer::Refused(reason) => (b'F', reason.as_bytes()),
        Answer::Panicked => (b'P', [].as_slice()),
    };
    out.write_all(&[verdict])?;
    write_bytes(out, bytes)?;
    out.flush()
}

/// Reads an answer.
pub(super) fn read_answer(input: &mut impl Read) -> Result<Answer> {
    match read_byte(input)? {
        b'T' => read_text(input).map(Answer::Text),
        b'U' => read_bytes(input).map(|update| Answer::Edited(Edited::Made(update))),
        b'O' => read_text(input).map(|text| Answer::Edited(Edited::OtherText(text))),
        b'M' => read_bytes(input).map(|_nothing| Answer::Edited(Edited::RichText)),
        b'F' => read_text(input).map(Answer::Refused),
        b'P' => read_bytes(input).map(|_nothing| Answer::Panicked),
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

fn read_text(input: &mut impl Read) -> Result<String> {
    String::from_utf8(read_bytes(input)?).map_err(|error| Error::new(ErrorKind::InvalidData, error))
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
        let wanted = Wanted { client: 1 << 40, from: Some([7; 16]), text: "é😀".to_owned(), by_yrs: true };
        for task in [Task::Render, Task::Edit(Wanted { from: None, ..wanted.clone() }), Task::Edit(wanted)] {
            let job = Job { task, parts: parts.clone() };
            let mut bytes = Vec::new();
            write_job(&mut bytes, &job).unwrap();
            let mut input = bytes.as_slice();
            assert_eq!(read_job(&mut input).unwrap(), Some(job));
            assert_eq!(read_job(&mut input).unwrap(), None);
            assert!(read_job(&mut &bytes[..bytes.len() - 1]).is_err());
        }
        assert!(read_job(&mut &b"X"[..]).is_err());
        let said = [Answer::Text("é😀".to_owned()), Answer::Refused("why".to_owned()), Answer::Panicked];
        let edited = [Edited::Made(vec![255, 0]), Edited::OtherText("é".to_owned()), Edited::RichText];
        for answer in said.into_iter().chain(edited.map(Answer::Edited)) {
            let mut bytes = Vec::new();
            write_answer(&mut bytes, &answer).unwrap();
            assert_eq!(read_answer(&mut bytes.as_slice()).unwrap(), answer);
        }
        assert!(read_answer(&mut &[b'T', 255, 255, 255, 255, 255, 255, 255, 127, b'x'][..]).is_err());
    }
}
