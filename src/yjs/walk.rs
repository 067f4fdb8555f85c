//! The grammar of a whole update, read once from front to back for whoever listens.
//!
//! Every rule that an update obeys by itself is checked here; rules between its parts are the listener's.

use crate::domain::limits::YjsCaps;
use crate::domain::yjs_facts::{Client, Clock};
use crate::yjs::reader::{MAX_CLOCK, Reader};
use crate::yjs::scan_error::ScanError;
use crate::yjs::structs::Struct;

/// Caps for bytes that were scanned when they came in: the server's own.
pub(super) const NO_CAPS: YjsCaps = YjsCaps {
    max_yjs_structs: usize::MAX,
    max_yjs_clients: usize::MAX,
    max_yjs_delete_ranges: usize::MAX,
    max_yjs_nesting: usize::MAX,
    max_yjs_steps: usize::MAX,
};

/// The structs of one client: clocks `[start, end)` without a gap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section<'a> {
    pub(super) client: Client,
    pub(super) start: Clock,
    pub(super) end: Clock,
    pub(super) structs: usize,
    /// The structs, one after the other.
    pub(super) bytes: &'a [u8],
}

/// Who is told what an update holds, in the order in which it holds it.
pub(super) trait Listener<'a> {
    /// A struct whose first clock is `clock`.
    ///
    /// # Errors
    /// A reason why the update is not acceptable.
    fn on_struct(&mut self, client: Client, clock: Clock, item: &Struct<'a>) -> Result<(), &'static str>;

    /// The end of a client's structs.
    fn on_section(&mut self, section: Section<'a>);

    /// A deletion of clocks `[start, end)`, sorted within a client.
    fn on_deletion(&mut self, client: Client, start: Clock, end: Clock);
}

/// Reads `bytes` as one whole update.
pub(super) fn walk_update<'a>(
    bytes: &'a [u8],
    caps: &YjsCaps,
    listener: &mut impl Listener<'a>,
) -> Result<(), ScanError> {
    let mut reader = Reader::new(bytes);
    walk_structs(&mut reader, caps, listener)?;
    walk_deletions(&mut reader, caps, listener)?;
    if reader.rest().is_empty() {
        Ok(())
    } else {
        Err(reader.invalid("bytes after the end of the update (is it a v2 update?)"))
    }
}

fn walk_structs<'a>(
    reader: &mut Reader<'a>,
    caps: &YjsCaps,
    listener: &mut impl Listener<'a>,
) -> Result<(), ScanError> {
    // A client takes a count, an id, a clock and a struct of two bytes at least.
    let clients = within("max_yjs_clients", reader.count(5)?, caps.max_yjs_clients)?;
    let mut seen = Unique::default();
    let mut structs = 0_usize;
    for _ in 0..clients {
        let count = reader.count(2)?;
        structs = within("max_yjs_structs", structs + count, caps.max_yjs_structs)?;
        if count == 0 {
            return Err(reader.invalid("a client without structs"));
        }
        let client = reader.client()?;
        seen.push(client);
        let start = reader.clock()?;
        let section_bytes = reader.rest();
        let mut clock = start;
        for _ in 0..count {
            let item = Struct::read(reader, caps.max_yjs_nesting)?;
            if item.length > MAX_CLOCK - clock {
                return Err(reader.invalid("a clock goes over 2^31 - 1"));
            }
            listener.on_struct(client, clock, &item).map_err(|reason| reader.invalid(reason))?;
            clock += item.length;
        }
        let bytes = reader.since(section_bytes);
        listener.on_section(Section { client, start, end: clock, structs: count, bytes });
    }
    if seen.has_duplicates() { Err(reader.invalid("a client comes twice")) } else { Ok(()) }
}

fn walk_deletions<'a>(
    reader: &mut Reader<'a>,
    caps: &YjsCaps,
    listener: &mut impl Listener<'a>,
) -> Result<(), ScanError> {
    let clients = within("max_yjs_clients", reader.count(2)?, caps.max_yjs_clients)?;
    let mut seen = Unique::default();
    let mut ranges = 0_usize;
    for _ in 0..clients {
        let client = reader.client()?;
        seen.push(client);
        let count = reader.count(2)?;
        ranges = within("max_yjs_delete_ranges", ranges + count, caps.max_yjs_delete_ranges)?;
        let mut previous_end = 0;
        for _ in 0..count {
            let start = reader.clock()?;
            let length = reader.clock()?;
            if length == 0 {
                return Err(reader.invalid("a deletion of length zero"));
            }
            if length > MAX_CLOCK - start {
                return Err(reader.invalid("a deletion goes over 2^31 - 1"));
            }
            if start < previous_end {
                return Err(reader.invalid("deletions are not sorted, or overlap"));
            }
            previous_end = start + length;
            listener.on_deletion(client, start, previous_end);
        }
    }
    if seen.has_duplicates() { Err(reader.invalid("a client comes twice among the deletions")) } else { Ok(()) }
}

/// `count`, if it is not over a cap.
pub(super) fn within(limit: &'static str, count: usize, max: usize) -> Result<usize, ScanError> {
    if count <= max { Ok(count) } else { Err(ScanError::TooLarge { limit, max }) }
}

/// Clients as they come: yjs writes them in descending order, which proves them unique at once.
#[derive(Default)]
pub(super) struct Unique {
    clients: Vec<Client>,
    unordered: bool,
}

impl Unique {
    pub(super) fn push(&mut self, client: Client) {
        self.unordered |= self.clients.last().is_some_and(|last| *last <= client);
        self.clients.push(client);
    }

    pub(super) fn has_duplicates(mut self) -> bool {
        if !self.unordered {
            return false;
        }
        self.clients.sort_unstable();
        self.clients.array_windows().any(|[first, second]| first == second)
    }
}
