//! What editors say of themselves, on its way to the other servers: as messages of a bounded size, so many a second for
//! each document.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use uuid::Uuid;

use crate::domain::ids::{DocumentId, WorkspaceId};
use crate::sync::presence::Presence;

/// Between two messages about one document.
const PAUSE: Duration = Duration::from_millis(200);
/// Documents of which something may wait to be sent; of more it is lost.
const MAX_DOCUMENTS: usize = 10_000;
/// Bytes of a message: Postgres takes 8,000 (`NAMEDATALEN` and the channel's name come on top).
const MAX_MESSAGE_BYTES: usize = 7_800;
/// What a message has besides what editors say: three UUIDs and its word.
const HEAD_BYTES: usize = 140;

type Place = (WorkspaceId, DocumentId);

/// What waits to be sent.
#[derive(Default)]
pub(super) struct WaitingPresences {
    said: BTreeMap<Place, BTreeMap<u64, Presence>>,
    /// Not sent of before.
    rested: HashMap<Place, Instant>,
}

impl WaitingPresences {
    pub(super) fn add(&mut self, place: Place, said: Vec<Presence>) {
        if self.said.len() >= MAX_DOCUMENTS && !self.said.contains_key(&place) {
            return;
        }
        let waiting = self.said.entry(place).or_default();
        waiting.extend(said.into_iter().map(|presence| (presence.client, presence)));
    }

    /// When something is to be sent next; `None` if nothing waits.
    pub(super) fn due(&self) -> Option<Instant> {
        let now = Instant::now();
        self.said.keys().map(|place| self.rested.get(place).copied().unwrap_or(now)).min()
    }

    /// What is to be sent by now.
    pub(super) fn take(&mut self, now: Instant, server_id: Uuid) -> Vec<String> {
        self.rested.retain(|_, until| *until > now);
        let (due, rest) = std::mem::take(&mut self.said)
            .into_iter()
            .partition::<BTreeMap<_, _>, _>(|(place, _)| !self.rested.contains_key(place));
        self.said = rest;
        let mut texts = Vec::new();
        for (place, said) in due {
            self.rested.insert(place, now + PAUSE);
            write(server_id, place, said.into_values(), &mut texts);
        }
        texts
    }
}

fn write(server_id: Uuid, (workspace, document): Place, said: impl Iterator<Item = Presence>, texts: &mut Vec<String>) {
    let head = format!("{server_id} presence {workspace} {document}");
    let mut text = head.clone();
    for presence in said {
        let state = presence.state.map_or_else(|| "-".to_owned(), |state| STANDARD_NO_PAD.encode(state.as_bytes()));
        let word = format!(" {}:{}:{state}", presence.client, presence.clock);
        if word.len() + HEAD_BYTES > MAX_MESSAGE_BYTES {
            // Too much for one message: the other servers do not hear of it.
            continue;
        }
        if text.len() + word.len() > MAX_MESSAGE_BYTES {
            texts.push(std::mem::replace(&mut text, head.clone()));
        }
        text.push_str(&word);
    }
    if text.len() > head.len() {
        texts.push(text);
    }
}

/// The server, the document and what is said; `None` for other messages.
pub(super) fn parse(text: &str) -> Option<(Uuid, WorkspaceId, DocumentId, Vec<Presence>)> {
    let mut words = text.split(' ');
    let server_id = Uuid::try_parse(words.next()?).ok()?;
    if words.next()? != "presence" {
        return None;
    }
    let workspace_id = WorkspaceId(Uuid::try_parse(words.next()?).ok()?);
    let document_id = DocumentId(Uuid::try_parse(words.next()?).ok()?);
    let said = words.map(parse_one).collect::<Option<Vec<Presence>>>()?;
    Some((server_id, workspace_id, document_id, said))
}

fn parse_one(word: &str) -> Option<Presence> {
    let (client, rest) = word.split_once(':')?;
    let (clock, state) = rest.split_once(':')?;
    let state = match state {
        "-" => None,
        encoded => Some(String::from_utf8(STANDARD_NO_PAD.decode(encoded).ok()?).ok()?.into()),
    };
    Some(Presence { client: client.parse().ok()?, clock: clock.parse().ok()?, state })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = (WorkspaceId(Uuid::from_u128(1)), DocumentId(Uuid::from_u128(2)));

    fn says(client: u64, state: Option<&str>) -> Presence {
        Presence { client, clock: 3, state: state.map(Into::into) }
    }

    #[test]
    fn what_was_said_is_read_as_it_was_written() {
        let mut waiting = WaitingPresences::default();
        let said = vec![says(1, Some("{\"name\":\"Ada Ü\"}")), says(2, None)];
        waiting.add(PLACE, said.clone());
        let texts = waiting.take(Instant::now(), Uuid::from_u128(7));
        assert_eq!(texts.len(), 1);
        assert_eq!(parse(&texts[0]), Some((Uuid::from_u128(7), PLACE.0, PLACE.1, said)));
        assert_eq!(parse("x presence"), None);
    }

    #[test]
    fn messages_are_bounded_in_size_and_number() {
        let mut waiting = WaitingPresences::default();
        let long = "x".repeat(2_000);
        waiting.add(PLACE, (0..10).map(|client| says(client, Some(&long))).collect());
        waiting.add(PLACE, vec![says(99, Some(&"x".repeat(8_000)))]);
        let now = Instant::now();
        let texts = waiting.take(now, Uuid::nil());
        assert!(texts.iter().all(|text| text.len() <= MAX_MESSAGE_BYTES));
        let heard: Vec<u64> =
            texts.iter().flat_map(|text| parse(text).unwrap().3).map(|presence| presence.client).collect();
        assert_eq!(heard, (0..10).collect::<Vec<_>>());
        waiting.add(PLACE, vec![says(1, None)]);
        assert!(waiting.take(now, Uuid::nil()).is_empty(), "five times a second");
        assert!(waiting.due().is_some_and(|due| due > now));
        assert_eq!(waiting.take(now + PAUSE, Uuid::nil()).len(), 1);
    }
}
