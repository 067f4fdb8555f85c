//! Deadlines on this side of a Postgres connection. A server that hangs does not enforce its own, and libpq waits for
//! as long as the other side's kernel acknowledges what it sends.
//!
//! Each connection notes when a statement begins and ends. A thread of the process looks at those notes. It shuts the
//! socket of a connection down whose statement is past its time, so that libpq reports the connection as lost. Where a URL
//! names other hosts too, a statement that takes long makes it ask the host for a new connection: if that gets no answer
//! either, the host hangs, and all connections to it are shut down.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::InstrumentationEvent;
use diesel::{Connection, PgConnection};
use filedescriptor::FileDescriptor;
use socket2::{SockAddr, SockRef};

use super::hosts::Host;
use super::url::{set_parameter, user_timeout_of};

/// How often the thread looks.
const INTERVAL: Duration = Duration::from_millis(200);
/// What a server gets beyond the time that it was told, to say itself that a statement took too long.
const GRACE: Duration = Duration::from_secs(1);
/// A statement that takes this long raises the question whether its host hangs.
const SUSPICIOUS: Duration = Duration::from_millis(1_500);
/// What a host gets to accept a connection that is opened to find out whether it hangs.
const PROBE: Duration = Duration::from_secs(2);
/// What opening a connection may take, from the first packet to the first statement.
const OPENING: Duration = Duration::from_secs(7);
/// Statements that nobody gave a time: migrations.
const LONGEST: Duration = Duration::from_secs(3_600);

/// One connection, as it is watched.
#[derive(Debug)]
pub(super) struct Watch {
    host: Arc<Host>,
    /// Tells this connection's socket from others: the value that libpq sets its TCP_USER_TIMEOUT to.
    stamp: u64,
    /// When the statement under way began, in milliseconds since the process first asked; 0 = none is.
    busy_since: AtomicU64,
    /// What a statement may take, in milliseconds.
    limit: AtomicU64,
    /// When the session must be through, on the same clock.
    until: AtomicU64,
}

/// Milliseconds since this was first asked, and one.
fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    millis(START.get_or_init(Instant::now).elapsed()).saturating_add(1)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Watch {
    /// Opens a connection to a host, watched from its first packet on.
    ///
    /// # Errors
    /// What libpq says.
    pub(super) fn open(host: &Arc<Host>) -> Result<(PgConnection, Arc<Self>), String> {
        if host.has_others && host.is_avoided(Instant::now()) {
            return Self::open_within(host, &brief(&host.url), PROBE);
        }
        Self::open_within(host, &host.url, OPENING)
    }

    fn open_within(host: &Arc<Host>, url: &str, time: Duration) -> Result<(PgConnection, Arc<Self>), String> {
        let watch = register(host, url, time);
        watch.begin();
        let stamped = set_parameter(url, "tcp_user_timeout", &watch.stamp.to_string());
        let opened = PgConnection::establish(&stamped);
        watch.end();
        let mut connection = opened.map_err(|error| error.to_string().replace(&stamped, "the URL"))?;
        watch.limit.store(millis(LONGEST), Ordering::Relaxed);
        let noted = Arc::clone(&watch);
        connection.set_instrumentation(move |event: InstrumentationEvent<'_>| match event {
            InstrumentationEvent::StartQuery { .. } => noted.begin(),
            InstrumentationEvent::FinishQuery { .. } => noted.end(),
            _ => {}
        });
        Ok((connection, watch))
    }

    fn begin(&self) {
        self.busy_since.store(now(), Ordering::Relaxed);
    }

    fn end(&self) {
        self.busy_since.store(0, Ordering::Relaxed);
    }

    /// What each statement may take from now on, and when the session must be through, if that is known.
    pub(super) fn allow(&self, statement: Duration, until: Option<Instant>) {
        self.limit.store(millis(statement), Ordering::Relaxed);
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        self.until.store(left.map_or(u64::MAX, |left| now().saturating_add(millis(left))), Ordering::Relaxed);
    }

    /// How long the statement under way has taken; `None` if none is.
    fn busy_for(&self, now: u64) -> Option<Duration> {
        let since = self.busy_since.load(Ordering::Relaxed);
        (since != 0).then(|| Duration::from_millis(now.saturating_sub(since)))
    }

    fn is_past_its_time(&self, now: u64) -> bool {
        let Some(busy) = self.busy_for(now) else { return false };
        let grace = millis(GRACE);
        millis(busy) > self.limit.load(Ordering::Relaxed).saturating_add(grace)
            || now > self.until.load(Ordering::Relaxed).saturating_add(grace)
    }

    /// Shuts the connection's socket down: whoever waits on it learns that it is lost.
    fn cut(&self) {
        for socket in open_sockets() {
            if stamp_of(&socket) == Some(self.stamp) || is_local(&socket, &self.host.url) {
                // One that is not connected any more needs no end.
                let _ended = SockRef::from(&socket).shutdown(std::net::Shutdown::Both);
            }
        }
        self.end();
    }
}

