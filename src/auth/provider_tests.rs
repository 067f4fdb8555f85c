//! Tokens of an outside provider: good ones of each algorithm, and the known ways to cheat.

use std::io::Write;
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::*;
use crate::auth::test_keys::{self, jwk_of};

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

fn claims() -> Value {
    json!({ "sub": "user|1", "iss": "https://id.example", "aud": ["notes", "landfall-api"], "exp": 1_800_000_600,
        "preferred_username": "Ada" })
}

fn sign(claims: &Value, key: &EncodingKey, algorithm: Algorithm, kid: &str) -> String {
    encode(&Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) }, claims, key).unwrap()
}

fn set() -> Value {
    json!({ "keys": [
        jwk_of(&test_keys::rsa(), Algorithm::RS256, "r"),
        jwk_of(&test_keys::ec(), Algorithm::ES256, "e"),
        jwk_of(&test_keys::ed(), Algorithm::EdDSA, "d"),
    ] })
}

fn config(source: JwksSource) -> ProviderConfig {
    ProviderConfig { source, issuer: "https://id.example".to_owned(), audience: "landfall-api".to_owned() }
}

/// A provider with its keys in a file; the file lives as long as the second value.
fn provider() -> (Arc<Provider>, tempfile::NamedTempFile) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(set().to_string().as_bytes()).unwrap();
    let provider = Provider::new(config(JwksSource::File(file.path().to_owned())));
    assert_eq!(provider.fetch().unwrap(), 3);
    (Arc::new(provider), file)
}

async fn refusal(provider: &Arc<Provider>, token: &str) -> String {
    match provider.verify(token, NOW).await {
        Err(AuthError::Token(error)) => error.to_string(),
        other => panic!("not refused as a token: {other:?}"),
    }
}

#[tokio::test]
async fn a_token_of_each_algorithm_is_good() {
    let (provider, _file) = provider();
    for (key, algorithm, kid) in [
        (test_keys::rsa(), Algorithm::RS256, "r"),
        (test_keys::ec(), Algorithm::ES256, "e"),
        (test_keys::ed(), Algorithm::EdDSA, "d"),
    ] {
        let who = provider.verify(&sign(&claims(), &key, algorithm, kid), NOW).await.unwrap();
        assert_eq!((who.subject.as_str(), who.preferred_name.as_deref()), ("user|1", Some("Ada")));
        assert_eq!(who.issuer, "https://id.example");
        let expiry = claims()["exp"].as_i64().unwrap();
        assert_eq!(who.expires_at, Timestamp(0).plus_seconds(expiry + LEEWAY_S), "until it is refused");
    }
}

#[tokio::test]
async fn the_algorithm_is_the_keys_and_never_the_tokens() {
    let (provider, _file) = provider();
    // The classic: the public key, as everyone can read it, used as an HMAC secret.
    let public = set()["keys"][0]["n"].as_str().unwrap().to_owned();
    let secret = EncodingKey::from_secret(public.as_bytes());
    let token = sign(&claims(), &secret, Algorithm::HS256, "r");
    assert!(refusal(&provider, &token).await.contains("no key"));

    for algorithm in ["none", "NONE"] {
        let header = URL_SAFE_NO_PAD.encode(json!({ "alg": algorithm, "kid": "r" }).to_string());
        let token = format!("{header}.{}.", URL_SAFE_NO_PAD.encode(claims().to_string()));
        assert!(refusal(&provider, &token).await.contains("not valid"));
    }
    let token = sign(&claims(), &test_keys::rsa(), Algorithm::PS256, "r");
    assert!(refusal(&provider, &token).await.contains("no key"));
    let token = sign(&claims(), &test_keys::ec(), Algorithm::ES256, "r");
    assert!(refusal(&provider, &token).await.contains("no key"));
}

#[tokio::test]
async fn a_signature_by_another_key_is_refused() {
    let (provider, _file) = provider();
    let token = sign(&claims(), &test_keys::rsa(), Algorithm::RS256, "r");
    let (message, signature) = token.rsplit_once('.').unwrap();
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    bytes[10] ^= 1;
    let forged = format!("{message}.{}", URL_SAFE_NO_PAD.encode(bytes));
    assert!(refusal(&provider, &forged).await.contains("signature"));
}

