//! What was found to be lost, doubled or wrong.

use std::sync::Mutex;

/// What kind of fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It was acknowledged, and is not there.
    Lost,
    /// It was applied more than once.
    Doubled,
    /// It is there, and not as it must be.
    Wrong,
}

/// All that was found.
#[derive(Default)]
pub struct Findings(Mutex<Vec<(Kind, String)>>);

impl Findings {
    /// Notes one.
    pub fn add(&self, kind: Kind, what: String) {
        self.0.lock().unwrap().push((kind, what));
    }

    /// How many there are of a kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.0.lock().unwrap().iter().filter(|(found, _)| *found == kind).count()
    }

    /// The first of them, a line each.
    pub fn first(&self) -> String {
        let found = self.0.lock().unwrap();
        let lines = found.iter().take(20).map(|(kind, what)| format!("{kind:?}: {what}"));
        lines.collect::<Vec<_>>().join("\n")
    }
}
