//! A socket from its handshake to its end: what it waits for, and who sees to what comes.

use std::time::{Duration, Instant};

use actix_ws::{AggregatedMessage, AggregatedMessageStream, ProtocolError};

use super::ending::End;
use super::messages::{Dialect, Frames, PING_FRAME, PONG_FRAME, Received, read, split_name};
use super::socket::Socket;
use crate::sync::live::Delivery;

/// How long before a token runs out another one is asked for, where the provider can be asked.
const TOKEN_NOTICE: Duration = Duration::from_secs(30);

/// What a socket has waited for.
enum Turn {
    Stopping,
    Heard(Option<Delivery>),
    Received(Option<AggregatedMessage>),
    Unread(ProtocolError),
    Time,
}

impl Socket {
    /// Serves it to its end. `first` is the document, with the token, that the handshake named.
    pub(super) async fn run(mut self, mut messages: AggregatedMessageStream, first: Option<(String, String)>) {
        let end = match self.begin(first).await {
            Ok(()) => loop {
                let turn = self.wait(&mut messages).await;
                if let Err(end) = self.take(turn).await {
                    break end;
                }
            },
            Err(end) => end,
        };
        metrics::counter!("landfall_live_sockets_ended_total", "reason" => end.name).increment(1);
        if end.code == 4422 || end.code == 4400 {
            tracing::info!(user_id = ?self.user.as_ref().map(|user| user.user_id), reason = end.reason, "a socket was closed");
        }
        self.outgoing.close(end).await;
    }

    async fn begin(&mut self, first: Option<(String, String)>) -> Result<(), End> {
        let Some((name, token)) = first else { return Ok(()) };
        self.log_in(&token).await?;
        self.join(&name).await?;
        Ok(())
    }

    async fn wait(&mut self, messages: &mut AggregatedMessageStream) -> Turn {
        let mut stopping = self.state.stopping.clone();
        let now = Instant::now();
        let mut due = self.check_at;
        if let Some(said) = self.said.due() {
            due = due.min(said);
        }
        let rests = self.rests_until > now;
        if rests {
            due = due.min(self.rests_until);
        }
        let heard = async {
            match &mut self.heard {
                Some(heard) => heard.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _stopping = stopping.wait_for(|is_stopping| *is_stopping) => Turn::Stopping,
            delivery = heard => Turn::Heard(delivery),
            () = tokio::time::sleep_until(due.into()) => Turn::Time,
            message = messages.recv(), if !rests => match message {
                Some(Ok(message)) => Turn::Received(Some(message)),
                None => Turn::Received(None),
                Some(Err(error)) => Turn::Unread(error),
            },
        }
    }

    async fn take(&mut self, turn: Turn) -> Result<(), End> {
        match turn {
            Turn::Stopping => Err(End::new(1012, "stopping", "the server restarts; connect again")),
            Turn::Heard(None) => Err(End::slow()),
            Turn::Heard(Some(delivery)) => self.pass_on(delivery).await,
            Turn::Received(None | Some(AggregatedMessage::Close(_))) => Err(End::gone()),
            Turn::Received(Some(AggregatedMessage::Ping(payload))) => self.outgoing.pong(&payload).await,
            Turn::Received(Some(AggregatedMessage::Pong(_))) => Ok(()),
            Turn::Received(Some(AggregatedMessage::Text(_))) => Err(End::unreadable()),
            Turn::Received(Some(AggregatedMessage::Binary(frame))) => {
                let taken = self.receive(&frame).await;
                self.meter.is_read();
                taken
            }
            Turn::Unread(error) => Err(error.into()),
            Turn::Time => self.on_time().await,
        }
    }

    async fn receive(&mut self, frame: &[u8]) -> Result<(), End> {
        self.charge(frame.len());
        if self.dialect == Dialect::Y {
            let message = read(Dialect::Y, frame).ok_or_else(End::unreadable)?;
            return self.carry_out(0, message).await;
        }
        if frame == PING_FRAME {
            return self.send(PONG_FRAME.to_vec()).await;
        }
        if frame == PONG_FRAME {
            return Ok(());
        }
        let (name, message) = split_name(frame).ok_or_else(End::unreadable)?;
        let message = read(Dialect::Hocuspocus, message).ok_or_else(End::unreadable)?;
        let place = self.open.iter().find(|(_, open)| open.frames.name() == name).map(|(place, _)| *place);
        match (message, place) {
            (Received::Token(token), place) => {
                let joined = match self.log_in(token).await {
                    Ok(()) if place.is_some() => Ok(()),
                    Ok(()) => self.join(name).await,
                    Err(end) => Err(end),
                };
                match joined {
                    // It concerns this document alone: the others go on.
                    Err(end) if (4400..4500).contains(&end.code) => {
                        self.send_if_any(Frames::new(self.dialect, name).refused(&end)).await
                    }
                    joined => joined,
                }
            }
            (message, Some(place)) => self.carry_out(place, message).await,
            // Of a document that was refused: its editor has been told.
            (_, None) => Ok(()),
        }
    }

    async fn carry_out(&mut self, place: usize, message: Received<'_>) -> Result<(), End> {
        match message {
            Received::Step1(vector) => self.answer_step_1(place, vector).await,
            Received::Step2(update) => self.store(place, update, true).await,
            Received::Update(update) => self.store(place, update, false).await,
            Received::Awareness(presences) => {
                self.said.take_in(place, presences);
                self.pass_on_said();
                Ok(())
            }
            Received::QueryAwareness => match self.at(place) {
                Some(open) => {
                    let frame = open.frames.awareness(&open.slot.presences());
                    self.send(frame).await
                }
                None => Ok(()),
            },
            Received::Close => {
                self.close_document(place);
                Ok(())
            }
            Received::Token(_) | Received::Ignored => Ok(()),
        }
    }

    /// Tells the others what was said, if that may be by now.
    fn pass_on_said(&mut self) {
        for (place, said) in self.said.take(Instant::now()) {
            if let Some(open) = self.at(place) {
                open.slot.present(said);
            }
        }
    }

    async fn on_time(&mut self) -> Result<(), End> {
        self.pass_on_said();
        let now = Instant::now();
        if now < self.check_at {
            return Ok(());
        }
        let interval = self.check_interval();
        let Some(user) = &mut self.user else { return Err(End::no_token()) };
        if now >= user.expires_at {
            return Err(End::unauthorized("the access token has expired"));
        }
        self.check_at = (now + interval).min(user.expires_at);
        let asks = user.expires_at <= now + TOKEN_NOTICE.max(interval) && !user.was_asked;
        user.was_asked |= asks;
        let frame = self.open.values().next().and_then(|open| open.frames.ask_for_token());
        if asks && let Some(frame) = frame {
            self.send(frame).await?;
        }
        self.check_roles().await?;
        self.report_doubtful().await?;
        self.outgoing.ping().await
    }
}
