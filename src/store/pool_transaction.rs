//! A write transaction on Postgres: read committed, within its deadline, tried again after a lost race. Knows no table.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use diesel::PgConnection;
use diesel::connection::{AnsiTransactionManager, TransactionManager};

use super::connection::{AnyConnection, PLANNER, Pool};
use super::scope::Durability;
use super::{End, StoreError};

/// Half of the pause after a second lost race; each further one is twice as long, and each is cut by chance.
const PAUSE: Duration = Duration::from_millis(4);

/// Runs `body` in a transaction and commits it, again after a lost race, `attempts` times at most. A connection that
/// turns out to have been cut before anything was done on it is replaced by the next.
///
/// # Errors
/// What `body` answered; `LostRace` if every try lost; `Timeout` after the deadline; `Busy` or `Unavailable` if there is
/// no connection; `Refused` if `body` panicked.
pub(super) fn run<T, F>(
    pool: &Pool,
    attempts: u32,
    deadline: Instant,
    durability: Durability,
    mut body: F,
) -> Result<T, StoreError>
where
    F: FnMut(&mut AnyConnection) -> Result<(T, End), StoreError>,
{
    let (mut lost, mut cut) = (0, 0);
    loop {
        let queued = Instant::now();
        let mut session = pool.get(deadline)?;
        metrics::histogram!("landfall_write_queue_seconds").record(queued.elapsed());
        session.allow(deadline.saturating_duration_since(Instant::now()), Some(deadline));
        let begun = begin(&mut session.connection, deadline, durability);
        session.note(&begun);
        match begun {
            Err(StoreError::Unavailable(_)) if cut < pool.size() => {
                cut += 1;
                continue;
            }
            begun => begun?,
        }
        let outcome = run_once(&mut session.connection, deadline, &mut body);
        session.note(&outcome);
        drop(session);
        match outcome {
            Err(StoreError::LostRace) if lost + 1 < attempts => {
                metrics::counter!("landfall_lost_races").increment(1);
                // Once it has lost, most bodies lock before they look: then they cannot lose again.
                if lost > 0 {
                    std::thread::sleep(pause(lost).min(deadline.saturating_duration_since(Instant::now())));
                }
                lost += 1;
            }
            outcome => return outcome,
        }
    }
}

/// Runs `body` in the transaction that has been begun, and ends it.
fn run_once<T, F>(connection: &mut AnyConnection, deadline: Instant, body: &mut F) -> Result<T, StoreError>
where
    F: FnMut(&mut AnyConnection) -> Result<(T, End), StoreError>,
{
    let begun = Instant::now();
    let mut ended = catch_unwind(AssertUnwindSafe(|| body(connection))).unwrap_or_else(|_panic| {
        tracing::error!("the body of a write panicked; it was rolled back");
        Err(StoreError::Refused("the body of the write panicked".into()))
    });
    if ended.is_ok() && Instant::now() >= deadline {
        ended = Err(StoreError::Timeout);
    }
    match ended {
        Ok((value, End::Commit)) => {
            let started = Instant::now();
            AnyConnection::commit_transaction(connection)?;
            metrics::histogram!("landfall_lock_hold_seconds").record(begun.elapsed());
            metrics::histogram!("landfall_commit_seconds").record(started.elapsed());
            metrics::histogram!("landfall_commit_batches").record(1.0);
            Ok(value)
        }
        Ok((value, End::Rollback)) => {
            AnyConnection::rollback_transaction(connection)?;
            Ok(value)
        }
        Err(error) => {
            // Its statements have until the deadline, in whatever language the server says that one took too long.
            let is_late = matches!(error, StoreError::Unavailable(_)) && Instant::now() >= deadline;
            let error = if is_late { StoreError::Timeout } else { error };
            // The first error tells more; a connection that cannot even roll back is not used again.
            if let Err(rollback) = AnyConnection::rollback_transaction(connection) {
                tracing::warn!(error = %StoreError::from(rollback), "a failed transaction could not be rolled back");
            }
            Err(error)
        }
    }
}

/// One round trip: the transaction, its time, its planner, and what its commit waits for.
fn begin(connection: &mut AnyConnection, deadline: Instant, durability: Durability) -> Result<(), StoreError> {
    let left = deadline.saturating_duration_since(Instant::now()).as_millis();
    if left == 0 {
        return Err(StoreError::Timeout);
    }
    let left = i32::try_from(left).unwrap_or(i32::MAX);
    let begin = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = {left}; SET LOCAL lock_timeout = {left}; \
         {PLANNER}{}",
        match durability {
            Durability::Synced => "",
            Durability::Soon => "; SET LOCAL synchronous_commit = off",
        }
    );
    Ok(AnsiTransactionManager::begin_transaction_sql(within(connection)?, &begin)?)
}

fn within(connection: &mut AnyConnection) -> Result<&mut PgConnection, StoreError> {
    match connection {
        AnyConnection::Postgres(connection) => Ok(connection),
        AnyConnection::Sqlite(_) => Err(StoreError::Refused("a SQLite connection where Postgres is written".into())),
    }
}

/// Between half of the doubled pause and all of it, so that two losers do not meet again.
fn pause(attempt: u32) -> Duration {
    let longest = PAUSE.saturating_mul(1_u32 << attempt.min(8));
    let chance = uuid::Uuid::new_v4().as_bytes().first().copied().unwrap_or_default();
    longest.mul_f64(0.5 + f64::from(chance) / 512.0)
}
