//! What is to be done where a document of the server meets a file. Pure.

/// What the folder has of a document that the server speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSide {
    /// No file.
    Absent,
    /// The text that was last synced.
    AsSynced,
    /// The very text that the server's document comes to.
    AsServer,
    /// Another text.
    Different,
    /// Something that cannot be read as a text, or must not be touched.
    Unreadable,
}

/// What to do about a document that the server speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeIn {
    /// Nothing.
    Nothing,
    /// Note that the file stands for the document; it has the text already.
    Adopt,
    /// Write the text to the file, which is not there or as it was last synced.
    Write,
    /// Write the text to a file that was deleted here: a change weighs more than a deletion.
    Restore,
    /// Take the file's changes into the document first, then write what both come to.
    Unite,
    /// Leave the file alone and let the person choose: both sides have a text, and nothing is known that both began with.
    AskWhich,
    /// Leave the file alone and let the person choose: it was changed here and deleted there.
    AskDeleted,
    /// Take the file away.
    Remove,
    /// Nothing is left of it on either side.
    Forget,
    /// Leave it for another time.
    Postpone,
}

/// Decides about a document of the server's; `synced_version` is none for one that is not tracked.
#[must_use]
pub const fn take_in(synced_version: Option<i64>, file: FileSide, version: i64, is_deleted: bool) -> TakeIn {
    match (synced_version, is_deleted) {
        (None, true) => TakeIn::Nothing,
        (None, false) => match file {
            FileSide::Absent => TakeIn::Write,
            FileSide::AsServer => TakeIn::Adopt,
            FileSide::AsSynced | FileSide::Different => TakeIn::AskWhich,
            FileSide::Unreadable => TakeIn::Postpone,
        },
        (Some(synced), _) if version <= synced => TakeIn::Nothing,
        (Some(_), true) => match file {
            FileSide::Absent => TakeIn::Forget,
            FileSide::AsSynced => TakeIn::Remove,
            FileSide::AsServer | FileSide::Different | FileSide::Unreadable => TakeIn::AskDeleted,
        },
        (Some(_), false) => match file {
            FileSide::Absent => TakeIn::Restore,
            FileSide::AsSynced => TakeIn::Write,
            FileSide::AsServer => TakeIn::Adopt,
            FileSide::Different => TakeIn::Unite,
            FileSide::Unreadable => TakeIn::Postpone,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_meeting_of_file_and_document_is_decided() {
        use FileSide::{Absent, AsServer, AsSynced, Different, Unreadable};
        for (synced, file, version, is_deleted, expected) in [
            (None, Absent, 1, false, TakeIn::Write),
            (None, AsServer, 1, false, TakeIn::Adopt),
            (None, Different, 1, false, TakeIn::AskWhich),
            (None, Unreadable, 1, false, TakeIn::Postpone),
            (None, Absent, 2, true, TakeIn::Nothing),
            (None, Different, 2, true, TakeIn::Nothing),
            (Some(3), Different, 3, false, TakeIn::Nothing),
            (Some(3), Absent, 2, false, TakeIn::Nothing),
            (Some(3), Different, 3, true, TakeIn::Nothing),
            (Some(3), Absent, 4, false, TakeIn::Restore),
            (Some(3), AsSynced, 4, false, TakeIn::Write),
            (Some(3), AsServer, 4, false, TakeIn::Adopt),
            (Some(3), Different, 4, false, TakeIn::Unite),
            (Some(3), Unreadable, 4, false, TakeIn::Postpone),
            (Some(0), Different, 1, false, TakeIn::Unite),
            (Some(3), Absent, 4, true, TakeIn::Forget),
            (Some(3), AsSynced, 4, true, TakeIn::Remove),
            (Some(3), Different, 4, true, TakeIn::AskDeleted),
            (Some(3), Unreadable, 4, true, TakeIn::AskDeleted),
        ] {
            assert_eq!(
                take_in(synced, file, version, is_deleted),
                expected,
                "{synced:?} {file:?} {version} {is_deleted}"
            );
        }
    }
}
