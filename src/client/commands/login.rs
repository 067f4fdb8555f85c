//! `landfall login`: logs in for a folder, and keeps what renews the login.

use super::init::{check_address, warn_if_in_the_open};
use super::{ask_for_login, keep_login, patience};
use crate::client::error::{ClientError, exit};
use crate::client::interrupt::Interrupt;
use crate::client::login::Credentials;
use crate::client::options::LoginOptions;
use crate::client::report::write_line;
use crate::client::state::Setting;
use crate::client::transport::Remote;
use crate::client::transport::wire::{List, Workspace};
use crate::client::workplace::{Access, Workplace};

pub(super) fn run(options: &LoginOptions) -> Result<u8, ClientError> {
    let mut workplace = Workplace::open(&options.folder.folder, Access::Change)?;
    let server = options.server.as_deref().map_or(Ok(workplace.server.as_str()), check_address)?.to_owned();
    warn_if_in_the_open(&server);
    let (username, password) = ask_for_login(options.username.as_deref(), workplace.username.as_deref())?;
    let remote = Remote::new(&server, Credentials::None, patience(options.patience), Interrupt::default());
    let refresh_token = remote.log_in(&username, &password)?;
    let workspaces: List<Workspace> = remote.get("/api/v1/workspaces")?;
    if !workspaces.items.iter().any(|one| one.workspace_id == workplace.identity.workspace) {
        return Err(ClientError::Usage(format!(
            "{username} has no access to the folder's workspace ({}) on {server}",
            workplace.identity.workspace
        )));
    }
    keep_login(&workplace, &username, &refresh_token)?;
    workplace.state.change(|change| {
        change.put_setting(Setting::Server, &server)?;
        change.put_setting(Setting::Username, &username)
    })?;
    write_line(&format!("{username} is logged in to {server}"));
    Ok(exit::IN_SYNC)
}
