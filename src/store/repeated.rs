//! Statements that SQLite's writer runs for every operation. Each is known by a type, so that finding the prepared one
//! costs a look-up: Diesel writes the SQL of an insert of its own anew for each run, to look it up by its text, which
//! takes about as long as the insert. Knows no table.

use std::marker::PhantomData;

use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::Error::QueryBuilderError;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, RunQueryDsl, SqliteConnection};

use super::sql_uuid::{DbUuid, SqlUuid};

/// The SQL of a statement: what stands before the first bind, between any two, and after the last.
pub(super) trait Sql: 'static {
    const BEFORE: &'static str;
    const BETWEEN: &'static [&'static str];
    const AFTER: &'static str;
}

/// What is bound.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Integer(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Id(DbUuid),
    Null,
}

const NULL: Option<i64> = None;

macro_rules! value_from {
    ($($type:ty => $variant:ident),* $(,)?) => {
        $(impl<'a> From<$type> for Value<'a> {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}

value_from!(i64 => Integer, i16 => Integer, bool => Integer, &'a str => Text, &'a [u8] => Bytes, DbUuid => Id);

impl<'a, T: Into<Self>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The statement `S` with its binds: those that it shares with others, and more.
#[derive(Debug)]
pub(super) struct Repeated<'a, S, const BINDS: usize, const MORE: usize = 0> {
    values: [Value<'a>; BINDS],
    more: [Value<'a>; MORE],
    sql: PhantomData<S>,
}

impl<'a, S: Sql, const BINDS: usize> Repeated<'a, S, BINDS> {
    pub(super) const fn new(values: [Value<'a>; BINDS]) -> Self {
        Self::and(values, [])
    }
}

impl<'a, S: Sql, const BINDS: usize, const MORE: usize> Repeated<'a, S, BINDS, MORE> {
    pub(super) const fn and(values: [Value<'a>; BINDS], more: [Value<'a>; MORE]) -> Self {
        Self { values, more, sql: PhantomData }
    }
}

impl<S: Sql, const BINDS: usize, const MORE: usize> QueryFragment<Sqlite> for Repeated<'_, S, BINDS, MORE> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        if S::BETWEEN.len() + 1 != BINDS + MORE {
            return Err(QueryBuilderError("a statement has as many binds as places".into()));
        }
        out.push_sql(S::BEFORE);
        let mut between = S::BETWEEN.iter();
        for value in self.values.iter().chain(&self.more) {
            match value {
                Value::Integer(integer) => out.push_bind_param::<BigInt, i64>(integer)?,
                Value::Text(text) => out.push_bind_param::<Text, str>(text)?,
                Value::Bytes(bytes) => out.push_bind_param::<Binary, [u8]>(bytes)?,
                Value::Id(id) => out.push_bind_param::<SqlUuid, DbUuid>(id)?,
                Value::Null => out.push_bind_param::<Nullable<BigInt>, Option<i64>>(&NULL)?,
            }
            if let Some(piece) = between.next() {
                out.push_sql(piece);
            }
        }
        out.push_sql(S::AFTER);
        Ok(())
    }
}

impl<S: Sql, const BINDS: usize, const MORE: usize> QueryId for Repeated<'_, S, BINDS, MORE> {
    // Its text follows from it.
    type QueryId = S;
}

impl<S: Sql, const BINDS: usize, const MORE: usize> RunQueryDsl<SqliteConnection> for Repeated<'_, S, BINDS, MORE> {}
