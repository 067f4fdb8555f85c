//! Which database is meant: told by the URL alone, so that a mistyped Postgres URL never creates a SQLite file.

use std::fmt;
use std::path::PathBuf;

use crate::store::StoreError;

/// A database URL, understood. `Display` and `Debug` never show the password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file, made when absent.
    Sqlite(PathBuf),
    /// A libpq connection URL, as given.
    Postgres(String),
}

impl DatabaseUrl {
    /// Reads `sqlite:///absolute/path`, `sqlite://relative/path`, `postgres://…` or `postgresql://…`.
    ///
    /// # Errors
    /// `Open`, naming the accepted forms, for everything else.
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        const FORMS: &str =
            "use sqlite:///absolute/path, sqlite://relative/path or postgres://user:password@host/database";
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(StoreError::Open(format!("the database URL has no scheme: {FORMS}")));
        };
        match scheme {
            "sqlite" if rest.is_empty() => Err(StoreError::Open(format!("the sqlite URL has no path: {FORMS}"))),
            "sqlite" if rest.starts_with(":memory:") => Err(StoreError::Open(
                "in-memory SQLite is a database of its own for every connection, and nothing survives: name a file"
                    .into(),
            )),
            "sqlite" if rest.contains(['?', '#']) => {
                Err(StoreError::Open(format!("a sqlite URL is a path alone, without ? or #: {FORMS}")))
            }
            "sqlite" => Ok(Self::Sqlite(PathBuf::from(rest))),
            "postgres" | "postgresql" => Ok(Self::Postgres(url.to_owned())),
            _ => Err(StoreError::Open(format!("unknown database scheme {scheme:?}: {FORMS}"))),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(url) => f.write_str(&redacted(url)),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// How soon a silent server is given up: while connecting, when it acknowledges nothing of what was sent, and when it does
/// not even say that it is alive. libpq waits for hours by itself.
const LIMITS: [(&str, &str); 5] = [
    ("connect_timeout", "5"),
    ("tcp_user_timeout", "15000"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
];

/// A Postgres URL with these limits, where it does not set them itself.
pub(super) fn with_limits(url: &str) -> String {
    let mut limited = url.to_owned();
    for (name, value) in LIMITS {
        if parameter_of(url, name).is_none() {
            limited.push(if limited.contains('?') { '&' } else { '?' });
            limited.push_str(&format!("{name}={value}"));
        }
    }
    limited
}

/// The value of a parameter of a URL.
fn parameter_of<'a>(url: &'a str, name: &str) -> Option<&'a str> {
    let (_, parameters) = url.split_once('?')?;
    parameters.split('&').filter_map(|one| one.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The URL with another value of a parameter.
pub(super) fn set_parameter(url: &str, name: &str, value: &str) -> String {
    let (address, parameters) = url.split_once('?').unwrap_or((url, ""));
    let is_other = |one: &&str| !one.is_empty() && one.split_once('=').is_none_or(|(key, _)| key != name);
    let mut kept: Vec<String> = parameters.split('&').filter(is_other).map(str::to_owned).collect();
    kept.push(format!("{name}={value}"));
    format!("{address}?{}", kept.join("&"))
}

/// How long a URL lets the other side acknowledge nothing, in milliseconds.
pub(super) fn user_timeout_of(url: &str) -> u64 {
    const DEFAULT: u64 = 15_000;
    let given = parameter_of(url, "tcp_user_timeout").and_then(|value| value.parse().ok());
    given.filter(|given| *given > 0).unwrap_or(DEFAULT)
}

/// The URL without its password, be it before the host or among the parameters.
fn redacted(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let (address, parameters) = rest.split_once('?').map_or((rest, None), |(a, p)| (a, Some(p)));
    if !address.contains('@') && parameters.is_some_and(|parameters| parameters.contains('@')) {
        // A password with an unescaped question mark, perhaps: show nothing.
        return format!("{scheme}://***");
    }
    // The last @ ends the credentials, even where a password holds an unescaped one.
    let address = match address.rsplit_once('@') {
        Some((credentials, host)) => match credentials.split_once(':') {
            Some((user, _)) => format!("{user}:***@{host}"),
            None => address.to_owned(),
        },
        None => address.to_owned(),
    };
    let parameters = parameters.map(|parameters| {
        let shown: Vec<_> = parameters
            .split('&')
            .map(|parameter| match parameter.split_once('=') {
                Some((name, _)) if name.contains("password") => format!("{name}=***"),
                _ => parameter.to_owned(),
            })
            .collect();
        format!("?{}", shown.join("&"))
    });
    format!("{scheme}://{address}{}", parameters.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_are_told_by_scheme() {
        assert_eq!(DatabaseUrl::parse("sqlite:///var/lib/a.db").unwrap(), DatabaseUrl::Sqlite("/var/lib/a.db".into()));
        assert_eq!(DatabaseUrl::parse("sqlite://data/a.db").unwrap(), DatabaseUrl::Sqlite("data/a.db".into()));
        for url in ["postgres://h/d", "postgresql://a,b/d?target_session_attrs=read-write"] {
            assert_eq!(DatabaseUrl::parse(url).unwrap(), DatabaseUrl::Postgres(url.to_owned()));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for url in [
            "",
            "a.db",
            "/a.db",
            "postgre://h/d",
            "mysql://h/d",
            "sqlite:a.db",
            "sqlite://",
            "sqlite://:memory:",
            "sqlite://a.db?mode=ro",
            "postgres:h/d",
        ] {
            assert!(matches!(DatabaseUrl::parse(url), Err(StoreError::Open(_))), "{url}");
        }
    }

    #[test]
    fn a_silent_server_is_given_up_unless_the_url_says_otherwise() {
        let limits = "tcp_user_timeout=15000&keepalives_idle=10&keepalives_interval=5&keepalives_count=3";
        assert_eq!(with_limits("postgres://h/d"), format!("postgres://h/d?connect_timeout=5&{limits}"));
        let own = "postgres://a,b/d?connect_timeout=60&target_session_attrs=read-write";
        assert_eq!(with_limits(own), format!("{own}&{limits}"));
    }

    #[test]
    fn passwords_are_never_shown() {
        for url in [
            "postgres://ada:s3cret@h:1/d",
            "postgres://ada:s3c@s3cret@h/d",
            "postgres://h:s3c?ret@h/d",
            "postgres://h/d?user=ada&password=s3cret",
            "postgres://ada:s3cret@h/d?sslpassword=s3cret&a=b",
        ] {
            let parsed = DatabaseUrl::parse(url).unwrap();
            for shown in [parsed.to_string(), format!("{parsed:?}")] {
                assert!(!shown.contains("s3c"), "{shown}");
                assert!(shown.contains("***"), "{shown}");
            }
        }
        assert_eq!(DatabaseUrl::parse("postgres://ada@h/d").unwrap().to_string(), "postgres://ada@h/d");
    }
}
