//! What Postgres makes of statements: recorded as they run, then planned without their values, so that a plan shows where
//! the parameters go.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use diesel::connection::{Connection, InstrumentationEvent, SimpleConnection};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde_json::Value;

use crate::store::Store;
use crate::store::connection::AnyConnection;
use crate::store::postgres::transaction::PLANNER;
use crate::store::statement::Statement;

/// The statements that one connection has run.
#[derive(Clone, Default)]
pub(super) struct Recorded(Arc<Mutex<BTreeSet<String>>>);

impl Recorded {
    /// Records what runs on a store's only connection from now on.
    pub(super) fn on(store: &Store) -> Self {
        let recorded = Self::default();
        let noted = recorded.clone();
        let record = move |connection: &mut AnyConnection| {
            let noted = noted.clone();
            connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
                if let InstrumentationEvent::StartQuery { query, .. } = event {
                    let shown = query.to_string();
                    let sql = shown.split("-- binds").next().unwrap_or_default().trim();
                    if ["SELECT", "UPDATE", "INSERT", "DELETE", "WITH"].iter().any(|verb| sql.starts_with(verb)) {
                        noted.0.lock().unwrap().insert(sql.to_owned());
                    }
                }
            });
            Ok(())
        };
        store.read(record).unwrap();
        recorded
    }

    /// What was recorded since this was last asked.
    pub(super) fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[derive(QueryableByName)]
struct Plan {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    plan: String,
}

/// A connection of its own, which looks at what others do.
pub(super) struct Observer {
    connection: PgConnection,
    distributed: Vec<String>,
}

impl Observer {
    pub(super) fn connect(url: &str) -> Self {
        let mut connection = PgConnection::establish(url).unwrap();
        let tables: Vec<(String, Option<String>)> =
            Statement::<diesel::pg::Pg, (Text, Nullable<Text>)>::new(crate::store::distribution::TABLES)
                .load(&mut connection)
                .unwrap();
        let is_distributed = |key: &Option<String>| key.as_deref() == Some("workspace_id");
        let distributed = tables.into_iter().filter(|(_, key)| is_distributed(key)).map(|(name, _)| name).collect();
        connection.batch_execute("SET plan_cache_mode = force_generic_plan").unwrap();
        connection.batch_execute(&PLANNER.replace("SET LOCAL", "SET")).unwrap();
        Self { connection, distributed }
    }

    pub(super) fn execute(&mut self, statements: &str) {
        self.connection.batch_execute(statements).unwrap();
    }

    /// Rows and index entries that were read since the statistics were last reset.
    pub(super) fn tuples_read(&mut self) -> i64 {
        let sum = "((SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables) + \
                   (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes))::bigint";
        diesel::select(diesel::dsl::sql::<BigInt>(sql_of(sum))).get_result(&mut self.connection).unwrap()
    }

    /// The parts of a statement's plan that reach a distributed table without its workspace's id as a parameter.
    pub(super) fn unscoped(&mut self, sql: &str) -> Vec<String> {
        let parameters = (1..).take_while(|number| sql.contains(&format!("${number}"))).count();
        let arguments = match parameters {
            0 => String::new(),
            some => format!("({})", vec!["NULL"; some].join(", ")),
        };
        self.execute(&format!("PREPARE looked_at AS {sql}"));
        let plan: Plan = diesel::sql_query(format!("EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE looked_at{arguments}"))
            .get_result(&mut self.connection)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        self.execute("DEALLOCATE looked_at");
        let plan: Value = serde_json::from_str(&plan.plan).unwrap();
        let mut found = Vec::new();
        self.visit(&plan[0]["Plan"], &mut found);
        found
    }

    fn visit(&self, node: &Value, found: &mut Vec<String>) {
        let text = |name: &str| node[name].as_str().unwrap_or_default();
        let table = text("Relation Name");
        if self.distributed.iter().any(|distributed| distributed == table) {
            let is_scoped = match (text("Node Type"), text("Operation")) {
                ("ModifyTable", "Insert") => is_given(&node["Plans"][0]),
                // What it changes is read by a scan below.
                ("ModifyTable", _) => true,
                _ => ["Index Cond", "Recheck Cond", "Filter"]
                    .iter()
                    .any(|name| !text(name).contains(" OR ") && text(name).contains("workspace_id = $")),
            };
            if !is_scoped {
                let conditions = [text("Index Cond"), text("Filter")].join(" ");
                found.push(format!("{} on {table}: {conditions}", text("Node Type")));
            }
        }
        for below in node["Plans"].as_array().into_iter().flatten() {
            self.visit(below, found);
        }
    }
}

/// `workspace_id` is the first column of every table: the first that an insert is given must be a parameter.
fn is_given(node: &Value) -> bool {
    let first = node["Output"][0].as_str().unwrap_or_default();
    first.trim_start_matches('(').starts_with('$') || (!node["Plans"].is_null() && is_given(&node["Plans"][0]))
}

/// Diesel takes literals that live for ever.
fn sql_of(text: &'static str) -> &'static str {
    text
}
