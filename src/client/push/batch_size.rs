//! How large the next batch is, by how long the last ones took. Pure; the cases are in `tests/client_rules/batch_size.json`.
//!
//! A batch is to take about a second: so progress can be seen, a broken connection costs little, and no request times out.
//! What a batch takes is the network's latency, which no size changes, and a time that grows with its operations and bytes.

/// How long a batch is to take.
const TARGET_MS: u64 = 1_000;
/// However long the latency is, a batch is to use the line for this long.
const MIN_TRANSFER_MS: u64 = 500;
/// Operations of a batch at least, as long as no batch was too much.
const MIN_OPERATIONS: usize = 5;
/// Bytes of a batch at least: five notes of 2 KB, each with its Yjs update, are not to be parted.
const MIN_BYTES: usize = 32 * 1024;
/// The first batch.
const FIRST: BatchSize = BatchSize { operations: 10, bytes: 64 * 1024 };

/// How large a batch may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSize {
    /// Operations.
    pub operations: usize,
    /// Bytes of the request's body before it is compressed. An operation that is larger goes alone.
    pub bytes: usize,
}

/// A batch that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// What it held.
    pub size: BatchSize,
    /// From its sending to its answer, in milliseconds; of several tries the last.
    pub ms: u64,
    /// The shortest answer to any request so far, in milliseconds.
    pub latency_ms: u64,
    /// Whether it was too much: it was refused as too large, or not answered in time.
    pub was_too_much: bool,
}

impl BatchSize {
    /// The size of the first batch.
    #[must_use]
    pub fn first(most: Self) -> Self {
        FIRST.at_most(most)
    }

    /// The size of the next batch after one that was sent.
    #[must_use]
    pub fn after(self, sent: &Sent, most: Self) -> Self {
        if sent.was_too_much {
            let half = Self { operations: sent.size.operations / 2, bytes: sent.size.bytes / 2 };
            let one = Self { operations: 1, bytes: MIN_BYTES };
            return Self { operations: self.operations.min(half.operations), bytes: self.bytes.min(half.bytes) }
                .at_least(one)
                .at_most(most);
        }
        let taken = sent.ms.saturating_sub(sent.latency_ms).max(1);
        let budget = TARGET_MS.saturating_sub(sent.latency_ms).max(MIN_TRANSFER_MS);
        let next = |now: usize, done: usize, min: usize| {
            let fitting = whole(wide(done).saturating_mul(u128::from(budget)) / u128::from(taken));
            if taken <= budget {
                // A small batch shows nothing about a large one, so no more than twice of what was seen to work.
                now.max(fitting.min(done.saturating_mul(2)))
            } else {
                fitting.max(now / 4).max(min).min(now)
            }
        };
        Self {
            operations: next(self.operations, sent.size.operations, MIN_OPERATIONS),
            bytes: next(self.bytes, sent.size.bytes, MIN_BYTES),
        }
        .at_most(most)
    }

    fn at_most(self, most: Self) -> Self {
        Self { operations: self.operations.min(most.operations), bytes: self.bytes.min(most.bytes) }
    }

    fn at_least(self, least: Self) -> Self {
        Self { operations: self.operations.max(least.operations), bytes: self.bytes.max(least.bytes) }
    }
}

fn wide(number: usize) -> u128 {
    u128::try_from(number).unwrap_or(u128::MAX)
}

fn whole(number: u128) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
