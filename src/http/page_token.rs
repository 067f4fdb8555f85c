//! Page tokens: where a listing goes on, opaque to the client and good for one listing only.
//!
//! A token carries a position and a check that binds it to what is listed, so that a token of another workspace, of
//! another document, or made up, is refused instead of starting at a wrong place. The check is no secret: whoever
//! may list may start where they like, and the right to list is checked apart.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::ids::{DocumentId, SyncId, UserId, Version, WorkspaceId};
use crate::domain::timestamp::Timestamp;

/// The form of the tokens; a token of another form is refused.
const FORM: u8 = 1;
const CHECK_BYTES: usize = 8;
/// Bytes of a query's digest.
const QUERY_BYTES: usize = 16;

/// What a token pages through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// The documents of a workspace, by id.
    Documents(WorkspaceId),
    /// The versions of a document, newest first.
    Versions(WorkspaceId, DocumentId),
    /// The sync runs of a user, newest first.
    Runs(WorkspaceId, UserId),
    /// The members of a workspace, by name.
    Members(WorkspaceId),
    /// What a query found in a workspace, best first.
    Found(WorkspaceId, [u8; QUERY_BYTES]),
}

/// A token that was not made for this listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("page_token is not one that this listing gave out; take next_page_token of the page before, or none")]
pub struct ForeignToken;

