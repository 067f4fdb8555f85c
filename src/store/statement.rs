//! A fixed SQL text with its binds that is prepared once per connection. Diesel's `sql_query` and its `UPDATE` are
//! prepared anew each time: on Postgres a round trip, on SQLite as much work as the update itself. Knows no table.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::expression::{AsExpression, Expression};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::Error::QueryBuilderError;
use diesel::sql_types::{SingleValue, SqlType};
use diesel::{QueryResult, RunQueryDsl};

/// A statement for the database `DB` whose rows, if any, have the SQL type `Row`; each `?` of its text takes the next
/// bind.
pub(super) struct Statement<'a, DB: Backend, Row = ()> {
    sql: &'static str,
    binds: Vec<Box<dyn QueryFragment<DB> + 'a>>,
    row: PhantomData<Row>,
}

impl<'a, DB: Backend, Row> Statement<'a, DB, Row> {
    /// The statement without binds.
    pub(super) fn new(sql: &'static str) -> Self {
        Self { sql, binds: Vec::new(), row: PhantomData }
    }

    /// With the next bind, of SQL type `ST`.
    pub(super) fn bind<ST, V>(mut self, value: V) -> Self
    where
        ST: SqlType + SingleValue,
        V: AsExpression<ST>,
        V::Expression: Expression<SqlType = ST> + QueryFragment<DB> + 'a,
    {
        self.binds.push(Box::new(value.as_expression()));
        self
    }
}

impl<DB: Backend, Row> QueryFragment<DB> for Statement<'_, DB, Row> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let mut pieces = self.sql.split('?');
        out.push_sql(pieces.next().unwrap_or_default());
        let mut binds = self.binds.iter();
        for piece in pieces {
            let bind =
                binds.next().ok_or_else(|| QueryBuilderError("a statement has more places than binds".into()))?;
            bind.walk_ast(out.reborrow())?;
            out.push_sql(piece);
        }
        match binds.next() {
            None => Ok(()),
            Some(_) => Err(QueryBuilderError("a statement has more binds than places".into())),
        }
    }
}

impl<DB: Backend, Row> QueryId for Statement<'_, DB, Row> {
    type QueryId = ();
    // Cached by its text: the same few texts come again and again.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB: Backend, Row> Query for Statement<'_, DB, Row> {
    type SqlType = Row;
}

impl<Conn, DB: Backend, Row> RunQueryDsl<Conn> for Statement<'_, DB, Row> {}
