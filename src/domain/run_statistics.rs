//! What sync runs did, summed up: counts, and the medians of how long they took and how fast they were.

/// A run, as far as it is summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunFacts {
    /// Operations that were processed.
    pub processed: i64,
    /// Those of them that failed.
    pub failed: i64,
    /// Microseconds from its start to its end; `None` of one that has not ended.
    pub duration_us: Option<i64>,
}

/// Many of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RunStatistics {
    /// How many there were.
    pub runs: i64,
    /// Operations that they processed.
    pub operations: i64,
    /// Operations that failed and have not succeeded since.
    pub failed: i64,
    /// Milliseconds that a run took, in the middle; `None` if none has ended.
    pub median_duration_ms: Option<i64>,
    /// Operations a second, in the middle of those runs that had any.
    pub median_operations_per_s: Option<f64>,
}

/// Sums up.
#[must_use]
pub fn summarise(runs: &[RunFacts]) -> RunStatistics {
    let sum = |count: fn(&RunFacts) -> i64| runs.iter().map(count).fold(0_i64, i64::saturating_add);
    let mut durations: Vec<i64> = runs.iter().filter_map(|run| run.duration_us).collect();
    durations.sort_unstable();
    // Thousandths of an operation a second, so that they have an order.
    let rate = |run: &RunFacts| {
        let duration = run.duration_us.filter(|duration| *duration > 0 && run.processed > 0)?;
        run.processed.saturating_mul(1_000_000_000).checked_div(duration)
    };
    let mut rates: Vec<i64> = runs.iter().filter_map(rate).collect();
    rates.sort_unstable();
    let thousandths = median(&rates).and_then(|rate| i32::try_from(rate).ok());
    RunStatistics {
        runs: i64::try_from(runs.len()).unwrap_or(i64::MAX),
        operations: sum(|run| run.processed),
        failed: sum(|run| run.failed),
        median_duration_ms: median(&durations).map(|micros| micros / 1_000),
        median_operations_per_s: thousandths.map(|rate| f64::from(rate) / 1_000.0),
    }
}

/// The one in the middle; the lower of two.
fn median(sorted: &[i64]) -> Option<i64> {
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_what_has_ended_is_told() {
        let run = |processed, failed, duration_us| RunFacts { processed, failed, duration_us };
        let runs =
            [run(100, 1, Some(1_000_000)), run(10, 0, Some(4_000_000)), run(0, 0, Some(9_000_000)), run(5, 2, None)];
        let summary = summarise(&runs);
        assert_eq!((summary.runs, summary.operations, summary.failed), (4, 115, 3));
        assert_eq!(summary.median_duration_ms, Some(4_000));
        assert_eq!(summary.median_operations_per_s, Some(2.5));
    }

    #[test]
    fn nothing_has_no_middle() {
        assert_eq!(summarise(&[]), RunStatistics::default());
    }
}
