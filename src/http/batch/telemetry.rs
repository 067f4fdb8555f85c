//! What batches are counted by, for `/metrics`. Labels come from closed sets; no id and no text is one.

use std::collections::BTreeMap;
use std::time::Duration;

use super::answer::AnswerKind;
use crate::domain::operation::OperationKind;
use crate::sync::BatchAnswer;

/// Counts a batch that was answered, and its operations.
pub(super) fn count_batch(answer: &BatchAnswer, elapsed: Duration) {
    let outcome = match AnswerKind::of(answer) {
        _ if answer.dry_run => "dry_run",
        AnswerKind::Processed => "processed",
        AnswerKind::RolledBackByConflicts | AnswerKind::RolledBackByErrors => "rolled_back",
    };
    metrics::counter!("landfall_batches_total", "outcome" => outcome).increment(1);
    metrics::histogram!("landfall_batch_duration_seconds", "outcome" => outcome).record(elapsed.as_secs_f64());
    // A counter costs a lookup: one for each kind and outcome, not one for each operation.
    let mut operations: BTreeMap<(&'static str, &'static str), u64> = BTreeMap::new();
    for result in &answer.results {
        let kind = result.outcome.kind.map_or("unreadable", OperationKind::as_str);
        let count = operations.entry((kind, result.outcome.status().as_str())).or_default();
        *count = count.saturating_add(1);
    }
    for ((kind, outcome), count) in operations {
        metrics::counter!("landfall_operations_total", "kind" => kind, "outcome" => outcome).increment(count);
    }
}
