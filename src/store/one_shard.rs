//! Every statement on a distributed table names its workspace as a parameter (docs/adr/0042): a reading of the sources of this
//! module, which needs no cluster. A function that asks every shard says so in its documentation.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A place in the sources, and what is wrong there.
type Breach = String;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store")
}

/// The files under a folder with this extension, by path.
fn files(folder: &Path, extension: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|other| other == extension) {
            found.push((path.clone(), fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// The tables whose key begins with the workspace's id.
fn distributed() -> BTreeSet<String> {
    let schema = include_str!("schema.rs");
    let heads = schema.lines().filter_map(|line| line.strip_suffix(") {")?.trim().split_once(" ("));
    heads.filter(|(_, key)| key.split(',').next() == Some("workspace_id")).map(|(name, _)| name.to_owned()).collect()
}

/// The code of a source file: no comments, no tests.
fn code(source: &str) -> String {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| {
        let line = line.trim_start();
        !line.starts_with("//") || line.starts_with("///")
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The end of what begins at the start of `text` and ends before a closing bracket that is not its own, or at `;`.
fn expression(text: &str) -> &str {
    let mut depth = 0_i32;
    for (at, character) in text.char_indices() {
        match character {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth -= 1,
            _ => {}
        }
        if depth < 0 || (depth == 0 && character == ';') {
            return &text[..at];
        }
    }
    text
}

/// Functions of a file with the documentation above them.
fn functions(code: &str) -> Vec<&str> {
    let mut starts: Vec<usize> =
        code.match_indices("fn ").map(|(at, _)| code[..at].rfind("\n\n").unwrap_or(0)).collect();
    starts.dedup();
    starts.push(code.len());
    starts.windows(2).map(|pair| &code[pair[0]..pair[1]]).collect()
}

fn name_of(function: &str) -> &str {
    let name = function.split("fn ").nth(1).unwrap_or_default();
    name.split(['(', '<']).next().unwrap_or_default()
}

/// What Diesel is asked of a distributed table without its workspace.
fn unscoped_queries(file: &Path, function: &str, tables: &BTreeSet<String>) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for table in tables {
        let named = format!("{table}::table");
        for (at, _) in function.match_indices(&named) {
            let rest = &function[at + named.len()..];
            let before = function[..at].trim_end();
            // A row that is inserted has all columns of its key; a join's condition stands in the query that it is part of.
            if before.ends_with("insert_into(") || before.ends_with("allow_tables_to_appear_in_same_query!(") {
                continue;
            }
            // `update(table).filter(…)`: the query goes on behind the bracket.
            let closes = rest.starts_with(')') && (before.ends_with("update(") || before.ends_with("delete("));
            let query = expression(if closes { &rest[1..] } else { rest });
            let query: String = query.split_whitespace().collect();
            let is_scoped = query.starts_with(".find(")
                || query.contains(&format!("{table}::workspace_id.eq("))
                || query.contains(&format!("{table}::workspace_id.nullable().eq("));
            if !is_scoped {
                breaches.push(format!("{} {}: {named}{query}", file.display(), name_of(function)));
            }
        }
    }
    breaches
}

/// The block of brackets around a place of a statement, or the whole statement; blocks inside it are left out.
fn block_around(sql: &str, place: usize) -> String {
    let (mut start, mut depth) = (0, 0_i32);
    for (at, character) in sql[..place].char_indices().rev() {
        match character {
            ')' => depth += 1,
            '(' if depth == 0 => {
                start = at + 1;
                break;
            }
            '(' => depth -= 1,
            _ => {}
        }
    }
    let (mut block, mut depth) = (String::new(), 0_i32);
    for character in sql[start..].chars() {
        match character {
            '(' => depth += 1,
            ')' if depth == 0 => break,
            ')' => depth -= 1,
            other if depth == 0 => block.push(other),
            _ => {}
        }
    }
    block
}

/// The statement of one name, with the texts that are joined by `\` in one line.
fn unscoped_sql(file: &Path, sql: &str, tables: &BTreeSet<String>) -> Vec<Breach> {
    let sql: String = sql.split_whitespace().flat_map(|word| [word, " "]).collect();
    let gives_scope = ["(SELECT ?::uuid AS workspace_id) AS scope", "(SELECT ?::uuid AS workspace_id, "];
    let has_scope = gives_scope.iter().any(|scope| sql.contains(scope));
    let mut breaches = Vec::new();
    for table in tables {
        for word in ["FROM ", "JOIN ", "UPDATE ", "INTO ", "REPLACE INTO "] {
            let named = format!("{word}{table} ");
            for (at, _) in sql.match_indices(&named) {
                let rest: Vec<&str> = sql[at + named.len()..].split(' ').collect();
                let alias = if rest[0] == "AS" { rest[1] } else { table.as_str() };
                let block = block_around(&sql, at);
                let column = format!("{alias}.workspace_id =");
                let given = |name: &str| {
                    let conditions = block.split(name).skip(1);
                    conditions.map(str::trim_start).any(|value| {
                        value.starts_with('?')
                            || value.starts_with('$')
                            || (value.starts_with("scope.workspace_id") && has_scope)
                            // A name for the same, which no planner keeps apart.
                            || value.split_once(".workspace_id").is_some_and(|(name, _)| {
                                has_scope && sql.contains(&format!("{name} AS NOT MATERIALIZED ("))
                            })
                            // The row of a query around it, which is held to the same rule.
                            || tables.iter().any(|outer| value.starts_with(&format!("{outer}.workspace_id")))
                    })
                };
                let is_insert = word.contains("INTO");
                let is_scoped = match is_insert {
                    // Its first column is the workspace, and its first value a parameter.
                    true => {
                        let text = &sql[at..];
                        let values = text
                            .split_once(") SELECT ")
                            .or_else(|| text.split_once("VALUES ("))
                            .map(|(_, values)| values);
                        text.split('(').nth(1).is_some_and(|columns| columns.trim_start().starts_with("workspace_id"))
                            && values.is_some_and(|values| values.trim_start().starts_with('?'))
                    }
                    false => given(&column) || given(" workspace_id =") || given("(workspace_id ="),
                };
                if !is_scoped {
                    breaches.push(format!("{}: {named}in {block}", file.display()));
                }
            }
        }
    }
    breaches
}

/// What a sharded Postgres does not send to one shard as it is: a statement that inserts within a `WITH`, or behind one.
fn is_cut_up(sql: &str) -> bool {
    sql.trim_start().starts_with("WITH ") && sql.contains("INSERT INTO ")
}

/// Whether a function writes rows on every shard and also such that every server has a copy of, all at once: Citus refuses that.
fn mixes_copies_and_shards(function: &str) -> bool {
    let writes_copies =
        ["insert_into", "update", "delete"].iter().any(|verb| function.contains(&format!("{verb}(users::table")));
    writes_copies && function.contains("every shard") && !function.contains("batch_execute(SEQUENTIAL)")
}

/// The SQL texts of a source file.
fn texts(function: &str) -> Vec<String> {
    let pieces: Vec<&str> = function.split('"').collect();
    let quoted = pieces.iter().skip(1).step_by(2);
    quoted
        .map(|text| text.replace("\\\n", " "))
        .filter(|text| text.contains(" FROM ") || text.starts_with("UPDATE") || text.contains("INSERT "))
        .collect()
}

#[test]
fn every_statement_names_its_workspace() {
    let tables = distributed();
    assert!(tables.len() >= 8 && tables.contains("documents") && !tables.contains("sessions"), "{tables:?}");
    let mut breaches = Vec::new();
    let mut statements = 0;
    for (file, sql) in files(&root(), "sql") {
        statements += 1;
        breaches.extend(unscoped_sql(&file, &sql, &tables));
        // A plain Postgres' alone: `postgres::in_parts` does the same on a sharded one.
        if is_cut_up(&sql) && !file.ends_with("postgres/sql/write_set.sql") {
            breaches.push(format!("{}: inserts, with a WITH", file.display()));
        }
    }
    for (file, source) in files(&root(), "rs") {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        // Tests, and what is SQLite's, which is one file.
        if ["one_shard.rs", "query_plans.rs", "schema.rs", "backup.rs", "sqlite.rs"].contains(&name.as_str()) {
            continue;
        }
        let code = code(&source);
        for function in functions(&code).into_iter().filter(|function| !function.contains("every shard")) {
            statements += function.matches("::table").count();
            breaches.extend(unscoped_queries(&file, function, &tables));
        }
        let mixed = functions(&code).into_iter().filter(|function| mixes_copies_and_shards(function));
        breaches.extend(mixed.map(|function| format!("{} {}: not SEQUENTIAL", file.display(), name_of(function))));
        for sql in texts(&code) {
            breaches.extend(unscoped_sql(&file, &sql, &tables));
            breaches.extend(is_cut_up(&sql).then(|| format!("{}: inserts, with a WITH: {sql}", file.display())));
        }
    }
    assert!(statements > 100, "{statements} statements were read");
    assert!(breaches.is_empty(), "these do not say which workspace:\n{}", breaches.join("\n"));
}

#[test]
fn what_a_cluster_refuses_is_found() {
    assert!(is_cut_up("WITH gone AS (DELETE FROM sync_notes) INSERT INTO sync_notes SELECT ?::uuid"));
    assert!(is_cut_up("WITH made AS (INSERT INTO receipts SELECT ?::uuid RETURNING 1) SELECT 1 FROM made"));
    assert!(!is_cut_up("WITH page AS (SELECT 1) SELECT 1 FROM page"));
    assert!(!is_cut_up("INSERT INTO receipts SELECT ?::uuid FROM unnest(?::text[]) WITH ORDINALITY"));
    let deletion = "/// Asks every shard.\nfn forget() { diesel::delete(users::table.find(key)) }";
    assert!(mixes_copies_and_shards(deletion));
    assert!(!mixes_copies_and_shards(&deletion.replace("{ ", "{ connection.batch_execute(SEQUENTIAL)?; ")));
    assert!(!mixes_copies_and_shards("fn rename() { diesel::update(users::table.find(key)) }"));
}

#[test]
fn what_hides_its_workspace_is_found() {
    let tables = distributed();
    let file = Path::new("x");
    let sql = |text: &str| unscoped_sql(file, text, &tables).len();
    assert_eq!(sql("SELECT 1 FROM documents WHERE workspace_id = ? AND version = ?"), 0);
    assert_eq!(sql("SELECT 1 FROM documents AS d WHERE d.workspace_id = ?::uuid"), 0);
    assert_eq!(sql("SELECT 1 FROM documents AS d WHERE d.document_id = ?"), 1);
    let wanted = "FROM documents AS d JOIN wanted ON d.workspace_id = wanted.workspace_id";
    assert_eq!(sql(&format!("WITH wanted AS MATERIALIZED (SELECT ?::uuid AS workspace_id) SELECT 1 {wanted}")), 1);
    assert_eq!(sql("UPDATE receipts SET version = 1 WHERE client_id = ?"), 1);
    let lateral = "(SELECT 1 FROM receipts AS r WHERE r.workspace_id = scope.workspace_id LIMIT 1)";
    assert_eq!(
        sql(&format!("SELECT 1 FROM (SELECT ?::uuid AS workspace_id) AS scope CROSS JOIN LATERAL {lateral}")),
        0
    );
    assert_eq!(sql(&format!("WITH scope AS MATERIALIZED (SELECT ?::uuid) SELECT 1 FROM scope, {lateral}")), 1);
    assert_eq!(sql("INSERT INTO receipts (workspace_id, user_id) SELECT ?::uuid, ?::uuid"), 0);
    assert_eq!(sql("INSERT INTO receipts (workspace_id, user_id) SELECT wanted.workspace_id, ?"), 1);
    let query = |text: &str| unscoped_queries(file, text, &tables).len();
    assert_eq!(query("documents::table.find(key).select(x)"), 0);
    assert_eq!(query("diesel::update(documents::table)\n.filter(documents::workspace_id.eq(key))"), 0);
    assert_eq!(query("documents::table.filter(documents::version.eq(1)); documents::workspace_id.eq(2)"), 1);
    assert_eq!(query("diesel::delete(receipts::table).filter(receipts::version.eq(1))"), 1);
}
