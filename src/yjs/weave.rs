//! The union of several updates, client by client: which bytes of which part are needed, and where to cut them.
//!
//! An update is a set of changes with names, so their union is a matter of clocks alone: for each client, the parts'
//! sections in order, less what an earlier one had already. A clock that several parts have is taken from the first of
//! them that could be applied, as yjs does: what was accepted first stays.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::domain::yjs_facts::{Client, Clock, DeleteSet, StateVector};
use crate::yjs::reader::{Id, Reader, put_length, put_number};
use crate::yjs::scan_error::ScanError;
use crate::yjs::structs::Struct;
use crate::yjs::walk::{Listener, NO_CAPS, Section, walk_update};

/// The union of updates, not yet written.
pub(super) struct Weave<'a> {
    /// By client in descending order, as yjs writes them.
    pub(super) runs: Vec<Run<'a>>,
    pub(super) deletes: DeleteSet,
}

/// What is known of one client: clocks `[start, end)` without a gap.
pub(super) struct Run<'a> {
    pub(super) client: Client,
    pub(super) start: Clock,
    pub(super) end: Clock,
    pieces: Vec<Piece<'a>>,
}

/// A section of a part, of which the clocks from `from` on are needed.
#[derive(Clone, Copy)]
struct Piece<'a> {
    section: Section<'a>,
    from: Clock,
}

/// A struct of a run, of which the first `offset` clocks are not needed.
pub(super) struct RunStruct<'a> {
    /// The first clock of the whole struct.
    pub(super) clock: Clock,
    pub(super) offset: Clock,
    pub(super) item: Struct<'a>,
}

/// The sections and deletions of all parts.
#[derive(Default)]
struct Collected<'a> {
    sections: Vec<Section<'a>>,
    deletions: Vec<(Client, Clock, Clock)>,
}