impl Listing {
    fn token(self, position: &[u8]) -> String {
        let mut bytes = vec![FORM];
        bytes.extend_from_slice(position);
        bytes.extend(self.check(position));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn position<const N: usize>(self, token: &str) -> Result<[u8; N], ForeignToken> {
        // What is wrong with a token that nobody gave out is of no use to anyone.
        let bytes = URL_SAFE_NO_PAD.decode(token).or(Err(ForeignToken))?;
        let (form, rest) = bytes.split_first().ok_or(ForeignToken)?;
        let (position, check) = rest.split_first_chunk::<N>().ok_or(ForeignToken)?;
        if *form == FORM && self.check(position).eq(check.iter().copied()) { Ok(*position) } else { Err(ForeignToken) }
    }

    fn check(self, position: &[u8]) -> impl Iterator<Item = u8> {
        let mut hash = Sha256::new_with_prefix("landfall page token");
        match self {
            Self::Documents(workspace) => {
                hash.update([0]);
                hash.update(workspace.0.as_bytes());
            }
            Self::Versions(workspace, document) => {
                hash.update([1]);
                hash.update(workspace.0.as_bytes());
                hash.update(document.0.as_bytes());
            }
            Self::Runs(workspace, user) => {
                hash.update([2]);
                hash.update(workspace.0.as_bytes());
                hash.update(user.0.as_bytes());
            }
            Self::Members(workspace) => {
                hash.update([3]);
                hash.update(workspace.0.as_bytes());
            }
            Self::Found(workspace, query) => {
                hash.update([4]);
                hash.update(workspace.0.as_bytes());
                hash.update(query);
            }
        }
        hash.update(position);
        hash.finalize().into_iter().take(CHECK_BYTES)
    }
}

/// The token for the documents of `workspace` after `last`.
#[must_use]
pub fn after_document(workspace: WorkspaceId, last: DocumentId) -> String {
    Listing::Documents(workspace).token(last.0.as_bytes())
}

/// The document after which the listing goes on.
///
/// # Errors
/// [`ForeignToken`].
pub fn read_after_document(workspace: WorkspaceId, token: &str) -> Result<DocumentId, ForeignToken> {
    Listing::Documents(workspace).position(token).map(|bytes| DocumentId(Uuid::from_bytes(bytes)))
}

/// The token for the versions of `document` before `last`.
#[must_use]
pub fn before_version(workspace: WorkspaceId, document: DocumentId, last: Version) -> String {
    Listing::Versions(workspace, document).token(&last.to_be_bytes())
}

/// The version before which the listing goes on.
///
/// # Errors
/// [`ForeignToken`].
pub fn read_before_version(workspace: WorkspaceId, document: DocumentId, token: &str) -> Result<Version, ForeignToken> {
    Listing::Versions(workspace, document).position(token).map(Version::from_be_bytes)
}

/// The token for the sync runs of `user` after `last`, which began at that time.
#[must_use]
pub fn before_run(workspace: WorkspaceId, user: UserId, (started_at, last): (Timestamp, SyncId)) -> String {
    let position = [&started_at.0.to_be_bytes()[..], last.0.as_bytes()].concat();
    Listing::Runs(workspace, user).token(&position)
}

/// The sync run after which the listing goes on.
///
/// # Errors
/// [`ForeignToken`].
pub fn read_before_run(workspace: WorkspaceId, user: UserId, token: &str) -> Result<(Timestamp, SyncId), ForeignToken> {
    let position: [u8; 24] = Listing::Runs(workspace, user).position(token)?;
    let (started_at, last) = position.split_first_chunk::<8>().ok_or(ForeignToken)?;
    let last = Uuid::from_slice(last).or(Err(ForeignToken))?;
    Ok((Timestamp(i64::from_be_bytes(*started_at)), SyncId(last)))
}

/// Bytes of the longest name.
const NAME_BYTES: usize = 64;

/// The token for the members of `workspace` after the one of this name.
#[must_use]
pub fn after_member(workspace: WorkspaceId, last: &str) -> String {
    let mut position = [0; NAME_BYTES];
    position.iter_mut().zip(last.bytes()).for_each(|(place, byte)| *place = byte);
    Listing::Members(workspace).token(&position)
}

/// The name after which the listing goes on.
///
/// # Errors
/// [`ForeignToken`].
pub fn read_after_member(workspace: WorkspaceId, token: &str) -> Result<String, ForeignToken> {
    let position: [u8; NAME_BYTES] = Listing::Members(workspace).position(token)?;
    let name = position.into_iter().take_while(|byte| *byte != 0).collect();
    String::from_utf8(name).or(Err(ForeignToken))
}

fn found(workspace: WorkspaceId, query: &str) -> Listing {
    let mut digest = [0; QUERY_BYTES];
    digest.iter_mut().zip(Sha256::digest(query.as_bytes())).for_each(|(place, byte)| *place = byte);
    Listing::Found(workspace, digest)
}

/// The token for what `query` finds in `workspace` from a tier and a place in the feed on.
#[must_use]
pub fn after_found(workspace: WorkspaceId, query: &str, (tier, before): (u8, i64)) -> String {
    let position = [&[tier][..], &before.to_be_bytes()].concat();
    found(workspace, query).token(&position)
}

/// The tier and the place in the feed from which a search goes on.
///
/// # Errors
/// [`ForeignToken`].
pub fn read_after_found(workspace: WorkspaceId, query: &str, token: &str) -> Result<(u8, i64), ForeignToken> {
    let position: [u8; 9] = found(workspace, query).position(token)?;
    let (tier, before) = position.split_first_chunk::<1>().ok_or(ForeignToken)?;
    let before = <[u8; 8]>::try_from(before).or(Err(ForeignToken))?;
    let [tier] = *tier;
    Ok((tier, i64::from_be_bytes(before)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: WorkspaceId = WorkspaceId(Uuid::from_u128(1));
    const TWO: WorkspaceId = WorkspaceId(Uuid::from_u128(2));
    const DOCUMENT: DocumentId = DocumentId(Uuid::from_u128(3));
    const OTHER: DocumentId = DocumentId(Uuid::from_u128(4));

    #[test]
    fn a_token_leads_back_to_its_position() {
        assert_eq!(read_after_document(ONE, &after_document(ONE, DOCUMENT)), Ok(DOCUMENT));
        let token = before_version(ONE, DOCUMENT, 7);
        assert_eq!(read_before_version(ONE, DOCUMENT, &token), Ok(7));
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'), "{token}");
    }

    #[test]
    fn a_token_serves_its_own_listing_only() {
        let documents = after_document(ONE, DOCUMENT);
        let versions = before_version(ONE, DOCUMENT, 7);
        assert_eq!(read_after_document(TWO, &documents), Err(ForeignToken));
        assert_eq!(read_after_document(ONE, &versions), Err(ForeignToken));
        assert_eq!(read_before_version(TWO, DOCUMENT, &versions), Err(ForeignToken));
        assert_eq!(read_before_version(ONE, OTHER, &versions), Err(ForeignToken));
        assert_eq!(read_before_version(ONE, DOCUMENT, &documents), Err(ForeignToken));
    }

    #[test]
    fn a_token_of_a_history_serves_its_owner_only() {
        let (ada, grace) = (UserId(Uuid::from_u128(5)), UserId(Uuid::from_u128(6)));
        let place = (Timestamp(-7), SyncId(Uuid::from_u128(8)));
        let token = before_run(ONE, ada, place);
        assert_eq!(read_before_run(ONE, ada, &token), Ok(place));
        assert_eq!(read_before_run(ONE, grace, &token), Err(ForeignToken));
        assert_eq!(read_before_run(TWO, ada, &token), Err(ForeignToken));
        assert_eq!(read_after_document(ONE, &token), Err(ForeignToken));
    }

    #[test]
    fn members_go_on_after_a_name() {
        let longest = "a".repeat(NAME_BYTES);
        for name in ["", "ada", longest.as_str()] {
            assert_eq!(read_after_member(ONE, &after_member(ONE, name)).as_deref(), Ok(name));
        }
        assert_eq!(read_after_member(TWO, &after_member(ONE, "ada")), Err(ForeignToken));
    }

    #[test]
    fn a_search_goes_on_with_the_same_query() {
        let token = after_found(ONE, "plan", (1, 700));
        assert_eq!(read_after_found(ONE, "plan", &token), Ok((1, 700)));
        assert_eq!(read_after_found(ONE, "plans", &token), Err(ForeignToken));
        assert_eq!(read_after_found(TWO, "plan", &token), Err(ForeignToken));
    }

    #[test]
    fn a_token_that_was_tampered_with_is_refused() {
        let token = after_document(ONE, DOCUMENT);
        for place in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(read_after_document(ONE, &changed), Err(ForeignToken), "{changed}");
        }
        for forged in ["", "A", "7", "====", "%00", &token[1..], &format!("{token}AA"), &"A".repeat(100_000)] {
            assert_eq!(read_after_document(ONE, forged), Err(ForeignToken), "{forged}");
        }
    }
}