#[tokio::test]
async fn issuer_audience_and_times_are_checked() {
    let (provider, _file) = provider();
    for (claim, value, says) in [
        ("iss", json!("https://evil.example"), "issuer"),
        ("aud", json!("notes"), "audience"),
        ("exp", json!(1_799_999_900), "expired"),
        ("nbf", json!(1_800_000_100), "not valid yet"),
        ("sub", json!(""), "subject"),
        ("sub", json!("a\0b"), "subject"),
    ] {
        let mut bad = claims();
        bad[claim] = value;
        let token = sign(&bad, &test_keys::ed(), Algorithm::EdDSA, "d");
        let refused = refusal(&provider, &token).await;
        assert!(refused.contains(says), "{claim}: {refused}");
    }
    for claim in ["iss", "aud", "exp", "sub"] {
        let mut bad = claims();
        bad.as_object_mut().unwrap().remove(claim);
        let token = sign(&bad, &test_keys::ed(), Algorithm::EdDSA, "d");
        refusal(&provider, &token).await;
    }
}

/// Serves one body after the other, counting; the last one for ever.
fn serve(bodies: Vec<String>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _request = std::io::Read::read(&mut stream, &mut [0; 4096]).unwrap();
            let n = count.fetch_add(1, Ordering::SeqCst);
            let body = &bodies[n.min(bodies.len() - 1)];
            // A reader that stops at its limit may have hung up already.
            let _sent =
                write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        }
    });
    (url, served)
}

#[tokio::test]
async fn an_unknown_key_makes_one_fetch_a_minute_at_most() {
    let before = json!({ "keys": [jwk_of(&test_keys::ec(), Algorithm::ES256, "e")] }).to_string();
    let (url, served) = serve(vec![before, set().to_string()]);
    let provider = Arc::new(Provider::new(config(JwksSource::Url(url))));
    let old = sign(&claims(), &test_keys::ec(), Algorithm::ES256, "e");
    assert!(provider.verify(&old, NOW).await.is_ok(), "the first token fetches");
    let rotated = sign(&claims(), &test_keys::ed(), Algorithm::EdDSA, "d");
    for _ in 0..3 {
        refusal(&provider, &rotated).await;
    }
    assert_eq!(served.load(Ordering::SeqCst), 1);

    provider.fetch_if_older(Duration::ZERO).unwrap();
    assert!(provider.verify(&rotated, NOW).await.is_ok(), "once a minute has passed, the new key is there");
    assert_eq!(served.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_failed_fetch_keeps_the_keys() {
    let (url, _served) = serve(vec![set().to_string(), "<html>".to_owned()]);
    let provider = Arc::new(Provider::new(config(JwksSource::Url(url))));
    provider.fetch().unwrap();
    assert!(matches!(provider.fetch(), Err(AuthError::ProviderUnavailable(_))));
    let token = sign(&claims(), &test_keys::ec(), Algorithm::ES256, "e");
    assert!(provider.verify(&token, NOW).await.is_ok());
}

#[tokio::test]
async fn without_keys_tokens_are_not_judged() {
    let provider = Arc::new(Provider::new(config(JwksSource::File("/nonexistent/jwks.json".into()))));
    let token = sign(&claims(), &test_keys::ec(), Algorithm::ES256, "e");
    for _ in 0..2 {
        let outcome = provider.verify(&token, NOW).await;
        assert!(matches!(outcome, Err(AuthError::ProviderUnavailable(_))), "{outcome:?}");
    }
}

#[test]
fn a_key_set_without_end_is_not_read_to_the_end() {
    let (url, _served) = serve(vec![format!("{}{}", " ".repeat(2 * 1024 * 1024), set())]);
    let failure = Provider::new(config(JwksSource::Url(url))).fetch().unwrap_err().to_string();
    assert!(failure.contains("larger than 1 MiB"), "{failure}");
}

/// RFC 7515 §4.1.11: an extension that must be understood, and is not. The signature is good.
#[tokio::test]
async fn a_critical_extension_is_refused() {
    let (provider, _file) = provider();
    for critical in [vec!["b64".to_owned()], vec!["https://id.example/bound".to_owned()], Vec::new()] {
        let header = Header { kid: Some("e".to_owned()), crit: Some(critical), ..Header::new(Algorithm::ES256) };
        let token = encode(&header, &claims(), &test_keys::ec()).unwrap();
        let refused = refusal(&provider, &token).await;
        assert!(refused.contains("extension"), "{refused}");
    }
}
