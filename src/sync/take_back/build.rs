//! The operations that take something back: one for each document.

use std::collections::HashMap;
use std::time::Instant;

use super::request::TakeBack;
use super::targets::Target;
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::{DocumentId, Version};
use crate::domain::operation::{
    Changes, Operation, OperationError, OperationKind, RejectedOperation, Submitted, Target as Named, Text,
};
use crate::domain::take_back::{Span, SpanTexts, Step, digest_of_name, step, without};
use crate::store::StoreError;
use crate::store::past::Then;
use crate::sync::{SyncError, SyncService};
use crate::yjs::render::{RenderError, Turn};

/// Bytes of old texts that one batch of operations puts back. What is beyond them is to be restored by itself.
const MAX_TEXT_BYTES: usize = 24 * 1024 * 1024;
/// Spans of one document that are taken back at once.
const MAX_SPANS: usize = 1_000;

impl SyncService {
    /// The operations that take the targets back, in their order.
    pub(super) fn operations_of(
        &self,
        request: &TakeBack,
        targets: Vec<Target>,
        deadline: Instant,
    ) -> Result<Vec<Submitted>, SyncError> {
        let steps: Vec<(Target, Option<Step>)> = targets
            .into_iter()
            .map(|target| {
                let step = of_one_span(&target);
                (target, step)
            })
            .collect();
        let turn = self.turn_until(request.user_id, deadline);
        let mut texts = Texts { service: self, request, turn, known: HashMap::new(), room: MAX_TEXT_BYTES };
        let wanted =
            steps.iter().filter_map(|(target, step)| Some((target.head.document_id, text_of(step.as_ref()?)?)));
        texts.read_all(wanted.collect(), deadline)?;
        let (name, contents) = (request.name(), format!("{:?}", request.what));
        let made = steps.into_iter().enumerate().map(|(index, (target, step))| {
            let id = target.head.document_id;
            let client_id = format!("{name}-{id}");
            let draft = match step {
                Some(step) => texts.draft(id, step)?,
                None => texts.draft_of_many(&target)?,
            };
            let payload_digest = digest_of_name(&format!("{client_id} {contents}"));
            Ok(draft.map_or_else(
                |failure| Submitted::Rejected(failure.at(index, client_id.clone(), id)),
                |draft| Submitted::Valid(Box::new(draft.operation(index, client_id.clone(), id, payload_digest))),
            ))
        });
        made.collect()
    }
}

/// What takes a target back of which one span is taken back.
fn of_one_span(target: &Target) -> Option<Step> {
    match target.spans.as_deref() {
        Some([span]) => Some(step(&target.head, span)),
        _ => None,
    }
}

const fn text_of(step: &Step) -> Option<Version> {
    match step {
        Step::Update { text_of, .. } => *text_of,
        Step::Delete { .. } => None,
    }
}

/// Why an operation cannot be made.
#[derive(Clone, Copy)]
struct Failure {
    code: ErrorCode,
    message: &'static str,
}

impl Failure {
    const TOO_LARGE: Self = Self {
        code: ErrorCode::TooLarge,
        message: "the texts to be put back are too large together; restore this document by itself",
    };
    const TOO_MANY: Self = Self {
        code: ErrorCode::TooLarge,
        message: "the document has too many versions since then to look through; restore it without naming whose",
    };
    const NOT_NOW: Self = Self {
        code: ErrorCode::Transient,
        message: "the document's old text cannot be derived now; try again shortly",
    };
    const LOST: Self = Self {
        code: ErrorCode::Damaged,
        message: "the document's old text cannot be read; the operator can find out why",
    };

    fn at(self, index: usize, client_id: String, id: DocumentId) -> RejectedOperation {
        RejectedOperation {
            index,
            client_id: Some(client_id),
            kind: Some(OperationKind::Update),
            target: Some(Named::Id(id)),
            error: OperationError { code: self.code, message: self.message.to_owned(), pointer: None },
        }
    }
}

/// An operation without its name.
#[derive(Default)]
struct Draft {
    deletes: bool,
    base: Version,
    restore: bool,
    title: Option<String>,
    content: Option<String>,
}

impl Draft {
    fn operation(self, index: usize, client_id: String, id: DocumentId, payload_digest: [u8; 16]) -> Operation {
        let Self { deletes, base, restore, title, content } = self;
        Operation {
            index,
            client_id,
            kind: if deletes { OperationKind::Delete } else { OperationKind::Update },
            target: Named::Id(id),
            base_version: Some(base),
            force: false,
            restore,
            changes: Changes { title, content: content.map(Text::new), ..Changes::default() },
            reader_state_vector: None,
            payload_digest,
        }
    }
}

/// Old texts, as they are needed.
struct Texts<'a> {
    service: &'a SyncService,
    request: &'a TakeBack,
    turn: Turn<'a>,
    known: HashMap<(DocumentId, Version), String>,
    /// Bytes that more texts may have.
    room: usize,
}

