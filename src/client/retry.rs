//! How long to wait before asking again: exponential backoff with full jitter, `Retry-After` obeyed.

use std::time::Duration;

/// The first wait is at most this long.
const BASE: Duration = Duration::from_secs(1);
/// No wait is longer, unless the server asks for it.
const CAP: Duration = Duration::from_secs(60);

/// How often, and how long between.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// Further tries after the first.
    pub retries: u32,
}

impl Backoff {
    /// The wait before try `attempt` (1 is the second try); `None` when it is time to give up. `chance` is below 1.
    #[must_use]
    pub fn wait(&self, attempt: u32, asked: Option<Duration>, chance: f64) -> Option<Duration> {
        if attempt > self.retries {
            return None;
        }
        let ceiling = BASE.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1))).min(CAP);
        let jittered = ceiling.mul_f64(chance.clamp(0.0, 1.0));
        Some(asked.map_or(jittered, |asked| asked.saturating_add(jittered.min(BASE))))
    }
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
    }
}
