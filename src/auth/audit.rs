//! The audit log: a line for every login, change of a role, deletion, and operator's command that changes or copies
//! something, under the target `audit`, with who, whom, where and from which address. Never a password, a token, or a name that somebody typed and nobody has.

use std::fmt::Display;
use std::net::IpAddr;

use uuid::Uuid;

use crate::domain::ids::{UserId, WorkspaceId};

/// What happened. The name on the line is the snake_case of the variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it, and are what is logged")]
pub enum Event {
    Registered,
    LoggedIn,
    LoginFailed,
    LoginRefused,
    LoggedOut,
    SessionEnded,
    TokenReused,
    PasswordChanged,
    AccountDeleted,
    AccountMade,
    AccountDisabled,
    AccountEnabled,
    WorkspaceMade,
    WorkspaceRenamed,
    WorkspaceDeleted,
    WorkspaceExported,
    MemberInvited,
    MemberJoined,
    InvitationDeclined,
    RoleChanged,
    MemberRemoved,
    MemberLeft,
    TokenMade,
    TokenRevoked,
    BackupMade,
    BackupRestored,
    GenerationBegun,
    Repaired,
    SearchRebuilt,
    Distributed,
}

impl Event {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::LoggedIn => "logged_in",
            Self::LoginFailed => "login_failed",
            Self::LoginRefused => "login_refused",
            Self::LoggedOut => "logged_out",
            Self::SessionEnded => "session_ended",
            Self::TokenReused => "token_reused",
            Self::PasswordChanged => "password_changed",
            Self::AccountDeleted => "account_deleted",
            Self::AccountMade => "account_made",
            Self::AccountDisabled => "account_disabled",
            Self::AccountEnabled => "account_enabled",
            Self::WorkspaceMade => "workspace_made",
            Self::WorkspaceRenamed => "workspace_renamed",
            Self::WorkspaceDeleted => "workspace_deleted",
            Self::WorkspaceExported => "workspace_exported",
            Self::MemberInvited => "member_invited",
            Self::MemberJoined => "member_joined",
            Self::InvitationDeclined => "invitation_declined",
            Self::RoleChanged => "role_changed",
            Self::MemberRemoved => "member_removed",
            Self::MemberLeft => "member_left",
            Self::TokenMade => "token_made",
            Self::TokenRevoked => "token_revoked",
            Self::BackupMade => "backup_made",
            Self::BackupRestored => "backup_restored",
            Self::GenerationBegun => "generation_begun",
            Self::Repaired => "repaired",
            Self::SearchRebuilt => "search_rebuilt",
            Self::Distributed => "distributed",
        }
    }
}

/// A line that is being put together.
#[derive(Clone, Debug)]
#[must_use = "a line is written by `write`"]
pub struct Line {
    event: Event,
    user_id: Option<UserId>,
    workspace_id: Option<WorkspaceId>,
    session_id: Option<Uuid>,
    peer: Option<IpAddr>,
    subject: Option<String>,
    role: Option<&'static str>,
}

/// A line about this event; an operator's command has no peer.
pub const fn line(event: Event, peer: Option<IpAddr>) -> Line {
    Line { event, user_id: None, workspace_id: None, session_id: None, peer, subject: None, role: None }
}

impl Line {
    /// Who did it.
    pub fn by(self, user_id: UserId) -> Self {
        Self { user_id: Some(user_id), ..self }
    }

    /// Where.
    pub fn at(self, workspace_id: WorkspaceId) -> Self {
        Self { workspace_id: Some(workspace_id), ..self }
    }

    /// In which login.
    pub fn in_session(self, session_id: Option<Uuid>) -> Self {
        Self { session_id, ..self }
    }

    /// To whom or what.
    pub fn to(self, subject: impl Display) -> Self {
        Self { subject: Some(subject.to_string()), ..self }
    }

    /// With what role.
    pub fn with_role(self, role: crate::domain::access::Role) -> Self {
        Self { role: Some(role.as_str()), ..self }
    }

    /// Writes it to the log.
    pub fn write(self) {
        let Self { event, user_id, workspace_id, session_id, peer, subject, role } = self;
        let user_id = user_id.map(tracing::field::display);
        let workspace_id = workspace_id.map(tracing::field::display);
        let session_id = session_id.map(tracing::field::display);
        let peer = peer.map(tracing::field::display);
        let event = event.as_str();
        tracing::info!(target: "audit", event, user_id, workspace_id, session_id, peer, subject, role, "audit");
    }
}
