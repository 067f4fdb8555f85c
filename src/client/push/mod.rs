//! Pushing: how much goes into one batch.

pub mod batch_size;
