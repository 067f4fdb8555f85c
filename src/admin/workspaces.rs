//! `landfall admin workspace …` and `landfall admin token …`.

use std::error::Error;
use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

use super::open::{open, user_named};
use crate::auth::audit::{Event, line};
use crate::auth::script_token::ScriptToken;
use crate::clock::SystemClock;
use crate::config::people_options::{
    ExportOptions, MembersOptions, RenameOptions, RoleOption, TokenCommand, TokenOptions, WorkspaceCommand,
    WorkspaceDeletionOptions,
};
use crate::domain::access::Role;
use crate::domain::ids::WorkspaceId;
use crate::domain::names;
use crate::domain::timestamp::Clock;
use crate::http::document_body::DocumentBody;
use crate::store::access_tokens::{NewAccessToken, TokenCreation};
use crate::store::accounts::{MemberChange, MemberRemoval, WorkspaceDeletion};
use crate::store::documents::ListQuery;
use crate::store::{Store, StoreError};
use crate::sync::view::view_document;
use crate::yjs::render::{RenderConfig, Renderer};

/// What is read at a time.
const PAGE: u32 = 500;
const DAY_S: i64 = 86_400;

/// Carries out a command; what it has to say goes to `out`.
///
/// # Errors
/// What went wrong, in a line.
pub(super) fn run(command: WorkspaceCommand, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    match command {
        WorkspaceCommand::List(options) => list(&open(options)?, out),
        WorkspaceCommand::Rename(RenameOptions { workspace, name, database }) => {
            names::check(&name).map_err(|rule| format!("the name {rule}"))?;
            open(database)?.rename_workspace(WorkspaceId(workspace), name.clone()).map_err(missing)?;
            line(Event::WorkspaceRenamed, None).at(WorkspaceId(workspace)).write();
            writeln!(out, "{workspace} is \"{name}\" now")?;
            Ok(())
        }
        WorkspaceCommand::Delete(WorkspaceDeletionOptions { workspace, yes, database }) => {
            let (store, workspace_id) = (open(database)?, WorkspaceId(workspace));
            match store.delete_workspace(workspace_id, Some(yes), SystemClock.now()).map_err(missing)? {
                WorkspaceDeletion::OtherName => Err("--yes is not the workspace's name; nothing was deleted".into()),
                WorkspaceDeletion::Deleted => {
                    line(Event::WorkspaceDeleted, None).at(workspace_id).write();
                    let rows = erase(&store, workspace_id)?;
                    writeln!(
                        out,
                        "deleted {workspace_id}: nothing of it is left ({rows} documents, runs and receipts)"
                    )?;
                    Ok(())
                }
            }
        }
        WorkspaceCommand::Export(options) => export(options, out),
        WorkspaceCommand::Members(options) => members(options, out),
    }
}

/// Removes a deleted workspace to the last row; how much that was.
///
/// # Errors
/// What the store says; what is left then, a server removes.
pub(super) fn erase(store: &Store, workspace_id: WorkspaceId) -> Result<usize, StoreError> {
    let mut removed = 0_usize;
    loop {
        let slice = store.erase_slice(workspace_id)?;
        removed = removed.saturating_add(slice.removed);
        if !slice.more {
            return Ok(removed);
        }
    }
}

fn list(store: &Store, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let mut after = None;
    loop {
        let page = store.list_workspace_entries(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.workspace_id);
        for entry in &page {
            let owner = entry.owner.as_deref().unwrap_or("nobody");
            let usage = &entry.usage;
            writeln!(
                out,
                "{}  \"{}\"  owner {owner}  {} documents  {} bytes",
                entry.workspace_id,
                entry.name,
                usage.documents,
                usage.bytes()
            )?;
        }
    }
}

fn members(options: MembersOptions, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let (store, workspace_id) = (open(options.database)?, WorkspaceId(options.workspace));
    if let Some(set) = options.set {
        let (name, role) = set.split_once('=').ok_or("--set takes USERNAME=ROLE")?;
        let role: RoleOption = clap::ValueEnum::from_str(role, true)?;
        let user = user_named(&store, name)?;
        match store.put_member(workspace_id, user.username.clone(), role.into(), SystemClock.now()).map_err(missing)? {
            MemberChange::LastOwner => return Err(format!("{name} is the last owner").into()),
            MemberChange::Put | MemberChange::Invited | MemberChange::NoSuchUser | MemberChange::TooManyInvitations => {
                line(Event::RoleChanged, None).at(workspace_id).to(user.username).with_role(role.into()).write();
            }
        }
    }
    if let Some(name) = options.remove {
        match store.remove_member(workspace_id, name.to_ascii_lowercase()).map_err(missing)? {
            MemberRemoval::LastOwner => return Err(format!("{name} is the last owner").into()),
            MemberRemoval::NotMember => return Err(format!("{name} is not a member").into()),
            MemberRemoval::Removed => line(Event::MemberRemoved, None).at(workspace_id).to(name).write(),
        }
    }
    let mut after: Option<String> = None;
    loop {
        let page = store.list_members(workspace_id, after.as_deref(), PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.username.clone());
        for member in &page {
            writeln!(out, "{}  {}  since {}", member.username, member.role.as_str(), member.created_at)?;
        }
    }
}

