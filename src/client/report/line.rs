//! The one line that a terminal shows while a sync is under way. It never is wider than the terminal.

use std::time::Duration;

use console::{measure_text_width, truncate_str};

use crate::client::report::plain::one_line;
use crate::client::report::progress::Progress;

/// The bar between its brackets, if there is room.
const BAR_WIDTHS: std::ops::RangeInclusive<usize> = 8..=24;

/// Columns below which what is being done is left out: the beginning of a word says nothing.
const SHORTEST_OPERATION: usize = 10;

/// What the line shows.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// How far it is.
    pub progress: &'a Progress,
    /// Things a second.
    pub per_second: Option<f64>,
    /// Until the end.
    pub remaining: Option<Duration>,
    /// Since the beginning.
    pub elapsed: Duration,
}

/// The line, for a terminal of this many columns. The last column stays free: some terminals wrap when it is written.
#[must_use]
pub fn progress_line(view: &View<'_>, columns: usize) -> String {
    let room = columns.saturating_sub(1);
    let operation = one_line(&view.progress.current_operation);
    let Progress { total, processed, failed, percentage, .. } = view.progress;
    // Between two steps it is not known how much is to come.
    if processed >= total {
        let done = if *processed > 0 { format!("{processed} done  ") } else { String::new() };
        let line = format!("{done}{}  {operation}", shown_time(view.elapsed));
        return truncate_str(&line, room, "…").into_owned();
    }
    let mut line = format!("{processed}/{total} {percentage:.0}%");
    let parts = [
        view.remaining.map(|remaining| format!("{} left", shown_time(remaining))),
        (*failed > 0).then(|| format!("{failed} failed")),
        view.per_second.map(|rate| if rate < 10.0 { format!("{rate:.1}/s") } else { format!("{rate:.0}/s") }),
    ];
    for part in parts.into_iter().flatten() {
        if measure_text_width(&line) + 2 + measure_text_width(&part) <= room {
            line = format!("{line}  {part}");
        }
    }
    let free = room.saturating_sub(measure_text_width(&line));
    // The bar gets a third of what is free, the operation the rest; too narrow a bar says nothing.
    let bar_width = (free / 3).max(free.saturating_sub(3).min(*BAR_WIDTHS.start())).min(*BAR_WIDTHS.end());
    if bar_width >= *BAR_WIDTHS.start() {
        line = format!("{} {line}", bar(*processed, *total, bar_width));
    }
    if room.saturating_sub(measure_text_width(&line)) < SHORTEST_OPERATION {
        return truncate_str(&line, room, "…").into_owned();
    }
    truncate_str(&format!("{line}  {operation}"), room, "…").into_owned()
}

fn bar(processed: u64, total: u64, width: usize) -> String {
    let filled = u64::try_from(width).unwrap_or(0).saturating_mul(processed.min(total)).checked_div(total);
    let filled = usize::try_from(filled.unwrap_or(0)).unwrap_or(0).min(width);
    let head = if filled < width { ">" } else { "" };
    format!("[{:<width$}]", format!("{}{head}", "=".repeat(filled)))
}

/// A time as people say it.
#[must_use]
pub fn shown_time(time: Duration) -> String {
    // Up, so that "0 s left" is not said while something is.
    let seconds = time.as_millis().div_ceil(1000);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!("{}:{:02} h", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(operation: &str) -> Progress {
        Progress {
            total: 500,
            processed: 120,
            failed: 2,
            percentage: 24.0,
            current_operation: operation.to_owned(),
            ..Progress::default()
        }
    }

    fn view(progress: &Progress) -> View<'_> {
        let (remaining, elapsed) = (Some(Duration::from_millis(11_200)), Duration::from_secs(4));
        View { progress, per_second: Some(35.2), remaining, elapsed }
    }

    #[test]
    fn a_wide_terminal_shows_all() {
        let progress = progress("create a.md");
        assert_eq!(
            progress_line(&view(&progress), 100),
            "[====>               ] 120/500 24%  12 s left  2 failed  35/s  create a.md"
        );
    }

    #[test]
    fn a_narrow_terminal_shows_what_counts() {
        let progress = progress("create a.md");
        assert_eq!(progress_line(&view(&progress), 40), "120/500 24%  12 s left  2 failed  35/s");
        assert_eq!(progress_line(&view(&progress), 12), "120/500 24%");
    }

    #[test]
    fn between_two_steps_only_the_time_goes_on() {
        let progress = Progress { total: 120, ..progress("looking for changes") };
        assert_eq!(progress_line(&view(&progress), 100), "120 done  4 s  looking for changes");
        let progress = Progress { total: 0, processed: 0, ..progress };
        assert_eq!(progress_line(&view(&progress), 100), "4 s  looking for changes");
    }

    #[test]
    fn no_line_is_wider_than_its_terminal() {
        for operation in
            ["", "create a.md", "文書を作る/とても長い名前のファイル.md", "a\nb\u{1b}[31m\tc.md", &"long ".repeat(80)]
        {
            for total in [0, 500] {
                let progress = Progress { total, ..progress(operation) };
                for columns in 2..200 {
                    let line = progress_line(&view(&progress), columns);
                    assert!(measure_text_width(&line) <= columns.saturating_sub(1), "{columns}: {line:?}");
                    assert!(!line.contains(char::is_control), "{line:?}");
                }
            }
        }
    }

    #[test]
    fn the_bar_is_full_at_the_end_alone() {
        assert_eq!(bar(0, 10, 8), "[>       ]");
        assert_eq!(bar(9, 10, 8), "[=======>]");
        assert_eq!(bar(10, 10, 8), "[========]");
    }

    #[test]
    fn times_are_said_as_people_do() {
        let shown = |seconds| shown_time(Duration::from_secs(seconds));
        assert_eq!((shown(0), shown(59), shown(60)), ("0 s".into(), "59 s".into(), "1:00 min".into()));
        assert_eq!((shown(3599), shown(3661)), ("59:59 min".into(), "1:01 h".into()));
        assert_eq!(shown_time(Duration::from_millis(200)), "1 s");
    }
}
