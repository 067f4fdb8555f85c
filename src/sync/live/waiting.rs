//! What waits to be stored in a room, and how much of it is stored at once.

use std::collections::VecDeque;

use tokio::sync::OwnedSemaphorePermit;

use crate::domain::ids::UserId;
use crate::sync::live::news::Tag;
use crate::sync::presence::SocketId;

/// Bytes of updates that are committed as one, unless a single one is larger.
pub(super) const MAX_GROUP_BYTES: usize = 64 * 1024;

/// An update that waits to be stored.
#[derive(Debug)]
pub(super) struct Waiting {
    pub socket: SocketId,
    pub user_id: UserId,
    pub update: Vec<u8>,
    pub tag: Tag,
    pub _room: OwnedSemaphorePermit,
}

/// What a room has to do next. One at a time.
#[derive(Debug)]
pub struct Work(pub(super) Task);

#[derive(Debug)]
pub(super) enum Task {
    /// Pass on what was committed elsewhere.
    CatchUp,
    /// Store these updates, all of one user.
    Save(Vec<Waiting>),
}

/// All that the user waits for whose update is first, as far as it is one commit.
pub(super) fn take_group(queue: &mut VecDeque<Waiting>) -> Vec<Waiting> {
    let Some(user_id) = queue.front().map(|first| first.user_id) else { return Vec::new() };
    let (mut group, mut rest, mut bytes, mut is_full) = (Vec::new(), VecDeque::new(), 0_usize, false);
    for waiting in std::mem::take(queue) {
        let size = bytes.saturating_add(waiting.update.len());
        is_full = is_full || (waiting.user_id == user_id && size > MAX_GROUP_BYTES && !group.is_empty());
        if waiting.user_id == user_id && !is_full {
            bytes = size;
            group.push(waiting);
        } else {
            rest.push_back(waiting);
        }
    }
    *queue = rest;
    group
}
