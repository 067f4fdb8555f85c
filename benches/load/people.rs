//! What accounts cost: statistics of small and large workspaces, logins beside what a password's hash takes, and a long list of
//! members.

use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use diesel::connection::SimpleConnection;
use diesel::{Connection as _, PgConnection, SqliteConnection};
use uuid::Uuid;

use crate::Outcome;
use crate::arguments::Options;
use crate::client::{Connection, PASSWORD};
use crate::large_workspace::fill;
use crate::measure::percentile;
use crate::report::{Section, milliseconds, none, ratio};
use crate::server::Database;
use crate::suite::{progress, start};

const MEMBERS: u32 = 10_000;
const TIMES: usize = 50;
const LOGINS: usize = 90;
/// Wrong passwords for one name; more would be refused unheard.
const FAILURES: usize = 9;
/// What a commit of one row and its indexes writes, about.
const COMMIT_BYTES: usize = 4 * 4096;

/// The table.
pub fn run(options: &Options) -> Outcome<Section> {
    let sizes = if options.quick { [1_000, 50_000] } else { [1_000, 1_000_000] };
    let mut rows = Vec::new();
    for database in options.databases.iter().copied() {
        progress(&format!("{}: people", database.name()));
        let (server, owner) = start(database)?;
        // First: the documents below are put into the search index for a while, by the one writer that stores a login, too.
        rows.extend(logins(database, server.url())?);
        let mut first = None;
        for documents in sizes {
            let workspace_id = owner.create_workspace(&format!("{documents} documents"))?;
            fill(&server.database_url(), workspace_id.parse()?, documents)?;
            let path = format!("/api/v1/workspaces/{workspace_id}/stats");
            let took = times(|| owner.get(&path).map(drop))?;
            let first = *first.get_or_insert_with(|| percentile(&took, 50));
            rows.push(row(database, &format!("statistics of {documents} documents"), &took, first));
        }
        let workspace_id = owner.create_workspace("members")?;
        add_members(&server.database_url(), workspace_id.parse()?)?;
        let path = format!("/api/v1/workspaces/{workspace_id}/members?page_size=500");
        let page = times(|| owner.get(&path).map(drop))?;
        rows.push(row(database, &format!("a page of 500 of {MEMBERS} members"), &page, Duration::ZERO));
    }
    Ok(Section {
        title: "People",
        about: format!(
            "{TIMES} requests of one client, one after the other. Statistics: beside those of the small workspace. A login is a connection \
             and a request, {LOGINS} times, and an Argon2 alone is made before each: the same parameters in this process, in memory that is \
             kept; the ratio is the median of the pairs' ratios. A write \
             alone: {COMMIT_BYTES} bytes appended to a file on the same disk, and fsync. Wrong passwords: {FAILURES} of each kind, in turns."
        ),
        columns: vec!["request", "p50 ms", "p99 ms", "p50 × the yardstick"],
        rows,
    })
}

fn row(database: Database, name: &str, took: &[Duration], yardstick: Duration) -> Vec<String> {
    let p50 = percentile(took, 50);
    let compared = if yardstick.is_zero() { none() } else { ratio(p50.as_secs_f64(), yardstick.as_secs_f64()) };
    vec![format!("{}: {name}", database.name()), milliseconds(p50), milliseconds(percentile(took, 99)), compared]
}

fn times(mut once: impl FnMut() -> Outcome<()>) -> Outcome<Vec<Duration>> {
    let mut took = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        took.push(time(&mut once)?);
    }
    took.sort_unstable();
    Ok(took)
}

