//! The servers that a Postgres URL names. libpq would try them one after another by itself, but it does not say which one
//! answered, and it does not remember one that hangs.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Two connections that got no answer within this time make their host an avoided one.
const WITHIN: Duration = Duration::from_secs(10);
/// How long a host is avoided.
const AVOIDED_FOR: Duration = Duration::from_secs(30);

/// The hosts of a URL, each with a URL of its own, in the order in which they are tried.
#[derive(Debug)]
pub(super) struct Hosts {
    all: Vec<Arc<Host>>,
    /// The one that last accepted a connection. It stays the first to be tried: a former primary that comes back is not
    /// returned to.
    preferred: AtomicUsize,
}

/// One host.
#[derive(Debug)]
pub(super) struct Host {
    /// Where it is, in libpq's form.
    pub(super) url: String,
    /// Whether there is another host to go to.
    pub(super) has_others: bool,
    /// Whether somebody is finding out whether it hangs.
    is_probed: AtomicBool,
    record: Mutex<Record>,
}

#[derive(Debug, Default)]
struct Record {
    silent_at: Option<Instant>,
    avoided_until: Option<Instant>,
}

impl Host {
    /// Takes note that a connection was given up because no answer came. Whether the host is avoided from now on, and was
    /// not before.
    pub(super) fn note_silence(&self, now: Instant) -> bool {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        let is_second = record.silent_at.is_some_and(|before| now.saturating_duration_since(before) <= WITHIN);
        record.silent_at = Some(now);
        let was_avoided = record.avoided_until.is_some_and(|until| now < until);
        if is_second {
            record.avoided_until = Some(now + AVOIDED_FOR);
        }
        is_second && !was_avoided
    }

    /// Whether the caller is the one to find out whether it hangs.
    pub(super) fn begin_probe(&self) -> bool {
        !self.is_probed.swap(true, Ordering::Relaxed)
    }

    /// Lets others find out.
    pub(super) fn end_probe(&self) {
        self.is_probed.store(false, Ordering::Relaxed);
    }

    /// Whether it hung a short while ago.
    pub(super) fn is_avoided(&self, now: Instant) -> bool {
        let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.avoided_until.is_some_and(|until| now < until)
    }
}

impl Hosts {
    /// The hosts of a URL, in its order.
    pub(super) fn of(url: &str) -> Self {
        let urls = split(url);
        let has_others = urls.len() > 1;
        let host =
            |url| Arc::new(Host { url, has_others, is_probed: AtomicBool::new(false), record: Mutex::default() });
        Self { all: urls.into_iter().map(host).collect(), preferred: AtomicUsize::new(0) }
    }

    /// The hosts to try: the one that last accepted a connection, then the others in the order of the URL; those that are
    /// avoided come last.
    pub(super) fn in_order(&self, now: Instant) -> Vec<Arc<Host>> {
        let preferred = self.preferred.load(Ordering::Relaxed);
        let mut order: Vec<_> = self.all.iter().enumerate().collect();
        order.sort_by_key(|(place, host)| (host.is_avoided(now), *place != preferred, *place));
        order.into_iter().map(|(_, host)| Arc::clone(host)).collect()
    }

    /// Takes note of the host that accepted a connection.
    pub(super) fn prefer(&self, accepted: &Arc<Host>) {
        if let Some(place) = self.all.iter().position(|host| Arc::ptr_eq(host, accepted)) {
            self.preferred.store(place, Ordering::Relaxed);
        }
    }
}

/// What may be a list in a URL's parameters.
const LISTS: [&str; 3] = ["host", "hostaddr", "port"];