fn watches() -> MutexGuard<'static, Vec<Weak<Watch>>> {
    static WATCHES: Mutex<Vec<Weak<Watch>>> = Mutex::new(Vec::new());
    WATCHES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The connections that are open.
fn live() -> Vec<Arc<Watch>> {
    let mut watches = watches();
    watches.retain(|watch| watch.strong_count() > 0);
    watches.iter().filter_map(Weak::upgrade).collect()
}

/// Enters a connection that is about to be opened, under a stamp that no other has.
fn register(host: &Arc<Host>, url: &str, time: Duration) -> Arc<Watch> {
    start();
    let mut watches = watches();
    watches.retain(|watch| watch.strong_count() > 0);
    let taken: Vec<u64> = watches.iter().filter_map(Weak::upgrade).map(|watch| watch.stamp).collect();
    let least = user_timeout_of(url);
    let stamp = (least.saturating_add(1)..).find(|stamp| !taken.contains(stamp)).unwrap_or(least);
    let watch = Arc::new(Watch {
        host: Arc::clone(host),
        stamp,
        busy_since: AtomicU64::new(0),
        limit: AtomicU64::new(millis(time)),
        until: AtomicU64::new(u64::MAX),
    });
    watches.push(Arc::downgrade(&watch));
    watch
}

/// Starts the thread that looks, once for a process.
fn start() {
    static STARTED: AtomicBool = AtomicBool::new(false);
    if STARTED.swap(true, Ordering::Relaxed) {
        return;
    }
    let started = thread::Builder::new().name("database-watch".into()).spawn(|| {
        loop {
            thread::sleep(INTERVAL);
            look();
        }
    });
    if let Err(error) = started {
        tracing::error!(%error, "no thread watches the database connections: one that hangs is waited for");
    }
}

fn look() {
    let (live, now) = (live(), now());
    for watch in &live {
        if watch.is_past_its_time(now) {
            tracing::warn!("a database connection got no answer in time; it is closed");
            give_up(watch);
        }
    }
    for watch in live.iter().filter(|watch| watch.host.has_others) {
        if watch.busy_for(now).is_some_and(|busy| busy >= SUSPICIOUS) && watch.host.begin_probe() {
            probe(&watch.host);
        }
    }
}

/// The URL, for a host that is not waited for.
fn brief(url: &str) -> String {
    set_parameter(url, "connect_timeout", &PROBE.as_secs().to_string())
}

fn give_up(watch: &Watch) {
    watch.cut();
    metrics::counter!("landfall_database_connections_given_up_total").increment(1);
    if watch.host.note_silence(Instant::now()) {
        tracing::error!("a database host does not answer; for 30 s it is the last to be tried");
    }
}

/// Asks a host for a connection, on a thread of its own. One that gives no answer hangs.
fn probe(host: &Arc<Host>) {
    let host = Arc::clone(host);
    let spawned = thread::Builder::new().name("database-probe".into()).spawn(move || {
        let began = Instant::now();
        let answered =
            Watch::open_within(&host, &brief(&host.url), PROBE).is_ok() || began.elapsed() < PROBE.mul_f64(0.9);
        if !answered {
            tracing::error!("a database host accepts no connection; all connections to it are closed");
            for watch in live().iter().filter(|watch| Arc::ptr_eq(&watch.host, &host)) {
                give_up(watch);
            }
        }
        host.end_probe();
    });
    if let Err(error) = spawned {
        tracing::error!(%error, "a database host that may hang cannot be probed");
    }
}

/// The sockets of this process, each as a descriptor of its own: whatever its number is used for meanwhile.
fn open_sockets() -> Vec<FileDescriptor> {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return Vec::new() };
    let is_socket =
        |path: &std::path::Path| std::fs::read_link(path).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"));
    entries
        .flatten()
        .filter(|entry| is_socket(&entry.path()))
        .filter_map(|entry| entry.file_name().to_str()?.parse::<RawFd>().ok())
        .filter_map(|number| FileDescriptor::dup(&number).ok())
        .collect()
}

#[cfg(target_os = "linux")]
fn stamp_of(socket: &FileDescriptor) -> Option<u64> {
    SockRef::from(socket).tcp_user_timeout().ok().flatten().map(millis)
}

#[cfg(not(target_os = "linux"))]
fn stamp_of(_socket: &FileDescriptor) -> Option<u64> {
    None
}

/// Whether a socket is connected with this host through the file system. There sockets bear no stamp, so that all
/// connections to the host are meant.
fn is_local(socket: &FileDescriptor, url: &str) -> bool {
    let peer = SockRef::from(socket).peer_addr().ok();
    let Some(path) = peer.as_ref().and_then(SockAddr::as_pathname) else { return false };
    let is_server = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(".s.PGSQL."));
    let directory = path.parent().map(|parent| parent.to_string_lossy().into_owned()).unwrap_or_default();
    is_server && url.replace("%2F", "/").replace("%2f", "/").contains(&directory)
}
