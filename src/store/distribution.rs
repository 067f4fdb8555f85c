//! Spreading the tables over the servers of a Citus cluster: by workspace, so that each workspace lies on one of them.
//!
//! The list is read from the database. A table whose primary key begins with `workspace_id` is distributed by it. The
//! others are named here: a table that is in neither group stops the command.

use diesel::connection::SimpleConnection;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};

use super::connection::{AnyConnection, Connector, PLANNER, Purpose};
use super::statement::Statement;
use super::{DatabaseUrl, StoreConfig, StoreError, migrations};

/// Copied to every server: distributed tables refer to them.
const REFERENCE: [&str; 1] = ["users"];
/// Left on the coordinator.
const LOCAL: [&str; 6] = ["__diesel_schema_migrations", "external_identities", "leases", "lives", "purges", "sessions"];
/// The table that the others are placed with. Its rows are what a batch locks.
const FIRST: &str = "workspaces";

/// The ordinary tables of the schema that the program uses, and the first column of the primary key of each.
pub(super) const TABLES: &str = "SELECT class.relname::text, \
        (SELECT attribute.attname::text FROM pg_index AS key JOIN pg_attribute AS attribute \
            ON attribute.attrelid = key.indrelid AND attribute.attnum = key.indkey[0] \
            WHERE key.indrelid = class.oid AND key.indisprimary) \
     FROM pg_class AS class \
     WHERE class.relnamespace = current_schema()::regnamespace AND class.relkind IN ('r', 'p') \
     ORDER BY class.relname";

/// Whether Citus is there, which tables it has been given, and whether it has anywhere to put them.
const HAS_CITUS: &str = "SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus')";
const GIVEN: &str = "SELECT table_name::text, NULL::text FROM citus_tables WHERE citus_table_type <> 'local'";
const HAS_WORKERS: &str = "SELECT EXISTS (SELECT 1 FROM pg_dist_node WHERE shouldhaveshards AND noderole = 'primary')";
const DATABASE: &str = "SELECT quote_ident(current_database())";

/// What a Citus cluster is told, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// Statements, each to be run by itself.
    pub statements: Vec<String>,
    /// Tables that stay where they are.
    pub local: Vec<String>,
    has_citus: bool,
    has_workers: bool,
}

/// Whether the tables have been spread over several servers.
///
/// # Errors
/// Whatever the database said.
pub(super) fn is_sharded(url: &DatabaseUrl) -> Result<bool, StoreError> {
    if matches!(url, DatabaseUrl::Sqlite(_)) {
        return Ok(false);
    }
    connect(url)?
        .transaction(|connection| Ok(given(connection)?.is_some_and(|given| given.contains(&FIRST.to_owned()))))
}

/// The tables that Citus has been given, if there is a Citus.
fn given(connection: &mut PgConnection) -> Result<Option<Vec<String>>, StoreError> {
    if !Statement::<Pg, Bool>::new(HAS_CITUS).get_result(connection)? {
        return Ok(None);
    }
    let given: Vec<(String, Option<String>)> = Statement::<Pg, (Text, Nullable<Text>)>::new(GIVEN).load(connection)?;
    Ok(Some(given.into_iter().map(|(name, _)| name).collect()))
}

/// Works out what is to be done. Changes nothing.
///
/// # Errors
/// `Open`, if the database is no Postgres or has another schema; `Refused`, naming a table that nobody has placed.
pub fn plan(url: &DatabaseUrl) -> Result<Distribution, StoreError> {
    let mut connection = open(url)?;
    connection.transaction(|connection| {
        let given = given(connection)?;
        let has_citus = given.is_some();
        let has_workers = has_citus && Statement::<Pg, Bool>::new(HAS_WORKERS).get_result(connection)?;
        let database: String = Statement::<Pg, Text>::new(DATABASE).get_result(connection)?;
        let tables: Vec<(String, Option<String>)> =
            Statement::<Pg, (Text, Nullable<Text>)>::new(TABLES).load(connection)?;
        let (statements, local) = statements_for(&database, &tables, &given.unwrap_or_default())?;
        Ok(Distribution { statements, local, has_citus, has_workers })
    })
}

