//! A port that stays a test's own while its server is down.

use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// Holds a port of the loopback address: bound, and not listening. The kernel gives it to nobody who asks for just any
/// port, neither to servers nor to connections; a server that asks for this very one, with `SO_REUSEADDR` as servers
/// do, gets it, as often as it likes.
pub struct ReservedPort {
    socket: Socket,
}

impl ReservedPort {
    /// A port that nobody has.
    pub fn take() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_reuse_address(true).expect("an option");
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a free port");
        Self { socket }
    }

    /// The address, for `LANDFALL_LISTEN`.
    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("bound").as_socket().expect("an internet address")
    }
}