/// Logins, with what they cannot do without measured between them.
fn logins(database: Database, url: &str) -> Outcome<Vec<Vec<String>>> {
    let mut hash = hash_once()?;
    let mut write = write_once()?;
    let log_in = |username: &str, password: &str, status: u16| -> Outcome<()> {
        let body = format!(r#"{{"username":"{username}","password":"{password}"}}"#);
        match Connection::open(url).post_any("/api/v1/auth/login", body.as_bytes(), None)? {
            answered if answered == status => Ok(()),
            other => Err(format!("a login was answered with {other}").into()),
        }
    };
    let [mut hashes, mut writes, mut logins, mut wrong, mut unknown] = [const { Vec::new() }; 5];
    let mut ratios = Vec::new();
    for _ in 0..LOGINS {
        hashes.push(time(&mut hash)?);
        writes.push(time(&mut write)?);
        logins.push(time(|| log_in("bench", PASSWORD, 200))?);
        let pair = logins.last().zip(hashes.last());
        ratios.extend(pair.map(|(login, hash)| login.as_secs_f64() / hash.as_secs_f64()));
    }
    for _ in 0..FAILURES {
        wrong.push(time(|| log_in("bench", "another password", 401))?);
        unknown.push(time(|| log_in("nobody", "another password", 401))?);
    }
    for took in [&mut hashes, &mut writes, &mut logins, &mut wrong, &mut unknown] {
        took.sort_unstable();
    }
    ratios.sort_unstable_by(f64::total_cmp);
    let hash = percentile(&hashes, 50);
    let mut beside = row(database, "a login, beside an Argon2 alone", &logins, hash);
    // The machine's speed changes between one pair and the next, and less within a pair.
    if let (Some(last), Some(middle)) = (beside.last_mut(), ratios.get(ratios.len() / 2)) {
        *last = ratio(*middle, 1.0);
    }
    Ok(vec![
        row(database, "an Argon2 alone", &hashes, Duration::ZERO),
        row(database, "a write alone", &writes, hash),
        beside,
        row(database, "a wrong password, beside an Argon2 alone", &wrong, hash),
        row(database, "a name that nobody has, beside a wrong password", &unknown, percentile(&wrong, 50)),
    ])
}

fn time(once: impl FnOnce() -> Outcome<()>) -> Outcome<Duration> {
    let started = Instant::now();
    once()?;
    Ok(started.elapsed())
}

/// What checking a password cannot do without: the hash, in memory that was used before.
fn hash_once() -> Outcome<impl FnMut() -> Outcome<()>> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT);
    let mut memory = vec![Block::new(); argon2.params().block_count()];
    let mut once = move || {
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        argon2
            .hash_password_into_with_memory(PASSWORD.as_bytes(), b"salt of 16 bytes", &mut output, &mut memory)
            .map_err(|error| error.to_string().into())
    };
    once()?;
    Ok(once)
}

/// What a durable commit cannot do without.
fn write_once() -> Outcome<impl FnMut() -> Outcome<()>> {
    let mut file: File = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR"))?;
    Ok(move || {
        file.write_all(&[7; COMMIT_BYTES])?;
        Ok(file.sync_all()?)
    })
}

/// Puts members into a workspace, past the server, which would hash a password for each.
fn add_members(database_url: &str, workspace_id: Uuid) -> Outcome<()> {
    const NOW: u64 = 1_800_000_000_000_000;
    let statements = |with: &str, source: &str, user: &str, workspace: &str| {
        format!(
            "BEGIN; {with} INSERT INTO users (user_id, username, created_at) SELECT {user}, 'member-' || n, {NOW} FROM {source}; \
             INSERT INTO members (workspace_id, user_id, role, created_at) SELECT {workspace}, user_id, 1, {NOW} FROM users \
             WHERE username LIKE 'member-%'; COMMIT;"
        )
    };
    match database_url.strip_prefix("sqlite://") {
        Some(path) => {
            let with = format!(
                "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {MEMBERS})"
            );
            let workspace = format!("x'{}'", workspace_id.simple());
            let mut connection = SqliteConnection::establish(path)?;
            connection.batch_execute("PRAGMA busy_timeout = 60000;")?;
            connection.batch_execute(&statements(&with, "numbers", "randomblob(16)", &workspace))?;
        }
        None => {
            let source = format!("generate_series(1, {MEMBERS}) AS n");
            let workspace = format!("'{workspace_id}'::uuid");
            let statements = statements("", &source, "gen_random_uuid()", &workspace);
            PgConnection::establish(database_url)?.batch_execute(&statements)?;
        }
    }
    Ok(())
}
