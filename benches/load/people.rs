//! What accounts and counters cost: statistics of small and large workspaces, a login beside its password's hash, and a long list of
//! members.

use std::time::{Duration, Instant};

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
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

/// The table.
pub fn run(options: &Options) -> Outcome<Section> {
    let sizes = if options.quick { [1_000, 50_000] } else { [1_000, 1_000_000] };
    let mut rows = Vec::new();
    let hash = times(hash_once()?)?;
    for database in options.databases.iter().copied() {
        progress(&format!("{}: people", database.name()));
        let (server, owner) = start(database)?;
        let mut first = None;
        for documents in sizes {
            let workspace_id = owner.create_workspace(&format!("{documents} documents"))?;
            fill(&server.database_url(), workspace_id.parse()?, documents)?;
            let path = format!("/api/v1/workspaces/{workspace_id}/stats");
            let took = times(|| owner.get(&path).map(drop))?;
            let first = *first.get_or_insert_with(|| percentile(&took, 50));
            rows.push(row(database, &format!("statistics of {documents} documents"), &took, first));
        }
        let login = format!(r#"{{"username":"bench","password":"{PASSWORD}"}}"#);
        let login = times(|| Connection::open(server.url()).post("/api/v1/auth/login", &login).map(drop))?;
        rows.push(row(database, "a login, beside its Argon2 alone", &login, percentile(&hash, 50)));
        let workspace_id = owner.create_workspace("members")?;
        add_members(&server.database_url(), workspace_id.parse()?)?;
        let path = format!("/api/v1/workspaces/{workspace_id}/members?page_size=500");
        let page = times(|| owner.get(&path).map(drop))?;
        rows.push(row(database, &format!("a page of 500 of {MEMBERS} members"), &page, Duration::ZERO));
    }
    Ok(Section {
        title: "People",
        about: format!(
            "{TIMES} requests of one client, one after the other. Statistics: beside those of the small workspace. Argon2 alone: the same \
             parameters in this process."
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
        let started = Instant::now();
        once()?;
        took.push(started.elapsed());
    }
    took.sort_unstable();
    Ok(took)
}

/// Checks a password as the server does.
fn hash_once() -> Outcome<impl FnMut() -> Outcome<()>> {
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT);
    let stored = hasher.hash_password(PASSWORD.as_bytes()).map_err(|error| error.to_string())?.to_string();
    Ok(move || {
        PasswordVerifier::<str>::verify_password(&hasher, PASSWORD.as_bytes(), &stored)
            .map_err(|error| error.to_string().into())
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
