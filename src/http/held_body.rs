//! A large answer, sent piece by piece, which keeps its share of memory until the last piece is on its way.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;

use crate::http::shares::Share;

/// The connection copies what it is handed: no more than this at a time.
const PIECE_BYTES: usize = 128 * 1024;

/// An answer and its share.
#[derive(Debug)]
pub struct HeldBody {
    rest: Bytes,
    share: Share,
}

impl HeldBody {
    /// An answer; the share is cut down to its size.
    #[must_use]
    pub fn new(answer: Vec<u8>, mut share: Share) -> Self {
        share.shrink_to(answer.capacity());
        Self { rest: Bytes::from(answer), share }
    }
}

impl MessageBody for HeldBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(u64::try_from(self.rest.len()).unwrap_or(u64::MAX))
    }

    fn poll_next(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let this = self.get_mut();
        let piece = this.rest.split_to(this.rest.len().min(PIECE_BYTES));
        if this.rest.is_empty() {
            this.share.shrink_to(0);
        }
        Poll::Ready((!piece.is_empty()).then_some(Ok(piece)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::http::shares::Shares;

    #[tokio::test]
    async fn an_answer_comes_in_pieces_and_gives_its_memory_back_with_the_last() {
        let shares = Shares::new("test", 1_000_000, 1_000_000);
        let share = shares.try_acquire(1, 900_000).unwrap();
        let answer: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut body = HeldBody::new(answer.clone(), share);
        assert!(shares.try_acquire(2, 600_000).is_some(), "what was taken for making it is free");
        let (mut sent, mut pieces) = (Vec::new(), 0);
        while let Some(Ok(piece)) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await {
            sent.extend_from_slice(&piece);
            pieces += 1;
            let all_free = shares.acquire(3, 1_000_000, Instant::now() + Duration::from_millis(5)).await.is_some();
            assert_eq!(all_free, sent.len() == answer.len());
        }
        assert_eq!((sent == answer, pieces), (true, 3));
    }
}