/// Carries it out. A table that has been distributed before is left as it is.
///
/// # Errors
/// `Open`, if the database has no Citus, or that has no workers; else what the database said, with the statement.
pub fn apply(url: &DatabaseUrl, distribution: &Distribution) -> Result<(), StoreError> {
    if !distribution.has_citus {
        return Err(StoreError::Open("this database has no Citus: CREATE EXTENSION citus first".into()));
    }
    if !distribution.has_workers {
        return Err(StoreError::Open(
            "this coordinator has no workers: SELECT citus_set_coordinator_host('HOST', PORT), then SELECT \
             citus_add_node('HOST', PORT) for each of them"
                .into(),
        ));
    }
    let mut connection = open(url)?;
    for statement in &distribution.statements {
        connection
            .batch_execute(statement)
            .map_err(|error| StoreError::Refused(format!("{statement}: {}", StoreError::from(error))))?;
    }
    Ok(())
}

fn open(url: &DatabaseUrl) -> Result<PgConnection, StoreError> {
    if matches!(url, DatabaseUrl::Sqlite(_)) {
        return Err(StoreError::Open("a SQLite database lies in one file: only Postgres can be distributed".into()));
    }
    migrations::check(url)?;
    connect(url)
}

fn connect(url: &DatabaseUrl) -> Result<PgConnection, StoreError> {
    let config = StoreConfig { prepare: false, ..StoreConfig::default() };
    match Connector::new(url, Purpose::Write, &config).open()? {
        AnyConnection::Postgres(connection) => Ok(connection),
        AnyConnection::Sqlite(_) => Err(StoreError::Refused("a SQLite connection for a Postgres URL".into())),
    }
}

/// The statements for these tables of a database (each with the first column of its primary key), less those that are given already; and
/// the tables that stay.
fn statements_for(
    database: &str,
    tables: &[(String, Option<String>)],
    given: &[String],
) -> Result<(Vec<String>, Vec<String>), StoreError> {
    let mut statements = vec![
        // A worker that dies between the phases of a commit leaves a workspace locked until this has come round.
        "ALTER SYSTEM SET citus.recover_2pc_interval = '2s'".to_owned(),
        "SELECT pg_reload_conf()".to_owned(),
    ];
    // A transaction's settings stay on the coordinator. Those of a database are passed on to every server.
    let settings = PLANNER.split("; ").filter_map(|setting| setting.trim().strip_prefix("SET LOCAL "));
    statements.extend(settings.map(|setting| format!("ALTER DATABASE {database} SET {setting}")));
    let (mut distributed, mut local) = (Vec::new(), Vec::new());
    for (name, key) in tables {
        if key.as_deref() == Some("workspace_id") {
            distributed.push(name.as_str());
        } else if LOCAL.contains(&name.as_str()) {
            local.push(name.clone());
        } else if !REFERENCE.contains(&name.as_str()) {
            return Err(StoreError::Refused(format!(
                "nobody has said where the table {name} belongs: its key does not begin with workspace_id"
            )));
        }
    }
    distributed.sort_by_key(|name| (*name != FIRST, *name));
    statements.extend(REFERENCE.map(|name| format!("SELECT create_reference_table('{name}')")));
    statements.extend(distributed.iter().map(|name| match *name {
        FIRST => format!("SELECT create_distributed_table('{FIRST}', 'workspace_id')"),
        name => format!("SELECT create_distributed_table('{name}', 'workspace_id', colocate_with => '{FIRST}')"),
    }));
    let is_given = |statement: &String| given.iter().any(|name| statement.contains(&format!("('{name}'")));
    statements.retain(|statement| !is_given(statement));
    Ok((statements, local))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, key: &str) -> (String, Option<String>) {
        (name.to_owned(), Some(key.to_owned()))
    }

    #[test]
    fn a_table_that_nobody_has_placed_stops_it() {
        let refused = statements_for("notes", &[table("letters", "letter_id")], &[]).unwrap_err();
        assert!(refused.to_string().contains("letters"), "{refused}");
    }

    #[test]
    fn what_has_been_distributed_is_left_alone() {
        let tables =
            [table("documents", "workspace_id"), table("users", "user_id"), table("workspaces", "workspace_id")];
        let (statements, _) = statements_for("notes", &tables, &["users".into(), "workspaces".into()]).unwrap();
        let last = statements.last().map(String::as_str);
        assert_eq!(statements.len(), 8, "{statements:?}");
        assert_eq!(
            last,
            Some("SELECT create_distributed_table('documents', 'workspace_id', colocate_with => 'workspaces')")
        );
    }
}
