//! Rate limits for each user, in operations and bytes, and the headers that tell a client where it stands.
//!
//! A request counts as one operation besides those that it carries. Counts are kept by this server alone.

use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota as Replenishment, RateLimiter};

use crate::domain::ids::UserId;

/// The time in which a limit is replenished.
const WINDOW_S: u32 = 60;
/// Bytes are counted in units of this size: finer ones would be replenished in less than the clock tells apart.
const BYTES_PER_UNIT: u64 = 1024;

/// What a user may do in a minute; a whole minute's worth may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitConfig {
    /// Operations.
    pub operations_per_minute: NonZeroU32,
    /// Bytes of request bodies, and of documents that are read.
    pub bytes_per_minute: u64,
}

/// How much of one limit is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// The limit.
    pub quota: u64,
    /// What is left of it.
    pub remaining: u64,
    /// Seconds until all of it is there again.
    pub reset_s: u64,
}

/// How much of both limits is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Of operations.
    pub operations: Remaining,
    /// Of bytes; not known where the operations alone made the refusal.
    pub bytes: Option<Remaining>,
}

/// A charge that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How long until it would pass.
    pub after: Duration,
    /// Where the user stands.
    pub quota: Quota,
}

type Limiter<C> = RateLimiter<UserId, DashMapStateStore<UserId>, C, StateInformationMiddleware>;

/// The limits of all users of this server.
pub struct RateLimits<C: Clock = DefaultClock> {
    operations: Dimension<C>,
    bytes: Dimension<C>,
}

struct Dimension<C: Clock> {
    limiter: Limiter<C>,
    clock: C,
    burst: NonZeroU32,
    /// What one unit of the limiter stands for.
    unit: u64,
}

impl RateLimits<DefaultClock> {
    /// Limits by the machine's clock.
    #[must_use]
    pub fn new(config: RateLimitConfig) -> Self {
        Self::with_clock(config, &DefaultClock::default())
    }
}

impl<C: Clock + Clone> RateLimits<C> {
    /// Limits by another clock.
    #[must_use]
    pub fn with_clock(config: RateLimitConfig, clock: &C) -> Self {
        let units = u32::try_from(config.bytes_per_minute.div_ceil(BYTES_PER_UNIT)).unwrap_or(u32::MAX);
        Self {
            operations: Dimension::new(config.operations_per_minute, 1, clock.clone()),
            bytes: Dimension::new(NonZeroU32::new(units).unwrap_or(NonZeroU32::MIN), BYTES_PER_UNIT, clock.clone()),
        }
    }

    /// Counts what a request costs. A cost above a whole limit is taken to be the whole limit, so that whatever the
    /// published limits allow can pass some time.
    ///
    /// # Errors
    /// How long to wait. What was refused for its bytes has still cost its operations.
    pub fn charge(&self, user: UserId, operations: u64, bytes: u64) -> Result<Quota, Retry> {
        let operations = self
            .operations
            .charge(user, operations)
            .map_err(|(after, operations)| Retry { after, quota: Quota { operations, bytes: None } })?;
        self.charge_bytes(user, bytes, Some(Quota { operations, bytes: None }))
    }

    /// Counts bytes alone, of a request whose operations have been counted: `stood` is what came of that.
    ///
    /// # Errors
    /// How long to wait.
    pub fn charge_bytes(&self, user: UserId, bytes: u64, stood: Option<Quota>) -> Result<Quota, Retry> {
        let operations =
            stood.map_or_else(|| self.operations.remaining(self.operations.burst.get()), |quota| quota.operations);
        match self.bytes.charge(user, bytes) {
            Ok(bytes) => Ok(Quota { operations, bytes: Some(bytes) }),
            Err((after, bytes)) => Err(Retry { after, quota: Quota { operations, bytes: Some(bytes) } }),
        }
    }

    /// Forgets users who are back at their full limits. To be called now and then, so that memory stays bounded.
    pub fn forget_rested(&self) {
        self.operations.limiter.retain_recent();
        self.bytes.limiter.retain_recent();
    }
}

impl<C: Clock + Clone> Dimension<C> {
    fn new(burst: NonZeroU32, unit: u64, clock: C) -> Self {
        let limiter: Limiter<C> =
            RateLimiter::new(Replenishment::per_minute(burst), DashMapStateStore::default(), clock.clone());
        Self { limiter, clock, burst, unit }
    }

    fn charge(&self, user: UserId, cost: u64) -> Result<Remaining, (Duration, Remaining)> {
        let units = u32::try_from(cost.div_ceil(self.unit)).unwrap_or(u32::MAX).min(self.burst.get());
        let units = NonZeroU32::new(units).unwrap_or(NonZeroU32::MIN);
        let whole_window = Duration::from_secs(u64::from(WINDOW_S));
        let after = match self.limiter.check_key_n(&user, units) {
            Ok(Ok(snapshot)) => return Ok(self.remaining(snapshot.remaining_burst_capacity())),
            Ok(Err(refused)) => refused.wait_time_from(self.clock.now()),
            // Cannot be: the cost was cut to the burst.
            Err(_insufficient) => whole_window,
        };
        Err((after, Remaining { reset_s: WINDOW_S.into(), ..self.remaining(0) }))
    }

