//! A fixed SQL text with its binds that is prepared once per connection. Diesel's own `sql_query` is prepared anew each
//! time, which costs a round trip each time. Knows no table.

use std::marker::PhantomData;

use diesel::expression::{AsExpression, Expression};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{SingleValue, SqlType};
use diesel::{PgConnection, QueryResult, RunQueryDsl};

/// A statement whose rows have the SQL type `Row`; each `?` of its text takes the next bind.
pub(super) struct Statement<'a, Row> {
    sql: &'static str,
    binds: Vec<Box<dyn QueryFragment<Pg> + 'a>>,
    row: PhantomData<Row>,
}

impl<'a, Row> Statement<'a, Row> {
    /// The statement without binds.
    pub(super) fn new(sql: &'static str) -> Self {
        Self { sql, binds: Vec::new(), row: PhantomData }
    }

    /// With the next bind, of SQL type `ST`.
    pub(super) fn bind<ST, V>(mut self, value: V) -> Self
    where
        ST: SqlType + SingleValue,
        V: AsExpression<ST>,
        V::Expression: Expression<SqlType = ST> + QueryFragment<Pg> + 'a,
    {
        self.binds.push(Box::new(value.as_expression()));
        self
    }
}

impl<Row> QueryFragment<Pg> for Statement<'_, Row> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut binds = self.binds.iter();
        let mut pieces = self.sql.split('?');
        out.push_sql(pieces.next().unwrap_or_default());
        for piece in pieces {
            let bind = binds.next().ok_or_else(|| {
                diesel::result::Error::QueryBuilderError("a statement has more places than binds".into())
            })?;
            bind.walk_ast(out.reborrow())?;
            out.push_sql(piece);
        }
        Ok(())
    }
}

impl<Row> QueryId for Statement<'_, Row> {
    type QueryId = ();
    // Kept by its text: the cache is asked for the same few texts again and again.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Row> Query for Statement<'_, Row> {
    type SqlType = Row;
}

impl<Row> RunQueryDsl<PgConnection> for Statement<'_, Row> {}
