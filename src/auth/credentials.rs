//! Usernames and passwords as parsed types, so that what breaks the rules never reaches the hasher or the store.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::auth::AuthError;

/// Characters of a username, at most.
pub const MAX_USERNAME_CHARS: usize = 64;
/// Stands for the caller in `/members/me`.
const RESERVED: &str = "me";
/// Characters of a password, at least (NIST SP 800-63B).
pub const MIN_PASSWORD_CHARS: usize = 8;
/// Characters of a password, at most: longer ones only cost time.
pub const MAX_PASSWORD_CHARS: usize = 1024;

/// A built-in account's name: `[a-z0-9][a-z0-9._@-]{0,63}`. Upper case is taken and stored as lower case, so that no
/// two accounts differ by case alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Username(String);

impl Username {
    /// Reads a name.
    ///
    /// # Errors
    /// `InvalidField` with the rule that it breaks.
    pub fn parse(raw: &str) -> Result<Self, AuthError> {
        let name = raw.to_ascii_lowercase();
        let invalid = |reason: String| AuthError::InvalidField { field: "username", reason };
        if name.is_empty() {
            return Err(invalid("must not be empty".to_owned()));
        }
        if name.chars().count() > MAX_USERNAME_CHARS {
            return Err(invalid(format!("must have at most {MAX_USERNAME_CHARS} characters")));
        }
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '@' | '-');
        if let Some(bad) = name.chars().find(|&c| !allowed(c)) {
            return Err(invalid(format!("may hold letters a to z, digits and . _ @ - only; it holds {bad:?}")));
        }
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Err(invalid("must start with a letter or a digit".to_owned()));
        }
        Ok(Self(name))
    }

    /// Reads a name for a new account: one that means something in a path is nobody's.
    ///
    /// # Errors
    /// As those of [`parse`](Self::parse).
    pub fn parse_new(raw: &str) -> Result<Self, AuthError> {
        let name = Self::parse(raw)?;
        if name.0 == RESERVED {
            return Err(AuthError::InvalidField {
                field: "username",
                reason: "is reserved; choose another".to_owned(),
            });
        }
        Ok(name)
    }

    /// The name in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A password of an allowed length. Never shown, wiped when dropped.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

impl Password {
    /// Reads a password that is to be set.
    ///
    /// # Errors
    /// `InvalidField` if it is too short or too long.
    pub fn parse(raw: &str) -> Result<Self, AuthError> {
        let invalid = |reason: String| Err(AuthError::InvalidField { field: "password", reason });
        let chars = raw.chars().count();
        if chars < MIN_PASSWORD_CHARS {
            return invalid(format!("must have at least {MIN_PASSWORD_CHARS} characters"));
        }
        if chars > MAX_PASSWORD_CHARS {
            return invalid(format!("must have at most {MAX_PASSWORD_CHARS} characters"));
        }
        Ok(Self(SecretString::from(raw)))
    }

    /// The bytes to hash.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_are_stored_in_lower_case() {
        assert_eq!(Username::parse("Ada.Lovelace@Example-1_x").unwrap().as_str(), "ada.lovelace@example-1_x");
        assert_eq!(Username::parse("7").unwrap().as_str(), "7");
        assert_eq!(Username::parse(&"a".repeat(64)).unwrap().as_str().len(), 64);
    }

    #[test]
    fn a_bad_username_is_refused_with_its_rule() {
        let too_long = "a".repeat(65);
        for (raw, says) in [
            ("", "must not be empty"),
            (too_long.as_str(), "at most 64"),
            (" ada", "it holds ' '"),
            ("ada ", "it holds ' '"),
            (".ada", "must start with"),
            ("-ada", "must start with"),
            ("ädä", "it holds 'ä'"),
            ("a/b", "it holds '/'"),
            ("a\0", "it holds '\\0'"),
        ] {
            let error = Username::parse(raw).unwrap_err().to_string();
            assert!(error.contains(says), "{raw:?}: {error}");
        }
    }

    #[test]
    fn passwords_are_counted_in_characters() {
        assert!(Password::parse("ääääääää").is_ok());
        assert!(Password::parse("1234567").is_err());
        assert!(Password::parse(&"ä".repeat(1024)).is_ok());
        assert!(Password::parse(&"a".repeat(1025)).is_err());
    }

    #[test]
    fn a_password_is_never_shown() {
        let shown = format!("{:?}", Password::parse("correct horse").unwrap());
        assert!(!shown.contains("horse"), "{shown}");
        let error = Password::parse("short").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("short\""), "{error:?}");
    }
}
