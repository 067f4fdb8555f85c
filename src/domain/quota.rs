//! How much a workspace may hold, and what a batch adds to it. What is stored is counted by the store; nothing here knows
//! where.

use serde::Serialize;

/// Bytes that the store adds to a text, at most.
const TEXT_OVERHEAD: i64 = 1;

/// The most that may be stored; `None` = any amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Quotas {
    /// Documents of a workspace, deleted ones not counted.
    pub max_workspace_documents: Option<i64>,
    /// Bytes of a workspace: texts and Yjs states, old versions included.
    pub max_workspace_bytes: Option<i64>,
    /// Documents of all workspaces that one user answers for.
    pub max_user_documents: Option<i64>,
    /// Bytes of all workspaces that one user answers for.
    pub max_user_bytes: Option<i64>,
}

impl Quotas {
    /// Whether there is any.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        self.is_for_workspaces() || self.is_for_users()
    }

    /// Whether a workspace has one of its own.
    #[must_use]
    pub const fn is_for_workspaces(&self) -> bool {
        self.max_workspace_documents.is_some() || self.max_workspace_bytes.is_some()
    }

    /// Whether what else its owner has counts.
    #[must_use]
    pub const fn is_for_users(&self) -> bool {
        self.max_user_documents.is_some() || self.max_user_bytes.is_some()
    }

    /// What a workspace has room for, given what it holds and what all of its owner's hold.
    #[must_use]
    pub fn room(&self, workspace: Held, owner: Held) -> Room {
        let left = |own: Option<i64>, held: i64, all: Option<i64>, held_by_all: i64| {
            let own = own.map_or(i64::MAX, |most| most.saturating_sub(held));
            own.min(all.map_or(i64::MAX, |most| most.saturating_sub(held_by_all)))
        };
        Room {
            documents: left(
                self.max_workspace_documents,
                workspace.documents,
                self.max_user_documents,
                owner.documents,
            ),
            bytes: left(self.max_workspace_bytes, workspace.bytes, self.max_user_bytes, owner.bytes),
        }
    }
}

/// What is stored of one workspace, or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Documents that are not deleted.
    pub documents: i64,
    /// Bytes of texts and Yjs states, old versions included.
    pub bytes: i64,
}

/// What may still be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Documents.
    pub documents: i64,
    /// Bytes.
    pub bytes: i64,
}

impl Room {
    /// Without end.
    pub const ENDLESS: Self = Self { documents: i64::MAX, bytes: i64::MAX };

    /// Takes what an operation adds, if there is room for it. What adds nothing always fits.
    #[must_use]
    pub fn take(&mut self, added: Added) -> bool {
        let fits = (added.documents <= 0 || added.documents <= self.documents)
            && (added.bytes <= 0 || added.bytes <= self.bytes);
        if fits {
            self.documents = self.documents.saturating_sub(added.documents);
            self.bytes = self.bytes.saturating_sub(added.bytes);
        }
        fits
    }
}

/// What an operation adds; a deletion takes a document away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Documents.
    pub documents: i64,
    /// Bytes, as many as are stored at most.
    pub bytes: i64,
}

impl Added {
    /// A document more, or less.
    #[must_use]
    pub const fn documents(documents: i64) -> Self {
        Self { documents, bytes: 0 }
    }

    /// With these bytes of a text, and of Yjs updates.
    #[must_use]
    pub fn with(self, text: Option<usize>, yjs: Option<usize>) -> Self {
        let size = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
        let text = text.map_or(0, |length| size(length).saturating_add(TEXT_OVERHEAD));
        Self { bytes: self.bytes.saturating_add(text).saturating_add(yjs.map_or(0, size)), ..self }
    }
}

/// What a write set does to the numbers of documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Growth {
    /// To those that are not deleted.
    pub documents: i64,
    /// To those that are, and are remembered.
    pub deleted: i64,
}

impl Growth {
    /// Counts a document that was `before` and is `after`: deleted or not, `None` where it is not remembered.
    pub fn count(&mut self, before: Option<bool>, after: Option<bool>) {
        for (state, step) in [(before, -1_i64), (after, 1)] {
            match state {
                Some(true) => self.deleted = self.deleted.saturating_add(step),
                Some(false) => self.documents = self.documents.saturating_add(step),
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrower_of_two_quotas_holds() {
        let quotas = Quotas { max_workspace_bytes: Some(100), max_user_bytes: Some(150), ..Quotas::default() };
        let room = |own, all| quotas.room(Held { documents: 9, bytes: own }, Held { documents: 9, bytes: all });
        assert_eq!(room(40, 40), Room { documents: i64::MAX, bytes: 60 });
        assert_eq!(room(40, 140).bytes, 10);
        assert_eq!(room(140, 140).bytes, -40);
        assert!(quotas.is_any() && !Quotas::default().is_any());
    }

    #[test]
    fn what_adds_nothing_fits_into_a_full_workspace() {
        let mut room = Room { documents: 0, bytes: -40 };
        assert!(!room.take(Added::documents(1)));
        assert!(!room.take(Added::default().with(Some(0), None)), "an empty text is stored, too");
        assert!(room.take(Added::default()));
        assert!(room.take(Added::documents(-1)));
        assert!(room.take(Added::documents(1)), "a deletion makes room");
        assert_eq!(room, Room { documents: 0, bytes: -40 });
    }

    #[test]
    fn documents_come_go_and_are_forgotten() {
        let mut growth = Growth::default();
        growth.count(None, Some(false));
        growth.count(Some(false), Some(true));
        growth.count(Some(true), Some(false));
        assert_eq!(growth, Growth { documents: 1, deleted: 0 });
        growth.count(Some(true), None);
        assert_eq!(growth, Growth { documents: 1, deleted: -1 });
    }
}
