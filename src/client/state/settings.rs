//! What the folder was set up with, and where its pull stands.

use diesel::prelude::*;

use super::database::{Change, StateError};
use super::schema::{
    accepted_deletions, bodies, conflicts, dead_letters, files, forms, left_out, outbox, pending_removals,
    pending_writes, refusals, settings,
};

/// The names of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The server's address.
    Server,
    /// The workspace's id.
    Workspace,
    /// This folder's device, made once.
    Device,
    /// Who logs in.
    Username,
    /// Where the next pull starts; none before the first one.
    Cursor,
    /// Counts the syncs, here and in a file beside the database.
    Generation,
    /// What the system says of that file, which no copy of it has.
    Mark,
    /// What the system says of the file that is about to take its place.
    NextMark,
    /// Present while the state may be older than the files.
    Doubt,
    /// Bytes of a file that the server takes.
    FileBytes,
    /// Characters of a title that the server takes.
    TitleChars,
    /// The upload that was begun and is not known to be over.
    Upload,
}

impl Setting {
    const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Workspace => "workspace",
            Self::Device => "device",
            Self::Username => "username",
            Self::Cursor => "cursor",
            Self::Generation => "generation",
            Self::Mark => "mark",
            Self::NextMark => "next_mark",
            Self::Doubt => "doubt",
            Self::FileBytes => "file_bytes",
            Self::TitleChars => "title_chars",
            Self::Upload => "upload",
        }
    }
}

impl Change<'_> {
    /// A setting, if it is set.
    pub fn find_setting(&mut self, setting: Setting) -> Result<Option<String>, StateError> {
        let found = settings::table.find(setting.name()).select(settings::value).first(self.connection);
        Ok(found.optional()?)
    }

    /// Sets one.
    pub fn put_setting(&mut self, setting: Setting, value: &str) -> Result<(), StateError> {
        diesel::replace_into(settings::table)
            .values((settings::name.eq(setting.name()), settings::value.eq(value)))
            .execute(self.connection)?;
        Ok(())
    }

    /// Forgets one.
    pub fn remove_setting(&mut self, setting: Setting) -> Result<(), StateError> {
        diesel::delete(settings::table.find(setting.name())).execute(self.connection)?;
        Ok(())
    }

    /// Notes that the state may be older than the files: everything is to be read anew.
    pub fn begin_doubt(&mut self) -> Result<(), StateError> {
        self.remove_setting(Setting::Cursor)?;
        self.put_setting(Setting::Doubt, "since it was opened")
    }

    /// Forgets everything about files: the next sync starts from nothing and matches by content. The device, the
    /// login and past runs stay.
    pub fn forget_sync_state(&mut self) -> Result<(), StateError> {
        diesel::delete(settings::table.find(Setting::Cursor.name())).execute(self.connection)?;
        diesel::delete(bodies::table).execute(self.connection)?;
        diesel::delete(files::table).execute(self.connection)?;
        diesel::delete(forms::table).execute(self.connection)?;
        diesel::delete(outbox::table).execute(self.connection)?;
        diesel::delete(dead_letters::table).execute(self.connection)?;
        diesel::delete(conflicts::table).execute(self.connection)?;
        diesel::delete(pending_writes::table).execute(self.connection)?;
        diesel::delete(pending_removals::table).execute(self.connection)?;
        diesel::delete(accepted_deletions::table).execute(self.connection)?;
        diesel::delete(left_out::table).execute(self.connection)?;
        diesel::delete(refusals::table).execute(self.connection)?;
        Ok(())
    }
}
