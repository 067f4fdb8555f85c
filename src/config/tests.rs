//! What a command line means, and which ones are refused with what words.

use std::ffi::OsString;

use super::options::{Cli, Command};
use super::*;

fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
    Cli::from_arguments(std::iter::once("landfall").chain(arguments.iter().copied()).map(OsString::from))
}

fn serve(arguments: &[&str]) -> Result<Config, ConfigError> {
    match parse(arguments).unwrap().command {
        Command::Serve(options) => Config::try_from(*options),
        other => panic!("{other:?}"),
    }
}

/// The one line that a user sees.
fn refusal(arguments: &[&str]) -> String {
    match parse(arguments) {
        Err(error) => error.to_string().lines().next().unwrap().to_owned(),
        Ok(_) => serve(arguments).unwrap_err().to_string(),
    }
}

#[test]
fn without_arguments_it_serves_with_the_published_defaults() {
    let config = serve(&[]).unwrap();
    assert_eq!(config.listen, "127.0.0.1:7001".parse().unwrap());
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.store, StoreConfig::default());
    assert_eq!(config.database.url, DatabaseUrl::Sqlite("./landfall-data/landfall.db".into()));
    assert_eq!(config.registration, RegistrationPolicy::Open);
    assert_eq!(config.user_rate.unwrap().operations_per_minute.get(), 60_000);
    assert_eq!(config.access_token_lifetime.as_secs(), 900);
    assert_eq!(config.refresh_token_lifetime.as_secs(), 2_592_000);
    assert_eq!(config.purge_interval.as_secs(), 3_600);
    assert!(config.provider.is_none() && config.cors_origins.is_empty());
}

#[test]
fn flags_alone_mean_serve() {
    assert_eq!(serve(&["--listen", "127.0.0.1:0"]).unwrap().listen.port(), 0);
    assert_eq!(serve(&["serve", "--max-operations", "7"]).unwrap().limits.max_operations, 7);
    assert!(serve(&["--rate-limit", "off"]).unwrap().user_rate.is_none());
}

#[test]
fn registration_is_closed_to_the_world_unless_opened() {
    assert_eq!(serve(&["--listen", "0.0.0.0:80"]).unwrap().registration, RegistrationPolicy::Closed);
    assert_eq!(serve(&["--listen", "[::1]:80"]).unwrap().registration, RegistrationPolicy::Open);
    let opened = serve(&["--listen", "0.0.0.0:80", "--registration", "open"]).unwrap();
    assert_eq!(opened.registration, RegistrationPolicy::Open);
}

#[test]
fn a_worker_gets_its_arguments_untouched() {
    let Command::YjsWorker { arguments } = parse(&["yjs-worker", "--max", "3", "-x"]).unwrap().command else {
        panic!("not a worker");
    };
    assert_eq!(arguments, ["--max", "3", "-x"]);
}

#[test]
fn receipts_never_outlive_by_tombstones() {
    let says = refusal(&["--receipt-retention-s", "10", "--tombstone-retention-s", "11"]);
    assert!(says.starts_with("LANDFALL_RECEIPT_RETENTION_S: 10 is less than"), "{says}");
    assert!(serve(&["--receipt-retention-s", "11", "--tombstone-retention-s", "11"]).is_ok());
}

#[test]
fn what_cannot_be_is_refused_in_one_line() {
    for (arguments, says) in [
        (vec!["--listen", "nowhere"], "use address:port"),
        (vec!["--max-operations", "0"], "whole number from 1"),
        (vec!["--max-in-flight-bytes", "83886079"], "less than eight times LANDFALL_MAX_BODY_BYTES (83886080)"),
        (vec!["--rate-limit", "many"], "or `off`"),
        (vec!["--log-format", "xml"], "invalid value 'xml'"),
        (vec!["--colour"], "unexpected argument '--colour'"),
        (vec!["srve"], "unrecognized subcommand 'srve'"),
        (vec!["--database-url", "mysql://db/x"], "LANDFALL_DATABASE_URL: "),
        (vec!["--jwt-secret", "short"], "at least 32 bytes"),
        (vec!["--jwks", "keys.json"], "LANDFALL_ISSUER: is needed"),
        (vec!["--jwks", "keys.json", "--issuer", "i"], "LANDFALL_AUDIENCE: is needed"),
        (vec!["--audience", "a"], "LANDFALL_JWKS: is missing"),
        (vec!["--jwks", "http://id.example/k", "--issuer", "i", "--audience", "a"], "must be https"),
        (vec!["--jwks", "http://localhost.evil/k", "--issuer", "i", "--audience", "a"], "must be https"),
        (vec!["--jwks", "ftp://id.example/k", "--issuer", "i", "--audience", "a"], "not ftp://"),
        (vec!["--cors-origins", "*"], "is not an origin"),
        (vec!["--cors-origins", "https://a.example,https://b.example/path"], "is not an origin"),
    ] {
        let refused = refusal(&arguments);
        assert!(refused.contains(says), "{arguments:?}: {refused}");
    }
}

#[test]
fn a_provider_is_a_file_or_a_trustworthy_url() {
    let source = |jwks| serve(&["--jwks", jwks, "--issuer", "i", "--audience", "a"]).unwrap().provider.unwrap().source;
    assert_eq!(source("keys.json"), JwksSource::File("keys.json".into()));
    for url in ["https://id.example/keys", "http://127.0.0.1:8080/keys", "http://localhost/keys", "http://[::1]/keys"] {
        assert_eq!(source(url), JwksSource::Url(url.to_owned()));
    }
}

#[test]
fn secrets_are_never_shown() {
    let config = serve(&[
        "--jwt-secret",
        "hunter2-hunter2-hunter2-hunter2-hunter2",
        "--database-url",
        "postgres://app:hunter2@db/notes",
    ])
    .unwrap();
    assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
    let Command::Serve(options) = parse(&["--database-url", "postgres://app:hunter2@db/notes"]).unwrap().command else {
        panic!("not serve");
    };
    assert!(!format!("{options:?}").contains("hunter2"));
    assert!(!refusal(&["--database-url", "mysql://app:hunter2@db/x"]).contains("hunter2"));
}
