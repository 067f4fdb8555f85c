//! Searching a workspace (protocol §2.1): the index says which documents may answer; their current texts say which do.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::domain::document::StoredDocument;
use crate::domain::ids::{DocumentId, UserId, Version, WorkspaceId};
use crate::domain::search::matching::{Stretch, snippet_of};
use crate::domain::search::query::Query;
use crate::domain::timestamp::Timestamp;
pub use crate::store::search::Tier;
use crate::store::search::{Candidate, Lookup};
use crate::store::{BatchScope, StoreError};
use crate::sync::damage::readable;
use crate::sync::view::{Rendered, text_of};
use crate::sync::{SyncError, SyncService};

/// Documents of one page that are looked at, at most; the next page goes on behind them.
const MAX_LOOKED_AT: usize = 400;
/// Bytes of documents that are read at once, unless one alone has more.
const CHUNK_BYTES: usize = 4 * 1024 * 1024;
/// Candidates that are read at once: about as many as the page still takes, and twice as many each time that too few of them
/// answer, up to this.
const MAX_CHUNK: usize = 100;
/// When a page ends in any case.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where a search goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchPlace {
    /// Among documents of this tier, or worse.
    pub tier: Tier,
    /// Only documents from before this in the feed, in the first of the tiers.
    pub before: i64,
}

impl SearchPlace {
    /// Where it begins.
    pub const START: Self = Self { tier: Tier::Title, before: i64::MAX };
}

/// A document that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Which document.
    pub document_id: DocumentId,
    /// Its version.
    pub version: Version,
    /// Its title.
    pub title: String,
    /// The part of its text that shows why.
    pub snippet: Vec<Stretch>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A page of what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchPage {
    /// Best first.
    pub hits: Vec<Hit>,
    /// Where the next page begins, if there may be one.
    pub next: Option<SearchPlace>,
}

/// What is read for one page.
struct Search<'a> {
    service: &'a SyncService,
    user_id: UserId,
    workspace_id: WorkspaceId,
    query: &'a Query,
    /// When the page ends in any case.
    deadline: Instant,
    looked_at: usize,
    /// Candidates that are read next, at least.
    chunk: usize,
}

impl SyncService {
    /// A page of the documents that answer the query, `limit` at most. The caller may read the workspace.
    ///
    /// # Errors
    /// What the store says.
    pub fn search(
        &self,
        user_id: UserId,
        workspace_id: WorkspaceId,
        query: &Query,
        from: SearchPlace,
        limit: usize,
    ) -> Result<SearchPage, SyncError> {
        let deadline = Instant::now() + PATIENCE;
        let mut search = Search { service: self, user_id, workspace_id, query, deadline, looked_at: 0, chunk: 0 };
        Ok(search.page(from, limit)?)
    }
}

impl Search<'_> {
    fn page(&mut self, from: SearchPlace, limit: usize) -> Result<SearchPage, StoreError> {
        let lookup = Lookup::from(self.query);
        let mut page = SearchPage::default();
        let mut place = from;
        for tier in Tier::ALL.into_iter().filter(|tier| *tier >= from.tier) {
            if tier != from.tier {
                place = SearchPlace { tier, before: i64::MAX };
            }
            self.chunk = 0;
            let mut wanted = (limit + 1).saturating_sub(page.hits.len());
            loop {
                let store = &self.service.store;
                let found = store.find_candidates(self.workspace_id, &lookup, tier, place.before, wanted)?;
                let is_last = found.len() < wanted;
                // If too few of them answer, all that may be looked at: it is the looking up that costs, not what is found.
                wanted = MAX_LOOKED_AT;
                if !self.look_at(&found, limit, &mut place, &mut page)? {
                    page.next = Some(place);
                    return Ok(page);
                }
                if is_last {
                    break;
                }
            }
        }
        Ok(page)
    }

    /// Looks at candidates, in order, and moves on; whether the page can go on behind them.
    fn look_at(
        &mut self,
        candidates: &[Candidate],
        limit: usize,
        place: &mut SearchPlace,
        page: &mut SearchPage,
    ) -> Result<bool, StoreError> {
        let mut read = HashMap::new();
        for (at, candidate) in candidates.iter().enumerate() {
            if self.looked_at >= MAX_LOOKED_AT || Instant::now() >= self.deadline {
                return Ok(false);
            }
            if !read.contains_key(&candidate.document_id) {
                let chunk = (limit + 1).saturating_sub(page.hits.len()).max(self.chunk).min(MAX_CHUNK);
                self.chunk = chunk * 2;
                let rest = candidates.get(at..).unwrap_or_default();
                read = self.read(rest.get(..chunk).unwrap_or(rest))?;
            }
            self.looked_at += 1;
            let document = read.remove(&candidate.document_id).flatten();
            if let Some(hit) = document.and_then(|document| self.hit(document)) {
                // One more than fits says that there is more.
                if page.hits.len() >= limit {
                    return Ok(false);
                }
                page.hits.push(hit);
            }
            place.before = candidate.sequence;
        }
        Ok(true)
    }

    /// The first of the candidates' documents, as many as are read at once; `None` for one that is not there.
    fn read(&self, candidates: &[Candidate]) -> Result<HashMap<DocumentId, Option<StoredDocument>>, StoreError> {
        let ids: Vec<DocumentId> = candidates.iter().map(|candidate| candidate.document_id).collect();
        let scope = BatchScope {
            sync_id: None,
            workspace_id: self.workspace_id,
            user_id: self.user_id,
            device_id: None,
            now: self.service.clock.now(),
            deadline: self.deadline.max(Instant::now() + PATIENCE),
        };
        let found = self
            .service
            .store
            .look(&scope, |snapshot| Ok(readable(ids.clone(), |ids| snapshot.load_documents(ids, CHUNK_BYTES))?.0))?;
        let bytes: usize = found.iter().map(StoredDocument::body_bytes).sum();
        let last = found.last().map(|document| document.head.document_id).filter(|_| bytes >= CHUNK_BYTES);
        let reached = last.and_then(|last| ids.iter().position(|id| *id == last)).map_or(ids.len(), |at| at + 1);
        let mut read: HashMap<_, _> = ids.into_iter().take(reached).map(|id| (id, None)).collect();
        read.extend(found.into_iter().map(|document| (document.head.document_id, Some(document))));
        Ok(read)
    }

    /// What is shown of a document, if it answers the query as it is now.
    fn hit(&self, document: StoredDocument) -> Option<Hit> {
        if document.head.is_deleted() {
            return None;
        }
        let rendered = Rendered::from(&document.head);
        let is_damaged = document.damaged;
        let turn = self.service.turn_until(self.user_id, self.deadline);
        let (head, text, learned) = text_of(&turn, document);
        // Without a text that could be had later, the index is believed.
        let known = text.as_deref().or(if is_damaged { Some("") } else { None });
        let snippet = snippet_of(self.query, &head.title, known);
        self.service.keep(self.workspace_id, rendered, learned);
        Some(Hit {
            document_id: head.document_id,
            version: head.version,
            snippet: snippet?,
            title: head.title,
            updated_at: head.updated_at,
        })
    }
}
