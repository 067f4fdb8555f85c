//! Ctrl-C: the first ends the command after the batch in flight, the second at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

use crate::client::error::{ClientError, exit};

/// Whether the user asked to stop. Clones share the answer.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens for Ctrl-C and SIGTERM from now on.
    #[must_use]
    pub fn listen() -> Self {
        Self::listen_and(|| {})
    }

    /// As [`listen`](Self::listen); `wake` is called at the first signal.
    #[must_use]
    pub fn listen_and(wake: impl Fn() + Send + 'static) -> Self {
        let interrupt = Self::default();
        let heard = interrupt.clone();
        let wait = move || heard.wait_for_signals(wake);
        // Without the listener Ctrl-C ends the program at once, which loses nothing either.
        let _listener = thread::Builder::new().name("interrupt".to_owned()).spawn(wait);
        interrupt
    }

    /// Whether the user asked to stop.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Goes on, unless the user asked to stop.
    pub fn check(&self) -> Result<(), ClientError> {
        if self.is_raised() { Err(ClientError::Interrupted) } else { Ok(()) }
    }

    fn wait_for_signals(&self, wake: impl Fn()) {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if self.0.swap(true, Ordering::SeqCst) {
                    std::process::exit(i32::from(exit::INTERRUPTED));
                }
                wake();
            }
        });
    }
}
