//! The closed set of codes that an operation's `error.code` and a problem's `code` are drawn from (protocol §1.7).

/// Why an operation was not applied. The wire name is the snake_case of the variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorCode {
    /// A field is missing, of the wrong type, or outside its rules.
    Invalid,
    /// A field is over its published limit.
    TooLarge,
    /// A `_b64` field is not standard base64 with padding.
    Base64Invalid,
    /// Bytes are not a Yjs v1 update (or state vector) that the server accepts.
    YjsInvalid,
    /// The update leans on changes that the server does not have.
    YjsMissingDependencies,
    /// The document has Yjs state; text alone cannot change it.
    YjsRequired,
    /// The document is rich text, which text alone cannot change.
    RichText,
    /// What an edit looks for is not in the text.
    EditNotFound,
    /// What an edit looks for is at several places of the text.
    EditAmbiguous,
    /// The operation needs `base_version` or `force`.
    BaseVersionRequired,
    /// `base_version` is greater than the server's version.
    InvalidBaseVersion,
    /// A `client_id` stands twice in one batch.
    DuplicateClientId,
    /// A `client_id` was used before, for other contents.
    ClientIdReused,
    /// There is no such document.
    NotFound,
    /// The document changed since `base_version`.
    VersionMismatch,
    /// The Yjs state was not grown from the document's.
    DivergentHistory,
    /// The document is deleted.
    Deleted,
    /// A live document stands under that id, with other contents.
    AlreadyExists,
    /// The role does not allow it.
    Forbidden,
    /// There is no room for it in the workspace, or in what its owner may store.
    QuotaExceeded,
    /// Another operation of the atomic batch failed.
    RolledBack,
    /// An operation that this one builds on failed.
    DependencyFailed,
    /// The database could not do it now.
    Transient,
    /// A fault of the server.
    Internal,
    /// A stored part of the document cannot be read. On the wire it is `internal`, with `damaged` in the result.
    Damaged,
}

impl ErrorCode {
    /// Every code on the wire, in the order of the protocol.
    pub const ALL: [Self; 24] = [
        Self::Invalid,
        Self::TooLarge,
        Self::Base64Invalid,
        Self::YjsInvalid,
        Self::YjsMissingDependencies,
        Self::YjsRequired,
        Self::RichText,
        Self::BaseVersionRequired,
        Self::InvalidBaseVersion,
        Self::DuplicateClientId,
        Self::ClientIdReused,
        Self::NotFound,
        Self::VersionMismatch,
        Self::EditNotFound,
        Self::EditAmbiguous,
        Self::DivergentHistory,
        Self::Deleted,
        Self::AlreadyExists,
        Self::Forbidden,
        Self::QuotaExceeded,
        Self::RolledBack,
        Self::DependencyFailed,
        Self::Transient,
        Self::Internal,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::TooLarge => "too_large",
            Self::Base64Invalid => "base64_invalid",
            Self::YjsInvalid => "yjs_invalid",
            Self::YjsMissingDependencies => "yjs_missing_dependencies",
            Self::YjsRequired => "yjs_required",
            Self::RichText => "rich_text",
            Self::EditNotFound => "edit_not_found",
            Self::EditAmbiguous => "edit_ambiguous",
            Self::BaseVersionRequired => "base_version_required",
            Self::InvalidBaseVersion => "invalid_base_version",
            Self::DuplicateClientId => "duplicate_client_id",
            Self::ClientIdReused => "client_id_reused",
            Self::NotFound => "not_found",
            Self::VersionMismatch => "version_mismatch",
            Self::DivergentHistory => "divergent_history",
            Self::Deleted => "deleted",
            Self::AlreadyExists => "already_exists",
            Self::Forbidden => "forbidden",
            Self::QuotaExceeded => "quota_exceeded",
            Self::RolledBack => "rolled_back",
            Self::DependencyFailed => "dependency_failed",
            Self::Transient => "transient",
            Self::Internal | Self::Damaged => "internal",
        }
    }

    /// Whether the same operation may succeed later, unchanged.
    #[must_use]
    pub const fn retryable(self) -> bool {
        matches!(self, Self::YjsMissingDependencies | Self::RolledBack | Self::DependencyFailed | Self::Transient)
    }

    /// Whether this code is a clash with the server's state (`conflict`) and not a mistake (`error`).
    #[must_use]
    pub const fn is_conflict(self) -> bool {
        matches!(
            self,
            Self::VersionMismatch
                | Self::EditNotFound
                | Self::EditAmbiguous
                | Self::DivergentHistory
                | Self::Deleted
                | Self::AlreadyExists
        )
    }
}
