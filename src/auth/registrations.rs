//! Accounts that are made from one address, counted, so that nobody fills an open server with them. Keeps a bounded
//! number of counts.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::auth::AuthError;
use crate::auth::attempts::network_of;
use crate::domain::timestamp::Timestamp;

/// Accounts are forgotten this long after the first one.
const WINDOW_S: i64 = 3_600;
/// Addresses counted at a time.
const MAX_ADDRESSES: usize = 10_000;

/// The counts of an hour.
#[derive(Debug)]
pub struct RegistrationLimit {
    most: Option<u32>,
    counts: Mutex<HashMap<IpAddr, (Timestamp, u32)>>,
}

impl RegistrationLimit {
    /// At most so many an hour; `None` = any number.
    #[must_use]
    pub fn new(most: Option<u32>) -> Self {
        Self { most, counts: Mutex::default() }
    }

    /// Whether another account may be made from there now.
    ///
    /// # Errors
    /// `TooManyRegistrations`.
    pub fn check(&self, address: IpAddr, now: Timestamp) -> Result<(), AuthError> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        match (self.most, counts.get(&network_of(address))) {
            (Some(most), Some((since, made))) if *made >= most && now < since.plus_seconds(WINDOW_S) => {
                let left = since.plus_seconds(WINDOW_S).0.saturating_sub(now.0);
                let retry_after = Duration::from_micros(u64::try_from(left).unwrap_or(0));
                Err(AuthError::TooManyRegistrations { retry_after })
            }
            _ => Ok(()),
        }
    }

    /// Counts an account that was made.
    pub fn count(&self, address: IpAddr, now: Timestamp) {
        if self.most.is_none() {
            return;
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let network = network_of(address);
        if counts.len() >= MAX_ADDRESSES && !counts.contains_key(&network) {
            counts.retain(|_, (since, _)| now < since.plus_seconds(WINDOW_S));
            if counts.len() >= MAX_ADDRESSES {
                // Each of them stands for an account that was hashed and stored: no flood that is cheap to make.
                counts.clear();
            }
        }
        let count = counts.entry(network).or_insert((now, 0));
        if now >= count.0.plus_seconds(WINDOW_S) {
            *count = (now, 0);
        }
        count.1 = count.1.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

    #[test]
    fn an_address_makes_so_many_accounts_an_hour() {
        let limit = RegistrationLimit::new(Some(2));
        let (here, there) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        for _ in 0..2 {
            limit.check(here, NOW).unwrap();
            limit.count(here, NOW);
        }
        let refused = limit.check(here, NOW.plus_seconds(600)).unwrap_err();
        let AuthError::TooManyRegistrations { retry_after } = refused else { panic!("{refused:?}") };
        assert_eq!(retry_after, Duration::from_secs(3_000));
        limit.check(there, NOW).unwrap();
        limit.check(here, NOW.plus_seconds(WINDOW_S)).unwrap();
    }

    #[test]
    fn without_a_limit_nothing_is_counted() {
        let limit = RegistrationLimit::new(None);
        limit.count(IpAddr::from([192, 0, 2, 1]), NOW);
        assert!(limit.counts.lock().unwrap().is_empty());
    }

    #[test]
    fn memory_is_bounded() {
        let limit = RegistrationLimit::new(Some(1));
        for n in 0..25_000_u32 {
            limit.count(IpAddr::from(n.to_be_bytes()), NOW);
        }
        assert!(limit.counts.lock().unwrap().len() <= MAX_ADDRESSES);
    }
}
