//! How live sockets end, seen on the wire itself.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::harness::user::new_id;
use crate::harness::{Database, TestServer, User};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A socket of which the handshake is done.
fn open(server: &TestServer, path: &str) -> TcpStream {
    let base_url = server.client().base_url();
    let host = base_url.strip_prefix("http://").expect("a URL");
    let mut socket = TcpStream::connect(host).expect("a connection");
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        socket,
        "GET /api/v1/live/{path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .unwrap();
    let (mut answer, mut byte) = (Vec::new(), [0]);
    while !answer.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte).expect("an answer");
        answer.push(byte[0]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
    socket
}

/// The next frame: its first byte, and what it carries.
fn frame(socket: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    socket.read_exact(&mut head).expect("a frame");
    let length = match head[1] {
        126 => {
            let mut length = [0; 2];
            socket.read_exact(&mut length).unwrap();
            usize::from(u16::from_be_bytes(length))
        }
        length => usize::from(length),
    };
    let mut body = vec![0; length];
    socket.read_exact(&mut body).unwrap();
    (head[0], body)
}

/// The code with which it is closed.
fn close_code(socket: &mut TcpStream) -> u16 {
    loop {
        if let (0x88, body) = frame(socket) {
            return u16::from_be_bytes([body[0], body[1]]);
        }
    }
}

fn document(ada: &User) -> String {
    format!("y/{}/{}?token={}", ada.workspace_id, new_id(), ada.access_token)
}

/// How many sockets have ended so.
fn ended(server: &TestServer, reason: &str) -> u32 {
    let metrics = server.client().get("/metrics").text();
    let wanted = format!("landfall_live_sockets_ended_total{{reason=\"{reason}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&wanted)).map_or(0, |count| count.parse().unwrap())
}

fn wait_until_ended(server: &TestServer, reason: &str, count: u32) {
    let begun = Instant::now();
    while ended(server, reason) < count {
        assert!(begun.elapsed() < PATIENCE, "{count} sockets have not ended by {reason}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// An editor that was slow connects again.
#[test]
fn a_token_that_does_not_come_in_time_closes_1012() {
    let server = TestServer::start(Database::Sqlite);
    let mut socket = open(&server, "hocuspocus");
    assert_eq!(close_code(&mut socket), 1012);
    wait_until_ended(&server, "no_token", 1);
}

#[test]
fn sockets_are_counted_by_what_ended_them() {
    let server = TestServer::start(Database::Sqlite);
    let ada = server.register("ada");
    let path = document(&ada);
    // The first half of a message of 100 bytes; then its process ends.
    let mut cut = open(&server, &path);
    cut.write_all(&[0x82, 0x80 | 100, 1, 2, 3, 4, 5]).unwrap();
    drop(cut);
    wait_until_ended(&server, "client", 1);
    // No frame of a client is without a mask.
    let mut bare = open(&server, &path);
    bare.write_all(&[0x82, 1, 0]).unwrap();
    assert_eq!(close_code(&mut bare), 4400);
    // A message of 4 GB, of which so much is sent as the server takes.
    let mut large = open(&server, &path);
    large.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    large.write_all(&[0x82, 0x80 | 127, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4]).unwrap();
    let piece = vec![7; 1 << 20];
    let _cut_off = (0..64).try_for_each(|_| large.write_all(&piece));
    wait_until_ended(&server, "too_large", 1);
    assert_eq!((ended(&server, "client"), ended(&server, "unreadable"), ended(&server, "too_large")), (1, 1, 1));
}
