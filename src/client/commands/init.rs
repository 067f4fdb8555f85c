//! `landfall init`: connects a folder with a workspace.

use std::net::IpAddr;

use super::{ask_for_login, keep_login, patience};
use crate::client::error::{ClientError, exit};
use crate::client::interrupt::Interrupt;
use crate::client::login::{self, Credentials};
use crate::client::options::InitOptions;
use crate::client::report::{command, complain, one_line, write_line};
use crate::client::transport::Remote;
use crate::client::transport::wire::{List, Workspace};
use crate::client::workplace::{Setup, Workplace, check_is_new};

/// Nothing is written before the server has said that all is well.
pub(super) fn run(options: &InitOptions) -> Result<u8, ClientError> {
    let server = check_address(&options.server)?;
    check_is_new(&options.folder)?;
    warn_if_in_the_open(server);
    let found = login::find(None)?;
    let has_token = matches!(found, Credentials::Token(_));
    let remote = Remote::new(server, found, patience(options.patience), Interrupt::default());
    let login = if has_token {
        if options.register {
            let hint =
                "--register makes an account by name and password; LANDFALL_TOKEN is one's already: leave one out";
            return Err(ClientError::Usage(hint.to_owned()));
        }
        None
    } else {
        let (username, password) = ask_for_login(options.username.as_deref(), None)?;
        let refresh_token = match options.register {
            true => remote.register(&username, &password)?,
            false => remote.log_in(&username, &password)?,
        };
        Some((username, refresh_token))
    };
    let workspaces: List<Workspace> = remote.get("/api/v1/workspaces")?;
    let workspace = choose(&workspaces.items, options.workspace.as_deref())?;
    let username = login.as_ref().map(|(username, _)| username.as_str());
    let setup = Setup { server, workspace: &workspace.workspace_id, username };
    let workplace = Workplace::set_up(&options.folder, &setup)?;
    if let Some((username, refresh_token)) = &login {
        keep_login(&workplace, username, refresh_token).inspect_err(|_| Workplace::abandon(&workplace.folder))?;
    }
    let folder = options.folder.display();
    write_line(&format!("{folder} is connected to the workspace {:?} on {server}", workspace.name));
    let next = if workspace.role == "viewer" { "pull" } else { "sync" };
    if next == "pull" {
        write_line("You may read in this workspace, but not write.");
    }
    write_line(&format!("next: {}", command(next, &options.folder, "")));
    Ok(exit::IN_SYNC)
}

/// The address without a slash at its end.
pub(super) fn check_address(server: &str) -> Result<&str, ClientError> {
    let address = server.trim_end_matches('/');
    let host = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
    if host.is_some_and(|host| !host.is_empty() && !host.contains(['@', '?', '#', ' '])) {
        return Ok(address);
    }
    Err(ClientError::Usage(format!("--server must be an address like https://notes.example.org, not {server:?}")))
}

/// Says so, if what is sent can be read on its way.
pub(super) fn warn_if_in_the_open(server: &str) {
    if is_in_the_open(server) {
        complain("the address begins with http://: password and documents go over the network in the open");
    }
}

/// Whether what is sent can be read on its way.
fn is_in_the_open(server: &str) -> bool {
    let Some(authority) = server.strip_prefix("http://").and_then(|rest| rest.split('/').next()) else { return false };
    let host = authority.rsplit_once(':').map_or(authority, |(host, _port)| host).trim_matches(['[', ']']);
    host != "localhost" && !host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The workspace of this id or name, or the only one.
///
/// # Errors
/// `Usage`, listing those that there are.
pub(super) fn choose<'w>(workspaces: &'w [Workspace], wanted: Option<&str>) -> Result<&'w Workspace, ClientError> {
    let fitting: Vec<&Workspace> = match wanted {
        None => workspaces.iter().collect(),
        Some(wanted) => workspaces.iter().filter(|one| one.workspace_id == wanted || one.name == wanted).collect(),
    };
    if let [only] = fitting.as_slice() {
        return Ok(only);
    }
    let is_ambiguous = !fitting.is_empty();
    let shown = if fitting.is_empty() { workspaces.iter().collect() } else { fitting };
    let list: Vec<String> = shown.into_iter().map(|one| format!("{}  {}", one.workspace_id, described(one))).collect();
    let reason = match wanted {
        Some(wanted) if is_ambiguous => format!("{wanted:?} is the name of several workspaces; use the id of one"),
        Some(wanted) => format!("you have no workspace with the id or name {wanted:?}; there are"),
        None => "you have several workspaces; choose one with --workspace".to_owned(),
    };
    Err(ClientError::Usage(format!("{reason}:\n{}", list.join("\n"))))
}

/// The name of a workspace, and whose it is.
fn described(workspace: &Workspace) -> String {
    let name = one_line(&workspace.name);
    match (workspace.role.as_str(), &workspace.owner) {
        ("owner", _) => format!("{name}: yours"),
        (role, None) => format!("{name}: shared with you as {role}"),
        (role, Some(owner)) => format!("{name}: owned by {}, you are {role}", one_line(owner)),
    }
}
