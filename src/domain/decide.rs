//! The heart: one operation against one document (protocol §1.4). Pure, and tested row by row.

use crate::domain::decision::{BaseView, ContentChange, Decision, Situation, Standing, UpdateEffect, Want};
use crate::domain::document::DocumentHead;
use crate::domain::error_code::ErrorCode;
use crate::domain::line_diff::Budget;
use crate::domain::operation::{Changes, Digest, Operation, OperationKind, Text, digest_of};
use crate::domain::outcome::Attach;
use crate::domain::refusal::{
    Refusal, base_version_required, deleted, divergent, invalid_base_version, missing_dependencies, not_now,
    not_replaced, rich_text, version_mismatch, yjs_required,
};
use crate::domain::replacements::{Replacement, replace_in};
use crate::domain::text_merge::{MERGE_STEPS, TextMerge, merge_texts_within};
use crate::domain::text_unite::unite_texts;
use crate::domain::yjs_facts::{DeleteSet, ScannedUpdate, StateVector};

/// Texts up to this length are merged inside their lines, too.
const MAX_UNITED_BYTES: usize = 32 * 1024;

/// Decides what the operation does to the document. A merge of texts spends of `budget`.
#[must_use]
pub fn decide(situation: &Situation<'_>, operation: &Operation, budget: &mut Budget) -> Decision {
    match operation.kind {
        OperationKind::Check => decide_check(situation, operation),
        OperationKind::Create => decide_create(situation, &operation.changes),
        OperationKind::Update => decide_update(situation, operation, budget).unwrap_or_else(Decision::from),
        OperationKind::Delete => decide_delete(situation, operation),
    }
}

/// A document that is not there, or is deleted, is at version 0 for a check.
fn decide_check(situation: &Situation<'_>, operation: &Operation) -> Decision {
    let live = situation.current.filter(|head| !head.is_deleted());
    if operation.base_version == Some(live.map_or(0, |head| head.version)) {
        return Decision::Unchanged;
    }
    Refusal::new(
        ErrorCode::VersionMismatch,
        "the document is not at base_version; look at server",
        Some("base_version"),
    )
    .with_document()
    .into()
}

fn decide_create(situation: &Situation<'_>, changes: &Changes) -> Decision {
    if let Some(head) = situation.current {
        if !head.is_deleted() {
            return decide_create_on_live(head, situation.known_deletions, changes);
        }
        if !situation.deleted_by_batch {
            return deleted("a document of this id was deleted; revive it with an update and restore: true").into();
        }
    }
    match &changes.yjs {
        Some(update) if !update.is_complete_for(&StateVector::default()) => {
            missing_dependencies(Attach::Nothing).into()
        }
        _ => Decision::Create,
    }
}

fn decide_create_on_live(head: &DocumentHead, known: Option<&DeleteSet>, changes: &Changes) -> Decision {
    if is_same_document(head, known, changes) {
        return Decision::Unchanged;
    }
    if let (Some(update), Some(vector)) = (&changes.yjs, &head.state_vector)
        && is_unrelated(update, head, vector)
    {
        return divergent().into();
    }
    Refusal::new(
        ErrorCode::AlreadyExists,
        "a live document with other contents has this id; update it, or create yours under another id",
        Some("document_id"),
    )
    .with_document()
    .into()
}

fn is_same_document(head: &DocumentHead, known: Option<&DeleteSet>, changes: &Changes) -> bool {
    let same_title = changes.title.as_ref() == Some(&head.title);
    let same_content = match (&changes.content, head.content_digest) {
        (Some(content), Some(digest)) => content.digest == digest,
        (Some(_), None) => changes.yjs.is_some(),
        (None, Some(digest)) => changes.yjs.is_some() || digest == empty_text_digest(),
        (None, None) => changes.yjs.is_some(),
    };
    let same_yjs = match (&changes.yjs, &head.state_vector) {
        (None, None) => true,
        (Some(update), Some(vector)) => {
            update.is_complete_for(vector)
                && update.spans.iter().map(|span| (span.client, span.end)).collect::<StateVector>() == *vector
                && known.is_some_and(|known| *known == update.deletes)
        }
        _ => false,
    };
    same_title && same_content && same_yjs
}

fn empty_text_digest() -> Digest {
    digest_of("")
}

fn decide_delete(situation: &Situation<'_>, operation: &Operation) -> Decision {
    match situation.current {
        None => Decision::Unchanged,
        Some(head) if head.is_deleted() => Decision::Unchanged,
        Some(_) if operation.force => Decision::Delete,
        Some(_) => match situation.standing {
            Standing::Current => Decision::Delete,
            Standing::Unstated => base_version_required().into(),
            Standing::Future => invalid_base_version().into(),
            Standing::Stale { .. } => Refusal::new(
                ErrorCode::VersionMismatch,
                "the document changed since base_version; look at server, then delete that version or use force",
                Some("base_version"),
            )
            .with_document()
            .with_base()
            .into(),
        },
    }
}

