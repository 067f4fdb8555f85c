//! The report: tables in Markdown, with what was measured on what.

use std::fmt::Write;
use std::time::Duration;

use crate::measure::Measurement;

/// A run's report.
#[derive(Debug, Default)]
pub struct Report {
    /// What the figures were measured on.
    pub setting: String,
    /// The tables.
    pub sections: Vec<Section>,
}

/// One table.
#[derive(Debug)]
pub struct Section {
    /// Its heading.
    pub title: &'static str,
    /// What is to be known of it.
    pub about: String,
    /// The columns.
    pub columns: Vec<&'static str>,
    /// The cells.
    pub rows: Vec<Vec<String>>,
}

impl Report {
    /// The whole as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut text = format!("# Benchmarks\n\n{}\n", self.setting);
        for section in &self.sections {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n## {}\n\n{}\n\n", section.title, section.about);
            let header: Vec<String> = section.columns.iter().map(|&column| column.to_owned()).collect();
            push_row(&mut text, &header);
            push_row(&mut text, &section.columns.iter().enumerate().map(rule).collect::<Vec<_>>());
            section.rows.iter().for_each(|row| push_row(&mut text, row));
        }
        text
    }
}

/// The first column is text, the others are figures.
fn rule((place, _): (usize, &&'static str)) -> String {
    if place == 0 { "---".to_owned() } else { "---:".to_owned() }
}

fn push_row(text: &mut String, cells: &[String]) {
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

/// The columns of [`figures`].
pub const FIGURES: [&str; 6] = ["operations/s", "requests/s", "p50 ms", "p99 ms", "CPU µs/operation", "peak MiB"];

/// What every table tells of a measurement.
pub fn figures(measurement: &Measurement) -> Vec<String> {
    let requests = f64::from(u32::try_from(measurement.latencies.len()).unwrap_or(u32::MAX));
    vec![
        format!("{:.0}", measurement.rate()),
        format!("{:.0}", requests / measurement.elapsed.as_secs_f64().max(f64::EPSILON)),
        milliseconds(measurement.latency(50)),
        milliseconds(measurement.latency(99)),
        measurement.cpu_us().map_or_else(none, |cpu| format!("{cpu:.0}")),
        measurement.peak_kib.map_or_else(none, |kib| format!("{:.0}", f64::from(kib) / 1024.0)),
    ]
}

/// A time in milliseconds.
pub fn milliseconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1e3)
}

/// How many times as large the first is.
pub fn ratio(one: f64, other: f64) -> String {
    if other > 0.0 { format!("{:.2}", one / other) } else { none() }
}

/// An empty cell.
pub fn none() -> String {
    "–".to_owned()
}
