//! What is sent over a socket, paced by what its reader takes: the parts of a large message wait for each other, so that a
//! connection copies one part at a time, whatever the message's size.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;
use actix_ws::{CloseCode, CloseReason, Item, Session};
use tokio::sync::watch;

use super::ending::End;

/// Bytes of a part. A message that has no more is sent as one.
pub(super) const PART_BYTES: usize = 32 * 1024;
/// A reader who takes nothing for so long is dropped.
const PATIENCE: Duration = Duration::from_secs(20);

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// It, or its beginning.
    pub head: Vec<u8>,
    /// The rest, if it is large: shared with the frames of other sockets.
    pub rest: Option<Arc<[u8]>>,
}

impl Frame {
    pub(super) fn len(&self) -> usize {
        self.head.len().saturating_add(self.rest.as_ref().map_or(0, |rest| rest.len()))
    }
}

impl From<Vec<u8>> for Frame {
    fn from(head: Vec<u8>) -> Self {
        Self { head, rest: None }
    }
}

/// The way to the reader.
pub(super) struct Outgoing {
    session: Session,
    emptied: watch::Receiver<()>,
}

impl Outgoing {
    /// Of a connection that has just been opened, with the answer that opens it.
    pub(super) fn new(answer: HttpResponse, session: Session) -> (HttpResponse, Self) {
        let (told, emptied) = watch::channel(());
        let answer = answer.map_body(|_head, body| BoxBody::new(Paced { body, emptied: told }));
        (answer, Self { session, emptied })
    }

    /// Sends a message. A large one is sent in parts, as WebSocket allows: each when the last one is on its way.
    ///
    /// # Errors
    /// The reader is gone, or takes nothing.
    pub(super) async fn send(&mut self, frame: impl Into<Frame>) -> Result<(), End> {
        let Frame { head, rest } = frame.into();
        let Some(rest) = rest.map(Bytes::from_owner) else {
            let sent = tokio::time::timeout(PATIENCE, self.session.binary(head)).await;
            return sent.map_err(|_elapsed| End::slow())?.map_err(|_closed| End::gone());
        };
        self.send_part(Item::FirstBinary(head.into())).await?;
        let mut rest = rest;
        while rest.len() > PART_BYTES {
            self.send_part(Item::Continue(rest.split_to(PART_BYTES))).await?;
        }
        self.send_part(Item::Last(rest)).await
    }

    async fn send_part(&mut self, part: Item) -> Result<(), End> {
        let taken = async {
            self.emptied.mark_unchanged();
            self.session.continuation(part).await.map_err(|_closed| End::gone())?;
            self.emptied.changed().await.map_err(|_closed| End::gone())
        };
        tokio::time::timeout(PATIENCE, taken).await.map_err(|_elapsed| End::slow())?
    }

    pub(super) async fn ping(&mut self) -> Result<(), End> {
        self.session.ping(b"").await.map_err(|_closed| End::gone())
    }

    pub(super) async fn pong(&mut self, payload: &[u8]) -> Result<(), End> {
        self.session.pong(payload).await.map_err(|_closed| End::gone())
    }

    /// Closes the socket, which may have been closed from the other side.
    pub(super) async fn close(self, end: End) {
        let reason = CloseReason { code: CloseCode::Other(end.code), description: Some(end.reason) };
        let _closed = tokio::time::timeout(PATIENCE, self.session.close(Some(reason))).await;
    }
}

/// The answer's body, which tells when all that it was given is on its way.
struct Paced {
    body: BoxBody,
    emptied: watch::Sender<()>,
}

impl MessageBody for Paced {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_next(cx);
        if polled.is_pending() {
            // The connection asks for more only while it has little left to write.
            this.emptied.send_replace(());
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use actix_web::web::Payload;
    use actix_web::{FromRequest as _, rt};

    use super::*;

    async fn connection() -> (Pin<Box<BoxBody>>, Outgoing) {
        let (request, mut payload) = TestRequest::default()
            .insert_header(("upgrade", "websocket"))
            .insert_header(("connection", "upgrade"))
            .insert_header(("sec-websocket-version", "13"))
            .insert_header(("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="))
            .to_http_parts();
        let payload = Payload::from_request(&request, &mut payload).await.unwrap();
        let (answer, session, _messages) = actix_ws::handle(&request, payload).unwrap();
        let (answer, outgoing) = Outgoing::new(answer, session);
        (Box::pin(answer.into_body()), outgoing)
    }

    async fn next(body: &mut Pin<Box<BoxBody>>) -> Bytes {
        std::future::poll_fn(|cx| body.as_mut().poll_next(cx)).await.unwrap().unwrap()
    }

    #[actix_web::test]
    async fn a_large_message_comes_in_parts_each_after_the_last_was_taken() {
        let (mut body, mut outgoing) = connection().await;
        let rest: Arc<[u8]> = (0..PART_BYTES * 2 + 5).map(|n| n.to_le_bytes()[0]).collect();
        let frame = Frame { head: vec![1, 2], rest: Some(Arc::clone(&rest)) };
        assert_eq!(frame.len(), rest.len() + 2);
        let sending = rt::spawn(async move { outgoing.send(frame).await.map(|()| outgoing).map_err(|end| end.code) });
        let (mut sent, mut largest) = (Vec::new(), 0);
        while sent.len() < rest.len() + 2 {
            rt::task::yield_now().await;
            let taken = next(&mut body).await;
            largest = largest.max(taken.len());
            // Without the frame's own head: two bytes, and two or eight more for the length.
            let length = match taken[1] {
                126 => 4,
                127 => 10,
                _ => 2,
            };
            sent.extend_from_slice(&taken[length..]);
        }
        assert_eq!(&sent[..2], [1, 2]);
        assert!(sent[2..] == *rest);
        assert!(largest < PART_BYTES + 16, "{largest}");
        // The last is taken when the connection asks for more.
        let asked = std::future::poll_fn(|cx| Poll::Ready(body.as_mut().poll_next(cx).is_pending())).await;
        assert!(asked && sending.await.unwrap().is_ok());
    }

    #[actix_web::test]
    async fn a_connection_that_is_gone_holds_nobody_up() {
        let (mut body, mut outgoing) = connection().await;
        let frame = Frame { head: vec![1], rest: Some(vec![0; PART_BYTES * 3].into()) };
        let sending = rt::spawn(async move { outgoing.send(frame).await.map_err(|end| end.code) });
        rt::task::yield_now().await;
        assert!(!next(&mut body).await.is_empty());
        drop(body);
        assert_eq!(sending.await.unwrap(), Err(1000));
    }
}
