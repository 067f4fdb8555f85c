//! What is looked up, in the words of each database. Terms hold letters and digits alone, so they need no escape.

use crate::domain::ids::WorkspaceId;
use crate::domain::search::query::{Key, Query, Unit};
use crate::domain::search::terms;

/// Stands before the terms of titles.
const OF_TITLE: char = 't';
/// Stands before the terms of titles and texts.
const OF_ALL: char = 'a';

/// How well documents answer a query, by where they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// All in the title.
    Title,
    /// Some in the title.
    Both,
    /// None in the title.
    Text,
}

impl Tier {
    /// All, best first.
    pub const ALL: [Self; 3] = [Self::Title, Self::Both, Self::Text];
}

/// The terms of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// For each unit that must be there, terms that are there then.
    wanted: Vec<Vec<Key>>,
    /// Terms that must not be there.
    unwanted: Vec<Key>,
}

impl From<&Query> for Lookup {
    fn from(query: &Query) -> Self {
        let wanted = query.wanted.iter().map(Unit::keys).collect();
        let sole = |unit: &Unit| <[Key; 1]>::try_from(unit.keys()).ok();
        Self { wanted, unwanted: query.unwanted.iter().filter_map(sole).flatten().collect() }
    }
}

/// The terms of a workspace as the index has them.
pub(super) struct Terms {
    name: String,
}

impl Terms {
    /// The workspace's name is made of its id's last half, which is random where ids are drawn as they should be. Two
    /// workspaces of one name only read more than they need.
    pub(super) fn of(workspace_id: WorkspaceId) -> Self {
        let (_, half) = workspace_id.0.as_u64_pair();
        let digits = (0..13).map(|place| {
            let digit = u8::try_from((half >> (place * 5)) & 31).unwrap_or_default();
            char::from(if digit < 26 { b'a' + digit } else { b'2' + (digit - 26) })
        });
        Self { name: digits.collect() }
    }

    /// All terms of a document.
    pub(super) fn all(&self, terms: &terms::Terms) -> String {
        let of_title = terms.title.iter().map(|term| (OF_TITLE, term));
        let placed = || of_title.clone().chain(terms.all.iter().map(|term| (OF_ALL, term)));
        let mut all = String::with_capacity(placed().map(|(_, term)| self.name.len() + term.len() + 2).sum());
        for (place, term) in placed() {
            if !all.is_empty() {
                all.push(' ');
            }
            all.push_str(&self.name);
            all.push(place);
            all.push_str(term);
        }
        all
    }
}

/// How a database writes a lookup.
struct Dialect {
    and: &'static str,
    or: &'static str,
    /// What stands between what is wanted and what is not.
    but_not: &'static str,
    quote: char,
    prefix: &'static str,
}

const FTS5: Dialect = Dialect { and: " AND ", or: " OR ", but_not: " NOT ", quote: '"', prefix: "*" };
const TSQUERY: Dialect = Dialect { and: " & ", or: " | ", but_not: " & !", quote: '\'', prefix: ":*" };

impl Lookup {
    /// As an FTS5 expression; `None` if nothing can answer.
    pub(super) fn to_fts5(&self, tier: Tier, terms: &Terms) -> Option<String> {
        self.write(tier, terms, &FTS5)
    }

    /// As a `tsquery`; `None` if nothing can answer.
    pub(super) fn to_tsquery(&self, tier: Tier, terms: &Terms) -> Option<String> {
        self.write(tier, terms, &TSQUERY)
    }

    fn write(&self, tier: Tier, terms: &Terms, dialect: &Dialect) -> Option<String> {
        let key = |place: char, key: &Key| match key {
            Key::Exact(term) => format!("{q}{}{place}{term}{q}", terms.name, q = dialect.quote),
            Key::Prefix(term) => format!("{q}{}{place}{term}{q}{}", terms.name, dialect.prefix, q = dialect.quote),
        };
        let units = |place: char, between: &str| {
            let unit = |keys: &Vec<Key>| {
                let keys: Vec<String> = keys.iter().map(|one| key(place, one)).collect();
                format!("({})", keys.join(dialect.and))
            };
            format!("({})", self.wanted.iter().map(unit).collect::<Vec<_>>().join(between))
        };
        if self.wanted.is_empty() || (tier == Tier::Both && self.wanted.len() == 1) {
            return None;
        }
        let mut text = match tier {
            Tier::Title => units(OF_TITLE, dialect.and),
            Tier::Both => format!("({}{}{})", units(OF_ALL, dialect.and), dialect.and, units(OF_TITLE, dialect.or)),
            Tier::Text => units(OF_ALL, dialect.and),
        };
        let better = match tier {
            Tier::Title => None,
            Tier::Both => Some(units(OF_TITLE, dialect.and)),
            Tier::Text => Some(units(OF_TITLE, dialect.or)),
        };
        let unwanted = self.unwanted.iter().map(|one| key(OF_ALL, one));
        for other in better.into_iter().chain(unwanted) {
            text = format!("({text}{}{other})", dialect.but_not);
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::search::query::MIN_PREFIX_CHARS;

    fn written(text: &str, tier: Tier) -> [Option<String>; 2] {
        let lookup = Lookup::from(&Query::parse(text));
        let terms = Terms { name: "w".to_owned() };
        [lookup.to_fts5(tier, &terms), lookup.to_tsquery(tier, &terms)]
    }

    #[test]
    fn lookups_are_written_for_each_database() {
        let [fts5, tsquery] = written("plan \"a b\" -not -\"this one\"", Tier::Both).map(Option::unwrap);
        assert_eq!(
            fts5,
            "(((((\"waplan\"*) AND (\"waa\" AND \"wab\")) AND ((\"wtplan\"*) OR (\"wta\" AND \"wtb\"))) \
             NOT ((\"wtplan\"*) AND (\"wta\" AND \"wtb\"))) NOT \"wanot\"*)"
        );
        assert!(tsquery.contains("'waplan':*") && tsquery.contains(" & !'wanot':*"), "{tsquery}");
        assert_eq!(written("plan", Tier::Both), [None, None]);
        assert_eq!(written("-plan", Tier::Text), [None, None]);
        assert_eq!(written("in", Tier::Title)[0].as_deref(), Some("((\"wtin\"))"));
    }

    #[test]
    fn workspaces_have_names_of_one_length() {
        let one = Terms::of(WorkspaceId(Uuid::nil())).name;
        let two = Terms::of(WorkspaceId(Uuid::max())).name;
        assert_eq!((one.len(), two.len()), (13, 13));
        // The index of beginnings counts from the first character of all.
        let migration = include_str!("../../../migrations/sqlite/00000000000009_search/up.sql");
        let kept = |characters: usize| one.len() + 1 + characters;
        let prefixes = format!("prefix = '{} {} {}'", kept(1), kept(MIN_PREFIX_CHARS), kept(MIN_PREFIX_CHARS + 1));
        assert!(migration.contains(&prefixes), "{prefixes}");
        assert!(one != two && two.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{two}");
    }
}
