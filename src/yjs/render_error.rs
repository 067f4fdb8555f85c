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

/// Why a text could not be edited.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The text is another one than the edit starts from: this.
    #[error("the document has another text")]
    OtherText(String),
    /// The document's root is no plain text.
    #[error("the document is rich text")]
    RichText,
    /// No worker could do it.
    #[error(transparent)]
    Render(#[from] RenderError),
}
