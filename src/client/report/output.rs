//! Standard output and standard error: nothing that others wrote acts on a terminal.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::client::report::plain;

/// Writes one line to standard output, whatever stands in the names and reasons. It does not matter if it is closed.
pub fn write_line(line: &str) {
    write_plain(&plain::one_line(line));
}

/// Writes a text to standard output: byte for byte, unless a terminal would act on it.
pub fn write_text(text: &str) {
    if io::stdout().is_terminal() { write_plain(&plain::lines(text)) } else { write_plain(text) }
}

fn write_plain(line: &str) {
    drop(writeln!(io::stdout().lock(), "{line}"));
}

/// Writes a value as one line of JSON to standard output.
pub fn write_json<T: Serialize>(value: &T) {
    if let Ok(line) = serde_json::to_string(value) {
        write_plain(&line);
    }
}

/// Writes a complaint to standard error: a line, and those that belong to it set in.
pub fn complain(complaint: &str) {
    let lines: Vec<String> = complaint.lines().map(plain::one_line).collect();
    drop(writeln!(io::stderr().lock(), "landfall: {}", lines.join("\n  ")));
}
