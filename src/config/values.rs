//! Values of settings, read from text.

use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZeroU32;

/// Operations a minute, or accounts an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimit {
    /// No limit.
    Off,
    /// At most this many.
    PerMinute(NonZeroU32),
}

pub(super) fn address(raw: &str) -> Result<SocketAddr, String> {
    let mut found =
        raw.to_socket_addrs().map_err(|_unresolved| "use address:port, such as 127.0.0.1:7001".to_owned())?;
    found.next().ok_or_else(|| "the name has no address".to_owned())
}

pub(super) fn positive(raw: &str) -> Result<usize, String> {
    match raw.parse::<usize>() {
        Ok(number) if number > 0 => Ok(number),
        Ok(_) | Err(_) => Err("use a whole number from 1".to_owned()),
    }
}

/// The most that may be stored; `None` = any amount. A type of its own: clap takes an `Option` for an absent option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota(pub Option<i64>);

pub(super) fn quota(raw: &str) -> Result<Quota, String> {
    if raw == "off" {
        return Ok(Quota(None));
    }
    match raw.parse::<i64>() {
        Ok(most) if most >= 0 => Ok(Quota(Some(most))),
        Ok(_) | Err(_) => Err("use a whole number from 0, or `off`".to_owned()),
    }
}

pub(super) fn rate_limit(raw: &str) -> Result<RateLimit, String> {
    if raw == "off" {
        return Ok(RateLimit::Off);
    }
    match raw.parse() {
        Ok(operations) => Ok(RateLimit::PerMinute(operations)),
        Err(_no_number) => Err("use a whole number from 1, or `off`".to_owned()),
    }
}
