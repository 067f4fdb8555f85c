//! Why a document's text could not be derived.

/// Why a document could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The state itself is at fault: the worker refused it. Do not try again.
    #[error("the document cannot be rendered: {0}")]
    Damaged(String),
    /// It took too long, or the worker died over it; it is tried again after a while, and other documents go before it.
    #[error("rendering the document is put off: {0}")]
    Slow(String),
    /// No worker could be had; it may work later.
    #[error("no worker to render the document: {0}")]
    Unavailable(String),
}
