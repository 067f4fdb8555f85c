//! How long to wait before asking again: exponential backoff with full jitter, `Retry-After` obeyed.

use std::time::Duration;

use chrono::{DateTime, Utc};
use ureq::http::HeaderMap;

/// The first wait is at most this long.
const BASE: Duration = Duration::from_secs(1);
/// No wait is longer, unless the server asks for it.
const CAP: Duration = Duration::from_secs(60);

/// What the server asks for is waited for up to this time. What lies beyond is for a later command.
pub const LONGEST_ASKED: Duration = Duration::from_secs(5 * 60);

/// How often, and how long between.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// Further tries after the first.
    pub retries: u32,
}

impl Backoff {
    /// The wait before try `attempt` (1 is the second try); `None` when it is time to give up, as when the server asks for
    /// more than [`LONGEST_ASKED`]. `chance` is below 1.
    #[must_use]
    pub fn wait(&self, attempt: u32, asked: Option<Duration>, chance: f64) -> Option<Duration> {
        if attempt > self.retries || asked.is_some_and(|asked| asked > LONGEST_ASKED) {
            return None;
        }
        let ceiling = BASE.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1))).min(CAP);
        let jittered = ceiling.mul_f64(chance.clamp(0.0, 1.0));
        Some(asked.map_or(jittered, |asked| asked.saturating_add(jittered.min(BASE))))
    }
}

/// When an answer asks to come back, from now on: as seconds, or as a date (RFC 9110), which is told by the server's clock
/// where the answer says what that is.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = |name: &str| headers.get(name)?.to_str().ok();
    retry_after_at(value("retry-after"), value("date"), Utc::now())
}

/// The same of these headers, at this time by the clock here.
#[must_use]
pub fn retry_after_at(asked: Option<&str>, date_there: Option<&str>, now: DateTime<Utc>) -> Option<Duration> {
    let date = |text: &str| DateTime::parse_from_rfc2822(text).ok().map(|date| date.with_timezone(&Utc));
    let asked = asked?.trim();
    if !asked.is_empty() && asked.bytes().all(|digit| digit.is_ascii_digit()) {
        return Some(Duration::from_secs(asked.parse().unwrap_or(u64::MAX)));
    }
    let now = date_there.map(str::trim).and_then(date).unwrap_or(now);
    // A time that has passed is now.
    Some(date(asked)?.signed_duration_since(now).to_std().unwrap_or_default())
}

/// A random number from 0 to 1; a half where the system has none.
#[must_use]
pub fn chance() -> f64 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_none) => 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute() {
        let backoff = Backoff { retries: 10 };
        let ceilings: Vec<_> = (1..=8).map(|attempt| backoff.wait(attempt, None, 1.0).unwrap().as_secs()).collect();
        assert_eq!(ceilings, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.wait(5, None, 0.0), Some(Duration::ZERO));
        assert_eq!(backoff.wait(11, None, 0.5), None);
        assert_eq!(Backoff { retries: 0 }.wait(1, None, 0.5), None);
    }

    #[test]
    fn the_server_is_obeyed() {
        let asked = Some(Duration::from_secs(90));
        let wait = Backoff { retries: 3 }.wait(3, asked, 1.0).unwrap();
        assert_eq!(wait, Duration::from_secs(91));
        let backoff = Backoff { retries: 3 };
        assert!(backoff.wait(1, Some(LONGEST_ASKED), 1.0).is_some());
        assert_eq!(backoff.wait(1, Some(LONGEST_ASKED + Duration::from_secs(1)), 1.0), None, "nobody waits that long");
    }

    #[test]
    fn both_forms_are_understood() {
        let of = |pairs: &[(&'static str, &str)]| {
            retry_after(&pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect())
        };
        assert_eq!(of(&[("retry-after", " 7 ")]), Some(Duration::from_secs(7)));
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(of(&[date, ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")]), Some(Duration::from_secs(30)));
        assert_eq!(of(&[date, ("retry-after", "Sun, 06 Nov 1994 08:49:30 GMT")]), Some(Duration::ZERO));
        assert_eq!(of(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]), Some(Duration::ZERO), "long ago");
        assert!(of(&[("retry-after", "Fri, 06 Nov 2499 08:49:37 GMT")]).unwrap() > LONGEST_ASKED);
        assert_eq!((of(&[("retry-after", "soon")]), of(&[date])), (None, None));
    }
}
