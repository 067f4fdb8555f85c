//! Past syncs of the folder.

use diesel::prelude::*;

use super::database::{Change, StateError};
use super::schema::runs;

/// All syncs together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunTotals {
    /// Syncs.
    pub syncs: i64,
    /// Operations that succeeded.
    pub pushed: i64,
    /// Documents that were taken in.
    pub pulled: i64,
    /// Operations and files that failed.
    pub failed: i64,
}

/// One sync.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = runs)]
pub struct Run {
    /// Its id, the server's sync run of the same name.
    pub run_id: String,
    /// When it began, in microseconds since 1970.
    pub started_at: i64,
    /// When it ended; absent if it was cut off.
    pub finished_at: Option<i64>,
    /// `both`, `push` or `pull`.
    pub direction: String,
    /// How it ended, for people.
    pub outcome: String,
    /// Operations that succeeded.
    pub pushed: i64,
    /// Documents that were taken in.
    pub pulled: i64,
    /// Operations and files that failed.
    pub failed: i64,
    /// Conflicts that were open at its end.
    pub conflicts: i64,
}

impl Run {
    fn is_idle_like(&self, other: &Self) -> bool {
        let moved = |run: &Self| run.pushed + run.pulled;
        let shape = |run: &Self| (run.direction.clone(), run.outcome.clone(), run.failed, run.conflicts);
        moved(self) == 0 && moved(other) == 0 && shape(self) == shape(other)
    }
}

impl Change<'_> {
    /// Stores a run, new or anew.
    pub fn put_run(&mut self, run: &Run) -> Result<(), StateError> {
        diesel::replace_into(runs::table).values(run).execute(self.connection)?;
        Ok(())
    }

    /// The newest runs, newest first.
    pub fn load_runs(&mut self, at_most: i64) -> Result<Vec<Run>, StateError> {
        let newest = runs::table.order(runs::run_id.desc()).limit(at_most);
        Ok(newest.select(Run::as_select()).load(self.connection)?)
    }

    /// Forgets the run before this one, if both moved nothing and ended alike.
    pub fn remove_idle_run_before(&mut self, run: &Run) -> Result<(), StateError> {
        let before = runs::table.filter(runs::run_id.lt(&run.run_id)).order(runs::run_id.desc());
        let before: Option<Run> = before.select(Run::as_select()).first(self.connection).optional()?;
        if let Some(before) = before.filter(|before| run.is_idle_like(before)) {
            diesel::delete(runs::table.find(before.run_id)).execute(self.connection)?;
        }
        Ok(())
    }

    /// All runs, summed up.
    pub fn sum_runs(&mut self) -> Result<RunTotals, StateError> {
        let columns = (runs::pushed, runs::pulled, runs::failed);
        let rows: Vec<(i64, i64, i64)> = runs::table.select(columns).load(self.connection)?;
        Ok(rows.into_iter().fold(RunTotals::default(), |sum, (pushed, pulled, failed)| RunTotals {
            syncs: sum.syncs.saturating_add(1),
            pushed: sum.pushed.saturating_add(pushed),
            pulled: sum.pulled.saturating_add(pulled),
            failed: sum.failed.saturating_add(failed),
        }))
    }
}
