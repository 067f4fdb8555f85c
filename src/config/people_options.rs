//! The operator's commands on users, workspaces and tokens, as they stand on the command line. No password is ever a part
//! of it: others on the machine can read the arguments of a running program.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use uuid::Uuid;

use crate::config::data_options::DatabaseOptions;
use crate::domain::access::Role;

/// What an operator does with accounts.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make an account with a first workspace; asks for its password twice
    #[command(after_help = "Example:\n  landfall admin user add ada")]
    Add(PasswordOptions),
    /// List the accounts, those made first in front
    List(DatabaseOptions),
    /// Set another password, and end the user's sessions; asks for it twice
    Passwd(PasswordOptions),
    /// Lock a user out: no login, no token of theirs serves
    Disable(UserOptions),
    /// Let a user in again
    Enable(UserOptions),
    /// Delete an account, and say what was removed, what stays, and why
    #[command(after_help = "Example:\n  landfall admin user delete ada --yes ada")]
    Delete(DeletionOptions),
}

/// What an operator does with workspaces.
#[derive(Debug, Subcommand)]
pub enum WorkspaceCommand {
    /// List the workspaces: id, name, owner, documents, bytes
    List(DatabaseOptions),
    /// Change the name of a workspace
    Rename(RenameOptions),
    /// Delete a workspace and all that is in it
    Delete(WorkspaceDeletionOptions),
    /// Write a workspace's documents into a file, each a line of JSON as the API answers it
    Export(ExportOptions),
    /// List the members of a workspace; with --set or --remove, change them first
    #[command(
        after_help = "Example, when the last owner is gone:\n  landfall admin workspace members ID --set ada=owner"
    )]
    Members(MembersOptions),
}

/// What an operator does with tokens for scripts.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token that acts for a member in one workspace; it is shown once
    #[command(
        after_help = "Example:\n  landfall admin token add WORKSPACE --user ada --role viewer --name backup --days 90"
    )]
    Add(TokenOptions),
    /// List the tokens of a workspace
    List(WorkspaceOptions),
    /// Revoke a token, by its id
    Revoke(RevokeOptions),
}

/// An account.
#[derive(Debug, Args)]
pub struct UserOptions {
    /// The user's name
    pub username: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub database: DatabaseOptions,
}

/// An account and its password.
#[derive(Debug, Args)]
pub struct PasswordOptions {
    /// The user's name
    pub username: String,
    /// Read the password from this file, its first line; `-` is standard input [default: ask on the terminal]
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub database: DatabaseOptions,
}

/// An account that is to go.
#[derive(Debug, Args)]
pub struct DeletionOptions {
    /// The user's name
    pub username: String,
    /// The name once more, to show that it is the one meant
    #[arg(long, value_name = "USERNAME")]
    pub yes: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub database: DatabaseOptions,
}

/// A workspace.
#[derive(Debug, Args)]
pub struct WorkspaceOptions {
    /// The workspace's id
    pub workspace: Uuid,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub database: DatabaseOptions,
}

/// A workspace and its new name.
#[derive(Debug, Args)]
pub struct RenameOptions {
    /// The workspace's id
    pub workspace: Uuid,
    /// The new name
    pub name: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub database: DatabaseOptions,
}

/// A workspace that is to go.
#[derive(Debug, Args)]
pub struct WorkspaceDeletionOptions {
    /// The workspace's id
    pub workspace: Uuid,
    /// Its name, to show that it is the one meant
    #[arg(long, value_name = "NAME")]
    pub yes: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub database: DatabaseOptions,
}

/// A workspace and where to write it.
#[derive(Debug, Args)]
pub struct ExportOptions {
    /// The workspace's id
    pub workspace: Uuid,
    /// The file; one that is there is not overwritten
    pub file: PathBuf,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub database: DatabaseOptions,
}

/// A workspace and what is to change about its members.
#[derive(Debug, Args)]
pub struct MembersOptions {
    /// The workspace's id
    pub workspace: Uuid,
    /// Give a user a role: viewer, editor or owner
    #[arg(long, value_name = "USERNAME=ROLE")]
    pub set: Option<String>,
    /// End a user's membership
    #[arg(long, value_name = "USERNAME")]
    pub remove: Option<String>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub database: DatabaseOptions,
}

/// A token that is to be made.
#[derive(Debug, Args)]
pub struct TokenOptions {
    /// The workspace's id
    pub workspace: Uuid,
    /// The member for whom it acts: what it writes is theirs
    #[arg(long, value_name = "USERNAME")]
    pub user: String,
    /// The most that it may do; never more than its user may
    #[arg(long)]
    pub role: RoleOption,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub name: String,
    /// Days after which it is refused [default: until it is revoked]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: Option<u32>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub database: DatabaseOptions,
}

/// A token that is to go.
#[derive(Debug, Args)]
pub struct RevokeOptions {
    /// The token's id
    pub token: Uuid,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for help text")]
    pub database: DatabaseOptions,
}

/// A role, as it is named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoleOption {
    /// May read.
    Viewer,
    /// May read and write.
    Editor,
    /// May manage the workspace, too.
    Owner,
}

impl From<RoleOption> for Role {
    fn from(option: RoleOption) -> Self {
        match option {
            RoleOption::Viewer => Self::Viewer,
            RoleOption::Editor => Self::Editor,
            RoleOption::Owner => Self::Owner,
        }
    }
}
