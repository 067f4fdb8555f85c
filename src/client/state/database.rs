//! The database of a folder's state, and its transactions.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::result::Error as DieselError;
use diesel::{Connection, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/client");

/// Full synchronisation: an operation is on disk before anybody is told that it is queued.
const PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                       PRAGMA foreign_keys = ON;";

/// For one who only reads, be it while another command writes.
const READER_PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON;";

/// Why the folder's state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A statement failed.
    #[error("the folder's state (.landfall/state.db) cannot be used: {0}{advice}", advice = advice(&.0.to_string()))]
    Database(diesel::result::Error),
    /// It cannot be opened or brought up to date.
    #[error("the folder's state cannot be opened: {0}{advice}", advice = advice(.0))]
    Open(String),
    /// It holds what this program never writes.
    #[error("the folder's state is damaged: {0}{RESET}")]
    Damaged(String),
}

impl From<DieselError> for StateError {
    fn from(error: DieselError) -> Self {
        match error {
            // A commit that fails ends the transaction, so that there is nothing to roll back.
            DieselError::RollbackErrorOnCommit { commit_error, .. } => Self::from(*commit_error),
            other => Self::Database(other),
        }
    }
}

/// What to do about a state that cannot be used.
const RESET: &str = "; `landfall reset` begins a new one, and matches your files by path and content";

/// What SQLite says of a file that was damaged, or is another program's.
const DAMAGE: [&str; 4] = ["malformed", "not a database", "no such table", "no such column"];

/// What to do about a disk that takes no more, which SQLite names in either of these ways, or about damage.
fn advice(message: &str) -> &'static str {
    let says = |known: &[&str]| known.iter().any(|known| message.contains(known));
    if says(&["database or disk is full", "disk I/O error"]) {
        "; if its disk is full, make room and run the command again: nothing is lost"
    } else if says(&DAMAGE) {
        RESET
    } else {
        ""
    }
}

impl StateError {
    /// Whether the state is of no use any more, whatever is tried.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        let says = |message: &str| DAMAGE.iter().any(|known| message.contains(known));
        match self {
            Self::Damaged(_) => true,
            Self::Database(error) => says(&error.to_string()),
            Self::Open(message) => says(message),
        }
    }
}

/// One folder's state.
pub struct State {
    connection: SqliteConnection,
    group: Group,
}

/// Whether changes are being committed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    /// No: each is committed by itself.
    None,
    /// Yes.
    Open,
    /// One of them failed, so none is to be committed.
    Failed,
}

/// A transaction under way.
pub struct Change<'c> {
    pub(super) connection: &'c mut SqliteConnection,
}

impl State {
    /// Opens the file, made when absent, and brings it up to date.
    pub fn open(file: &Path) -> Result<Self, StateError> {
        let url = file.to_str().ok_or_else(|| StateError::Open(format!("{} is not Unicode", file.display())))?;
        let mut connection =
            SqliteConnection::establish(url).map_err(|error| StateError::Open(format!("{url}: {error}")))?;
        connection.batch_execute(PRAGMAS).map_err(|error| StateError::Open(format!("{url}: {error}")))?;
        connection.run_pending_migrations(MIGRATIONS).map_err(|error| StateError::Open(format!("{url}: {error}")))?;
        Ok(Self { connection, group: Group::None })
    }

    /// Opens the file beside whoever else uses it, to read only; `None` if it must first be brought up to date.
    pub fn open_to_read(file: &Path) -> Result<Option<Self>, StateError> {
        let url = file.to_str().ok_or_else(|| StateError::Open(format!("{} is not Unicode", file.display())))?;
        let mut connection =
            SqliteConnection::establish(url).map_err(|error| StateError::Open(format!("{url}: {error}")))?;
        connection.batch_execute(READER_PRAGMAS).map_err(|error| StateError::Open(format!("{url}: {error}")))?;
        let is_old = connection.has_pending_migration(MIGRATIONS);
        let is_old = is_old.map_err(|error| StateError::Open(format!("{url}: {error}")))?;
        Ok((!is_old).then_some(Self { connection, group: Group::None }))
    }