impl<'a> Collected<'a> {
    fn of(parts: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, ScanError> {
        let mut collected = Self::default();
        for part in parts {
            walk_update(part, &NO_CAPS, &mut collected)?;
        }
        Ok(collected)
    }
}

impl<'a> Listener<'a> for Collected<'a> {
    fn on_struct(&mut self, _client: Client, _clock: Clock, _item: &Struct<'a>) -> Result<(), &'static str> {
        Ok(())
    }

    fn on_section(&mut self, section: Section<'a>) {
        self.sections.push(section);
    }

    fn on_deletion(&mut self, client: Client, start: Clock, end: Clock) {
        self.deletions.push((client, start, end));
    }
}

impl<'a> Weave<'a> {
    /// Reads the parts and lays them side by side.
    ///
    /// # Errors
    /// If a part cannot be read, or a client's clocks have a gap between the parts.
    pub(super) fn of(parts: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, ScanError> {
        let Collected { mut sections, deletions } = Collected::of(parts)?;
        // Stable: the sections of one client stay in the order of their parts.
        sections.sort_by_key(|section| Reverse(section.client));
        let of_clients = sections.chunk_by(|first, second| first.client == second.client);
        let runs = of_clients.map(Run::of).collect::<Result<_, _>>()?;
        Ok(Self { runs, deletes: union_of_deletions(deletions) })
    }

    /// Forgets what a reader who has `known` has.
    pub(super) fn drop_known(&mut self, known: &StateVector) {
        for run in &mut self.runs {
            run.drop_below(known.get(run.client));
        }
        self.runs.retain(|run| run.start < run.end);
    }

    /// The clocks known of each client.
    ///
    /// # Errors
    /// If a client's first changes are missing.
    pub(super) fn state_vector(&self) -> Result<StateVector, ScanError> {
        if self.runs.iter().any(|run| run.start > 0) {
            return Err(ScanError::Invalid { reason: "the first changes of a client are missing", offset: 0 });
        }
        Ok(self.runs.iter().map(|run| (run.client, run.end)).collect())
    }

    /// Roots into which the union puts an item that names no neighbour.
    ///
    /// # Errors
    /// None in bytes that were walked before.
    pub(super) fn root_inserts(&self) -> Result<BTreeSet<String>, ScanError> {
        let mut roots = BTreeSet::new();
        for run in &self.runs {
            run.for_each(|RunStruct { offset, item, .. }| {
                if let Some(root) = item.root_of_sequence().filter(|root| offset == 0 && !roots.contains(*root)) {
                    roots.insert(root.to_owned());
                }
                Ok(())
            })?;
        }
        Ok(roots)
    }

    /// Writes the union: struct bytes as they are, but for the first struct of a piece that is cut.
    pub(super) fn encode(&self) -> Result<Vec<u8>, ScanError> {
        let bytes: usize = self.runs.iter().flat_map(|run| &run.pieces).map(|piece| piece.section.bytes.len()).sum();
        let mut out = Vec::with_capacity(bytes + 32);
        let mut body = Vec::new();
        put_length(&mut out, self.runs.len());
        for run in &self.runs {
            body.clear();
            let mut structs = 0;
            for piece in &run.pieces {
                structs += piece.put(&mut body)?;
            }
            put_section(&mut out, run.client, run.start, structs, &body);
        }
        put_deletes(&mut out, &self.deletes);
        Ok(out)
    }
}

impl<'a> Run<'a> {
    /// The run of one client's sections, each applied as soon as what comes before it is there.
    fn of(sections: &[Section<'a>]) -> Result<Self, ScanError> {
        let start = sections.iter().map(|section| section.start).min().unwrap_or(0);
        let client = sections.first().map_or(0, |section| section.client);
        let mut run = Self { client, start, end: start, pieces: Vec::new() };
        // By start, then by part: what waits for earlier clocks.
        let mut waiting: BTreeMap<(Clock, usize), Section<'a>> = BTreeMap::new();
        for (part, section) in sections.iter().enumerate() {
            if section.start > run.end {
                waiting.insert((section.start, part), *section);
                continue;
            }
            run.extend(*section);
            run.extend_by(&mut waiting);
        }
        if waiting.is_empty() {
            Ok(run)
        } else {
            Err(ScanError::Invalid { reason: "the updates leave a gap between them", offset: 0 })
        }
    }

    /// Applies what waited and can be applied now, the earliest part first.
    fn extend_by(&mut self, waiting: &mut BTreeMap<(Clock, usize), Section<'a>>) {
        let mut ready: BTreeMap<usize, Section<'a>> = BTreeMap::new();
        loop {
            while let Some(entry) = waiting.first_entry().filter(|entry| entry.key().0 <= self.end) {
                let ((_, part), section) = entry.remove_entry();
                ready.insert(part, section);
            }
            let Some((_, section)) = ready.pop_first() else { return };
            self.extend(section);
        }
    }

    fn extend(&mut self, section: Section<'a>) {
        if section.end > self.end {
            self.pieces.push(Piece { section, from: self.end });
            self.end = section.end;
        }
    }

    fn drop_below(&mut self, known: Clock) {
        self.start = self.start.max(known.min(self.end));
        self.pieces.retain(|piece| piece.section.end > known);
        for piece in &mut self.pieces {
            piece.from = piece.from.max(known);
        }
    }

    /// The structs of the run, in order.
    ///
    /// # Errors
    /// None in bytes that were walked before.
    pub(super) fn for_each(
        &self,
        mut visit: impl FnMut(RunStruct<'a>) -> Result<(), ScanError>,
    ) -> Result<(), ScanError> {
        for piece in &self.pieces {
            let mut reader = Reader::new(piece.section.bytes);
            let mut clock = piece.section.start;
            while !reader.rest().is_empty() {
                let item = Struct::read(&mut reader, usize::MAX)?;
                let next = clock.saturating_add(item.length);
                if next > piece.from {
                    visit(RunStruct { clock, offset: piece.from.saturating_sub(clock), item })?;
                }
                clock = next;
            }
        }
        Ok(())
    }
}

impl<'a> Piece<'a> {
    /// Writes the structs that are needed; answers how many.
    fn put(&self, out: &mut Vec<u8>) -> Result<usize, ScanError> {
        let Section { client, start, structs, bytes, .. } = self.section;
        let mut reader = Reader::new(bytes);
        let mut clock = start;
        let mut known = 0;
        while clock < self.from {
            let item = Struct::read(&mut reader, usize::MAX)?;
            known += 1;
            let next = clock.saturating_add(item.length);
            if next > self.from {
                item.put_from(out, Id { client, clock }, self.from - clock);
                known -= 1;
            }
            clock = next;
        }
        out.extend_from_slice(reader.rest());
        Ok(structs - known)
    }
}

/// Writes one client's structs.
pub(super) fn put_section(out: &mut Vec<u8>, client: Client, start: Clock, structs: usize, body: &[u8]) {
    put_length(out, structs);
    put_number(out, client);
    put_number(out, u64::from(start));
    out.extend_from_slice(body);
}

/// Writes a delete set, clients in descending order as yjs does.
pub(super) fn put_deletes(out: &mut Vec<u8>, deletes: &DeleteSet) {
    let ranges: Vec<_> = deletes.iter().collect();
    let clients: Vec<_> = ranges.chunk_by(|(first, ..), (second, ..)| first == second).collect();
    put_length(out, clients.len());
    for of_client in clients.iter().rev() {
        put_number(out, of_client.first().map_or(0, |(client, ..)| *client));
        put_length(out, of_client.len());
        for (_, start, end) in *of_client {
            put_number(out, u64::from(*start));
            put_number(out, u64::from(end - start));
        }
    }
}

/// The deletions of all parts, whatever lies between their structs.
///
/// # Errors
/// If a part cannot be read.
pub(super) fn deletions_of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Result<DeleteSet, ScanError> {
    Ok(union_of_deletions(Collected::of(parts)?.deletions))
}

/// A delete set of ranges in any order. Sorted first: inserted in order, each costs the same however many there are.
fn union_of_deletions(mut deletions: Vec<(Client, Clock, Clock)>) -> DeleteSet {
    deletions.sort_unstable();
    let mut deletes = DeleteSet::default();
    for (client, start, end) in deletions {
        deletes.insert(client, start, end);
    }
    deletes
}
