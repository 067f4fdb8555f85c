//! The order of a batch (protocol §1.3).
