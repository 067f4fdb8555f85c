//! What the kernel is asked for: room for so many connections, and not to wait for ever for clients that take nothing.

use std::any::Any;
use std::io;

use actix_web::rt::net::TcpStream;

/// Files that the server has open besides event streams: the database, other requests.
const OTHER_FILES: usize = 1_024;

/// Raises the bound on open files, usually set low for the sake of old programs, as far as the streams need it.
pub(super) fn make_room_for(max_streams: usize) {
    let needed = u64::try_from(max_streams.saturating_add(OTHER_FILES)).unwrap_or(u64::MAX);
    match rlimit::increase_nofile_limit(needed) {
        Ok(files) if files < needed => {
            tracing::warn!(files, max_streams, "the system allows fewer open files than LANDFALL_MAX_STREAMS needs");
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the bound on open files cannot be raised"),
    }
}

/// Sets the options of a new connection.
pub(super) fn set_options(connection: &dyn Any) {
    if let Some(stream) = connection.downcast_ref::<TcpStream>()
        && let Err(error) = set_tcp_options(stream)
    {
        tracing::debug!(%error, "a connection keeps the system's options");
    }
}

#[cfg(target_os = "linux")]
fn set_tcp_options(stream: &TcpStream) -> io::Result<()> {
    /// A client that has taken nothing of what it was sent for so long is gone: its machine is off, or it is stuck.
    const TAKES_NOTHING_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);
    /// Bytes that may wait in the kernel, unsent, before the server holds back: without this bound a client that does
    /// not read has megabytes kept for it, and an event stream would notice only after them that it is not read.
    const MAX_UNSENT_BYTES: u32 = 256 * 1024;
    let socket = socket2::SockRef::from(stream);
    socket.set_tcp_user_timeout(Some(TAKES_NOTHING_TIMEOUT))?;
    socket.set_tcp_notsent_lowat(MAX_UNSENT_BYTES)
}

/// Elsewhere the options have other names or none.
#[cfg(not(target_os = "linux"))]
fn set_tcp_options(_stream: &TcpStream) -> io::Result<()> {
    Ok(())
}