fn export(options: ExportOptions, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let (store, workspace_id) = (open(options.database)?, WorkspaceId(options.workspace));
    store.find_feed_state(workspace_id)?.ok_or(StoreError::NoSuchWorkspace).map_err(missing)?;
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&options.file)
        .map_err(|error| format!("{}: {error}", options.file.display()))?;
    let mut file = BufWriter::new(file);
    let renderer = Renderer::new(RenderConfig {
        program: std::env::current_exe()?,
        workers: 1,
        max_memory_bytes: 2 << 30,
        time_budget: Duration::from_secs(60),
    });
    let (mut written, mut without_text, mut after) = (0_u64, 0_u64, None);
    loop {
        let query = ListQuery { after, limit: PAGE, include_deleted: false, title_prefix: None };
        let page = store.list_documents(workspace_id, &query)?;
        let Some(last) = page.last() else { break };
        after = Some(last.head.document_id);
        for listed in &page {
            let Some(document) = store.find_document(workspace_id, listed.head.document_id)? else { continue };
            let turn = renderer.turn(0, Instant::now() + Duration::from_secs(60));
            let (view, _learned) = view_document(&turn, document, None)?;
            without_text = without_text.saturating_add(u64::from(view.content.is_none()));
            serde_json::to_writer(&mut file, &DocumentBody::from(&view))?;
            file.write_all(b"\n")?;
            written = written.saturating_add(1);
        }
    }
    file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    line(Event::WorkspaceExported, None).at(workspace_id).to(options.file.display()).write();
    writeln!(out, "wrote {written} documents to {}", options.file.display())?;
    match without_text {
        0 => Ok(()),
        some => Err(format!("{some} of them could not be rendered: they have their Yjs state alone").into()),
    }
}

/// Carries out a command on tokens.
///
/// # Errors
/// What went wrong, in a line.
pub(super) fn run_token(command: TokenCommand, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    match command {
        TokenCommand::Add(options) => add_token(options, out),
        TokenCommand::List(options) => {
            for token in open(options.database)?.list_access_tokens(WorkspaceId(options.workspace))? {
                let end = token.expires_at.map_or_else(|| "until revoked".to_owned(), |end| format!("until {end}"));
                let (id, role) = (token.token_id, token.role.as_str());
                writeln!(
                    out,
                    "{id}  \"{}\"  {role} for {}  made {}  {end}",
                    token.name, token.username, token.created_at
                )?;
            }
            Ok(())
        }
        TokenCommand::Revoke(options) => match open(options.database)?.revoke_access_token(options.token)? {
            true => {
                line(Event::TokenRevoked, None).to(options.token).write();
                writeln!(out, "{} is revoked", options.token)?;
                Ok(())
            }
            false => Err(format!("there is no token {}", options.token).into()),
        },
    }
}

fn add_token(options: TokenOptions, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let name = options.name.trim();
    names::check(name).map_err(|rule| format!("--name {rule}"))?;
    let (store, workspace_id) = (open(options.database)?, WorkspaceId(options.workspace));
    let user = user_named(&store, &options.user)?;
    let token = ScriptToken::generate(workspace_id)?;
    let (now, role) = (SystemClock.now(), Role::from(options.role));
    let new = NewAccessToken {
        workspace_id,
        token_id: token.token_id,
        user_id: user.user_id,
        token_hash: token.digest(),
        role,
        name: name.to_owned(),
        created_at: now,
        expires_at: options.days.map(|days| now.plus_seconds(i64::from(days).saturating_mul(DAY_S))),
    };
    match store.insert_access_token(new)? {
        TokenCreation::Created => {}
        TokenCreation::NotMember => return Err(format!("{} is not a member of {workspace_id}", user.username).into()),
        TokenCreation::TooMany => return Err("the workspace has a thousand tokens; revoke some".into()),
    }
    line(Event::TokenMade, None).at(workspace_id).to(token.token_id).with_role(role).write();
    writeln!(out, "{}\n\nIt is not shown again. Its id, to revoke it, is {}.", token.expose(), token.token_id)?;
    Ok(())
}

/// Names what is missing in the operator's words.
fn missing(error: StoreError) -> Box<dyn Error> {
    match error {
        StoreError::NoSuchWorkspace => "there is no such workspace".into(),
        other => other.into(),
    }
}