fn decide_update(situation: &Situation<'_>, operation: &Operation, budget: &mut Budget) -> Result<Decision, Refusal> {
    let Some(head) = situation.current else {
        return Err(Refusal::new(
            ErrorCode::NotFound,
            "there is no such document; create it first",
            Some("document_id"),
        ));
    };
    if head.is_deleted() && !operation.restore {
        return Err(deleted("the document was deleted; send restore: true to revive it with this update").with_base());
    }
    check_base(situation, operation, head)?;
    let changes = &operation.changes;
    if let Some(decision) = decide_yjs_text(situation, operation, head)? {
        return Ok(decision);
    }
    let standing = Opponent { situation, head, forced: operation.force };
    if head.is_purged() && changes.yjs.is_none() && changes.content.is_none() {
        return Err(deleted(
            "the document was deleted so long ago that its text is gone; restore it with the whole text or Yjs state",
        ));
    }
    let body = match &changes.yjs {
        Some(update) => standing.merge_yjs(update, changes.content.as_ref())?,
        None if !changes.edits.is_empty() => standing.edit_text(&changes.edits, budget)?,
        None => standing.merge_text(changes.content.as_ref(), budget)?,
    };
    if head.is_purged() {
        // Nothing is left to change: what the editor sends makes the document anew, under the old id.
        return Ok(Decision::Create);
    }
    let (title, title_overwritten) = standing.merge_title(changes)?;
    // An edit that states no version is one of the text as it is.
    let is_behind = !(standing.is_exact() || (!changes.edits.is_empty() && operation.base_version.is_none()));
    let effect = UpdateEffect {
        // Who forces an update asks for no merge; `server` shows what came of it.
        merged: is_behind && !operation.force && (body.changes() || title.is_some()),
        title,
        content: body.content,
        append_yjs: body.append_yjs,
        title_overwritten,
    };
    let changed = effect.title.is_some() || effect.append_yjs || effect.content != ContentChange::Keep;
    Ok(if changed || head.is_deleted() { Decision::Update(Box::new(effect)) } else { Decision::Unchanged })
}

/// What a change of text alone comes to on a document with Yjs state, if it is not one as on any other document.
fn decide_yjs_text(
    situation: &Situation<'_>,
    operation: &Operation,
    head: &DocumentHead,
) -> Result<Option<Decision>, Refusal> {
    let content = operation.changes.content.as_ref();
    if head.state_vector.is_none() || !operation.changes.are_of_text() {
        return Ok(None);
    }
    if situation.is_damaged {
        // Nobody can read what is there: the text makes the document anew, and its history keeps the bytes.
        let makes_anew = operation.force && content.is_some();
        return if makes_anew { Ok(Some(Decision::Create)) } else { Err(yjs_required()) };
    }
    if content.is_some_and(|content| head.content_digest == Some(content.digest)) {
        return Ok(None);
    }
    match &situation.standing {
        _ if situation.text.is_rich => Err(rich_text()),
        _ if situation.text.is_unavailable => Err(not_now()),
        _ if situation.content.is_none() => Ok(Some(Decision::Wants(Want::Text))),
        Standing::Stale { base }
            if content.is_some() && !operation.force && base.as_ref().is_none_or(|base| base.content.is_none()) =>
        {
            if situation.text.is_base_final {
                Err(yjs_required())
            } else {
                Ok(Some(Decision::Wants(Want::BaseText)))
            }
        }
        _ => Ok(None),
    }
}

fn check_base(situation: &Situation<'_>, operation: &Operation, head: &DocumentHead) -> Result<(), Refusal> {
    if operation.force {
        return Ok(());
    }
    match situation.standing {
        Standing::Current | Standing::Stale { .. } => Ok(()),
        Standing::Future => Err(invalid_base_version()),
        Standing::Unstated if operation.changes.yjs.is_some() && head.state_vector.is_some() => Ok(()),
        Standing::Unstated if !operation.changes.edits.is_empty() => Ok(()),
        Standing::Unstated => Err(base_version_required()),
    }
}

/// What an update's text or Yjs part comes to.
struct BodyEffect {
    content: ContentChange,
    append_yjs: bool,
}

impl BodyEffect {
    const NOTHING: Self = Self { content: ContentChange::Keep, append_yjs: false };

    fn changes(&self) -> bool {
        self.append_yjs || self.content != ContentChange::Keep
    }
}

/// A live (or to be revived) document that an update meets.
struct Opponent<'a> {
    situation: &'a Situation<'a>,
    head: &'a DocumentHead,
    forced: bool,
}

