//! Postgres' migrations, as Diesel takes them, but each statement sent by itself: when one changes a distributed table, Citus
//! passes the whole message on, and the other servers take no message of several statements.

use std::fmt;

use diesel::connection::BoxableConnection;
use diesel::migration::{Migration, MigrationMetadata, MigrationName, MigrationSource, MigrationVersion, Result};
use diesel::pg::Pg;

/// All of them, from `migrations/postgres`: see `build.rs`.
const STEPS: &[Step] = &include!(concat!(env!("OUT_DIR"), "/postgres_steps.rs"));

/// Postgres' migrations.
#[derive(Clone, Copy, Debug)]
pub(super) struct PostgresSteps;

#[derive(Clone, Copy, Debug)]
struct Step {
    name: &'static str,
    up: &'static str,
    down: &'static str,
}

impl MigrationSource<Pg> for PostgresSteps {
    fn migrations(&self) -> Result<Vec<Box<dyn Migration<Pg>>>> {
        let boxed = |step: &Step| -> Box<dyn Migration<Pg>> { Box::new(*step) };
        Ok(STEPS.iter().map(boxed).collect())
    }
}

impl Migration<Pg> for Step {
    fn run(&self, connection: &mut dyn BoxableConnection<Pg>) -> Result<()> {
        one_by_one(connection, self.up)
    }

    fn revert(&self, connection: &mut dyn BoxableConnection<Pg>) -> Result<()> {
        one_by_one(connection, self.down)
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        self
    }

    fn name(&self) -> &dyn MigrationName {
        self
    }
}

impl MigrationMetadata for Step {}

impl MigrationName for Step {
    fn version(&self) -> MigrationVersion<'_> {
        self.name.split('_').next().unwrap_or_default().into()
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

fn one_by_one(connection: &mut dyn BoxableConnection<Pg>, sql: &str) -> Result<()> {
    for statement in statements(sql) {
        connection.batch_execute(&statement)?;
    }
    Ok(())
}

/// The statements of a migration. A statement ends with its line; what stands between `$$` is one piece.
fn statements(sql: &str) -> Vec<String> {
    let (mut statements, mut statement, mut is_quoted) = (Vec::new(), String::new(), false);
    for line in sql.lines().filter(|line| !line.trim_start().starts_with("--")) {
        statement.push_str(line);
        statement.push('\n');
        is_quoted ^= line.matches("$$").count() % 2 == 1;
        if !is_quoted && line.ends_with(';') {
            statements.push(std::mem::take(&mut statement));
        }
    }
    if !statement.trim().is_empty() {
        statements.push(statement);
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_with_their_lines() {
        let sql = "-- One; two;\nCREATE TABLE a (\n    b INT\n);\nDO $$\nBEGIN\n    PERFORM 1;\nEND\n$$;\nSELECT 1";
        let found = statements(sql);
        assert_eq!(
            found,
            ["CREATE TABLE a (\n    b INT\n);\n", "DO $$\nBEGIN\n    PERFORM 1;\nEND\n$$;\n", "SELECT 1\n"]
        );
    }

    #[test]
    fn every_migration_comes_apart() {
        assert!(STEPS.len() >= 10, "{STEPS:?}");
        for (step, statement) in STEPS
            .iter()
            .flat_map(|step| [step.up, step.down].map(statements).concat().into_iter().map(move |one| (step, one)))
        {
            let whole = statement.contains("$$") || statement.matches(';').count() == 1;
            assert!(whole, "{}: a statement must end with its line: {statement}", step.name);
        }
    }
}