/// A URL for each host. Lists stand before the database's name (`a:1,b:2`) or among the parameters (`host=a,b&port=1,2`).
fn split(url: &str) -> Vec<String> {
    let Some((scheme, rest)) = url.split_once("://") else { return vec![url.to_owned()] };
    let (address, parameters) = rest.split_once('?').map_or((rest, ""), |(address, parameters)| (address, parameters));
    let (authority, database) = address.split_once('/').map_or((address, None), |(a, d)| (a, Some(d)));
    let (user, hosts) = authority.rsplit_once('@').map_or((None, authority), |(user, hosts)| (Some(user), hosts));
    let hosts: Vec<&str> = hosts.split(',').collect();
    let parameters: Vec<(&str, Vec<&str>)> = parameters
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| match parameter.split_once('=') {
            Some((name, value)) if LISTS.contains(&name) => (name, value.split(',').collect()),
            Some((name, value)) => (name, vec![value]),
            None => (parameter, Vec::new()),
        })
        .collect();
    let count = parameters.iter().map(|(_, values)| values.len()).chain([hosts.len()]).max().unwrap_or(1);
    if count <= 1 {
        return vec![url.to_owned()];
    }
    // A list of one holds for every host.
    let nth = |list: &[&str], place: usize| -> String {
        list.get(if list.len() == 1 { 0 } else { place }).copied().unwrap_or_default().to_owned()
    };
    let one = |place: usize| {
        let mut one = format!("{scheme}://");
        if let Some(user) = user {
            one.push_str(user);
            one.push('@');
        }
        one.push_str(&nth(&hosts, place));
        if let Some(database) = database {
            one.push('/');
            one.push_str(database);
        }
        for (number, (name, values)) in parameters.iter().enumerate() {
            one.push(if number == 0 { '?' } else { '&' });
            one.push_str(name);
            if !values.is_empty() {
                one.push('=');
                one.push_str(&nth(values, place));
            }
        }
        one
    };
    (0..count).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_of_a_url_gets_one_of_its_own() {
        for (url, hosts) in [
            ("postgres://h/d", vec!["postgres://h/d"]),
            (
                "postgres://u:p@a:1,b:2/d?target_session_attrs=read-write",
                vec![
                    "postgres://u:p@a:1/d?target_session_attrs=read-write",
                    "postgres://u:p@b:2/d?target_session_attrs=read-write",
                ],
            ),
            (
                "postgres:///d?host=/run/a,/run/b&port=5432",
                vec!["postgres:///d?host=/run/a&port=5432", "postgres:///d?host=/run/b&port=5432"],
            ),
            (
                "postgres://u@/d?host=a,b&port=1,2&sslmode=disable",
                vec!["postgres://u@/d?host=a&port=1&sslmode=disable", "postgres://u@/d?host=b&port=2&sslmode=disable"],
            ),
            ("postgres://[::1]:1,[::2]:2/d", vec!["postgres://[::1]:1/d", "postgres://[::2]:2/d"]),
        ] {
            assert_eq!(split(url), hosts, "{url}");
        }
    }

    #[test]
    fn a_host_that_was_silent_twice_within_ten_seconds_is_avoided_for_thirty() {
        let hosts = Hosts::of("postgres://a,b/d");
        let start = Instant::now();
        let order = |after: u64| -> Vec<String> {
            hosts.in_order(start + Duration::from_secs(after)).iter().map(|host| host.url.clone()).collect()
        };
        let (a, b) = ("postgres://a/d".to_owned(), "postgres://b/d".to_owned());
        let first = Arc::clone(&hosts.in_order(start)[0]);
        assert!(!first.note_silence(start));
        assert_eq!(order(0), [a.clone(), b.clone()]);
        assert!(!first.note_silence(start + Duration::from_secs(11)), "too far apart");
        assert!(first.note_silence(start + Duration::from_secs(12)));
        assert_eq!(order(13), [b.clone(), a.clone()]);
        assert_eq!(order(43), [a.clone(), b.clone()]);
        hosts.prefer(&hosts.in_order(start + Duration::from_secs(13))[0]);
        assert_eq!(order(43), [b, a], "the host that accepted last is stayed with");
    }
}