    /// Runs `work`, which only reads, on the state as it is at one moment.
    pub fn read<T>(&mut self, work: impl FnOnce(&mut Change<'_>) -> Result<T, StateError>) -> Result<T, StateError> {
        if self.group == Group::None {
            return self.connection.transaction(|connection| work(&mut Change { connection }));
        }
        work(&mut Change { connection: &mut self.connection })
    }

    /// Runs `work` in one transaction. It is committed if `work` succeeds, or with its group.
    pub fn change<T>(&mut self, work: impl FnOnce(&mut Change<'_>) -> Result<T, StateError>) -> Result<T, StateError> {
        if self.group == Group::None {
            return self.connection.immediate_transaction(|connection| work(&mut Change { connection }));
        }
        let outcome = work(&mut Change { connection: &mut self.connection });
        if outcome.is_err() {
            self.group = Group::Failed;
        }
        outcome
    }

    /// Begins a group: the changes up to [`end_group`](Self::end_group) are committed together, since each commit waits
    /// for the disk. Until then nothing outside the state may rely on them.
    pub fn begin_group(&mut self) -> Result<(), StateError> {
        self.connection.batch_execute("BEGIN IMMEDIATE")?;
        self.group = Group::Open;
        Ok(())
    }

    /// Whether changes are being committed together.
    #[must_use]
    pub fn is_grouped(&self) -> bool {
        self.group != Group::None
    }

    /// Whether a change of the group failed, so that nothing of it will be stored.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.group == Group::Failed
    }

    /// Nothing of the group is to be stored.
    pub fn fail_group(&mut self) {
        if self.is_grouped() {
            self.group = Group::Failed;
        }
    }

    /// Commits the changes of the group; if one of them failed, none of them.
    ///
    /// # Errors
    /// `Database`; nothing of the group is stored then.
    pub fn end_group(&mut self) -> Result<(), StateError> {
        let group = std::mem::replace(&mut self.group, Group::None);
        let committed = match group {
            Group::Open => self.connection.batch_execute("COMMIT"),
            Group::Failed | Group::None => Ok(()),
        };
        if committed.is_err() || group == Group::Failed {
            // SQLite has done so itself where the disk was full, and refuses this then.
            drop(self.connection.batch_execute("ROLLBACK"));
        }
        committed.map_err(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::Setting;
    use super::*;

    fn put(state: &mut State, text: &str) -> Result<(), StateError> {
        state.change(|change| change.put_setting(Setting::Cursor, text))
    }

    fn stored(state: &mut State) -> Option<String> {
        state.change(|change| change.find_setting(Setting::Cursor)).unwrap()
    }

    #[test]
    fn a_state_of_an_earlier_release_is_brought_up_to_date() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("state.db");
        let mut state = State::open(&file).unwrap();
        while state.connection.applied_migrations().unwrap().len() > 1 {
            state.connection.revert_last_migration(MIGRATIONS).unwrap();
        }
        state
            .connection
            .batch_execute(
                "INSERT INTO files VALUES ('0190b6a1-0000-7000-8000-000000000001','a','a','a',1,x'00',4,5,6)",
            )
            .unwrap();
        drop(state);
        assert!(State::open_to_read(&file).unwrap().is_none());
        let mut state = State::open(&file).unwrap();
        let files = state.change(|change| change.load_files()).unwrap();
        let look = super::super::files::Look { size: 4, modified_ns: 5, ..Default::default() };
        assert!(files.len() == 1 && !files.iter().any(|file| file.is_known_as(&look)), "it is read once more");
    }

    #[test]
    fn a_group_is_stored_as_a_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("state.db");
        let mut state = State::open(&file).unwrap();
        put(&mut state, "before").unwrap();
        state.begin_group().unwrap();
        put(&mut state, "within").unwrap();
        assert_eq!(stored(&mut state).as_deref(), Some("within"));
        state.end_group().unwrap();
        assert_eq!(stored(&mut State::open(&file).unwrap()).as_deref(), Some("within"));
        state.begin_group().unwrap();
        put(&mut state, "lost").unwrap();
        let failure: Result<(), _> = state.change(|_| Err(StateError::Damaged("for a test".to_owned())));
        failure.unwrap_err();
        state.end_group().unwrap();
        assert_eq!(stored(&mut state).as_deref(), Some("within"));
        put(&mut state, "after").unwrap();
        assert_eq!(stored(&mut State::open(&file).unwrap()).as_deref(), Some("after"));
    }

    #[test]
    fn a_group_that_is_cut_off_is_not_stored() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("state.db");
        let mut state = State::open(&file).unwrap();
        state.begin_group().unwrap();
        put(&mut state, "lost").unwrap();
        drop(state);
        assert_eq!(stored(&mut State::open(&file).unwrap()), None);
    }
}
