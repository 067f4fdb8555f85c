//! How many cases a property is tried with.

/// As many as `PROPTEST_CASES` says, which the library asks for only where a test names no number of its own.
pub fn cases(usually: u32) -> u32 {
    let wanted = std::env::var("PROPTEST_CASES").ok().and_then(|count| count.parse().ok());
    wanted.unwrap_or(usually)
}
