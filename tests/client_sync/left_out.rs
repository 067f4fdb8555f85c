//! What a machine makes the tests leave out, told whatever the outcome.

use std::io::{Write, stderr};

/// Says so past the test harness, which shows nothing of what a test that passes prints.
pub fn tell_left_out(what: &str) {
    let line = format!("LEFT OUT here: {what}\n");
    // Where nobody listens, nobody is told.
    drop(stderr().lock().write_all(line.as_bytes()));
}
