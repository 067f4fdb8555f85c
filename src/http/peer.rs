//! Where a request comes from: its address, past a trusted proxy, and what program it says it is.

use std::net::IpAddr;
use std::sync::Once;

use actix_web::HttpRequest;
use actix_web::http::header;

use crate::auth::accounts::Origin;

/// Characters of a `User-Agent` that are kept.
const MAX_CLIENT_CHARS: usize = 200;
const FORWARDED_FOR: &str = "x-forwarded-for";

/// What is told once in a server's life.
static UNTRUSTED_PROXY: Once = Once::new();

/// Where the request comes from.
pub fn origin_of(request: &HttpRequest, trust_proxy: bool) -> Origin {
    let address = peer_of(request, trust_proxy);
    let is_forwarded = request.headers().contains_key(FORWARDED_FOR) || request.headers().contains_key("forwarded");
    if is_forwarded && !trust_proxy {
        UNTRUSTED_PROXY.call_once(|| {
            tracing::warn!(
                "requests come through a proxy, and LANDFALL_TRUST_PROXY is not set: failed logins of everybody behind it \
                 are counted together, and ten wrong passwords for a name close it to all of them"
            );
        });
    }
    Origin { address, is_this_machine: address.is_loopback() && !is_forwarded, client: client_of(request) }
}

/// The address that failures are counted for. Behind a trusted proxy it is the last entry of `X-Forwarded-For`, which
/// that proxy wrote; earlier entries anyone can make up.
pub fn peer_of(request: &HttpRequest, trust_proxy: bool) -> IpAddr {
    let direct = request.peer_addr().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip());
    if !trust_proxy {
        return direct;
    }
    let forwarded = request.headers().get_all(FORWARDED_FOR).last().and_then(|value| value.to_str().ok());
    forwarded.and_then(|list| list.rsplit(',').next()?.trim().parse().ok()).unwrap_or(direct)
}

fn client_of(request: &HttpRequest) -> Option<String> {
    let agent = request.headers().get(header::USER_AGENT)?.to_str().ok()?;
    let client: String = agent.chars().filter(|c| !c.is_control()).take(MAX_CLIENT_CHARS).collect();
    Some(client).filter(|client| !client.is_empty())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn forwarded_addresses_count_only_from_a_trusted_proxy() {
        let request = TestRequest::default()
            .peer_addr("192.0.2.1:5000".parse().unwrap())
            .insert_header((FORWARDED_FOR, "203.0.113.9, 198.51.100.7"))
            .to_http_request();
        assert_eq!(peer_of(&request, false), IpAddr::from([192, 0, 2, 1]));
        assert_eq!(peer_of(&request, true), IpAddr::from([198, 51, 100, 7]));
    }

    #[test]
    fn this_machine_is_one_without_a_proxy() {
        let request = |forwarded: bool| {
            let request = TestRequest::default().peer_addr("127.0.0.1:5000".parse().unwrap());
            let request = if forwarded { request.insert_header((FORWARDED_FOR, "198.51.100.7")) } else { request };
            request.to_http_request()
        };
        assert!(origin_of(&request(false), false).is_this_machine);
        assert!(!origin_of(&request(true), false).is_this_machine);
        assert!(!origin_of(&request(true), true).is_this_machine);
    }

    #[test]
    fn what_a_program_calls_itself_is_cut() {
        let long = "x".repeat(1_000);
        let request = TestRequest::default().insert_header((header::USER_AGENT, long.as_str())).to_http_request();
        assert_eq!(origin_of(&request, false).client.map(|client| client.len()), Some(MAX_CLIENT_CHARS));
    }
}