impl Opponent<'_> {
    /// Whether the editor had exactly this version.
    fn is_exact(&self) -> bool {
        self.situation.standing == Standing::Current
    }

    fn merge_yjs(&self, update: &ScannedUpdate, content: Option<&Text>) -> Result<BodyEffect, Refusal> {
        let sent = || content.map_or(ContentChange::Derive, |content| ContentChange::Set(content.clone()));
        let Some(vector) = &self.head.state_vector else {
            if !update.is_complete_for(&StateVector::default()) {
                return Err(missing_dependencies(Attach::Nothing));
            }
            return match self.situation.standing {
                Standing::Current => Ok(BodyEffect { content: sent(), append_yjs: true }),
                _ if self.forced => Ok(BodyEffect { content: sent(), append_yjs: true }),
                _ => Err(version_mismatch(
                    "the document has no Yjs state and changed since base_version; add the state to its current version",
                )),
            };
        };
        if !update.is_complete_for(vector) {
            return Err(missing_dependencies(Attach::StateVector));
        }
        let unrelated = is_unrelated(update, self.head, vector);
        if unrelated && !self.forced {
            return Err(divergent().with_base());
        }
        let has_news = update.has_structs_beyond(vector)
            || !(update.deletes.is_empty()
                || self.situation.known_deletions.is_some_and(|known| known.covers(&update.deletes)));
        Ok(if !has_news {
            BodyEffect::NOTHING
        } else if self.is_exact() && !unrelated {
            BodyEffect { content: sent(), append_yjs: true }
        } else {
            BodyEffect { content: ContentChange::Derive, append_yjs: true }
        })
    }

    fn merge_text(&self, content: Option<&Text>, budget: &mut Budget) -> Result<BodyEffect, Refusal> {
        let Some(incoming) = content else { return Ok(BodyEffect::NOTHING) };
        if self.head.content_digest == Some(incoming.digest) {
            return Ok(BodyEffect::NOTHING);
        }
        let set = |text: Text| Ok(BodyEffect { content: ContentChange::Set(text), append_yjs: false });
        if self.is_exact() || self.forced {
            return set(incoming.clone());
        }
        let clash =
            || version_mismatch("the text changed on both sides; settle it from server, base and merge, or use force");
        let base = match &self.situation.standing {
            Standing::Stale { base: Some(BaseView { content: Some(base), .. }) } => &**base,
            _ => return Err(clash()),
        };
        if *base == *incoming.text {
            return Ok(BodyEffect::NOTHING);
        }
        let Some(server) = self.situation.content else { return Err(clash()) };
        match merge_texts_within(base, &incoming.text, server, budget) {
            TextMerge::Clean(merged) if merged == server => Ok(BodyEffect::NOTHING),
            TextMerge::Clean(merged) => set(Text::new(merged)),
            TextMerge::Clash(marked) => match self.unite(base, &incoming.text, server, budget) {
                Some(united) => set(Text::new(united)),
                None => Err(Refusal { merge_text: Some(marked), ..clash() }),
            },
            TextMerge::TooLarge => Err(clash()),
        }
    }

    /// Both sides' changes of the same lines in one text, where they are of different words: as Yjs would merge them.
    fn unite(&self, base: &str, incoming: &str, server: &str, budget: &mut Budget) -> Option<String> {
        let is_short = [base, incoming, server].iter().all(|text| text.len() <= MAX_UNITED_BYTES);
        let may = self.head.state_vector.is_some() && is_short && budget.spend(MERGE_STEPS / 4);
        if may { unite_texts(base, incoming, server) } else { None }
    }

    /// Edits of the text as it is.
    fn edit_text(&self, edits: &[Replacement], budget: &mut Budget) -> Result<BodyEffect, Refusal> {
        let text = self.situation.content.ok_or_else(not_now)?;
        let edited = replace_in(text, edits, self.situation.text.max_bytes, budget).map_err(not_replaced)?;
        if edited == text {
            return Ok(BodyEffect::NOTHING);
        }
        Ok(BodyEffect { content: ContentChange::Set(Text::new(edited)), append_yjs: false })
    }

    /// The new title, if it changes, and whether it replaces one that somebody else set.
    fn merge_title(&self, changes: &Changes) -> Result<(Option<String>, bool), Refusal> {
        let Some(incoming) = changes.title.as_ref().filter(|title| **title != self.head.title) else {
            return Ok((None, false));
        };
        let wins = |overwrites| Ok((Some(incoming.clone()), overwrites));
        match &self.situation.standing {
            Standing::Current => wins(false),
            Standing::Stale { base: Some(base) } if base.title == self.head.title => wins(false),
            Standing::Stale { base: Some(base) } if base.title == *incoming && !self.forced => Ok((None, false)),
            _ if self.forced || changes.yjs.is_some() || changes.content.is_some() => wins(true),
            _ => Err(Refusal {
                field: Some("data/title"),
                ..version_mismatch("the title changed on both sides; choose one of them, or use force")
            }),
        }
    }
}

/// Whether merging would double the text: the update knows nothing of the document, yet puts an item without a
/// neighbour where the document already has some.
fn is_unrelated(update: &ScannedUpdate, head: &DocumentHead, vector: &StateVector) -> bool {
    update.is_stranger_to(vector) && update.root_inserts.iter().any(|root| head.yjs_roots.contains(root))
}
