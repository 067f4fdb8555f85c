//! The time, as the state keeps it.

use std::time::SystemTime;

/// Nanoseconds since 1970.
#[must_use]
pub fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Microseconds since 1970.
#[must_use]
pub fn now_us() -> i64 {
    now_ns() / 1_000
}