impl Texts<'_> {
    /// Reads texts that are stored as such, together.
    fn read_all(&mut self, wanted: Vec<(DocumentId, Version)>, deadline: Instant) -> Result<(), StoreError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let scope = self.service.scope(&self.request.batch(Vec::new(), None), deadline);
        let texts = self.service.store.look(&scope, |snapshot| snapshot.load_texts(&wanted, MAX_TEXT_BYTES))?;
        for text in texts {
            if let Some(content) = text.content {
                self.room = self.room.saturating_sub(content.len());
                self.known.insert((text.document_id, text.version), content.to_string());
            }
        }
        Ok(())
    }

    /// The text at a version; of a deletion, the one before it.
    fn text(&mut self, id: DocumentId, version: Version) -> Result<Result<String, Failure>, StoreError> {
        if let Some(known) = self.known.remove(&(id, version)) {
            return Ok(Ok(known));
        }
        if self.room == 0 {
            return Ok(Err(Failure::TOO_LARGE));
        }
        let found = self.service.store.read_past(self.request.workspace_id, |past| {
            let live = match past.version(id, version)?.map(|entry| entry.kind) {
                Some(OperationKind::Delete) => match past.before(id, version)? {
                    Then::Version(entry) => entry.version,
                    Then::Absent | Then::Lost => return Ok(None),
                },
                _ => version,
            };
            past.stored_version(id, live)
        })?;
        let text = match found {
            Some(found) if found.content.is_some() => found.content.unwrap_or_default(),
            Some(found) if !found.yjs_parts.is_empty() => match self.turn.render(id.0.as_u128(), &found.yjs_parts) {
                Ok(text) => text,
                Err(RenderError::Damaged(_)) => return Ok(Err(Failure::LOST)),
                Err(RenderError::Slow(_) | RenderError::Unavailable(_)) => return Ok(Err(Failure::NOT_NOW)),
            },
            _ => return Ok(Err(Failure::LOST)),
        };
        self.room = self.room.saturating_sub(text.len());
        Ok(Ok(text))
    }

    fn draft(&mut self, id: DocumentId, step: Step) -> Result<Result<Draft, Failure>, StoreError> {
        let Step::Update { base, restore, title, text_of } = step else {
            let Step::Delete { base } = step else { return Ok(Err(Failure::LOST)) };
            return Ok(Ok(Draft { deletes: true, base, ..Draft::default() }));
        };
        let content = match text_of.map(|version| self.text(id, version)).transpose()? {
            Some(Err(failure)) => return Ok(Err(failure)),
            text => text.and_then(Result::ok),
        };
        Ok(Ok(Draft { deletes: false, base, restore, title, content }))
    }

    /// Takes several spans back from what is there, as one change of it. Where one clashes with what was written since, it
    /// is tried by itself, and told as the conflict that it is.
    fn draft_of_many(&mut self, target: &Target) -> Result<Result<Draft, Failure>, StoreError> {
        let (head, id) = (&target.head, target.head.document_id);
        let spans = match target.spans.as_deref() {
            Some(spans) if spans.len() <= MAX_SPANS => spans,
            _ => return Ok(Err(Failure::TOO_MANY)),
        };
        if let Some(made) = spans.iter().rev().find(|span| !span.before.as_ref().is_some_and(|before| before.is_live)) {
            return self.draft(id, step(head, made));
        }
        let mut title = head.title.clone();
        for span in spans.iter().rev() {
            let Some(before) = span.before.as_ref().filter(|before| before.title != span.after.title) else { continue };
            if title != span.after.title {
                return self.draft(id, step(head, span));
            }
            title.clone_from(&before.title);
        }
        let current = match self.text(id, head.version)? {
            Ok(text) => text,
            Err(failure) => return Ok(Err(failure)),
        };
        let mut texts = Vec::new();
        let of_text: Vec<&Span> = spans.iter().filter(|span| span.changes_text).collect();
        for span in &of_text {
            let before = span.before.as_ref().map_or(0, |before| before.version);
            match (self.text(id, before)?, self.text(id, span.after.version)?) {
                (Ok(before), Ok(after)) => texts.push(SpanTexts { before, after }),
                (Err(failure), _) | (_, Err(failure)) => return Ok(Err(failure)),
            }
        }
        match without(current.clone(), &texts) {
            Ok(text) => Ok(Ok(Draft {
                deletes: false,
                base: head.version,
                restore: head.is_deleted() && spans.last().is_some_and(|span| span.after.version == head.version),
                title: Some(title).filter(|title| *title != head.title),
                content: Some(text).filter(|text| *text != current),
            })),
            Err(clash) => match of_text.get(clash) {
                Some(span) => self.draft(id, step(head, span)),
                None => Ok(Err(Failure::LOST)),
            },
        }
    }
}
