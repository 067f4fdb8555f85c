//! What the kernel is asked to do with each connection: not to wait for ever for clients that take nothing.

use std::any::Any;
use std::io;
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use socket2::SockRef;

/// A client that has taken nothing of what it was sent for so long is gone: its machine is off, or it is stuck.
const TAKES_NOTHING_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes that may wait in the kernel, unsent, before the server holds back: without this bound a client that does not
/// read has megabytes kept for it, and an event stream would notice only after them that it is not read.
const MAX_UNSENT_BYTES: u32 = 256 * 1024;

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
    let socket = SockRef::from(stream);
    socket.set_tcp_user_timeout(Some(TAKES_NOTHING_TIMEOUT))?;
    socket.set_tcp_notsent_lowat(MAX_UNSENT_BYTES)
}

/// Elsewhere the options have other names or none.
#[cfg(not(target_os = "linux"))]
fn set_tcp_options(_stream: &TcpStream) -> io::Result<()> {
    Ok(())
}
