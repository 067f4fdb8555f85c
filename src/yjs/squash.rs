//! Writing the structs of a run in as few as possible.
//!
//! Two neighbours are joined where yjs would join them in a document: the second continues the first (the same
//! client, the next clock, its origin the last clock of the first, the same right origin) and both are text, or both
//! are deleted. Cutting the result again at the seam gives the second one back, so nothing is lost. (yjs also asks
//! that both or neither be deleted; deletions are kept apart here, in the delete set.)

use crate::domain::yjs_facts::{Client, Clock};
use crate::yjs::reader::Id;
use crate::yjs::reader::put_length;
use crate::yjs::scan_error::ScanError;
use crate::yjs::structs::{Body, Content, Place, cut_text, last_id, put_collected, put_deleted, put_text};
use crate::yjs::weave::{Run, RunStruct, Weave, put_deletes, put_section};

/// Writes a union in few structs.
pub(super) fn squash_weave(weave: &Weave<'_>) -> Result<Vec<u8>, ScanError> {
    let mut out = Vec::new();
    put_length(&mut out, weave.runs.len());
    for run in &weave.runs {
        let mut joiner = Joiner::new(run.client, run.start);
        squash_run(run, &mut joiner)?;
        joiner.finish(&mut out);
    }
    put_deletes(&mut out, &weave.deletes);
    Ok(out)
}

fn squash_run<'a>(run: &Run<'a>, joiner: &mut Joiner<'a>) -> Result<(), ScanError> {
    run.for_each(|part| {
        let RunStruct { clock, offset, item } = part;
        let length = item.length - offset;
        let Body::Item(inner) = &item.body else {
            joiner.collected(length);
            return Ok(());
        };
        let place = match offset.checked_sub(1) {
            Some(last) => inner.place.after(Id { client: run.client, clock: clock + last }),
            None => inner.place,
        };
        match inner.content {
            // The flag of a map entry says nothing that its origin does not, but it is kept as it came.
            Content::Text(text) if !inner.has_key() => {
                joiner.text(place, cut_text(text, offset, item.length).as_bytes(), length);
            }
            Content::Deleted if !inner.has_key() => joiner.deleted(place, length),
            _ => joiner.verbatim(length, |out| item.put_from(out, Id { client: run.client, clock }, offset)),
        }
        Ok(())
    })
}

/// What may still grow.
enum Pending<'a> {
    Nothing,
    Collected,
    Deleted(Place<'a>),
    /// Its UTF-8 is in the joiner's buffer.
    Text(Place<'a>),
}

/// Takes one client's structs in order and writes them, joined where they continue one another.
pub(super) struct Joiner<'a> {
    client: Client,
    start: Clock,
    structs: usize,
    body: Vec<u8>,
    pending: Pending<'a>,
    pending_length: Clock,
    utf8: Vec<u8>,
    end: Clock,
}

impl<'a> Joiner<'a> {
    pub(super) fn new(client: Client, start: Clock) -> Self {
        Self {
            client,
            start,
            structs: 0,
            body: Vec::new(),
            pending: Pending::Nothing,
            pending_length: 0,
            utf8: Vec::new(),
            end: start,
        }
    }

    pub(super) fn collected(&mut self, length: Clock) {
        if !matches!(self.pending, Pending::Collected) {
            self.begin(Pending::Collected);
        }
        self.grow(length);
    }

    pub(super) fn deleted(&mut self, place: Place<'a>, length: Clock) {
        if !matches!(&self.pending, Pending::Deleted(first) if self.continues(first, &place)) {
            self.begin(Pending::Deleted(place));
        }
        self.grow(length);
    }

    pub(super) fn text(&mut self, place: Place<'a>, utf8: &[u8], length: Clock) {
        if !matches!(&self.pending, Pending::Text(first) if self.continues(first, &place)) {
            self.begin(Pending::Text(place));
        }
        self.utf8.extend_from_slice(utf8);
        self.grow(length);
    }

    /// A struct that is never joined.
    pub(super) fn verbatim(&mut self, length: Clock, put: impl FnOnce(&mut Vec<u8>)) {
        self.begin(Pending::Nothing);
        put(&mut self.body);
        self.structs += 1;
        self.end += length;
    }

    /// Writes the client's section.
    pub(super) fn finish(mut self, out: &mut Vec<u8>) {
        self.begin(Pending::Nothing);
        put_section(out, self.client, self.start, self.structs, &self.body);
    }

    fn continues(&self, first: &Place<'a>, second: &Place<'a>) -> bool {
        second.origin == Some(last_id(self.client, self.end)) && second.right_origin == first.right_origin
    }

    fn grow(&mut self, length: Clock) {
        self.pending_length += length;
        self.end += length;
    }

    fn begin(&mut self, next: Pending<'a>) {
        match std::mem::replace(&mut self.pending, next) {
            Pending::Nothing => return,
            Pending::Collected => put_collected(&mut self.body, self.pending_length),
            Pending::Deleted(place) => put_deleted(&mut self.body, place, self.pending_length),
            Pending::Text(place) => put_text(&mut self.body, place, &self.utf8),
        }
        self.structs += 1;
        self.pending_length = 0;
        self.utf8.clear();
    }
}
