//! Editing histories that the project makes itself: the same on every machine, and like those of people who write.
//!
//! The tests replay them through npm yjs and through yrs; the benchmarks make their documents of them. Positions count
//! UTF-16 units, as editors do.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "test data: each program uses its own part, and what cannot be made fails by panicking"
)]

pub mod numbers;
mod together;
mod typist;
mod words;
pub mod workload;

use serde::Serialize;
use together::Habits;
use typist::Typist;
use words::Style;

/// The root text of every document.
pub const ROOT: &str = "content";

/// One insertion or deletion.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Where.
    pub position: u32,
    /// How much goes.
    pub deleted: u32,
    /// What comes.
    pub inserted: String,
}

impl Serialize for Edit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.position, self.deleted, &self.inserted).serialize(serializer)
    }
}

/// Edits made in one go.
#[derive(Clone, Debug, Serialize)]
pub struct Transaction {
    /// The transactions on which it builds, by number.
    pub parents: Vec<usize>,
    /// Who made it.
    #[serde(rename = "agent")]
    pub author: usize,
    /// What was done.
    #[serde(rename = "patches")]
    pub edits: Vec<Edit>,
}

/// How a text came to be.
#[derive(Clone, Debug)]
pub struct History {
    /// In an order in which they can be replayed.
    pub transactions: Vec<Transaction>,
    /// What all of them together make.
    pub text: String,
}

/// The names of the histories that the tests replay.
pub const NAMES: [&str; 4] = ["prose", "code", "two-at-once", "offline-branches"];

impl History {
    /// The history of this name.
    pub fn named(name: &str) -> Self {
        match name {
            "prose" => Self::prose(100_000),
            "code" => Self::alone(2, Style::Code, 20_000),
            "two-at-once" => together::write(
                3,
                &Habits { styles: &[Style::Prose, Style::Prose], stints: 900, longest_stint: 12, merges: 60 },
            ),
            "offline-branches" => together::write(
                4,
                &Habits {
                    styles: &[Style::Prose, Style::Code, Style::Prose],
                    stints: 24,
                    longest_stint: 500,
                    merges: 30,
                },
            ),
            other => panic!("there is no history called {other}"),
        }
    }

    /// One person over so many edits of a text in prose.
    pub fn prose(edits: usize) -> Self {
        Self::alone(1, Style::Prose, edits)
    }

    fn alone(seed: u64, style: Style, edits: usize) -> Self {
        let mut typist = Typist::new(seed, style);
        let transactions = (0..edits)
            .map(|at| Transaction {
                parents: at.checked_sub(1).into_iter().collect(),
                author: 0,
                edits: vec![typist.edit()],
            })
            .collect();
        Self { transactions, text: typist.text() }
    }

    /// As the scripts in `tests/interop` read it.
    pub fn to_json(&self) -> String {
        let is_alone = self.transactions.iter().all(|transaction| transaction.author == 0);
        serde_json::json!({
            "kind": if is_alone { "sequential" } else { "concurrent" },
            "unit": "utf16",
            "endContent": self.text,
            "txns": self.transactions,
        })
        .to_string()
    }
}