    fn remaining(&self, units: u32) -> Remaining {
        let spent = u64::from(self.burst.get().saturating_sub(units));
        Remaining {
            quota: u64::from(self.burst.get()).saturating_mul(self.unit),
            remaining: u64::from(units).saturating_mul(self.unit),
            reset_s: spent.saturating_mul(u64::from(WINDOW_S)).div_ceil(u64::from(self.burst.get())),
        }
    }
}

/// `RateLimit-Policy` and `RateLimit` as structured fields (draft-ietf-httpapi-ratelimit-headers-10).
#[must_use]
pub fn headers_of(quota: &Quota) -> Vec<(HeaderName, HeaderValue)> {
    let operations = quota.operations;
    let mut policy = format!("\"operations\";q={};qu=\"operations\";w={WINDOW_S}", operations.quota);
    let mut limit = format!("\"operations\";r={};t={}", operations.remaining, operations.reset_s);
    if let Some(bytes) = quota.bytes {
        policy.push_str(&format!(", \"bytes\";q={};qu=\"content-bytes\";w={WINDOW_S}", bytes.quota));
        limit.push_str(&format!(", \"bytes\";r={};t={}", bytes.remaining, bytes.reset_s));
    }
    [("ratelimit-policy", policy), ("ratelimit", limit)]
        .into_iter()
        .filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use uuid::Uuid;

    use super::*;

    const ADA: UserId = UserId(Uuid::from_u128(1));
    const BOB: UserId = UserId(Uuid::from_u128(2));

    fn limits(operations: u32, bytes: u64) -> (RateLimits<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let config =
            RateLimitConfig { operations_per_minute: NonZeroU32::new(operations).unwrap(), bytes_per_minute: bytes };
        (RateLimits::with_clock(config, &clock), clock)
    }

    #[test]
    fn operations_are_counted_for_each_user_and_come_back() {
        let (limits, clock) = limits(120, 1 << 20);
        let quota = limits.charge(ADA, 100, 0).unwrap();
        assert_eq!(quota.operations, Remaining { quota: 120, remaining: 20, reset_s: 50 });
        let refused = limits.charge(ADA, 40, 0).unwrap_err();
        assert_eq!(refused.after, Duration::from_secs(10));
        assert!(limits.charge(BOB, 100, 0).is_ok());
        clock.advance(Duration::from_secs(10));
        assert_eq!(limits.charge(ADA, 40, 0).unwrap().operations.remaining, 0);
    }

    #[test]
    fn bytes_are_counted_too() {
        let (limits, clock) = limits(1_000, 60 * 1024);
        assert_eq!(limits.charge(ADA, 1, 50 * 1024).unwrap().bytes.unwrap().remaining, 10 * 1024);
        let refused = limits.charge(ADA, 1, 20 * 1024).unwrap_err();
        assert_eq!(refused.after, Duration::from_secs(10));
        clock.advance(Duration::from_secs(10));
        assert!(limits.charge(ADA, 1, 20 * 1024).is_ok());
    }

    #[test]
    fn a_cost_above_the_limit_can_pass_some_time() {
        let (limits, clock) = limits(10, 1024);
        assert!(limits.charge(ADA, 100, 10_000_000).is_ok());
        assert_eq!(limits.charge(ADA, 100, 10_000_000).unwrap_err().after, Duration::from_secs(60));
        clock.advance(Duration::from_secs(60));
        assert!(limits.charge(ADA, u64::MAX, u64::MAX).is_ok());
    }

    #[test]
    fn rested_users_are_forgotten() {
        let (limits, clock) = limits(60, 1 << 20);
        limits.charge(ADA, 60, 1).unwrap();
        clock.advance(Duration::from_secs(61));
        limits.forget_rested();
        assert_eq!(limits.operations.limiter.len(), 0);
    }

    #[test]
    fn headers_are_structured_fields() {
        let (limits, _clock) = limits(60_000, 1 << 30);
        let quota = limits.charge(ADA, 100, 4096).unwrap();
        let headers: Vec<String> =
            headers_of(&quota).iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        assert_eq!(
            headers,
            [
                "ratelimit-policy: \"operations\";q=60000;qu=\"operations\";w=60, \
                 \"bytes\";q=1073741824;qu=\"content-bytes\";w=60",
                "ratelimit: \"operations\";r=59900;t=1, \"bytes\";r=1073737728;t=1",
            ]
        );
    }
}
