//! What the server says on standard output when it is ready: first a line for scripts, then what a person needs next.

use std::io::{self, Write};
use std::net::SocketAddr;

use crate::auth::accounts::RegistrationPolicy;
use crate::config::Config;
use crate::store::DatabaseUrl;

/// Prints it.
///
/// # Errors
/// If standard output cannot be written; a closed one is not an error.
pub fn print(config: &Config, address: SocketAddr, has_users: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text(config, address, has_users).as_bytes()).and_then(|()| out.flush()) {
        Err(closed) if closed.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

fn text(config: &Config, address: SocketAddr, has_users: bool) -> String {
    let url = format!("http://{address}");
    let next = match (config.registration, &config.provider) {
        (RegistrationPolicy::Open, _) => first_steps(&reachable(address)),
        (RegistrationPolicy::Closed, Some(provider)) => {
            format!("Log in with a token of {}. Registration is closed.\n", provider.issuer)
        }
        (RegistrationPolicy::Closed, None) if has_users => {
            "Registration is closed: landfall admin user add NAME makes accounts.\n".to_owned()
        }
        (RegistrationPolicy::Closed, None) => first_account(config),
    };
    format!(
        "listening on {url}\ndatabase     {}\ndata         {}\nthe API      {url}/docs\n\n{next}",
        config.database.url,
        config.database.data_dir.display(),
    )
}

/// Nobody can call 0.0.0.0; from this machine, loopback reaches it.
fn reachable(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://127.0.0.1:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

/// How to make an account where nobody can make one for themselves.
fn first_account(config: &Config) -> String {
    let place = match &config.database.url {
        DatabaseUrl::Sqlite(_) => {
            format!("landfall admin user add NAME --data-dir {}", config.database.data_dir.display())
        }
        DatabaseUrl::Postgres(_) => "LANDFALL_DATABASE_URL=… landfall admin user add NAME".to_owned(),
    };
    format!("There is no user yet, and registration is closed. Make the first account on this machine:\n\n  {place}\n")
}

fn first_steps(url: &str) -> String {
    format!(
        r#"Paste this into another terminal to register, log in, make a workspace and push a first batch:

URL={url}
JSON='content-type: application/json'
ME='{{"username":"ada","password":"write offline sync later"}}'
field() {{ sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"; }}
curl -sS $URL/api/v1/auth/register -H "$JSON" -d "$ME" >/dev/null
AUTH="authorization: Bearer $(curl -sS $URL/api/v1/auth/login -H "$JSON" -d "$ME" | field access_token)"
WORKSPACE=$(curl -sS $URL/api/v1/workspaces -H "$AUTH" -H "$JSON" -d '{{"name":"First steps"}}' | field workspace_id)
curl -sS $URL/api/v1/documents/batch -H "$AUTH" -H "$JSON" -d '{{"workspace_id":"'$WORKSPACE'","operations":[
  {{"operation":"create","client_id":"op_1","data":{{"title":"Hello","content":"\# Hello"}}}}]}}'
"#
    )
    .replace(r"\#", "#")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_steps_are_plain_shell() {
        let steps = first_steps("http://127.0.0.1:7001");
        assert!(steps.contains("URL=http://127.0.0.1:7001\n"));
        assert!(steps.contains(r##""content":"# Hello""##), "{steps}");
        assert!(steps.contains(r#"field() { sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"; }"#), "{steps}");
    }

    #[test]
    fn an_address_for_all_is_called_by_loopback() {
        assert_eq!(reachable("0.0.0.0:80".parse().unwrap()), "http://127.0.0.1:80");
        assert_eq!(reachable("[::1]:80".parse().unwrap()), "http://[::1]:80");
    }
}
