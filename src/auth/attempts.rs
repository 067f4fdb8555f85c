//! Failed logins and registrations, counted by address and by name and address, so that passwords cannot be guessed
//! at speed. Knows no password and keeps a bounded number of counts.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::timestamp::Timestamp;

/// Failures are forgotten this long after the first one.
const WINDOW_S: i64 = 300;
/// Failures against one name from one address in a window.
const MAX_PER_NAME: u32 = 10;
/// Failures from one address in a window, whatever the names.
const MAX_PER_ADDRESS: u32 = 100;
/// Counts kept at a time; about 10 MB.
const MAX_COUNTS: usize = 50_000;

/// Whose failures a count is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Address(IpAddr),
    NameFrom(String, IpAddr),
}

#[derive(Clone, Copy, Debug)]
struct Count {
    since: Timestamp,
    failures: u32,
}

/// An attempt under way. It counts as a failure until it is forgiven, so that many at once are not heard for free.
#[derive(Debug)]
#[must_use = "an attempt that is not forgiven counts as a failure"]
pub struct Attempt {
    keys: [Key; 2],
}

/// The counts.
#[derive(Debug, Default)]
pub struct FailureLimits {
    counts: Mutex<HashMap<Key, Count>>,
}

impl FailureLimits {
    /// Counts an attempt on `name` from `address`.
    ///
    /// # Errors
    /// How long to wait, if there were too many failures.
    pub fn begin(&self, name: &str, address: IpAddr, now: Timestamp) -> Result<Attempt, Duration> {
        let network = network_of(address);
        let keys = [Key::NameFrom(name.to_owned(), network), Key::Address(network)];
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, most) in keys.iter().zip([MAX_PER_NAME, MAX_PER_ADDRESS]) {
            if let Some(count) = counts.get(key).filter(|count| !is_over(**count, now))
                && count.failures >= most
            {
                return Err(time_left(*count, now));
            }
        }
        for key in &keys {
            if counts.len() >= MAX_COUNTS && !counts.contains_key(key) {
                make_room(&mut counts, now);
            }
            let count = counts.entry(key.clone()).or_insert(Count { since: now, failures: 0 });
            if is_over(*count, now) {
                *count = Count { since: now, failures: 0 };
            }
            count.failures = count.failures.saturating_add(1);
        }
        Ok(Attempt { keys })
    }

    /// Takes the attempt out of the counts: it succeeded, or its failure was the server's.
    pub fn forgive(&self, attempt: Attempt) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for key in attempt.keys {
            if let Some(count) = counts.get_mut(&key) {
                count.failures = count.failures.saturating_sub(1);
                if count.failures == 0 {
                    counts.remove(&key);
                }
            }
        }
    }
}

/// One customer commonly holds a whole IPv6 /64, so that is what is counted.
pub(super) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
    }
}

fn is_over(count: Count, now: Timestamp) -> bool {
    now >= count.since.plus_seconds(WINDOW_S)
}

fn time_left(count: Count, now: Timestamp) -> Duration {
    let micros = count.since.plus_seconds(WINDOW_S).0.saturating_sub(now.0);
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// Drops what is over; failing that the older half, so that memory stays bounded whoever calls, and a flood of new
/// addresses pays for the search only now and then.
fn make_room(counts: &mut HashMap<Key, Count>, now: Timestamp) {
    counts.retain(|_, count| !is_over(*count, now));
    if counts.len() < MAX_COUNTS {
        return;
    }
    let mut beginnings: Vec<Timestamp> = counts.values().map(|count| count.since).collect();
    let middle = beginnings.len() / 2;
    let (_, median, _) = beginnings.select_nth_unstable(middle);
    let median = *median;
    let mut surplus = middle;
    counts.retain(|_, count| {
        let is_dropped = surplus > 0 && count.since <= median;
        surplus = surplus.saturating_sub(usize::from(is_dropped));
        !is_dropped
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn fail(limits: &FailureLimits, name: &str, from: IpAddr, times: u32) {
        for _ in 0..times {
            let _counted = limits.begin(name, from, NOW).unwrap();
        }
    }

    #[test]
    fn a_name_is_closed_to_an_address_after_ten_failures_and_opens_again() {
        let limits = FailureLimits::default();
        fail(&limits, "ada", address(1), MAX_PER_NAME);
        let wait = limits.begin("ada", address(1), NOW.plus_seconds(100)).unwrap_err();
        assert_eq!(wait, Duration::from_secs(200));
        assert!(limits.begin("ada", address(2), NOW).is_ok(), "others can still log in as ada");
        assert!(limits.begin("bob", address(1), NOW).is_ok());
        assert!(limits.begin("ada", address(1), NOW.plus_seconds(WINDOW_S)).is_ok());
    }

    #[test]
    fn an_address_is_closed_after_a_hundred_failures_on_any_names() {
        let limits = FailureLimits::default();
        for n in 0..MAX_PER_ADDRESS {
            fail(&limits, &format!("user{n}"), address(1), 1);
        }
        assert!(limits.begin("yet-another", address(1), NOW).is_err());
        assert!(limits.begin("yet-another", address(2), NOW).is_ok());
    }

    #[test]
    fn successes_do_not_count() {
        let limits = FailureLimits::default();
        for _ in 0..1_000 {
            let attempt = limits.begin("ada", address(1), NOW).unwrap();
            limits.forgive(attempt);
        }
        assert!(limits.counts.lock().unwrap().is_empty());
    }

    #[test]
    fn attempts_at_the_same_time_count_before_they_end() {
        let limits = FailureLimits::default();
        let under_way: Vec<Attempt> =
            (0..MAX_PER_NAME).map(|_| limits.begin("ada", address(1), NOW).unwrap()).collect();
        assert!(limits.begin("ada", address(1), NOW).is_err());
        under_way.into_iter().for_each(|attempt| limits.forgive(attempt));
        assert!(limits.begin("ada", address(1), NOW).is_ok());
    }

    #[test]
    fn a_whole_v6_network_is_one_address() {
        let limits = FailureLimits::default();
        for n in 0..u16::try_from(MAX_PER_NAME).unwrap() {
            fail(&limits, "ada", IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, n]), 1);
        }
        assert!(limits.begin("ada", IpAddr::from([0x2001, 0xdb8, 0, 1, 9, 9, 9, 9]), NOW).is_err());
        assert!(limits.begin("ada", IpAddr::from([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1]), NOW).is_ok());
    }

    #[test]
    fn memory_is_bounded() {
        let limits = FailureLimits::default();
        for n in 0..60_000_u32 {
            let from = IpAddr::from(n.to_be_bytes());
            let _counted = limits.begin("ada", from, NOW.plus_seconds(i64::from(n) / 400));
        }
        assert!(limits.counts.lock().unwrap().len() <= MAX_COUNTS);
    }
}
